/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's end of a session after its keys went into the kernel. */
#ifndef TESTS_KTLS_SESSION_H
#define TESTS_KTLS_SESSION_H

#include "tests/ktls/peers.h"
#include "userspace/ktls.h"
#include "userspace/ktls_probe.h"

#define SESSION_RECORD_MAX 16384

struct session {
	struct peers peers;
	struct ktls_keys keys; /* as they went into the kernel */
};

void session_init(struct session *session);

/*
 * Connects, attaches, shakes hands and installs, in the agent's order, and frees the SSL
 * object. Skips the test where the kernel has no TLS.
 */
void session_open(struct session *session, const struct peers_setup *setup);

/* The same without the last step, for tests that spoil the keys first. */
void session_shake(struct session *session, const struct peers_setup *setup);

void session_close(struct session *session);

/* Receives exactly len bytes of this type, or fails the test. */
void session_receive(struct session *session, enum ktls_record type, void *bytes, size_t len);

/* Waits for what ktls_recv() returns instead of data: 0 or -errno. */
int session_receive_error(struct session *session);

/* Takes the tickets that a server peer has sent. */
void session_take_tickets(struct session *session, const struct peers_setup *setup);

/* So many bytes both ways, and compares them. */
void session_exchange(struct session *session, size_t len);

/* Whether this kernel has the feature; the self-test runs at each call. */
bool session_kernel_has(const struct session *session, enum ktls_feature feature);

#endif
