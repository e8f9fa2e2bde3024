/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of an outbound line: a TLS server in a process of its own, and what it saw. */
#ifndef TESTS_E2E_FAR_SERVER_H
#define TESTS_E2E_FAR_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/e2e/process.h"

struct far_server_options {
	const char *host; /* "127.0.20.1", "::1" */
	uint16_t port;
	const char *certificate; /* a name of the test PKI */
	const char *staple; /* a file with an OCSP response to send along; NULL: none */
	int min_version, max_version; /* TLS1_2_VERSION …; 0: what the library knows */
	bool asks; /* for the client's certificate, whatever that is */
	bool tickets; /* and resumption */
	bool forgets; /* gives out sessions, and fails when one comes back */
};

struct far_server {
	char log[PROCESS_PATH_MAX];
	pid_t pid;
};

/**
 * far_server_start - starts it, and waits until it listens; checks
 *
 * It echoes what it reads. Its log has a line {"event": "end", ...} for each connection:
 * peer, first (its first byte: 22 is TLS), handshake, sni, client (the certificate's
 * subject), resumed (0 or 1), received (bytes of application data).
 */
void far_server_start(struct far_server *server, const struct far_server_options *options);

/* far_server_end - ends it; checks */
void far_server_end(struct far_server *server);

#endif
