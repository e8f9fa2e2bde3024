/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cipher suites that the kernel's TLS can take over: one table, and everything that
 * depends on a cipher is read from its row.
 */
#ifndef USERSPACE_KTLS_CIPHER_H
#define USERSPACE_KTLS_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ktls_aead_id {
	KTLS_AES_128_GCM,
	KTLS_AES_256_GCM,
	KTLS_CHACHA20_POLY1305,
	KTLS_AEAD_COUNT,
};

/* In a set of AEADs: suites of TLS 1.2 whose key exchange has no forward secrecy as well. */
#define KTLS_STATIC_RSA (1U << KTLS_AEAD_COUNT)

#define KTLS_RECORD_SIZE_MAX 16384 /* bytes of data: RFC 8446 section 5.1 */
#define KTLS_KEY_MAX 32	   /* bytes of the longest key */
#define KTLS_NONCE_LEN 12  /* bytes of salt and iv together, of every AEAD */
#define KTLS_INFO_MAX 64   /* bytes of the longest struct tls12_crypto_info_* */
#define KTLS_NAMES_MAX 256 /* bytes that hold any result of ktls_cipher_names() */

/* How the kernel wants the keys of one AEAD: the layout of its struct tls12_crypto_info_*. */
struct ktls_aead {
	const char *name;
	uint16_t type; /* TLS_CIPHER_* of linux/tls.h */
	uint8_t key_len;
	uint8_t salt_len; /* the part of the nonce that the kernel calls salt; 0 for ChaCha20 */
	uint8_t iv_len;
	uint8_t explicit_len; /* bytes of the nonce that TLS 1.2 sends along: RFC 5288 section 3 */
	/* records that one key may encrypt, below RFC 8446 section 5.5's 2^24.5; 0: any number */
	uint32_t records_max;
	uint8_t key_at, salt_at, iv_at, seq_at; /* offsets in the struct */
	uint8_t info_size;
};

struct ktls_cipher {
	uint16_t version; /* TLS1_2_VERSION or TLS1_3_VERSION */
	uint16_t suite;	  /* as registered with IANA */
	const char *name; /* as OpenSSL calls it */
	const char *digest;
	uint8_t digest_len; /* bytes, which is the length of a TLS 1.3 traffic secret */
	bool static_rsa; /* no forward secrecy: RFC 9325 section 4.1 advises against it */
	const struct ktls_aead *aead;
};

/* The AEAD with that id; its address is valid for ever. */
const struct ktls_aead *ktls_aead(enum ktls_aead_id id);

/* The row of a suite under a protocol version, NULL where the kernel cannot take it. */
const struct ktls_cipher *ktls_cipher_find(uint16_t version, uint16_t suite);

/* The i-th row, NULL behind the last one. */
const struct ktls_cipher *ktls_cipher_at(size_t i);

/*
 * Writes the suites of a version, in order of preference and separated by colons, as
 * SSL_CTX_set_cipher_list() (TLS 1.2) and SSL_CTX_set_ciphersuites() (TLS 1.3) want them.
 * aeads is a set of bits 1 << enum ktls_aead_id, and KTLS_STATIC_RSA. -ENOTSUP: none is left.
 * -ENOSPC: names is too small (KTLS_NAMES_MAX never is).
 */
int ktls_cipher_names(uint16_t version, unsigned int aeads, size_t size, char *names);

#endif
