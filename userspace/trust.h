/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the Trusted Certificate Store. */
#ifndef USERSPACE_TRUST_H
#define USERSPACE_TRUST_H

#include <stddef.h>

#include "policy/store.h"

/**
 * trust_load - adds the trusted certificates, and revocation lists, to a store
 * @path: one file as store_add_bytes() reads it, or a folder of such files; sub-folders and
 *	  names that start with a dot are left out, anything else in it must be readable
 * @store: may be half filled after a failure: free it then
 * @why: on failure the cause with the file's name, and what to do about it
 *
 * Returns 0, -EINVAL (also where there is no certificate at all) or -ENOMEM.
 */
int trust_load(const char *path, struct store *store, char *why, size_t why_len);

#endif
