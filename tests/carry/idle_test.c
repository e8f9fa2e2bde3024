// SPDX-License-Identifier: Apache-2.0
/*
 * What a session that nobody uses takes of the agent's memory: of all its processes, the keeper's
 * among them, with IDLE_SESSIONS of them at once. Half of them are relayed, half of them adopted.
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

#define ADOPTED_PORT (DAEMON_PORT + 1)
#define WARM_UP 300 /* of each half */
#define RELAYED_BYTES_MAX 4096 /* each */
#define ADOPTED_BYTES_MAX 1024
#define SETTLE_MS (500 * harness_time_scale())
#define ENDS_MS (30000 * harness_time_scale())
#define PER_ADDRESS 10000 /* an address has some 28,000 ports to connect from */
#define SPARE_FDS 200
#define CLIENTS 4 /* processes: what one of them waits for, another one computes */
#define ROUNDS 4 /* of such processes: a warm-up and the sessions that count, of each half */
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

static const uint16_t ports[] = { DAEMON_PORT, ADOPTED_PORT, 0 };

FIXTURE(idle) {
	struct place place; /* its app is that of the relayed sessions */
	pid_t adopting;
	pid_t clients[ROUNDS * CLIENTS];
	int client_count, relayed, adopted, resumed;
};

/* a process with clients, which keeps their sockets */
struct client {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* that all but its first one go on with */
	int resumed;
};

/* how many; the environment says more where there is the time for it */
static int count_sessions(void)
{
	const char *text = getenv("IDLE_SESSIONS");

	return text ? atoi(text) : 600;
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
static void open_idle(struct client *client, uint16_t port, int number)
{
	char host[32], source[32], byte = 0;
	struct dialled dialled;
	SSL *ssl = SSL_new(client->ctx);

	ASSERT_NOT_NULL(ssl);
	snprintf(host, sizeof(host), "127.0.0.%d", 1 + number / PER_ADDRESS);
	snprintf(source, sizeof(source), "127.0.1.%d", 1 + number / PER_ADDRESS);
	dialled = dial(&(struct dial){
		.host = host, .port = port, .source = source, .waits = true });
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

static _Noreturn void run_client(uint16_t port, int first, int last, int out)
{
	struct client client = { .ctx = make_client() };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = first; i < last; i++)
		open_idle(&client, port, i);
	ASSERT_EQ(sizeof(client.resumed), write(out, &client.resumed, sizeof(client.resumed)));
	for (;;)
		pause();
}

static void open_many(FIXTURE_DATA(idle) *self, uint16_t port, int count)
{
	int *opened = port == ADOPTED_PORT ? &self->adopted : &self->relayed;
	int out[2], resumed, i;
	long long begin = process_now_ms();

	ASSERT_OK(pipe(out));
	for (i = 0; i < CLIENTS; i++) {
		int first = *opened + count / CLIENTS * i;
		int last = i == CLIENTS - 1 ? *opened + count : first + count / CLIENTS;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid)
			run_client(port, first, last, out[1]);
		self->clients[self->client_count++] = pid;
	}
	close(out[1]);
	for (i = 0; i < CLIENTS; i++) {
		/* an end of file: those that are left have failed */
		ASSERT_EQ(sizeof(resumed), read(out[0], &resumed, sizeof(resumed)));
		self->resumed += resumed;
	}
	close(out[0]);
	*opened += count;
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
	/* they have not even looked whether their clients have gone */
	EXPECT_EQ(SIGKILL, process_end(self->place.app.pid, SIGKILL, ENDS_MS));
	EXPECT_EQ(SIGKILL, process_end(self->adopting, SIGKILL, ENDS_MS));
	self->place.app.pid = self->adopting = 0;
	while (count_sessions_now(self) && process_now_ms() < end)
		process_sleep_ms(200);
	EXPECT_EQ(0, count_sessions_now(self));
	TH_LOG("all have ended %lld ms later", process_now_ms() - end + ENDS_MS);
}

/* all that the agent knows of are there, and none is a worker's or of the other delivery */
static void check_live(const FIXTURE_DATA(idle) *self)
{
	json_t *status = daemon_ask(&self->place.agent, "status"), *carrier;
	json_t *app = json_array_get(json_object_get(status, "apps"), 0);
	long carried = 0;
	size_t i;

	json_array_foreach(json_object_get(status, "carriers"), i, carrier)
		carried += (long)journal_number(carrier, "sessions");
	EXPECT_EQ(self->relayed, carried);
	EXPECT_EQ(self->adopted, journal_number(app, "adopted"));
	EXPECT_EQ(self->relayed + self->adopted, journal_number(status, "sessions"));
	json_decref(status);
}

/* an app on that port, started by these words or none; its log's name begins so */
static pid_t start_holder(const struct daemon *agent, const char *words[WRAP_WORDS_MAX], int count,
			  uint16_t port)
{
	char address[32], log[PROCESS_PATH_MAX];
	pid_t pid;

	snprintf(address, sizeof(address), "0.0.0.0:%u", port);
	snprintf(log, sizeof(log), "%s/holder-%u.log", agent->dir, port);
	words[count] = process_build_path("tests/carry/holder");
	words[count + 1] = address;
	pid = process_start(log, words);
	ASSERT_LT(0, pid);
	json_decref(journal_wait(log, JOURNAL_WANT({ "event", "ready" })));
	return pid;
}

FIXTURE_SETUP(idle)
{
	const char *plain[WRAP_WORDS_MAX] = { NULL }, *wrapped[WRAP_WORDS_MAX] = { NULL };
	const struct daemon *agent = &self->place.agent;
	char run[PROCESS_PATH_MAX];

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	if ((rlim_t)(count_sessions() + 2 * WARM_UP + SPARE_FDS) > fd_limit)
		SKIP("a process may have %lu descriptors here", (unsigned long)fd_limit);
	daemon_start(&self->place.agent,
		     &(struct daemon_options){ .settings = "workers = 1", .ports = ports });
	place_keep(&self->place);
	self->place.app.pid = start_holder(agent, plain, 0, DAEMON_PORT);
	snprintf(run, sizeof(run), "%s/run", agent->dir);
	wrap_words(run, wrapped);
	self->adopting = start_holder(agent, wrapped, WRAP_WORDS, ADOPTED_PORT);
	wrap_await_listener(agent, ADOPTED_PORT);
}

FIXTURE_TEARDOWN(idle)
{
	if (self->client_count)
		end_all(self);
	place_close(&self->place);
}

/* of so many that come to that port; what a process takes once, at its busiest, is no session's */
static long measure_each(FIXTURE_DATA(idle) *self, uint16_t port, int count)
{
	long before, each;

	open_many(self, port, WARM_UP);
	before = memory_kb(&self->place);
	open_many(self, port, count);
	each = (memory_kb(&self->place) - before) * 1024 / count;
	TH_LOG("%d idle sessions on port %u: %ld bytes each", count, port, each);
	return each;
}

TEST_F_TIMEOUT(idle, takes_little, 400)
{
	int half = count_sessions() / 2;

	EXPECT_GT(RELAYED_BYTES_MAX, measure_each(self, DAEMON_PORT, half));
	EXPECT_GT(ADOPTED_BYTES_MAX, measure_each(self, ADOPTED_PORT, half));
	/* each process has opened one in full, each time */
	EXPECT_EQ(self->relayed + self->adopted - ROUNDS * CLIENTS, self->resumed);
	check_live(self);
}

HARNESS_MAIN
