// SPDX-License-Identifier: Apache-2.0
/* What the kernel says of a file of a process: here of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness.h"
#include "userspace/task_file.h"

FIXTURE(file) {
	int fd;
	uint64_t inode;
};

FIXTURE_SETUP(file)
{
	struct stat stat;

	self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, self->fd);
	ASSERT_OK(fstat(self->fd, &stat));
	self->inode = stat.st_ino;
}

FIXTURE_TEARDOWN(file)
{
	close(self->fd);
}

static int single(const FIXTURE_DATA(file) *self)
{
	return task_file_is_single(getpid(), self->inode);
}

TEST_F(file, alone)
{
	EXPECT_OK(single(self));
	close(dup(self->fd));
	EXPECT_OK(single(self));
}

TEST_F(file, has_two_numbers)
{
	int other = dup(self->fd);

	EXPECT_EQ(-EBUSY, single(self));
	close(other);
	EXPECT_OK(single(self));
}

/* by whatever number it was added */
TEST_F(file, is_watched)
{
	int epoll = epoll_create1(0), other = dup(self->fd), next;
	struct epoll_event event = { .events = EPOLLOUT, .data.u64 = ~0ULL };

	next = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, next, &event));
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
	close(other);
	EXPECT_EQ(-EBUSY, single(self));
	ASSERT_EQ(other, fcntl(self->fd, F_DUPFD, other));
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, other, NULL));
	close(other);
	EXPECT_OK(single(self));
}

TEST_F(file, is_nowhere)
{
	EXPECT_EQ(-ESRCH, task_file_is_single(getpid(), ~0ULL >> 1));
	EXPECT_EQ(-ESRCH, task_file_is_single(0x7ffffffe, self->inode));
}

TEST_F(file, closes_on_exec)
{
	EXPECT_EQ(1, task_file_closes_on_exec(getpid(), self->fd));
	ASSERT_OK(fcntl(self->fd, F_SETFD, 0));
	EXPECT_EQ(0, task_file_closes_on_exec(getpid(), self->fd));
	EXPECT_EQ(-ESRCH, task_file_closes_on_exec(getpid(), self->fd + 100));
}

/* too many to look at, for a process that others wait for */
TEST_F(file, among_many)
{
	const struct rlimit limit = { 8192, 8192 };

	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < 1000; i++)
		ASSERT_LE(0, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	EXPECT_OK(single(self));
	for (int i = 0; i < 2000; i++)
		ASSERT_LE(0, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	EXPECT_EQ(-EMFILE, single(self));
}

HARNESS_MAIN
