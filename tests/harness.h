/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests in C, in the manner of the kernel's kselftest harness.
 *
 *	#include "tests/harness.h"
 *
 *	TEST(name) { ... }                           a test by itself
 *	TEST_TIMEOUT(name, seconds) { ... }          the same with its own time limit
 *
 *	FIXTURE(fixture) { int fd; };                what its tests share: `self`
 *	FIXTURE_VARIANT(fixture) { int bits; };      optional: every test runs once for each
 *	FIXTURE_VARIANT_ADD(fixture, rsa) { .bits = 2048 };	`variant`
 *	FIXTURE_SETUP(fixture) { self->fd = ...; }
 *	FIXTURE_TEARDOWN(fixture) { close(self->fd); }
 *	TEST_F(fixture, name) { ASSERT_EQ(3, self->fd); }
 *	TEST_F_TIMEOUT(fixture, name, seconds) { ... }
 *
 *	HARNESS_PREPARE { ... }     optional: once, before all tests; what it sets or starts is
 *	HARNESS_FINISH { ... }      theirs too, until this has run, once, after all of them
 *	HARNESS_EXPLAIN { ... }     optional: in a test that failed, to show what helps
 *
 *	HARNESS_MAIN
 *
 * Each test runs in a process and process group of its own, under a time limit:
 * HARNESS_TIMEOUT unless it says otherwise, times $HARNESS_TIME_SCALE, which is 4 in a
 * virtual machine and 1 elsewhere. Whatever it leaves running is killed. `self` starts
 * zeroed. The teardown runs after every set-up, also one that failed half way, so a set-up
 * that may fail gives descriptors their -1 first. Output is KTAP version 1; what a test
 * prints becomes its diagnostic lines.
 *
 * A test fails when a check fails, when it crashes, exits before its end, runs out of
 * time, checks nothing at all, or when a sanitizer has something to say.
 *
 * Link with tests/harness.c and tests/harness_run.c. Programs take -l (list) and
 * -t PATTERN (part of a name or a glob), and exit 0 only when no test failed.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

#define HARNESS_TIMEOUT 30 /* seconds */

/*
 * Checks: ASSERT_* ends the test, EXPECT_* goes on. The expected value comes first, so
 * ASSERT_LT(2, n) reads "2 < n". Integers and pointers of any type compare by value: -1 is
 * less than 0u. ASSERT_OK wants the 0 of 0 / -errno. A block may follow, which runs when
 * the check fails: ASSERT_OK(rc) { TH_LOG("..."); }
 * They work in helper functions, in forked children (an ASSERT ends the child) and in
 * threads (it ends the thread) alike.
 */
#define ASSERT_EQ(expected, seen) HARNESS_NUM(true, expected, EQ, seen)
#define ASSERT_NE(expected, seen) HARNESS_NUM(true, expected, NE, seen)
#define ASSERT_LT(expected, seen) HARNESS_NUM(true, expected, LT, seen)
#define ASSERT_LE(expected, seen) HARNESS_NUM(true, expected, LE, seen)
#define ASSERT_GT(expected, seen) HARNESS_NUM(true, expected, GT, seen)
#define ASSERT_GE(expected, seen) HARNESS_NUM(true, expected, GE, seen)
#define ASSERT_TRUE(seen) HARNESS_BOOL(true, true, seen)
#define ASSERT_FALSE(seen) HARNESS_BOOL(true, false, seen)
#define ASSERT_NULL(seen) HARNESS_NUM(true, NULL, EQ, seen)
#define ASSERT_NOT_NULL(seen) HARNESS_NUM(true, NULL, NE, seen)
#define ASSERT_OK(rc) HARNESS_OK(true, rc)
#define ASSERT_STREQ(expected, seen) HARNESS_STR(true, expected, true, seen)
#define ASSERT_STRNE(expected, seen) HARNESS_STR(true, expected, false, seen)
#define ASSERT_MEMEQ(expected, seen, size) HARNESS_MEM(true, expected, seen, size)

#define EXPECT_EQ(expected, seen) HARNESS_NUM(false, expected, EQ, seen)
#define EXPECT_NE(expected, seen) HARNESS_NUM(false, expected, NE, seen)
#define EXPECT_LT(expected, seen) HARNESS_NUM(false, expected, LT, seen)
#define EXPECT_LE(expected, seen) HARNESS_NUM(false, expected, LE, seen)
#define EXPECT_GT(expected, seen) HARNESS_NUM(false, expected, GT, seen)
#define EXPECT_GE(expected, seen) HARNESS_NUM(false, expected, GE, seen)
#define EXPECT_TRUE(seen) HARNESS_BOOL(false, true, seen)
#define EXPECT_FALSE(seen) HARNESS_BOOL(false, false, seen)
#define EXPECT_NULL(seen) HARNESS_NUM(false, NULL, EQ, seen)
#define EXPECT_NOT_NULL(seen) HARNESS_NUM(false, NULL, NE, seen)
#define EXPECT_OK(rc) HARNESS_OK(false, rc)
#define EXPECT_STREQ(expected, seen) HARNESS_STR(false, expected, true, seen)
#define EXPECT_STRNE(expected, seen) HARNESS_STR(false, expected, false, seen)
#define EXPECT_MEMEQ(expected, seen, size) HARNESS_MEM(false, expected, seen, size)

/* ends the test (its teardown runs) as one that could not be made here, and says why */
#define SKIP(...) harness_skip(__VA_ARGS__)

/* whether a check of this test has failed so far */
bool harness_has_failed(void);

/* a diagnostic line, printf-like */
#define TH_LOG(...) harness_log(__FILE__, __LINE__, __VA_ARGS__)

/* fails the test at once, printf-like */
#define FAIL(...)                                                                                  \
	do {                                                                                       \
		TH_LOG(__VA_ARGS__);                                                               \
		harness_fail();                                                                    \
		harness_failed(true);                                                              \
	} while (0)

/* how many times longer everything may take here than natively */
int harness_time_scale(void);

#define TEST(name) TEST_TIMEOUT(name, HARNESS_TIMEOUT)

#define TEST_TIMEOUT(name, limit)                                                                  \
	static void test_##name##_test(void);                                                      \
	static void test_##name##_thunk(void *self, const void *variant)                           \
	{                                                                                          \
		(void)self;                                                                        \
		(void)variant;                                                                     \
		test_##name##_test();                                                              \
	}                                                                                          \
	HARNESS_REGISTER(name, NULL, #name, test_##name##_thunk, limit)                            \
	static void test_##name##_test(void)

#define FIXTURE(fixture)                                                                           \
	struct test_##fixture##_self;                                                              \
	struct test_##fixture##_variant;                                                           \
	static struct harness_fixture test_##fixture##_fixture = { .name = #fixture };             \
	struct test_##fixture##_self

#define FIXTURE_DATA(fixture) struct test_##fixture##_self

#define FIXTURE_VARIANT(fixture) struct test_##fixture##_variant

#define FIXTURE_VARIANT_ADD(fixture, variant_name)                                                 \
	static const struct test_##fixture##_variant test_##fixture##_variant_##variant_name;      \
	__attribute__((constructor)) static void test_##fixture##_add_##variant_name(void)         \
	{                                                                                          \
		static struct harness_variant entry = {                                            \
			.name = #variant_name,                                                     \
			.data = &test_##fixture##_variant_##variant_name,                          \
		};                                                                                 \
		harness_add_variant(&test_##fixture##_fixture, &entry);                            \
	}                                                                                          \
	static const struct test_##fixture##_variant test_##fixture##_variant_##variant_name =

#define FIXTURE_SETUP(fixture)                                                                     \
	HARNESS_STEP(fixture, setup)                                                               \
	__attribute__((constructor)) static void test_##fixture##_add_setup(void)                  \
	{                                                                                          \
		test_##fixture##_fixture.size = sizeof(struct test_##fixture##_self);              \
		test_##fixture##_fixture.setup = test_##fixture##_setup_thunk;                     \
	}                                                                                          \
	HARNESS_STEP_HEAD(fixture, setup)

#define FIXTURE_TEARDOWN(fixture)                                                                  \
	HARNESS_STEP(fixture, teardown)                                                            \
	__attribute__((constructor)) static void test_##fixture##_add_teardown(void)               \
	{                                                                                          \
		test_##fixture##_fixture.teardown = test_##fixture##_teardown_thunk;               \
	}                                                                                          \
	HARNESS_STEP_HEAD(fixture, teardown)

#define TEST_F(fixture, name) TEST_F_TIMEOUT(fixture, name, HARNESS_TIMEOUT)

#define TEST_F_TIMEOUT(fixture, name, limit)                                                       \
	HARNESS_STEP(fixture, name)                                                                \
	HARNESS_REGISTER(fixture##_##name, &test_##fixture##_fixture, #name,                       \
			 test_##fixture##_##name##_thunk, limit)                                   \
	HARNESS_STEP_HEAD(fixture, name)

#define HARNESS_PREPARE HARNESS_HOOK(prepare)
#define HARNESS_FINISH HARNESS_HOOK(finish)
#define HARNESS_EXPLAIN HARNESS_HOOK(explain)

#define HARNESS_MAIN                                                                               \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return harness_main(argc, argv);                                                   \
	}

/* What the macros above are made of: not for tests. */

struct harness_variant {
	const char *name;
	const void *data;
	struct harness_variant *next;
};

typedef void harness_step(void *self, const void *variant);

/* outside of any test: NULL where there is none */
struct harness_hooks {
	harness_step *prepare, *finish, *explain;
};

extern struct harness_hooks harness_hooks;

struct harness_fixture {
	const char *name;
	size_t size;
	harness_step *setup, *teardown;
	struct harness_variant *variants;
};

struct harness_test {
	struct harness_fixture *fixture; /* NULL for one by itself */
	const char *name;
	harness_step *body;
	int limit; /* seconds */
	struct harness_test *next;
};

enum harness_op { HARNESS_EQ, HARNESS_NE, HARNESS_LT, HARNESS_LE, HARNESS_GT, HARNESS_GE };

struct harness_num {
	unsigned long long value;
	bool is_signed;
	const char *text;
};

struct harness_at {
	const char *file;
	int line;
};

void harness_add_test(struct harness_test *test);
void harness_add_variant(struct harness_fixture *fixture, struct harness_variant *variant);
int harness_main(int argc, char **argv);

/* each counts the check; true, and a diagnostic line, when it fails */
bool harness_num(struct harness_at at, enum harness_op op, struct harness_num expected,
		 struct harness_num seen);
bool harness_bool(struct harness_at at, bool expected, bool seen, const char *text);
bool harness_ok(struct harness_at at, long long rc, const char *text);
bool harness_str(struct harness_at at, const char *expected, bool equal, const char *seen,
		 const char *text);
bool harness_mem(struct harness_at at, const void *expected, const void *seen, size_t size,
		 const char *text);

/* marks the test failed */
void harness_fail(void);
/* after a failed check: leaves the test if it was an ASSERT, else returns false */
bool harness_failed(bool is_assert);
void harness_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void harness_log(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define HARNESS_AT ((struct harness_at){ __FILE__, __LINE__ })

/* the loop body is the block that the user may write after the check */
#define HARNESS_CHECK(is_assert, failed)                                                           \
	for (bool harness_bad_ = (failed); harness_bad_; harness_bad_ = harness_failed(is_assert))

/* the conditional gives a bit-field its promoted type, an array its pointer */
#define HARNESS_VALUE(x)                                                                           \
	({                                                                                         \
		__typeof__(1 ? (x) : (x)) harness_v_ = (x);                                        \
		_Static_assert(__builtin_classify_type(harness_v_) != 8, "no floating point");     \
		(struct harness_num){ .value = (unsigned long long)harness_v_,                     \
				      .is_signed = HARNESS_SIGNED(__typeof__(harness_v_)),         \
				      .text = #x };                                                \
	})
#define HARNESS_SIGNED(type) ((type)(-1) < (type)1)

#define HARNESS_NUM(is_assert, expected, op, seen)                                                 \
	HARNESS_CHECK(is_assert, harness_num(HARNESS_AT, HARNESS_##op, HARNESS_VALUE(expected),    \
					     HARNESS_VALUE(seen)))
#define HARNESS_BOOL(is_assert, expected, seen)                                                    \
	HARNESS_CHECK(is_assert, harness_bool(HARNESS_AT, expected, !!(seen), #seen))
#define HARNESS_OK(is_assert, rc) HARNESS_CHECK(is_assert, harness_ok(HARNESS_AT, rc, #rc))
#define HARNESS_STR(is_assert, expected, equal, seen)                                              \
	HARNESS_CHECK(is_assert, harness_str(HARNESS_AT, expected, equal, seen, #seen))
#define HARNESS_MEM(is_assert, expected, seen, size)                                               \
	HARNESS_CHECK(is_assert, harness_mem(HARNESS_AT, expected, seen, size, #seen))

#define HARNESS_STEP_HEAD(fixture, step)                                                           \
	static void test_##fixture##_##step(                                                       \
		struct test_##fixture##_self *self __attribute__((unused)),                        \
		const struct test_##fixture##_variant *variant __attribute__((unused)))
#define HARNESS_STEP(fixture, step)                                                                \
	HARNESS_STEP_HEAD(fixture, step);                                                          \
	static void test_##fixture##_##step##_thunk(void *self, const void *variant)               \
	{                                                                                          \
		test_##fixture##_##step(self, variant);                                            \
	}

#define HARNESS_HOOK(hook)                                                                         \
	static void test_hook_##hook(void);                                                        \
	static void test_hook_##hook##_thunk(void *self, const void *variant)                      \
	{                                                                                          \
		(void)self;                                                                        \
		(void)variant;                                                                     \
		test_hook_##hook();                                                                \
	}                                                                                          \
	__attribute__((constructor)) static void test_hook_##hook##_add(void)                      \
	{                                                                                          \
		harness_hooks.hook = test_hook_##hook##_thunk;                                     \
	}                                                                                          \
	static void test_hook_##hook(void)

#define HARNESS_REGISTER(symbol, test_fixture, test_name, thunk, seconds)                          \
	__attribute__((constructor)) static void test_##symbol##_register(void)                    \
	{                                                                                          \
		static struct harness_test entry = {                                               \
			.fixture = test_fixture,                                                   \
			.name = test_name,                                                         \
			.body = thunk,                                                             \
			.limit = seconds,                                                          \
		};                                                                                 \
		harness_add_test(&entry);                                                          \
	}

#endif
