/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where these tests take place: a stage (tests/stage) with the test PKI, and one set of
 * lines that every daemon here has on each of its ports. A client's address chooses its
 * line, and so its level.
 */
#ifndef TESTS_E2E_SITE_H
#define TESTS_E2E_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/peer/peer.h"

enum site_line {
	SITE_NONE,
	SITE_LOW,
	SITE_MEDIUM,
	SITE_HIGH,
	SITE_MEDIUM_REMOTE,
	SITE_HIGH_REMOTE,
	SITE_PHONES, /* at level medium: a certificate may be missing */
	SITE_ADMIN, /* at level high: no certificate is asked for */
	SITE_IP_OFFICE, /* at level medium */
	SITE_LINE_COUNT,
	SITE_NOWHERE = SITE_LINE_COUNT, /* an address that no line claims */
};

/* certificates that the trust store has a copy of, which level high asks for; then NULL */
extern const char *const site_pinned[];

/* site_line_name - "medium"; with the port behind it the line's name: medium-5061 */
const char *site_line_name(enum site_line line);

/* site_source - an address of a line, to connect from */
const char *site_source(enum site_line line);

/* site_source6 - the same of IPv6, which this host has to take first */
const char *site_source6(enum site_line line);

/* site_take_address - "2001:db8:3::1" becomes this stage's own, to connect from or to; checks */
void site_take_address(const char *address);

/* site_prepare - makes the PKI, unless another program on this stage has; checks */
void site_prepare(void);

/*
 * site_trust - into a trust store, a folder on this stage, "trusted" of all daemons: the
 * certificate alone, without the chain that is in its file, too; checks
 */
void site_trust(const char *store, const char *name);

/* site_file - the path of a file on this stage; static memory, for a few calls */
const char *site_file(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* site_write_lines - the lines of a port, for a configuration */
void site_write_lines(FILE *file, uint16_t port);

/* site_has_kernel_tls - whether this kernel encrypts; else the daemons do it themselves */
bool site_has_kernel_tls(void);

/* site_client - a client of a line: a certificate's name, or NULL for none */
struct peer_options site_client(enum site_line line, uint16_t port, const char *certificate);

#endif
