// SPDX-License-Identifier: Apache-2.0
/* Every way in which a server accepts, wrapped: it is given each client, and is none the wiser. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/adopt/fake_main.h"
#include "tests/e2e/listener.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())

enum { PORT = 5061, CLIENTS_MAX = 400 };

static const uint16_t ports[] = { PORT, 0 };

/* what the acceptor says of a client */
struct sight {
	char accepted[64], named[64];
	int listener, pid;
};

static void read_sight(int fd, struct sight *sight)
{
	char line[256] = "";
	ssize_t n = listener_read(fd, line, sizeof(line) - 1, LIMIT_MS);

	memset(sight, 0, sizeof(*sight));
	EXPECT_LT(0, n);
	if (n > 0)
		EXPECT_EQ(4, sscanf(line, "%63s %63s %d %d", sight->accepted, sight->named,
				    &sight->listener, &sight->pid));
	close(fd);
}

FIXTURE(adopt) {
	struct fake_main main;
	pid_t app;
};

FIXTURE_VARIANT(adopt) {
	const char *mode, *count, *backlog;
	const char *addresses[3];
	const char *dialled; /* NULL: 127.0.0.1 */
	const char *other; /* dialled as well; its listener is the second */
	int parallel;
};

FIXTURE_VARIANT_ADD(adopt, blocking) {
	.mode = "blocking", .count = "1", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, threads) {
	.mode = "blocking", .count = "16", .backlog = "128", .addresses = { "0.0.0.0:5061" },
};

FIXTURE_VARIANT_ADD(adopt, prefork) {
	.mode = "prefork", .count = "4", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, poll) {
	.mode = "poll", .count = "1", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, level) {
	.mode = "level", .count = "1", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, edge) {
	.mode = "edge", .count = "1", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, exclusive) {
	.mode = "exclusive", .count = "4", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, reuseport) {
	.mode = "reuseport", .count = "4", .backlog = "128", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, small_backlog) {
	.mode = "level", .count = "1", .backlog = "5", .addresses = { "127.0.0.1:5061" },
};

FIXTURE_VARIANT_ADD(adopt, ipv6) {
	.mode = "level", .count = "1", .backlog = "128", .addresses = { "[::1]:5061" },
	.dialled = "::1",
};

FIXTURE_VARIANT_ADD(adopt, dual_stack) {
	.mode = "blocking", .count = "2", .backlog = "128", .addresses = { "[::]:5061" },
	.dialled = "::1",
};

FIXTURE_VARIANT_ADD(adopt, two_addresses) {
	.mode = "level", .count = "1", .backlog = "128",
	.addresses = { "127.0.0.1:5061", "127.0.0.2:5061" }, .other = "127.0.0.2",
};

FIXTURE_VARIANT_ADD(adopt, two_addresses_blocking) {
	.mode = "blocking", .count = "1", .backlog = "128",
	.addresses = { "127.0.0.1:5061", "127.0.0.2:5061" }, .other = "127.0.0.2",
};

FIXTURE_SETUP(adopt)
{
	const char *command[] = { process_build_path("tests/adopt/acceptor"), variant->mode,
				  variant->count, variant->backlog, variant->addresses[0],
				  variant->addresses[1], NULL };

	fake_main_start(&self->main, "adopt", ports);
	self->app = fake_main_wrap(&self->main, command);
	/* the second one's message may be on its way still, which harms nobody */
	ASSERT_OK(fake_main_expect(&self->main, HANDOVER_LISTENS, LIMIT_MS));
}

FIXTURE_TEARDOWN(adopt)
{
	EXPECT_EQ(SIGKILL, process_end(self->app, SIGKILL, LIMIT_MS));
	fake_main_stop(&self->main);
}

HARNESS_PREPARE
{
}

static const char *dialled(const FIXTURE_VARIANT(adopt) *variant, int i)
{
	if (i % 2 && variant->other)
		return variant->other;
	return variant->dialled ?: "127.0.0.1";
}

TEST_F(adopt, one_after_the_other)
{
	struct fake_client client;
	struct sight sight;

	for (int i = 0; i < 50; i++) {
		fake_main_give(&self->main, dialled(variant, i), PORT, &client);
		read_sight(client.fd, &sight);
		EXPECT_STREQ(client.name, sight.accepted);
		EXPECT_STREQ(client.name, sight.named);
		EXPECT_EQ(variant->other ? i % 2 : 0, sight.listener);
		ASSERT_OK(fake_main_expect(&self->main, HANDOVER_TAKEN, LIMIT_MS));
		EXPECT_EQ(client.cookie, self->main.last.cookie);
	}
}

/* more than the app's queue has room for: none is lost */
TEST_F(adopt, three_hundred_at_once)
{
	static struct fake_client clients[300];
	static int servers[300];
	struct sight sight;

	for (int i = 0; i < 300; i++)
		servers[i] = fake_main_connect(&self->main, dialled(variant, i), PORT, &clients[i]);
	for (int i = 0; i < 300; i++) {
		fake_main_send(&self->main, servers[i], clients[i].cookie);
		close(servers[i]);
	}
	for (int i = 0; i < 300; i++) {
		read_sight(clients[i].fd, &sight);
		EXPECT_STREQ(clients[i].name, sight.accepted);
		EXPECT_EQ(variant->other ? i % 2 : 0, sight.listener);
		EXPECT_OK(fake_main_expect(&self->main, HANDOVER_TAKEN, LIMIT_MS));
	}
}

HARNESS_MAIN
