// SPDX-License-Identifier: Apache-2.0
/* The main process, and what carriers say of themselves; the test plays keeper and carriers. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/carry/place.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/fd.h"
#include "userspace/handover.h"

#define NOBODY 0x7fffffff /* no process has this number */
#define WAIT_MS ((int)(5000 * harness_time_scale()))

FIXTURE(greeting) {
	struct daemon agent;
	char run[PROCESS_PATH_MAX];
};

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE_SETUP(greeting)
{
	daemon_start(&self->agent, &(struct daemon_options){ 0 });
	snprintf(self->run, sizeof(self->run), "%s/run", self->agent.dir);
}

FIXTURE_TEARDOWN(greeting)
{
	if (harness_has_failed())
		daemon_explain(&self->agent);
	daemon_end(&self->agent, SIGKILL);
}

static void say(int fd, const struct handover *message)
{
	ASSERT_OK(handover_send(fd, message, NULL, 0));
}

static int greet(FIXTURE_DATA(greeting) *self)
{
	int fd = handover_connect(self->run, HANDOVER_CARRY_SOCKET);

	ASSERT_LE(0, fd);
	say(fd, &(struct handover){ .type = HANDOVER_CARRIER, .pid = NOBODY });
	return fd;
}

/* Of the carriers that the daemon knows: how many, and how many of them retire. */
static void count(FIXTURE_DATA(greeting) *self, int *all, int *retired)
{
	json_t *status = daemon_ask(&self->agent, "status"), *carrier;
	size_t i;

	*all = *retired = 0;
	json_array_foreach(json_object_get(status, "carriers"), i, carrier) {
		++*all;
		*retired += json_is_true(json_object_get(carrier, "retired"));
	}
	json_decref(status);
}

static bool hangs_up(int fd, int limit_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLRDHUP };

	return poll(&wait, 1, limit_ms) == 1;
}

/* Only its own word says that it retires: main would take the end that follows for its death. */
TEST_F(greeting, full_carrier_is_not_retired)
{
	struct handover load = { .type = HANDOVER_CARRIES, .load.sessions = 7 };
	_cleanup_fd_ int fd = greet(self);
	int all, retired;

	say(fd, &load);
	/* twice: what was said has been heard by then */
	count(self, &all, &retired);
	count(self, &all, &retired);
	EXPECT_EQ(1, all);
	EXPECT_EQ(0, retired);
	EXPECT_FALSE(hangs_up(fd, 0));
	load.load.retires = 1;
	say(fd, &load);
	EXPECT_TRUE(hangs_up(fd, WAIT_MS));
	count(self, &all, &retired);
	EXPECT_EQ(1, retired);
}

TEST_F(greeting, carrier_has_one_socket)
{
	_cleanup_fd_ int first = greet(self);
	int all, retired;

	count(self, &all, &retired);
	count(self, &all, &retired);
	ASSERT_EQ(1, all);
	_cleanup_fd_ int second = greet(self);

	EXPECT_TRUE(hangs_up(second, WAIT_MS));
	EXPECT_FALSE(hangs_up(first, 0));
	count(self, &all, &retired);
	EXPECT_EQ(1, all);
}

HARNESS_MAIN
