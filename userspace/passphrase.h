/* SPDX-License-Identifier: Apache-2.0 */
/* The passphrase of an identity's file. */
#ifndef USERSPACE_PASSPHRASE_H
#define USERSPACE_PASSPHRASE_H

#include <stddef.h>

#define PASSPHRASE_MAX 1024

struct passphrase {
	char text[PASSPHRASE_MAX + 1];
};

/**
 * passphrase_read - reads the first line of a file, without its end
 * @path: nobody but its owner may have access to it
 * @passphrase: written on success alone; cleanse it with passphrase_free()
 * @why: on failure the cause with the file's name, and what to do about it
 *
 * Returns 0, -EINVAL (unreadable, open to others, empty, too long, a NUL in it) or -ENOMEM.
 */
int passphrase_read(const char *path, struct passphrase *passphrase, char *why, size_t why_len);

/**
 * passphrase_read_credential - the same of a credential that the service manager passes
 * @name: of LoadCredential= or LoadCredentialEncrypted=, systemd.exec(5)
 *
 * The manager alone decides who may read it: its access is not looked at.
 *
 * Returns 0, -EINVAL (also where there is no such credential) or -ENOMEM.
 */
int passphrase_read_credential(const char *name, struct passphrase *passphrase, char *why,
			       size_t why_len);

/* passphrase_free - cleanses it */
void passphrase_free(struct passphrase *passphrase);

#define _cleanup_passphrase_ _cleanup_(passphrase_free)

#endif
