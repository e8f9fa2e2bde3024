// SPDX-License-Identifier: Apache-2.0
#include "userspace/ktls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <linux/tls.h>
#include <openssl/crypto.h>

#include "userspace/ktls_control.h"

/* since Linux 6.19; not in the headers of the distributions that this is built on */
#define KTLS_TX_MAX_PAYLOAD_LEN 5

int ktls_attach(int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) ? -errno : 0;
}

/* direction: TLS_TX or TLS_RX */
static int ktls_set(const struct ktls_crypto *crypto, int fd, int direction,
		    const struct ktls_cipher *cipher, const struct ktls_half *half)
{
	uint8_t info[KTLS_INFO_MAX];
	int r = ktls_keys_info(crypto, cipher, half, info);

	if (!r && setsockopt(fd, SOL_TLS, direction, info, cipher->aead->info_size))
		r = -errno;
	OPENSSL_cleanse(info, sizeof(info));
	return r;
}

/* No record that goes out carries more than len bytes of data. TLS_TX must be there. */
static int ktls_limit_records(int fd, uint16_t len)
{
	if (setsockopt(fd, SOL_TLS, KTLS_TX_MAX_PAYLOAD_LEN, &len, sizeof(len)))
		return errno == ENOPROTOOPT ? -ENOTSUP : -errno;
	return 0;
}

int ktls_install(const struct ktls_crypto *crypto, int fd, const struct ktls_keys *keys)
{
	int r = ktls_set(crypto, fd, TLS_TX, keys->cipher, &keys->tx);

	if (!r && keys->max_fragment)
		r = ktls_limit_records(fd, keys->max_fragment);
	return r ? r : ktls_set(crypto, fd, TLS_RX, keys->cipher, &keys->rx);
}

int ktls_expect_no_pad(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_TLS, TLS_RX_EXPECT_NO_PAD, &on, sizeof(on)) ? -errno : 0;
}

static bool ktls_has_key(int fd, int direction)
{
	struct tls_crypto_info info = { 0 };
	socklen_t size = sizeof(info);

	/* of this size it tells the version and the cipher, and no key: do_tls_getsockopt_conf() */
	return getsockopt(fd, SOL_TLS, direction, &info, &size) == 0 && info.cipher_type;
}

bool ktls_is_installed(int fd)
{
	return ktls_has_key(fd, TLS_TX) && ktls_has_key(fd, TLS_RX);
}

int ktls_rekey_rx(const struct ktls_crypto *crypto, int fd, struct ktls_keys *keys)
{
	int r = ktls_keys_update(crypto, keys->cipher, &keys->rx);

	return r ? r : ktls_set(crypto, fd, TLS_RX, keys->cipher, &keys->rx);
}

union ktls_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(uint8_t))];
};

/* For the few bytes of a control record: the kernel takes those whole or not at all. */
static int ktls_send_control(int fd, enum ktls_record type, const uint8_t *bytes, size_t len)
{
	union ktls_control control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(sizeof(uint8_t));
	*CMSG_DATA(cmsg) = (uint8_t)type;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int ktls_send_alert(int fd, uint8_t level, uint8_t description)
{
	const uint8_t alert[] = { level, description };

	return ktls_send_control(fd, KTLS_RECORD_ALERT, alert, sizeof(alert));
}

int ktls_rekey_tx(const struct ktls_crypto *crypto, int fd, struct ktls_keys *keys)
{
	/* RFC 8446 section 4.6.3; update_not_requested, so that two peers cannot ping-pong */
	static const uint8_t message[] = { KTLS_HANDSHAKE_KEY_UPDATE, 0, 0, 1, 0 };

	if (keys->cipher->version != TLS1_3_VERSION)
		return -EINVAL;

	int r = ktls_send_control(fd, KTLS_RECORD_HANDSHAKE, message, sizeof(message));
	if (!r)
		r = ktls_keys_update(crypto, keys->cipher, &keys->tx);
	return r ? r : ktls_set(crypto, fd, TLS_TX, keys->cipher, &keys->tx);
}

/* KTLS_RECORD_NONE where the kernel has told no type: it has read no record. */
static enum ktls_record record_type(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	if (!cmsg || cmsg->cmsg_level != SOL_TLS || cmsg->cmsg_type != TLS_GET_RECORD_TYPE)
		return KTLS_RECORD_NONE;
	return *CMSG_DATA(cmsg);
}

/* One call of recvmsg() that nobody interrupts. */
static ssize_t recv_record(int fd, void *buf, size_t len, enum ktls_record *type)
{
	union ktls_control control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	*type = n < 0 ? KTLS_RECORD_NONE : record_type(&msg);
	return n < 0 ? -errno : n;
}

ssize_t ktls_recv(int fd, void *buf, size_t len, enum ktls_record *type)
{
	ssize_t n;

	/*
	 * Empty records of data are legal. The kernel skips them, but tells of one by a
	 * length of 0 when a control record or the end of the stream is behind it.
	 */
	do
		n = recv_record(fd, buf, len, type);
	while (n == 0 && *type == KTLS_RECORD_DATA);
	/*
	 * An empty control record (RFC 8446 section 5.1 forbids it) must not pass for the
	 * end of the stream, nor bytes that no key has protected for data.
	 */
	if (n >= 0 && (n == 0) != (*type == KTLS_RECORD_NONE))
		return -EBADMSG;
	return n;
}
