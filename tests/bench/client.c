// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peer/address.h"

struct client {
	struct sockaddr_storage address;
	socklen_t size;
	SSL_CTX *context; /* NULL: plain */
	STACK_OF(X509) *chain;
	X509 **certificates;
	EVP_PKEY **keys;
	size_t count, next;
};

static unsigned int tickets;

static _Noreturn void client_die(const char *what)
{
	fprintf(stderr, "load: %s: %m\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static FILE *client_open(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		client_die(path);
	return file;
}

/* leaves a file at one of its certificates; a key that is not needed costs as much to decode */
static void client_skip(FILE *file, size_t certificates)
{
	char line[256];
	long at;

	do
		at = ftell(file);
	while (fgets(line, sizeof(line), file) &&
	       (strcmp(line, "-----BEGIN CERTIFICATE-----\n") != 0 || certificates-- > 0));
	fseek(file, at, SEEK_SET);
}

static void client_read(struct client *client, const char *path, size_t first, size_t count)
{
	FILE *file = client_open(path);

	client->certificates = calloc(count, sizeof(*client->certificates));
	client->keys = calloc(count, sizeof(*client->keys));
	if (!client->certificates || !client->keys)
		abort();
	client_skip(file, first);
	for (size_t i = 0; i < count; i++) {
		client->certificates[i] = PEM_read_X509(file, NULL, NULL, NULL);
		client->keys[i] = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		if (!client->certificates[i] || !client->keys[i])
			client_die("there are not so many certificates");
	}
	client->count = count;
	fclose(file);
}

static void client_read_chain(struct client *client, const char *path)
{
	FILE *file = client_open(path);
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

	X509_free(certificate);
	client->chain = sk_X509_new_null();
	while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)))
		sk_X509_push(client->chain, certificate);
	ERR_clear_error();
	fclose(file);
}

static void client_see(int write, int version, int type, const void *data, size_t size, SSL *ssl,
		       void *arg)
{
	(void)version, (void)ssl, (void)arg;
	if (!write && type == SSL3_RT_HANDSHAKE && size > 0 &&
	    *(const unsigned char *)data == SSL3_MT_NEWSESSION_TICKET)
		tickets++;
}

struct client *client_new(const char *address, const char *certificates, const char *chain,
			  size_t first, size_t count)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client || address_parse(address, &client->address, &client->size) < 0)
		client_die(address);
	if (!certificates)
		return client;
	client->context = wire_context(false, NULL, NULL, NULL);
	SSL_CTX_set_msg_callback(client->context, client_see);
	client_read(client, certificates, first, count);
	client_read_chain(client, chain);
	return client;
}

static void client_handshake(struct client *client, struct wire *wire)
{
	size_t i = client->next++ % client->count;

	wire->ssl = SSL_new(client->context);
	if (!wire->ssl || SSL_use_cert_and_key(wire->ssl, client->certificates[i], client->keys[i],
					       client->chain, 1) != 1)
		client_die("the certificate");
	SSL_set_fd(wire->ssl, wire->fd);
	if (SSL_connect(wire->ssl) != 1)
		client_die("the handshake");
}

void client_connect(struct client *client, struct wire *wire)
{
	int one = 1;

	wire->ssl = NULL;
	wire->fd = socket(client->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (wire->fd < 0 ||
	    connect(wire->fd, (struct sockaddr *)&client->address, client->size) < 0)
		client_die("connect");
	/* else the first byte waits until the server has acknowledged the Finished before it */
	setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (client->context)
		client_handshake(client, wire);
}

unsigned int client_tickets(void)
{
	return tickets;
}
