// SPDX-License-Identifier: Apache-2.0
/* What a session that nobody uses takes of the agent's memory: SESSIONS of them. */
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/carry/place.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define BYTES_MAX 4096 /* each */
#define WARM_UP 300

HARNESS_PREPARE
{
	struct rlimit limit;

	/* of this process, and of those that it starts */
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	site_prepare();
}

/* SESSIONS of the environment is for runs by hand */
static int count_sessions(void)
{
	const char *text = getenv("SESSIONS");

	return text ? atoi(text) : 300;
}

/* an app that has connections, and does nothing with them */
static pid_t start_idle_app(void)
{
	int listener = listener_open("127.0.0.1", DAEMON_PORT, false, 4096);
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (pid) {
		close(listener);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		accept(listener, NULL, NULL);
}

/* the handshake is all that the client does; its socket stays */
static void open_idle(SSL_CTX *ctx)
{
	struct dialled dialled = dial(&(struct dial){
		.host = "127.0.0.1",
		.port = DAEMON_PORT,
		.source = site_source(SITE_MEDIUM),
		.waits = true,
	});
	SSL *ssl = SSL_new(ctx);

	ASSERT_NOT_NULL(ssl);
	ASSERT_EQ(0, dialled.error);
	ASSERT_EQ(1, SSL_set_fd(ssl, dialled.fd));
	ASSERT_EQ(1, SSL_connect(ssl));
	SSL_free(ssl);
}

/*
 * Its own and its part of what is shared with others, but for the TLS sessions that may be resumed:
 * those have room for a number of them, which every handshake fills, whoever lives.
 */
static long process_own_kb(pid_t pid)
{
	char path[64], line[256];
	long total = 0, kb;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "re");
	ASSERT_NOT_NULL(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss_Anon: %ld kB", &kb) == 1 ||
		    sscanf(line, "Pss_File: %ld kB", &kb) == 1)
			total += kb;
	fclose(file);
	EXPECT_LT(0, total);
	return total;
}

static long memory_kb(const struct place *place)
{
	pid_t pids[PLACE_CARRIERS_MAX + DAEMON_WORKERS_MAX + 1];
	int count = place_carriers(place, pids), i;
	long kb = 0;

	count += daemon_workers(&place->agent, pids + count);
	pids[count++] = place->agent.pid;
	for (i = 0; i < count; i++) {
		TH_LOG("pid %d: %ld KiB", (int)pids[i], process_own_kb(pids[i]));
		kb += process_own_kb(pids[i]);
	}
	return kb;
}

static long count_live(const struct place *place)
{
	json_t *status = daemon_ask(&place->agent, "status");
	long count = (long)json_integer_value(json_object_get(status, "sessions"));
	json_t *carrier;
	size_t i;

	json_array_foreach(json_object_get(status, "carriers"), i, carrier)
		count -= (long)json_integer_value(json_object_get(carrier, "sessions"));
	/* none is left with a worker */
	EXPECT_EQ(0, count);
	count = (long)json_integer_value(json_object_get(status, "sessions"));
	json_decref(status);
	return count;
}

TEST_TIMEOUT(idle_sessions_take_little, 2400)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct place place = { .keeper = 0 };
	int sessions = count_sessions(), i;
	long before, after;

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	ASSERT_NOT_NULL(ctx);
	ASSERT_EQ(1, SSL_CTX_use_certificate_chain_file(ctx, site_file("pki/good.pem")));
	ASSERT_EQ(1, SSL_CTX_use_PrivateKey_file(ctx, site_file("pki/good.key"), SSL_FILETYPE_PEM));
	place.app.pid = start_idle_app();
	daemon_start(&place.agent, &(struct daemon_options){ .settings = "workers = 1" });
	place_keep(&place);
	/* what a process takes once, as for its busiest moment so far, is not a session's */
	for (i = 0; i < WARM_UP; i++)
		open_idle(ctx);
	process_sleep_ms(2000);
	before = memory_kb(&place);
	for (i = 0; i < sessions; i++)
		open_idle(ctx);
	process_sleep_ms(2000);
	after = memory_kb(&place);
	TH_LOG("%d idle sessions: %ld bytes each", sessions, (after - before) * 1024 / sessions);
	EXPECT_EQ(sessions + WARM_UP, count_live(&place));
	EXPECT_GT(BYTES_MAX, (after - before) * 1024 / sessions);
	SSL_CTX_free(ctx);
	place_close(&place);
}

HARNESS_MAIN
