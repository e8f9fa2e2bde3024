// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "userspace/identity.h"
#include "userspace/identity_file.h"

DEFINE_CLEANUP(PKCS12 *, PKCS12_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);

static void pkcs12_free_stack(STACK_OF(X509) **stack)
{
	sk_X509_pop_free(*stack, X509_free);
}
#define _cleanup_stack_ _cleanup_(pkcs12_free_stack)

/* What OpenSSL has to say of a file that it cannot open, in an operator's words. */
static const char *pkcs12_cause(bool has_passphrase)
{
	const char *cause = "it cannot be decrypted; is it damaged?";
	unsigned long error;

	while ((error = ERR_get_error())) {
		int library = ERR_GET_LIB(error), reason = ERR_GET_REASON(error);

		if (library == ERR_LIB_PKCS12 && reason == PKCS12_R_MAC_VERIFY_FAILURE)
			cause = has_passphrase ? "this is not its passphrase" :
						 "it has a passphrase; write passphrase-file = "
						 "\"/path/to/file\"";
		if (reason == ERR_R_UNSUPPORTED ||
		    (library == ERR_LIB_EVP && (reason == EVP_R_UNSUPPORTED_ALGORITHM ||
						reason == EVP_R_UNKNOWN_PBE_ALGORITHM)))
			cause = "it is encrypted with an algorithm that OpenSSL keeps for old files "
				"alone, such as RC2-40; make it anew with `openssl pkcs12 -legacy "
				"-in OLD.p12 -nodes | openssl pkcs12 -export -out NEW.p12`";
	}
	return cause;
}

static int pkcs12_read(const char *path, PKCS12 **p12, char *why, size_t why_len)
{
	_cleanup_file_ struct file file = { 0 };
	int rc = identity_file_read_secret(path, "the private key", &file, why, why_len);
	const unsigned char *der = (const unsigned char *)file.data;

	if (rc < 0)
		return rc;
	*p12 = d2i_PKCS12(NULL, &der, (long)file.len);
	ERR_clear_error();
	if (*p12)
		return 0;
	snprintf(why, why_len, "%s: %s", path,
		 memmem(file.data, file.len, "-----BEGIN ", 11) ?
			 "it is PEM; name it as certificate and key" :
			 "there is no PKCS#12 in it");
	return -EINVAL;
}

/* The certificates of a file have no order: this is the issuers', as far as they are there. */
static int pkcs12_order(X509 *certificate, STACK_OF(X509) *found, STACK_OF(X509) *chain)
{
	for (int i = 0; i < sk_X509_num(found);) {
		X509 *next = sk_X509_value(found, i++);

		if (X509_check_issued(next, certificate) != X509_V_OK)
			continue;
		if (!sk_X509_push(chain, next))
			return -ENOMEM;
		sk_X509_delete(found, i - 1);
		certificate = next;
		i = 0;
	}
	return 0;
}

int identity_load_pkcs12(const char *path, const char *passphrase, time_t now,
			 struct identity *identity, char *why, size_t why_len)
{
	_cleanup_stack_ STACK_OF(X509) *found = NULL, *chain = sk_X509_new_null();
	_cleanup_(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	_cleanup_(cleanup_X509_free) X509 *certificate = NULL;
	_cleanup_(cleanup_PKCS12_free) PKCS12 *p12 = NULL;
	int rc = pkcs12_read(path, &p12, why, why_len);

	if (rc < 0)
		return rc;
	if (!chain)
		return -ENOMEM;
	ERR_clear_error();
	if (PKCS12_parse(p12, passphrase, &key, &certificate, &found) != 1) {
		snprintf(why, why_len, "%s: %s", path, pkcs12_cause(*passphrase));
		return -EINVAL;
	}
	ERR_clear_error();
	if (!key || !certificate) {
		snprintf(why, why_len, "%s: %s", path,
			 key ? "the private key in it belongs to none of its certificates" :
			       "there is no private key in it; export it with its key");
		return -EINVAL;
	}
	rc = identity_check_dates(path, certificate, now, why, why_len);
	if (rc == 0)
		rc = pkcs12_order(certificate, found, chain);
	if (rc == 0 && sk_X509_num(chain) > IDENTITY_CHAIN_MAX) {
		snprintf(why, why_len, "%s: its chain has more than %d certificates", path,
			 IDENTITY_CHAIN_MAX);
		rc = -EINVAL;
	}
	if (rc < 0)
		return rc;
	identity->certificate = TAKE_PTR(certificate);
	identity->chain_own = sk_X509_num(chain);
	identity->chain = TAKE_PTR(chain);
	identity->key = TAKE_PTR(key);
	return 0;
}
