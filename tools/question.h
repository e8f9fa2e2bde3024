/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the running daemon. */
#ifndef TOOLS_QUESTION_H
#define TOOLS_QUESTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "tools/filter.h"

/* the options that all subcommands that ask the daemon have */
struct question_options {
	const char *run_path;
	bool json;
	int first; /* argument behind the options, where question_options_for() takes some */
};

/*
 * Takes --json, --run DIR and --help. -1: go on; else the exit status. what: one line for
 * --help.
 */
int question_options(int argc, char **argv, const char *what, struct question_options *options);

/* The same with arguments behind the options, as --help names them. */
int question_options_for(int argc, char **argv, const char *arguments, const char *what,
			 struct question_options *options);

/* Without arguments, and with --line and the other conditions of a filter, which it fills in. */
int question_options_filter(int argc, char **argv, const char *what,
			    struct question_options *options, struct filter *filter);

/*
 * Asks, and returns the stream of what the daemon says, which may be without end. NULL: it was said
 * on standard error what is wrong and what to do.
 */
FILE *question_open(const struct question_options *options, const char *question);

/*
 * Asks, and returns the daemon's answer as a new reference. NULL: it was said on standard
 * error what is wrong and what to do.
 */
json_t *question_ask(const struct question_options *options, const char *question);

/* Prints an answer as it came, for machines. The exit status. */
int question_print_json(const json_t *json);

/* A string or a number of an answer's object; "" and 0 where there is none. */
const char *question_text(const json_t *json, const char *key);
long long question_number(const json_t *json, const char *key);

#endif
