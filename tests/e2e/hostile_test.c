// SPDX-License-Identifier: Apache-2.0
/* Clients that mean harm, or do it anyway. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define HELLO_MAX 1024
#define FLOOD 500
#define HANDSHAKES_MAX 200

static struct daemon agent;
static struct plain_app app;
static int timeout_s; /* for a handshake */

HARNESS_PREPARE
{
	char settings[128];

	site_prepare();
	timeout_s = harness_time_scale() > 1 ? 5 : 2;
	snprintf(settings, sizeof(settings),
		 "workers = 1\nhandshake-timeout = %d\nmax-handshakes = %d", timeout_s,
		 HANDSHAKES_MAX);
	daemon_start(&agent, &(struct daemon_options){ .settings = settings });
	plain_app_start(&app, DAEMON_PORT, "echo");
}

/* after all of it the daemon is in order, and the app has seen good clients only */
HARNESS_FINISH
{
	EXPECT_EQ(0, journal_count(app.log, JOURNAL_WANT({ "event", "end" }, { "received", "0" })));
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

static void check_good_client(void)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *peer;

	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "echo:1000"));
	peer_free(peer);
}

FIXTURE(attack) {
	int accepts;
	struct peer *peer;
};

FIXTURE_VARIANT(attack) {
	const char *steps[4]; /* outside TLS */
	const char *reason; /* how the record's reason begins */
};

FIXTURE_VARIANT_ADD(attack, garbage) {
	.steps = { "garbage:4000" },
	.reason = "the TLS handshake failed: ",
};

FIXTURE_VARIANT_ADD(attack, one_byte) {
	.steps = { "garbage:1", "fin" },
	.reason = "the client closed ",
};

FIXTURE_VARIANT_ADD(attack, plain_http) {
	.steps = { "plain:GET / HTTP/1.1\r\nHost: pbx.example.test\r\n\r\n" },
	.reason = "the TLS handshake failed: http request",
};

FIXTURE_VARIANT_ADD(attack, plain_sip) {
	.steps = { "plain:OPTIONS sip:pbx.example.test SIP/2.0\r\nMax-Forwards: 70\r\n\r\n" },
	.reason = "the TLS handshake failed: ",
};

FIXTURE_VARIANT_ADD(attack, data_after_hello) {
	.steps = { "hello", "plain:INVITE sip:1@pbx.example.test SIP/2.0\r\n\r\n" },
	.reason = "the TLS handshake failed: ",
};

FIXTURE_VARIANT_ADD(attack, rst_before_hello) {
	.steps = { "rst" },
	.reason = "the client closed ",
};

FIXTURE_VARIANT_ADD(attack, rst_after_hello) {
	.steps = { "hello", "settle:300", "rst" },
	.reason = "the client closed during the TLS handshake",
};

FIXTURE_SETUP(attack)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, NULL);

	self->accepts = plain_app_accepts(&app);
	options.without_handshake = true;
	ASSERT_OK(peer_open(&options, &self->peer));
}

FIXTURE_TEARDOWN(attack)
{
	peer_free(self->peer);
}

static void check_record(struct peer *peer, const char *reason)
{
	json_t *record = daemon_record(&agent, "failed", peer_result(peer)->local);

	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("medium-5061", journal_text(record, "line"));
	EXPECT_EQ(0, strncmp(journal_text(record, "reason"), reason, strlen(reason))) {
		TH_LOG("the reason is '%s'", journal_text(record, "reason"));
	}
	json_decref(record);
}

TEST_F(attack, is_named_and_survived)
{
	for (int i = 0; i < 4 && variant->steps[i]; i++)
		peer_step(self->peer, "%s", variant->steps[i]);
	peer_step(self->peer, "drain");
	check_record(self->peer, variant->reason);
	EXPECT_EQ(self->accepts, plain_app_accepts(&app));
	check_good_client();
}

/* the time limit is for handshakes, and not for the sessions that come of them */
TEST(silence)
{
	static const char *const says[] = { "sleep:0", "hello:50", "hello" };
	struct peer_options good = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	struct peer *peers[3], *session;

	ASSERT_OK(peer_open(&good, &session));
	for (int i = 0; i < 3; i++) {
		struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, NULL);

		options.without_handshake = true;
		ASSERT_OK(peer_open(&options, &peers[i]));
		ASSERT_OK(peer_step(peers[i], "%s", says[i]));
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_OK(peer_step(peers[i], "drain"));
		check_record(peers[i], "the handshake took too long");
		peer_free(peers[i]);
	}
	EXPECT_OK(peer_step(session, "echo:100"));
	peer_free(session);
}

/* a good ClientHello; its size */
static size_t make_hello(unsigned char hello[HELLO_MAX])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	int size;

	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	size = BIO_read(out, hello, HELLO_MAX);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ASSERT_LT(100, size);
	return (size_t)size;
}

/* many at once, so without the comfort of a peer */
static int dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(DAEMON_PORT) };
	struct sockaddr_in source = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet_pton(AF_INET, site_source(SITE_MEDIUM), &source.sin_addr);
	ASSERT_LE(0, fd);
	ASSERT_OK(bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 ? -errno : 0);
	ASSERT_OK(connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0);
	return fd;
}

static bool ends_in_time(int fd, int limit_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char waste[4096];

	while (poll(&ready, 1, limit_ms) > 0)
		if (recv(fd, waste, sizeof(waste), 0) <= 0)
			return true;
	return false;
}

static int count_failed(void)
{
	return journal_count(agent.audit, JOURNAL_WANT({ "event", "failed" }));
}

/* at every byte, with a FIN behind it; all at the same time */
TEST(hello_cut_short)
{
	unsigned char hello[HELLO_MAX];
	int size = (int)make_hello(hello), fds[HELLO_MAX];
	int failed = count_failed(), accepts = plain_app_accepts(&app);
	long long end;

	for (int n = 0; n < size; n++) {
		fds[n] = dial();
		ASSERT_EQ(n, send(fds[n], hello, (size_t)n, MSG_NOSIGNAL));
		ASSERT_OK(shutdown(fds[n], SHUT_WR));
	}
	for (int n = 0; n < size; n++) {
		ASSERT_TRUE(ends_in_time(fds[n], timeout_s * 1000)) {
			TH_LOG("after %d bytes of %d", n, size);
		}
		close(fds[n]);
	}
	end = process_now_ms() + timeout_s * 1000;
	while (count_failed() < failed + size && process_now_ms() < end)
		process_sleep_ms(10);
	EXPECT_EQ(failed + size, count_failed());
	EXPECT_EQ(accepts, plain_app_accepts(&app));
	check_good_client();
}

/* more than may be half open: the oldest make room, and whoever is quick gets in */
TEST(flood_of_half_open_handshakes)
{
	unsigned char hello[HELLO_MAX];
	size_t size = make_hello(hello);
	int fds[FLOOD];

	for (int i = 0; i < FLOOD; i++) {
		fds[i] = dial();
		/* some say nothing, some half of it, some all and then nothing more */
		send(fds[i], hello, i % 20 ? size / 2 * (size_t)(i % 2) : size, MSG_NOSIGNAL);
	}
	/* in the time that it has patience for */
	check_good_client();
	for (int i = 0; i < FLOOD; i++)
		close(fds[i]);
	EXPECT_LT(0, journal_count(agent.audit,
				   JOURNAL_WANT({ "reason", "too many half-open handshakes: the "
							    "oldest made room" })));
	check_good_client();
}

HARNESS_MAIN
