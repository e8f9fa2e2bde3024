// SPDX-License-Identifier: Apache-2.0
#include "userspace/trust.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "userspace/trust_file.h"

/* where something of the store came from: the first file that had it */
struct trust_origin {
	uint8_t sha256[TRUST_SHA256];
	const char *file;
};

struct trust_loading {
	struct store *store;
	struct trust_report *report;
	int64_t now;
	struct trust_origin *origins;
	size_t origin_count;
};

static void trust_loading_release(struct trust_loading *loading)
{
	free(loading->origins);
}

static const char *trust_origin(const struct trust_loading *loading,
				const uint8_t sha256[TRUST_SHA256])
{
	for (size_t i = 0; i < loading->origin_count; i++) {
		if (memcmp(loading->origins[i].sha256, sha256, TRUST_SHA256) == 0)
			return loading->origins[i].file;
	}
	return NULL;
}

/* 1: no file had it before; 0: one had, which is noted; -ENOMEM. */
static int trust_note_origin(struct trust_loading *loading, const char *file,
			     const uint8_t sha256[TRUST_SHA256], const char *what)
{
	const char *origin = trust_origin(loading, sha256);
	struct trust_origin *origins;
	char escaped[TEXT_NAME_MAX];

	if (origin) {
		text_escape(origin, strlen(origin), escaped, sizeof(escaped));
		return trust_report_add(loading->report, TRUST_DUPLICATE, file,
					"the same %s is in %s already", what, escaped);
	}
	origins = reallocarray(loading->origins, loading->origin_count + 1, sizeof(*origins));
	if (!origins)
		return -ENOMEM;
	loading->origins = origins;
	memcpy(origins[loading->origin_count].sha256, sha256, TRUST_SHA256);
	origins[loading->origin_count++].file = file;
	return 1;
}

static int trust_note_certificate(struct trust_loading *loading, const char *file,
				  X509 *certificate)
{
	uint8_t sha256[TRUST_SHA256];
	int rc;

	if (X509_digest(certificate, EVP_sha256(), sha256, NULL) != 1)
		return -ENOMEM;
	rc = trust_note_origin(loading, file, sha256, "certificate");
	if (rc <= 0)
		return rc;
	loading->report->certificates++;
	return trust_report_certificate(loading->report, file, certificate, loading->now);
}

static int trust_note_crl(struct trust_loading *loading, const char *file, X509_CRL *crl)
{
	uint8_t sha256[TRUST_SHA256];
	int rc;

	if (X509_CRL_digest(crl, EVP_sha256(), sha256, NULL) != 1)
		return -ENOMEM;
	rc = trust_note_origin(loading, file, sha256, "revocation list");
	if (rc <= 0)
		return rc;
	loading->report->crls++;
	return trust_report_crl(loading->report, file, crl, loading->now);
}

static int trust_note(struct trust_loading *loading, const char *file, const struct bundle *bundle)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_num(bundle->certificates); i++)
		rc = trust_note_certificate(loading, file, sk_X509_value(bundle->certificates, i));
	for (int i = 0; rc == 0 && i < sk_X509_CRL_num(bundle->crls); i++)
		rc = trust_note_crl(loading, file, sk_X509_CRL_value(bundle->crls, i));
	return rc;
}

/* -EISDIR, without a word, for a folder: the caller knows what to do with one. */
static int trust_load_file(struct trust_loading *loading, const char *path, const char *file,
			   char *why, size_t why_len)
{
	_cleanup_trust_file_ struct trust_file read = { 0 };
	int rc = trust_file_read(path, &read, why, why_len);

	if (rc < 0)
		return rc;
	rc = store_add_bundle(loading->store, path, &read.bundle, why, why_len);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	return trust_note(loading, file, &read.bundle);
}

static int trust_load_entry(struct trust_loading *loading, const char *folder, const char *file)
{
	char cause[STORE_ERROR_MAX] = "";
	_cleanup_free_ char *path = NULL;
	int rc = asprintf(&path, "%s/%s", folder, file);

	if (rc < 0) {
		path = NULL;
		return -ENOMEM;
	}
	rc = trust_load_file(loading, path, file, cause, sizeof(cause));
	if (rc == -EISDIR)
		return 0;
	if (rc == -EINVAL)
		return trust_report_add(loading->report, TRUST_UNUSABLE, file, "%s", cause);
	return rc;
}

static int trust_load_folder(struct trust_loading *loading, const char *folder, char *why,
			     size_t why_len)
{
	_cleanup_trust_names_ struct trust_names names = { 0 };
	int rc = trust_names_read(folder, &names);

	if (rc < 0) {
		snprintf(why, why_len, "%s: %s", folder, strerror(-rc));
		return rc == -ENOMEM ? rc : -EINVAL;
	}
	for (int i = 0; rc == 0 && i < names.count; i++)
		rc = trust_load_entry(loading, folder, names.list[i]->d_name);
	return rc;
}

int trust_load(const char *path, int64_t now, struct store *store, struct trust_report *report,
	       char *why, size_t why_len)
{
	_cleanup_(trust_loading_release) struct trust_loading loading = {
		.store = store,
		.report = report,
		.now = now,
	};
	char cause[STORE_ERROR_MAX] = "";
	int rc = trust_load_file(&loading, path, basename(path), cause, sizeof(cause));

	if (rc == -EISDIR)
		return trust_load_folder(&loading, path, why, why_len);
	if (rc == -EINVAL)
		snprintf(why, why_len, "%s: %s", path, cause);
	return rc;
}

void trust_explain_empty(const char *path, const struct trust_report *report, char *why,
			 size_t why_len)
{
	if (report->finding_count)
		snprintf(why, why_len,
			 "%s: no certificate in it can be used; the first trouble is %s: %s", path,
			 report->findings[0].file, report->findings[0].text);
	else
		snprintf(why, why_len,
			 "%s: there is no certificate in it; put the CA certificates there, as PEM "
			 "or DER",
			 path);
}

int trust_add_crl(const char *path, struct store *store, char *why, size_t why_len)
{
	_cleanup_trust_file_ struct trust_file read = { 0 };
	char cause[STORE_ERROR_MAX] = "";
	int rc = trust_file_read(path, &read, cause, sizeof(cause));

	if (rc == 0 && sk_X509_num(read.bundle.certificates)) {
		snprintf(cause, sizeof(cause), "there is a certificate in it, not only "
					       "revocation lists");
		rc = -EINVAL;
	}
	if (rc == 0)
		rc = store_add_bundle(store, path, &read.bundle, cause, sizeof(cause));
	if (rc >= 0 || rc == -ENOMEM)
		return rc < 0 ? rc : 0;
	snprintf(why, why_len, "%s: %s", path, rc == -EISDIR ? "it is a folder" : cause);
	return -EINVAL;
}
