/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an upgraded host's levels. */
#ifndef USERSPACE_UPGRADE_STATE_H
#define USERSPACE_UPGRADE_STATE_H

#include <jansson.h>
#include <stddef.h>

/*
 * The state is {"version": 1, "settings": {NAME: ENTRY}, "lines": {NAME: ENTRY}}, and an entry
 * is {"level": LEVEL, "changed": BOOLEAN}.
 */

/**
 * upgrade_state_new - a state without entries; NULL when out of memory
 */
json_t *upgrade_state_new(void);

/**
 * upgrade_state_read - reads it, and checks all of it
 * @state: a new reference, on success alone
 * @why: on failure the cause with the file's name, and what to do about it; empty for -ENOENT
 *
 * Returns 0, -ENOENT where there is none, -EINVAL, -ENOMEM, or what reading failed with.
 */
int upgrade_state_read(const char *path, json_t **state, char *why, size_t why_len);

/**
 * upgrade_state_write - replaces it as a whole: after a crash it is the old one or the new one
 * @folder: of @path; made where it is missing
 *
 * Returns 0, or -errno with @why set.
 */
int upgrade_state_write(const char *folder, const char *path, const json_t *state, char *why,
			size_t why_len);

#endif
