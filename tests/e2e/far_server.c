// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/far_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/journal.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/endpoint.h"
#include "userspace/fd.h"

struct far {
	SSL_CTX *ctx;
	const struct far_server_options *options;
	char log[PROCESS_PATH_MAX];
	unsigned char staple[8192];
	size_t staple_len;
};

static int far_accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static int far_staple(SSL *ssl, void *arg)
{
	struct far *far = arg;
	unsigned char *copy;

	if (!far->staple_len)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(far->staple, far->staple_len);
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)far->staple_len);
	return SSL_TLSEXT_ERR_OK;
}

static void far_read_staple(struct far *far)
{
	FILE *file;

	if (!far->options->staple)
		return;
	file = fopen(far->options->staple, "re");
	ASSERT_NOT_NULL(file);
	far->staple_len = fread(far->staple, 1, sizeof(far->staple), file);
	fclose(file);
}

static void far_prepare(struct far *far)
{
	const struct far_server_options *options = far->options;

	far->ctx = SSL_CTX_new(TLS_server_method());
	ASSERT_NOT_NULL(far->ctx);
	SSL_CTX_set_security_level(far->ctx, 0);
	ASSERT_EQ(1, SSL_CTX_use_certificate_chain_file(
			     far->ctx, site_file("pki/%s.pem", options->certificate)));
	ASSERT_EQ(1, SSL_CTX_use_PrivateKey_file(far->ctx,
						 site_file("pki/%s.key", options->certificate),
						 SSL_FILETYPE_PEM));
	SSL_CTX_set_min_proto_version(far->ctx, options->min_version);
	SSL_CTX_set_max_proto_version(far->ctx, options->max_version);
	if (options->asks)
		SSL_CTX_set_verify(far->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(far->ctx, far_accept_any, NULL);
	/* without it OpenSSL resumes nothing that a certificate was asked for with, and fails */
	if (!options->forgets)
		SSL_CTX_set_session_id_context(far->ctx, (const unsigned char *)"far", 3);
	if (!options->tickets)
		SSL_CTX_set_session_cache_mode(far->ctx, SSL_SESS_CACHE_OFF);
	if (!options->tickets)
		SSL_CTX_set_options(far->ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(far->ctx, options->tickets ? 1 : 0);
	far_read_staple(far);
	SSL_CTX_set_tlsext_status_cb(far->ctx, far_staple);
	SSL_CTX_set_tlsext_status_arg(far->ctx, far);
}

static long long far_echo(SSL *ssl)
{
	long long received = 0;
	char buf[16384];
	int n;

	while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0) {
		received += n;
		for (int at = 0, sent; at < n; at += sent) {
			sent = SSL_write(ssl, buf + at, n - at);
			if (sent <= 0)
				return received;
		}
	}
	SSL_shutdown(ssl);
	return received;
}

static void far_report(const struct far *far, json_t *report)
{
	char *text = json_dumps(report, JSON_COMPACT);
	_cleanup_fd_ int fd = open(far->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	dprintf(fd, "%s\n", text);
	free(text);
	json_decref(report);
}

/* One connection, in a process of its own. */
static void far_serve(const struct far *far, int fd)
{
	SSL *ssl = SSL_new(far->ctx);
	unsigned char first = 0;
	char name[LW_ENDPOINT_LEN] = "", subject[256] = "";
	struct endpoint peer;
	bool handshake;
	long long received = 0;
	ssize_t n;

	if (!endpoint_peer(fd, &peer))
		endpoint_format(&peer, name);
	n = recv(fd, &first, 1, MSG_PEEK);
	SSL_set_fd(ssl, fd);
	handshake = n == 1 && SSL_accept(ssl) == 1;
	if (handshake) {
		X509 *client = SSL_get0_peer_certificate(ssl);

		if (client)
			X509_NAME_oneline(X509_get_subject_name(client), subject, sizeof(subject));
		received = far_echo(ssl);
	}
	far_report(far, json_pack("{s:s, s:s, s:i, s:b, s:s, s:s, s:i, s:I, s:s}", "event", "end",
				  "peer", name, "first", n == 1 ? first : -1, "handshake", handshake,
				  "sni", SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ?: "",
				  "client", subject, "resumed", SSL_session_reused(ssl), "received",
				  (json_int_t)received, "tls", SSL_get_version(ssl)));
	SSL_free(ssl);
	close(fd);
}

static void far_run(const struct far *far, int listener)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	far_report(far, json_pack("{s:s}", "event", "ready"));
	for (;;) {
		fd = accept(listener, NULL, NULL);
		/* sessions are kept in memory: resumption takes one process */
		if (fd >= 0 && far->options->tickets)
			far_serve(far, fd);
		else if (fd >= 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* the next server may have the port while this connection still ends */
			close(listener);
			far_serve(far, fd);
			_exit(0);
		} else if (fd >= 0)
			close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

void far_server_start(struct far_server *server, const struct far_server_options *options)
{
	struct far far = { .options = options };
	int listener = listener_open(options->host, options->port, false, 64);
	json_t *ready;

	snprintf(server->log, sizeof(server->log), "%s",
		 site_file("far-%s-%u-%d.log", options->host, options->port, getpid()));
	snprintf(far.log, sizeof(far.log), "%s", server->log);
	unlink(server->log);
	far_prepare(&far);
	server->pid = fork();
	ASSERT_LE(0, server->pid);
	if (server->pid == 0)
		far_run(&far, listener);
	close(listener);
	SSL_CTX_free(far.ctx);
	ready = journal_wait(server->log, JOURNAL_WANT({ "event", "ready" }));
	ASSERT_NOT_NULL(ready);
	json_decref(ready);
}

void far_server_end(struct far_server *server)
{
	EXPECT_LE(0, process_end(server->pid, SIGKILL, 5000));
	server->pid = 0;
}
