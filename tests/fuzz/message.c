// SPDX-License-Identifier: Apache-2.0
/* What a worker that was taken over may write to the main process. */
#include "tests/fuzz/message.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/target.h"
#include "userspace/message.h"

enum {
	MESSAGE_BYTES_MAX = 2 * sizeof(struct message),
	MESSAGE_FDS_SENT_MAX = PACKET_FDS_MAX + 1,
	MESSAGE_CONTROL_MAX = CMSG_SPACE(MESSAGE_FDS_SENT_MAX * sizeof(int)),
};

static void message_send_bytes(int socket, const uint8_t *data, size_t len, size_t fd_count)
{
	_Alignas(struct cmsghdr) char control[MESSAGE_CONTROL_MAX] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (size_t i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &socket, sizeof(int));
	}
	REQUIRE(sendmsg(socket, &msg, MSG_NOSIGNAL) == (ssize_t)len);
}

static void message_require_verdict(const struct verdict *verdict)
{
	REQUIRE(verdict->result_count <= CHECK_COUNT && verdict->note_count <= VERDICT_NOTES_MAX);
	REQUIRE_TEXT_OR_EMPTY(verdict->reason);
	REQUIRE(refusal_name(verdict->refusal));
	for (size_t i = 0; i < verdict->result_count; i++) {
		const struct check_result *result = &verdict->results[i];

		REQUIRE(check_name(result->check) && outcome_name(result->outcome));
		REQUIRE_TEXT_OR_EMPTY(result->reason);
	}
	for (size_t i = 0; i < verdict->note_count; i++)
		REQUIRE_TEXT_OR_EMPTY(verdict->notes[i]);
}

static void message_require_texts(const struct record *record)
{
	REQUIRE_TEXT_OR_EMPTY(record->resumed);
	REQUIRE_TEXT_OR_EMPTY(record->line);
	REQUIRE_TEXT_OR_EMPTY(record->peer);
	REQUIRE_TEXT_OR_EMPTY(record->local);
	REQUIRE_TEXT_OR_EMPTY(record->reason);
	REQUIRE_TEXT_OR_EMPTY(record->alert);
	REQUIRE_TEXT_OR_EMPTY(record->tls);
	REQUIRE_TEXT_OR_EMPTY(record->cipher);
	REQUIRE_TEXT_OR_EMPTY(record->ktls);
	REQUIRE_TEXT_OR_EMPTY(record->subject);
	REQUIRE_TEXT_OR_EMPTY(record->issuer);
	REQUIRE_TEXT_OR_EMPTY(record->fingerprint);
}

/* everything that the main process does with a record */
static void message_require_record(const struct record *record)
{
	message_require_texts(record);
	message_require_verdict(&record->verdict);

	json_t *json = record_to_json(record);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	REQUIRE(json && text && !strchr(text, '\n'));
	REQUIRE(json_string_value(json_object_get(json, "event")));
	REQUIRE(json_string_value(json_object_get(json, "time")));
	REQUIRE(record_reason_key(record));
	REQUIRE(record->event != RECORD_ACCEPTED || record->verdict.accepted);
	free(text);
	json_decref(json);
}

static void message_require_sound(const struct message *message, size_t len, size_t fd_count)
{
	size_t body = offsetof(struct message, record);

	REQUIRE(message->type >= 0 && message->type < MESSAGE_TYPE_COUNT);
	REQUIRE(fd_count <= PACKET_FDS_MAX && len >= body && len <= sizeof(*message));
	switch (message->type) {
	case MESSAGE_SESSION:
		REQUIRE(fd_count == (message->order ? 2 : 3));
		/* fall through */
	case MESSAGE_RECORD:
	case MESSAGE_JUDGED:
		REQUIRE(len == sizeof(*message));
		message_require_record(&message->record);
		break;
	case MESSAGE_END:
		REQUIRE(strnlen(message->end.why, sizeof(message->end.why)) <
			sizeof(message->end.why));
		break;
	case MESSAGE_CARRY:
		REQUIRE(fd_count == 2 && len == body + sizeof(message->carry));
		REQUIRE(ktls_cipher_find(message->carry.version, message->carry.suite));
		REQUIRE(message->carry.record_size && message->carry.record_size <= 16384);
		REQUIRE(message->carry.can_rekey <= 1 && message->carry.is_client <= 1);
		break;
	case MESSAGE_DEPART:
		REQUIRE(fd_count == (message->order ? 1 : 2));
		break;
	case MESSAGE_UNDONE:
		REQUIRE(message->error <= 0 && message->error > -512);
		break;
	case MESSAGE_ORDER:
		REQUIRE(len == body + sizeof(message->what));
		break;
	case MESSAGE_JUDGE:
		REQUIRE(fd_count == 1 && direction_name(message->judge.direction));
		REQUIRE(strnlen(message->judge.line, sizeof(message->judge.line)) <
			sizeof(message->judge.line));
		break;
	case MESSAGE_DENIED:
		REQUIRE(fd_count == 1 && len == body + sizeof(message->denied));
		break;
	default:
		REQUIRE(len == body);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int sockets[2], first_free;
	struct message message;
	struct message_head head;
	int fds[PACKET_FDS_MAX];

	if (!first_free) {
		REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0);
		first_free = dup(0);
		close(first_free);
	}
	target_take(&data, &len, &head, sizeof(head));
	if (len > MESSAGE_BYTES_MAX)
		len = MESSAGE_BYTES_MAX;

	size_t sent = head.fds % (MESSAGE_FDS_SENT_MAX + 1), got = 0;

	message_send_bytes(sockets[0], data, len, sent);

	int err = message_receive(sockets[1], &message, fds);

	for (size_t i = 0; i < PACKET_FDS_MAX; i++) {
		got += fds[i] >= 0;
		if (fds[i] >= 0)
			close(fds[i]);
	}
	if (err) {
		REQUIRE(err == -EBADMSG || (err == -EPIPE && !len));
		REQUIRE(!got);
	} else {
		REQUIRE(got == sent);
		message_require_sound(&message, len, got);
	}
	/* no descriptor stays behind */
	int free_now = dup(0);

	close(free_now);
	REQUIRE(free_now == first_free);
	return 0;
}
