// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "policy/trace.h"

static void trace_subject(struct trace_path *path, X509 *certificate)
{
	if (path->length < PATH_DEPTH_MAX)
		text_name(X509_get_subject_name(certificate), path->subjects[path->length++],
			  TEXT_NAME_MAX);
}

void trace_add(struct trace *trace, const struct candidate *candidate, X509 *next,
	       const struct candidate_fault *fault)
{
	struct trace_path *path = &trace->found;

	if (fault->state != PATH_TRUSTED) {
		if (trace->failed_count == TRACE_FAILED_MAX) {
			trace->omitted++;
			return;
		}
		path = &trace->failed[trace->failed_count++];
	}
	*path = (struct trace_path){ .state = fault->state, .depth = fault->depth };
	snprintf(path->detail, sizeof(path->detail), "%s", fault->detail);
	for (unsigned int i = 0; i < candidate->count; i++)
		trace_subject(path, candidate->certificates[i]);
	if (next)
		trace_subject(path, next);
}
