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

#include "userspace/tls_derive.h"

#define LIBRARY_PROVIDER "certificates"
enum { LIBRARY_NAMES_MAX = 8, LIBRARY_ROWS_MAX = 32 };

/*
 * What is chosen of an operation. The rest of the default provider's is passed on as it is: what
 * certificates are signed by is for the policy to judge.
 */
struct library_operation {
	int id;
	/* first names as in OSSL_ALGORITHM: "RSA:rsaEncryption:1.2.840..." */
	const char *names[LIBRARY_NAMES_MAX + 1];
	const char *properties[2];
	OSSL_ALGORITHM rows[LIBRARY_ROWS_MAX + 1];
};

#define LIBRARY_SIGNERS "RSA", "RSA-PSS", "EC", "DSA", "ED25519", "ED448"

static struct library_operation library_operations[] = {
	{ .id = OSSL_OP_DECODER,
	  .names = { LIBRARY_SIGNERS },
	  .properties = { "input=der", "structure=SubjectPublicKeyInfo" } },
	/* the last two: of the key exchange, and of Finished (RFC 8446 section 4.4.4) */
	{ .id = OSSL_OP_KEYMGMT, .names = { LIBRARY_SIGNERS, "X25519", "HMAC" } },
	/* those of ktls_cipher.c, and the one of the random number generator */
	{ .id = OSSL_OP_CIPHER,
	  .names = { "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", "AES-256-CTR" } },
	{ .id = OSSL_OP_MAC, .names = { "HMAC" } },
	{ .id = OSSL_OP_KDF, .names = { "HKDF", "TLS13-KDF", "TLS1-PRF" } },
	{ .id = OSSL_OP_ENCODER },
	{ .id = OSSL_OP_STORE },
};

#define LIBRARY_OPERATION_COUNT (sizeof(library_operations) / sizeof(*library_operations))

/* The default provider, which the default library context has for as long as the process lives. */
static OSSL_PROVIDER *library_base;
static CRYPTO_ONCE library_once = CRYPTO_ONCE_STATIC_INIT;

static bool library_wants(const struct library_operation *operation, const OSSL_ALGORITHM *row)
{
	const size_t len = strcspn(row->algorithm_names, ":");
	size_t i;

	for (i = 0; i < 2; i++)
		if (operation->properties[i] &&
		    (!row->property_definition ||
		     !strstr(row->property_definition, operation->properties[i])))
			return false;
	for (i = 0; operation->names[i]; i++)
		if (strlen(operation->names[i]) == len &&
		    !OPENSSL_strncasecmp(row->algorithm_names, operation->names[i], len))
			return true;
	return false;
}

static void library_choose(struct library_operation *operation)
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all =
		OSSL_PROVIDER_query_operation(library_base, operation->id, &no_cache);
	size_t count = 0;

	for (; all && all->algorithm_names && count < LIBRARY_ROWS_MAX; all++)
		if (library_wants(operation, all))
			operation->rows[count++] = *all;
}

/* The chosen rows are copies; this one is not the default provider's as it is. */
static void library_replace_derivation(void)
{
	static const char name[] = "TLS13-KDF";
	size_t i, row;

	for (i = 0; i < LIBRARY_OPERATION_COUNT; i++)
		for (row = 0; library_operations[i].rows[row].algorithm_names; row++)
			if (!strncmp(library_operations[i].rows[row].algorithm_names, name,
				     sizeof(name) - 1))
				tls_derive_replace(&library_operations[i].rows[row]);
}

static void library_prepare(void)
{
	size_t i;

	/* with FIPS, or others' providers in place of it, it is not for us to choose */
	if (EVP_default_properties_is_fips_enabled(NULL) ||
	    !OSSL_PROVIDER_available(NULL, "default") || OSSL_PROVIDER_available(NULL, "fips"))
		return;
	library_base = OSSL_PROVIDER_load(NULL, "default");
	for (i = 0; library_base && i < LIBRARY_OPERATION_COUNT; i++)
		library_choose(&library_operations[i]);
	library_replace_derivation();
}

static const OSSL_ALGORITHM *library_query(void *provider, int operation, int *no_cache)
{
	size_t i;

	(void)provider;
	*no_cache = 0;
	for (i = 0; i < LIBRARY_OPERATION_COUNT; i++)
		if (library_operations[i].id == operation)
			return library_operations[i].rows;
	return OSSL_PROVIDER_query_operation(library_base, operation, no_cache);
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
