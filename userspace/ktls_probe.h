/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this kernel's TLS can do, found out by doing it on loopback connections: version
 * numbers lie on kernels with backports.
 */
#ifndef USERSPACE_KTLS_PROBE_H
#define USERSPACE_KTLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/ktls_keys.h"

enum ktls_feature {
	KTLS_ULP,
	KTLS_TLS13_AES_128_GCM, /* in the order of enum ktls_aead_id */
	KTLS_TLS13_AES_256_GCM,
	KTLS_TLS13_CHACHA20_POLY1305,
	KTLS_TLS12_AES_128_GCM,
	KTLS_TLS12_AES_256_GCM,
	KTLS_TLS12_CHACHA20_POLY1305,
	KTLS_NO_PAD,	   /* TLS_RX_EXPECT_NO_PAD */
	KTLS_REKEY,	   /* a session goes on after a KeyUpdate */
	KTLS_SPLICE_RX,	   /* splice from the socket loses nothing when the pipe is full */
	KTLS_SPLICE_TX,	   /* splice into the socket */
	KTLS_MAX_FRAGMENT, /* TLS_TX_MAX_PAYLOAD_LEN, for peers that take short records only */
	KTLS_FEATURE_COUNT,
};

#define KTLS_REASON_MAX 64

struct ktls_features {
	bool has[KTLS_FEATURE_COUNT];
	char reason[KTLS_FEATURE_COUNT][KTLS_REASON_MAX]; /* why not; empty where has is true */
};

/*
 * Fills in features; everything that could not be shown to work counts as missing. Prints
 * nothing. Waits for bytes a second in all at most. What the kernel takes to load its TLS and
 * its ciphers at their first use comes on top of that, as it would at the first session.
 *
 * To be called first by a process with CAP_NET_ADMIN, for which alone the kernel loads its TLS
 * module. 0 also where the kernel has no TLS at all; -errno only where the test itself could
 * not be made (no loopback, no descriptors).
 */
int ktls_probe(const struct ktls_crypto *crypto, struct ktls_features *features);

/* For people: "TLS 1.3 AES-128-GCM", "rekey", … */
const char *ktls_feature_name(enum ktls_feature feature);

/* The AEADs that work in both directions under a version, as bits 1 << enum ktls_aead_id. */
unsigned int ktls_features_aeads(const struct ktls_features *features, uint16_t version);

#endif
