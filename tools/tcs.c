// SPDX-License-Identifier: Apache-2.0
#include "tools/tcs.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"
#include "userspace/config.h"

#define TCS_CONFIG "/etc/linewarden/linewarden.conf"

struct tcs_options {
	const char *config, *store;
	bool json;
};

static void tcs_usage(FILE *out)
{
	fputs("usage: linewarden tcs list [--json] [--config FILE | --store DIR]\n"
	      "       linewarden tcs add [--config FILE | --store DIR] FILE...\n"
	      "       linewarden tcs remove [--config FILE | --store DIR] FINGERPRINT|FILE...\n\n"
	      "Shows, fills and empties the Trusted Certificate Store. A running daemon takes a\n"
	      "change up by itself (watch-files), or by `linewarden reload`.\n\n"
	      "  list               what is in each file, and which files cannot be used\n"
	      "  add FILE           certificates and revocation lists, PEM or DER, each into a file\n"
	      "                     of its own\n"
	      "  remove             by the SHA-256 fingerprint (8 digits or more of its beginning),\n"
	      "                     or by the file as list names it\n\n"
	      "  -c, --config FILE  the configuration that names the store (" TCS_CONFIG ")\n"
	      "  -s, --store DIR    the store's folder\n"
	      "  -j, --json         the list as JSON, for machines\n\n"
	      "status: 0 done, 1 failed or not all of it was done, 2 the command line is wrong\n",
	      out);
}

static int tcs_complain(const char *what)
{
	fprintf(stderr, "linewarden tcs: %s; see `linewarden tcs --help`\n", what);
	return TOOL_USAGE;
}

/* -1: go on; else the exit status */
static int tcs_options(int argc, char **argv, struct tcs_options *options)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*options = (struct tcs_options){ 0 };
	while ((option = getopt_long(argc, argv, "c:s:jh", longs, NULL)) >= 0) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 's':
			options->store = optarg;
			break;
		case 'j':
			options->json = true;
			break;
		case 'h':
			tcs_usage(stdout);
			return TOOL_OK;
		default:
			return TOOL_USAGE;
		}
	}
	if (options->config && options->store)
		return tcs_complain("only one of --config and --store");
	return -1;
}

/* NULL: it was said on standard error what is wrong */
static char *tcs_find_store(const struct tcs_options *options)
{
	const char *config = options->config ? options->config : TCS_CONFIG;
	struct config_error error = { "" };
	char *path = NULL;

	if (options->store) {
		path = strdup(options->store);
	} else if (config_trust_path(config, &path, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return NULL;
	} else if (!path) {
		fprintf(stderr, "%s: it names no trust-store; add the key, or name the folder with "
				"--store\n",
			config);
		return NULL;
	}
	if (!path)
		fputs("linewarden: out of memory\n", stderr);
	return path;
}

static int tcs_change(const struct tcs *tcs, bool add, char **names, int count)
{
	if (!tcs->folder) {
		fprintf(stderr, "linewarden: %s: the store is one file, not a folder: change it "
				"with an editor\n",
			tcs->path);
		return TOOL_FAILED;
	}
	return add ? tcs_add(tcs, names, count) : tcs_remove(tcs, names, count);
}

int tool_tcs(int argc, char **argv)
{
	struct tcs tcs _cleanup_(tcs_close) = { 0 };
	struct tcs_options options;
	const char *command;
	int status = tcs_options(argc, argv, &options);
	bool list, add;
	char *path;

	if (status >= 0)
		return status;
	if (optind == argc)
		return tcs_complain("list, add or remove is missing");
	command = argv[optind++];
	list = !strcmp(command, "list");
	add = !strcmp(command, "add");
	if (!list && !add && strcmp(command, "remove"))
		return tcs_complain("there are list, add and remove");
	if (list != (optind == argc))
		return tcs_complain(list ? "list takes no more arguments" :
				    add	 ? "a FILE to add is missing" :
					   "a FINGERPRINT or FILE to remove is missing");
	if (options.json && !list)
		return tcs_complain("--json belongs to list");
	path = tcs_find_store(&options);
	if (!path || tcs_open(path, &tcs))
		return TOOL_FAILED;
	return list ? tcs_list(&tcs, options.json) :
		      tcs_change(&tcs, add, argv + optind, argc - optind);
}
