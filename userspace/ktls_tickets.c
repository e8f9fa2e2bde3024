// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_tickets.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cleanup.h"

#define RECORD_HEADER 5
#define RECORD_TAG 16
#define RECORD_PLAIN_MAX 16384

struct ktls_tickets {
	SSL *ssl;
	BIO *in; /* belongs to ssl */
	EVP_CIPHER_CTX *cipher;
	uint8_t iv[KTLS_NONCE_LEN];
	uint64_t seq;
};

static int tickets_set_key(struct ktls_tickets *tickets, const struct ktls_crypto *crypto,
			   const struct ktls_keys *keys)
{
	const struct ktls_cipher *suite = keys->cipher;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suite->aead->name, NULL);
	uint8_t key[KTLS_KEY_MAX];
	int err;

	err = ktls_crypto_expand_label(crypto, keys->rx.secret, suite->digest_len, "key",
				       suite->aead->key_len, key);
	if (!err)
		err = ktls_crypto_expand_label(crypto, keys->rx.secret, suite->digest_len, "iv",
					       sizeof(tickets->iv), tickets->iv);
	tickets->cipher = EVP_CIPHER_CTX_new();
	if (!err && (!cipher || !tickets->cipher ||
		     !EVP_EncryptInit_ex2(tickets->cipher, cipher, key, NULL, NULL)))
		err = -EIO;
	OPENSSL_cleanse(key, sizeof(key));
	EVP_CIPHER_free(cipher);
	return err;
}

int ktls_tickets_new(const struct ktls_crypto *crypto, SSL *ssl, const struct ktls_keys *keys,
		     struct ktls_tickets **out)
{
	struct ktls_tickets *tickets = calloc(1, sizeof(*tickets));
	BIO *sink = BIO_new(BIO_s_null());
	int err = -ENOMEM;

	if (!tickets || !sink) {
		SSL_free(ssl);
		goto fail;
	}
	tickets->ssl = ssl;
	tickets->seq = keys->rx.seq;
	err = -EINVAL;
	if (SSL_version(ssl) != TLS1_3_VERSION)
		goto fail;
	err = -ENOMEM;
	tickets->in = BIO_new(BIO_s_mem());
	if (!tickets->in)
		goto fail;
	BIO_set_mem_eof_return(tickets->in, -1);
	SSL_set0_rbio(ssl, tickets->in);
	SSL_set0_wbio(ssl, TAKE_PTR(sink));
	err = tickets_set_key(tickets, crypto, keys);
	if (err)
		goto fail;
	*out = tickets;
	return 0;
fail:
	BIO_free(sink);
	ktls_tickets_free(tickets);
	return err;
}

/* RFC 8446 section 5.2, and 5.3 for the nonce: TLSInnerPlaintext is the data and its type. */
static int tickets_seal(struct ktls_tickets *tickets, const uint8_t *data, size_t len,
			uint8_t *record)
{
	static const uint8_t type = SSL3_RT_HANDSHAKE;
	size_t inner = len + 1, body = inner + RECORD_TAG;
	uint8_t nonce[KTLS_NONCE_LEN];
	int n, i;

	record[0] = SSL3_RT_APPLICATION_DATA;
	record[1] = TLS1_2_VERSION >> 8;
	record[2] = TLS1_2_VERSION & 0xff;
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	memcpy(nonce, tickets->iv, sizeof(nonce));
	for (i = 0; i < 8; i++)
		nonce[KTLS_NONCE_LEN - 1 - i] ^= (uint8_t)(tickets->seq >> 8 * i);
	tickets->seq++;
	if (!EVP_EncryptInit_ex2(tickets->cipher, NULL, NULL, nonce, NULL) ||
	    !EVP_EncryptUpdate(tickets->cipher, NULL, &n, record, RECORD_HEADER) ||
	    !EVP_EncryptUpdate(tickets->cipher, record + RECORD_HEADER, &n, data, (int)len) ||
	    !EVP_EncryptUpdate(tickets->cipher, record + RECORD_HEADER + len, &n, &type, 1) ||
	    !EVP_EncryptFinal_ex(tickets->cipher, record + RECORD_HEADER + inner, &n) ||
	    !EVP_CIPHER_CTX_ctrl(tickets->cipher, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG,
				 record + RECORD_HEADER + inner))
		return -EIO;
	return 0;
}

int ktls_tickets_feed(struct ktls_tickets *tickets, const uint8_t *record, size_t len)
{
	_cleanup_free_ uint8_t *sealed = NULL;
	size_t size = RECORD_HEADER + len + 1 + RECORD_TAG;
	char nothing;
	int ret;

	if (!len || len > RECORD_PLAIN_MAX)
		return -EPROTO;
	sealed = malloc(size);
	if (!sealed)
		return -ENOMEM;
	if (tickets_seal(tickets, record, len, sealed) ||
	    BIO_write(tickets->in, sealed, (int)size) != (int)size)
		return -EIO;
	ERR_clear_error();
	/* there is no data in it: it reads on until it would have to wait */
	ret = SSL_read(tickets->ssl, &nothing, 1);
	ret = ret <= 0 && SSL_get_error(tickets->ssl, ret) == SSL_ERROR_WANT_READ ? 0 : -EPROTO;
	ERR_clear_error();
	return ret;
}

void ktls_tickets_free(struct ktls_tickets *tickets)
{
	if (!tickets)
		return;
	/* a session whose SSL object ends otherwise counts as broken: ssl_clear_bad_session() */
	if (tickets->ssl)
		SSL_set_shutdown(tickets->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(tickets->ssl);
	EVP_CIPHER_CTX_free(tickets->cipher);
	OPENSSL_cleanse(tickets->iv, sizeof(tickets->iv));
	free(tickets);
}
