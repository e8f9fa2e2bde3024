// SPDX-License-Identifier: Apache-2.0
#include "userspace/tls_library.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#define LIBRARY_PROVIDER "certificates"
#define LIBRARY_ROWS_MAX 32

/* names as OSSL_ALGORITHM has them: "RSA:rsaEncryption:1.2.840..."; the first one is compared */
static const char *const library_signers[] = { "RSA", "RSA-PSS", "EC", "DSA", "ED25519", "ED448" };

/* beside those: keys of the key exchange, and the one of Finished (RFC 8446 section 4.4.4) */
static const char *const library_others[] = { "X25519", "HMAC" };

/*
 * The default provider's, in the default library context, which has it for as long as the process
 * lives; the rows are the same for each library.
 */
static OSSL_PROVIDER *library_base;
static CRYPTO_ONCE library_once = CRYPTO_ONCE_STATIC_INIT;
static OSSL_ALGORITHM library_decoders[LIBRARY_ROWS_MAX + 1];
static OSSL_ALGORITHM library_keys[LIBRARY_ROWS_MAX + 1];

static bool library_is_of(const OSSL_ALGORITHM *row, const char *const *names, size_t count)
{
	const size_t len = strcspn(row->algorithm_names, ":");
	size_t i;

	for (i = 0; i < count; i++)
		if (strlen(names[i]) == len && !strncmp(row->algorithm_names, names[i], len))
			return true;
	return false;
}

static bool library_signs(const OSSL_ALGORITHM *row)
{
	return library_is_of(row, library_signers,
			     sizeof(library_signers) / sizeof(*library_signers));
}

static bool library_wants_key(const OSSL_ALGORITHM *row)
{
	return library_signs(row) || library_is_of(row, library_others,
						   sizeof(library_others) / sizeof(*library_others));
}

static bool library_wants_decoder(const OSSL_ALGORITHM *row)
{
	return library_signs(row) && row->property_definition &&
	       strstr(row->property_definition, "input=der") &&
	       strstr(row->property_definition, "structure=SubjectPublicKeyInfo");
}

static void library_choose(int operation, bool (*wants)(const OSSL_ALGORITHM *),
			   OSSL_ALGORITHM rows[LIBRARY_ROWS_MAX + 1])
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all =
		OSSL_PROVIDER_query_operation(library_base, operation, &no_cache);
	size_t count = 0;

	for (; all && all->algorithm_names && count < LIBRARY_ROWS_MAX; all++)
		if (wants(all))
			rows[count++] = *all;
}

static void library_prepare(void)
{
	/* with FIPS, or providers of the operator's, it is not for us to choose */
	if (EVP_default_properties_is_fips_enabled(NULL) ||
	    !OSSL_PROVIDER_available(NULL, "default") || OSSL_PROVIDER_available(NULL, "fips"))
		return;
	library_base = OSSL_PROVIDER_load(NULL, "default");
	if (!library_base)
		return;
	library_choose(OSSL_OP_DECODER, library_wants_decoder, library_decoders);
	library_choose(OSSL_OP_KEYMGMT, library_wants_key, library_keys);
}

static const OSSL_ALGORITHM *library_query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_DECODER:
		return library_decoders;
	case OSSL_OP_KEYMGMT:
		return library_keys;
	case OSSL_OP_ENCODER:
	case OSSL_OP_STORE:
		return NULL;
	default:
		return OSSL_PROVIDER_query_operation(library_base, operation, no_cache);
	}
}

/* groups, and in later versions signature algorithms, of TLS: provider-base(7) */
static int library_capabilities(void *provider, const char *capability, OSSL_CALLBACK *each,
				void *arg)
{
	(void)provider;
	return OSSL_PROVIDER_get_capabilities(library_base, capability, each, arg);
}

/* The algorithms are the default provider's, and so is what they get as their provider. */
static int library_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
			const OSSL_DISPATCH **functions, void **provider)
{
	static const OSSL_DISPATCH own[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))library_query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))library_capabilities },
		{ 0, NULL },
	};

	(void)handle;
	(void)core;
	*functions = own;
	*provider = OSSL_PROVIDER_get0_provider_ctx(library_base);
	return 1;
}

int tls_library_new(struct tls_library *out)
{
	struct tls_library library = { 0 };

	*out = library;
	if (!CRYPTO_THREAD_run_once(&library_once, library_prepare))
		return -ENOMEM;
	if (!library_base)
		return 0;
	library.ctx = OSSL_LIB_CTX_new();
	if (library.ctx &&
	    OSSL_PROVIDER_add_builtin(library.ctx, LIBRARY_PROVIDER, library_init))
		library.provider = OSSL_PROVIDER_load(library.ctx, LIBRARY_PROVIDER);
	if (!library.provider) {
		OSSL_LIB_CTX_free(library.ctx);
		return -ENOMEM;
	}
	*out = library;
	return 0;
}

void tls_library_free(struct tls_library *library)
{
	if (library->provider)
		OSSL_PROVIDER_unload(library->provider);
	/* NULL is fine, and not the default one then */
	OSSL_LIB_CTX_free(library->ctx);
	*library = (struct tls_library){ 0 };
}
