/* SPDX-License-Identifier: Apache-2.0 */
/* Between the inside (harness.c) and the outside (harness_run.c) of a test's process. */
#ifndef TESTS_HARNESS_RUN_H
#define TESTS_HARNESS_RUN_H

#include "tests/harness.h"

/* in memory that the test shares with the harness, and with the children it forks */
struct harness_result {
	unsigned int checks;
	bool failed;
	bool skipped;
	bool finished;
	char reason[256]; /* why it was skipped */
};

/* in the order of their definition */
extern struct harness_test *harness_tests;

/* runs a hook, if there is one, in the calling process; false when it failed */
bool harness_hook(harness_step *hook, struct harness_result *shared);

/* runs one test in the calling process, which ends with it */
void harness_child(const struct harness_test *test, const struct harness_variant *variant,
		   struct harness_result *shared) __attribute__((noreturn));

#endif
