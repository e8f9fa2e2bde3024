// SPDX-License-Identifier: Apache-2.0
#include "userspace/tls_derive.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "userspace/hkdf.h"
#include "userspace/ktls_capture.h"

enum { DERIVE_FUNCTIONS_MAX = 16 };

static struct {
	const char *names[2];
	struct hkdf *hkdf;
} derive_digests[] = {
	{ .names = { "SHA2-256", "SHA256" } },
	{ .names = { "SHA2-384", "SHA384" } },
};

static OSSL_DISPATCH derive_functions[DERIVE_FUNCTIONS_MAX + 1];
static OSSL_FUNC_kdf_derive_fn *derive_base;

/* what libssl asks for: tls13_hkdf_expand(), tls13_generate_secret() */
struct derive_question {
	int mode;
	struct hkdf *hkdf;
	struct hkdf_bytes key, salt, label, context;
};

static struct hkdf *derive_digest(const OSSL_PARAM *param)
{
	const char *name;
	size_t i;

	if (OSSL_PARAM_get_utf8_string_ptr(param, &name) != 1)
		return NULL;
	for (i = 0; i < sizeof(derive_digests) / sizeof(derive_digests[0]); i++)
		if (!strcmp(name, derive_digests[i].names[0]) ||
		    !strcmp(name, derive_digests[i].names[1]))
			return derive_digests[i].hkdf;
	return NULL;
}

/* Where a value is to go: NULL for what is no string of bytes. */
static struct hkdf_bytes *derive_bytes(struct derive_question *question, const char *key)
{
	if (!strcmp(key, OSSL_KDF_PARAM_KEY))
		return &question->key;
	if (!strcmp(key, OSSL_KDF_PARAM_SALT))
		return &question->salt;
	if (!strcmp(key, OSSL_KDF_PARAM_LABEL))
		return &question->label;
	return strcmp(key, OSSL_KDF_PARAM_DATA) ? NULL : &question->context;
}

static bool derive_is_prefix(const OSSL_PARAM *param)
{
	static const char prefix[] = "tls13 ";

	return param->data_type == OSSL_PARAM_OCTET_STRING &&
	       param->data_size == sizeof(prefix) - 1 &&
	       !memcmp(param->data, prefix, sizeof(prefix) - 1);
}

static bool derive_take(struct derive_question *question, const OSSL_PARAM *param)
{
	struct hkdf_bytes *bytes = derive_bytes(question, param->key);

	if (bytes) {
		/* none, once, and not empty: all else is for others to understand */
		if (param->data_type != OSSL_PARAM_OCTET_STRING || !param->data ||
		    !param->data_size || bytes->bytes)
			return false;
		*bytes = (struct hkdf_bytes){ param->data, param->data_size };
		return true;
	}
	if (!strcmp(param->key, OSSL_KDF_PARAM_MODE))
		return param->data_type == OSSL_PARAM_INTEGER &&
		       OSSL_PARAM_get_int(param, &question->mode) == 1;
	if (!strcmp(param->key, OSSL_KDF_PARAM_DIGEST))
		return (question->hkdf = derive_digest(param));
	return !strcmp(param->key, OSSL_KDF_PARAM_PREFIX) && derive_is_prefix(param);
}

static bool derive_understand(struct derive_question *question, const OSSL_PARAM *params)
{
	bool prefixed = false;

	*question = (struct derive_question){ .mode = -1 };
	for (; params && params->key; params++) {
		if (!derive_take(question, params))
			return false;
		prefixed = prefixed || !strcmp(params->key, OSSL_KDF_PARAM_PREFIX);
	}
	return prefixed && question->hkdf && question->label.bytes;
}

static bool derive_answer(const struct derive_question *question, uint8_t *out, size_t len)
{
	switch (question->mode) {
	case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
		return question->key.bytes && !question->salt.bytes &&
		       !hkdf_expand_label(question->hkdf, question->key, question->label,
					  question->context, len, out);
	case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
		return !question->context.bytes && len == hkdf_len(question->hkdf) &&
		       !hkdf_extract(question->hkdf, question->salt, question->label,
				     question->key, out);
	default:
		return false;
	}
}

static void derive_tell(const OSSL_PARAM *params, const uint8_t *out, size_t len)
{
	const OSSL_PARAM *label = params ? OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_LABEL) : NULL;

	if (label && label->data_type == OSSL_PARAM_OCTET_STRING && label->data)
		ktls_capture_derived((struct hkdf_bytes){ label->data, label->data_size }, out, len);
}

/* All that libssl asks is in params; a context that was given something before is not asked here. */
static int derive(void *ctx, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
	struct derive_question question;
	int done = derive_understand(&question, params) && derive_answer(&question, out, len);

	if (!done)
		done = derive_base(ctx, out, len, params);
	/* whoever derived it: there may be no other way to have it */
	if (done > 0)
		derive_tell(params, out, len);
	return done;
}

void tls_derive_replace(OSSL_ALGORITHM *row)
{
	const OSSL_DISPATCH *function = row->implementation;
	size_t count = 0, i;

	for (; function->function_id && count < DERIVE_FUNCTIONS_MAX; function++) {
		derive_functions[count] = *function;
		if (function->function_id == OSSL_FUNC_KDF_DERIVE) {
			derive_base = OSSL_FUNC_kdf_derive(function);
			derive_functions[count].function = (void (*)(void))derive;
		}
		count++;
	}
	if (function->function_id || !derive_base)
		return;
	for (i = 0; i < sizeof(derive_digests) / sizeof(derive_digests[0]); i++)
		if (hkdf_new(derive_digests[i].names[0], &derive_digests[i].hkdf) < 0)
			return;
	row->implementation = derive_functions;
}
