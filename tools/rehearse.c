// SPDX-License-Identifier: Apache-2.0
#include "tools/rehearse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/chain_store.h"
#include "userspace/config.h"
#include "userspace/deny_list.h"
#include "userspace/endpoint.h"
#include "userspace/fd.h"
#include "userspace/judge.h"
#include "userspace/packet.h"
#include "userspace/sandbox.h"
#include "userspace/upgrade.h"
#include "userspace/worker.h"

#define REHEARSE_BUFFER (1 << 20)

struct rehearsal {
	struct config *config;
	int judge; /* the process that judges, by a socket */
	pid_t pid;
	int chains; /* the folder */
	json_t *ends;
};

/* Until a packet is there: packet_receive() does not wait. false: nobody sends one any more. */
static bool rehearse_wait(int socket)
{
	char byte;

	return recv(socket, &byte, sizeof(byte), MSG_PEEK) > 0;
}

/* In the child: answers one question after the other, until nobody asks any more. */
static _Noreturn void rehearse_judge(const struct config *config, int socket)
{
	char why[CONFIG_ERROR_LEN];
	struct deny_list list = { 0 };
	struct worker worker = { .setup.config = config };
	struct message_judge question;
	int fds[PACKET_FDS_MAX];
	struct record record;
	size_t size, count;

	/* the daemon refuses to start with a list that is damaged: so does this */
	if (deny_list_read(config->state_path, &list, why, sizeof(why)) < 0)
		_exit(EXIT_FAILURE);
	worker.denied = (struct denied){ deny_list_fingerprints(&list), list.count };
	if ((list.count && !worker.denied.sha256) || sandbox_drop(config->uid, config->gid, 0) < 0 ||
	    sandbox_close() < 0)
		_exit(EXIT_FAILURE);
	while (rehearse_wait(socket) &&
	       packet_receive(socket, &question, sizeof(question), &size, fds, &count) == 0) {
		record = (struct record){ .event = RECORD_FAILED };
		if (size == sizeof(question) && count == 1)
			judge_presented(&worker, &question, fds[0], &record);
		packet_drop_fds(fds);
		if (packet_send(socket, &record, sizeof(record), NULL, 0) < 0)
			break;
	}
	_exit(EXIT_SUCCESS);
}

static int rehearse_start(struct rehearsal *rehearsal)
{
	const int size = REHEARSE_BUFFER;
	int pair[2], i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	_cleanup_fd_ int own = pair[0];
	_cleanup_fd_ int theirs = pair[1];

	for (i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	rehearsal->pid = fork();
	if (rehearsal->pid < 0)
		return -errno;
	if (!rehearsal->pid) {
		const int keep[] = { STDERR_FILENO, theirs };

		fd_close_others(keep, sizeof(keep) / sizeof(keep[0]));
		rehearse_judge(rehearsal->config, theirs);
	}
	rehearsal->judge = TAKE_FD(own);
	return 0;
}

/* "" where it stays. */
static void rehearse_ask(const struct rehearsal *rehearsal, const struct config_line *line,
			 const uint8_t chain[LW_CHAIN_LEN], char why[RECORD_TEXT_LEN])
{
	_cleanup_fd_ int presented = chain_store_get(rehearsal->chains, chain);
	struct message_judge question = { .now = time(NULL), .direction = line->direction };
	int fds[PACKET_FDS_MAX], err;
	struct record record;
	size_t size = 0, count;

	snprintf(why, RECORD_TEXT_LEN, "what the peer presented is not there any more");
	if (presented < 0)
		return;
	snprintf(question.line, sizeof(question.line), "%s", line->name);
	err = packet_send(rehearsal->judge, &question, sizeof(question), &presented, 1);
	if (!err && !rehearse_wait(rehearsal->judge))
		err = -EPIPE;
	if (!err)
		err = packet_receive(rehearsal->judge, &record, sizeof(record), &size, fds, &count);
	if (err || size != sizeof(record) || record_check(&record) < 0) {
		snprintf(why, RECORD_TEXT_LEN, "it cannot be judged");
		return;
	}
	packet_drop_fds(fds);
	if (record.event == RECORD_ACCEPTED ||
	    (record.event == RECORD_REFUSED && judge_spares(line, &record.verdict)))
		*why = '\0';
	else
		memcpy(why, record.reason, RECORD_TEXT_LEN);
}

static int rehearse_namespace(const struct config *config, const char *name, uint32_t *out)
{
	for (*out = 0; *out < config->namespace_count; ++*out)
		if (!strcmp(config->namespaces[*out].name, name))
			return 0;
	return -ENOENT;
}

static const struct config_line *rehearse_line(const struct config *config, const json_t *session)
{
	const bool outbound = !strcmp(question_text(session, "direction"), "outbound");
	struct endpoint peer, local;
	uint32_t netns;

	if (endpoint_parse(question_text(session, "peer"), &peer) < 0 ||
	    endpoint_parse(question_text(session, "local"), &local) < 0 ||
	    rehearse_namespace(config, question_text(session, "namespace"), &netns) < 0)
		return NULL;
	return config_line_find(config, netns, outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
				outbound ? peer.port : local.port, &peer);
}

static bool rehearse_chain(const json_t *session, uint8_t chain[LW_CHAIN_LEN])
{
	const char *text = question_text(session, "chain");
	unsigned int byte;
	size_t i;

	if (strlen(text) != 2 * LW_CHAIN_LEN)
		return false;
	for (i = 0; i < LW_CHAIN_LEN; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		chain[i] = (uint8_t)byte;
	}
	return true;
}

static int rehearse_session(struct rehearsal *rehearsal, const json_t *session)
{
	const struct config_line *line = rehearse_line(rehearsal->config, session);
	const char *name = question_text(session, "line");
	uint8_t chain[LW_CHAIN_LEN];
	char why[RECORD_TEXT_LEN];

	if (!line)
		snprintf(why, sizeof(why), "no line of the configuration claims its address any more");
	else if (strcmp(line->name, name) != 0)
		snprintf(why, sizeof(why), "its address is another line's now: %s", line->name);
	else if (!rehearse_chain(session, chain))
		snprintf(why, sizeof(why), "what the peer presented is not known");
	else
		rehearse_ask(rehearsal, line, chain, why);
	if (!*why)
		return 0;
	return json_array_append_new(rehearsal->ends,
				     json_pack("{s:O, s:s, s:s, s:s}", "cookie",
					       json_object_get(session, "cookie"), "line", name,
					       "peer", question_text(session, "peer"), "why", why));
}

static int rehearse_load(const struct question_options *options, struct config **out)
{
	json_t *status = question_ask(options, "status");
	struct config_error error = { 0 };
	int err;

	if (!status)
		return -EIO;
	err = config_load(question_text(json_object_get(status, "configuration"), "file"),
			  time(NULL), 1, out, &error);
	if (!err)
		err = upgrade_apply(*out, false, error.text, sizeof(error.text));
	if (err)
		fprintf(stderr, "linewarden reload: %s\n", error.text);
	json_decref(status);
	return err;
}

static int rehearse_all(struct rehearsal *rehearsal, const struct question_options *options)
{
	json_t *sessions = question_ask(options, "sessions"), *session;
	int err = sessions ? 0 : -EIO;
	size_t i;

	if (!err)
		err = rehearsal->chains = chain_store_open(options->run_path);
	if (err >= 0)
		err = rehearse_start(rehearsal);
	json_array_foreach(sessions, i, session)
		if (!err)
			err = rehearse_session(rehearsal, session);
	if (err && sessions)
		fprintf(stderr, "linewarden reload: the sessions cannot be judged: %s\n",
			strerror(-err));
	json_decref(sessions);
	return err;
}

json_t *rehearse(const struct question_options *options)
{
	struct rehearsal rehearsal = { .judge = -1, .chains = -1, .ends = json_array() };
	int err = rehearsal.ends ? 0 : -ENOMEM;

	if (!err)
		err = rehearse_load(options, &rehearsal.config);
	if (!err)
		err = rehearse_all(&rehearsal, options);
	if (rehearsal.judge >= 0)
		close(rehearsal.judge);
	if (rehearsal.pid > 0)
		waitpid(rehearsal.pid, NULL, 0);
	if (rehearsal.chains >= 0)
		close(rehearsal.chains);
	config_free(rehearsal.config);
	if (!err)
		return rehearsal.ends;
	json_decref(rehearsal.ends);
	return NULL;
}
