/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of `linewarden`: each its own file, each gets its own arguments. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

/* exit statuses of all of them; a subcommand that differs says so in its man page */
enum {
	TOOL_OK = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,
};

/* argv[0] is the subcommand. The exit status. */
int tool_status(int argc, char **argv);
int tool_sessions(int argc, char **argv);
int tool_verify_config(int argc, char **argv);
int tool_detach(int argc, char **argv);
int tool_check(int argc, char **argv);
int tool_explain(int argc, char **argv);
int tool_tcs(int argc, char **argv);
int tool_exec(int argc, char **argv);
int tool_watch(int argc, char **argv);
int tool_revoke(int argc, char **argv);
int tool_kill(int argc, char **argv);
int tool_reload(int argc, char **argv);

#endif
