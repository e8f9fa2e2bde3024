/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel does with the keys that it is given, done here in user space: a second
 * opinion on the keys that needs no kernel TLS.
 */
#ifndef TESTS_KTLS_PROTECTION_H
#define TESTS_KTLS_PROTECTION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/ktls_keys.h"

#define PROTECTION_RECORD_MAX (5 + 16384 + 256)

struct protection {
	const struct ktls_cipher *cipher;
	uint8_t key[KTLS_KEY_MAX];
	uint8_t nonce[KTLS_NONCE_LEN];
	uint64_t seq;
};

/* From the very struct that the kernel would get. */
void protection_init(struct protection *protection, const struct ktls_crypto *crypto,
		     const struct ktls_cipher *cipher, const struct ktls_half *half);

/* One record of this type; its size. record has PROTECTION_RECORD_MAX bytes. */
size_t protection_seal(struct protection *protection, uint8_t type, const void *data, size_t len,
		       uint8_t *record);

/*
 * Opens one whole record: stores its type and data (PROTECTION_RECORD_MAX bytes) and returns
 * the length of the data; -EBADMSG.
 */
ssize_t protection_open(struct protection *protection, const uint8_t *record, size_t len,
			uint8_t *type, uint8_t *data);

#endif
