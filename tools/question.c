// SPDX-License-Identifier: Apache-2.0
#include "tools/question.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "tools/tool.h"
#include "userspace/fd.h"

#define QUESTION_RUN_PATH "/run/linewarden"
#define QUESTION_SECONDS 5
#define QUESTION_ANSWER_MAX (256U << 20)

int question_options_for(int argc, char **argv, const char *arguments, const char *what,
			 struct question_options *options)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "run", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*options = (struct question_options){ .run_path = QUESTION_RUN_PATH };
	while ((option = getopt_long(argc, argv, "jr:h", longs, NULL)) >= 0) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'r':
			options->run_path = optarg;
			break;
		case 'h':
			printf("usage: linewarden %s [--json] [--run DIR]%s%s\n\n%s\n\n"
			       "  -j, --json     the answer as JSON, for machines\n"
			       "  -r, --run DIR  the daemon's run-path (" QUESTION_RUN_PATH ")\n",
			       argv[0], *arguments ? " " : "", arguments, what);
			return TOOL_OK;
		default:
			return TOOL_USAGE;
		}
	}
	options->first = optind;
	return -1;
}

int question_options(int argc, char **argv, const char *what, struct question_options *options)
{
	int status = question_options_for(argc, argv, "", what, options);

	if (status >= 0 || options->first == argc)
		return status;
	fprintf(stderr, "linewarden %s: '%s' is one argument too many\n", argv[0],
		argv[options->first]);
	return TOOL_USAGE;
}

static int question_connect(const char *path)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = { .tv_sec = QUESTION_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void question_explain(const char *path, int err)
{
	const char *todo = "";

	if (err == -ENOENT || err == -ECONNREFUSED)
		todo = "; the daemon does not run here: `systemctl start linewardend`, or name its "
		       "run-path with --run";
	else if (err == -EACCES)
		todo = "; root and the configured group may ask";
	else if (err == -EAGAIN)
		todo = "; the daemon does not answer";
	fprintf(stderr, "linewarden: %s: %s%s\n", path, strerror(-err), todo);
}

static json_t *question_read(int fd, int *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 0;
	json_error_t error;
	json_t *json;
	char *more;
	ssize_t n;

	do {
		if (len == room) {
			room = room ? 2 * room : 65536;
			more = room > QUESTION_ANSWER_MAX ? NULL : realloc(text, room);
			if (!more) {
				*err = -ENOMEM;
				return NULL;
			}
			text = more;
		}
		n = recv(fd, text + len, room - len, 0);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	*err = n < 0 ? -errno : -EBADMSG;
	json = n < 0 ? NULL : json_loadb(text, len, 0, &error);
	return json;
}

json_t *question_ask(const struct question_options *options, const char *question)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1], line[64];
	_cleanup_fd_ int fd = -1;
	json_t *json = NULL;
	int err;

	snprintf(path, sizeof(path), "%s/control", options->run_path);
	snprintf(line, sizeof(line), "%s\n", question);
	err = fd = question_connect(path);
	if (fd >= 0 && send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		err = -errno;
	else if (fd >= 0)
		json = question_read(fd, &err);
	if (!json)
		question_explain(path, err);
	return json;
}

int question_print_json(const json_t *json)
{
	if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
		return TOOL_FAILED;
	putchar('\n');
	return fflush(stdout) ? TOOL_FAILED : TOOL_OK;
}

const char *question_text(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

long long question_number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}
