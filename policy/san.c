// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "policy/san.h"

/* everything that a list points into, freed as one */
struct san_storage {
	GENERAL_NAMES *names;
	unsigned char *common_name;
};

static void san_add(const GENERAL_NAME *name, struct san_list *out)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	struct san_entry *entry = &out->entries[out->count++];

	entry->kind = type == GEN_DNS	? SAN_DNS :
		      type == GEN_URI	? SAN_URI :
		      type == GEN_IPADD ? SAN_IP :
		      type == GEN_EMAIL ? SAN_EMAIL :
					  SAN_OTHER;
	if (entry->kind != SAN_OTHER) {
		entry->bytes = ASN1_STRING_get0_data(value);
		entry->len = (size_t)ASN1_STRING_length(value);
	}
}

static void san_read_common_name(X509 *certificate, struct san_storage *storage,
				 struct san_list *out)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int last = -1;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
		last = i;
	if (last < 0)
		return;

	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last));
	int len = ASN1_STRING_to_UTF8(&storage->common_name, value);

	if (len > 0) {
		out->common_name = storage->common_name;
		out->common_name_len = (size_t)len;
	}
}

int san_read(X509 *certificate, struct san_list *out)
{
	struct san_storage *storage = calloc(1, sizeof(*storage));
	int critical;

	*out = (struct san_list){ .storage = storage };
	if (!storage)
		return -ENOMEM;

	storage->names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
	out->present = storage->names || critical != -1;
	out->malformed = !storage->names && out->present;
	san_read_common_name(certificate, storage, out);

	int count = sk_GENERAL_NAME_num(storage->names);

	if (count <= 0)
		return 0;
	out->entries = calloc((size_t)count, sizeof(*out->entries));
	if (!out->entries) {
		san_release(out);
		return -ENOMEM;
	}
	for (int i = 0; i < count; i++)
		san_add(sk_GENERAL_NAME_value(storage->names, i), out);
	return 0;
}

void san_release(struct san_list *list)
{
	struct san_storage *storage = list->storage;

	if (storage) {
		GENERAL_NAMES_free(storage->names);
		OPENSSL_free(storage->common_name);
		free(list->entries);
		free(storage);
	}
	*list = (struct san_list){ 0 };
}
