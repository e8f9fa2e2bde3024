// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/living.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())

pid_t living_start_app(const struct daemon *agent, struct plain_app *app, bool adopts)
{
	char run[PROCESS_PATH_MAX];
	pid_t keeper = 0;

	if (adopts) {
		keeper = wrap_start_keeper_of(agent, run);
		plain_app_wrap(app, run, DAEMON_PORT, "echo [::1]:5061");
	} else {
		plain_app_start(app, DAEMON_PORT, "echo [::1]:5061");
	}
	return keeper;
}

void living_end(struct daemon *agent, const struct plain_app *app, pid_t keeper)
{
	if (harness_has_failed())
		daemon_explain(agent);
	EXPECT_EQ(0, daemon_end(agent, SIGTERM));
	process_end(app->pid, SIGKILL, LIMIT_MS);
	if (keeper)
		process_end(keeper, SIGTERM, LIMIT_MS);
}

/*
 * No two sessions of a test have the same: they are told apart by it. The kernel may give one out
 * again as soon as it is free. Below those that it gives out.
 */
static unsigned int living_port(void)
{
	enum { FIRST = 10000, COUNT = 20000, OF_A_TEST = 64 };
	static unsigned int opened;

	return FIRST + ((unsigned int)getpid() * OF_A_TEST + opened++) % COUNT;
}

/* a test before had some of them a minute ago, and its sessions are not quite over (RFC 9293) */
static int living_connect(struct peer_options *options, const char *source, struct peer **peer)
{
	static char address[64]; /* the peer keeps the pointer */
	int err, tries = 256;

	options->source = address;
	for (;;) {
		snprintf(address, sizeof(address), "%s:%u", source, living_port());
		err = peer_open(options, peer);
		if ((err != -EADDRNOTAVAIL && err != -EADDRINUSE) || !--tries)
			return err;
		peer_free(*peer);
	}
}

struct peer *living_open(const char *source, const char *certificate)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, certificate);
	struct peer *peer;

	/* what is reissued has no key of its own */
	if (access(site_file("pki/%s.key", certificate), R_OK) < 0)
		options.key = site_file("pki/good.key");
	ASSERT_OK(living_connect(&options, source, &peer));
	ASSERT_OK(peer_step(peer, "echo:100")) {
		TH_LOG("%s from %s", certificate, source);
	}
	return peer;
}

void living_check_goes_on(struct peer *peer)
{
	EXPECT_OK(peer_step(peer, "echo:1000"));
}

void living_check_ended(struct daemon *agent, struct peer *peer, const char *reason)
{
	const char *local = peer_result(peer)->local;
	json_t *record = daemon_record(agent, "ended", local);

	ASSERT_NOT_NULL(record);
	EXPECT_EQ(0, strncmp(reason, journal_text(record, "reason"), strlen(reason))) {
		TH_LOG("%s", journal_text(record, "reason"));
	}
	json_decref(record);
	peer_step(peer, "drain");
	EXPECT_EQ(PEER_RST, peer_result(peer)->transport);
	EXPECT_EQ(1, journal_count(agent->audit,
				   JOURNAL_WANT({ "event", "ended" }, { "peer", local })));
}

void living_check_app_saw_end(const struct plain_app *app, const char *client, bool adopted)
{
	json_t *end = plain_app_end(app, client);

	ASSERT_NOT_NULL(end);
	EXPECT_STREQ(adopted ? "ECONNABORTED" : "rst", journal_text(end, "end"));
	json_decref(end);
}

int living_deny(const struct daemon *agent, const char *option, const char *fingerprint)
{
	static char output[PROCESS_OUTPUT_MAX];
	char run[PROCESS_PATH_MAX];
	const char *const argv[] = { process_build_path("tools/linewarden"), "revoke", "--run", run,
				     "--reason", "stolen", option, fingerprint, NULL };
	int status;

	snprintf(run, sizeof(run), "%s/run", agent->dir);
	status = process_run(output, argv);
	if (status)
		fprintf(stderr, "%s", output);
	return status;
}
