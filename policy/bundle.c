// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy/bundle.h"
#include "policy/cleanup.h"
#include "policy/text.h"

DEFINE_CLEANUP(BIO *, BIO_free);

struct bundle_parser {
	struct bundle *out;
	int max;
	int number; /* of the object being read, from 1 */
	char *error;
	size_t error_size;
};

static int __attribute__((format(printf, 3, 4)))
bundle_fail(const struct bundle_parser *parser, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (parser->error_size)
		vsnprintf(parser->error, parser->error_size, format, args);
	va_end(args);
	return err;
}

static int bundle_count(const struct bundle *bundle)
{
	return sk_X509_num(bundle->certificates) + sk_X509_CRL_num(bundle->crls);
}

/* adds one DER object and moves *at past it */
static int bundle_add(struct bundle_parser *parser, bool crl, const unsigned char **at, long len)
{
	if (bundle_count(parser->out) >= parser->max)
		return bundle_fail(parser, -E2BIG, "more than %d certificates", parser->max);

	if (crl) {
		X509_CRL *list = d2i_X509_CRL(NULL, at, len);

		if (!list)
			return bundle_fail(parser, -EBADMSG, "revocation list %d cannot be read",
					   parser->number);
		if (!sk_X509_CRL_push(parser->out->crls, list)) {
			X509_CRL_free(list);
			return -ENOMEM;
		}
		return 0;
	}

	X509 *certificate = d2i_X509(NULL, at, len);

	if (!certificate)
		return bundle_fail(parser, -EBADMSG, "certificate %d cannot be read",
				   parser->number);
	if (!sk_X509_push(parser->out->certificates, certificate)) {
		X509_free(certificate);
		return -ENOMEM;
	}
	return 0;
}

static bool bundle_is_crl(const unsigned char *at, long len)
{
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, len);

	X509_CRL_free(crl);
	return crl;
}

static bool bundle_is_certificate(const unsigned char *at, long len)
{
	X509 *certificate = d2i_X509(NULL, &at, len);

	X509_free(certificate);
	return certificate;
}

static int bundle_parse_der(struct bundle_parser *parser, const unsigned char *at, size_t len)
{
	const unsigned char *end = at + len;

	for (; at < end; parser->number++) {
		int err = bundle_add(parser, bundle_is_crl(at, end - at), &at, end - at);

		if (err)
			return err;
	}
	return 0;
}

static int bundle_add_block(struct bundle_parser *parser, const char *name,
			    const unsigned char *der, long len)
{
	bool crl = strcmp(name, PEM_STRING_X509_CRL) == 0;
	const unsigned char *at = der;

	if (!crl && strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0) {
		char kind[64];

		text_escape(name, strlen(name), kind, sizeof(kind));
		return bundle_fail(parser, -EBADMSG, "PEM block %d is a %s, not a certificate",
				   parser->number, kind);
	}

	int err = bundle_add(parser, crl, &at, len);

	if (!err && at != der + len)
		return bundle_fail(parser, -EBADMSG, "PEM block %d has more than a certificate",
				   parser->number);
	return err;
}

static int bundle_parse_pem(struct bundle_parser *parser, const void *bytes, size_t len)
{
	BIO *bio _cleanup_(cleanup_BIO_free) = BIO_new_mem_buf(bytes, (int)len);

	if (!bio)
		return -ENOMEM;
	for (;; parser->number++) {
		char *name = NULL, *header = NULL;
		unsigned char *der = NULL;
		long der_len = 0;

		if (PEM_read_bio(bio, &name, &header, &der, &der_len) != 1)
			break;

		int err = bundle_add_block(parser, name, der, der_len);

		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)der_len); /* it may be a misplaced private key */
		if (err)
			return err;
	}
	/* "no start line" is the end of the bytes; anything else is a broken block */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return bundle_fail(parser, -EBADMSG, "PEM block %d is broken", parser->number);
	return 0;
}

static int bundle_parse_any(struct bundle_parser *parser, const void *bytes, size_t len)
{
	static const char begin[] = "-----BEGIN ";

	parser->out->certificates = sk_X509_new_null();
	parser->out->crls = sk_X509_CRL_new_null();
	if (!parser->out->certificates || !parser->out->crls)
		return -ENOMEM;
	if (len > INT_MAX)
		return bundle_fail(parser, -E2BIG, "too many bytes");

	/* a certificate may hold the text of a PEM line: what is DER is not searched for it */
	bool first = bundle_is_certificate(bytes, (long)len) || bundle_is_crl(bytes, (long)len);
	bool der = first || !memmem(bytes, len, begin, sizeof(begin) - 1);

	if (!len || (der && !first && *(const unsigned char *)bytes != 0x30))
		return bundle_fail(parser, -EINVAL, "no certificate");

	int err = der ? bundle_parse_der(parser, bytes, len) : bundle_parse_pem(parser, bytes, len);

	if (!err && !bundle_count(parser->out))
		return bundle_fail(parser, -EINVAL, "no certificate");
	return err;
}

int bundle_parse(const void *bytes, size_t len, int max, struct bundle *out, char *error,
		 size_t error_size)
{
	struct bundle_parser parser = {
		.out = out,
		.max = max,
		.number = 1,
		.error = error,
		.error_size = error_size,
	};

	*out = (struct bundle){ 0 };
	if (error_size)
		snprintf(error, error_size, "out of memory");
	ERR_set_mark();

	int err = bundle_parse_any(&parser, bytes, len);

	ERR_pop_to_mark();
	if (err)
		bundle_release(out);
	else if (error_size)
		error[0] = '\0';
	return err;
}

void bundle_release(struct bundle *bundle)
{
	sk_X509_pop_free(bundle->certificates, X509_free);
	sk_X509_CRL_pop_free(bundle->crls, X509_CRL_free);
	*bundle = (struct bundle){ 0 };
}
