// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/tcs.h"
#include "tools/tool.h"
#include "userspace/fd.h"
#include "userspace/trust_report.h"

DEFINE_CLEANUP(BIO *, BIO_free);

/* what one run has added: the next file may hold it again */
struct tcs_adding {
	const struct tcs *tcs;
	char (*added)[TEXT_SHA256_MAX];
	size_t added_count;
	int folder_fd;
};

static void tcs_adding_release(struct tcs_adding *adding)
{
	free(adding->added);
	if (adding->folder_fd >= 0)
		close(adding->folder_fd);
}

/* The name of the file that has an item; NULL where none does. */
static const char *tcs_holder(const struct tcs *tcs, const char fingerprint[TEXT_SHA256_MAX])
{
	char other[TEXT_SHA256_MAX];
	size_t i, k;

	for (i = 0; i < tcs->count; i++)
		for (k = 0; k < tcs_item_count(&tcs->files[i].read); k++)
			if (tcs_fingerprint(tcs_item(&tcs->files[i].read, k), other) &&
			    !strcmp(other, fingerprint))
				return tcs->files[i].shown;
	return NULL;
}

static bool tcs_was_added(const struct tcs_adding *adding, const char *fingerprint)
{
	size_t i;

	for (i = 0; i < adding->added_count; i++)
		if (!strcmp(adding->added[i], fingerprint))
			return true;
	return false;
}

static int tcs_remember(struct tcs_adding *adding, const char fingerprint[TEXT_SHA256_MAX])
{
	void *added = reallocarray(adding->added, adding->added_count + 1, TEXT_SHA256_MAX);

	if (!added)
		return -ENOMEM;
	adding->added = added;
	memcpy(adding->added[adding->added_count++], fingerprint, TEXT_SHA256_MAX);
	return 0;
}

static int tcs_write_pem(int fd, struct tcs_item item)
{
	BIO *bio _cleanup_(cleanup_BIO_free) = BIO_new(BIO_s_mem());
	const char *bytes;
	char *data = NULL;
	long left;
	ssize_t n;

	if (!bio || (item.crl ? PEM_write_bio_X509_CRL(bio, item.crl) :
				PEM_write_bio_X509(bio, item.certificate)) != 1)
		return -ENOMEM;
	left = BIO_get_mem_data(bio, &data);
	for (bytes = data; left > 0; bytes += n, left -= n) {
		n = write(fd, bytes, (size_t)left);
		if (n < 0)
			return -errno;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Whole or not at all, also when the power goes; what has the name already stays. */
static int tcs_write(int folder_fd, const char *name, struct tcs_item item)
{
	char temporary[80];
	_cleanup_fd_ int fd = -1;
	int err;

	/* the daemon does not look at names with a dot in front */
	snprintf(temporary, sizeof(temporary), ".%s.%d", name, (int)getpid());
	fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = fchmod(fd, 0644) < 0 ? -errno : tcs_write_pem(fd, item);
	if (!err && renameat2(folder_fd, temporary, folder_fd, name, RENAME_NOREPLACE) < 0)
		err = -errno;
	if (err)
		unlinkat(folder_fd, temporary, 0);
	else if (fsync(folder_fd) < 0)
		err = -errno;
	return err;
}

/* What is out of date is added all the same: the clock of another host may differ. */
static void tcs_warn(const char *path, struct tcs_item item)
{
	struct trust_report report _cleanup_(trust_report_free) = { 0 };
	int64_t now = time(NULL);
	int err = item.crl ? trust_report_crl(&report, path, item.crl, now) :
			     trust_report_certificate(&report, path, item.certificate, now);

	if (!err && report.finding_count)
		fprintf(stderr, "linewarden: %s: note: %s\n", path, report.findings[0].text);
}

static int tcs_add_item(struct tcs_adding *adding, const char *path, struct tcs_item item)
{
	char fingerprint[TEXT_SHA256_MAX], what[TEXT_NAME_MAX + 32], name[32];
	const char *holder;
	int err;

	if (!tcs_fingerprint(item, fingerprint))
		return -ENOMEM;
	tcs_describe(item, what, sizeof(what));
	snprintf(name, sizeof(name), "%.16s%s.pem", fingerprint, item.crl ? ".crl" : "");
	holder = tcs_was_added(adding, fingerprint) ? name : tcs_holder(adding->tcs, fingerprint);
	if (holder) {
		fprintf(stderr, "linewarden: %s: %s is in the store already, as %s\n", path, what,
			holder);
		return -EEXIST;
	}
	err = tcs_write(adding->folder_fd, name, item);
	if (err) {
		fprintf(stderr, "linewarden: %s/%s: %s\n", adding->tcs->path, name, strerror(-err));
		return err;
	}
	printf("%s: %s, SHA-256 %.16s...\n", name, what, fingerprint);
	tcs_warn(path, item);
	return tcs_remember(adding, fingerprint);
}

/* Everything of a file that can be added is; the first failure is what counts. */
static int tcs_add_file(struct tcs_adding *adding, const char *path)
{
	struct trust_file file _cleanup_(trust_file_free) = { 0 };
	char why[STORE_ERROR_MAX] = "it is a folder";
	int err = trust_file_read(path, &file, why, sizeof(why)), one;
	size_t i;

	if (err) {
		fprintf(stderr, "linewarden: %s: %s; not added\n", path,
			err == -ENOMEM ? strerror(ENOMEM) : why);
		return err;
	}
	for (i = 0; i < tcs_item_count(&file); i++) {
		one = tcs_add_item(adding, path, tcs_item(&file, i));
		if (!err)
			err = one;
	}
	return err;
}

int tcs_add(const struct tcs *tcs, char **files, int count)
{
	struct tcs_adding adding _cleanup_(tcs_adding_release) = { .tcs = tcs };
	int i, status = TOOL_OK;

	adding.folder_fd = open(tcs->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (adding.folder_fd < 0) {
		fprintf(stderr, "linewarden: %s: %s\n", tcs->path, strerror(errno));
		return TOOL_FAILED;
	}
	for (i = 0; i < count; i++)
		if (tcs_add_file(&adding, files[i]))
			status = TOOL_FAILED;
	if (adding.added_count)
		tcs_remind();
	return status;
}
