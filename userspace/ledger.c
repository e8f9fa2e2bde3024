// SPDX-License-Identifier: Apache-2.0
#include "userspace/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/fd.h"

int ledger_create(void)
{
	_cleanup_fd_ int fd = memfd_create("linewarden-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	/* nobody can take its end away under those who have it mapped */
	if (fd < 0 || ftruncate(fd, sizeof(struct ledger)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int ledger_map(int fd, struct ledger **out)
{
	struct stat stat;
	void *at;
	int err;

	if (fstat(fd, &stat) < 0)
		return -errno;
	if (stat.st_size != sizeof(struct ledger) || !(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK))
		return -EINVAL;
	at = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	/* a carrier is forked by the keeper, too, and meets peers: whoever needs one maps it itself */
	if (madvise(at, sizeof(struct ledger), MADV_DONTFORK) < 0) {
		err = -errno;
		munmap(at, sizeof(struct ledger));
		return err;
	}
	*out = at;
	return 0;
}

void ledger_unmap(struct ledger *ledger)
{
	if (ledger)
		munmap(ledger, sizeof(*ledger));
}

union notify *ledger_free_call(struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < LEDGER_CALLS; i++)
		if (!ledger->calls[i].call.id)
			return &ledger->calls[i];
	return NULL;
}

void ledger_note(struct ledger *ledger, uint64_t cookie, const union notify *call)
{
	uint32_t at = ledger->given_next++ % LEDGER_GIVEN;

	ledger->given[at].call = call->call.id;
	ledger->given[at].cookie = cookie;
}

void ledger_strike(struct ledger *ledger, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < LEDGER_GIVEN; i++)
		if (ledger->given[i].cookie == cookie)
			ledger->given[i].cookie = 0;
}

void ledger_settle(struct ledger *ledger, int notify_fd)
{
	union notify call = { 0 };
	size_t i;

	for (i = 0; i < LEDGER_GIVEN; i++) {
		if (!ledger->given[i].cookie)
			continue;
		call.call.id = ledger->given[i].call;
		if (notify_is_valid(notify_fd, &call))
			ledger->given[i].cookie = 0;
	}
}

bool ledger_was_given(const struct ledger *ledger, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < LEDGER_GIVEN; i++)
		if (ledger->given[i].cookie == cookie)
			return true;
	return false;
}
