// SPDX-License-Identifier: Apache-2.0
#include "userspace/presented.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "userspace/fd.h"

#define PRESENTED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct presented_header {
	uint32_t chain_len, staple_len, mark_count;
};

/* DER, one certificate after the other */
static int presented_add(X509 *certificate, uint8_t *bytes, size_t room, size_t *len)
{
	int size = i2d_X509(certificate, NULL);
	uint8_t *at = bytes + *len;

	if (size <= 0)
		return -ENOMEM;
	if ((size_t)size > room - *len)
		return -E2BIG;
	i2d_X509(certificate, &at);
	*len += (size_t)size;
	return 0;
}

/* One that has none is judged at every change: that is no reason to refuse it. */
static uint32_t presented_add_marks(X509 *leaf, STACK_OF(X509) *chain, uint8_t *bytes, size_t room,
				    size_t *len)
{
	uint64_t marks[REACH_MARKS_MAX];
	const int count = reach_chain(leaf, chain, marks);
	const size_t size = count > 0 ? (size_t)count * sizeof(*marks) : 0;

	if (!size || size > room - *len)
		return 0;
	memcpy(bytes + *len, marks, size);
	*len += size;
	return (uint32_t)count;
}

static int presented_fill(X509 *leaf, STACK_OF(X509) *chain, struct staple staple, uint8_t *bytes,
			  size_t room, size_t *len)
{
	struct presented_header header = { .staple_len = (uint32_t)staple.len };
	size_t leaf_len, before;
	int err = 0, i;

	*len = sizeof(header);
	if (sk_X509_num(chain) >= PRESENTED_CERTIFICATES_MAX)
		return -E2BIG;
	if (leaf)
		err = presented_add(leaf, bytes, room, len);
	leaf_len = *len - sizeof(header);
	for (i = 0; !err && leaf && i < sk_X509_num(chain); i++) {
		/* libssl's stack holds the leaf too; X509_cmp() would parse a peer's extensions */
		if (sk_X509_value(chain, i) == leaf)
			continue;
		before = *len;
		err = presented_add(sk_X509_value(chain, i), bytes, room, len);
		if (*len - before == leaf_len &&
		    !memcmp(bytes + before, bytes + sizeof(header), leaf_len))
			*len = before;
	}
	if (err)
		return err;
	if (staple.len > room - *len)
		return -E2BIG;
	header.chain_len = (uint32_t)(*len - sizeof(header));
	if (staple.len)
		memcpy(bytes + *len, staple.bytes, staple.len);
	*len += staple.len;
	header.mark_count = presented_add_marks(leaf, chain, bytes, room, len);
	memcpy(bytes, &header, sizeof(header));
	return 0;
}

/* No more memory than it can take: what most peers send is far below the most that there may be. */
static size_t presented_bound(X509 *leaf, STACK_OF(X509) *chain, struct staple staple)
{
	size_t size = sizeof(struct presented_header) + staple.len +
		      REACH_MARKS_MAX * sizeof(uint64_t);
	int len = leaf ? i2d_X509(leaf, NULL) : 0, i;

	for (i = 0; len >= 0 && size < PRESENTED_BYTES_MAX; i++) {
		size += (size_t)len;
		if (i >= sk_X509_num(chain))
			return size < PRESENTED_BYTES_MAX ? size : PRESENTED_BYTES_MAX;
		len = i2d_X509(sk_X509_value(chain, i), NULL);
	}
	return PRESENTED_BYTES_MAX;
}

/* As much memory as it takes. */
static int presented_copy(const uint8_t *bytes, size_t len, struct presented *out)
{
	out->bytes = malloc(len);
	if (!out->bytes)
		return -ENOMEM;
	memcpy(out->bytes, bytes, len);
	out->len = len;
	return 0;
}

int presented_pack(X509 *leaf, STACK_OF(X509) *chain, struct staple staple, struct presented *out)
{
	const size_t room = presented_bound(leaf, chain, staple);
	_cleanup_free_ uint8_t *bytes = malloc(room);
	size_t len;
	int err;

	presented_free(out);
	if (!bytes)
		return -ENOMEM;
	err = presented_fill(leaf, chain, staple, bytes, room, &len);
	if (!err)
		*out = (struct presented){ TAKE_PTR(bytes), len };
	return err;
}

static int presented_parse(const uint8_t *at, const uint8_t *end, STACK_OF(X509) *certificates)
{
	while (at < end) {
		X509 *next = d2i_X509(NULL, &at, end - at);

		if (!next)
			return -EBADMSG;
		if (sk_X509_num(certificates) >= PRESENTED_CERTIFICATES_MAX ||
		    !sk_X509_push(certificates, next)) {
			X509_free(next);
			return -ENOMEM;
		}
	}
	return 0;
}

static int presented_read_header(const struct presented *presented, struct presented_header *out)
{
	if (presented->len < sizeof(*out) || presented->len > PRESENTED_BYTES_MAX)
		return -EBADMSG;
	memcpy(out, presented->bytes, sizeof(*out));
	if (out->mark_count > REACH_MARKS_MAX ||
	    (uint64_t)out->chain_len + out->staple_len + out->mark_count * sizeof(uint64_t) !=
		    presented->len - sizeof(*out))
		return -EBADMSG;
	return 0;
}

void presented_read_marks(const struct presented *presented, struct presented_marks *out)
{
	struct presented_header header;

	*out = (struct presented_marks){ 0 };
	if (presented_read_header(presented, &header) < 0)
		return;
	out->known = header.mark_count || !header.chain_len;
	out->count = header.mark_count;
	memcpy(out->marks,
	       presented->bytes + sizeof(header) + header.chain_len + header.staple_len,
	       header.mark_count * sizeof(*out->marks));
}

int presented_unpack(const struct presented *presented, struct presented_chain *out)
{
	struct presented_header header;
	const uint8_t *at;
	int err;

	*out = (struct presented_chain){ 0 };
	if (presented_read_header(presented, &header) < 0)
		return -EBADMSG;
	out->certificates = sk_X509_new_null();
	if (!out->certificates)
		return -ENOMEM;
	at = presented->bytes + sizeof(header);
	err = presented_parse(at, at + header.chain_len, out->certificates);
	if (err) {
		presented_chain_release(out);
		return err;
	}
	if (header.staple_len)
		out->staple = (struct staple){ at + header.chain_len, header.staple_len };
	return 0;
}

void presented_chain_release(struct presented_chain *chain)
{
	sk_X509_pop_free(chain->certificates, X509_free);
	*chain = (struct presented_chain){ 0 };
}

int presented_seal(const struct presented *presented)
{
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	if (!presented->bytes)
		return -ENODATA;
	fd = memfd_create("presented", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	n = write(fd, presented->bytes, presented->len);
	if (n < 0)
		return -errno;
	if ((size_t)n != presented->len)
		return -EIO;
	return fcntl(fd, F_ADD_SEALS, PRESENTED_SEALS) < 0 ? -errno : TAKE_FD(fd);
}

int presented_read(int fd, struct presented *out)
{
	_cleanup_free_ uint8_t *bytes = malloc(PRESENTED_BYTES_MAX + 1);
	size_t len = 0;
	ssize_t n;

	*out = (struct presented){ 0 };
	if (!bytes)
		return -ENOMEM;
	/* a byte more than there may be shows that there is too much */
	while ((n = read(fd, bytes + len, PRESENTED_BYTES_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return -errno;
	if (!len || len > PRESENTED_BYTES_MAX)
		return -EBADMSG;
	return presented_copy(bytes, len, out);
}

int presented_take(int fd, struct presented *out)
{
	const int seals = fcntl(fd, F_GET_SEALS);

	*out = (struct presented){ 0 };
	if (seals < 0 || (seals & PRESENTED_SEALS) != PRESENTED_SEALS ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return -EBADMSG;
	return presented_read(fd, out);
}

void presented_free(struct presented *presented)
{
	free(presented->bytes);
	*presented = (struct presented){ 0 };
}
