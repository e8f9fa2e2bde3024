// SPDX-License-Identifier: Apache-2.0
/*
 * What the ways of a connect() cost, from the call until the first byte that the server sends back:
 *
 *	plain     TCP, by an app that is not wrapped
 *	wrapped   the same by one whose connect() is notified, to an address of no line
 *	relayed   TLS by the relay
 *	in place  TLS, and the app has the socket itself
 *
 * A harness program for its checks, but no test. It takes a kernel with TLS:
 * tests/vm/run --kernel 6.12 -- tests/stage build/tests/adopt/connect_bench
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/adopt/connector_app.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())

enum { PLAIN_PORT = 5099 };

static const char settings[] =
	"workers = 1\npbx \"app\" { cgroup = \"/%s\" }\n"
	"line \"in-place\" { function = sip-line direction = outbound port = 5071 delivery = adopt "
	"remote = { \"127.0.30.1/32\" } level = medium }\n"
	"line \"relayed\" { function = sip-line direction = outbound port = 5071 "
	"remote = { \"127.0.30.2/32\" } level = medium }\n";

HARNESS_PREPARE
{
	site_prepare();
}

static void show(const char *name, const char *log)
{
	json_t *result = NULL;

	for (int i = 0; !result && i < 20; i++)
		result = journal_wait(log, JOURNAL_WANT({ "event", "repeat" }));
	ASSERT_NOT_NULL(result);
	EXPECT_EQ(0, journal_count(log, JOURNAL_WANT({ "event", "failed" })));
	printf("# %-10s median %6lld us, 95%% %6lld us\n", name, journal_number(result, "median_us"),
	       journal_number(result, "p95_us"));
	json_decref(result);
}

static void measure_wrapped(const char *name, const char *run, const char *words)
{
	struct connector_app app;

	connector_app_start(&app, run, words);
	show(name, app.log);
}

TEST_TIMEOUT(ways, 200)
{
	static char text[2048];
	const char *plain_words[] = { process_build_path("tests/adopt/connector"), "127.0.0.1",
				      "5099", "repeat=200", NULL };
	struct far_server far[2];
	struct daemon agent;
	struct plain_app app;
	char run[PROCESS_PATH_MAX];
	pid_t keeper, pid;

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	for (int i = 0; i < 2; i++)
		far_server_start(&far[i], &(struct far_server_options){
						  .host = i ? "127.0.30.2" : "127.0.30.1",
						  .port = 5071,
						  .certificate = "good",
						  .asks = true });
	snprintf(text, sizeof(text), settings, strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	daemon_start(&agent, &(struct daemon_options){ .settings = text });
	keeper = wrap_start_keeper_of(&agent, run);
	plain_app_start(&app, PLAIN_PORT, "echo");
	for (int round = 0; round < 2; round++) {
		char *log = strdup(site_file("plain-%d.log", round));

		pid = process_start(log, plain_words);
		ASSERT_LT(0, pid);
		show("plain", log);
		free(log);
		measure_wrapped("wrapped", run, "127.0.0.1 5099 repeat=200");
		measure_wrapped("relayed", run, "127.0.30.2 5071 repeat=200");
		measure_wrapped("in place", run, "127.0.30.1 5071 repeat=200");
	}
	daemon_retire(&agent);
	EXPECT_LE(0, process_end(keeper, SIGTERM, LIMIT_MS));
	for (int i = 0; i < 2; i++)
		far_server_end(&far[i]);
}

HARNESS_MAIN
