/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one line asks of a peer's certificate. A zeroed rule refuses everything.
 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/level.h"

/* the role of the peer, whose certificate it is */
enum peer_role {
	PEER_UNSET,
	PEER_SERVER, /* we connected */
	PEER_CLIENT, /* we accepted */
};

/* whether the peer was asked for a certificate; zero is the strictest */
enum certificate_ask {
	ASK_REQUIRE, /* none received: refused */
	ASK_REQUEST, /* none received: accepted; one received is checked */
	ASK_NONE, /* not asked; one received all the same is checked */
};

/* what revocation lists, and a stapled OCSP response, are good for; zero is the usual */
enum rule_crl {
	CRL_PREFER, /* "prefer": what one lists is refused */
	CRL_OFF, /* "off": they are not looked at */
	CRL_REQUIRE, /* "require": a certificate about which there is no current one is refused */
	CRL_COUNT,
};

/* off by default; each that was used is named in the verdict's notes */
enum rule_option {
	/* "accept-server-auth-client": a client whose EKU has serverAuth but not clientAuth */
	RULE_ACCEPT_SERVER_AUTH_CLIENT = 1 << 0,
	/* "accept-missing-key-usage": a certificate without a key usage extension */
	RULE_ACCEPT_MISSING_KEY_USAGE = 1 << 1,
	/* "strict-purpose": anyExtendedKeyUsage does not count; SIP needs sipDomain (RFC 5924) */
	RULE_STRICT_PURPOSE = 1 << 2,
	/* "before-r11.1.3": what Medium and High meant before that release */
	RULE_BEFORE_R11_1_3 = 1 << 3,
};
#define RULE_OPTION_COUNT 4

struct rule {
	enum level level;
	enum peer_role peer;
	enum certificate_ask ask;
	uint32_t options; /* enum rule_option, or-ed */
	enum rule_crl crl; /* where the trust chain is checked */

	/*
	 * remote-name: the connection's FQDN, or its address in text (no brackets, no
	 * port). One of them has to be in the certificate. UTF-8 U-labels are allowed.
	 */
	const char *const *hosts;
	size_t host_count;

	/*
	 * A SIP function: sip-domain applies and needs at least one domain; remote-name
	 * then applies only where hosts are given. Peer a server: the first is the line's
	 * own domain, and only it counts. Peer a client: every domain that the line allows.
	 */
	bool sip;
	const char *const *sip_domains;
	size_t sip_domain_count;

	/* when not 0: these checks in place of the level's, which may then be unset */
	check_set checks;
};

/* An option's name ("strict-purpose"); NULL for anything but one known bit. */
const char *rule_option_name(uint32_t option);

/* Finds an option by its name. 0, or -EINVAL. */
int rule_option_parse(const char *name, uint32_t *out);

/* "prefer", "off", "require"; NULL outside the enumeration. */
const char *rule_crl_name(enum rule_crl crl);

/* Finds a revocation setting by its name. 0, or -EINVAL. */
int rule_crl_parse(const char *name, enum rule_crl *out);

/* The revocation setting in force: CRL_OFF for a rule that does not ask for the trust chain. */
enum rule_crl rule_revocation(const struct rule *rule);

/* The checks that a rule asks for; 0 when it asks for nothing, which is refused. */
check_set rule_checks(const struct rule *rule);

/*
 * Whether names are well-formed and enough for the rule's checks: a configuration is
 * refused with this before it is used. 0; -EINVAL without level or role, or with an
 * unknown option, check or revocation setting; -ENODATA when a name check has no name;
 * -EBADMSG for a name that is neither a host name nor an address, or a SIP domain that is no
 * name.
 */
int rule_validate(const struct rule *rule);

#endif
