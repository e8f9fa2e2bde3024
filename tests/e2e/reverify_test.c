// SPDX-License-Identifier: Apache-2.0
/*
 * A verdict is not for ever: of sessions that live, those that would be refused now end, with the
 * reason, and the others notice nothing. With the socket in a worker, and in the app itself.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/captive.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/living.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/site_pki.h"
#include "tests/harness.h"
#include "userspace/endpoint.h"
#include "userspace/message.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define SOON (4 * harness_time_scale()) /* seconds: a session is open long before */

#define ENDS "127.0.50.1" /* on-expiry = end */
#define KEEPS "127.0.51.1" /* on-expiry = record */
#define OBSERVES "127.0.52.1" /* mode = observe */

static const char lines[] =
	"workers = 2\nstate-path = \"%s\"\n"
	"line \"ends\" { function = sip-line port = 5061 remote = 127.0.50.0/24 level = medium }\n"
	"line \"keeps\" { function = sip-line port = 5061 remote = 127.0.51.0/24 level = medium "
	"on-expiry = record }\n"
	"line \"observes\" { function = sip-line port = 5061 remote = 127.0.52.0/24 level = medium "
	"mode = observe }\n";

HARNESS_PREPARE
{
	site_prepare();
}

FIXTURE(reverify) {
	struct daemon agent;
	struct plain_app app;
	char state[PROCESS_PATH_MAX];
	struct peer *one, *other, *third;
	pid_t keeper;
};

FIXTURE_VARIANT(reverify) {
	bool adopts;
};

FIXTURE_VARIANT_ADD(reverify, relayed) { .adopts = false };
FIXTURE_VARIANT_ADD(reverify, adopted) { .adopts = true };

FIXTURE_SETUP(reverify)
{
	char settings[2048];

	if (variant->adopts && !site_has_kernel_tls())
		SKIP("this kernel has no TLS: nothing is adopted");
	snprintf(self->state, sizeof(self->state), "%s", site_file("state-%d", getpid()));
	snprintf(settings, sizeof(settings), lines, self->state);
	daemon_start(&self->agent, &(struct daemon_options){ .settings = settings });
	self->keeper = living_start_app(&self->agent, &self->app, variant->adopts);
}

FIXTURE_TEARDOWN(reverify)
{
	if (!self->app.pid)
		return;
	peer_free(self->one);
	peer_free(self->other);
	peer_free(self->third);
	living_end(&self->agent, &self->app, self->keeper);
}

/* The next checks have their own patience with what happens after that. */
static void wait_until_after(time_t end)
{
	while (time(NULL) <= end)
		process_sleep_ms(50);
}

/* it held through its last second */
static void check_ended_after(const struct daemon *agent, struct peer *peer, time_t end)
{
	json_t *record = daemon_record(agent, "ended", peer_result(peer)->local);
	time_t first = end + 1;
	char text[32];

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime(&first));
	EXPECT_LE(0, strncmp(journal_text(record, "time"), text, strlen(text))) {
		TH_LOG("%s, not before %s", journal_text(record, "time"), text);
	}
	json_decref(record);
}

static const char *const by_intermediate[] = { "intermediate", NULL };

TEST_F_TIMEOUT(reverify, certificate_expires, 60)
{
	time_t end = time(NULL) + SOON;
	const char *local;
	json_t *record;

	site_pki_reissue("short", "good", "intermediate", end, by_intermediate);
	self->one = living_open(ENDS, "short");
	self->other = living_open(ENDS, "good");
	self->third = living_open(KEEPS, "short");
	wait_until_after(end);
	living_check_ended(&self->agent, self->one, "the certificate expired at ");
	check_ended_after(&self->agent, self->one, end);
	living_check_app_saw_end(&self->app, peer_result(self->one)->local, variant->adopts);
	living_check_goes_on(self->other);
	local = peer_result(self->third)->local;
	record = daemon_record(&self->agent, "spared", local);
	ASSERT_NOT_NULL(record);
	EXPECT_EQ(0, strncmp("the certificate expired at ", journal_text(record, "reason"), 27));
	json_decref(record);
	living_check_goes_on(self->third);
	EXPECT_EQ(2, daemon_sessions(&self->agent, 2));
	EXPECT_EQ(1, journal_count(self->agent.audit, JOURNAL_WANT({ "event", "spared" })));
}

/* one presents the authority's certificate that ends, the other one that goes on as well */
TEST_F_TIMEOUT(reverify, authority_expires, 60)
{
	static const char *const one_path[] = { "short-ca", NULL };
	static const char *const two_paths[] = { "short-ca", "intermediate", NULL };
	static const char *const none[] = { NULL };
	time_t end = time(NULL) + SOON, long_after = time(NULL) + 1000000;

	site_pki_reissue("short-ca", "intermediate", "root", end, none);
	site_pki_reissue("one-path", "good", "intermediate", long_after, one_path);
	site_pki_reissue("two-paths", "good", "intermediate", long_after, two_paths);
	self->one = living_open(ENDS, "one-path");
	self->other = living_open(ENDS, "two-paths");
	wait_until_after(end);
	living_check_ended(&self->agent, self->one,
		    "refused by the policy now: no chain to a trusted root");
	process_sleep_ms(500);
	living_check_goes_on(self->other);
	EXPECT_EQ(1, daemon_sessions(&self->agent, 1));
}

TEST_F(reverify, denied)
{
	static const char *const sources[] = { LIVING_ANYBODY, OBSERVES };
	struct peer_options options = site_client(SITE_NONE, DAEMON_PORT, "good");
	struct peer *late;

	self->one = living_open(LIVING_ANYBODY, "good");
	self->other = living_open(LIVING_ANYBODY, "good-rsa");
	self->third = living_open(OBSERVES, "good");
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	living_check_ended(&self->agent, self->one,
		    "refused by the policy now: it is on the operator's deny list");
	living_check_app_saw_end(&self->app, peer_result(self->one)->local, variant->adopts);
	living_check_goes_on(self->other);
	/* what observes refuses nobody else */
	living_check_ended(&self->agent, self->third,
		    "refused by the policy now: it is on the operator's deny list");
	EXPECT_NE(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));

	/* nor does it come back, until it is taken off the list */
	for (int i = 0; i < 2; i++) {
		options.source = sources[i];
		peer_open(&options, &late);
		peer_step(late, "drain");
		EXPECT_EQ(44, peer_result(late)->alert); /* certificate_revoked */
		peer_free(late);
	}
	ASSERT_EQ(0, living_deny(&self->agent, "--remove", site_pki_fingerprint("good")));
	peer_free(self->one);
	self->one = living_open(LIVING_ANYBODY, "good");
	living_check_goes_on(self->other);
}

static long long loads(const struct daemon *agent)
{
	json_t *status = daemon_ask(agent, "status");
	long long count = journal_number(json_object_get(status, "configuration"), "loads");

	json_decref(status);
	return count;
}

/* The lines that are written beside those in force claim nobody yet. */
TEST_F(reverify, denied_while_a_reload_waits)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int count = daemon_workers(&self->agent, workers), i;

	self->one = living_open(LIVING_ANYBODY, "good");
	self->other = living_open(LIVING_ANYBODY, "good-rsa");
	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGSTOP));
	ASSERT_OK(kill(self->agent.pid, SIGHUP));
	while (loads(&self->agent) < 2)
		process_sleep_ms(10);
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	for (i = 0; i < count; i++)
		ASSERT_OK(kill(workers[i], SIGCONT));
	living_check_ended(&self->agent, self->one,
		    "refused by the policy now: it is on the operator's deny list");
	living_check_goes_on(self->other);
}

/* any certificate of the chain, also where the level looks at none of it */
TEST_F(reverify, authority_denied)
{
	static const char *const none[] = { NULL };

	site_pki_reissue("alone", "good", "intermediate", time(NULL) + 1000000, none);
	self->one = living_open(LIVING_ANYBODY, "good");
	self->other = living_open(LIVING_ANYBODY, "alone");
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("intermediate")));
	living_check_ended(&self->agent, self->one,
		    "refused by the policy now: a certificate of its chain is on the operator's "
		    "deny list");
	living_check_goes_on(self->other);
}

/* The peer's socket is gone, and nothing was sent of it: its host has lost power. */
static void vanish(const struct peer_result *result)
{
	const int on = 1;
	char text[LW_ENDPOINT_LEN];
	struct endpoint local;

	for (int fd = 3; fd < 1024; fd++) {
		if (endpoint_local(fd, &local) < 0)
			continue;
		endpoint_format(&local, text);
		if (strcmp(text, result->local) != 0)
			continue;
		ASSERT_OK(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)));
		close(fd);
		ASSERT_EQ(fd, open("/dev/null", O_RDWR | O_CLOEXEC));
		return;
	}
	ASSERT_TRUE(false);
}

TEST_F(reverify, peer_vanished)
{
	struct peer_result result;
	json_t *record;

	self->one = living_open(LIVING_ANYBODY, "good");
	self->other = living_open(LIVING_ANYBODY, "good-rsa");
	result = *peer_result(self->one);
	vanish(&result);
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	record = daemon_record(&self->agent, "ended", result.local);
	EXPECT_NOT_NULL(record);
	json_decref(record);
	living_check_app_saw_end(&self->app, result.local, variant->adopts);
	living_check_goes_on(self->other);
	EXPECT_EQ(1, daemon_sessions(&self->agent, 1));
}

/* the only file of the folder of what peers presented */
static void damage_chains(const struct daemon *agent, const char *command)
{
	char text[2 * PROCESS_PATH_MAX];
	const char *const argv[] = { "sh", "-c", text, NULL };

	snprintf(text, sizeof(text), "cd %s/run/chains && for f in *; do %s; done", agent->dir,
		 command);
	ASSERT_EQ(0, process_run(NULL, argv));
}

/* of the line that lets anybody in: its sessions are judged again, and nobody is refused */
static void change_level(const struct daemon *agent, bool back)
{
	static const char *const levels[] = { "level = none", "level = low" };

	daemon_change(agent, levels[back], levels[!back]);
	ASSERT_EQ(0, daemon_reload(agent, NULL));
}

/* what is not known to hold is not let go on; each variant of the damage in turn */
TEST_F(reverify, evidence_lost)
{
	static const char *const damages[] = { "rm \"$f\"", "echo x >> \"$f\"", ": > \"$f\"",
					       "ln -sf /etc/passwd \"$f\"" };

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		self->one = living_open(LIVING_ANYBODY, "good");
		damage_chains(&self->agent, damages[i]);
		self->other = living_open(LIVING_ANYBODY, "good-rsa");
		change_level(&self->agent, i % 2);
		living_check_ended(&self->agent, self->one,
			    "what the peer presented cannot be read any more: ");
		living_check_goes_on(self->other);
		peer_free(self->one);
		peer_free(self->other);
		self->one = self->other = NULL;
		EXPECT_EQ(0, daemon_sessions(&self->agent, 0));
		/* nothing is left of what they presented */
		damage_chains(&self->agent, "test ! -e \"$f\" || exit 1");
	}
}

/* one peer's in another one's place is not that one's, and is not judged as if it were */
TEST_F(reverify, evidence_of_another)
{
	self->one = living_open(LIVING_ANYBODY, "good");
	damage_chains(&self->agent, "cp \"$f\" ../kept");
	peer_free(self->one);
	EXPECT_EQ(0, daemon_sessions(&self->agent, 0));
	self->one = living_open(LIVING_ANYBODY, "good-rsa");
	damage_chains(&self->agent, "cp ../kept \"$f\"");
	change_level(&self->agent, false);
	living_check_ended(&self->agent, self->one, "what the peer presented cannot be read any more: ");
}

/* whose worker a session is; an app's own: none of ours */
static long long worker_of(const struct daemon *agent, const char *local)
{
	json_t *sessions = daemon_ask(agent, "sessions"), *session;
	long long worker = -2;
	size_t i;

	json_array_foreach(sessions, i, session)
		if (!strcmp(journal_text(session, "peer"), local))
			worker = journal_number(session, "worker");
	json_decref(sessions);
	return worker;
}

/* The worker that was asked dies, and the other one answers. */
TEST_F(reverify, worker_dies_judging)
{
	enum { SESSIONS = 24 }; /* so that each worker has some */
	pid_t workers[DAEMON_WORKERS_MAX];
	struct peer *peers[SESSIONS];
	bool of_dying[SESSIONS];
	int denied = 0;

	ASSERT_EQ(2, daemon_workers(&self->agent, workers));
	/* two cohorts: each worker is asked about one */
	for (int i = 0; i < SESSIONS; i++)
		peers[i] = living_open(LIVING_ANYBODY, i % 2 ? "good" : "good-rsa");
	for (int i = 0; i < SESSIONS; i++)
		of_dying[i] = worker_of(&self->agent, peer_result(peers[i])->local) == 0;
	kill(workers[0], SIGSTOP);
	kill(workers[1], SIGSTOP);
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	kill(workers[0], SIGKILL);
	kill(workers[1], SIGCONT);
	for (int i = 0; i < SESSIONS; i++) {
		const char *local = peer_result(peers[i])->local;
		json_t *record;

		if (!(i % 2) && !of_dying[i]) {
			living_check_goes_on(peers[i]);
		} else {
			record = daemon_record(&self->agent, "ended", local);
			EXPECT_NOT_NULL(record);
			if (!of_dying[i])
				EXPECT_NOT_NULL(strstr(journal_text(record, "reason"),
						       "deny list"));
			denied += !!strstr(journal_text(record, "reason"), "deny list");
			json_decref(record);
		}
		peer_free(peers[i]);
	}
	if (variant->adopts)
		EXPECT_EQ(SESSIONS / 2, denied);
}

/* instead of two; when those have retired */
static void change_workers(const struct daemon *agent, const char *setting, int count,
			   pid_t workers[DAEMON_WORKERS_MAX])
{
	daemon_change(agent, "workers = 2", setting);
	ASSERT_EQ(0, daemon_reload(agent, NULL));
	while (daemon_workers(agent, workers) != count)
		process_sleep_ms(10);
}

/* None is there to be asked, and the main process does not know that yet. */
TEST_F(reverify, workers_die_judging)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int i;

	change_workers(&self->agent, "workers = 3", 3, workers);
	self->one = living_open(LIVING_ANYBODY, "good");
	self->other = living_open(LIVING_ANYBODY, "good-rsa");
	for (i = 0; i < 3; i++)
		ASSERT_OK(kill(workers[i], SIGSTOP));
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	ASSERT_OK(kill(self->agent.pid, SIGSTOP));
	for (i = 0; i < 3; i++) {
		ASSERT_OK(kill(workers[i], SIGKILL));
		while (process_lives(workers[i]))
			process_sleep_ms(10);
	}
	ASSERT_OK(kill(self->agent.pid, SIGCONT));
	self->third = living_open(LIVING_ANYBODY, "good-rsa");
	if (variant->adopts)
		living_check_goes_on(self->other);
}

/* until the next question, which is nobody's then */
static void swallow_question(int channel)
{
	long long limit = process_now_ms() + LIMIT_MS;
	struct message message = { 0 };
	int fds[PACKET_FDS_MAX], err;

	do {
		err = message_receive(channel, &message, fds);
		packet_drop_fds(fds);
		if (err == -EAGAIN)
			process_sleep_ms(5);
	} while (message.type != MESSAGE_JUDGE && process_now_ms() < limit);
	ASSERT_EQ(MESSAGE_JUDGE, message.type);
}

/* Sessions that are over do not go on because nobody says so: another worker is asked. */
TEST_F_TIMEOUT(reverify, worker_does_not_answer, 60)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	long long limit;
	json_t *record;
	int channel;

	change_workers(&self->agent, "workers = 1", 1, workers);
	self->one = living_open(LIVING_ANYBODY, "good");
	ASSERT_OK(kill(workers[0], SIGSTOP));
	channel = captive_channel(workers[0]);
	ASSERT_LE(0, channel);
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	swallow_question(channel);
	close(channel);
	/* it lives, and beats */
	ASSERT_OK(kill(workers[0], SIGCONT));
	limit = process_now_ms() + 20000 + LIMIT_MS;
	while (process_lives(workers[0]) && process_now_ms() < limit)
		process_sleep_ms(50);
	EXPECT_FALSE(process_lives(workers[0]));
	record = daemon_record(&self->agent, "ended", peer_result(self->one)->local);
	ASSERT_NOT_NULL(record);
	/* else it ended with its worker */
	if (variant->adopts)
		EXPECT_NOT_NULL(strstr(journal_text(record, "reason"), "deny list"));
	json_decref(record);
}

/* What peers present is kept where others live, too: the last quarter is theirs. */
TEST(what_was_presented_leaves_others_their_room)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	char run[PROCESS_PATH_MAX], fill[PROCESS_PATH_MAX + 64];
	const char *const fill_up[] = { "fallocate", "-l", "800k", fill, NULL };
	struct peer *refused = NULL, *good;
	struct plain_app app;
	struct daemon agent;
	json_t *record;

	daemon_configure(&agent, &(struct daemon_options){ 0 });
	snprintf(run, sizeof(run), "%s/run", agent.dir);
	snprintf(fill, sizeof(fill), "%s/fill", run);
	ASSERT_OK(mkdir(run, 0755));
	ASSERT_OK(mount("none", run, "tmpfs", 0, "size=1m"));
	ASSERT_OK(daemon_launch(&agent));
	living_start_app(&agent, &app, false);
	ASSERT_EQ(0, process_run(NULL, fill_up));
	peer_open(&options, &refused);
	ASSERT_NOT_NULL(refused);
	record = daemon_record(&agent, "failed", peer_result(refused)->local);
	ASSERT_NOT_NULL(record);
	EXPECT_STREQ("the session cannot be opened: run-path has no room left for what its peer "
		     "presented", journal_text(record, "reason"));
	json_decref(record);
	peer_step(refused, "drain");
	EXPECT_EQ(0, peer_result(refused)->received);
	ASSERT_OK(unlink(fill));
	options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");
	ASSERT_OK(peer_open(&options, &good));
	EXPECT_OK(peer_step(good, "echo:100"));
	peer_free(refused);
	peer_free(good);
	living_end(&agent, &app, 0);
	ASSERT_OK(umount(run));
}

/* what the program returns: 1 where it closed a gate */
static int run_program(int program, unsigned long long cookie)
{
	static const char packet[64];
	struct __sk_buff skb = { .cb = { (__u32)cookie, (__u32)(cookie >> 32) } };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	return bpf_prog_test_run_opts(program, &opts) < 0 ? -errno : (int)opts.retval;
}

/* By the program of whichever daemon of this host has the session. */
static int close_gate(unsigned long long cookie)
{
	int closed = 0, programs = 0;
	__u32 id = 0;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
		    !strcmp(info.name, "revoke")) {
			programs++;
			closed += run_program(fd, cookie) == 1;
		}
		close(fd);
	}
	EXPECT_LT(0, programs);
	return closed;
}

static void check_gate_closes(const struct daemon *agent, struct peer *peer)
{
	json_t *sessions = daemon_ask(agent, "sessions"), *session;
	long long cookie = 0;
	size_t i;

	json_array_foreach(sessions, i, session)
		if (!strcmp(journal_text(session, "peer"), peer_result(peer)->local))
			cookie = journal_number(session, "cookie");
	json_decref(sessions);
	EXPECT_EQ(1, close_gate((unsigned long long)cookie));
	EXPECT_EQ(-ETIMEDOUT, peer_step(peer, "echo:100"));
}

/* a socket whose gate is closed is as good as none, before it is reset and where it cannot be */
TEST_F(reverify, gate_closes)
{
	struct peer_options options = site_client(SITE_NONE, DAEMON_PORT, "good");

	EXPECT_EQ(0, close_gate(1));
	site_take_address(site_source6(SITE_NONE));
	options.timeout_ms = 1000 * harness_time_scale();
	ASSERT_OK(peer_open(&options, &self->one));
	ASSERT_OK(peer_step(self->one, "echo:100"));
	options.address = "[::1]:5061";
	options.source = site_source6(SITE_NONE);
	ASSERT_OK(peer_open(&options, &self->third));
	ASSERT_OK(peer_step(self->third, "echo:100"));
	self->other = living_open(LIVING_ANYBODY, "good");
	check_gate_closes(&self->agent, self->one);
	check_gate_closes(&self->agent, self->third);
	living_check_goes_on(self->other);
}

/* SESSIONS of the environment is for runs by hand; the app takes a thread for each */
static int count_sessions(void)
{
	const char *text = getenv("SESSIONS");

	if (text)
		return atoi(text);
	return harness_time_scale() > 1 ? 100 : 1000;
}

/* what the daemon has said of the end of so many; -1: nothing yet */
static double gates_closed_now(const struct daemon *agent, int count)
{
	char path[PROCESS_PATH_MAX], line[1024];
	const char *text;
	double ms = -1, found;
	int of;
	FILE *file;

	snprintf(path, sizeof(path), "%s/daemon.log", agent->dir);
	file = fopen(path, "re");
	ASSERT_NOT_NULL(file);
	while (fgets(line, sizeof(line), file)) {
		text = strstr(line, ": line ");
		if (text &&
		    sscanf(text, ": line %*[^:]: %d sessions end; the last gate was closed after %lf",
			   &of, &found) == 2 &&
		    of == count)
			ms = found;
	}
	fclose(file);
	return ms;
}

/* it says so when all are recorded */
static double gates_closed_ms(const struct daemon *agent, int count)
{
	long long end = process_now_ms() + LIMIT_MS;
	double ms;

	while ((ms = gates_closed_now(agent, count)) < 0 && process_now_ms() < end)
		process_sleep_ms(20);
	return ms;
}

/* so many sessions, of which every tenth ends: how long the last one goes on */
TEST_F_TIMEOUT(reverify, of_many, 600)
{
	const int count = count_sessions();
	const struct rlimit limit = { (rlim_t)count + 3096, (rlim_t)count + 3096 };
	struct peer **peers = calloc((size_t)count, sizeof(struct peer *));
	double closed_ms;
	long long begin;
	int i;

	ASSERT_NOT_NULL(peers);
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < count; i++)
		peers[i] = living_open(LIVING_ANYBODY, i % 10 ? "good-rsa" : "good");
	begin = process_now_ms();
	ASSERT_EQ(0, living_deny(&self->agent, "--fingerprint", site_pki_fingerprint("good")));
	for (i = 0; i < count; i += 10) {
		peer_step(peers[i], "drain");
		EXPECT_EQ(PEER_RST, peer_result(peers[i])->transport);
	}
	TH_LOG("of %d sessions %d: the last one was reset %lld ms after `linewarden revoke` was started",
	       count, count / 10, process_now_ms() - begin);
	closed_ms = gates_closed_ms(&self->agent, count / 10);
	EXPECT_TRUE(closed_ms >= 0);
	TH_LOG("no byte of theirs passed any more %.1f ms after the daemon was told", closed_ms);
	for (i = 0; i < count; i++) {
		if (i % 10)
			living_check_goes_on(peers[i]);
		peer_free(peers[i]);
	}
	free(peers);
	EXPECT_EQ(count / 10, journal_count(self->agent.audit, JOURNAL_WANT({ "event", "ended" },
			  { "reason", "refused by the policy now: it is on the operator's deny "
				      "list" })));
}

HARNESS_MAIN
