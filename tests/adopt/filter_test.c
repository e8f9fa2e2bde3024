// SPDX-License-Identifier: Apache-2.0
/* What a wrapped app's filter says to every system call: its program, run here for each. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/harness.h"
#include "userspace/fd.h"
#include "userspace/wrap_filter.h"

enum { PROGRAM_MAX = 4096, CALL_MAX = 600, X32_BIT = 0x40000000 };

struct program {
	struct sock_filter code[PROGRAM_MAX];
	size_t len;
};

/* seccomp(2): of classic BPF, what libseccomp uses */
static uint32_t program_run(const struct program *program, const struct seccomp_data *data)
{
	uint32_t a = 0;
	size_t pc;

	for (pc = 0; pc < program->len; pc++) {
		const struct sock_filter *op = &program->code[pc];

		switch (op->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ASSERT_LE(op->k + sizeof(a), sizeof(*data));
			memcpy(&a, (const char *)data + op->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= op->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += op->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == op->k ? op->jt : op->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > op->k ? op->jt : op->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= op->k ? op->jt : op->jf;
			break;
		case BPF_RET | BPF_K:
			return op->k;
		default:
			FAIL("instruction %zu: no such operation: %#x", pc, op->code);
		}
	}
	FAIL("the program has no end");
	return 0;
}

FIXTURE(filter)
{
	scmp_filter_ctx filter;
	struct program program;
};

/* By the kernel's own numbers: arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h */
FIXTURE_VARIANT(filter)
{
	uint32_t scmp_arch, arch;
	int accept, accept4, listen, bind, connect, io_uring_setup;
	bool has_x32, connects;
};
#define X86_64                                                                                     \
	.scmp_arch = SCMP_ARCH_X86_64, .arch = AUDIT_ARCH_X86_64, .accept = 43, .accept4 = 288,    \
	.listen = 50, .bind = 49, .connect = 42, .io_uring_setup = 425, .has_x32 = true
#define ARM64                                                                                      \
	.scmp_arch = SCMP_ARCH_AARCH64, .arch = AUDIT_ARCH_AARCH64, .accept = 202,                 \
	.accept4 = 242, .listen = 201, .bind = 200, .connect = 203, .io_uring_setup = 425
FIXTURE_VARIANT_ADD(filter, x86_64) { X86_64 };
FIXTURE_VARIANT_ADD(filter, x86_64_connects) { X86_64, .connects = true };
FIXTURE_VARIANT_ADD(filter, arm64) { ARM64 };
FIXTURE_VARIANT_ADD(filter, arm64_connects) { ARM64, .connects = true };

FIXTURE_SETUP(filter)
{
	_cleanup_fd_ int fd = memfd_create("program", MFD_CLOEXEC);
	struct stat stat;

	ASSERT_OK(wrap_filter_new(variant->scmp_arch, variant->connects, &self->filter));
	ASSERT_LE(0, fd);
	ASSERT_OK(seccomp_export_bpf(self->filter, fd));
	ASSERT_OK(fstat(fd, &stat));
	ASSERT_LT(0, stat.st_size);
	ASSERT_LE(stat.st_size, sizeof(self->program.code));
	ASSERT_EQ(stat.st_size, pread(fd, self->program.code, sizeof(self->program.code), 0));
	self->program.len = (size_t)stat.st_size / sizeof(self->program.code[0]);
}

FIXTURE_TEARDOWN(filter)
{
	(void)variant;
	if (self->filter)
		seccomp_release(self->filter);
}

/* whatever the call's arguments are */
static void expect(const struct program *program, uint32_t arch, int nr, uint32_t expected)
{
	struct seccomp_data data = { .nr = nr, .arch = arch };

	ASSERT_EQ(expected, program_run(program, &data))
	{
		TH_LOG("architecture %#x, call %d", arch, nr);
	}
	memset(data.args, 0xff, sizeof(data.args));
	data.instruction_pointer = ~0ULL;
	ASSERT_EQ(expected, program_run(program, &data))
	{
		TH_LOG("architecture %#x, call %d, arguments of ones", arch, nr);
	}
}

TEST_F(filter, every_call)
{
	uint32_t expected;
	int nr;

	for (nr = 0; nr < CALL_MAX; nr++) {
		if (nr == variant->accept || nr == variant->accept4 || nr == variant->listen ||
		    nr == variant->bind || (variant->connects && nr == variant->connect))
			expected = SECCOMP_RET_USER_NOTIF;
		else if (nr == variant->io_uring_setup)
			expected = SECCOMP_RET_ERRNO | ENOSYS;
		else
			expected = SECCOMP_RET_ALLOW;
		expect(&self->program, variant->arch, nr, expected);
	}
}

/* x32 shares its architecture's value: the bit tells them apart; elsewhere it is no call at all */
TEST_F(filter, x32)
{
	uint32_t expected = variant->has_x32 ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW;
	int nr;

	for (nr = 0; nr < CALL_MAX; nr++)
		expect(&self->program, variant->arch, X32_BIT | nr, expected);
	/* what a tracer sets to have the call left out */
	expect(&self->program, variant->arch, -1, SECCOMP_RET_ALLOW);
}

TEST_F(filter, other_architectures)
{
	static const uint32_t archs[] = { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM,
					  AUDIT_ARCH_AARCH64, AUDIT_ARCH_RISCV64, 0, ~0U };
	size_t i;
	int nr;

	for (i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		for (nr = -1; nr < CALL_MAX && archs[i] != variant->arch; nr++)
			expect(&self->program, archs[i], nr, SECCOMP_RET_KILL_PROCESS);
}

TEST(unknown_architecture)
{
	scmp_filter_ctx filter = NULL;

	ASSERT_EQ(-EOPNOTSUPP, wrap_filter_new(SCMP_ARCH_RISCV64, false, &filter));
	ASSERT_NULL(filter);
}

HARNESS_MAIN
