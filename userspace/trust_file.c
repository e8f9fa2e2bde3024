// SPDX-License-Identifier: Apache-2.0
#include "userspace/trust_file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "policy/store.h"

DEFINE_CLEANUP(X509_CRL *, X509_CRL_free);
DEFINE_CLEANUP(BIO *, BIO_free);

static int trust_file_replace(struct file *bytes, BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);
	char *copy = len > 0 ? malloc((size_t)len) : NULL;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, (size_t)len);
	file_free(bytes);
	bytes->data = copy;
	bytes->len = (size_t)len;
	return 0;
}

/* Authorities publish revocation lists as DER, which stands for certificates in the store. */
static int trust_file_wrap_crl(struct file *bytes)
{
	const unsigned char *at = (const unsigned char *)bytes->data;
	_cleanup_(cleanup_X509_CRL_free) X509_CRL *crl =
		d2i_X509_CRL(NULL, &at, (long)bytes->len);
	_cleanup_(cleanup_BIO_free) BIO *bio = NULL;

	if (!crl || (const char *)at != bytes->data + bytes->len)
		return 0;
	bio = BIO_new(BIO_s_mem());
	if (!bio || PEM_write_bio_X509_CRL(bio, crl) != 1)
		return -ENOMEM;
	return trust_file_replace(bytes, bio);
}

int trust_file_read(const char *path, struct trust_file *out, char *why, size_t why_len)
{
	_cleanup_trust_file_ struct trust_file read = { 0 };
	int rc = file_read(path, STORE_BYTES_MAX, &read.bytes);

	if (rc == -ENOMEM || rc == -EISDIR)
		return rc;
	if (rc < 0) {
		snprintf(why, why_len, "%s", file_error(rc));
		return -EINVAL;
	}
	ERR_set_mark();
	rc = trust_file_wrap_crl(&read.bytes);
	ERR_pop_to_mark();
	if (rc == 0)
		rc = bundle_parse(read.bytes.data, read.bytes.len, STORE_CERTIFICATES_MAX,
				  &read.bundle, why, why_len);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EINVAL;
	*out = read;
	read = (struct trust_file){ 0 };
	return 0;
}

void trust_file_free(struct trust_file *file)
{
	file_free(&file->bytes);
	bundle_release(&file->bundle);
}

static int trust_names_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int trust_names_read(const char *folder, struct trust_names *names)
{
	int count = scandir(folder, &names->list, trust_names_visible, alphasort);

	if (count < 0)
		return -errno;
	names->count = count;
	return 0;
}

void trust_names_free(struct trust_names *names)
{
	for (int i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct trust_names){ 0 };
}
