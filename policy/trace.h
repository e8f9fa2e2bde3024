/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a path search, for people: the path that was found, and those that failed
 * and why. Plain data, bounded whatever the peer sends.
 */
#ifndef POLICY_TRACE_H
#define POLICY_TRACE_H

#include "policy/candidate.h"

enum { TRACE_FAILED_MAX = 8 };

struct trace_path {
	unsigned int length; /* certificates; 0: there is no such path */
	char subjects[PATH_DEPTH_MAX][TEXT_NAME_MAX]; /* the peer's own first */
	enum path_state state;
	unsigned int depth; /* of the fault */
	char detail[PATH_DETAIL_MAX]; /* the fault in words */
};

struct trace {
	struct trace_path found;
	struct trace_path failed[TRACE_FAILED_MAX]; /* in the order in which they were tried */
	unsigned int failed_count;
	unsigned int omitted; /* failed ones for which there was no room */
};

/*
 * Tells of a candidate's end: it was found (fault->state is PATH_TRUSTED) or failed. next is the
 * issuer that was to follow its last certificate, or NULL.
 */
void trace_add(struct trace *trace, const struct candidate *candidate, X509 *next,
	       const struct candidate_fault *fault);

#endif
