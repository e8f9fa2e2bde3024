// SPDX-License-Identifier: Apache-2.0
#include "userspace/buffer.h"

#include <stdlib.h>

/* what stays for the next session that moves data: 2 MiB a worker */
#define BUFFER_POOL_MAX 32

struct buffer *buffer_borrow(struct buffer_pool *pool)
{
	struct buffer *buffer = pool->free;

	if (!buffer)
		return malloc(sizeof(*buffer));
	pool->free = buffer->next;
	pool->count--;
	return buffer;
}

void buffer_return(struct buffer_pool *pool, struct buffer *buffer)
{
	if (!buffer)
		return;
	if (pool->count >= BUFFER_POOL_MAX) {
		free(buffer);
		return;
	}
	buffer->next = pool->free;
	pool->free = buffer;
	pool->count++;
}

void buffer_pool_release(struct buffer_pool *pool)
{
	struct buffer *buffer;

	while ((buffer = pool->free)) {
		pool->free = buffer->next;
		free(buffer);
	}
	pool->count = 0;
}
