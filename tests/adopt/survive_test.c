// SPDX-License-Identifier: Apache-2.0
/* What a wrapped app notices of the ends of those that it depends on: nothing. */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/linewarden.skel.h"
#include "tests/adopt/fake_main.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())

enum { PORT = 5061 };

static const uint16_t ports[] = { PORT, 0 };

HARNESS_PREPARE
{
}

FIXTURE(survive) {
	struct fake_main main;
	pid_t app;
};

FIXTURE_VARIANT(survive) {
	const char *mode, *count;
};

FIXTURE_VARIANT_ADD(survive, blocking) {
	.mode = "blocking", .count = "4",
};

FIXTURE_VARIANT_ADD(survive, level) {
	.mode = "level", .count = "1",
};

static pid_t start_app(struct fake_main *main, const char *mode, const char *count)
{
	const char *command[] = { process_build_path("tests/adopt/acceptor"), mode, count, "5",
				  "127.0.0.1:5061", NULL };
	pid_t app = fake_main_wrap(main, command);

	ASSERT_OK(fake_main_expect(main, HANDOVER_LISTENS, LIMIT_MS));
	return app;
}

FIXTURE_SETUP(survive)
{
	fake_main_start(&self->main, "survive", ports);
	self->app = start_app(&self->main, variant->mode, variant->count);
}

FIXTURE_TEARDOWN(survive)
{
	EXPECT_EQ(SIGKILL, process_end(self->app, SIGKILL, LIMIT_MS));
	fake_main_stop(&self->main);
}

/* all its threads, when this returns */
static void stop_app(pid_t app)
{
	int status = 0;

	ASSERT_OK(kill(app, SIGSTOP));
	ASSERT_EQ(app, waitpid(app, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
}

static void check_served(const struct fake_client *client)
{
	char line[256] = "", name[64] = "";

	EXPECT_LT(0, listener_read(client->fd, line, sizeof(line) - 1, LIMIT_MS)) {
		TH_LOG("that was %s", client->name);
	}
	EXPECT_EQ(1, sscanf(line, "%63s", name));
	EXPECT_STREQ(client->name, name);
	close(client->fd);
}

static void serve_one(struct fake_main *main)
{
	struct fake_client client;

	fake_main_give(main, "127.0.0.1", PORT, &client);
	check_served(&client);
	EXPECT_OK(fake_main_expect(main, HANDOVER_TAKEN, LIMIT_MS));
}

TEST_F(survive, the_adopters_end)
{
	for (int i = 0; i < 5; i++) {
		serve_one(&self->main);
		ASSERT_OK(kill(fake_main_adopter(&self->main), SIGKILL));
		fake_main_meet(&self->main);
		/* where the app listens it does not say twice */
		EXPECT_OK(fake_main_expect(&self->main, HANDOVER_LISTENS, LIMIT_MS));
	}
	serve_one(&self->main);
	EXPECT_TRUE(process_lives(self->app));
}

/* the app does not come to take them: main gives them once more, and each is served once */
TEST_F(survive, the_adopters_end_while_clients_wait)
{
	struct fake_client clients[8];
	int servers[8];

	stop_app(self->app);
	for (int i = 0; i < 8; i++) {
		servers[i] = fake_main_connect(&self->main, "127.0.0.1", PORT, &clients[i]);
		fake_main_send(&self->main, servers[i], clients[i].cookie);
	}
	ASSERT_OK(kill(fake_main_adopter(&self->main), SIGKILL));
	fake_main_meet(&self->main);
	for (int i = 0; i < 8; i++) {
		fake_main_send(&self->main, servers[i], clients[i].cookie);
		close(servers[i]);
	}
	ASSERT_OK(kill(self->app, SIGCONT));
	for (int i = 0; i < 8; i++)
		check_served(&clients[i]);
	for (int i = 0; i < 8; i++)
		EXPECT_OK(fake_main_expect(&self->main, HANDOVER_TAKEN, LIMIT_MS));
	EXPECT_EQ(-ETIMEDOUT, fake_main_expect(&self->main, HANDOVER_TAKEN, 100));
	EXPECT_TRUE(process_lives(self->app));
}

/* one that was given, and given again since main did not hear of it, is not given twice */
TEST_F(survive, a_client_that_is_given_twice)
{
	struct fake_client client;
	int server = fake_main_connect(&self->main, "127.0.0.1", PORT, &client);

	fake_main_send(&self->main, server, client.cookie);
	ASSERT_OK(fake_main_expect(&self->main, HANDOVER_TAKEN, LIMIT_MS));
	ASSERT_OK(kill(fake_main_adopter(&self->main), SIGKILL));
	fake_main_meet(&self->main);
	fake_main_send(&self->main, server, client.cookie);
	ASSERT_OK(fake_main_expect(&self->main, HANDOVER_TAKEN, LIMIT_MS));
	close(server);
	check_served(&client);
	serve_one(&self->main);
}

/* clients that an adopter has are served without a main process, and the next one is told */
TEST_F(survive, the_main_processs_end)
{
	struct fake_client clients[8];

	stop_app(self->app);
	for (int i = 0; i < 8; i++)
		fake_main_give(&self->main, "127.0.0.1", PORT, &clients[i]);
	fake_main_hang_up(&self->main);
	ASSERT_OK(kill(self->app, SIGCONT));
	for (int i = 0; i < 8; i++)
		check_served(&clients[i]);
	fake_main_listen(&self->main);
	fake_main_meet(&self->main);
	ASSERT_OK(fake_main_expect(&self->main, HANDOVER_LISTENS, LIMIT_MS));
	serve_one(&self->main);
}

/* another keeper holds what the first one did: what it is for comes right afterwards */
TEST_F(survive, the_keepers_end)
{
	pid_t adopter = fake_main_adopter(&self->main);

	EXPECT_EQ(SIGKILL, process_end(self->main.keeper, SIGKILL, LIMIT_MS));
	serve_one(&self->main);
	self->main.keeper = wrap_start_keeper(self->main.run, self->main.log);
	serve_one(&self->main);
	/* the new one has heard of the app by then: adopters look for a keeper once a second */
	process_sleep_ms(1500);
	ASSERT_OK(kill(adopter, SIGKILL));
	fake_main_meet(&self->main);
	EXPECT_NE(adopter, fake_main_adopter(&self->main));
	serve_one(&self->main);
	EXPECT_TRUE(process_lives(self->app));
}

/* one that hangs holds the app up for as long as the keeper looks at it, and no longer */
TEST_F_TIMEOUT(survive, an_adopter_that_hangs, 40)
{
	pid_t adopter = fake_main_adopter(&self->main);

	ASSERT_OK(kill(adopter, SIGSTOP));
	process_sleep_ms(6000);
	fake_main_meet(&self->main);
	EXPECT_FALSE(process_lives(adopter));
	serve_one(&self->main);
}

/*
 * At random moments after it was given clients. Not between the kernel's note that it answered and
 * the moment in which the app's thread has the descriptor (kernel/seccomp.c, seccomp_notify_addfd):
 * accept() then returns 0, and there is nothing that we could do about it. So the app is not let
 * run before its adopter is dead.
 */
TEST_F_TIMEOUT(survive, an_adopters_end_a_hundred_times, 60)
{
	unsigned int random = 20261124;

	for (int i = 0; i < 100; i++) {
		struct fake_client clients[4];
		int servers[4];

		stop_app(self->app);
		for (int k = 0; k < 4; k++) {
			servers[k] = fake_main_connect(&self->main, "127.0.0.1", PORT, &clients[k]);
			fake_main_send(&self->main, servers[k], clients[k].cookie);
		}
		random = random * 1103515245 + 12345;
		usleep(random >> 16 & 0x3ff);
		ASSERT_OK(kill(fake_main_adopter(&self->main), SIGKILL));
		ASSERT_OK(kill(self->app, SIGCONT));
		fake_main_meet(&self->main);
		for (int k = 0; k < 4; k++) {
			fake_main_send(&self->main, servers[k], clients[k].cookie);
			close(servers[k]);
			check_served(&clients[k]);
		}
	}
	EXPECT_TRUE(process_lives(self->app));
}

/* of two apps one is stopped: the other's clients do not wait for it */
TEST(a_stopped_app_is_in_nobodys_way)
{
	static const uint16_t two[] = { PORT, PORT + 1, 0 };
	static struct fake_main first, second;
	const char *command[] = { NULL, "level", "1", "5", "127.0.0.1:5062", NULL };
	struct fake_client clients[20];
	pid_t app, other;

	fake_main_start(&first, "stopped", two);
	app = start_app(&first, "level", "1");
	/* the second one's adopter comes by the same door */
	second = first;
	second.adopter = -1;
	command[0] = process_build_path("tests/adopt/acceptor");
	other = fake_main_wrap(&second, command);
	stop_app(app);
	for (int i = 0; i < 20; i++)
		fake_main_give(&first, "127.0.0.1", PORT, &clients[i]);
	for (int i = 0; i < 20; i++) {
		struct fake_client client;

		fake_main_give(&second, "127.0.0.1", PORT + 1, &client);
		check_served(&client);
	}
	ASSERT_OK(kill(app, SIGCONT));
	for (int i = 0; i < 20; i++)
		check_served(&clients[i]);
	EXPECT_EQ(SIGKILL, process_end(app, SIGKILL, LIMIT_MS));
	EXPECT_EQ(SIGKILL, process_end(other, SIGKILL, LIMIT_MS));
	EXPECT_LE(0, process_end(first.keeper, SIGTERM, LIMIT_MS));
}

/* two seconds, in which an app that loads its listener anew is back; its bells let nobody in after that */
TEST(an_address_where_nobody_listens)
{
	static struct fake_main main;
	struct relay_key key;
	struct fake_client client;
	long long begin;
	pid_t app;

	fake_main_start(&main, "nobody", ports);
	app = start_app(&main, "level", "1");
	begin = process_now_ms();
	fake_main_give(&main, "127.0.0.9", PORT, &client);
	ASSERT_OK(fake_main_expect(&main, HANDOVER_RETURNED, LIMIT_MS));
	EXPECT_LE(1900, process_now_ms() - begin);
	EXPECT_EQ(client.cookie, main.last.cookie);
	EXPECT_EQ(-ECONNREFUSED, main.last.error);
	EXPECT_NE(0, bpf_map_get_next_key(bpf_map__fd(main.maps->maps.relays), NULL, &key));
	serve_one(&main);
	EXPECT_EQ(SIGKILL, process_end(app, SIGKILL, LIMIT_MS));
	fake_main_stop(&main);
}

/* one that listens again in time has all the time it wants to accept */
TEST(an_app_that_listens_late)
{
	static struct fake_main main;
	const char *command[] = { NULL, "late", "2", "5", "127.0.0.1:5061", NULL };
	struct fake_client client;
	pid_t app;

	fake_main_start(&main, "late", ports);
	command[0] = process_build_path("tests/adopt/acceptor");
	app = fake_main_wrap(&main, command);
	fake_main_give(&main, "127.0.0.1", PORT, &client);
	EXPECT_EQ(-ETIMEDOUT, fake_main_expect(&main, HANDOVER_RETURNED, 2500)) {
		TH_LOG("that said %d", main.last.error);
	}
	check_served(&client);
	EXPECT_EQ(SIGKILL, process_end(app, SIGKILL, LIMIT_MS));
	fake_main_stop(&main);
}

/* with its end the last word on where it listened is said, and the next one is another app */
TEST(an_app_that_ends_and_starts_again)
{
	static struct fake_main main;
	struct fake_client client;
	pid_t app;

	fake_main_start(&main, "again", ports);
	app = start_app(&main, "level", "1");
	serve_one(&main);
	stop_app(app);
	fake_main_give(&main, "127.0.0.1", PORT, &client);
	EXPECT_EQ(SIGKILL, process_end(app, SIGKILL, LIMIT_MS));
	ASSERT_OK(fake_main_expect(&main, HANDOVER_RETURNED, LIMIT_MS));
	EXPECT_EQ(client.cookie, main.last.cookie);
	EXPECT_EQ(-ESRCH, main.last.error);
	/* that it does not listen any more was said before or after it, and then no more */
	while (fake_main_expect(&main, HANDOVER_CLOSED, LIMIT_MS) == 0)
		;
	app = start_app(&main, "level", "1");
	serve_one(&main);
	EXPECT_EQ(SIGKILL, process_end(app, SIGKILL, LIMIT_MS));
	fake_main_stop(&main);
}

HARNESS_MAIN
