// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/crowd.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/e2e/process.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"

#define LIMIT_MS (10000 * harness_time_scale())

static int crowd_steps(struct peer *peer, const char *text)
{
	int rc = peer_step(peer, "text:%s", text);

	if (!rc)
		rc = peer_step(peer, "expect:%s", text);
	if (!rc)
		rc = peer_step(peer, "echo:5000:700");
	if (!rc)
		rc = peer_step(peer, "fin");
	return rc ? rc : peer_step(peer, "fin-wait");
}

int crowd_visit(uint16_t port, const char *text)
{
	struct peer_options options = site_client(SITE_MEDIUM, port, "good");
	struct peer *peer = NULL;
	int rc;

	options.timeout_ms = LIMIT_MS;
	rc = peer_open(&options, &peer);
	if (!rc)
		rc = crowd_steps(peer, text);
	peer_free(peer);
	return rc;
}

static void crowd_note(struct crowd_tally *tally, int rc)
{
	unsigned int *count = rc == 0 ? &tally->served : rc == -ETIMEDOUT ? &tally->hung :
			      rc == -EBADMSG ? &tally->wrong : &tally->refused;

	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
	if (rc)
		process_sleep_ms(50 * harness_time_scale());
}

static _Noreturn void crowd_come(const struct crowd *crowd, uint16_t port)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!__atomic_load_n(&crowd->tally->stop, __ATOMIC_SEQ_CST)) {
		crowd_note(crowd->tally, crowd_visit(port, crowd->text));
		process_sleep_ms(crowd->pause_ms);
	}
	_exit(0);
}

void crowd_start(struct crowd *crowd, const uint16_t *ports, const char *text)
{
	crowd->text = text;
	crowd->tally = mmap(NULL, sizeof(*crowd->tally), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, crowd->tally);
	for (crowd->count = 0; ports[crowd->count]; crowd->count++) {
		pid_t pid;

		ASSERT_GT(CROWD_MAX, crowd->count);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			crowd_come(crowd, ports[crowd->count]);
		crowd->clients[crowd->count] = pid;
	}
}

void crowd_stop(struct crowd *crowd)
{
	__atomic_store_n(&crowd->tally->stop, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < crowd->count; i++)
		EXPECT_EQ(0, process_end(crowd->clients[i], 0, LIMIT_MS));
}

unsigned int crowd_count(const unsigned int *count)
{
	return __atomic_load_n(count, __ATOMIC_SEQ_CST);
}
