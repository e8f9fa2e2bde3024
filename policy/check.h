/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The received certificate checks, one by one. A check looks at facts and a rule
 * and says what it found; it never sees a certificate, a clock or a file.
 */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct facts;
struct rule;

/* in the order in which the levels add them, which is the order of a verdict's list */
enum check {
	CHECK_CERTIFICATE_PRESENT,
	CHECK_NOT_DENIED, /* no level's: wherever the operator has a list */
	CHECK_IN_DATE,
	CHECK_KEY_1024,
	CHECK_TRUST_CHAIN,
	CHECK_KEY_USAGE,
	CHECK_PURPOSE,
	CHECK_CRITICAL_EXTENSIONS,
	CHECK_KEY_2048,
	CHECK_NOT_SELF_SIGNED,
	CHECK_NOT_REFLECTED,
	CHECK_IN_STORE,
	CHECK_REMOTE_NAME,
	CHECK_SIP_DOMAIN,
	CHECK_COUNT,
};

/* a set of checks, one bit each */
typedef uint32_t check_set;
#define CHECK_BIT(check) (UINT32_C(1) << (check))
#define CHECK_ALL (CHECK_BIT(CHECK_COUNT) - 1)

/* only PASSED and NOT_APPLICABLE let a verdict accept */
enum outcome {
	OUTCOME_NOT_EVALUATED,
	OUTCOME_PASSED,
	OUTCOME_FAILED,
	OUTCOME_NOT_APPLICABLE,
	OUTCOME_COUNT,
};

/*
 * What kind of refusal it is: the TLS layer's alert follows from it (refusal_alert()).
 * Zero is the refusal of a verdict that was never decided.
 */
enum refusal {
	REFUSAL_UNDECIDED, /* no decision was reached: internal_error */
	REFUSAL_NO_CERTIFICATE, /* certificate_required (TLS 1.2: handshake_failure) */
	REFUSAL_EXPIRED, /* expired or not yet valid: certificate_expired, RFC 8446 6.2 */
	REFUSAL_UNKNOWN_CA, /* no path to a trusted root: unknown_ca */
	REFUSAL_BAD_CERTIFICATE, /* key too short, signature wrong, malformed: bad_certificate */
	REFUSAL_UNSUPPORTED, /* purpose, key usage, critical extension: unsupported_certificate */
	REFUSAL_REVOKED, /* by a CRL, or a stapled response: certificate_revoked */
	REFUSAL_NAME, /* valid, but of somebody else: bad_certificate */
	REFUSAL_NOT_ALLOWED, /* self-signed, reflected, not in the store, no CRL: bad_certificate */
	REFUSAL_COUNT,
};

enum { CHECK_REASON_MAX = 256 };

struct check_result {
	enum check check;
	enum outcome outcome;
	enum refusal refusal; /* meaningful when failed */
	char reason[CHECK_REASON_MAX]; /* what was found, printable ASCII; never empty */
};

/* The name of a check ("in-date"); NULL outside the enumeration. */
const char *check_name(enum check check);

/* The standard's section, or the level table's row, that a check implements; NULL outside. */
const char *check_reference(enum check check);

/* Finds a check by its name. 0, or -EINVAL for an unknown name. */
int check_parse(const char *name, enum check *out);

/*
 * Runs one check. The result is always complete: the reason says what was found. The outcome is
 * NOT_EVALUATED only where the check needs what facts->path_skipped says nobody looked for.
 */
void check_evaluate(enum check check, const struct facts *facts, const struct rule *rule,
		    int64_t now, struct check_result *out);

/* Whether one of a set of checks fails. */
bool check_any_fails(check_set checks, const struct facts *facts, const struct rule *rule,
		     int64_t now);

/* "passed", "failed", "not-applicable", "not-evaluated"; NULL outside the enumeration. */
const char *outcome_name(enum outcome outcome);

/* A refusal's name ("unknown-ca"); NULL outside the enumeration. */
const char *refusal_name(enum refusal refusal);

/* The TLS alert (RFC 8446 section 6.2) that tells the peer of a refusal. */
uint8_t refusal_alert(enum refusal refusal);

/*
 * The X509_V_ERR_* code which libssl turns into refusal_alert() when a certificate
 * verify callback leaves it in its X509_STORE_CTX. Never X509_V_OK.
 */
int refusal_x509_error(enum refusal refusal);

#endif
