// SPDX-License-Identifier: Apache-2.0
#include "tests/config/files.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"

const char files_good[] = "identity {\n"
			  "	certificate = \"@/identity.pem\" # and its chain\n"
			  "	key = \"@/identity.key\"\n"
			  "}\n"
			  "trust-store = \"@/trusted\"\n"
			  "user = nobody\n"
			  "group = daemon\n"
			  "line \"trunk-a\" {\n"
			  "	function = sip-line\n"
			  "	port = 5061\n"
			  "	remote = { \"192.0.2.0/24\", 2001:db8:1::/48 }\n"
			  "	level = medium\n"
			  "}\n"
			  "line phones {\n"
			  "	function = sip-phone\n"
			  "	port = 5061\n"
			  "	remote = 10.0.0.0/8\n"
			  "	level = low\n"
			  "}\n";

const char files_wide[] = "identity {\n"
			  "	certificate = \"@/identity.pem\"\n"
			  "	key = \"@/identity.key\"\n"
			  "}\n"
			  "trust-store = \"@/trusted\"\n"
			  "user = nobody\n"
			  "group = daemon\n"
			  "management-interfaces = high\n"
			  "telephony-endpoints = medium\n"
			  "pbx asterisk {\n"
			  "	unit = \"asterisk.service\"\n"
			  "}\n"
			  "line provider {\n"
			  "	function = sip-line\n"
			  "	direction = both\n"
			  "	remote = 192.0.2.0/24\n"
			  "	sip-domains = { example.com }\n"
			  "}\n"
			  "line phones {\n"
			  "	function = sip-phone\n"
			  "}\n"
			  "line web {\n"
			  "	function = admin\n"
			  "	plain-port = 80\n"
			  "}\n"
			  "line branch {\n"
			  "	function = ip-office-line\n"
			  "	remote = 198.51.100.7\n"
			  "	level = high\n"
			  "}\n";

struct credential {
	EVP_PKEY *key;
	X509 *certificate;
};

static void files_path(const struct files *files, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", files->folder, name);
}

static void files_name(X509 *certificate, const char *subject, X509_NAME *issuer)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	ASSERT_EQ(1, X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						(const unsigned char *)subject, -1, -1, 0));
	ASSERT_EQ(1, X509_set_issuer_name(certificate, issuer ? issuer : name));
}

/* Valid for the day around FILES_NOW and so much later; without an issuer it signs itself. */
static struct credential files_issue_later(const char *subject, const struct credential *issuer,
					   time_t later)
{
	struct credential made = { EVP_EC_gen("P-256"), X509_new() };

	ASSERT_NOT_NULL(made.key);
	ASSERT_NOT_NULL(made.certificate);
	files_name(made.certificate, subject,
		   issuer ? X509_get_subject_name(issuer->certificate) : NULL);
	ASSERT_EQ(1, X509_set_version(made.certificate, X509_VERSION_3));
	ASSERT_EQ(1, ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 1));
	ASN1_TIME_set(X509_getm_notBefore(made.certificate), FILES_NOW + later - FILES_DAY);
	ASN1_TIME_set(X509_getm_notAfter(made.certificate), FILES_NOW + later + FILES_DAY);
	ASSERT_EQ(1, X509_set_pubkey(made.certificate, made.key));
	ASSERT_LT(0, X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256()));
	return made;
}

static struct credential files_issue(const char *subject, const struct credential *issuer)
{
	return files_issue_later(subject, issuer, 0);
}

/* An empty revocation list of the day before a time; it can say when the next one is due. */
static X509_CRL *files_revoke(const struct credential *issuer, time_t next)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_set(NULL, next - FILES_DAY);

	ASSERT_NOT_NULL(crl);
	ASSERT_EQ(1, X509_CRL_set_version(crl, X509_CRL_VERSION_2));
	ASSERT_EQ(1, X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate)));
	ASSERT_EQ(1, X509_CRL_set1_lastUpdate(crl, time));
	ASSERT_NOT_NULL(ASN1_TIME_set(time, next));
	ASSERT_EQ(1, X509_CRL_set1_nextUpdate(crl, time));
	ASN1_TIME_free(time);
	ASSERT_LT(0, X509_CRL_sign(crl, issuer->key, EVP_sha256()));
	return crl;
}

static void credential_free(struct credential *credential)
{
	EVP_PKEY_free(credential->key);
	X509_free(credential->certificate);
}

static FILE *files_create(const struct files *files, const char *name, mode_t mode)
{
	char path[128];
	FILE *f;
	int fd;

	files_path(files, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ASSERT_LE(0, fd);
	ASSERT_OK(fchmod(fd, mode));
	f = fdopen(fd, "w");
	ASSERT_NOT_NULL(f);
	return f;
}

void files_put(const struct files *files, const char *name, mode_t mode, const char *text)
{
	FILE *f = files_create(files, name, mode);

	ASSERT_LE(0, fputs(text, f));
	fclose(f);
}

static void files_write(const struct files *files, const char *name, const char *text)
{
	files_put(files, name, 0644, text);
}

static void files_write_key(const struct files *files, const char *name, mode_t mode, EVP_PKEY *key,
			    const char *passphrase)
{
	FILE *f = files_create(files, name, mode);

	ASSERT_EQ(1, PEM_write_PKCS8PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
					       passphrase, passphrase ? (int)strlen(passphrase) : 0,
					       NULL, NULL));
	fclose(f);
}

static void files_write_certificates(const struct files *files, const char *name, X509 *first,
				     X509 *second)
{
	FILE *f = files_create(files, name, 0644);

	ASSERT_EQ(1, PEM_write_X509(f, first));
	if (second)
		ASSERT_EQ(1, PEM_write_X509(f, second));
	fclose(f);
}

static void files_write_crls(const struct files *files, const struct credential *issuer)
{
	X509_CRL *fresh = files_revoke(issuer, FILES_NOW + FILES_DAY);
	X509_CRL *outdated = files_revoke(issuer, FILES_NOW - FILES_DAY);
	FILE *f = files_create(files, "mixed/fresh.crl", 0644);

	ASSERT_EQ(1, i2d_X509_CRL_fp(f, fresh));
	fclose(f);
	f = files_create(files, "mixed/outdated.crl", 0644);
	ASSERT_EQ(1, PEM_write_X509_CRL(f, outdated));
	fclose(f);
	X509_CRL_free(fresh);
	X509_CRL_free(outdated);
}

/* What operators drop into a store: good files, and all that can be wrong with one. */
static void files_make_mixed(const struct files *files, const struct credential *ca)
{
	struct credential expired = files_issue_later("expired", ca, -3 * FILES_DAY);
	struct credential future = files_issue_later("future", ca, 3 * FILES_DAY);

	files_write_certificates(files, "mixed/a.pem", ca->certificate, NULL);
	files_write(files, "mixed/b-broken.pem",
		    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	files_write_certificates(files, "mixed/c-copy.pem", ca->certificate, NULL);
	files_write_certificates(files, "mixed/d-expired.pem", expired.certificate, NULL);
	files_write_certificates(files, "mixed/e-expired-too.pem", expired.certificate, NULL);
	files_write_certificates(files, "mixed/f-future.pem", future.certificate, NULL);
	files_write_key(files, "mixed/h.key", 0600, ca->key, NULL);
	files_write(files, "mixed/i-notes\n.txt", "not a certificate\n");
	files_write_certificates(files, "expired/only.pem", expired.certificate, NULL);
	files_write_crls(files, ca);
	credential_free(&expired);
	credential_free(&future);
}

static void files_make_folders(struct files *files)
{
	static const char *const folders[] = { "trusted", "trusted/sub", "mixed", "expired",
					       "void",	  "lines.d" };
	char path[128];

	snprintf(files->folder, sizeof(files->folder), "/tmp/linewarden-config-XXXXXX");
	ASSERT_NOT_NULL(mkdtemp(files->folder));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		files_path(files, folders[i], path);
		ASSERT_OK(mkdir(path, 0755));
	}
	files_path(files, "fifo", path);
	ASSERT_OK(mkfifo(path, 0644));
}

void files_make(struct files *files)
{
	struct credential ca = files_issue("ca", NULL);
	struct credential middle = files_issue("middle", &ca);
	struct credential identity = files_issue("pbx", &middle);
	FILE *der;

	files_make_folders(files);
	files_write_certificates(files, "identity.pem", identity.certificate, middle.certificate);
	files_write_certificates(files, "trusted/ca.pem", ca.certificate, NULL);
	files_write(files, "trusted/.hidden", "no certificate");
	der = files_create(files, "trusted/middle.der", 0644);
	ASSERT_EQ(1, i2d_X509_fp(der, middle.certificate));
	fclose(der);
	files_write_key(files, "identity.key", 0600, identity.key, NULL);
	files_write_key(files, "open.key", 0644, identity.key, NULL);
	files_write_key(files, "other.key", 0600, ca.key, NULL);
	files_write_key(files, "passphrase.key", 0600, identity.key, "secret");
	files_write(files, "empty.pem", "");
	files_write(files, "broken.pem",
		    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	files_make_mixed(files, &ca);
	credential_free(&ca);
	credential_free(&middle);
	credential_free(&identity);
}

static int files_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void files_remove(struct files *files)
{
	if (*files->folder)
		nftw(files->folder, files_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

char *files_path_of(const struct files *files, const char *name)
{
	char *path = NULL;

	ASSERT_LE(0, asprintf(&path, "%s/%s", files->folder, name));
	return path;
}

char *files_text(const struct files *files, const char *text)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	ASSERT_NOT_NULL(f);
	for (; *text; text++) {
		if (*text == '@')
			fputs(files->folder, f);
		else
			fputc(*text, f);
	}
	fclose(f);
	return out;
}

char *files_edit(const char *text, const char *from, const char *to)
{
	const char *at = from ? strstr(text, from) : text + strlen(text);
	char *out = NULL;

	ASSERT_NOT_NULL(at)
	{
		TH_LOG("not in the text: %s", from);
	}
	ASSERT_LE(0, asprintf(&out, "%.*s%s%s", (int)(at - text), text, to,
			      from ? at + strlen(from) : ""));
	return out;
}

int files_parse(const struct files *files, const char *text, time_t now, struct config **out,
		struct config_error *error)
{
	_cleanup_free_ char *full = files_text(files, text);

	return config_parse("pbx.conf", full, strlen(full), now, 7, out, error);
}
