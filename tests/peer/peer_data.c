// SPDX-License-Identifier: Apache-2.0
#include "tests/peer/peer_data.h"

#include <errno.h>
#include <openssl/err.h>

int data_put(struct peer *peer, const void *data, size_t size)
{
	if (peer->options.without_handshake) {
		BIO_write(peer->out, data, (int)size);
	} else if (SSL_write(peer->ssl, data, (int)size) != (int)size) {
		ERR_clear_error();
		return -EPROTO;
	}
	peer->result.sent += size;
	EVP_DigestUpdate(peer->sent_digest, data, size);
	return 0;
}

/* what is there already: bytes, 0 after a close_notify, -EAGAIN, -EPROTO */
static int take(struct peer *peer, void *data, size_t size)
{
	int n;

	if (peer->options.without_handshake) {
		n = BIO_read(peer->in, data, (int)size);
		if (n <= 0)
			return -EAGAIN;
	} else {
		n = SSL_read(peer->ssl, data, (int)size);
	}
	if (n <= 0) {
		int error = SSL_get_error(peer->ssl, n);

		ERR_clear_error();
		if (error == SSL_ERROR_WANT_READ)
			return -EAGAIN;
		/* OpenSSL says so after a fatal alert, too */
		if (error != SSL_ERROR_ZERO_RETURN || peer->result.alert >= 0)
			return -EPROTO;
		peer->result.close = PEER_CLOSE_NOTIFY;
		return 0;
	}
	peer->result.received += (uint64_t)n;
	EVP_DigestUpdate(peer->received_digest, data, (size_t)n);
	return n;
}

int data_get(struct peer *peer, void *data, size_t size)
{
	for (;;) {
		int n = take(peer, data, size), rc;

		if (n != -EAGAIN)
			return n;
		peer->hold = false;
		rc = wire_move(peer, true);
		if (rc < 0)
			return rc;
	}
}

void data_failed(struct peer *peer)
{
	unsigned char data[16384];

	if (peer->result.handshake)
		while (take(peer, data, sizeof(data)) > 0)
			;
	if (peer->result.alert < 0)
		return;
	wire_start_clock(peer, 1000);
	while (wire_move(peer, true) == 0)
		;
}
