// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cleanup.h"
#include "policy/san.h"

DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free);

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

/* as UTF-8, to be freed with OPENSSL_free(); NULL when there is none */
static unsigned char *san_common_name(X509 *certificate, struct san_list *out)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	unsigned char *text = NULL;
	int last = -1;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
		last = i;
	if (last < 0)
		return NULL;

	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last));
	int len = ASN1_STRING_to_UTF8(&text, value);

	if (len > 0) {
		out->common_name = text;
		out->common_name_len = (size_t)len;
	}
	return text;
}

int san_read(X509 *certificate, struct san_list *out)
{
	struct san_list list = { .present = false };
	int critical;
	GENERAL_NAMES *names _cleanup_(cleanup_GENERAL_NAMES_free) =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
	int count = sk_GENERAL_NAME_num(names);

	*out = (struct san_list){ .present = false };
	list.present = names || critical != -1;
	list.malformed = !names && list.present;
	list.entries = calloc(count > 0 ? (size_t)count : 1, sizeof(*list.entries));
	if (!list.entries)
		return -ENOMEM;
	for (int i = 0; i < count; i++)
		san_add(sk_GENERAL_NAME_value(names, i), &list);

	unsigned char *common_name = san_common_name(certificate, &list);
	int err = san_copy(&list, out);

	OPENSSL_free(common_name);
	free(list.entries);
	return err;
}

size_t san_size(const struct san_list *list)
{
	size_t size = list->count * sizeof(*list->entries) + list->common_name_len;

	for (size_t i = 0; i < list->count; i++)
		size += list->entries[i].len;
	return size;
}

static const uint8_t *san_put(uint8_t **at, const uint8_t *bytes, size_t len)
{
	uint8_t *put = *at;

	if (!bytes)
		return NULL;
	memcpy(put, bytes, len);
	*at += len;
	return put;
}

int san_copy(const struct san_list *from, struct san_list *out)
{
	size_t entries_size = from->count * sizeof(*from->entries);
	uint8_t *storage = calloc(1, san_size(from) + 1);

	*out = (struct san_list){ .present = false };
	if (!storage)
		return -ENOMEM;

	uint8_t *at = storage + entries_size;

	*out = *from;
	out->storage = storage;
	out->entries = (struct san_entry *)storage;
	for (size_t i = 0; i < from->count; i++) {
		out->entries[i] = from->entries[i];
		out->entries[i].bytes = san_put(&at, from->entries[i].bytes, from->entries[i].len);
	}
	out->common_name = san_put(&at, from->common_name, from->common_name_len);
	return 0;
}

void san_release(struct san_list *list)
{
	free(list->storage);
	*list = (struct san_list){ 0 };
}
