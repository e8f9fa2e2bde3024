/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers that sessions borrow while data moves: an idle session holds none.
 */
#ifndef USERSPACE_BUFFER_H
#define USERSPACE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* four full TLS records */
#define BUFFER_SIZE 65536

struct buffer {
	struct buffer *next; /* while it is in the pool */
	uint8_t bytes[BUFFER_SIZE];
};

struct buffer_pool {
	struct buffer *free;
	unsigned int count;
};

/* A buffer, its content undefined; NULL when out of memory. */
struct buffer *buffer_borrow(struct buffer_pool *pool);

/* Takes one back; NULL is fine. */
void buffer_return(struct buffer_pool *pool, struct buffer *buffer);

/* Frees what the pool holds. */
void buffer_pool_release(struct buffer_pool *pool);

#endif
