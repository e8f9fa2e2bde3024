/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer presented, as bytes: its certificates as they came, and the stapled OCSP response.
 * A session keeps it, so that it can be judged again. Whoever is privileged passes the bytes on
 * and looks at none of them but the marks, which whoever packed them took of the certificates.
 */
#ifndef USERSPACE_PRESENTED_H
#define USERSPACE_PRESENTED_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/reach.h"
#include "policy/staple.h"

enum {
	PRESENTED_BYTES_MAX = 128 << 10,
	PRESENTED_CERTIFICATES_MAX = 64,
};

struct presented {
	uint8_t *bytes; /* NULL: not even that nothing came */
	size_t len;
};

/* taken apart; all of it is the caller's until presented_chain_release() */
struct presented_chain {
	STACK_OF(X509) *certificates; /* the peer's own first; empty: none came */
	struct staple staple; /* points into the bytes */
};

/* by which changes it is concerned: policy/reach.h */
struct presented_marks {
	bool known;
	size_t count;
	uint64_t marks[REACH_MARKS_MAX];
};

/*
 * leaf NULL: no certificate came. chain may be NULL, and may hold the leaf. -E2BIG: more than
 * PRESENTED_BYTES_MAX or PRESENTED_CERTIFICATES_MAX; -ENOMEM. out is freed first.
 */
int presented_pack(X509 *leaf, STACK_OF(X509) *chain, struct staple staple,
		   struct presented *out);

/* -EBADMSG: they are not what presented_pack() makes; -ENOMEM. */
int presented_unpack(const struct presented *presented, struct presented_chain *out);

/* The marks alone, without a look at the certificates. No certificate: known, and none. */
void presented_read_marks(const struct presented *presented, struct presented_marks *out);

void presented_chain_release(struct presented_chain *chain);

/* A sealed memfd with the bytes, the caller's to close. -errno. */
int presented_seal(const struct presented *presented);

/*
 * Takes the bytes out of a descriptor that another process gave: one that is not sealed, or too
 * long, is -EBADMSG. -errno.
 */
int presented_take(int fd, struct presented *out);

/* The same of a file of one's own, from where its descriptor stands to the end. */
int presented_read(int fd, struct presented *out);

/* Frees the bytes; a zeroed one is fine. */
void presented_free(struct presented *presented);

#endif
