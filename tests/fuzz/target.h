/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fuzz target is made of. A target is one function with libFuzzer's name: linked
 * with libFuzzer it is fuzzed (make fuzz), with replay.c it is a test (replay.sh).
 */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes any bytes; returns 0, or ends the process at a promise that was broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ends the process, as a crash that the fuzzer keeps, when a promise does not hold. */
#define REQUIRE(condition)                                                                         \
	((condition) ? (void)0 : target_fail(__FILE__, __LINE__, #condition))

_Noreturn void target_fail(const char *file, int line, const char *condition);

/* True when text ends within size and is printable ASCII; a char array gives both itself. */
bool target_is_text(const char *text, size_t size);
#define REQUIRE_TEXT(array) REQUIRE(target_is_text(array, sizeof(array)) && (array)[0])
#define REQUIRE_TEXT_OR_EMPTY(array) REQUIRE(target_is_text(array, sizeof(array)))

/*
 * Takes the head of an input: choices, one byte each, which a target declares as a struct of
 * bytes. What the input has not is zero.
 */
void target_take(const uint8_t **data, size_t *len, void *head, size_t size);

#endif
