// SPDX-License-Identifier: Apache-2.0
#include "userspace/identity.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/cleanup.h"
#include "userspace/identity_file.h"

DEFINE_CLEANUP(BIO *, BIO_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);

/* Whether the PEM reader stopped because there is nothing more, not at something broken. */
static bool identity_pem_ended(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

int identity_check_dates(const char *path, const X509 *certificate, time_t now, char *why,
			 size_t why_len)
{
	/* -2 is a time that cannot be read: neither of these is then in date */
	if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), now) < 0) {
		snprintf(why, why_len, "%s: the certificate has expired; renew it", path);
		return -EINVAL;
	}
	if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), now) != 0 &&
	    ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), now) != -1) {
		snprintf(why, why_len,
			 "%s: the certificate is not valid yet; is this host's clock right?", path);
		return -EINVAL;
	}
	return 0;
}

/* What follows the identity in its file. */
static int identity_read_chain(const char *path, BIO *bio, STACK_OF(X509) *chain, char *why,
			       size_t why_len)
{
	X509 *next;

	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (!sk_X509_push(chain, next)) {
			X509_free(next);
			return -ENOMEM;
		}
		if (sk_X509_num(chain) > IDENTITY_CHAIN_MAX) {
			snprintf(why, why_len, "%s: more than %d certificates follow the first",
				 path, IDENTITY_CHAIN_MAX);
			return -EINVAL;
		}
	}
	if (!identity_pem_ended()) {
		snprintf(why, why_len, "%s: certificate %d cannot be read", path,
			 sk_X509_num(chain) + 2);
		return -EINVAL;
	}
	return 0;
}

static void identity_chain_free(STACK_OF(X509) **chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

int identity_load_certificate(const char *path, time_t now, struct identity *identity, char *why,
			      size_t why_len)
{
	_cleanup_(identity_chain_free) STACK_OF(X509) *chain = sk_X509_new_null();
	_cleanup_(cleanup_X509_free) X509 *certificate = NULL;
	_cleanup_(cleanup_BIO_free) BIO *bio = NULL;
	_cleanup_file_ struct file file = { 0 };
	int rc = identity_file_read(path, &file, why, why_len);

	if (rc < 0)
		return rc;
	bio = BIO_new_mem_buf(file.data, (int)file.len);
	if (!bio || !chain)
		return -ENOMEM;
	ERR_clear_error();
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!certificate) {
		snprintf(why, why_len, "%s: %s", path,
			 identity_pem_ended() ? "there is no PEM certificate in it" :
						"the first certificate cannot be read");
		ERR_clear_error();
		return -EINVAL;
	}
	rc = identity_read_chain(path, bio, chain, why, why_len);
	ERR_clear_error();
	if (rc == 0)
		rc = identity_check_dates(path, certificate, now, why, why_len);
	if (rc < 0)
		return rc;
	identity->certificate = TAKE_PTR(certificate);
	identity->chain_own = sk_X509_num(chain);
	identity->chain = TAKE_PTR(chain);
	return 0;
}

/* A daemon has nobody to ask. */
static int identity_no_passphrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

int identity_load_key(const char *path, struct identity *identity, char *why, size_t why_len)
{
	_cleanup_(cleanup_EVP_PKEY_free) EVP_PKEY *key = NULL;
	_cleanup_(cleanup_BIO_free) BIO *bio = NULL;
	_cleanup_file_ struct file file = { 0 };
	bool passphrase = false;
	int rc = identity_file_read_secret(path, "the private key", &file, why, why_len);

	if (rc < 0)
		return rc;
	bio = BIO_new_mem_buf(file.data, (int)file.len);
	if (!bio)
		return -ENOMEM;
	key = PEM_read_bio_PrivateKey(bio, NULL, identity_no_passphrase, &passphrase);
	ERR_clear_error();
	if (!key) {
		snprintf(why, why_len, "%s: %s", path,
			 passphrase ? "the key has a passphrase; remove it with openssl pkey" :
				      "there is no PEM private key in it that can be read");
		return -EINVAL;
	}
	rc = X509_check_private_key(identity->certificate, key);
	ERR_clear_error();
	if (rc != 1) {
		snprintf(why, why_len, "%s: this is not the key of the identity certificate", path);
		return -EINVAL;
	}
	identity->key = TAKE_PTR(key);
	return 0;
}

void identity_free(struct identity *identity)
{
	X509_free(identity->certificate);
	sk_X509_pop_free(identity->chain, X509_free);
	EVP_PKEY_free(identity->key);
	*identity = (struct identity){ 0 };
}
