/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mark is a number that stands for a name or for a whole certificate: what is the same has the
 * same one. Two that differ may have one mark, too, so that what has none of a set's marks has
 * nothing of it, and not the other way round.
 */
#ifndef POLICY_MARK_H
#define POLICY_MARK_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names that X509_NAME_cmp() takes for equal have one mark. 0, or -ENOMEM. */
int mark_name(const X509_NAME *name, uint64_t *out);

/* The mark of a certificate whose fingerprint (SHA-256) this is. */
uint64_t mark_fingerprint(const uint8_t sha256[32]);

/* The same of a certificate. 0, or -ENOMEM. */
int mark_certificate(X509 *certificate, uint64_t *out);

/* of marks, each once; zeroed it is empty */
struct mark_set {
	uint64_t *slots; /* 0: a free one */
	size_t count, room;
};

/* 0, also where it is there already; -ENOMEM. */
int mark_set_add(struct mark_set *set, uint64_t mark);

bool mark_set_has(const struct mark_set *set, uint64_t mark);

/* Frees what it holds and empties it; fits _cleanup_(mark_set_release). */
void mark_set_release(struct mark_set *set);

#endif
