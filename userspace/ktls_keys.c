// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls_keys.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/tls.h>
#include <openssl/crypto.h>

_Static_assert(KTLS_KEY_MAX + KTLS_NONCE_LEN <= KTLS_SECRET_MAX,
	       "a TLS 1.2 key and its fixed IV do not fit into a half");

int ktls_ctx_prepare(SSL_CTX *ctx)
{
	/*
	 * Read ahead, OpenSSL would take data that follows the peer's Finished out of the
	 * socket, where the kernel then misses them.
	 */
	SSL_CTX_set_read_ahead(ctx, 0);
	SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_KTLS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	return ktls_capture_start(ctx);
}

int ktls_ctx_set_ciphers(SSL_CTX *ctx, unsigned int aeads13, unsigned int aeads12)
{
	char tls13[KTLS_NAMES_MAX] = "", tls12[KTLS_NAMES_MAX] = "";
	int no13 = ktls_cipher_names(TLS1_3_VERSION, aeads13, sizeof(tls13), tls13);
	int no12 = ktls_cipher_names(TLS1_2_VERSION, aeads12, sizeof(tls12), tls12);

	if (no13 && no12)
		return -ENOTSUP;
	/* An empty list is valid for TLS 1.3 but not for TLS 1.2, hence the versions. */
	if (!SSL_CTX_set_ciphersuites(ctx, tls13) ||
	    (!no12 && !SSL_CTX_set_cipher_list(ctx, tls12)) ||
	    !SSL_CTX_set_min_proto_version(ctx, no12 ? TLS1_3_VERSION : TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx, no13 ? TLS1_2_VERSION : TLS1_3_VERSION))
		return -EINVAL;
	return 0;
}

void ktls_keys_wipe(struct ktls_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

static int half_from_secret(const struct ktls_cipher *cipher, const struct ktls_secret *secret,
			    struct ktls_half *half)
{
	if (secret->len != cipher->digest_len)
		return -ENODATA;
	memcpy(half->secret, secret->bytes, secret->len);
	return 0;
}

static int keys_from_tls13(const struct ktls_capture *capture, bool is_server,
			   struct ktls_keys *keys)
{
	struct ktls_half *server = is_server ? &keys->tx : &keys->rx;
	struct ktls_half *client = is_server ? &keys->rx : &keys->tx;
	int r = half_from_secret(keys->cipher, &capture->client, client);

	if (!r)
		r = half_from_secret(keys->cipher, &capture->server, server);
	/* A server's NewSessionTickets went out under the key that the kernel now gets. */
	keys->tx.seq = capture->tx_after_finished;
	return r;
}

/* RFC 5246 section 6.3: client key, server key, client fixed IV, server fixed IV; no MAC keys */
static void halves_from_block(const struct ktls_aead *aead, const uint8_t *block,
			      struct ktls_half *client, struct ktls_half *server)
{
	size_t key = aead->key_len;
	size_t iv = KTLS_NONCE_LEN - aead->explicit_len;

	memcpy(client->secret, block, key);
	memcpy(server->secret, block + key, key);
	memcpy(client->secret + key, block + 2 * key, iv);
	memcpy(server->secret + key, block + 2 * key + iv, iv);
}

static int block_from_ssl(const struct ktls_crypto *crypto, const SSL *ssl, const char *digest,
			  size_t len, uint8_t *block)
{
	uint8_t master[SSL_MAX_MASTER_KEY_LENGTH];
	uint8_t server[SSL3_RANDOM_SIZE], client[SSL3_RANDOM_SIZE];
	size_t master_len = SSL_SESSION_get_master_key(SSL_get_session(ssl), master,
						       sizeof(master));
	int r = -ENODATA;

	if (master_len && SSL_get_server_random(ssl, server, sizeof(server)) == sizeof(server) &&
	    SSL_get_client_random(ssl, client, sizeof(client)) == sizeof(client))
		r = ktls_crypto_key_block(crypto, digest, master, master_len, server, client, len,
					  block);
	OPENSSL_cleanse(master, sizeof(master));
	return r;
}

/*
 * The kernel counts explicit nonces up from the one it is given. OpenSSL has drawn a random
 * one for its Finished; going on behind it, as OpenSSL itself would, none comes twice in 2^64
 * records (RFC 5288 section 3: "MUST NOT reuse"). A nonce drawn anew might.
 */
static int next_nonce(const struct ktls_capture *capture, uint64_t *nonce)
{
	int r = ktls_wire_nonce(&capture->wire, nonce);

	if (!r)
		(*nonce)++;
	return r;
}

static int keys_from_tls12(const struct ktls_crypto *crypto, const SSL *ssl,
			   const struct ktls_capture *capture, struct ktls_keys *keys)
{
	const struct ktls_aead *aead = keys->cipher->aead;
	bool is_server = SSL_is_server(ssl);
	uint8_t block[2 * (KTLS_KEY_MAX + KTLS_NONCE_LEN)];
	size_t len = 2 * (size_t)(aead->key_len + KTLS_NONCE_LEN - aead->explicit_len);

	/* Finished is the last record of a TLS 1.2 handshake, and the first under its key. */
	if (capture->tx_after_finished)
		return -EPROTO;
	keys->tx.seq = 1;
	keys->rx.seq = 1;

	int r = block_from_ssl(crypto, ssl, keys->cipher->digest, len, block);
	if (!r)
		halves_from_block(aead, block, is_server ? &keys->rx : &keys->tx,
				  is_server ? &keys->tx : &keys->rx);
	OPENSSL_cleanse(block, sizeof(block));
	if (!r && aead->explicit_len)
		r = next_nonce(capture, &keys->tx.nonce);
	return r;
}

/* Nothing may be left inside OpenSSL: the kernel would miss it, or count on without it. */
static int check_quiet(const SSL *ssl, const struct ktls_capture *capture)
{
	if (!capture || !SSL_is_init_finished(ssl))
		return -EINVAL;
	if (SSL_has_pending(ssl) || capture->rx_after_finished ||
	    ktls_wire_in_record(&capture->wire) || capture->wire.records < capture->tx_records)
		return -EBUSY;
	if (!capture->tx_finished || !capture->rx_finished ||
	    capture->wire.records != capture->tx_records)
		return -EPROTO;
	return 0;
}

/* The length that a client peer has asked for; 0 where it has not. */
static uint16_t max_fragment(const SSL *ssl)
{
	uint8_t code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));

	/* RFC 6066 section 4: 1 is 2^9 bytes, 4 is 2^12 */
	if (code < TLSEXT_max_fragment_length_512 || code > TLSEXT_max_fragment_length_4096)
		return 0;
	return (uint16_t)(256U << code);
}

static int keys_take(const struct ktls_crypto *crypto, const SSL *ssl, struct ktls_keys *keys)
{
	const struct ktls_capture *capture = ktls_capture_get(ssl);
	int r = check_quiet(ssl, capture);

	if (r)
		return r;
	keys->cipher = ktls_cipher_find((uint16_t)SSL_version(ssl),
					SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
	if (!keys->cipher)
		return -ENOTSUP;
	keys->max_fragment = max_fragment(ssl);
	if (keys->cipher->version == TLS1_3_VERSION)
		return keys_from_tls13(capture, SSL_is_server(ssl), keys);
	return keys_from_tls12(crypto, ssl, capture, keys);
}

int ktls_keys_from_ssl(const struct ktls_crypto *crypto, const SSL *ssl, struct ktls_keys *keys)
{
	memset(keys, 0, sizeof(*keys));

	int r = keys_take(crypto, ssl, keys);
	if (r)
		ktls_keys_wipe(keys);
	return r;
}

/* RFC 8446 section 7.3, or what the key block said */
static int derive_key(const struct ktls_crypto *crypto, const struct ktls_cipher *cipher,
		      const struct ktls_half *half, uint8_t *key, uint8_t *nonce)
{
	const struct ktls_aead *aead = cipher->aead;

	if (cipher->version == TLS1_3_VERSION) {
		int r = ktls_crypto_expand_label(crypto, half->secret, cipher->digest_len, "key",
						 aead->key_len, key);
		return r ? r : ktls_crypto_expand_label(crypto, half->secret, cipher->digest_len,
							"iv", KTLS_NONCE_LEN, nonce);
	}

	size_t fixed = KTLS_NONCE_LEN - aead->explicit_len;
	uint64_t explicit_nonce = htobe64(half->nonce);

	memcpy(key, half->secret, aead->key_len);
	memcpy(nonce, half->secret + aead->key_len, fixed);
	memcpy(nonce + fixed, &explicit_nonce, aead->explicit_len);
	return 0;
}

int ktls_keys_info(const struct ktls_crypto *crypto, const struct ktls_cipher *cipher,
		   const struct ktls_half *half, uint8_t info[KTLS_INFO_MAX])
{
	const struct ktls_aead *aead = cipher->aead;
	const struct tls_crypto_info head = { cipher->version, aead->type };
	uint64_t seq = htobe64(half->seq);
	uint8_t nonce[KTLS_NONCE_LEN];

	memset(info, 0, KTLS_INFO_MAX);
	memcpy(info, &head, sizeof(head));

	int r = derive_key(crypto, cipher, half, info + aead->key_at, nonce);
	if (!r) {
		memcpy(info + aead->salt_at, nonce, aead->salt_len);
		memcpy(info + aead->iv_at, nonce + aead->salt_len, aead->iv_len);
		memcpy(info + aead->seq_at, &seq, sizeof(seq));
	}
	OPENSSL_cleanse(nonce, sizeof(nonce));
	return r;
}

int ktls_keys_update(const struct ktls_crypto *crypto, const struct ktls_cipher *cipher,
		     struct ktls_half *half)
{
	uint8_t next[KTLS_SECRET_MAX];

	if (cipher->version != TLS1_3_VERSION)
		return -EINVAL;

	int r = ktls_crypto_expand_label(crypto, half->secret, cipher->digest_len, "traffic upd",
					 cipher->digest_len, next);
	if (!r) {
		memcpy(half->secret, next, cipher->digest_len);
		half->seq = 0;
	}
	OPENSSL_cleanse(next, sizeof(next));
	return r;
}
