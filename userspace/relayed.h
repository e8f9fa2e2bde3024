/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verified session while it is relayed, whoever does that: a worker (connection.h) or a
 * carrier (carrier.h). The descriptors are their owner's.
 */
#ifndef USERSPACE_RELAYED_H
#define USERSPACE_RELAYED_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/buffer.h"
#include "userspace/carry.h"
#include "userspace/loop.h"
#include "userspace/relay.h"
#include "userspace/stream.h"

enum relayed_end {
	RELAYED_CLOSED, /* both directions ended in order */
	RELAYED_CUT, /* the same, by this side, while the peer may still be sending */
	RELAYED_BROKEN, /* one side failed: both are to be reset */
	RELAYED_GONE, /* the peer has closed, after relayed_linger() */
};

struct relayed {
	struct loop *loop;
	struct loop_io client; /* the peer's socket; both only while it is relayed */
	struct loop_io app;
	struct loop_turn turn;
	struct stream stream;
	struct relay relay;
	bool lingers;
	void (*ended)(struct relayed *relayed, enum relayed_end how); /* and relay.why says why */
};

/* Nothing is in the loop yet, and the stream is not begun. */
void relayed_init(struct relayed *relayed, struct loop *loop,
		  void (*ended)(struct relayed *relayed, enum relayed_end how));

/* The app's socket is there, and the stream is begun: neither has been read yet. */
void relayed_connect(struct relayed *relayed, int app, struct buffer_pool *pool);

/* Moves bytes from the next round on; also after relayed_pause(). -errno of epoll_ctl(). */
int relayed_start(struct relayed *relayed);

/* Leaves the sockets alone, as they are. */
void relayed_pause(struct relayed *relayed);

/*
 * Nothing is on the way between the two sockets, neither side has ended, and nothing is to be said
 * to the peer: somebody else may go on with it.
 */
bool relayed_is_quiet(const struct relayed *relayed);

/* What another process needs to go on. -EAGAIN: not at this moment; -ENOTSUP: user space encrypts. */
int relayed_save(const struct relayed *relayed, struct carry *carry);

/*
 * Instead of relayed_connect(), with what relayed_save() took. -EINVAL: it is not sound; -ENOMEM.
 */
int relayed_restore(struct relayed *relayed, const struct carry *carry,
		    const struct ktls_crypto *crypto, int client, int app, struct buffer_pool *pool);

/*
 * After RELAYED_CUT: the app's socket is closed by the owner, and the peer's is kept until the peer
 * has read why: a close with unread bytes would be a reset. Nothing of it is read, since that may
 * be under a key that nobody has.
 */
void relayed_linger(struct relayed *relayed);

/* Out of the loop; what it borrowed and its secrets are released. */
void relayed_release(struct relayed *relayed);

#endif
