// SPDX-License-Identifier: Apache-2.0
/* The folder of what peers presented, and who may have made it. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/harness.h"
#include "userspace/chain_store.h"

FIXTURE(chain_store) {
	char run[64], chains[80];
};

FIXTURE_SETUP(chain_store)
{
	snprintf(self->run, sizeof(self->run), "/tmp/chain_store-XXXXXX");
	ASSERT_NOT_NULL(mkdtemp(self->run));
	snprintf(self->chains, sizeof(self->chains), "%s/chains", self->run);
}

FIXTURE_TEARDOWN(chain_store)
{
	unlink(self->chains);
	rmdir(self->chains);
	rmdir(self->run);
}

static int open_and_close(const char *run)
{
	int fd = chain_store_open(run);

	return fd < 0 ? fd : close(fd);
}

TEST_F(chain_store, is_ours_alone)
{
	EXPECT_EQ(0, open_and_close(self->run));
	EXPECT_EQ(0, open_and_close(self->run));
	ASSERT_OK(chmod(self->chains, 0770));
	EXPECT_EQ(-EPERM, open_and_close(self->run));
	ASSERT_OK(chmod(self->chains, 0702));
	EXPECT_EQ(-EPERM, open_and_close(self->run));
	ASSERT_OK(chmod(self->chains, 0700));
	if (geteuid() == 0) {
		ASSERT_OK(chown(self->chains, 65534, 65534));
		EXPECT_EQ(-EPERM, open_and_close(self->run));
	}
}

TEST_F(chain_store, is_no_link)
{
	ASSERT_OK(symlink("/tmp", self->chains));
	EXPECT_NE(0, open_and_close(self->run));
}

/* A peer chooses what it presents, and how often: it is not to fill what others live in, too. */
TEST_F(chain_store, leaves_others_their_room)
{
	static uint8_t bytes[PRESENTED_BYTES_MAX];
	struct presented presented = { .bytes = bytes, .len = sizeof(bytes) };
	uint8_t name[LW_CHAIN_LEN], first[LW_CHAIN_LEN];
	struct statvfs fs;
	int kept = 0, folder, fd, err;

	if (unshare(CLONE_NEWNS) < 0)
		SKIP("it takes root to mount a small file system");
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mount("none", self->run, "tmpfs", 0, "size=2m"));
	folder = chain_store_open(self->run);
	ASSERT_LE(0, folder);
	do {
		bytes[0] = (uint8_t)kept;
		ASSERT_OK(chain_store_hash(&presented, name));
		if (!kept)
			memcpy(first, name, sizeof(name));
		err = chain_store_keep(folder, &presented, name);
		kept += !err;
	} while (!err);
	EXPECT_EQ(-ENOSPC, err);
	EXPECT_LT(8, kept);
	ASSERT_OK(fstatvfs(folder, &fs));
	EXPECT_LE(fs.f_blocks / 4, fs.f_bavail);
	/* what was kept serves those who present the same */
	bytes[0] = 0;
	EXPECT_OK(chain_store_keep(folder, &presented, first));
	fd = chain_store_get(folder, first);
	EXPECT_LE(0, fd);
	close(fd);
	/* and the room of one is another's */
	chain_store_drop(folder, first);
	EXPECT_OK(chain_store_keep(folder, &presented, first));
	close(folder);
	EXPECT_OK(umount(self->run));
}
