// SPDX-License-Identifier: Apache-2.0
#include "userspace/session_bytes.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/asn1.h>

#include "policy/cleanup.h"
#include "userspace/session_store.h"

#define SESSION_CHAIN_MAX 16 /* beside the peer's own */
#define SESSION_PEER_TAG 3 /* of SSL_SESSION_ASN1: the certificate that the peer has sent */

DEFINE_CLEANUP(SSL_SESSION *, SSL_SESSION_free);

static void session_free_chain(STACK_OF(X509) **chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

/* Goes over one element, up to end. false: there is none, or its length is not known. */
static bool session_skip(const uint8_t **at, const uint8_t *end, int *class, int *tag)
{
	long len;
	int form = ASN1_get_object(at, &len, tag, class, end - *at);

	/* an error, or BER's indefinite length */
	if (form & 0x80 || form & 1)
		return false;
	*at += len;
	return true;
}

/* Takes the peer's certificate out of what i2d_SSL_SESSION() made. The new length; -EBADMSG. */
static long session_drop_peer(uint8_t *der, long der_len)
{
	const uint8_t *content = der, *end, *element, *at;
	uint8_t *to = der;
	int class = 0, tag = 0;
	long len;

	if (ASN1_get_object(&content, &len, &tag, &class, der_len) != V_ASN1_CONSTRUCTED ||
	    class != V_ASN1_UNIVERSAL || tag != V_ASN1_SEQUENCE || content + len != der + der_len)
		return -EBADMSG;
	end = content + len;
	for (at = element = content; at < end; element = at) {
		if (!session_skip(&at, end, &class, &tag))
			return -EBADMSG;
		if (class == V_ASN1_CONTEXT_SPECIFIC && tag == SESSION_PEER_TAG)
			break;
	}
	/* the shorter content has no longer header: nothing is written over before it is moved */
	ASN1_put_object(&to, 1, (int)(len - (at - element)), V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	memmove(to, content, (size_t)(element - content));
	to += element - content;
	memmove(to, at, (size_t)(end - at));
	to += end - at;
	return to - der;
}

static bool session_put(X509 *certificate, uint8_t **at, const uint8_t *end)
{
	int len = i2d_X509(certificate, NULL);

	return len > 0 && len <= end - *at && i2d_X509(certificate, at) == len;
}

long session_bytes_pack(SSL_SESSION *session, X509 *leaf, STACK_OF(X509) *chain, uint8_t *out)
{
	const uint8_t *end = out + SESSION_STORE_DATA_MAX;
	uint8_t *der = out + sizeof(uint32_t), *at = der;
	int len = i2d_SSL_SESSION(session, NULL), i;
	uint32_t session_len;
	long dropped;

	if (len <= 0 || len > end - der)
		return -EMSGSIZE;
	i2d_SSL_SESSION(session, &at);
	dropped = session_drop_peer(der, len);
	if (dropped < 0)
		return dropped;
	session_len = (uint32_t)dropped;
	memcpy(out, &session_len, sizeof(session_len));
	at = der + dropped;
	if (leaf && !session_put(leaf, &at, end))
		return -EMSGSIZE;
	for (i = 0; i < sk_X509_num(chain) && i < SESSION_CHAIN_MAX; i++)
		if (!session_put(sk_X509_value(chain, i), &at, end))
			return -EMSGSIZE;
	return at - out;
}

static STACK_OF(X509) *session_read_chain(const uint8_t *at, const uint8_t *end,
					  OSSL_LIB_CTX *library)
{
	_cleanup_(session_free_chain) STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *next;

	while (chain && at < end) {
		next = X509_new_ex(library, NULL);
		if (!next || !d2i_X509(&next, &at, end - at) || !sk_X509_push(chain, next)) {
			X509_free(next);
			return NULL;
		}
	}
	return TAKE_PTR(chain);
}

SSL_SESSION *session_bytes_unpack(const uint8_t *data, size_t len, OSSL_LIB_CTX *library,
				  STACK_OF(X509) **chain)
{
	_cleanup_(cleanup_SSL_SESSION_free) SSL_SESSION *session = NULL;
	const uint8_t *at = data + sizeof(uint32_t);
	uint32_t session_len;

	*chain = NULL;
	if (len < sizeof(session_len))
		return NULL;
	memcpy(&session_len, data, sizeof(session_len));
	if (session_len > len - sizeof(session_len))
		return NULL;
	session = d2i_SSL_SESSION(NULL, &at, (long)session_len);
	if (session)
		*chain = session_read_chain(data + sizeof(session_len) + session_len, data + len,
					    library);
	return *chain ? TAKE_PTR(session) : NULL;
}
