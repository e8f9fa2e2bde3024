/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: one JSON object a line, appended. */
#ifndef USERSPACE_AUDIT_H
#define USERSPACE_AUDIT_H

#include "userspace/record.h"

struct audit;

/* Opens or makes the file, readable by root and nobody else. -errno, -ENOMEM. */
int audit_open(const char *path, struct audit **out);

/*
 * hear is called with every line, newline included, before it is written, and though it cannot be.
 * One alone; NULL: nobody.
 */
void audit_listen(struct audit *audit, void (*hear)(void *arg, const char *line, size_t len),
		  void *arg);

/* Writes one record. -errno: it is not in the log, or only a part of it. */
int audit_write(struct audit *audit, const struct record *record);

/* The same of any object, which stays the caller's. */
int audit_write_json(struct audit *audit, json_t *json);

/* Opens the file anew, after somebody has moved it away; on error the old one stays. */
int audit_reopen(struct audit *audit);

/* NULL is fine. */
void audit_close(struct audit *audit);

#endif
