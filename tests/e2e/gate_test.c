// SPDX-License-Identifier: Apache-2.0
/*
 * The gate in the kernel, and what an operator sees of it with bpftool alone. The test
 * is the app, and turns the tag of a session's socket behind the daemon's back.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "tests/e2e/captive.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define WAIT_MS 5000
#define CPUS_MAX 256

static struct daemon agent;

HARNESS_PREPARE
{
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

FIXTURE(gate) {
	int listener, app;
	struct peer *peer;
	int socket; /* the worker's, to the client */
	int tags;
};

FIXTURE_VARIANT(gate) {
	enum state state;
};

FIXTURE_VARIANT_ADD(gate, blocked) {
	.state = STATE_BLOCKED,
};

FIXTURE_VARIANT_ADD(gate, revoked) {
	.state = STATE_REVOKED,
};

static int find_worker_socket(const char *client)
{
	pid_t workers[DAEMON_WORKERS_MAX];
	int count = daemon_workers(&agent, workers), fd = -1;

	for (int i = 0; i < count && fd < 0; i++)
		fd = captive_socket(workers[i], client);
	return fd;
}

static int open_map(const char *name)
{
	char path[PROCESS_PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", agent.pins, name);
	return bpf_obj_get(path);
}

FIXTURE_SETUP(gate)
{
	struct peer_options options = site_client(SITE_MEDIUM, DAEMON_PORT, "good");

	self->app = self->socket = self->tags = -1;
	self->listener = listener_open("127.0.0.1", DAEMON_PORT, false, 5);
	ASSERT_OK(peer_open(&options, &self->peer));
	self->app = listener_accept(self->listener, WAIT_MS * harness_time_scale(), NULL);
	ASSERT_LE(0, self->app);
	self->socket = find_worker_socket(options.source);
	ASSERT_LE(0, self->socket);
	self->tags = open_map("tags");
	ASSERT_LE(0, self->tags);
}

FIXTURE_TEARDOWN(gate)
{
	peer_free(self->peer);
	close(self->tags);
	close(self->socket);
	close(self->app);
	close(self->listener);
}

/* the line of the session's socket */
static uint32_t set_state(FIXTURE_DATA(gate) *self, enum state state)
{
	struct tag tag;

	ASSERT_OK(bpf_map_lookup_elem(self->tags, &self->socket, &tag));
	tag.state = state;
	ASSERT_OK(bpf_map_update_elem(self->tags, &self->socket, &tag, BPF_EXIST));
	return tag.line;
}

static struct line_counters read_counters(uint32_t line)
{
	static struct line_counters values[CPUS_MAX];
	struct line_counters sum = { 0 };
	int cpus = libbpf_num_possible_cpus();
	_cleanup_fd_ int map = open_map("line_counters");

	ASSERT_GE(CPUS_MAX, cpus);
	ASSERT_OK(bpf_map_lookup_elem(map, &line, values));
	for (int i = 0; i < cpus; i++) {
		sum.dropped_in += values[i].dropped_in;
		sum.dropped_out += values[i].dropped_out;
	}
	return sum;
}

static long long dropped_by_status(const char *line_name)
{
	json_t *status = daemon_ask(&agent, "status"), *line;
	long long dropped = -1;
	size_t i;

	json_array_foreach(json_object_get(status, "lines"), i, line)
		if (strcmp(journal_text(line, "line"), line_name) == 0)
			dropped = journal_number(line, "dropped_packets");
	json_decref(status);
	return dropped;
}

TEST_F(gate, lets_nothing_through)
{
	int pause_ms = 100 * harness_time_scale(), limit_ms = WAIT_MS * harness_time_scale();
	struct line_counters before, after;
	uint64_t received;
	char word[8] = "";
	uint32_t line;

	/* what was sent is acknowledged by then: else it would be sent again, and dropped */
	ASSERT_OK(peer_step(self->peer, "settle:%d", pause_ms));
	line = set_state(self, variant->state);
	before = read_counters(line);
	received = peer_result(self->peer)->received;
	ASSERT_OK(peer_step(self->peer, "text:secret"));
	EXPECT_EQ(-ETIMEDOUT, listener_read(self->app, word, 6, pause_ms));
	after = read_counters(line);
	EXPECT_LT(before.dropped_in, after.dropped_in);
	EXPECT_EQ(before.dropped_out, after.dropped_out);
	ASSERT_EQ(6, send(self->app, "answer", 6, MSG_NOSIGNAL));
	ASSERT_OK(peer_step(self->peer, "settle:%d", pause_ms));
	EXPECT_EQ(received, peer_result(self->peer)->received);
	after = read_counters(line);
	EXPECT_LT(before.dropped_out, after.dropped_out);
	EXPECT_LE(after.dropped_in + after.dropped_out, dropped_by_status("medium-5061"));
	/* it was the gate: once it opens, TCP brings everything */
	set_state(self, STATE_VERIFIED);
	ASSERT_EQ(6, listener_read(self->app, word, 6, limit_ms));
	EXPECT_STREQ("secret", word);
	EXPECT_OK(peer_step(self->peer, "expect:answer"));
}

static const char *run(const char *const argv[])
{
	static char output[PROCESS_OUTPUT_MAX];

	ASSERT_OK(process_run(output, argv)) {
		TH_LOG("%s", output);
	}
	return output;
}

static void check_shows(const char *output, const char *text)
{
	EXPECT_NOT_NULL(strstr(output, text)) {
		TH_LOG("no '%s' in %s", text, output);
	}
}

FIXTURE(session) {
	int listener;
	struct peer *peer;
	const char *client;
};

FIXTURE_SETUP(session)
{
	struct peer_options options = site_client(SITE_HIGH, DAEMON_PORT, "good");

	options.min_version = 0x0304;
	self->listener = listener_open("127.0.0.1", DAEMON_PORT, false, 5);
	ASSERT_OK(peer_open(&options, &self->peer));
	ASSERT_EQ(1, daemon_sessions(&agent, 1));
	self->client = peer_result(self->peer)->local;
}

FIXTURE_TEARDOWN(session)
{
	peer_free(self->peer);
	close(self->listener);
}

/* names where the maps have numbers */
TEST_F(session, is_seen_with_bpftool)
{
	char path[PROCESS_PATH_MAX + 32];
	const char *const argv[] = { "bpftool", "map", "dump", "pinned", path, NULL };
	const char *output;

	snprintf(path, sizeof(path), "%s/sessions", agent.pins);
	output = run(argv);
	check_shows(output, "\"high-5061\"");
	check_shows(output, "\"FUNCTION_SM_LINE\"");
	check_shows(output, "\"LW_LEVEL_HIGH\"");
	check_shows(output, "\"STATE_VERIFIED\"");
	check_shows(output, self->client);
	check_shows(output, "\"TLSv1.3\"");
}

TEST_F(session, is_seen_with_cat)
{
	char path[PROCESS_PATH_MAX + 32], row[160];
	const char *const argv[] = { "cat", path, NULL };
	const char *output;

	snprintf(path, sizeof(path), "%s/sockets", agent.pins);
	if (access(path, F_OK) < 0 && !getenv("LINEWARDEN_VM"))
		SKIP("this host allows no tracing programs: no iterator");
	output = run(argv);
	check_shows(output, "COOKIE LINE FUNCTION LEVEL STATE LOCAL PEER\n");
	snprintf(row, sizeof(row), " sm-line high verified 127.0.0.1:5061 %s\n", self->client);
	check_shows(output, row);
}

HARNESS_MAIN
