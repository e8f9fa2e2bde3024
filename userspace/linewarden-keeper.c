// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "userspace/keeper.h"
#include "userspace/log.h"

#define KEEPER_RUN_PATH "/run/linewarden"
#define KEEPER_GROUP "linewarden"
#define KEEPER_USER "linewarden-worker"

enum { EXIT_USAGE = 2 };

static void keeper_usage(FILE *out)
{
	fprintf(out,
		"usage: linewarden-keeper [--run DIR] [--group NAME] [--user NAME]\n"
		"\n"
		"Sees to it that apps which were started by `linewarden exec` get their verified\n"
		"connections from accept(), and that relayed sessions go on, whatever becomes\n"
		"of linewardend.\n"
		"\n"
		"  -r, --run DIR       the folder of its socket (" KEEPER_RUN_PATH ")\n"
		"  -g, --group NAME    who may use it besides root (" KEEPER_GROUP "; root where there\n"
		"                      is no such group)\n"
		"  -u, --user NAME     who relays sessions (" KEEPER_USER "; nobody where\n"
		"                      there is no such user)\n"
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

/* Who relays: nobody with any rights. False where that cannot be. */
static bool keeper_find_user(const char *name, struct keeper_setup *setup)
{
	const struct passwd *user = getpwnam(name ? name : KEEPER_USER);

	if (!user) {
		log_line(name ? LOG_ERR : LOG_NOTICE, "no user %s%s", name ? name : KEEPER_USER,
			 name ? "" : ": relayed sessions end with the daemon");
		return !name;
	}
	if (!user->pw_uid || !user->pw_gid) {
		log_line(LOG_ERR, "user %s has root's rights", user->pw_name);
		return false;
	}
	setup->carries = true;
	setup->carrier_uid = user->pw_uid;
	setup->carrier_gid = user->pw_gid;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run", required_argument, NULL, 'r' },
		{ "group", required_argument, NULL, 'g' },
		{ "user", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct keeper_setup setup = { .run_path = KEEPER_RUN_PATH };
	const char *name = NULL, *user = NULL;
	const struct group *group;
	int option;

	while ((option = getopt_long(argc, argv, "r:g:u:hV", options, NULL)) >= 0) {
		switch (option) {
		case 'r':
			setup.run_path = optarg;
			break;
		case 'g':
			name = optarg;
			break;
		case 'u':
			user = optarg;
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
	setup.group = group ? group->gr_gid : 0;
	if (!keeper_find_user(user, &setup))
		return EXIT_FAILURE;
	/* it holds what every accept() of a PBX depends on */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* for adopters and carriers as well: a huge page is there whole with its first byte */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	keeper_raise_limits();
	return keeper_run(&setup) ? EXIT_FAILURE : EXIT_SUCCESS;
}
