// SPDX-License-Identifier: Apache-2.0
#include "userspace/message.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/text.h"

/* an app's connect() may say it: from ERESTARTSYS on they are the kernel's own */
#define MESSAGE_ERRNO_MAX 511

#define MESSAGE_SHORT offsetof(struct message, record)

/* what goes with each type: anything else is no message */
static const struct message_form {
	size_t size;
	size_t fds_min, fds_max;
} message_forms[] = {
	[MESSAGE_RECORD] = { sizeof(struct message), 0, 0 },
	[MESSAGE_RETAG] = { MESSAGE_SHORT, 1, 1 },
	[MESSAGE_DEPART] = { MESSAGE_SHORT, 1, 2 },
	[MESSAGE_SESSION] = { sizeof(struct message), 2, 3 },
	[MESSAGE_RELAY] = { MESSAGE_SHORT, 2, 2 },
	[MESSAGE_CARRY] = { MESSAGE_SHORT + sizeof(struct carry), 2, 2 },
	[MESSAGE_FORGET] = { MESSAGE_SHORT, 1, 1 },
	[MESSAGE_END] = { MESSAGE_SHORT + sizeof(struct message_end), 0, 1 },
	[MESSAGE_LET_GO] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_UNDONE] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_RETIRED] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_JUDGED] = { sizeof(struct message), 0, 0 },
	[MESSAGE_ANSWER] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_LISTEN] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_RETIRE] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_ORDER] = { MESSAGE_SHORT + sizeof(struct message_order), 0, 0 },
	[MESSAGE_CANCEL] = { MESSAGE_SHORT, 0, 0 },
	[MESSAGE_JUDGE] = { MESSAGE_SHORT + sizeof(struct message_judge), 1, 1 },
	[MESSAGE_DENIED] = { MESSAGE_SHORT + sizeof(struct message_denied), 1, 1 },
};
_Static_assert(sizeof(message_forms) / sizeof(message_forms[0]) == MESSAGE_TYPE_COUNT,
	       "every type has a form");

static bool message_fds_fit(enum message_type type, size_t count)
{
	return count >= message_forms[type].fds_min && count <= message_forms[type].fds_max;
}

int message_send(int socket, const struct message *message, const int *fds, size_t fd_count)
{
	if (!message_fds_fit(message->type, fd_count))
		return -EINVAL;
	return packet_send(socket, message, message_forms[message->type].size, fds, fd_count);
}

static bool message_sound(const struct message *message, size_t size, size_t fd_count)
{
	if (size < MESSAGE_SHORT || message->type >= MESSAGE_TYPE_COUNT)
		return false;
	if (size != message_forms[message->type].size || !message_fds_fit(message->type, fd_count))
		return false;
	/* what was ordered has no app's socket, and nothing else is without one */
	if (message->type == MESSAGE_DEPART && fd_count != (message->order ? 1 : 2))
		return false;
	if (message->type == MESSAGE_SESSION && fd_count != (message->order ? 2 : 3))
		return false;
	switch (message->type) {
	case MESSAGE_UNDONE:
		return message->error <= 0 && message->error >= -MESSAGE_ERRNO_MAX;
	case MESSAGE_RECORD:
	case MESSAGE_SESSION:
	case MESSAGE_JUDGED:
		return record_check(&message->record) == 0;
	case MESSAGE_JUDGE:
		return direction_name(message->judge.direction) &&
		       text_is_printable(message->judge.line, sizeof(message->judge.line));
	case MESSAGE_END:
		return text_is_printable(message->end.why, sizeof(message->end.why));
	case MESSAGE_CARRY:
		return carry_is_sound(&message->carry);
	default:
		return true;
	}
}

int message_receive(int socket, struct message *message, int fds[PACKET_FDS_MAX])
{
	size_t size, count;
	int err;

	err = packet_receive(socket, message, sizeof(*message), &size, fds, &count);
	if (err)
		return err;
	if (message_sound(message, size, count))
		return 0;
	packet_drop_fds(fds);
	return -EBADMSG;
}
