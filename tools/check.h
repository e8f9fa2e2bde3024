/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of `linewarden check`. */
#ifndef TOOLS_CHECK_H
#define TOOLS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/rule.h"
#include "userspace/config.h"

enum {
	CHECK_ACCEPTED = 0,
	CHECK_REFUSED = 1,
	CHECK_UNDECIDED = 2,
};

enum { CHECK_CRLS_MAX = 64 };

struct check_arguments {
	const char *trust, *chain, *own;
	const char *line, *config_path;
	const char *host, *sip;
	const char *crls[CHECK_CRLS_MAX]; /* files to add to the store */
	size_t crl_count;
	int64_t at; /* seconds since the epoch */
	struct rule rule; /* its names are the arguments' own */
	struct config *config; /* with --line: the rule and the store are that line's */
	bool crl_given; /* --crl-setting: it is in force with --line too */
	bool json;
	bool all_levels; /* neither a level nor checks nor a line was named */
};

/*
 * Parses; what is wrong is said on standard error. -1: go on, then check_arguments_release();
 * else the exit status.
 */
int check_arguments(int argc, char **argv, struct check_arguments *out);
/*
 * Reads the trust store, where it is not the configuration's, and adds the revocation lists.
 * -errno, which was said; files of a folder that cannot be used are named and left out.
 */
int check_fill_store(const struct check_arguments *arguments, struct store *store);

void check_arguments_release(struct check_arguments *arguments);

#endif
