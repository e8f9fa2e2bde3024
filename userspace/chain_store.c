// SPDX-License-Identifier: Apache-2.0
#include "userspace/chain_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "userspace/fd.h"

#define CHAIN_NAME_LEN (2 * LW_CHAIN_LEN + 1) /* in hex with its NUL */
#define CHAIN_UNFINISHED "unfinished"
#define CHAIN_RESERVE_MAX (UINT64_C(64) << 20)

static void chain_name(const uint8_t name[LW_CHAIN_LEN], char out[CHAIN_NAME_LEN])
{
	size_t i;

	for (i = 0; i < LW_CHAIN_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", name[i]);
}

int chain_store_open(const char *run_path)
{
	char path[PATH_MAX];
	struct stat st;

	if (mkdir(run_path, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/chains", run_path);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* somebody else could put another peer's certificates there, once their hash was taken */
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return TAKE_FD(fd);
}

int chain_store_hash(const struct presented *presented, uint8_t out[LW_CHAIN_LEN])
{
	return EVP_Digest(presented->bytes, presented->len, out, NULL, EVP_sha256(), NULL) == 1 ?
		       0 :
		       -ENOMEM;
}

static int chain_check_space(int folder, size_t len)
{
	struct statvfs fs;
	uint64_t size, reserve;

	if (fstatvfs(folder, &fs) < 0)
		return -errno;
	/* some do not count what they have: ramfs */
	if (!fs.f_blocks)
		return 0;
	size = (uint64_t)fs.f_blocks * fs.f_frsize;
	reserve = size / 4 < CHAIN_RESERVE_MAX ? size / 4 : CHAIN_RESERVE_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize < reserve + len ? -ENOSPC : 0;
}

int chain_store_keep(int folder, const struct presented *presented,
		     const uint8_t name[LW_CHAIN_LEN])
{
	char text[CHAIN_NAME_LEN];
	_cleanup_fd_ int fd = -1;
	ssize_t n;
	int err;

	chain_name(name, text);
	if (faccessat(folder, text, F_OK, 0) == 0)
		return 0;
	err = chain_check_space(folder, presented->len);
	if (err)
		return err;
	unlinkat(folder, CHAIN_UNFINISHED, 0);
	fd = openat(folder, CHAIN_UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, presented->bytes, presented->len);
	if (n >= 0 && (size_t)n == presented->len &&
	    renameat(folder, CHAIN_UNFINISHED, folder, text) == 0)
		return 0;
	err = n < 0 || errno ? -errno : -ENOSPC;
	unlinkat(folder, CHAIN_UNFINISHED, 0);
	return err;
}

int chain_store_get(int folder, const uint8_t name[LW_CHAIN_LEN])
{
	_cleanup_(presented_free) struct presented presented = { 0 };
	uint8_t hash[LW_CHAIN_LEN];
	char text[CHAIN_NAME_LEN];
	_cleanup_fd_ int fd = -1;
	int err;

	chain_name(name, text);
	fd = openat(folder, text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = presented_read(fd, &presented);
	if (err)
		return err;
	err = chain_store_hash(&presented, hash);
	if (err)
		return err;
	if (memcmp(hash, name, sizeof(hash)) != 0)
		return -EBADMSG;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

void chain_store_drop(int folder, const uint8_t name[LW_CHAIN_LEN])
{
	char text[CHAIN_NAME_LEN];

	chain_name(name, text);
	unlinkat(folder, text, 0);
}

static bool chain_parse(const char *text, uint8_t out[LW_CHAIN_LEN])
{
	size_t i;

	if (strlen(text) != CHAIN_NAME_LEN - 1 ||
	    strspn(text, "0123456789abcdef") != CHAIN_NAME_LEN - 1)
		return false;
	for (i = 0; i < LW_CHAIN_LEN; i++)
		sscanf(text + 2 * i, "%2hhx", &out[i]);
	return true;
}

void chain_store_sweep(int folder, bool (*wanted)(const uint8_t name[LW_CHAIN_LEN], void *arg),
		       void *arg)
{
	int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	uint8_t name[LW_CHAIN_LEN];
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.' &&
		    (!chain_parse(entry->d_name, name) || !wanted(name, arg)))
			unlinkat(folder, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (own >= 0)
		close(own);
}
