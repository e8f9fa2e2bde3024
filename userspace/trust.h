/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Trusted Certificate Store: a folder of files, or one file. Operators drop files in
 * and out, so that one of them that cannot be used must not take the others down: it is
 * named in the report.
 */
#ifndef USERSPACE_TRUST_H
#define USERSPACE_TRUST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/store.h"
#include "userspace/trust_report.h"

/**
 * trust_load - adds the trusted certificates, and revocation lists, to an empty store
 * @path: a folder, of which sub-folders and names that start with a dot are left out; or
 *	  one file, which then has to be usable
 * @now: seconds since the epoch, for the dates of what is in it
 * @store: may be half filled after a failure: free it then
 * @report: zeroed; what was found, also when that is nothing that can be used. Release it
 *	    with trust_report_free() in any case
 * @why: on failure the cause with the path, and what to do about it
 *
 * Whether an empty store will do is for the caller to say: trust_report_usable().
 *
 * Returns 0, -EINVAL (the folder, or the one file, cannot be read) or -ENOMEM.
 */
int trust_load(const char *path, int64_t now, struct store *store, struct trust_report *report,
	       char *why, size_t why_len);

/**
 * trust_explain_empty - says that nothing in a store can be used, and why the first cannot
 * @path: as it was given to trust_load(), as was @report
 */
void trust_explain_empty(const char *path, const struct trust_report *report, char *why,
			 size_t why_len);

/**
 * trust_add_crl - adds a file of revocation lists alone
 * @why: on failure the cause with the path
 *
 * Returns 0, -EINVAL (also for a certificate among them) or -ENOMEM.
 */
int trust_add_crl(const char *path, struct store *store, char *why, size_t why_len);

#endif
