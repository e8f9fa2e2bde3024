// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/shortage.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "tests/fuzz/target.h"

static unsigned int shortage_left; /* 0: none fails */
static bool shortage_came;

static bool shortage_is_now(void)
{
	bool now = shortage_left && !--shortage_left;

	shortage_came |= now;
	return now;
}

static void *shortage_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return shortage_is_now() ? NULL : malloc(size);
}

static void *shortage_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return shortage_is_now() ? NULL : realloc(old, size);
}

static void shortage_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	free(old);
}

/* libcrypto takes these only before its first allocation */
__attribute__((constructor)) static void shortage_install(void)
{
	REQUIRE(CRYPTO_set_mem_functions(shortage_malloc, shortage_realloc, shortage_free) == 1);
}

void shortage_begin(unsigned int number)
{
	shortage_left = number;
	shortage_came = false;
}

bool shortage_end(void)
{
	shortage_left = 0;
	return shortage_came;
}
