// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"
#include "userspace/dataplane.h"

#define DETACH_PIN_PATH "/sys/fs/bpf/linewarden"

static int detach_run(const char *path)
{
	int err = dataplane_detach(path);

	switch (err) {
	case 0:
		printf("%s: taken away; the ports are the app's own again, unprotected\n", path);
		return TOOL_OK;
	case -ENOENT:
		printf("%s: nothing is pinned there\n", path);
		return TOOL_OK;
	case -EBUSY:
		fprintf(stderr, "linewarden: %s: a daemon uses these pins; stop it first: "
				"`systemctl stop linewardend`\n",
			path);
		return TOOL_FAILED;
	case -EMEDIUMTYPE:
		fprintf(stderr, "linewarden: %s: these are not linewardend's pins\n", path);
		return TOOL_FAILED;
	default:
		fprintf(stderr, "linewarden: %s: %s\n", path, strerror(-err));
		return TOOL_FAILED;
	}
}

int tool_detach(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "pins", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *path = DETACH_PIN_PATH;
	int option;

	while ((option = getopt_long(argc, argv, "p:h", longs, NULL)) >= 0) {
		switch (option) {
		case 'p':
			path = optarg;
			break;
		case 'h':
			printf("usage: linewarden detach [--pins DIR]\n\n"
			       "Takes the pinned BPF programs away after the daemon was stopped.\n"
			       "Governed ports are the app's own again, unprotected.\n\n"
			       "  -p, --pins DIR  the daemon's pin-path (" DETACH_PIN_PATH ")\n");
			return TOOL_OK;
		default:
			return TOOL_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "linewarden detach: '%s' is one argument too many\n", argv[optind]);
		return TOOL_USAGE;
	}
	return detach_run(path);
}
