// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/text.h"
#include "tools/exec_user.h"
#include "tools/tool.h"
#include "userspace/cgroup.h"
#include "userspace/fd.h"
#include "userspace/handover.h"
#include "userspace/wrap_filter.h"

#define EXEC_RUN_PATH "/run/linewarden"
#define EXEC_SECONDS 10
#define EXEC_TRIES_A_SECOND 20

/* env(1), "Exit status" */
enum { EXEC_CANNOT = 126, EXEC_NOT_FOUND = 127 };

struct exec_options {
	const char *run_path, *unit, *user, *cgroup;
	bool otherwise_relay, connects;
	char **command;
};

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release);

static void exec_help(void)
{
	printf("usage: linewarden exec [OPTION...] [--] COMMAND [ARGUMENT...]\n\n"
	       "Starts a PBX so that its own accept() returns verified connections.\n\n"
	       "  -u, --unit NAME        what status calls it (the command's name)\n"
	       "  -r, --run DIR          the daemon's run-path (" EXEC_RUN_PATH ")\n"
	       "  -U, --user NAME        becomes this user before the command starts\n"
	       "  -c, --cgroup PATH      makes this cgroup, and starts the command in it\n"
	       "  -C, --connect          its connect() may return with verified connections, too\n"
	       "      --otherwise-relay  without a keeper starts the command all the same,\n"
	       "                         which the relay serves then\n");
}

/* -1: go on; else the exit status */
static int exec_read_options(int argc, char **argv, struct exec_options *options)
{
	static const struct option longs[] = {
		{ "unit", required_argument, NULL, 'u' },
		{ "run", required_argument, NULL, 'r' },
		{ "user", required_argument, NULL, 'U' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ "connect", no_argument, NULL, 'C' },
		{ "otherwise-relay", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *slash;
	int option;

	*options = (struct exec_options){ .run_path = EXEC_RUN_PATH };
	/* +: the options after the command are its own */
	while ((option = getopt_long(argc, argv, "+u:r:U:c:Ch", longs, NULL)) >= 0) {
		switch (option) {
		case 'u':
			options->unit = optarg;
			break;
		case 'r':
			options->run_path = optarg;
			break;
		case 'U':
			options->user = optarg;
			break;
		case 'c':
			options->cgroup = optarg;
			break;
		case 'C':
			options->connects = true;
			break;
		case 'o':
			options->otherwise_relay = true;
			break;
		case 'h':
			exec_help();
			return TOOL_OK;
		default:
			return TOOL_USAGE;
		}
	}
	if (optind == argc) {
		fputs("linewarden exec: which COMMAND? `linewarden exec --help` tells more\n", stderr);
		return TOOL_USAGE;
	}
	options->command = argv + optind;
	if (!options->unit) {
		slash = strrchr(options->command[0], '/');
		options->unit = slash ? slash + 1 : options->command[0];
	}
	return -1;
}

static int exec_find_user(const char *name, struct exec_user *user)
{
	int err = exec_user_find(name, user);

	if (err == -ENOENT)
		fprintf(stderr, "linewarden exec: no user '%s'; name one that exists\n", name);
	else if (err == -EINVAL)
		fprintf(stderr, "linewarden exec: '%s' is root: leave --user out, or name another\n",
			name);
	else if (err)
		fprintf(stderr, "linewarden exec: user '%s': %s\n", name, strerror(-err));
	return err;
}

/* why the keeper cannot be reached, and what to do; then, on the same line, what comes of it */
static void exec_explain_connect(const struct exec_options *options, int err)
{
	const char *todo = "";

	if (err == -ENOENT || err == -ECONNREFUSED)
		todo = "; the keeper does not run here: `systemctl start linewarden-keeper`, or name "
		       "its run-path with --run";
	else if (err == -EACCES || err == -EPERM)
		todo = "; root and the configured group may wrap";
	else if (err == -EAGAIN)
		todo = "; the keeper does not answer: `systemctl restart linewarden-keeper`";
	fprintf(stderr, "linewarden exec: %s%s/" HANDOVER_KEEPER ": %s%s%s\n",
		options->otherwise_relay ? "warning: " : "", options->run_path, strerror(-err), todo,
		options->otherwise_relay ? "; not wrapped, its connections come by relay" : "");
}

static int exec_enter_cgroup(const char *path)
{
	int err = cgroup_enter_below_mount(path);

	if (err)
		fprintf(stderr, "linewarden exec: cgroup %s: %s%s\n", path, strerror(-err),
			err == -EINVAL ? "; name it as from the root of the hierarchy, as in /pbx" :
			err == -ENODEV ? "; no cgroup2 hierarchy is mounted" :
					 "");
	return err;
}

static void exec_explain_filter(int err)
{
	const char *todo = "";

	if (err == -EBUSY)
		todo = "; another process has this one's notifications already: it is wrapped twice, or "
		       "the container runtime or service manager supervises it: wrap it there, or "
		       "start it without `linewarden exec`, which the relay serves";
	else if (err == -EOPNOTSUPP)
		todo = "; there is a filter for x86-64 and arm64: start it without `linewarden exec`, "
		       "which the relay serves";
	fprintf(stderr, "linewarden exec: the filter of system calls: %s%s\n", strerror(-err), todo);
}

static int exec_filter(bool connects, int *notify)
{
	_cleanup_(cleanup_seccomp_release) scmp_filter_ctx filter = NULL;
	int err;

	err = wrap_filter_new(seccomp_arch_native(), connects, &filter);
	if (!err)
		err = wrap_filter_load(filter, notify);
	if (err)
		exec_explain_filter(err);
	return err;
}

static int exec_ask(int keeper, const char *unit, int notify, struct handover *answer)
{
	struct handover wrap = { .type = HANDOVER_WRAP };
	struct pollfd poll_keeper = { .fd = keeper, .events = POLLIN };
	int fds[PACKET_FDS_MAX];
	int err, n;

	text_escape(unit, strlen(unit), wrap.name, sizeof(wrap.name));
	err = handover_send(keeper, &wrap, &notify, 1);
	if (err)
		return err;
	n = poll(&poll_keeper, 1, EXEC_SECONDS * 1000);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return handover_receive(keeper, HANDOVER_AT_EXEC, answer, fds);
}

static void exec_explain_answer(int err)
{
	const char *todo = ": `journalctl -u linewarden-keeper` says why";

	if (err == -ENOENT || err == -ECONNREFUSED)
		todo = "; it does not reach the daemon: `systemctl start linewardend`";
	fprintf(stderr, "linewarden exec: the keeper refuses: %s%s\n", strerror(-err), todo);
}

static void exec_explain_silence(int err)
{
	const char *todo = "; `systemctl restart linewarden-keeper`";

	if (err == -ETIMEDOUT)
		todo = "; it does not answer: `systemctl restart linewarden-keeper`";
	else if (err == -EPIPE || err == -ECONNRESET)
		todo = "; it hung up: `journalctl -u linewarden-keeper` says why";
	else if (err == -EBADMSG)
		todo = "; is it of another version? `systemctl restart linewarden-keeper`";
	fprintf(stderr, "linewarden exec: the keeper: %s%s\n", strerror(-err), todo);
}

/* From here on there is a filter: without a keeper that has it, nothing may be executed. */
static int exec_hand_over(int keeper, const char *unit, int notify)
{
	struct handover answer;
	int err = exec_ask(keeper, unit, notify, &answer);

	if (err)
		exec_explain_silence(err);
	else if (answer.error)
		exec_explain_answer(answer.error);
	return err ? err : answer.error;
}

/* A keeper that is behind may catch up. */
static int exec_connect(const char *run_path)
{
	int fd, tries;

	for (tries = 0; tries < EXEC_SECONDS * EXEC_TRIES_A_SECOND; tries++) {
		fd = handover_connect(run_path, HANDOVER_KEEPER);
		if (fd != -EAGAIN)
			break;
		usleep(1000000 / EXEC_TRIES_A_SECOND);
	}
	return fd;
}

/* 0: it is wrapped, or goes without */
static int exec_wrap(const struct exec_options *options)
{
	_cleanup_fd_ int keeper = exec_connect(options->run_path);
	_cleanup_fd_ int notify = -1;
	int err;

	if (keeper < 0) {
		exec_explain_connect(options, keeper);
		return options->otherwise_relay ? 0 : keeper;
	}
	err = exec_filter(options->connects, &notify);
	return err ? err : exec_hand_over(keeper, options->unit, notify);
}

int tool_exec(int argc, char **argv)
{
	struct exec_options options;
	struct exec_user user;
	int err, status;

	status = exec_read_options(argc, argv, &options);
	if (status >= 0)
		return status;
	if (options.user && exec_find_user(options.user, &user))
		return TOOL_FAILED;
	if (options.cgroup && exec_enter_cgroup(options.cgroup))
		return TOOL_FAILED;
	if (exec_wrap(&options))
		return TOOL_FAILED;
	err = options.user ? exec_user_become(&user) : 0;
	if (err) {
		fprintf(stderr, "linewarden exec: cannot become '%s': %s; it takes root, and "
				"CAP_SETUID and CAP_SETGID\n",
			options.user, strerror(-err));
		return TOOL_FAILED;
	}
	execvp(options.command[0], options.command);
	status = errno == ENOENT ? EXEC_NOT_FOUND : EXEC_CANNOT;
	fprintf(stderr, "linewarden exec: '%s': %s\n", options.command[0], strerror(errno));
	return status;
}
