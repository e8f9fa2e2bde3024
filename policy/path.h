/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a peer's certificate to a root of the store. This file's code chooses the
 * candidate paths, tries one after the other within fixed limits, and has libcrypto
 * validate each; libcrypto alone would stop at the first path that it happens to build.
 */
#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/extension.h"
#include "policy/key.h"
#include "policy/staple.h"
#include "policy/text.h"

struct evidence;
struct rule;

/* what is wrong with the best path that was found; zero is not a path */
enum path_state {
	PATH_NOT_BUILT,
	PATH_TRUSTED, /* a path to a root of the store holds */
	PATH_NO_ISSUER, /* nobody's certificate leads to a root of the store */
	PATH_SELF_SIGNED, /* the peer's certificate is self-signed and not in the store */
	PATH_SIGNATURE, /* an issuer's key does not verify a signature */
	PATH_DATE, /* a CA certificate is not in date */
	PATH_NOT_CA, /* an issuer is not a CA, or may not sign certificates */
	PATH_LENGTH, /* a path length constraint is exceeded */
	PATH_NAME_CONSTRAINT, /* a CA's name constraints exclude a name below it */
	PATH_POLICY, /* certificate policies are required and not met */
	PATH_CRITICAL, /* a CA certificate has an unknown critical extension */
	PATH_PURPOSE, /* a CA's extended key usage does not allow the purpose */
	PATH_REVOKED, /* a revocation list, or a stapled response, revokes one of the path */
	PATH_UNKNOWN_STATUS, /* nothing says that one is not revoked, which is required */
	PATH_LIMIT, /* a longer chain, or more candidates, than will be tried */
	PATH_INVALID, /* anything else that libcrypto found: see detail */
	PATH_STATE_COUNT,
};

enum { PATH_DEPTH_MAX = 12, PATH_DETAIL_MAX = 96 };

/* what lists and a stapled response had to say of the path */
struct revocation_facts {
	unsigned int proven; /* certificates that a current list covers and does not list */
	char stale_issuer[TEXT_NAME_MAX]; /* whose list is out of date; or empty */
	struct staple_facts staple;
	int64_t until; /* under CRL_REQUIRE the last second at which it is proven; INT64_MAX else */
};

struct path_facts {
	enum path_state state;
	unsigned int length; /* certificates, the peer's own and the root included */
	int fault_depth; /* where the fault is; 0 is the peer's own certificate */
	char fault_subject[TEXT_NAME_MAX]; /* of the certificate at fault_depth */
	char detail[PATH_DETAIL_MAX]; /* in words */
	char root[TEXT_NAME_MAX]; /* subject of the path's end, when trusted */
	bool root_self_signed; /* false: a CA of the store whose own issuer is not there */
	int64_t not_after; /* the earliest end in the path, the peer's own included */
	uint8_t sha256[PATH_DEPTH_MAX][32]; /* of its certificates, when trusted */
	struct key_facts weakest; /* the weakest key in the path */
	char weakest_subject[TEXT_NAME_MAX];
	char sha1_subject[TEXT_NAME_MAX]; /* the first whose signature is over SHA-1; or empty */
	bool signed_by_other; /* a key that is not its own verifies the peer's certificate */
	struct critical_facts critical; /* with PATH_CRITICAL: the CA that carries it */
	struct revocation_facts revocation;
	struct validity_window window; /* while now is in it, the search would end the same */
	unsigned int candidates; /* complete paths that were tried */
	unsigned int signatures; /* signatures that were checked */
};

/*
 * Builds and validates, for a leaf that is not NULL and has that SHA-256. 0 (whatever the result:
 * see state), or -ENOMEM.
 */
int path_build(const struct evidence *evidence, const struct rule *rule, int64_t now,
	       const uint8_t leaf_sha256[32], struct path_facts *out);

/* The name of a state ("trusted", "no-issuer" …); NULL outside the enumeration. */
const char *path_state_name(enum path_state state);

#endif
