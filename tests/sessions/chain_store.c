// SPDX-License-Identifier: Apache-2.0
/* The folder of what peers presented, and who may have made it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
