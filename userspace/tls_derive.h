/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS13-KDF, the provider's function that libssl has all keys of a handshake derived by: faster than
 * OpenSSL's own (hkdf.h), and telling of the traffic secrets, which have to be had for the kernel
 * and can otherwise only be had as the text that is for debuggers (ktls_capture.h).
 */
#ifndef USERSPACE_TLS_DERIVE_H
#define USERSPACE_TLS_DERIVE_H

#include <openssl/core.h>

/*
 * A provider's row for the same function in place of its own, which is still asked wherever
 * something is asked that libssl does not ask: what it gives is the same. For one thread, and once
 * in a process; row is left alone where there is no memory.
 */
void tls_derive_replace(OSSL_ALGORITHM *row);

#endif
