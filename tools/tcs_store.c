// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "tools/tcs.h"

/* A sub-folder adds nothing. */
static int tcs_read(struct tcs *tcs, const char *path, const char *name)
{
	struct tcs_file *file = &tcs->files[tcs->count];
	int err = trust_file_read(path, &file->read, file->cause, sizeof(file->cause));

	if (err == -EISDIR)
		return 0;
	if (err == -ENOMEM)
		return err;
	file->name = strdup(name);
	if (!file->name) {
		trust_file_free(&file->read);
		return -ENOMEM;
	}
	text_escape(name, strlen(name), file->shown, sizeof(file->shown));
	tcs->count++;
	return 0;
}

static int tcs_read_folder(struct tcs *tcs)
{
	_cleanup_trust_names_ struct trust_names names = { 0 };
	int err = trust_names_read(tcs->path, &names), i;

	if (err)
		return err;
	tcs->folder = true;
	tcs->files = calloc((size_t)names.count + 1, sizeof(*tcs->files));
	if (!tcs->files)
		return -ENOMEM;
	for (i = 0; !err && i < names.count; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", tcs->path, names.list[i]->d_name) < 0)
			path = NULL;
		err = path ? tcs_read(tcs, path, names.list[i]->d_name) : -ENOMEM;
	}
	return err;
}

static int tcs_read_file(struct tcs *tcs)
{
	tcs->files = calloc(1, sizeof(*tcs->files));
	return tcs->files ? tcs_read(tcs, tcs->path, basename(tcs->path)) : -ENOMEM;
}

void tcs_remind(void)
{
	puts("A running daemon takes it up by itself (watch-files), or by `linewarden reload`.");
}

int tcs_open(char *path, struct tcs *tcs)
{
	int err;

	*tcs = (struct tcs){ .path = path };
	err = tcs_read_folder(tcs);
	if (err == -ENOTDIR)
		err = tcs_read_file(tcs);
	if (err)
		fprintf(stderr, "linewarden: %s: %s%s\n", path, strerror(-err),
			err == -ENOENT ? "; make the folder first" : "");
	return err;
}

void tcs_close(struct tcs *tcs)
{
	size_t i;

	for (i = 0; i < tcs->count; i++) {
		trust_file_free(&tcs->files[i].read);
		free(tcs->files[i].name);
	}
	free(tcs->files);
	free(tcs->path);
	*tcs = (struct tcs){ 0 };
}

size_t tcs_item_count(const struct trust_file *file)
{
	/* an empty bundle has no stacks, whose number is then -1 */
	if (!file->bundle.certificates)
		return 0;
	return (size_t)sk_X509_num(file->bundle.certificates) +
	       (size_t)sk_X509_CRL_num(file->bundle.crls);
}

struct tcs_item tcs_item(const struct trust_file *file, size_t index)
{
	int number = (int)index, certificates = sk_X509_num(file->bundle.certificates);

	if (number < certificates)
		return (struct tcs_item){ sk_X509_value(file->bundle.certificates, number), NULL };
	return (struct tcs_item){ NULL,
				  sk_X509_CRL_value(file->bundle.crls, number - certificates) };
}

bool tcs_fingerprint(struct tcs_item item, char out[TEXT_SHA256_MAX])
{
	uint8_t sha256[TRUST_SHA256];
	int done = item.crl ? X509_CRL_digest(item.crl, EVP_sha256(), sha256, NULL) :
			      X509_digest(item.certificate, EVP_sha256(), sha256, NULL);

	if (done == 1)
		text_hex(sha256, sizeof(sha256), out, TEXT_SHA256_MAX);
	return done == 1;
}

void tcs_describe(struct tcs_item item, char *out, size_t size)
{
	char name[TEXT_NAME_MAX];

	text_name(item.crl ? X509_CRL_get_issuer(item.crl) :
			     X509_get_subject_name(item.certificate),
		  name, sizeof(name));
	snprintf(out, size, "%s of %s", item.crl ? "revocation list" : "certificate", name);
}
