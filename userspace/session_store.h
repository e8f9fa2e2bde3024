/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS sessions that this host's servers may resume, in memory that all workers share: a
 * peer that comes back is met by any of them. Nothing of it is written anywhere. A session
 * is a secret, and whoever takes one judges its certificate anew (tls_resume.h).
 */
#ifndef USERSPACE_SESSION_STORE_H
#define USERSPACE_SESSION_STORE_H

#include <stddef.h>
#include <stdint.h>

enum {
	SESSION_STORE_ID_MAX = 32, /* bytes of an id: RFC 5246 section 7.4.1.2, and OpenSSL's tickets */
	SESSION_STORE_DATA_MAX = 8000, /* of a session with its chain; a longer one is not kept */
};

struct session_store;

/* Memory for about so many sessions; untouched it takes none. NULL: out of memory. */
struct session_store *session_store_new(size_t sessions);

/*
 * Keeps a session until so many seconds since the epoch, in place of another one where there
 * is no room. worker: who does it. -EMSGSIZE; -EBUSY: that place is being used this moment.
 */
int session_store_put(struct session_store *store, uint32_t worker, const uint8_t *id,
		      size_t id_len, const void *data, size_t len, int64_t until);

/*
 * Copies a session out. The number of bytes; -ENOENT, also for one whose time is over.
 * data has SESSION_STORE_DATA_MAX bytes and is the caller's to cleanse.
 */
long session_store_get(struct session_store *store, uint32_t worker, const uint8_t *id,
		       size_t id_len, void *data, int64_t now);

/* Forgets a session. */
void session_store_remove(struct session_store *store, uint32_t worker, const uint8_t *id,
			  size_t id_len);

/* Frees the places that a worker was using when it died. */
void session_store_release(struct session_store *store, uint32_t worker);

/* NULL is fine. In the process that made it: it is cleansed for all. */
void session_store_free(struct session_store *store);

#endif
