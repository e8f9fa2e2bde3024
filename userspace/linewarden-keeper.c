// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "userspace/keeper.h"
#include "userspace/log.h"

#define KEEPER_RUN_PATH "/run/linewarden"
#define KEEPER_GROUP "linewarden"

enum { EXIT_USAGE = 2 };

static void keeper_usage(FILE *out)
{
	fprintf(out,
		"usage: linewarden-keeper [--run DIR] [--group NAME]\n"
		"\n"
		"Sees to it that apps which were started by `linewarden exec` get their verified\n"
		"connections from accept(), whatever becomes of linewardend.\n"
		"\n"
		"  -r, --run DIR       the folder of its socket (" KEEPER_RUN_PATH ")\n"
		"  -g, --group NAME    who may use it besides root (" KEEPER_GROUP "; root where there\n"
		"                      is no such group)\n"
		"  -h, --help          this text\n"
		"  -V, --version       the version\n"
		"\n"
		"See linewarden-keeper(8).\n");
}

static void keeper_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run", required_argument, NULL, 'r' },
		{ "group", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *run_path = KEEPER_RUN_PATH, *name = NULL;
	const struct group *group;
	int option;

	while ((option = getopt_long(argc, argv, "r:g:hV", options, NULL)) >= 0) {
		switch (option) {
		case 'r':
			run_path = optarg;
			break;
		case 'g':
			name = optarg;
			break;
		case 'h':
			keeper_usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("linewarden-keeper " LINEWARDEN_VERSION);
			return EXIT_SUCCESS;
		default:
			keeper_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		keeper_usage(stderr);
		return EXIT_USAGE;
	}
	group = getgrnam(name ? name : KEEPER_GROUP);
	if (!group && name) {
		log_line(LOG_ERR, "no group %s", name);
		return EXIT_FAILURE;
	}
	/* it holds what every accept() of a PBX depends on */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	keeper_raise_limits();
	return keeper_run(run_path, group ? group->gr_gid : 0) ? EXIT_FAILURE : EXIT_SUCCESS;
}
