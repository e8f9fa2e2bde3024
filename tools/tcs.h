/* SPDX-License-Identifier: Apache-2.0 */
/* `linewarden tcs`: the files of the Trusted Certificate Store. */
#ifndef TOOLS_TCS_H
#define TOOLS_TCS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/store.h"
#include "policy/text.h"
#include "userspace/trust_file.h"

enum { TCS_PREFIX_MIN = 8 }; /* hexadecimal digits that name a certificate */

/* a file of the store */
struct tcs_file {
	char *name;
	char shown[TEXT_NAME_MAX]; /* the name, escaped: it may have any bytes */
	struct trust_file read; /* empty where it cannot be used */
	char cause[STORE_ERROR_MAX]; /* why it cannot; empty where it can */
};

struct tcs {
	char *path; /* a folder, or one file */
	bool folder;
	struct tcs_file *files; /* by name */
	size_t count;
};

/* one of a file's certificates and revocation lists: the other member is NULL */
struct tcs_item {
	X509 *certificate;
	X509_CRL *crl;
};

/* Reads every file of a store; takes path, which was allocated. -errno, which was said. */
int tcs_open(char *path, struct tcs *tcs);
void tcs_close(struct tcs *tcs);

/* The items of a file, borrowed: certificates first. */
size_t tcs_item_count(const struct trust_file *file);
struct tcs_item tcs_item(const struct trust_file *file, size_t index);

/* The SHA-256 of all of an item, in hexadecimal. False when out of memory. */
bool tcs_fingerprint(struct tcs_item item, char out[TEXT_SHA256_MAX]);

/* "certificate of CN=x" or "revocation list of CN=x" */
void tcs_describe(struct tcs_item item, char *out, size_t size);

/* After a change: what it takes to be in force. */
void tcs_remind(void);

/* The subcommands; exit statuses of tool.h. */
int tcs_list(const struct tcs *tcs, bool json);
int tcs_add(const struct tcs *tcs, char **files, int count);
int tcs_remove(const struct tcs *tcs, char **names, int count);

#endif
