// SPDX-License-Identifier: Apache-2.0
#include "userspace/wrap_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/fd.h"

#define WRAP_FILTER_MAX 256 /* instructions: there are some fifteen */

DEFINE_CLEANUP(scmp_filter_ctx, seccomp_release);

/* listen() and bind() are rare: they tell where the app listens, and when */
static const int wrap_filter_calls[] = {
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(listen),
	SCMP_SYS(bind),
};

static int wrap_filter_rules(scmp_filter_ctx filter, bool connects)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < sizeof(wrap_filter_calls) / sizeof(wrap_filter_calls[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, wrap_filter_calls[i], 0);
	if (!err && connects)
		err = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(connect), 0);
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	return err;
}

/* a new filter is of the architecture that it is made on */
static int wrap_filter_set_arch(scmp_filter_ctx filter, uint32_t arch)
{
	int err;

	if (arch == seccomp_arch_native())
		return 0;
	err = seccomp_arch_add(filter, arch);
	return err ? err : seccomp_arch_remove(filter, seccomp_arch_native());
}

int wrap_filter_new(uint32_t arch, bool connects, scmp_filter_ctx *out)
{
	_cleanup_(cleanup_seccomp_release) scmp_filter_ctx filter = NULL;
	int err;

	if (arch != SCMP_ARCH_X86_64 && arch != SCMP_ARCH_AARCH64)
		return -EOPNOTSUPP;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;
	err = wrap_filter_set_arch(filter, arch);
	/* x32 too: its numbers are those of another architecture to libseccomp */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!err)
		err = wrap_filter_rules(filter, connects);
	if (err)
		return err;
	*out = TAKE_PTR(filter);
	return 0;
}

static int wrap_filter_export(scmp_filter_ctx filter, struct sock_filter *code, size_t max,
			      struct sock_fprog *program)
{
	_cleanup_fd_ int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t size;
	int err;

	if (fd < 0)
		return -errno;
	err = seccomp_export_bpf(filter, fd);
	if (err)
		return err;
	size = pread(fd, code, max * sizeof(*code), 0);
	if (size < 0)
		return -errno;
	if ((size_t)size == max * sizeof(*code))
		return -E2BIG;
	*program = (struct sock_fprog){
		.len = (unsigned short)((size_t)size / sizeof(*code)),
		.filter = code,
	};
	return 0;
}

/*
 * Not with WAIT_KILLABLE_RECV: a signal has to end an accept() with EINTR, as ever. And not by
 * seccomp_load(), which has no way to say EBUSY.
 */
static int wrap_filter_install(const struct sock_fprog *program)
{
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			      program);

	return fd < 0 ? -errno : fd;
}

int wrap_filter_load(scmp_filter_ctx filter, int *notify)
{
	struct sock_filter code[WRAP_FILTER_MAX];
	struct sock_fprog program;
	int fd;

	fd = wrap_filter_export(filter, code, WRAP_FILTER_MAX, &program);
	if (fd < 0)
		return fd;
	/* privileged helpers of the app go on working, where the kernel lets us leave them */
	fd = wrap_filter_install(&program);
	if (fd == -EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		fd = wrap_filter_install(&program);
	}
	if (fd < 0)
		return fd;
	*notify = fd;
	return 0;
}
