// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void target_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
	abort();
}

bool target_is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return len < size;
}

void target_take(const uint8_t **data, size_t *len, void *head, size_t size)
{
	size_t taken = *len < size ? *len : size;

	memset(head, 0, size);
	if (taken)
		memcpy(head, *data, taken);
	*data += taken;
	*len -= taken;
}
