// SPDX-License-Identifier: Apache-2.0
/* Who hears audit records hears all of them in order, or how many were missed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"
#include "userspace/audience.h"

enum { ADMITTED_MAX = 8 };

HARNESS_PREPARE
{
}

FIXTURE(audience) {
	struct loop *loop;
	struct audit *audit;
	struct audience *audience;
	struct loop_timeouts ends;
	struct loop_timeout end;
	struct ear {
		int fd;
		size_t at, end;
		char bytes[65536];
	} ear;
};

static struct loop *running;

static void stop(struct loop_timeout *timeout)
{
	(void)timeout;
	loop_stop(running);
}

FIXTURE_SETUP(audience)
{
	running = NULL;
	ASSERT_OK(loop_new(&self->loop));
	self->ends = (struct loop_timeouts){ .duration = LOOP_SECOND / 50, .expired = stop };
	loop_timeouts_add(self->loop, &self->ends);
	ASSERT_OK(audit_open("/dev/null", &self->audit));
	self->audience = audience_new(self->loop, self->audit);
	ASSERT_NOT_NULL(self->audience);
}

FIXTURE_TEARDOWN(audience)
{
	audience_free(self->audience);
	audit_close(self->audit);
	loop_free(self->loop);
}

/* the other end of a new hearer's socket; -errno */
static int admit(struct audience *audience)
{
	int fds[2], err;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
	err = audience_admit(audience, fds[1]);
	if (!err)
		return fds[0];
	close(fds[0]);
	close(fds[1]);
	return err;
}

static void say(struct audit *audit, int number)
{
	json_t *json = json_pack("{s:i, s:s}", "number", number, "padding",
				 "................................................................");

	ASSERT_OK(audit_write_json(audit, json));
	json_decref(json);
}

static void run(FIXTURE_DATA(audience) *self)
{
	running = self->loop;
	loop_timeout_start(self->loop, &self->ends, &self->end);
	ASSERT_OK(loop_run(self->loop));
}

static char *next_line(struct ear *ear)
{
	char *end, *line;
	ssize_t n;

	while (!(end = memchr(ear->bytes + ear->at, '\n', ear->end - ear->at))) {
		memmove(ear->bytes, ear->bytes + ear->at, ear->end - ear->at);
		ear->end -= ear->at;
		ear->at = 0;
		n = read(ear->fd, ear->bytes + ear->end, sizeof(ear->bytes) - ear->end);
		if (n <= 0)
			return NULL;
		ear->end += (size_t)n;
	}
	*end = '\0';
	line = ear->bytes + ear->at;
	ear->at = (size_t)(end + 1 - ear->bytes);
	return line;
}

/* What has come: the lines' own number, or 0 minus the records that were missed; false: no more. */
static bool next(struct ear *ear, long long *what)
{
	const char *line = next_line(ear);
	json_t *json;

	if (!line)
		return false;
	json = json_loads(line, 0, NULL);
	ASSERT_NOT_NULL(json);
	*what = json_object_get(json, "number") ?
			json_integer_value(json_object_get(json, "number")) :
			-json_integer_value(json_object_get(json, "records"));
	json_decref(json);
	return true;
}

TEST_F(audience, hears_all_in_order)
{
	int other = admit(self->audience);
	long long what;

	self->ear.fd = admit(self->audience);
	ASSERT_LE(0, self->ear.fd);
	ASSERT_LE(0, other);
	ASSERT_TRUE(next(&self->ear, &what)); /* the greeting */
	for (int i = 1; i <= 100; i++)
		say(self->audit, i);
	for (int i = 1; i <= 100; i++) {
		ASSERT_TRUE(next(&self->ear, &what));
		EXPECT_EQ(i, what);
	}
	EXPECT_FALSE(next(&self->ear, &what));
	/* one that goes is no loss to the other */
	close(other);
	run(self);
	say(self->audit, 101);
	ASSERT_TRUE(next(&self->ear, &what));
	EXPECT_EQ(101, what);
	close(self->ear.fd);
}

TEST_F(audience, one_that_does_not_read_is_told_what_it_missed)
{
	const int total = 20000;
	int last = 0, missed = 0;
	long long what;

	self->ear.fd = admit(self->audience);
	ASSERT_LE(0, self->ear.fd);
	ASSERT_TRUE(next(&self->ear, &what));
	for (int i = 1; i <= total; i++)
		say(self->audit, i);
	for (int rounds = 0; rounds < 1000 && last + missed < total; rounds++) {
		run(self);
		while (next(&self->ear, &what)) {
			if (what < 0) {
				missed -= (int)what;
				continue;
			}
			/* no gap that was not told of */
			EXPECT_EQ(0, missed);
			EXPECT_EQ(last + 1, what);
			last = (int)what;
		}
	}
	EXPECT_LT(0, missed);
	EXPECT_LT(1000, last);
	EXPECT_EQ(total, last + missed);
	/* and it goes on */
	say(self->audit, total + 1);
	ASSERT_TRUE(next(&self->ear, &what));
	EXPECT_EQ(total + 1, what);
	close(self->ear.fd);
}

TEST_F(audience, has_so_many_seats)
{
	int fds[ADMITTED_MAX];

	for (int i = 0; i < ADMITTED_MAX; i++) {
		fds[i] = admit(self->audience);
		ASSERT_LE(0, fds[i]);
	}
	EXPECT_EQ(-EBUSY, admit(self->audience));
	/* what one says to it ends it */
	ASSERT_EQ(1, write(fds[0], "x", 1));
	run(self);
	EXPECT_LE(0, admit(self->audience));
	for (int i = 0; i < ADMITTED_MAX; i++)
		close(fds[i]);
}

HARNESS_MAIN
