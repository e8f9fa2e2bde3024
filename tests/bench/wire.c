// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/wire.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t wire_read(struct wire *wire, void *data, size_t size)
{
	size_t done;

	if (!wire->ssl)
		return recv(wire->fd, data, size, 0);
	if (SSL_read_ex(wire->ssl, data, size, &done))
		return (ssize_t)done;
	return SSL_get_error(wire->ssl, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

bool wire_write(struct wire *wire, const void *data, size_t size)
{
	size_t done;

	if (wire->ssl)
		return SSL_write_ex(wire->ssl, data, size, &done) == 1;
	while (size > 0) {
		ssize_t n = send(wire->fd, data, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data = (const char *)data + n;
		size -= (size_t)n;
	}
	return true;
}

bool wire_read_all(struct wire *wire, void *data, size_t size)
{
	while (size > 0) {
		ssize_t n = wire_read(wire, data, size);

		if (n <= 0)
			return false;
		data = (char *)data + n;
		size -= (size_t)n;
	}
	return true;
}

bool wire_send(struct wire *wire, uint64_t bytes, size_t width)
{
	static char data[WIRE_WIDTH_MAX];

	for (uint64_t done = 0; done < bytes; done += width) {
		size_t part = bytes - done < width ? (size_t)(bytes - done) : width;

		if (!wire_write(wire, data, part))
			return false;
	}
	return true;
}

bool wire_receive(struct wire *wire, uint64_t bytes)
{
	static char data[WIRE_WIDTH_MAX];

	while (bytes > 0) {
		size_t most = bytes < sizeof(data) ? (size_t)bytes : sizeof(data);
		ssize_t n = wire_read(wire, data, most);

		if (n <= 0)
			return false;
		bytes -= (uint64_t)n;
	}
	return true;
}

void wire_close(struct wire *wire)
{
	if (wire->ssl) {
		SSL_shutdown(wire->ssl);
		SSL_free(wire->ssl);
	}
	close(wire->fd);
}

static _Noreturn void wire_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

SSL_CTX *wire_context(bool server, const char *certificate, const char *key, const char *ca)
{
	SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") ||
	    !SSL_CTX_set1_groups_list(context, "X25519"))
		wire_die("the protocol");
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	if (certificate && (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
			    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1))
		wire_die(certificate);
	if (!ca)
		return context;
	if (SSL_CTX_load_verify_file(context, ca) != 1)
		wire_die(ca);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return context;
}
