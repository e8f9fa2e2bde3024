/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a verified session: plain bytes in and out of a TLS connection
 * whose records the kernel makes, or, with `ktls = prefer` on a kernel that cannot,
 * OpenSSL. Nothing here blocks.
 */
#ifndef USERSPACE_STREAM_H
#define USERSPACE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include "userspace/bucket.h"
#include "userspace/ktls.h"
#include "userspace/ktls_control.h"
#include "userspace/ktls_keys.h"
#include "userspace/ktls_tickets.h"

struct stream {
	int fd;
	SSL *ssl; /* user space encrypts; NULL: the kernel does */
	const struct ktls_crypto *crypto;
	const struct ktls_cipher *cipher; /* that the kernel encrypts with */
	struct ktls_keys *keys; /* kept for a rekey; NULL where the kernel cannot */
	uint64_t records; /* that were sent under the key, or fewer */
	uint64_t records_max; /* that may be: a KeyUpdate or the end comes then; 0: any number */
	uint16_t record_size; /* bytes of data in a record at most */
	struct ktls_tickets *tickets; /* waits for a session to resume; NULL: nobody does */
	struct ktls_handshake handshake;
	struct bucket key_updates;
	unsigned int key_updates_seen; /* by OpenSSL in user space, not yet counted */
	bool key_update_due; /* one of ours, which could not be sent yet */
	bool close_notify_sent; /* or the alert that ends it */
	uint8_t alert; /* to end it with; 0: close_notify */
	bool cut; /* ended by this side while the client may still be sending */
	bool has_late; /* user space: the end behind data that was given first */
	ssize_t late;
	bool close_notify_received; /* user space: OpenSSL does not tell it from a FIN */
	const char *why; /* the first thing that went wrong, or how the peer closed */
};

/*
 * A kernel session. keys are copied where can_rekey; the caller wipes its own. is_client: this
 * side was it. -ENOMEM.
 */
int stream_init_kernel(struct stream *stream, int fd, const struct ktls_crypto *crypto,
		       const struct ktls_keys *keys, bool is_client, bool can_rekey);

/* A user-space session; ssl is the stream's from now on. */
void stream_init_user(struct stream *stream, int fd, SSL *ssl);

/*
 * Reads. The number of bytes; 0: the peer sends no more (stream->why says it when that
 * came without a close_notify); -EAGAIN; -EINTR: nothing yet, though the peer sends: call again
 * when others have had their turn. Everything else ends the session, with why:
 * -EPROTO (a message that has no place here, too many KeyUpdates), -EOPNOTSUPP (a KeyUpdate
 * that this kernel cannot follow), -ECONNABORTED (a fatal alert), -errno.
 * now: monotonic, ns.
 */
ssize_t stream_read(struct stream *stream, void *buf, size_t len, uint64_t now);

/* Writes. The number of bytes, which may be fewer than len; -EAGAIN; -errno. */
ssize_t stream_write(struct stream *stream, const void *buf, size_t len);

/*
 * The key has encrypted as many records as it may, and this kernel cannot change it: nothing but
 * what was read already is to be written, and stream->why says so.
 */
bool stream_is_spent(struct stream *stream);

/*
 * Sends close_notify (or stream->alert, which OpenSSL in user space does not let us), then FIN; the
 * peer may go on to send. -EAGAIN: call again. -errno.
 */
int stream_close_write(struct stream *stream);

/*
 * Neither direction has ended, the SSL object is gone, and no message is half read or to be sent:
 * the keys and the socket are all that there is of the session.
 */
bool stream_is_quiet(const struct stream *stream);

/* Releases what is the stream's, secrets cleansed. The descriptor is not. */
void stream_release(struct stream *stream);

#endif
