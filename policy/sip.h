/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP domain identities in certificates (RFC 5922).
 */
#ifndef POLICY_SIP_H
#define POLICY_SIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"
#include "policy/san.h"

/* where a certificate's SIP domain identities are found (RFC 5922 7.1) */
enum sip_source {
	SIP_SOURCE_NONE, /* it has no SIP domain identity */
	SIP_SOURCE_URI, /* sip URIs without userinfo; DNS entries then do not count */
	SIP_SOURCE_DNS, /* DNS entries */
	SIP_SOURCE_COMMON_NAME, /* the CN of a certificate without subjectAltName */
};

/* Which entries of a certificate are its SIP domain identities. */
enum sip_source sip_identity_source(const struct san_list *san);

/*
 * True when one of the identities is the domain (RFC 5922 7.2): the whole name, in any
 * case; no suffix, no wildcard, no address.
 */
bool sip_is_authoritative(const struct san_list *san, const struct name_reference *domain);

#endif
