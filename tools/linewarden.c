// SPDX-License-Identifier: Apache-2.0
/* `linewarden`: the operator's tool. */
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

static const struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "status", "[--json] [--run DIR]", "what the daemon does: lines, verdicts, kernel TLS",
	  tool_status },
	{ "sessions", "[--json] [CONDITION...]", "the verified connections that live now", tool_sessions },
	{ "watch", "[--json] [CONDITION...]", "audit records as they are written", tool_watch },
	{ "kill", "[--json] COOKIE...", "ends live sessions", tool_kill },
	{ "reload", "[--dry-run] [--json]", "puts the changed configuration in force", tool_reload },
	{ "revoke", "--fingerprint HEX|--list ...", "refuses a certificate on this host from now on",
	  tool_revoke },
	{ "verify-config", "[--json] FILE", "checks a configuration and shows what it means",
	  tool_verify_config },
	{ "check", "OPTION...", "decides on a certificate as the daemon would", tool_check },
	{ "explain", "[--log FILE] [COOKIE]", "shows audit records as tables", tool_explain },
	{ "tcs", "list|add|remove ...", "the certificates in the trusted certificate store", tool_tcs },
	{ "exec", "[OPTION...] COMMAND...", "starts a PBX whose accept() returns verified connections",
	  tool_exec },
	{ "detach", "[--pins DIR]", "hands the ports back to the app, unprotected", tool_detach },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: linewarden COMMAND [ARGUMENT...]\n\n", out);
	for (i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-14s %-22s %s\n", commands[i].name, commands[i].arguments,
			commands[i].help);
	fputs("\n`linewarden COMMAND --help` tells more; see also linewarden(8).\n", out);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		usage(stderr);
		return TOOL_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return TOOL_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("linewarden " LINEWARDEN_VERSION);
		return TOOL_OK;
	}
	for (i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "linewarden: no command '%s'; `linewarden --help` lists them\n", argv[1]);
	return TOOL_USAGE;
}
