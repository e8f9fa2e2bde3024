// SPDX-License-Identifier: Apache-2.0
/*
 * What a session that nobody uses takes of the agent's memory: of all its processes, the keeper's
 * among them, with IDLE_SESSIONS of them.
 */
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/carry/place.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define WARM_UP 300
#define SETTLE_MS (500 * harness_time_scale())
#define ENDS_MS (30000 * harness_time_scale())
#define PER_ADDRESS 10000 /* an address has some 28,000 ports to connect from */
#define SPARE_FDS 200
#define CLIENTS 4 /* processes: what one of them waits for, another one computes */
#define PROCESSES_MAX (PLACE_CARRIERS_MAX + DAEMON_WORKERS_MAX + 2)

static rlim_t fd_limit;

HARNESS_PREPARE
{
	struct rlimit limit;

	/* of this process, and of those that it starts */
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
	fd_limit = limit.rlim_cur = limit.rlim_max;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	site_prepare();
}

FIXTURE(idle) {
	struct place place;
	pid_t clients[2 * CLIENTS];
	int client_count, opened, resumed;
};

/* a process with clients, which keeps their sockets */
struct client {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* that all but its first one go on with */
	int resumed;
};

FIXTURE_VARIANT(idle) {
	bool adopts;
	long bytes_max; /* each */
};

FIXTURE_VARIANT_ADD(idle, relayed) { .bytes_max = 4096 };
FIXTURE_VARIANT_ADD(idle, adopted) { .adopts = true, .bytes_max = 1024 };

/* how many; the environment says more where there is the time for it */
static int count_sessions(void)
{
	const char *text = getenv("IDLE_SESSIONS");

	return text ? atoi(text) : 300;
}

/*
 * A full handshake for each, or one with a key exchange, takes several times as long. What is left
 * of a session afterwards is the same in each version.
 */
static SSL_CTX *make_client(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	ASSERT_NOT_NULL(ctx);
	ASSERT_EQ(1, SSL_CTX_use_certificate_chain_file(ctx, site_file("pki/good.pem")));
	ASSERT_EQ(1, SSL_CTX_use_PrivateKey_file(ctx, site_file("pki/good.key"), SSL_FILETYPE_PEM));
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	return ctx;
}

/* until the app's byte has come; its socket stays */
static void open_idle(struct client *client, int number)
{
	char host[32], source[32], byte = 0;
	struct dialled dialled;
	SSL *ssl = SSL_new(client->ctx);

	ASSERT_NOT_NULL(ssl);
	snprintf(host, sizeof(host), "127.0.0.%d", 1 + number / PER_ADDRESS);
	snprintf(source, sizeof(source), "127.0.1.%d", 1 + number / PER_ADDRESS);
	dialled = dial(&(struct dial){
		.host = host, .port = DAEMON_PORT, .source = source, .waits = true });
	ASSERT_EQ(0, dialled.error);
	ASSERT_EQ(1, SSL_set_fd(ssl, dialled.fd));
	if (client->session)
		ASSERT_EQ(1, SSL_set_session(ssl, client->session));
	ASSERT_EQ(1, SSL_connect(ssl));
	ASSERT_EQ(1, SSL_read(ssl, &byte, 1));
	ASSERT_EQ('!', byte);
	client->resumed += SSL_session_reused(ssl);
	if (!client->session)
		client->session = SSL_get1_session(ssl);
	/* in order, so that it may be resumed; nothing is sent */
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
}

static _Noreturn void run_client(int first, int last, int out)
{
	struct client client = { .ctx = make_client() };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = first; i < last; i++)
		open_idle(&client, i);
	ASSERT_EQ(sizeof(client.resumed), write(out, &client.resumed, sizeof(client.resumed)));
	for (;;)
		pause();
}

static void open_many(FIXTURE_DATA(idle) *self, int count)
{
	int first = self->opened, out[2], resumed, i;
	long long begin = process_now_ms();

	ASSERT_OK(pipe(out));
	for (i = 0; i < CLIENTS; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid)
			run_client(first + count / CLIENTS * i,
				   i == CLIENTS - 1 ? first + count : first + count / CLIENTS * (i + 1),
				   out[1]);
		self->clients[self->client_count++] = pid;
	}
	close(out[1]);
	for (i = 0; i < CLIENTS; i++) {
		/* an end of file: those that are left have failed */
		ASSERT_EQ(sizeof(resumed), read(out[0], &resumed, sizeof(resumed)));
		self->resumed += resumed;
	}
	close(out[0]);
	self->opened += count;
	TH_LOG("%d sessions in %lld ms", count, process_now_ms() - begin);
	process_sleep_ms(SETTLE_MS);
}

/*
 * Of main with its workers, and the keeper with its carriers and adopters. Not the TLS sessions that
 * may be resumed, which are no process's own: every handshake fills their place, whoever lives.
 */
static long memory_kb(const struct place *place)
{
	pid_t pids[PROCESSES_MAX] = { place->agent.pid, place->keeper };
	int count = 2, i;
	long kb = 0;

	count += process_children(place->agent.pid, pids + count, PROCESSES_MAX - count);
	count += process_children(place->keeper, pids + count, PROCESSES_MAX - count);
	for (i = 0; i < count; i++) {
		long own = process_memory_kb(pids[i]);

		TH_LOG("pid %d: %ld KiB", (int)pids[i], own);
		ASSERT_LT(0, own);
		kb += own;
	}
	return kb;
}

static long count_sessions_now(const FIXTURE_DATA(idle) *self)
{
	json_t *status = daemon_ask(&self->place.agent, "status");
	long count = (long)json_integer_value(json_object_get(status, "sessions"));

	json_decref(status);
	return count;
}

/* a daemon that starts with what is left of so many has memory for as many to come */
static void end_all(FIXTURE_DATA(idle) *self)
{
	long long end = process_now_ms() + ENDS_MS;

	for (int i = 0; i < self->client_count; i++)
		EXPECT_EQ(SIGKILL, process_end(self->clients[i], SIGKILL, ENDS_MS));
	/* it has not even looked whether its clients have gone */
	EXPECT_EQ(SIGKILL, process_end(self->place.app.pid, SIGKILL, ENDS_MS));
	self->place.app.pid = 0;
	while (count_sessions_now(self) && process_now_ms() < end)
		process_sleep_ms(200);
	EXPECT_EQ(0, count_sessions_now(self));
	TH_LOG("all have ended %lld ms later", process_now_ms() - end + ENDS_MS);
}

/* all that the agent knows of are there, and none is a worker's or of the other delivery */
static void check_live(const FIXTURE_DATA(idle) *self, bool adopts)
{
	json_t *status = daemon_ask(&self->place.agent, "status"), *carrier;
	long count = (long)json_integer_value(json_object_get(status, "sessions"));
	size_t i;

	EXPECT_EQ(self->opened, count);
	if (adopts) {
		json_t *app = json_array_get(json_object_get(status, "apps"), 0);

		count -= (long)json_integer_value(json_object_get(app, "adopted"));
	} else {
		json_array_foreach(json_object_get(status, "carriers"), i, carrier)
			count -= (long)json_integer_value(json_object_get(carrier, "sessions"));
	}
	EXPECT_EQ(0, count);
	json_decref(status);
}

FIXTURE_SETUP(idle)
{
	const char *words[WRAP_WORDS_MAX] = { NULL };
	char run[PROCESS_PATH_MAX], log[PROCESS_PATH_MAX];
	int at = variant->adopts ? WRAP_WORDS : 0;

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	if ((rlim_t)(count_sessions() + WARM_UP + SPARE_FDS) > fd_limit)
		SKIP("a process may have %lu descriptors here", (unsigned long)fd_limit);
	daemon_start(&self->place.agent, &(struct daemon_options){ .settings = "workers = 1" });
	place_keep(&self->place);
	snprintf(run, sizeof(run), "%s/run", self->place.agent.dir);
	if (variant->adopts)
		wrap_words(run, words);
	words[at] = process_build_path("tests/carry/holder");
	words[at + 1] = "0.0.0.0:5061";
	snprintf(log, sizeof(log), "%s/holder.log", self->place.agent.dir);
	self->place.app.pid = process_start(log, words);
	ASSERT_LT(0, self->place.app.pid);
	json_decref(journal_wait(log, JOURNAL_WANT({ "event", "ready" })));
	if (variant->adopts)
		wrap_await_listener(&self->place.agent, DAEMON_PORT);
}

FIXTURE_TEARDOWN(idle)
{
	if (self->client_count)
		end_all(self);
	place_close(&self->place);
}

TEST_F_TIMEOUT(idle, takes_little, 400)
{
	int sessions = count_sessions();
	long before, each;

	/* what a process takes once, as for its busiest moment so far, is not a session's */
	open_many(self, WARM_UP);
	before = memory_kb(&self->place);
	open_many(self, sessions);
	each = (memory_kb(&self->place) - before) * 1024 / sessions;
	TH_LOG("%d idle sessions: %ld bytes each", sessions, each);
	EXPECT_GT(variant->bytes_max, each);
	/* each process has opened one in full, each time */
	EXPECT_EQ(self->opened - 2 * CLIENTS, self->resumed);
	check_live(self, variant->adopts);
}

HARNESS_MAIN
