// SPDX-License-Identifier: Apache-2.0
/*
 * usage: holder ADDRESS:PORT
 *
 * An app that says one byte to each client, and then holds the connection without doing anything
 * with it. It tells on its standard output when it listens.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peer/address.h"

int main(int argc, char **argv)
{
	struct sockaddr_storage address;
	const int on = 1;
	socklen_t size;
	int listener, fd;

	if (argc != 2 || address_parse(argv[1], &address, &size) < 0) {
		fputs("usage: holder ADDRESS:PORT\n", stderr);
		return 2;
	}
	listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) {
		perror("holder");
		return 1;
	}
	puts("{\"event\":\"ready\"}");
	fflush(stdout);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			perror("holder: accept");
		else if (send(fd, "!", 1, MSG_NOSIGNAL) != 1)
			perror("holder: send");
	}
}
