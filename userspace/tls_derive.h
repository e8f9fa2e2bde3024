/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS13-KDF, the provider's function that libssl has all keys of a handshake derived by. The traffic
 * secrets have to be had for the kernel, and can otherwise only be had as the text that is for
 * debuggers, which takes as long to write as all derivations (ktls_capture.h).
 */
#ifndef USERSPACE_TLS_DERIVE_H
#define USERSPACE_TLS_DERIVE_H

#include <openssl/core.h>

/*
 * Puts in place of a provider's row one that asks the provider's own function, and tells
 * ktls_capture_derived() of what that gave. Once in a process. A row with another form than is known
 * is left alone.
 */
void tls_derive_replace(OSSL_ALGORITHM *row);

#endif
