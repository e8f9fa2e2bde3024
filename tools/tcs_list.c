// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/key.h"
#include "policy/validity.h"
#include "tools/question.h"
#include "tools/table.h"
#include "tools/tcs.h"
#include "tools/tool.h"

#define TCS_DAY 86400
#define TCS_DAYS_SOON 60

static void tcs_name_key(X509 *certificate, char *out, size_t size)
{
	struct key_facts key;
	bool sized;

	key_describe(certificate, &key);
	sized = key.type == KEY_RSA || key.type == KEY_RSA_PSS || key.type == KEY_DSA ||
		key.type == KEY_EC;
	if (sized)
		snprintf(out, size, "%s %u", key_type_name(key.type), key.bits);
	else
		snprintf(out, size, "%s", key_type_name(key.type));
}

static json_t *tcs_time(const ASN1_TIME *at)
{
	int64_t seconds;

	return at && !validity_seconds(at, &seconds) ? json_integer(seconds) : json_null();
}

/* Times in seconds since 1970; null where there is none that can be read. */
static json_t *tcs_certificate_to_json(X509 *certificate)
{
	char subject[TEXT_NAME_MAX], issuer[TEXT_NAME_MAX], key[64];
	EVP_PKEY *own = X509_get0_pubkey(certificate);

	text_name(X509_get_subject_name(certificate), subject, sizeof(subject));
	text_name(X509_get_issuer_name(certificate), issuer, sizeof(issuer));
	tcs_name_key(certificate, key, sizeof(key));
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "subject", subject, "issuer",
			 issuer, "key", key, "self_signed",
			 own && X509_verify(certificate, own) == 1, "ca",
			 X509_check_ca(certificate) > 0, "not_before",
			 tcs_time(X509_get0_notBefore(certificate)), "not_after",
			 tcs_time(X509_get0_notAfter(certificate)));
}

static json_t *tcs_crl_to_json(X509_CRL *crl)
{
	char issuer[TEXT_NAME_MAX];

	text_name(X509_CRL_get_issuer(crl), issuer, sizeof(issuer));
	return json_pack("{s:s, s:i, s:o, s:o}", "issuer", issuer, "revoked",
			 X509_CRL_get_REVOKED(crl) ?
				 sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) :
				 0,
			 "this_update", tcs_time(X509_CRL_get0_lastUpdate(crl)), "next_update",
			 tcs_time(X509_CRL_get0_nextUpdate(crl)));
}

static void tcs_add_item(const char *file, struct tcs_item item, json_t *certificates, json_t *crls)
{
	json_t *json = item.crl ? tcs_crl_to_json(item.crl) :
				  tcs_certificate_to_json(item.certificate);
	char fingerprint[TEXT_SHA256_MAX] = "";

	tcs_fingerprint(item, fingerprint);
	json_object_set_new(json, "file", json_string(file));
	json_object_set_new(json, "sha256", json_string(fingerprint));
	json_array_append_new(item.crl ? crls : certificates, json);
}

static json_t *tcs_to_json(const struct tcs *tcs)
{
	json_t *certificates = json_array(), *crls = json_array(), *unusable = json_array();
	size_t i, k;

	for (i = 0; i < tcs->count; i++) {
		const struct tcs_file *file = &tcs->files[i];

		for (k = 0; k < tcs_item_count(&file->read); k++)
			tcs_add_item(file->shown, tcs_item(&file->read, k), certificates, crls);
		if (*file->cause)
			json_array_append_new(unusable, json_pack("{s:s, s:s}", "file", file->shown,
								  "cause", file->cause));
	}
	return json_pack("{s:s, s:o, s:o, s:o}", "store", tcs->path, "certificates", certificates,
			 "crls", crls, "unusable", unusable);
}

/* How many whole days are left; the last second belongs to them. */
static void tcs_add_days(struct table *table, const json_t *end, int64_t now, const char *over)
{
	int64_t left = json_integer_value(end) - now;

	if (!json_is_integer(end))
		table_add(table, TABLE_BAD, "unknown");
	else if (left < 0)
		table_add(table, TABLE_BAD, "%s", over);
	else
		table_add(table, left < TCS_DAYS_SOON * TCS_DAY ? TABLE_BAD : TABLE_PLAIN, "%lld",
			  (long long)(left / TCS_DAY));
}

static const char *tcs_role(const json_t *certificate)
{
	bool ca = json_is_true(json_object_get(certificate, "ca"));

	if (json_is_true(json_object_get(certificate, "self_signed")))
		return ca ? "CA, self-signed" : "self-signed";
	return ca ? "CA" : "-";
}

static int tcs_print_certificates(const json_t *certificates, int64_t now)
{
	static const char *const columns[] = { "FILE", "SUBJECT", "SHA-256", "KEY", "ROLE",
					       "DAYS LEFT", NULL };
	struct table *table = table_new(columns);
	json_t *json;
	size_t i;

	if (!table)
		return TOOL_FAILED;
	json_array_foreach(certificates, i, json) {
		table_add(table, TABLE_PLAIN, "%s", question_text(json, "file"));
		table_add(table, TABLE_PLAIN, "%s", question_text(json, "subject"));
		table_add(table, TABLE_PLAIN, "%.16s", question_text(json, "sha256"));
		table_add(table, TABLE_PLAIN, "%s", question_text(json, "key"));
		table_add(table, TABLE_PLAIN, "%s", tcs_role(json));
		tcs_add_days(table, json_object_get(json, "not_after"), now, "expired");
	}
	table_print(table, stdout, "no certificates");
	return TOOL_OK;
}

static int tcs_print_crls(const json_t *crls, int64_t now)
{
	static const char *const columns[] = { "FILE",	  "REVOCATION LIST OF", "SHA-256",
					       "REVOKED", "DAYS TO NEXT UPDATE", NULL };
	struct table *table;
	json_t *json;
	size_t i;

	if (!json_array_size(crls))
		return TOOL_OK;
	table = table_new(columns);
	if (!table)
		return TOOL_FAILED;
	json_array_foreach(crls, i, json) {
		table_add(table, TABLE_PLAIN, "%s", question_text(json, "file"));
		table_add(table, TABLE_PLAIN, "%s", question_text(json, "issuer"));
		table_add(table, TABLE_PLAIN, "%.16s", question_text(json, "sha256"));
		table_add(table, TABLE_PLAIN, "%lld", question_number(json, "revoked"));
		tcs_add_days(table, json_object_get(json, "next_update"), now, "overdue");
	}
	putchar('\n');
	table_print(table, stdout, "");
	return TOOL_OK;
}

static void tcs_print_unusable(const json_t *unusable)
{
	json_t *json;
	size_t i;

	if (json_array_size(unusable))
		printf("\nfiles that cannot be used:\n");
	json_array_foreach(unusable, i, json) {
		table_colour(stdout, TABLE_BAD);
		printf("  %s", question_text(json, "file"));
		table_colour(stdout, TABLE_PLAIN);
		printf(": %s\n", question_text(json, "cause"));
	}
}

int tcs_list(const struct tcs *tcs, bool json)
{
	json_t *answer = tcs_to_json(tcs);
	int64_t now = time(NULL);
	int status;

	if (!answer)
		return TOOL_FAILED;
	if (json) {
		status = question_print_json(answer);
	} else {
		status = tcs_print_certificates(json_object_get(answer, "certificates"), now);
		if (status == TOOL_OK)
			status = tcs_print_crls(json_object_get(answer, "crls"), now);
		tcs_print_unusable(json_object_get(answer, "unusable"));
		table_colour(stdout, TABLE_DIM);
		puts("\nThis is what is there now; a running daemon read it at its start.");
		table_colour(stdout, TABLE_PLAIN);
	}
	json_decref(answer);
	return status;
}
