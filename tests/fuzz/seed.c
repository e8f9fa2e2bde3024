// SPDX-License-Identifier: Apache-2.0
/*
 * seed PKI OUT: writes the seeds of all targets into OUT. PKI is what tests/pki/mkpki wrote.
 */
#include "tests/fuzz/seed.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *seed_pki, *seed_out;

static void seed_die(const char *what)
{
	fprintf(stderr, "seed: %s: %s\n", what, strerror(errno));
	exit(1);
}

void seed_add(struct seed *seed, const void *bytes, size_t len)
{
	if (len > sizeof(seed->bytes) - seed->len) {
		errno = ENOSPC;
		seed_die("a seed");
	}
	if (len)
		memcpy(seed->bytes + seed->len, bytes, len);
	seed->len += len;
}

void seed_add_text(struct seed *seed, const char *text)
{
	seed_add(seed, text, strlen(text));
}

void seed_add_certificate(struct seed *seed, X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	if (len < 0) {
		errno = EINVAL;
		seed_die("a certificate");
	}
	seed_add(seed, der, (size_t)len);
	OPENSSL_free(der);
}

void seed_begin(struct seed *seed, const void *head, size_t size)
{
	seed->len = 0;
	seed_add(seed, head, size);
}

void seed_write(const struct seed *seed, const char *target, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", seed_out, target);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		seed_die(path);
	snprintf(path, sizeof(path), "%s/%s/%s", seed_out, target, name);

	FILE *file = fopen(path, "wb");

	if (!file || fwrite(seed->bytes, 1, seed->len, file) != seed->len || fclose(file))
		seed_die(path);
}

static int seed_is_pem(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".pem") == 0;
}

void seed_each_issued(void (*take)(const char *name, const char *text, size_t len))
{
	static char text[64 * 1024];
	struct dirent **entries;
	int count = scandir(seed_pki, &entries, seed_is_pem, alphasort);

	if (count < 0)
		seed_die(seed_pki);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", seed_pki, entries[i]->d_name);

		FILE *file = fopen(path, "rb");

		if (!file)
			seed_die(path);
		take(entries[i]->d_name, text, fread(text, 1, sizeof(text), file));
		fclose(file);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: seed PKI OUT\n");
		return 2;
	}
	seed_pki = argv[1];
	seed_out = argv[2];
	if (mkdir(seed_out, 0755) < 0 && errno != EEXIST)
		seed_die(seed_out);
	seed_chain();
	seed_store();
	seed_name();
	seed_config();
	seed_message();
	seed_ktls();
	return 0;
}
