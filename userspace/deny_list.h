/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's deny list: a file of the state path, a certificate a line, as
 * `linewarden revoke` writes it:
 *
 *   <SHA-256, 64 hexadecimal digits> <time, RFC 3339> <reason, may be empty>
 */
#ifndef USERSPACE_DENY_LIST_H
#define USERSPACE_DENY_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/denied.h"

enum {
	DENY_LIST_MAX = 65536,
	DENY_LIST_REASON_LEN = 160,
	DENY_LIST_TIME_LEN = 21, /* "2026-11-27T12:00:00Z" */
};

struct deny_entry {
	uint8_t sha256[DENIED_SHA256];
	char time[DENY_LIST_TIME_LEN];
	char reason[DENY_LIST_REASON_LEN]; /* printable ASCII */
};

/* in the order of the fingerprints, none twice */
struct deny_list {
	struct deny_entry *entries;
	size_t count;
};

/* The file's name in a state path. */
void deny_list_path(const char *folder, char *out, size_t out_len);

/*
 * Reads the list of a state path; where there is no file, an empty one. -EINVAL: it is damaged, or
 * others than root can write it: nothing of it is used. why: one line for the operator.
 */
int deny_list_read(const char *folder, struct deny_list *out, char *why, size_t why_len);

/* The same from memory. */
int deny_list_parse(const char *data, size_t len, struct deny_list *out, char *why,
		    size_t why_len);

/* Writes it anew, whole or not at all. -errno. */
int deny_list_write(const char *folder, const struct deny_list *list);

/* Takes a fingerprint in; colons between its digits are fine. -EINVAL: it is none. */
int deny_list_fingerprint(const char *text, uint8_t out[DENIED_SHA256]);

/* -EEXIST: it is there already; -E2BIG; -ENOMEM; -EINVAL: a reason that is too long or no text. */
int deny_list_add(struct deny_list *list, const uint8_t sha256[DENIED_SHA256], const char *time,
		  const char *reason);

/* -ENOENT: it is not there. */
int deny_list_remove(struct deny_list *list, const uint8_t sha256[DENIED_SHA256]);

/* The fingerprints alone, as the policy takes them; free() them. NULL: out of memory, or none. */
uint8_t (*deny_list_fingerprints(const struct deny_list *list))[DENIED_SHA256];

void deny_list_free(struct deny_list *list);

#endif
