// SPDX-License-Identifier: Apache-2.0
#include "tests/carry/talk.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/process.h"
#include "tests/harness.h"

#define TALK_PAUSE_MS (50 * harness_time_scale())

static bool talk_goes_on(int stop)
{
	struct pollfd fd = { .fd = stop, .events = POLLIN };

	return poll(&fd, 1, 0) == 0;
}

static void talk_round(struct peer *peer, int size, int width, struct talk_report *report)
{
	long long start = process_now_ms(), took;

	report->error = peer_step(peer, "echo:%d:%d", size, width);
	took = process_now_ms() - start;
	if (took > report->longest_ms)
		report->longest_ms = took;
}

static _Noreturn void talk_run(const struct peer_options *options, int size, int width,
			       const char *end, uint64_t *rounds, int stop, int out)
{
	struct talk_report report = { .error = 0 };
	struct peer *peer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report.error = peer_open(options, &peer);
	report.result = *peer_result(peer);
	if (write(out, report.result.local, sizeof(report.result.local)) < 0)
		_exit(1);
	while (!report.error && talk_goes_on(stop)) {
		talk_round(peer, size, width, &report);
		if (!report.error)
			__atomic_fetch_add(rounds, 1, __ATOMIC_SEQ_CST);
		/* a daemon is to be started meanwhile, on this processor */
		process_sleep_ms(TALK_PAUSE_MS);
	}
	if (!report.error)
		report.error = peer_step(peer, "%s", end);
	if (!report.error)
		report.error = peer_step(peer, "drain");
	report.result = *peer_result(peer);
	_exit(write(out, &report, sizeof(report)) < 0);
}

void talk_start(struct talk *talk, const struct peer_options *options, int size, int width,
		const char *end)
{
	uint64_t *rounds = mmap(NULL, sizeof(*rounds), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int stop[2], report[2];

	ASSERT_NE(MAP_FAILED, rounds);
	talk->rounds = rounds;
	ASSERT_OK(pipe(stop));
	ASSERT_OK(pipe(report));
	talk->pid = fork();
	ASSERT_LE(0, talk->pid);
	if (!talk->pid) {
		close(stop[1]);
		close(report[0]);
		talk_run(options, size, width, end, rounds, stop[0], report[1]);
	}
	close(stop[0]);
	close(report[1]);
	talk->stop = stop[1];
	talk->report = report[0];
	ASSERT_EQ(sizeof(talk->local), read(talk->report, talk->local, sizeof(talk->local)));
	ASSERT_NE('\0', *talk->local);
}

uint64_t talk_rounds(const struct talk *talk)
{
	return __atomic_load_n(talk->rounds, __ATOMIC_SEQ_CST);
}

void talk_stop(struct talk *talk, struct talk_report *report)
{
	/* not by its end: the talks that began later have that, too */
	ASSERT_EQ(1, write(talk->stop, "", 1));
	close(talk->stop);
	ASSERT_EQ(sizeof(*report), read(talk->report, report, sizeof(*report)));
	close(talk->report);
	ASSERT_EQ(talk->pid, waitpid(talk->pid, NULL, 0));
}
