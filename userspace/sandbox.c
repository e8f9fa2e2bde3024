// SPDX-License-Identifier: Apache-2.0
#include "userspace/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/fd.h"

/* LeakSanitizer stops the process and looks at it from outside: that needs what we close */
#ifdef __SANITIZE_ADDRESS__
#define SANDBOX_SANITIZED true
#else
#define SANDBOX_SANITIZED false
#endif

static int sandbox_die_with(pid_t parent)
{
	if (!parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* it died before the signal was asked for */
	return getppid() == parent ? 0 : -ESRCH;
}

int sandbox_drop(uid_t uid, gid_t gid, pid_t parent)
{
	int err = sandbox_die_with(parent);

	if (err)
		return err;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING))
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_SET_DUMPABLE, SANDBOX_SANITIZED, 0, 0, 0) < 0)
		return -errno;
	/* a change of credentials clears the death signal: kernel/cred.c, commit_creds */
	err = sandbox_die_with(parent);
	if (err)
		return err;
	if (getuid() != uid || geteuid() != uid || getgid() != gid || getegid() != gid ||
	    capng_have_capabilities(CAPNG_SELECT_BOTH) != CAPNG_NONE || setuid(0) == 0)
		return -EPERM;
	return 0;
}

/* A ruleset without a single rule: every access that it handles is denied. */
static int sandbox_deny_files(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs =
			LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
			LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
			LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
			LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
			LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
			LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	_cleanup_fd_ int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	/* not built in, or not enabled: the system call filter denies open() all the same */
	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

static const int sandbox_calls[] = {
	SCMP_SYS(accept4),	SCMP_SYS(bind),		 SCMP_SYS(brk),
	SCMP_SYS(clock_gettime), SCMP_SYS(close),	 SCMP_SYS(connect),
	SCMP_SYS(epoll_ctl),	SCMP_SYS(epoll_pwait),	 SCMP_SYS(epoll_wait),
	SCMP_SYS(exit),		SCMP_SYS(exit_group),	 SCMP_SYS(fcntl),
	SCMP_SYS(futex),	SCMP_SYS(getpeername),	 SCMP_SYS(getpid),
	SCMP_SYS(getrandom),	SCMP_SYS(getsockname),	 SCMP_SYS(getsockopt),
	SCMP_SYS(gettid),	SCMP_SYS(gettimeofday),	 SCMP_SYS(madvise),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mmap),		SCMP_SYS(mremap),	 SCMP_SYS(munmap),
	SCMP_SYS(mprotect),	SCMP_SYS(read),		 SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sendmsg),	 SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),	SCMP_SYS(shutdown),	 SCMP_SYS(tgkill),
	SCMP_SYS(time),		SCMP_SYS(write),	 SCMP_SYS(writev),
};

/* of socket()'s second argument: the rest are flags (SOCK_TYPE_MASK in linux/net.h) */
#define SOCKET_TYPE_MASK 0xf

static int sandbox_allow(scmp_filter_ctx filter)
{
	static const scmp_datum_t families[] = { AF_INET, AF_INET6 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(sandbox_calls) / sizeof(sandbox_calls[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, sandbox_calls[i], 0);
	/* to the app: TCP and nothing else */
	for (i = 0; !err && i < sizeof(families) / sizeof(families[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				       SCMP_A0(SCMP_CMP_EQ, families[i]),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE_MASK, SOCK_STREAM));
	/* a socket's tag: reading, through a read-only descriptor */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
				       SCMP_A0(SCMP_CMP_EQ, BPF_MAP_LOOKUP_ELEM));
	return err;
}

int sandbox_close(void)
{
	scmp_filter_ctx filter;
	int err;

	if (SANDBOX_SANITIZED)
		return 0;
	err = sandbox_deny_files();
	if (err)
		return err;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	err = sandbox_allow(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
