// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's main process is killed again and again, at random moments, while clients come
 * without a pause: a wrapped app sees nothing of it, a client is served or refused, and no
 * client's words are ever on the wire in plain.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/crowd.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/plain_app.h"
#include "tests/e2e/site.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())
#define KILLS_MS (90000 * harness_time_scale())
#define SETTLED 25 /* tenths of a second without a change */
#define MARKER "nobody-may-read-this-on-the-wire"

enum { KILLS = 20, LASTING = 4, PLAIN_PORT = 5099 };

static const uint16_t clients[] = { DAEMON_PORT, DAEMON_PORT, DAEMON_PORT, DAEMON_PORT,
				    DAEMON_PORT, DAEMON_PORT, DAEMON_PORT, DAEMON_PORT, 0 };

/* counted by the wire, a process of the test */
struct tally {
	unsigned int packets, found, dropped;
};

/* what must be the same before and after */
struct descriptors {
	int daemon, adopter, keeper, app;
};

FIXTURE(load) {
	struct daemon agent;
	struct plain_app app;
	struct tally *tally;
	struct crowd crowd;
	pid_t keeper, wire;
	struct peer *lasting[LASTING];
	struct descriptors before;
};

FIXTURE_VARIANT(load) {
	const char *app;
};

FIXTURE_VARIANT_ADD(load, poll) {
	.app = "echo",
};

FIXTURE_VARIANT_ADD(load, blocking) {
	.app = "--blocking echo",
};

HARNESS_PREPARE
{
	site_prepare();
}

/* --- the wire */

static void look_at(struct tally *tally, int fd)
{
	static char packet[1 << 17];
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t n;

	poll(&ready, 1, 50);
	while ((n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0) {
		__atomic_fetch_add(&tally->packets, 1, __ATOMIC_SEQ_CST);
		if (memmem(packet, (size_t)n, MARKER, strlen(MARKER)))
			__atomic_fetch_add(&tally->found, 1, __ATOMIC_SEQ_CST);
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
		__atomic_fetch_add(&tally->dropped, stats.tp_drops, __ATOMIC_SEQ_CST);
}

static pid_t start_wire(struct tally *tally)
{
	const int room = 64 << 20;
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)));
	pid = fork();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			look_at(tally, fd);
	}
	close(fd);
	return pid;
}

/* a port that is nobody's: there the words must be seen */
static void check_wire_finds(struct tally *tally)
{
	struct peer_options options = { .address = "127.0.0.1:5099", .without_handshake = true };
	int listener = listener_open("127.0.0.1", PLAIN_PORT, false, 1);
	long long end = process_now_ms() + LIMIT_MS;
	struct peer *peer;

	ASSERT_OK(peer_open(&options, &peer));
	ASSERT_OK(peer_step(peer, "text:%s", MARKER));
	while (!crowd_count(&tally->found) && process_now_ms() < end)
		process_sleep_ms(10);
	ASSERT_LT(0, crowd_count(&tally->found));
	peer_free(peer);
	close(listener);
}

/* --- what is left over */

static int count_descriptors(pid_t pid)
{
	char path[64];
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ASSERT_NOT_NULL(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static struct descriptors count_all(const FIXTURE_DATA(load) *self)
{
	pid_t adopters[8];

	EXPECT_EQ(1, process_children(self->keeper, adopters, 8));
	return (struct descriptors){
		.daemon = count_descriptors(self->agent.pid),
		.adopter = count_descriptors(adopters[0]),
		.keeper = count_descriptors(self->keeper),
		.app = count_descriptors(self->app.pid),
	};
}

/* daemon and keeper look for each other once a second, and the keeper's carriers for the daemon */
static struct descriptors count_settled(const FIXTURE_DATA(load) *self)
{
	struct descriptors now = count_all(self), last;
	int quiet = 0;

	while (quiet < SETTLED) {
		last = now;
		process_sleep_ms(100);
		now = count_all(self);
		quiet = memcmp(&last, &now, sizeof(now)) ? 0 : quiet + 1;
	}
	return now;
}

static void check_map_is_empty(const struct daemon *agent, const char *map)
{
	static char output[PROCESS_OUTPUT_MAX];
	char path[PROCESS_PATH_MAX + 32];
	const char *const argv[] = { "bpftool", "map", "dump", "pinned", path, NULL };

	snprintf(path, sizeof(path), "%s/%s", agent->pins, map);
	EXPECT_OK(process_run(output, argv));
	EXPECT_NULL(strstr(output, "key")) {
		TH_LOG("%s: %s", map, output);
	}
}

/* an adopter may have one more, for the next bell at a place where none had rung before */
static bool descriptors_fit(const struct descriptors *before, const struct descriptors *after)
{
	return before->daemon == after->daemon && before->keeper == after->keeper &&
	       before->app == after->app && after->adopter >= before->adopter &&
	       after->adopter <= before->adopter + 1;
}

/* it lets go of what it had of the last visits a moment after they have ended */
static void check_nothing_is_left(const FIXTURE_DATA(load) *self)
{
	long long end = process_now_ms() + LIMIT_MS;
	struct descriptors after;

	EXPECT_EQ(0, daemon_sessions(&self->agent, 0));
	check_map_is_empty(&self->agent, "sessions");
	check_map_is_empty(&self->agent, "relays");
	do {
		process_sleep_ms(50);
		after = count_all(self);
	} while (!descriptors_fit(&self->before, &after) && process_now_ms() < end);
	EXPECT_EQ(self->before.daemon, after.daemon);
	EXPECT_TRUE(descriptors_fit(&self->before, &after)) {
		TH_LOG("the adopter had %d, and has %d", self->before.adopter, after.adopter);
	}
	EXPECT_EQ(self->before.keeper, after.keeper);
	EXPECT_EQ(self->before.app, after.app);
}

/* each connection that was accepted has ended, in a way that a peer's end is seen */
static void check_app_saw_no_error(const struct plain_app *app)
{
	static const char *const ends[] = { "eof", "rst", "EIO", "EPIPE" };
	int accepts = plain_app_accepts(app), known = 0;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		int count = journal_count(app->log, JOURNAL_WANT({ "event", "end" },
								 { "end", ends[i] }));

		TH_LOG("the app saw %s %d times", ends[i], count);
		known += count;
	}
	EXPECT_EQ(0, journal_count(app->log, JOURNAL_WANT({ "event", "accept-error" })));
	EXPECT_EQ(accepts, known);
	EXPECT_TRUE(process_lives(app->pid));
}

/* --- the daemon's ends */

struct killer {
	const struct daemon *agent;
	unsigned int delay_us;
};

static void *kill_later(void *arg)
{
	const struct killer *killer = arg;
	pid_t pid;

	usleep(killer->delay_us);
	pid = __atomic_load_n(&killer->agent->pid, __ATOMIC_SEQ_CST);
	if (pid > 0)
		kill(pid, SIGKILL);
	return NULL;
}

/* one in four while it starts, or soon after; the others while it serves */
static void kill_once(struct daemon *agent, unsigned int random)
{
	unsigned int within_us = 500000 * (unsigned int)harness_time_scale();
	struct killer killer = { agent, (random >> 8) % within_us };
	pthread_t thread;
	int rc;

	if (random >> 30) {
		ASSERT_OK(daemon_launch(agent));
		usleep(killer.delay_us);
		ASSERT_EQ(SIGKILL, daemon_end(agent, SIGKILL));
		return;
	}
	ASSERT_OK(pthread_create(&thread, NULL, kill_later, &killer));
	rc = daemon_launch(agent);
	ASSERT_TRUE(rc == 0 || rc == -ESRCH) {
		TH_LOG("%d", rc);
	}
	ASSERT_OK(pthread_join(thread, NULL));
	if (!rc)
		ASSERT_EQ(SIGKILL, daemon_end(agent, SIGKILL));
}

FIXTURE_SETUP(load)
{
	char run[PROCESS_PATH_MAX];

	if (!site_has_kernel_tls())
		SKIP("this kernel has no TLS");
	self->tally = mmap(NULL, sizeof(*self->tally), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tally);
	daemon_start(&self->agent, &(struct daemon_options){ .settings = "workers = 2" });
	self->keeper = wrap_start_keeper_of(&self->agent, run);
	plain_app_wrap(&self->app, run, DAEMON_PORT, variant->app);
	ASSERT_OK(crowd_visit(DAEMON_PORT, MARKER));
	ASSERT_EQ(0, daemon_sessions(&self->agent, 0));
	self->before = count_settled(self);
	self->wire = start_wire(self->tally);
	check_wire_finds(self->tally);
}

FIXTURE_TEARDOWN(load)
{
	if (!self->keeper)
		return;
	if (harness_has_failed())
		daemon_explain(&self->agent);
	for (int i = 0; i < LASTING; i++)
		peer_free(self->lasting[i]);
	process_end(self->app.pid, SIGKILL, LIMIT_MS);
	process_end(self->keeper, SIGTERM, LIMIT_MS);
	process_end(self->wire, SIGKILL, LIMIT_MS);
}

static void open_lasting(FIXTURE_DATA(load) *self)
{
	for (int i = 0; i < LASTING; i++) {
		struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");

		ASSERT_OK(peer_open(&options, &self->lasting[i]));
		ASSERT_OK(peer_step(self->lasting[i], "echo:3000"));
	}
}

static void close_lasting(FIXTURE_DATA(load) *self)
{
	for (int i = 0; i < LASTING; i++) {
		EXPECT_OK(peer_step(self->lasting[i], "echo:3000"));
		EXPECT_OK(peer_step(self->lasting[i], "fin"));
		EXPECT_OK(peer_step(self->lasting[i], "fin-wait"));
	}
}

TEST_F_TIMEOUT(load, survives_the_main_processs_ends, 140)
{
	unsigned int random = 20261124, found = crowd_count(&self->tally->found);
	long long end = process_now_ms() + KILLS_MS;
	const struct crowd_tally *tally;
	int kills = 1;

	open_lasting(self);
	crowd_start(&self->crowd, clients, MARKER);
	process_sleep_ms(LIMIT_MS / 5);
	ASSERT_LE(0, daemon_end(&self->agent, SIGKILL));
	for (; kills < KILLS && process_now_ms() < end; kills++) {
		random = random * 1103515245 + 12345;
		kill_once(&self->agent, random);
	}
	ASSERT_OK(daemon_launch(&self->agent));
	process_sleep_ms(LIMIT_MS / 5);
	crowd_stop(&self->crowd);
	close_lasting(self);
	tally = self->crowd.tally;
	TH_LOG("%d kills: %u visits served, %u refused; %u packets, %u of them lost", kills,
	       crowd_count(&tally->served), crowd_count(&tally->refused),
	       crowd_count(&self->tally->packets), crowd_count(&self->tally->dropped));
	EXPECT_LT(kills, crowd_count(&tally->served));
	EXPECT_EQ(0, crowd_count(&tally->wrong));
	EXPECT_EQ(0, crowd_count(&tally->hung));
	EXPECT_EQ(found, crowd_count(&self->tally->found));
	EXPECT_EQ(0, crowd_count(&self->tally->dropped));
	ASSERT_OK(crowd_visit(DAEMON_PORT, MARKER));
	check_nothing_is_left(self);
	check_app_saw_no_error(&self->app);
	EXPECT_EQ(0, daemon_end(&self->agent, SIGTERM));
}

HARNESS_MAIN
