// SPDX-License-Identifier: Apache-2.0
#include <openssl/objects.h>

#include "policy/cleanup.h"
#include "policy/crl.h"
#include "policy/validity.h"

DEFINE_CLEANUP(CRL_DIST_POINTS *, CRL_DIST_POINTS_free);

static bool crl_extension_is_processed(X509_EXTENSION *extension)
{
	switch (OBJ_obj2nid(X509_EXTENSION_get_object(extension))) {
	case NID_issuing_distribution_point:
	case NID_authority_key_identifier:
	case NID_crl_number:
	case NID_crl_reason:
	case NID_invalidity_date:
		return true;
	default:
		return !X509_EXTENSION_get_critical(extension);
	}
}

/* RFC 5280 5.2, 5.3: one that is not processed makes the list useless, in an entry too */
static bool crl_extensions_are_processed(const X509_CRL *list, STACK_OF(X509_REVOKED) *entries)
{
	for (int i = 0; i < X509_CRL_get_ext_count(list); i++) {
		if (!crl_extension_is_processed(X509_CRL_get_ext(list, i)))
			return false;
	}
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);

		for (int j = 0; j < X509_REVOKED_get_ext_count(entry); j++) {
			if (!crl_extension_is_processed(X509_REVOKED_get_ext(entry, j)))
				return false;
		}
	}
	return true;
}

static void crl_read_scope(struct crl *out)
{
	int critical;
	ISSUING_DIST_POINT *scope =
		X509_CRL_get_ext_d2i(out->list, NID_issuing_distribution_point, &critical, NULL);

	if (!scope) {
		/* -1 is "absent"; anything else is unreadable, or stands twice */
		out->complete &= critical == -1;
		return;
	}
	out->complete &= !scope->onlysomereasons && scope->indirectCRL <= 0 && scope->onlyattr <= 0;
	out->user_only = scope->onlyuser > 0;
	out->ca_only = scope->onlyCA > 0;
	if (scope->distpoint)
		out->scope = scope;
	else
		ISSUING_DIST_POINT_free(scope);
}

static int64_t crl_time(const ASN1_TIME *time)
{
	int64_t seconds;

	return time && validity_seconds(time, &seconds) == 0 ? seconds : INT64_MIN;
}

void crl_init(X509_CRL *list, struct crl *out)
{
	X509_CRL_up_ref(list);
	*out = (struct crl){
		.list = list,
		.this_update = crl_time(X509_CRL_get0_lastUpdate(list)),
		.next_update = crl_time(X509_CRL_get0_nextUpdate(list)),
	};
	if (out->this_update == INT64_MIN)
		out->next_update = INT64_MIN;
	out->complete = X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) < 0 &&
			crl_extensions_are_processed(list, X509_CRL_get_REVOKED(list));
	crl_read_scope(out);
}

void crl_release(struct crl *crl)
{
	X509_CRL_free(crl->list);
	ISSUING_DIST_POINT_free(crl->scope);
	*crl = (struct crl){ 0 };
}

bool crl_lists(const struct crl *crl, X509 *certificate)
{
	X509_REVOKED *entry;

	return X509_CRL_get0_by_cert(crl->list, &entry, certificate) == 1;
}

static bool crl_names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
		for (int j = 0; j < sk_GENERAL_NAME_num(b); j++) {
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i),
					     sk_GENERAL_NAME_value(b, j)) == 0)
				return true;
		}
	}
	return false;
}

/* names relative to the issuer are not compared: such a list then proves nothing */
static bool crl_is_distribution_point(const struct crl *crl, X509 *certificate)
{
	CRL_DIST_POINTS *points _cleanup_(cleanup_CRL_DIST_POINTS_free) =
		X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
	const DIST_POINT_NAME *scope = crl->scope->distpoint;

	for (int i = 0; scope->type == 0 && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);

		if (!point->distpoint || point->distpoint->type != 0 || point->reasons ||
		    point->CRLissuer)
			continue;
		if (crl_names_meet(scope->name.fullname, point->distpoint->name.fullname))
			return true;
	}
	return false;
}

bool crl_covers(const struct crl *crl, X509 *certificate)
{
	bool ca = X509_check_ca(certificate) == 1;

	if (!crl->complete || (ca ? crl->user_only : crl->ca_only))
		return false;
	return !crl->scope || crl_is_distribution_point(crl, certificate);
}

bool crl_may_sign(X509 *issuer)
{
	return !(X509_get_extension_flags(issuer) & EXFLAG_KUSAGE) ||
	       X509_get_key_usage(issuer) & KU_CRL_SIGN;
}
