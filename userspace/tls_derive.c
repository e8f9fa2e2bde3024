// SPDX-License-Identifier: Apache-2.0
#include "userspace/tls_derive.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "userspace/ktls_capture.h"

enum { DERIVE_FUNCTIONS_MAX = 16 };

static OSSL_DISPATCH derive_functions[DERIVE_FUNCTIONS_MAX + 1];
static OSSL_FUNC_kdf_derive_fn *derive_base;

static void derive_tell(const OSSL_PARAM *params, const uint8_t *out, size_t len)
{
	const OSSL_PARAM *label = params ? OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_LABEL) : NULL;

	if (label && label->data_type == OSSL_PARAM_OCTET_STRING && label->data)
		ktls_capture_derived(label->data, label->data_size, out, len);
}

static int derive(void *ctx, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
	const int done = derive_base(ctx, out, len, params);

	if (done > 0)
		derive_tell(params, out, len);
	return done;
}

void tls_derive_replace(OSSL_ALGORITHM *row)
{
	const OSSL_DISPATCH *function = row->implementation;
	size_t count = 0;

	for (; function->function_id && count < DERIVE_FUNCTIONS_MAX; function++) {
		derive_functions[count] = *function;
		if (function->function_id == OSSL_FUNC_KDF_DERIVE) {
			derive_base = OSSL_FUNC_kdf_derive(function);
			derive_functions[count].function = (void (*)(void))derive;
		}
		count++;
	}
	if (!function->function_id && derive_base)
		row->implementation = derive_functions;
}
