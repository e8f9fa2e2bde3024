// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "tests/pki/rows.h"

#define SERVER_NAMES                                                                               \
	"DNS:pbx.example.test,DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1"

const struct pki_row pki_rows[] = {
	/* authorities */
	{ .name = "root", .issuer = "root", .ca = true },
	{ .name = "intermediate", .issuer = "root", .ca = true },
	{ .name = "old-intermediate", .issuer = "root", .ca = true,
	  .not_after = "20250601000000Z" },
	{ .name = "other-root", .issuer = "other-root", .ca = true },

	/* this host's own identity */
	{ .name = "server", .issuer = "intermediate", .common_name = "pbx.example.test",
	  .alt_name = SERVER_NAMES },
	{ .name = "server-rsa", .issuer = "intermediate", .key = PKI_RSA2048,
	  .common_name = "pbx.example.test", .alt_name = SERVER_NAMES },

	/* peers that every level may accept */
	{ .name = "good", .issuer = "intermediate" },
	{ .name = "good-rsa", .issuer = "intermediate", .key = PKI_RSA2048 },
	{ .name = "good-ed25519", .issuer = "intermediate", .key = PKI_ED25519 },

	/* peers that are refused from some level on, each for one reason */
	{ .name = "expired", .issuer = "intermediate", .not_after = "20250601000000Z" },
	{ .name = "not-yet-valid", .issuer = "intermediate", .not_before = "20440101000000Z" },
	{ .name = "rsa512", .issuer = "intermediate", .key = PKI_RSA512 },
	{ .name = "rsa1024", .issuer = "intermediate", .key = PKI_RSA1024 },
	{ .name = "rsa2048", .issuer = "intermediate", .key = PKI_RSA2048 },
	{ .name = "unknown-ca", .issuer = "other-root" },
	{ .name = "self-signed", .issuer = "self-signed" },
	{ .name = "no-key-usage", .issuer = "intermediate", .key_usage = "" },
	{ .name = "wrong-eku", .issuer = "intermediate", .extended_key_usage = "codeSigning" },
	{ .name = "server-only", .issuer = "intermediate", .extended_key_usage = "serverAuth" },
	{ .name = "unknown-critical", .issuer = "intermediate", .unknown_critical = true },
	{ .name = "crl-sign-only", .issuer = "intermediate", .key_usage = "critical,cRLSign" },
	{ .name = "expired-intermediate", .issuer = "old-intermediate" },
	{ .name = "wrong-domain", .issuer = "intermediate",
	  .alt_name = "DNS:peer.example.org,URI:sip:example.org" },
	{ .name = "wrong-host", .issuer = "intermediate",
	  .alt_name = "DNS:peer.example.org,URI:sip:example.test" },
	{ .name = "wrong-sip-domain", .issuer = "intermediate",
	  .alt_name = "DNS:wrong-sip-domain.example.test,URI:sip:example.org" },
	/* a host's name, and no SIP domain's: RFC 5922 section 7.2 */
	{ .name = "wildcard", .issuer = "intermediate", .alt_name = "DNS:*.example.test" },
	{ .name = "self-signed-trusted", .issuer = "self-signed-trusted" },
	{ .name = "revoked", .issuer = "intermediate" },
	{ .name = "revoked-trusted", .issuer = "intermediate" },

	/* peers that may be one thing and not another */
	{ .name = "client-only", .issuer = "intermediate", .extended_key_usage = "clientAuth" },
	{ .name = "sip-only", .issuer = "intermediate",
	  .extended_key_usage = "1.3.6.1.5.5.7.3.20" },
	{ .name = "any-purpose", .issuer = "intermediate",
	  .extended_key_usage = "anyExtendedKeyUsage" },
	{ .name = "no-purpose", .issuer = "intermediate", .extended_key_usage = "" },
	{ .name = "encipher-only", .issuer = "intermediate",
	  .key_usage = "critical,keyEncipherment" },
	{ .name = NULL },
};
