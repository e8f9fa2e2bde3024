// SPDX-License-Identifier: Apache-2.0
#include "userspace/fd.h"

#include <unistd.h>

void fd_close_others(const int *keep, size_t count)
{
	unsigned int from = 0;
	size_t i;
	int at;

	for (;;) {
		at = -1;
		for (i = 0; i < count; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= from && (at < 0 || keep[i] < at))
				at = keep[i];
		if (at < 0)
			break;
		if ((unsigned int)at > from)
			close_range(from, (unsigned int)at - 1, 0);
		from = (unsigned int)at + 1;
	}
	close_range(from, ~0U, 0);
}
