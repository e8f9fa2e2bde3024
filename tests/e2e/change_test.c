// SPDX-License-Identifier: Apache-2.0
/*
 * Sessions that live while the policy changes, by a reload or by a restart: those that the new one
 * refuses end, with the reason, as the reload's rehearsal has said, and the others notice nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/living.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
#include "tests/harness.h"

HARNESS_PREPARE
{
	site_prepare();
}

static const char changing[] = "line \"changing\" { function = sip-line port = 5061 "
			       "remote = 127.0.53.0/24 level = medium }\n";
static const char claiming[] = "line \"claiming\" { function = sip-line port = 5061 "
			       "remote = 127.0.53.1/32 level = none }\n"
			       "line \"changing\"";

#define CHANGES "127.0.53.1"

FIXTURE(changed) {
	struct daemon agent;
	struct plain_app app;
	struct peer *one, *other;
	pid_t keeper;
};

FIXTURE_VARIANT(changed) {
	bool restarts; /* and does not reload: the app has its sessions then */
	/* in the daemon's configuration; "@" stands for the stage's folder */
	const char *from, *to;
	const char *reason; /* how it begins; NULL: the session goes on */
};

#define CHANGED_VARIANTS(name, ...)                                                                \
	FIXTURE_VARIANT_ADD(changed, name##_reload) { .restarts = false, __VA_ARGS__ };            \
	FIXTURE_VARIANT_ADD(changed, name##_restart) { .restarts = true, __VA_ARGS__ }

CHANGED_VARIANTS(nothing, .from = "workers = 2", .to = "workers = 2");
CHANGED_VARIANTS(level, .from = "53.0/24 level = medium",
		 .to = "53.0/24 level = medium+remote sip-domains = \"elsewhere.test\"",
		 .reason = "refused by the policy now: ");
CHANGED_VARIANTS(trust_store, .from = "\"@/trusted\"", .to = "\"@/pki/other-root.pem\"",
		 .reason = "refused by the policy now: no chain to a trusted root");
CHANGED_VARIANTS(revocation_list, .from = "\"@/trusted\"", .to = "\"@/revoked\"",
		 .reason = "refused by the policy now: no chain to a trusted root");
CHANGED_VARIANTS(no_line, .from = changing, .to = "",
		 .reason = "no line of the configuration claims its address any more");
CHANGED_VARIANTS(other_line, .from = "line \"changing\"", .to = claiming,
		 .reason = "its address is another line's now");

FIXTURE_SETUP(changed)
{
	static const char *const names[] = { "good", NULL };
	char settings[512];

	if (variant->restarts && !site_has_kernel_tls())
		SKIP("this kernel has no TLS: no session outlives the daemon");
	mkdir(site_file("revoked"), 0755);
	site_trust("revoked", "root");
	site_pki_revoke(site_file("revoked/intermediate.crl"), names);
	snprintf(settings, sizeof(settings), "workers = 2\n%s", changing);
	daemon_start(&self->agent, &(struct daemon_options){ .settings = settings });
	self->keeper = living_start_app(&self->agent, &self->app, variant->restarts);
}

FIXTURE_TEARDOWN(changed)
{
	if (!self->app.pid)
		return;
	peer_free(self->one);
	peer_free(self->other);
	living_end(&self->agent, &self->app, self->keeper);
}

/* `linewarden reload --dry-run` names the session that would end, and no other. */
static void check_rehearsal(const struct daemon *agent, struct peer *peer, const char *reason)
{
	static char output[PROCESS_OUTPUT_MAX];
	char run[PROCESS_PATH_MAX];
	const char *const argv[] = { process_build_path("tools/linewarden"), "reload", "--dry-run",
				     "--json", "--run", run, NULL };
	json_t *answer, *ends, *end;

	snprintf(run, sizeof(run), "%s/run", agent->dir);
	ASSERT_EQ(0, process_run(output, argv)) {
		TH_LOG("%s", output);
	}
	answer = json_loads(output, 0, NULL);
	ends = json_object_get(answer, "ends");
	EXPECT_EQ(reason ? 1 : 0, json_array_size(ends)) {
		TH_LOG("%s", output);
	}
	end = json_array_get(ends, 0);
	if (reason) {
		EXPECT_STREQ(peer_result(peer)->local, journal_text(end, "peer"));
		EXPECT_NOT_NULL(strstr(journal_text(end, "why"), reason));
	}
	json_decref(answer);
}

TEST_F_TIMEOUT(changed, since_it_began, 60)
{
	const char *policy = "refused by the policy now: ";
	const char *said = variant->reason;

	if (said && !strncmp(said, policy, strlen(policy)))
		said += strlen(policy);
	self->one = living_open(CHANGES, "good");
	self->other = living_open(LIVING_ANYBODY, "good-rsa");
	if (variant->restarts)
		ASSERT_EQ(0, daemon_end(&self->agent, SIGTERM));
	daemon_change(&self->agent, variant->from, variant->to);
	if (!variant->restarts)
		check_rehearsal(&self->agent, self->one, said);
	if (variant->restarts)
		ASSERT_OK(daemon_launch(&self->agent));
	else
		ASSERT_EQ(0, daemon_reload(&self->agent, NULL));
	if (variant->reason) {
		living_check_ended(&self->agent, self->one, variant->reason);
	} else {
		process_sleep_ms(500);
		living_check_goes_on(self->one);
	}
	living_check_goes_on(self->other);
	EXPECT_EQ(variant->reason ? 1 : 2, daemon_sessions(&self->agent, variant->reason ? 1 : 2));
}

/* Two peers of one line, below two roots: which of them a change has judged again. */
FIXTURE(concerned) {
	struct daemon agent;
	struct plain_app app;
	char store[64];
	struct peer *one, *other; /* "good", and one below the other root */
};

FIXTURE_VARIANT(concerned) {
	const char *added, *removed; /* certificates of the trust store */
	const char *const *revoked; /* by a list that is added; NULL: none is */
	const char *from, *to; /* in the configuration */
	const char *denied; /* a certificate */
	int judged; /* of the two chains */
	bool one_ends, other_ends;
};

static const char *const nobody[] = { NULL };
static const char *const somebody[] = { "good", NULL };

#define CONCERNED_VARIANT(name, ...) FIXTURE_VARIANT_ADD(concerned, name) { __VA_ARGS__ }

CONCERNED_VARIANT(nothing, .judged = 0);
CONCERNED_VARIANT(foreign_added, .added = "self-signed", .judged = 0);
CONCERNED_VARIANT(foreign_removed, .removed = "self-signed-trusted", .judged = 0);
CONCERNED_VARIANT(foreign_line, .from = "53.128/25 level = medium", .to = "53.128/25 level = none",
		  .judged = 0);
CONCERNED_VARIANT(list, .revoked = nobody, .judged = 1);
CONCERNED_VARIANT(list_revokes, .revoked = somebody, .judged = 1, .one_ends = true);
CONCERNED_VARIANT(root_removed, .removed = "root", .judged = 1, .one_ends = true);
CONCERNED_VARIANT(other_root_removed, .removed = "other-root", .judged = 1, .other_ends = true);
CONCERNED_VARIANT(line, .from = "53.0/25 level = medium", .to = "53.0/25 level = low",
		  .judged = 2);
CONCERNED_VARIANT(peer_denied, .denied = "good", .judged = 1, .one_ends = true);
/* which the peer has not sent */
CONCERNED_VARIANT(root_denied, .denied = "root", .judged = 1, .one_ends = true);
CONCERNED_VARIANT(foreign_denied, .denied = "self-signed-trusted", .judged = 0);

static const char concerned_lines[] =
	"workers = 2\nwatch-files = no\nstate-path = \"%s\"\n"
	"line \"two\" { function = sip-line port = 5061 remote = 127.0.53.0/25 level = medium }\n"
	"line \"foreign\" { function = sip-line port = 5061 remote = 127.0.53.128/25 "
	"level = medium }\n";

FIXTURE_SETUP(concerned)
{
	static const char *const store[] = { "root", "other-root", "self-signed-trusted" };
	char settings[1024], key[128];

	snprintf(self->store, sizeof(self->store), "store-%d", getpid());
	mkdir(site_file("%s", self->store), 0755);
	for (size_t i = 0; i < sizeof(store) / sizeof(store[0]); i++)
		site_trust(self->store, store[i]);
	snprintf(settings, sizeof(settings), concerned_lines, site_file("state-%d", getpid()));
	snprintf(key, sizeof(key), "\"@/%s\"", self->store);
	daemon_configure(&self->agent, &(struct daemon_options){ .settings = settings });
	daemon_change(&self->agent, "\"@/trusted\"", key);
	ASSERT_OK(daemon_launch(&self->agent));
	living_start_app(&self->agent, &self->app, false);
}

FIXTURE_TEARDOWN(concerned)
{
	if (!self->app.pid)
		return;
	peer_free(self->one);
	peer_free(self->other);
	living_end(&self->agent, &self->app, 0);
}

/* How many of the two it said that are judged again, the last time; -1: it said nothing yet. */
static int said_to_be_judged(const struct daemon *agent)
{
	char path[PROCESS_PATH_MAX], line[1024];
	int judged = -1, of = 0;
	const char *at;
	FILE *file;

	snprintf(path, sizeof(path), "%s/daemon.log", agent->dir);
	file = fopen(path, "re");
	ASSERT_NOT_NULL(file);
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, " chains of live sessions are judged again") ?
			     strrchr(line, ':') :
			     NULL;
		if (at)
			EXPECT_EQ(2, sscanf(at, ": %d of %d", &judged, &of));
	}
	fclose(file);
	EXPECT_EQ(judged < 0 ? 0 : 2, of);
	return judged;
}

static long long chains(const struct daemon *agent, const char *what)
{
	json_t *status = daemon_ask(agent, "status");
	long long count = journal_number(json_object_get(status, "chains"), what);

	json_decref(status);
	return count;
}

TEST_F_TIMEOUT(concerned, and_nobody_else, 60)
{
	self->one = living_open("127.0.53.1", "good");
	self->other = living_open("127.0.53.2", "unknown-ca");
	EXPECT_EQ(2, chains(&self->agent, "live"));
	EXPECT_EQ(0, chains(&self->agent, "judged"));

	if (variant->added)
		site_trust(self->store, variant->added);
	if (variant->removed)
		ASSERT_OK(unlink(site_file("%s/%s.pem", self->store, variant->removed)));
	if (variant->revoked)
		site_pki_revoke(site_file("%s/list.crl", self->store), variant->revoked);
	if (variant->from)
		daemon_change(&self->agent, variant->from, variant->to);
	if (variant->denied)
		ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint",
					 site_pki_fingerprint(variant->denied)));
	else
		ASSERT_EQ(0, daemon_reload(&self->agent, NULL));

	EXPECT_EQ(variant->judged, said_to_be_judged(&self->agent));
	while (chains(&self->agent, "judged") < variant->judged)
		process_sleep_ms(10);
	if (variant->one_ends)
		living_check_ended(&self->agent, self->one, "refused by the policy now: ");
	else
		living_check_goes_on(self->one);
	if (variant->other_ends)
		living_check_ended(&self->agent, self->other, "refused by the policy now: ");
	else
		living_check_goes_on(self->other);
	EXPECT_EQ(variant->judged, chains(&self->agent, "judged"));
	EXPECT_EQ(2 - variant->one_ends - variant->other_ends, chains(&self->agent, "live"));
}

HARNESS_MAIN
