// SPDX-License-Identifier: Apache-2.0
/*
 * mkpki DIR: writes the test PKI of rows.c. Every row gives NAME.pem (the certificate and
 * the intermediates that go with it) and NAME.key.
 * mkpki DIR NAME SECONDS: issues one of them anew, which ends so many seconds from now.
 * mkpki DIR NAME xCOUNT: issues that many more of the kind of one, each with a key of its own where
 * keys are cheap. NAME-many.key has each certificate, followed by its key.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/pki/rows.h"

#define MAX_ROWS 64

/* what was issued, by the index of its row; an authority that is needed again may be read */
static X509 *certificates[MAX_ROWS];
static EVP_PKEY *keys[MAX_ROWS];

static void die(const char *what, const char *name)
{
	fprintf(stderr, "mkpki: %s: %s\n", name, what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static int find_row(const char *name)
{
	for (int i = 0; pki_rows[i].name; i++)
		if (strcmp(pki_rows[i].name, name) == 0)
			return i;
	die("no such certificate", name);
	return -1;
}

/* RSA keys cost time and are shared; the others are everyone's own */
static EVP_PKEY *make_key(enum pki_key type)
{
	static const unsigned int rsa_bits[PKI_KEY_COUNT] = {
		[PKI_RSA512] = 512, [PKI_RSA1024] = 1024, [PKI_RSA2048] = 2048,
	};
	static EVP_PKEY *shared[PKI_KEY_COUNT];

	if (type == PKI_P256)
		return EVP_EC_gen("P-256");
	if (type == PKI_ED25519)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!shared[type])
		shared[type] = EVP_RSA_gen(rsa_bits[type]);
	if (shared[type])
		EVP_PKEY_up_ref(shared[type]);
	return shared[type];
}

/* to write it, only for its owner if it is a key; or to read it */
static FILE *open_file(const char *dir, const char *name, const char *suffix, bool write)
{
	mode_t mode = strcmp(suffix, ".key") == 0 ? 0600 : 0644;
	char path[4096];
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	fd = open(path, (write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC, mode);
	file = fd < 0 ? NULL : fdopen(fd, write ? "w" : "r");
	if (!file)
		die(strerror(errno), path);
	return file;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	if (!*value)
		return;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension || !X509_add_ext(certificate, extension, -1))
		die("extension", value);
	X509_EXTENSION_free(extension);
}

/* critical, and of a number from the arc for examples (RFC 5612) */
static void add_unknown_critical(X509 *certificate)
{
	static const unsigned char der_null[] = { 5, 0 };
	ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1);
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(data, der_null, sizeof(der_null));
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, data);
	if (!extension || !X509_add_ext(certificate, extension, -1))
		die("extension", "unknown critical");
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	ASN1_OBJECT_free(object);
}

static const char *or_usual(const char *value, const char *usual)
{
	return value ? value : usual;
}

static void add_extensions(const struct pki_row *row, X509 *certificate, X509 *issuer)
{
	char names[256];

	add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
	if (issuer != certificate)
		add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
	if (row->ca) {
		add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
		add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
		return;
	}
	snprintf(names, sizeof(names), "DNS:%s.example.test,URI:sip:example.test", row->name);
	add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(certificate, issuer, NID_key_usage,
		      or_usual(row->key_usage, "critical,digitalSignature"));
	add_extension(certificate, issuer, NID_ext_key_usage,
		      or_usual(row->extended_key_usage, "serverAuth,clientAuth"));
	add_extension(certificate, issuer, NID_subject_alt_name, or_usual(row->alt_name, names));
	if (row->unknown_critical)
		add_unknown_critical(certificate);
}

/* seconds: 0 for the row's own end, else so many from now; an issuer gives no serial twice */
static void issue(int index, int64_t serial, long seconds)
{
	const struct pki_row *row = &pki_rows[index];
	int issuer_index = find_row(row->issuer);
	EVP_PKEY *key = make_key(row->key);
	X509 *certificate = X509_new(), *issuer;
	X509_NAME *subject;
	const char *common_name = or_usual(row->common_name, row->name);

	if (!key || !certificate)
		die("key", row->name);
	keys[index] = key;
	certificates[index] = certificate;
	issuer = certificates[issuer_index];
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), serial);
	subject = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
				   (const unsigned char *)"Linewarden tests", -1, -1, 0);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
				   (const unsigned char *)common_name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_set_pubkey(certificate, key);
	ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate),
				  or_usual(row->not_before, "20250101000000Z"));
	ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate),
				  or_usual(row->not_after, "20450101000000Z"));
	if (seconds)
		X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
	add_extensions(row, certificate, issuer);
	if (!X509_sign(certificate, keys[issuer_index], EVP_sha256()))
		die("signature", row->name);
}

static void write_row(const char *dir, int index)
{
	FILE *file = open_file(dir, pki_rows[index].name, ".key", true);

	if (!PEM_write_PrivateKey(file, keys[index], NULL, NULL, 0, NULL, NULL) || fclose(file))
		die("write", pki_rows[index].name);
	file = open_file(dir, pki_rows[index].name, ".pem", true);
	for (int i = index;; i = find_row(pki_rows[i].issuer)) {
		bool self_issued = strcmp(pki_rows[i].issuer, pki_rows[i].name) == 0;

		if (self_issued && i != index)
			break;
		if (!PEM_write_X509(file, certificates[i]))
			die("write", pki_rows[index].name);
		if (self_issued || pki_rows[index].ca)
			break;
	}
	if (fclose(file))
		die("write", pki_rows[index].name);
}

/* an authority that was made by an earlier run */
static void read_row(const char *dir, int index)
{
	FILE *file = open_file(dir, pki_rows[index].name, ".key", false);

	keys[index] = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	file = open_file(dir, pki_rows[index].name, ".pem", false);
	certificates[index] = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (!keys[index] || !certificates[index])
		die("not readable", pki_rows[index].name);
}

static void free_row(int index)
{
	X509_free(certificates[index]);
	EVP_PKEY_free(keys[index]);
	certificates[index] = NULL;
	keys[index] = NULL;
}

static void issue_many(const char *dir, int index, long count)
{
	int64_t serial = (int64_t)time(NULL) * 1000000;
	FILE *file;
	char name[64];

	snprintf(name, sizeof(name), "%s-many", pki_rows[index].name);
	/* .key's mode: there are keys in it */
	file = open_file(dir, name, ".key", true);
	for (long i = 0; i < count; i++) {
		issue(index, serial + i, 0);
		if (!PEM_write_X509(file, certificates[index]) ||
		    !PEM_write_PrivateKey(file, keys[index], NULL, NULL, 0, NULL, NULL))
			die("write", name);
		free_row(index);
	}
	if (fclose(file))
		die("write", name);
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: mkpki DIR [NAME SECONDS|xCOUNT]\n");
		return 2;
	}
	if (mkdir(argv[1], 0755) < 0 && errno != EEXIST)
		die(strerror(errno), argv[1]);
	if (argc == 4) {
		int index = find_row(argv[2]);

		read_row(argv[1], find_row(pki_rows[index].issuer));
		if (*argv[3] == 'x') {
			issue_many(argv[1], index, atol(argv[3] + 1));
		} else {
			issue(index, (int64_t)time(NULL) * 100 + index, atol(argv[3]));
			write_row(argv[1], index);
		}
	}
	for (int i = 0; argc == 2 && pki_rows[i].name; i++) {
		issue(i, i + 1, 0);
		write_row(argv[1], i);
	}
	for (int i = 0; i < MAX_ROWS; i++)
		free_row(i);
	return 0;
}
