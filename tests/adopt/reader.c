// SPDX-License-Identifier: Apache-2.0
/*
 * A server that knows nothing of TLS and says what each way to read shows it of a connection's
 * end. For each connection, one after another, it reads until a call gives no more data, asks
 * poll(), calls twice more, writes, and reports all of that as a line of JSON:
 *
 *	received	bytes
 *	reads		what the three calls gave: "0" or an error's name; "silence": poll() said
 *			nothing for three seconds, and there was no call
 *	poll		"IN HUP RDHUP ERR", after the first of them
 *	writes		what two of them gave: "ok" or an error's name
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tls.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_MS 3000

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

static const char usage[] =
	"usage: reader HOW THEN PORT\n"
	"  HOW   read: blocks in read(); poll: poll(), then read(); recvmsg: blocks in recvmsg()\n"
	"        without room for control messages; late: read(), when all has arrived\n"
	"  THEN  answer: sends back the first bytes; provoke: sends something instead that no TLS\n"
	"        client accepts, in a record of type handshake\n";

static struct {
	const char *how;
	bool provoke;
} reader;

static void provoke(int fd)
{
	static char junk[4] = { 0x7f };
	char control[CMSG_SPACE(1)] = "";
	struct iovec data = { .iov_base = junk, .iov_len = sizeof(junk) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = 22;
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		perror("reader: sendmsg");
}

static short wait_for_events(int fd, int limit_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN | POLLRDHUP };

	poll(&ready, 1, limit_ms);
	return ready.revents;
}

static ssize_t read_once(int fd, void *data, size_t size)
{
	struct iovec to = { .iov_base = data, .iov_len = size };
	struct msghdr message = { .msg_iov = &to, .msg_iovlen = 1 };

	if (strcmp(reader.how, "poll") == 0 && !wait_for_events(fd, SILENCE_MS)) {
		errno = ETIME;
		return -1;
	}
	return strcmp(reader.how, "recvmsg") == 0 ? recvmsg(fd, &message, 0) : read(fd, data, size);
}

static void name_result(ssize_t n, int error, char *text, size_t size)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? " " : "",
		 n < 0 && error == ETIME ? "silence" : n < 0 ? strerrorname_np(error) :
		 n ? "ok" : "0");
}

static void name_events(short events, char text[64])
{
	static const struct { short event; const char *name; } names[] = {
		{ POLLIN, "IN" }, { POLLERR, "ERR" }, { POLLHUP, "HUP" }, { POLLRDHUP, "RDHUP" },
	};

	*text = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (events & names[i].event)
			snprintf(text + strlen(text), 64 - strlen(text), "%s%s", *text ? " " : "",
				 names[i].name);
}

static void serve(int fd, const char *client)
{
	char data[4096], reads[64] = "", events[64], writes[64] = "";
	unsigned long long received = 0;
	ssize_t n = read(fd, data, sizeof(data));

	for (bool first = true; n > 0; first = false) {
		received += (unsigned long long)n;
		if (first && reader.provoke)
			provoke(fd);
		else if (first && send(fd, data, (size_t)n, MSG_NOSIGNAL) < 0)
			break;
		if (first && strcmp(reader.how, "late") == 0)
			usleep(500000);
		n = read_once(fd, data, sizeof(data));
	}
	name_result(n, errno, reads, sizeof(reads));
	/* the rest of what the client does arrives meanwhile */
	usleep(500000);
	name_events(wait_for_events(fd, 0), events);
	for (int i = 0; i < 2; i++) {
		n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
		name_result(n, errno, reads, sizeof(reads));
	}
	for (int i = 0; i < 2; i++) {
		n = send(fd, "bye", 3, MSG_NOSIGNAL);
		name_result(n, errno, writes, sizeof(writes));
	}
	printf("{\"event\":\"seen\",\"client\":\"%s\",\"received\":%llu,\"reads\":\"%s\","
	       "\"poll\":\"%s\",\"writes\":\"%s\"}\n",
	       client, received, reads, events, writes);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET }, client;
	const int on = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char name[64], host[INET_ADDRSTRLEN];
	socklen_t size = sizeof(client);

	if (argc != 4) {
		fputs(usage, stderr);
		return 2;
	}
	reader.how = argv[1];
	reader.provoke = strcmp(argv[2], "provoke") == 0;
	address.sin_port = htons((uint16_t)atoi(argv[3]));
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0) {
		perror("reader");
		return 1;
	}
	printf("{\"event\":\"ready\"}\n");
	fflush(stdout);
	while ((fd = accept(listener, (struct sockaddr *)&client, &size)) >= 0) {
		inet_ntop(AF_INET, &client.sin_addr, host, sizeof(host));
		snprintf(name, sizeof(name), "%s:%u", host, ntohs(client.sin_port));
		serve(fd, name);
		close(fd);
		size = sizeof(client);
	}
	perror("reader: accept");
	return 1;
}
