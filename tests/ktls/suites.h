/* SPDX-License-Identifier: Apache-2.0 */
/* Every suite that the kernel can take, as the variants of the tests that run over all. */
#ifndef TESTS_KTLS_SUITES_H
#define TESTS_KTLS_SUITES_H

#include <openssl/ssl.h>

/* X(name, version, IANA number) */
#define SUITES(X)                                                                                  \
	X(tls13_aes_128_gcm, TLS1_3_VERSION, 0x1301)                                               \
	X(tls13_aes_256_gcm, TLS1_3_VERSION, 0x1302)                                               \
	X(tls13_chacha20_poly1305, TLS1_3_VERSION, 0x1303)                                         \
	X(tls12_ecdsa_aes_128_gcm, TLS1_2_VERSION, 0xc02b)                                         \
	X(tls12_ecdsa_aes_256_gcm, TLS1_2_VERSION, 0xc02c)                                         \
	X(tls12_ecdsa_chacha20_poly1305, TLS1_2_VERSION, 0xcca9)                                   \
	X(tls12_rsa_aes_128_gcm, TLS1_2_VERSION, 0xc02f)                                           \
	X(tls12_rsa_aes_256_gcm, TLS1_2_VERSION, 0xc030)                                           \
	X(tls12_rsa_chacha20_poly1305, TLS1_2_VERSION, 0xcca8)

#endif
