// SPDX-License-Identifier: Apache-2.0
/*
 * A carrier alone, with a keeper and main processes that the test plays. Its
 * sessions are plain TCP: what passes through them does not matter here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"
#include "userspace/carrier.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/ledger.h"

#define NOBODY 65534
#define SPARE_FDS 64 /* as of carrier.c */
#define WAIT_MS (5000 * harness_time_scale())
#define SESSIONS 40
#define SMALL_BUFFER 4608

FIXTURE(carrier) {
	struct beat *beat;
	int keeper; /* the test's end */
	int agent; /* the main process's; -1 */
	int listener;
	int peers[SESSIONS], apps[SESSIONS]; /* the other ends of its sockets */
	pid_t pid;
	struct handover last; /* message */
};

FIXTURE_VARIANT(carrier) {
	unsigned int room; /* sessions */
};

FIXTURE_VARIANT_ADD(carrier, roomy) {
	.room = 2 * SESSIONS,
};

FIXTURE_VARIANT_ADD(carrier, narrow) {
	.room = SESSIONS,
};

static _Noreturn void become_carrier(FIXTURE_DATA(carrier) *self, int keeper, unsigned int room)
{
	const rlim_t fds = SPARE_FDS + 2 * room;
	const struct rlimit limit = { fds, fds };
	const struct carrier_setup setup = { keeper, self->beat, NOBODY, NOBODY };
	const int kept[] = { keeper, STDERR_FILENO };

	fd_close_others(kept, 2);
	setrlimit(RLIMIT_NOFILE, &limit);
	_exit(carrier_run(&setup) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void expect(int from, enum handover_side side, FIXTURE_DATA(carrier) *self,
		   enum handover_type type)
{
	struct pollfd wait = { .fd = from, .events = POLLIN };
	int fds[PACKET_FDS_MAX];

	ASSERT_EQ(1, poll(&wait, 1, (int)WAIT_MS));
	ASSERT_OK(handover_receive(from, side, &self->last, fds));
	ASSERT_EQ(type, self->last.type);
}

/* A main process begins. sndbuf: of the carrier's end; 0: as it is. */
static void begin(FIXTURE_DATA(carrier) *self, int sndbuf)
{
	const struct handover found = { .type = HANDOVER_FOUND };
	int pair[2];

	ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	if (sndbuf)
		ASSERT_OK(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)));
	self->agent = pair[0];
	ASSERT_OK(handover_send(self->keeper, &found, &pair[1], 1));
	close(pair[1]);
}

/* And ends; the carrier seeks the next one. */
static void end(FIXTURE_DATA(carrier) *self)
{
	close(TAKE_FD(self->agent));
	expect(self->keeper, HANDOVER_AT_KEEPERS_CARRIERS, self, HANDOVER_SEEK);
}

static void expect_load(FIXTURE_DATA(carrier) *self, unsigned int sessions, unsigned int room)
{
	expect(self->agent, HANDOVER_AT_CARRIERS_MAIN, self, HANDOVER_CARRIES);
	EXPECT_EQ(sessions, self->last.load.sessions);
	EXPECT_EQ(room, self->last.load.room);
}

static int connection(FIXTURE_DATA(carrier) *self, int *other)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_OK(getsockname(self->listener, (struct sockaddr *)&at, &len));
	ASSERT_OK(connect(fd, (struct sockaddr *)&at, sizeof(at)));
	*other = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC);
	ASSERT_LE(0, *other);
	return fd;
}

static void give(FIXTURE_DATA(carrier) *self)
{
	struct handover carry = {
		.type = HANDOVER_CARRY,
		.carry = { .version = TLS1_3_VERSION, .suite = 0x1302, .record_size = 16384 },
	};
	int fds[2];

	for (carry.cookie = 0; carry.cookie < SESSIONS; carry.cookie++) {
		fds[0] = connection(self, &self->peers[carry.cookie]);
		fds[1] = connection(self, &self->apps[carry.cookie]);
		ASSERT_OK(handover_send(self->agent, &carry, fds, 2));
		close(fds[0]);
		close(fds[1]);
	}
}

/* Peers and apps close, and see that the carrier has closed, too. */
static void end_sessions(FIXTURE_DATA(carrier) *self)
{
	uint8_t byte;
	int i;

	for (i = 0; i < SESSIONS; i++) {
		shutdown(self->peers[i], SHUT_WR);
		shutdown(self->apps[i], SHUT_WR);
		while (recv(self->peers[i], &byte, 1, 0) > 0)
			;
	}
}

HARNESS_PREPARE
{
}

FIXTURE_SETUP(carrier)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int pair[2];

	self->beat = mmap(NULL, sizeof(*self->beat), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->beat);
	self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_OK(bind(self->listener, (struct sockaddr *)&at, sizeof(at)));
	ASSERT_OK(listen(self->listener, 8));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	self->agent = -1;
	self->keeper = pair[0];
	self->pid = fork();
	if (!self->pid)
		become_carrier(self, pair[1], variant->room);
	close(pair[1]);
	expect(self->keeper, HANDOVER_AT_KEEPERS_CARRIERS, self, HANDOVER_SEEK);
	begin(self, 0);
	expect_load(self, 0, variant->room);
	give(self);
}

FIXTURE_TEARDOWN(carrier)
{
	int i;

	if (self->agent >= 0)
		close(self->agent);
	if (self->keeper >= 0)
		close(self->keeper);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	for (i = 0; i < SESSIONS; i++) {
		close(self->peers[i]);
		close(self->apps[i]);
	}
	close(self->listener);
	munmap(self->beat, sizeof(*self->beat));
}

/* Room for no more is no retirement: the main process would end its half of the socket. */
TEST_F(carrier, full_one_does_not_retire)
{
	end(self);
	begin(self, 0);
	expect_load(self, SESSIONS, variant->room - SESSIONS);
	EXPECT_EQ(0, self->last.load.retires);
	close(TAKE_FD(self->keeper));
	expect(self->agent, HANDOVER_AT_CARRIERS_MAIN, self, HANDOVER_CARRIES);
	EXPECT_EQ(1, self->last.load.retires);
}

/* More ends than the socket to the next main process takes at once, and still its room is told. */
TEST_F(carrier, load_is_told_after_many_ends)
{
	unsigned int i;

	end(self);
	end_sessions(self);
	begin(self, SMALL_BUFFER);
	usleep(100000); /* it is to fill up */
	for (i = 0; i < SESSIONS; i++)
		expect(self->agent, HANDOVER_AT_CARRIERS_MAIN, self, HANDOVER_ENDED);
	expect_load(self, 0, variant->room);
}

/* Adopters are as powerful as root, and go by what is in there. */
TEST(ledger_of_an_app_is_not_a_carriers)
{
	_cleanup_fd_ int fd = ledger_create();
	struct ledger *ledger;
	int status;
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_OK(ledger_map(fd, &ledger));
	EXPECT_OK(msync(ledger, sizeof(*ledger), MS_ASYNC));
	pid = fork();
	if (!pid)
		_exit(msync(ledger, sizeof(*ledger), MS_ASYNC) < 0 && errno == ENOMEM ? 0 : 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ledger_unmap(ledger);
}

HARNESS_MAIN
