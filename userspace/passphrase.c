// SPDX-License-Identifier: Apache-2.0
#include "userspace/passphrase.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "userspace/identity_file.h"

static int passphrase_take(const char *path, const struct file *file, struct passphrase *passphrase,
			   char *why, size_t why_len)
{
	const char *end = memchr(file->data, '\n', file->len);
	size_t len = end ? (size_t)(end - file->data) : file->len;

	if (len && file->data[len - 1] == '\r')
		len--;
	if (!len || len > PASSPHRASE_MAX || memchr(file->data, '\0', len)) {
		snprintf(why, why_len, "%s: %s", path,
			 !len		      ? "its first line is empty; the passphrase goes there" :
			 len > PASSPHRASE_MAX ? "its first line is too long for a passphrase" :
						"a NUL byte cannot be in a passphrase");
		return -EINVAL;
	}
	memcpy(passphrase->text, file->data, len);
	passphrase->text[len] = '\0';
	return 0;
}

int passphrase_read(const char *path, struct passphrase *passphrase, char *why, size_t why_len)
{
	_cleanup_file_ struct file file = { 0 };
	int rc = identity_file_read_secret(path, "the passphrase", &file, why, why_len);

	return rc < 0 ? rc : passphrase_take(path, &file, passphrase, why, why_len);
}

int passphrase_read_credential(const char *name, struct passphrase *passphrase, char *why,
			       size_t why_len)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
	_cleanup_file_ struct file file = { 0 };
	char path[PATH_MAX];
	int rc;

	if (!folder) {
		snprintf(why, why_len,
			 "this process has no credentials; add LoadCredential=%s:/path/to/file to "
			 "the unit",
			 name);
		return -EINVAL;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path)) {
		snprintf(why, why_len, "%s: its path is too long", name);
		return -EINVAL;
	}
	rc = identity_file_read(path, &file, why, why_len);
	return rc < 0 ? rc : passphrase_take(path, &file, passphrase, why, why_len);
}

void passphrase_free(struct passphrase *passphrase)
{
	OPENSSL_cleanse(passphrase, sizeof(*passphrase));
}
