// SPDX-License-Identifier: Apache-2.0
/*
 * A worker that was taken over: the test stops it, takes its channel to the main process and the
 * sockets that it has, and speaks in its place. What such a worker must not be able to do is in
 * docs/architecture.md: it opens the gate of no socket but those that it was given to judge, each
 * once, and writes nothing into the log that says otherwise.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "tests/e2e/captive.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/fd.h"
#include "userspace/message.h"
#include "userspace/presented.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define ENDED INT_MIN /* no answer: main has done with the worker */
#define UNANSWERED INT_MAX

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(liar) {
	struct daemon agent;
	struct plain_app app;
	struct peer *other; /* whose session is not this worker's */
	struct peer *victim; /* has said nothing yet, and is in its handshake */
	pid_t worker;
	int channel, socket; /* the worker's, to the main process and to the victim */
	int presented, to_app;
	struct message message; /* the truth, so far */
	int fds[3];
	size_t fd_count;
};

/* The worker that has the victim's socket, stopped. */
static void take_over(FIXTURE_DATA(liar) *self)
{
	const char *client = peer_result(self->victim)->local;
	long long limit = process_now_ms() + LIMIT_MS;
	pid_t workers[DAEMON_WORKERS_MAX];

	while (self->socket < 0 && process_now_ms() < limit) {
		int count = daemon_workers(&self->agent, workers);

		for (int i = 0; i < count && self->socket < 0; i++) {
			self->worker = workers[i];
			self->socket = captive_socket(self->worker, client);
		}
	}
	ASSERT_LE(0, self->socket);
	ASSERT_OK(kill(self->worker, SIGSTOP));
	self->channel = captive_channel(self->worker);
	ASSERT_LE(0, self->channel);
}

/*
 * A session of the other worker: the kernel wakes one of those that wait (EPOLLEXCLUSIVE), and
 * where that is the stopped one the next time another.
 */
static void open_other(FIXTURE_DATA(liar) *self)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *first;

	options.without_handshake = true;
	ASSERT_OK(peer_open(&options, &first));
	options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	ASSERT_OK(peer_open(&options, &self->other));
	ASSERT_OK(peer_step(self->other, "echo:10"));
	peer_free(first);
}

/* What the worker would say of the victim, had it shown a good certificate. */
static void tell_truth(FIXTURE_DATA(liar) *self)
{
	_cleanup_(presented_free) struct presented presented = { 0 };
	struct record *record = &self->message.record;
	socklen_t len = sizeof(self->message.cookie);

	self->message = (struct message){
		.type = MESSAGE_SESSION,
		.record = {
			.event = RECORD_ACCEPTED,
			.function = FUNCTION_SIP_LINE,
			.level = LEVEL_MEDIUM,
			.reason = "every check of level medium holds",
			.verdict = { .accepted = true, .level = LEVEL_MEDIUM, .reason = "accepted" },
		},
	};
	ASSERT_OK(getsockopt(self->socket, SOL_SOCKET, SO_COOKIE, &self->message.cookie, &len));
	record->cookie = self->message.cookie;
	snprintf(record->line, sizeof(record->line), "medium-%d", DAEMON_PORT);
	ASSERT_GT((int)sizeof(record->peer), snprintf(record->peer, sizeof(record->peer), "%s",
						      peer_result(self->victim)->local));
	snprintf(record->local, sizeof(record->local), "127.0.0.1:%d", DAEMON_PORT);
	ASSERT_OK(presented_pack(NULL, NULL, (struct staple){ 0 }, &presented));
	self->presented = presented_seal(&presented);
	ASSERT_LE(0, self->presented);
	self->fds[0] = self->socket;
	self->fds[1] = self->to_app;
	self->fds[2] = self->presented;
	self->fd_count = 3;
}

FIXTURE_VARIANT(liar) {
	void (*lie)(FIXTURE_DATA(liar) *self);
	int answer; /* 0, -errno, UNANSWERED or ENDED */
	bool opens;
};

FIXTURE_SETUP(liar)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	self->channel = self->socket = self->presented = self->to_app = -1;
	daemon_start(&self->agent, &(struct daemon_options){ .settings = "workers = 2" });
	plain_app_start(&self->app, DAEMON_PORT, "echo");
	options.without_handshake = true;
	ASSERT_OK(peer_open(&options, &self->victim));
	self->to_app = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_OK(bind(self->to_app, (struct sockaddr *)&any, sizeof(any)));
	take_over(self);
	open_other(self);
	tell_truth(self);
}

FIXTURE_TEARDOWN(liar)
{
	if (harness_has_failed())
		daemon_explain(&self->agent);
	if (self->worker > 0)
		kill(self->worker, SIGCONT);
	peer_free(self->other);
	peer_free(self->victim);
	close(self->channel);
	close(self->socket);
	close(self->presented);
	close(self->to_app);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
	process_end(self->app.pid, SIGKILL, LIMIT_MS);
}

static void say(FIXTURE_DATA(liar) *self)
{
	ASSERT_OK(message_send(self->channel, &self->message, self->fds, self->fd_count));
}

/* the same facts as another message, with so many of the descriptors */
static void say_as(FIXTURE_DATA(liar) *self, enum message_type type, size_t fd_count)
{
	self->message.type = type;
	self->fd_count = fd_count;
	say(self);
}

/* a message without anything beside it */
static void say_alone(FIXTURE_DATA(liar) *self, struct message message)
{
	self->message = message;
	self->fd_count = 0;
	say(self);
}

static int hear(FIXTURE_DATA(liar) *self, int limit_ms)
{
	struct pollfd ready = { .fd = self->channel, .events = POLLIN };
	struct message answer;
	int fds[PACKET_FDS_MAX], err;

	while (poll(&ready, 1, limit_ms) > 0) {
		err = message_receive(self->channel, &answer, fds);
		packet_drop_fds(fds);
		if (err)
			return ENDED;
		if (answer.type == MESSAGE_ANSWER)
			return answer.error;
	}
	return UNANSWERED;
}

static void truth(FIXTURE_DATA(liar) *self)
{
	say(self);
}

static void twice(FIXTURE_DATA(liar) *self)
{
	say(self);
	ASSERT_EQ(0, hear(self, LIMIT_MS));
	say(self);
}

static void of_another_cookie(FIXTURE_DATA(liar) *self)
{
	self->message.cookie++;
	self->message.record.cookie++;
	say(self);
}

static void record_of_another_cookie(FIXTURE_DATA(liar) *self)
{
	self->message.record.cookie++;
	say(self);
}

static void of_another_peer(FIXTURE_DATA(liar) *self)
{
	snprintf(self->message.record.peer, sizeof(self->message.record.peer), "127.0.0.1:1");
	say(self);
}

static void of_another_line(FIXTURE_DATA(liar) *self)
{
	snprintf(self->message.record.line, sizeof(self->message.record.line), "low-%d", DAEMON_PORT);
	say(self);
}

static void of_another_level(FIXTURE_DATA(liar) *self)
{
	self->message.record.level = LEVEL_HIGH_REMOTE;
	say(self);
}

static void of_another_function(FIXTURE_DATA(liar) *self)
{
	self->message.record.function = FUNCTION_ADMIN;
	say(self);
}

/* observed, on a line that enforces */
static void observed(FIXTURE_DATA(liar) *self)
{
	self->message.record.event = RECORD_OBSERVED;
	self->message.record.verdict.accepted = false;
	say(self);
}

static void refused(FIXTURE_DATA(liar) *self)
{
	self->message.record.event = RECORD_REFUSED;
	say(self);
}

/* a socket that nobody dialled */
static void of_own_socket(FIXTURE_DATA(liar) *self)
{
	socklen_t len = sizeof(self->message.cookie);

	self->fds[0] = self->to_app;
	ASSERT_OK(getsockopt(self->to_app, SOL_SOCKET, SO_COOKIE, &self->message.cookie, &len));
	self->message.record.cookie = self->message.cookie;
	say(self);
}

static void that_was_never_ordered(FIXTURE_DATA(liar) *self)
{
	self->message.order = 77;
	self->fds[1] = self->presented;
	self->fd_count = 2;
	say(self);
}

/* what the peer presented could be changed afterwards */
static void with_open_memory(FIXTURE_DATA(liar) *self)
{
	int fd = (int)syscall(SYS_memfd_create, "presented", 0);

	ASSERT_LE(0, fd);
	self->fds[2] = fd;
	say(self);
	close(fd);
}

static void acceptance_without_socket(FIXTURE_DATA(liar) *self)
{
	say_as(self, MESSAGE_RECORD, 0);
}

/* it has not been verified */
static void relay_first(FIXTURE_DATA(liar) *self)
{
	say_as(self, MESSAGE_RELAY, 2);
}

static void depart(FIXTURE_DATA(liar) *self)
{
	say_as(self, MESSAGE_DEPART, 2);
}

static void retired_unasked(FIXTURE_DATA(liar) *self)
{
	say_as(self, MESSAGE_RETIRED, 0);
}

static void what_main_says(FIXTURE_DATA(liar) *self)
{
	say_as(self, MESSAGE_LISTEN, 0);
}

static void garbage(FIXTURE_DATA(liar) *self)
{
	ASSERT_EQ(64, send(self->channel, self->message.record.reason, 64, 0));
}

static uint64_t cookie_of_other(FIXTURE_DATA(liar) *self)
{
	json_t *record = daemon_record(&self->agent, "accepted", peer_result(self->other)->local);
	uint64_t cookie = (uint64_t)journal_number(record, "cookie");

	json_decref(record);
	ASSERT_NE(0, cookie);
	return cookie;
}

/* of a session that a carrier, or another worker, has */
static void end_of_another(FIXTURE_DATA(liar) *self)
{
	say_alone(self, (struct message){ .type = MESSAGE_END, .cookie = cookie_of_other(self) });
}

static void let_go_of_another(FIXTURE_DATA(liar) *self)
{
	say_alone(self, (struct message){ .type = MESSAGE_LET_GO, .cookie = cookie_of_other(self) });
}

static void undone_without_order(FIXTURE_DATA(liar) *self)
{
	say_alone(self, (struct message){ .type = MESSAGE_UNDONE, .order = 77 });
}

static void judged_unasked(FIXTURE_DATA(liar) *self)
{
	self->message.record.event = RECORD_REFUSED;
	self->message.record.verdict.accepted = false;
	say_as(self, MESSAGE_JUDGED, 0);
}

#define LIE(name, answered)                                                                        \
	FIXTURE_VARIANT_ADD(liar, name) {                                                          \
		.lie = name, .answer = (answered),                                                 \
	};

FIXTURE_VARIANT_ADD(liar, truth) { .lie = truth, .opens = true };
FIXTURE_VARIANT_ADD(liar, twice) { .lie = twice, .answer = ENDED, .opens = true };
LIE(of_another_cookie, ENDED)
LIE(record_of_another_cookie, ENDED)
LIE(of_another_peer, ENDED)
LIE(of_another_line, ENDED)
LIE(of_another_level, ENDED)
LIE(of_another_function, ENDED)
LIE(observed, ENDED)
LIE(refused, ENDED)
LIE(of_own_socket, -ENOTCONN)
LIE(that_was_never_ordered, -ECANCELED)
LIE(with_open_memory, ENDED)
LIE(acceptance_without_socket, ENDED)
LIE(relay_first, ENDED)
LIE(depart, -ENOENT)
LIE(retired_unasked, ENDED)
LIE(what_main_says, ENDED)
LIE(garbage, ENDED)
LIE(end_of_another, UNANSWERED)
LIE(let_go_of_another, UNANSWERED)
LIE(undone_without_order, UNANSWERED)
LIE(judged_unasked, ENDED)

static bool is_verified(const FIXTURE_DATA(liar) *self)
{
	char path[PROCESS_PATH_MAX + 32];
	struct tag tag = { 0 };

	snprintf(path, sizeof(path), "%s/tags", self->agent.pins);

	_cleanup_fd_ int tags = bpf_obj_get(path);

	ASSERT_LE(0, tags);
	/* without a tag it is not even in its handshake */
	return bpf_map_lookup_elem(tags, &self->socket, &tag) == 0 && tag.state == STATE_VERIFIED;
}

/* Nothing comes of it, and it costs nobody else anything. */
TEST_F(liar, goes_no_further)
{
	const bool ended = variant->answer == ENDED;
	const char *client = peer_result(self->victim)->local;
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *good;

	variant->lie(self);
	EXPECT_EQ(variant->answer, hear(self, variant->answer == UNANSWERED ? 100 * harness_time_scale() :
									      LIMIT_MS));
	/* what was opened by the first word of it stays so for as long as this test has the socket */
	EXPECT_EQ(variant->opens, is_verified(self));
	EXPECT_EQ(variant->opens, journal_count(self->agent.audit,
						JOURNAL_WANT({ "event", "accepted" }, { "peer", client })));
	for (long long limit = process_now_ms() + LIMIT_MS;
	     ended && process_lives(self->worker) && process_now_ms() < limit;)
		process_sleep_ms(5);
	EXPECT_EQ(!ended, process_lives(self->worker));
	kill(self->worker, SIGCONT);
	ASSERT_OK(peer_open(&options, &good));
	EXPECT_OK(peer_step(good, "echo:10"));
	peer_free(good);
	EXPECT_OK(peer_step(self->other, "echo:10"));
	EXPECT_EQ(0, journal_count(self->agent.audit,
				   JOURNAL_WANT({ "event", "ended" },
						{ "peer", peer_result(self->other)->local })));
}

HARNESS_MAIN
