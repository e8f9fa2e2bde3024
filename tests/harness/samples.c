// SPDX-License-Identifier: Apache-2.0
/*
 * Tests that go every way a test can go. The first word of a name is what the harness has
 * to say of it; harness_test.sh compares.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness.h"

static pid_t helper;

/* what is started here runs as long as there are tests */
HARNESS_PREPARE
{
	helper = fork();
	if (helper == 0) {
		pause();
		_exit(0);
	}
	ASSERT_LT(0, helper);
}

HARNESS_FINISH
{
	printf("finished, the helper %s\n", kill(helper, 0) == 0 ? "lives" : "is gone");
}

HARNESS_EXPLAIN
{
	printf("explained\n");
}

struct bits {
	unsigned int field : 3;
};

TEST(pass_values_of_any_type)
{
	struct bits bits = { .field = 5 };
	const char *string = "x";
	unsigned int number = 4;

	ASSERT_EQ(5, bits.field);
	ASSERT_LT(-1, number);
	ASSERT_GE(ULLONG_MAX, number);
	ASSERT_NE(UINT_MAX, -1);
	ASSERT_EQ(4, sizeof(int));
	ASSERT_NOT_NULL(string);
	ASSERT_NULL(NULL);
	ASSERT_OK(0);
	ASSERT_STREQ("x", string);
	ASSERT_STRNE(NULL, string);
	ASSERT_MEMEQ("abc", "abd", 2);
	if (number)
		EXPECT_TRUE(number);
	else
		EXPECT_FALSE(number);
}

TEST(fail_assert_ends_it)
{
	printf("before\n");
	ASSERT_EQ(-ENOENT, -EINVAL) {
		TH_LOG("extra %d", 7);
	}
	printf("not reached\n");
}

TEST(fail_expect_goes_on)
{
	EXPECT_OK(-EACCES);
	EXPECT_OK(7);
	EXPECT_STREQ("a", NULL);
	EXPECT_MEMEQ("abc", "abd", 3);
	EXPECT_LE(4, 3u);
	printf("reached\n");
}

TEST(fail_nothing_checked)
{
}

TEST(fail_early_exit)
{
	ASSERT_TRUE(1);
	exit(0);
}

TEST(fail_crash)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

TEST_TIMEOUT(fail_time_limit, 1)
{
	ASSERT_TRUE(1);
	fork();
	pause();
}

TEST(skip_with_reason)
{
	SKIP("no %s", "reason");
}

TEST(fail_skip_after_failure)
{
	EXPECT_TRUE(0);
	SKIP("too late");
}

TEST(fail_in_forked_child)
{
	pid_t pid = fork();

	if (pid == 0) {
		ASSERT_EQ(1, 2);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ASSERT_TRUE(1);
}

TEST(fail_child_returns)
{
	pid_t pid = fork();

	ASSERT_TRUE(1);
	if (pid == 0)
		return;
	waitpid(pid, NULL, 0);
}

static void *check_in_thread(void *arg)
{
	ASSERT_EQ(1, 2);
	return arg;
}

TEST(fail_in_thread)
{
	pthread_t thread;

	ASSERT_OK(pthread_create(&thread, NULL, check_in_thread, NULL));
	pthread_join(thread, NULL);
}

TEST(pass_leftovers_are_killed)
{
	ASSERT_TRUE(1);
	if (fork() == 0)
		pause();
	if (fork() == 0) {
		setsid();
		pause();
	}
}

TEST(pass_helper_lives)
{
	ASSERT_LT(0, helper);
	ASSERT_OK(kill(helper, 0));
}

#ifdef __SANITIZE_ADDRESS__
TEST(fail_leak)
{
	char *volatile memory = malloc(10);

	ASSERT_NOT_NULL(memory);
	memory = NULL;
}

TEST(fail_undefined)
{
	volatile int number = INT_MAX;

	ASSERT_TRUE(1);
	number++;
}
#endif

FIXTURE(with_variants) {
	int bits;
	char *memory;
};

FIXTURE_VARIANT(with_variants) {
	int bits;
};

FIXTURE_VARIANT_ADD(with_variants, one) {
	.bits = 1,
};

FIXTURE_VARIANT_ADD(with_variants, two) {
	.bits = 2,
};

FIXTURE_SETUP(with_variants)
{
	ASSERT_EQ(0, self->bits);
	self->memory = malloc(5);
	self->bits = variant->bits;
}

FIXTURE_TEARDOWN(with_variants)
{
	free(self->memory);
	printf("teardown of %d\n", variant->bits);
}

TEST_F(with_variants, pass_self)
{
	ASSERT_EQ(variant->bits, self->bits);
}

TEST_F(with_variants, fail_then_teardown)
{
	ASSERT_EQ(0, self->bits);
}

FIXTURE(set_up_badly) {
	int number;
};

FIXTURE_SETUP(set_up_badly)
{
	self->number = 3;
	ASSERT_TRUE(0);
}

FIXTURE_TEARDOWN(set_up_badly)
{
	printf("teardown finds %d\n", self->number);
}

TEST_F(set_up_badly, fail_without_body)
{
	printf("not reached\n");
}

HARNESS_MAIN
