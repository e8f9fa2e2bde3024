// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of a test's process: what is registered, the checks, and the way through
 * set-up, body and teardown. tests/harness_run.c is the outside.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness.h"
#include "tests/harness_run.h"

struct harness_test *harness_tests;
struct harness_hooks harness_hooks;

/* of the test that runs in this process */
static struct harness_result *result;
static pid_t test_pid;
static jmp_buf leave;

/* without these a finding of UBSan would be printed and otherwise pass */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "halt_on_error=1:print_stacktrace=1";
}

void harness_add_test(struct harness_test *test)
{
	struct harness_test **end = &harness_tests;

	while (*end)
		end = &(*end)->next;
	*end = test;
}

void harness_add_variant(struct harness_fixture *fixture, struct harness_variant *variant)
{
	struct harness_variant **end = &fixture->variants;

	while (*end)
		end = &(*end)->next;
	*end = variant;
}

void harness_log(const char *file, int line, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
}

void harness_fail(void)
{
	__atomic_store_n(&result->failed, true, __ATOMIC_SEQ_CST);
}

bool harness_has_failed(void)
{
	return __atomic_load_n(&result->failed, __ATOMIC_SEQ_CST);
}

bool harness_failed(bool is_assert)
{
	if (!is_assert)
		return false;
	if (getpid() != test_pid)
		_exit(1);
	if (gettid() != test_pid)
		pthread_exit(NULL);
	longjmp(leave, 1);
}

void harness_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(result->reason, sizeof(result->reason), format, args);
	va_end(args);
	__atomic_store_n(&result->skipped, true, __ATOMIC_SEQ_CST);
	harness_failed(true);
	__builtin_unreachable();
}

/* counts a check; marks the test failed when the check does not hold */
static bool check(bool holds)
{
	__atomic_add_fetch(&result->checks, 1, __ATOMIC_SEQ_CST);
	if (!holds)
		harness_fail();
	return !holds;
}

static const char *const op_text[] = {
	[HARNESS_EQ] = "==", [HARNESS_NE] = "!=", [HARNESS_LT] = "<",
	[HARNESS_LE] = "<=", [HARNESS_GT] = ">",  [HARNESS_GE] = ">=",
};

/* <0, 0, >0 by the values themselves, whatever the types */
static int compare(struct harness_num a, struct harness_num b)
{
	bool a_negative = a.is_signed && (long long)a.value < 0;
	bool b_negative = b.is_signed && (long long)b.value < 0;

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	return (a.value > b.value) - (a.value < b.value);
}

static bool holds(enum harness_op op, int order)
{
	switch (op) {
	case HARNESS_EQ:
		return order == 0;
	case HARNESS_NE:
		return order != 0;
	case HARNESS_LT:
		return order < 0;
	case HARNESS_LE:
		return order <= 0;
	case HARNESS_GT:
		return order > 0;
	case HARNESS_GE:
		return order >= 0;
	}
	return false;
}

/* "-2 (-ENOENT)" for what may be an error, else "42" */
static const char *format_num(char *text, size_t size, struct harness_num num)
{
	long long value = (long long)num.value;
	const char *name = NULL;

	if (!num.is_signed) {
		snprintf(text, size, "%llu", num.value);
		return text;
	}
	if (value < 0 && value > -4096)
		name = strerrorname_np((int)-value);
	snprintf(text, size, name ? "%lld (-%s)" : "%lld", value, name);
	return text;
}

bool harness_num(struct harness_at at, enum harness_op op, struct harness_num expected,
		 struct harness_num seen)
{
	char left[64], right[64];

	if (!check(holds(op, compare(expected, seen))))
		return false;
	harness_log(at.file, at.line, "expected %s %s %s, seen %s %s %s", expected.text,
		    op_text[op], seen.text, format_num(left, sizeof(left), expected), op_text[op],
		    format_num(right, sizeof(right), seen));
	return true;
}

bool harness_bool(struct harness_at at, bool expected, bool seen, const char *text)
{
	if (!check(expected == seen))
		return false;
	harness_log(at.file, at.line, "expected %s to be %s", text, expected ? "true" : "false");
	return true;
}

bool harness_ok(struct harness_at at, long long rc, const char *text)
{
	const char *name = rc < 0 && rc > -4096 ? strerrorname_np((int)-rc) : NULL;

	if (!check(rc == 0))
		return false;
	if (name)
		harness_log(at.file, at.line, "expected %s to succeed: -%s (%s)", text, name,
			    strerrordesc_np((int)-rc));
	else
		harness_log(at.file, at.line, "expected %s to be 0, seen %lld", text, rc);
	return true;
}

bool harness_str(struct harness_at at, const char *expected, bool equal, const char *seen,
		 const char *text)
{
	bool same = expected && seen ? strcmp(expected, seen) == 0 : expected == seen;

	if (!check(same == equal))
		return false;
	harness_log(at.file, at.line, "expected %s %s \"%s\", seen \"%s\"", text,
		    equal ? "==" : "!=", expected ? expected : "(null)", seen ? seen : "(null)");
	return true;
}

bool harness_mem(struct harness_at at, const void *expected, const void *seen, size_t size,
		 const char *text)
{
	const unsigned char *left = expected, *right = seen;
	size_t i = 0;

	while (i < size && left[i] == right[i])
		i++;
	if (!check(i == size))
		return false;
	harness_log(at.file, at.line, "%s: byte %zu of %zu: expected 0x%02x, seen 0x%02x", text, i,
		    size, left[i], right[i]);
	return true;
}

/* one step under its own landing place; false when it was left early or failed */
static bool step(harness_step *fn, void *self, const void *variant)
{
	if (setjmp(leave) == 0)
		fn(self, variant);
	else
		return false;
	return !result->failed;
}

bool harness_hook(harness_step *hook, struct harness_result *shared)
{
	memset(shared, 0, sizeof(*shared));
	result = shared;
	test_pid = getpid();
	return !hook || step(hook, NULL, NULL);
}

void harness_child(const struct harness_test *test, const struct harness_variant *variant,
		   struct harness_result *shared)
{
	const void *data = variant ? variant->data : NULL;
	void *self = NULL;

	result = shared;
	test_pid = getpid();
	if (test->fixture) {
		self = calloc(1, test->fixture->size ? test->fixture->size : 1);
		if (!self)
			_exit(1);
		if (step(test->fixture->setup, self, data))
			step(test->body, self, data);
		step(test->fixture->teardown, self, data);
	} else {
		step(test->body, self, data);
	}
	if (result->failed && harness_hooks.explain)
		step(harness_hooks.explain, NULL, NULL);
	free(self);
	if (getpid() != test_pid) {
		fprintf(stderr, "a forked child returned from the test\n");
		harness_fail();
		_exit(1);
	}
	__atomic_store_n(&result->finished, true, __ATOMIC_SEQ_CST);
	fflush(NULL);
	/* a test that was left half way leaks; only a whole one is asked about it */
	if (result->failed || result->skipped)
		_exit(0);
	exit(0);
}
