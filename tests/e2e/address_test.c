// SPDX-License-Identifier: Apache-2.0
/*
 * What the app sees: the client's own address, wherever the app listens and whatever
 * address was dialled. The test is the app.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/alert.h"

#define ACCEPT_MS 5000

static struct daemon agent;

HARNESS_PREPARE
{
	static const char *const addresses[] = { "192.0.2.10/32", "192.0.2.11/32", "192.0.2.20/32",
						 "2001:db8:3::10/128", "2001:db8:3::20/128" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		/* replace: another program on this stage may have them already */
		const char *const ip[] = { "ip", "address", "replace", addresses[i],
					   "dev", "lo", NULL };

		ASSERT_OK(process_run(NULL, ip));
	}
	site_prepare();
	daemon_start(&agent, &(struct daemon_options){ 0 });
}

HARNESS_FINISH
{
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

/* a client of level medium; its address with a port */
static struct peer_options make_client(const char *source, const char *dialled)
{
	static char sources[4][64], addresses[4][64];
	static int next;
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	int i = next++ % 4;

	snprintf(sources[i], sizeof(sources[i]), "%s%s", source, strrchr(options.source, ':'));
	snprintf(addresses[i], sizeof(addresses[i]), "%s:%d", dialled, DAEMON_PORT);
	options.source = sources[i];
	options.address = addresses[i];
	return options;
}

FIXTURE(address) {
	int listener, app;
	struct peer *peer;
};

FIXTURE_VARIANT(address) {
	const char *client, *dialled;
	const char *app; /* where it listens */
	bool dual;
	bool mapped; /* it is seen as an IPv4 address within IPv6 */
};

FIXTURE_VARIANT_ADD(address, ipv4) {
	.client = "127.0.3.9",
	.dialled = "127.0.0.1",
	.app = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(address, ipv4_any) {
	.client = "192.0.2.20",
	.dialled = "192.0.2.10",
	.app = "0.0.0.0",
};

FIXTURE_VARIANT_ADD(address, ipv4_the_one_dialled) {
	.client = "192.0.2.20",
	.dialled = "192.0.2.10",
	.app = "192.0.2.10",
};

FIXTURE_VARIANT_ADD(address, ipv4_app_on_loopback_only) {
	.client = "192.0.2.20",
	.dialled = "192.0.2.10",
	.app = "127.0.0.1",
};

FIXTURE_VARIANT_ADD(address, ipv4_client_is_this_host) {
	.client = "192.0.2.10",
	.dialled = "192.0.2.10",
	.app = "0.0.0.0",
};

FIXTURE_VARIANT_ADD(address, ipv6) {
	.client = "[2001:db8:3::20]",
	.dialled = "[2001:db8:3::10]",
	.app = "2001:db8:3::10",
};

FIXTURE_VARIANT_ADD(address, ipv6_any) {
	.client = "[2001:db8:3::20]",
	.dialled = "[2001:db8:3::10]",
	.app = "::",
};

FIXTURE_VARIANT_ADD(address, ipv6_app_on_loopback_only) {
	.client = "[2001:db8:3::20]",
	.dialled = "[2001:db8:3::10]",
	.app = "::1",
};

FIXTURE_VARIANT_ADD(address, dual_ipv6) {
	.client = "[2001:db8:3::20]",
	.dialled = "[2001:db8:3::10]",
	.app = "::",
	.dual = true,
};

FIXTURE_VARIANT_ADD(address, dual_ipv4) {
	.client = "192.0.2.20",
	.dialled = "192.0.2.10",
	.app = "::",
	.dual = true,
	.mapped = true,
};

FIXTURE_SETUP(address)
{
	self->app = -1;
	self->listener = listener_open(variant->app, DAEMON_PORT, variant->dual, 5);
}

FIXTURE_TEARDOWN(address)
{
	peer_free(self->peer);
	close(self->app);
	close(self->listener);
}

static void check_talk(struct peer *peer, int app)
{
	char word[6] = "";

	ASSERT_OK(peer_step(peer, "text:hello"));
	ASSERT_EQ(5, listener_read(app, word, 5, ACCEPT_MS * harness_time_scale()));
	EXPECT_STREQ("hello", word);
	ASSERT_EQ(7, send(app, "welcome", 7, MSG_NOSIGNAL));
	EXPECT_OK(peer_step(peer, "expect:welcome"));
}

TEST_F(address, is_the_clients)
{
	struct peer_options options = make_client(variant->client, variant->dialled);
	struct listener_client seen;
	char client[80];
	json_t *record;

	ASSERT_OK(peer_open(&options, &self->peer));
	self->app = listener_accept(self->listener, ACCEPT_MS * harness_time_scale(), &seen);
	ASSERT_LE(0, self->app);
	record = daemon_record(&agent, "accepted", options.source);
	EXPECT_STREQ(options.address, journal_text(record, "local"));
	json_decref(record);
	snprintf(client, sizeof(client), variant->mapped ? "[::ffff:%s]%s" : "%s%s",
		 variant->client, strrchr(options.source, ':'));
	EXPECT_STREQ(client, seen.accepted);
	EXPECT_STREQ(client, seen.named);
	check_talk(self->peer, self->app);
}

/* of an app with several listeners that one is met which the client dialled */
TEST(dialled_listener_is_met)
{
	static const char *const dialled[] = { "192.0.2.11", "192.0.2.10" };
	int listeners[] = { listener_open("192.0.2.11", DAEMON_PORT, false, 5),
			    listener_open("192.0.2.10", DAEMON_PORT, false, 5) };

	for (int i = 0; i < 2; i++) {
		struct peer_options options = make_client("192.0.2.20", dialled[i]);
		struct peer *peer;
		int app;

		ASSERT_OK(peer_open(&options, &peer));
		app = listener_accept(listeners[i], ACCEPT_MS * harness_time_scale(), NULL);
		ASSERT_LE(0, app);
		check_talk(peer, app);
		close(app);
		peer_free(peer);
	}
}

/* the verified client is told that it is not at fault, and an operator what is */
TEST(absent_app)
{
	struct peer_options options = make_client("192.0.2.20", "192.0.2.10");
	struct peer *peer;
	json_t *record;

	ASSERT_OK(peer_open(&options, &peer));
	EXPECT_NE(0, peer_step(peer, "receive:1"));
	/* OpenSSL gives no way to send an alert of one's own */
	if (site_has_kernel_tls())
		EXPECT_STREQ("internal_error", alert_name(peer_result(peer)->alert));
	EXPECT_EQ(0, peer_result(peer)->received);
	record = daemon_record(&agent, "ended", options.source);
	EXPECT_STREQ("the app cannot be reached: Connection refused",
		     journal_text(record, "reason"));
	EXPECT_EQ(0, daemon_sessions(&agent, 0));
	json_decref(record);
	peer_free(peer);
}

/* the daemon's sockets are on the app's port, too: they must not keep it from its port */
TEST(restarted_app)
{
	struct peer_options options = make_client("127.0.3.9", "127.0.0.1");
	int listener = listener_open("0.0.0.0", DAEMON_PORT, false, 5), app;
	struct peer *peer, *next;

	ASSERT_OK(peer_open(&options, &peer));
	app = listener_accept(listener, ACCEPT_MS * harness_time_scale(), NULL);
	ASSERT_LE(0, app);
	close(listener);
	listener = listener_open("0.0.0.0", DAEMON_PORT, false, 5);
	check_talk(peer, app);
	close(app);
	options = make_client("127.0.3.9", "127.0.0.1");
	ASSERT_OK(peer_open(&options, &next));
	app = listener_accept(listener, ACCEPT_MS * harness_time_scale(), NULL);
	ASSERT_LE(0, app);
	check_talk(next, app);
	close(app);
	close(listener);
	peer_free(peer);
	peer_free(next);
}

/* coming from this host, and even from a loopback address, is not being the agent */
TEST(local_plain_client_stays_out)
{
	struct peer_options options = { .address = "127.0.0.1:5061", .source = "127.0.0.1",
					.without_handshake = true };
	int listener = listener_open("0.0.0.0", DAEMON_PORT, false, 5);
	struct peer *peer;

	if (peer_open(&options, &peer) == 0)
		EXPECT_EQ(-ECONNRESET, peer_step(peer, "receive:1"));
	EXPECT_EQ(-ETIMEDOUT, listener_accept(listener, 100 * harness_time_scale(), NULL));
	close(listener);
	peer_free(peer);
}

HARNESS_MAIN
