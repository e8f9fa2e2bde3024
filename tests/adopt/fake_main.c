// SPDX-License-Identifier: Apache-2.0
#include "tests/adopt/fake_main.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/linewarden.skel.h"
#include "tests/e2e/listener.h"
#include "tests/e2e/wrap.h"
#include "tests/harness.h"
#include "userspace/fd.h"
#include "userspace/netns.h"

#define LIMIT_MS (5000 * harness_time_scale())

static void write_maps(struct fake_main *main, const uint16_t *ports)
{
	const struct port_rule rule = { .action = ACTION_STEER, .direction = DIRECTION_INBOUND };
	const __u32 number = 0;
	struct bpf_program *program;
	struct bpf_map *map;
	uint64_t cookie;

	main->maps = linewarden__open();
	ASSERT_NOT_NULL(main->maps);
	bpf_object__for_each_map(map, main->maps->obj)
		bpf_map__set_pin_path(map, NULL);
	bpf_object__for_each_program(program, main->maps->obj)
		bpf_program__set_autoload(program, false);
	ASSERT_OK(linewarden__load(main->maps));
	ASSERT_OK(netns_cookie(&cookie));
	ASSERT_OK(bpf_map_update_elem(bpf_map__fd(main->maps->maps.namespaces), &cookie, &number,
				      BPF_ANY));
	for (; *ports; ports++) {
		const struct port_key key = { .port = *ports };

		ASSERT_OK(bpf_map_update_elem(bpf_map__fd(main->maps->maps.ports), &key, &rule,
					      BPF_ANY));
	}
}

static void raise_loopback(void)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	ASSERT_OK(ioctl(fd, SIOCSIFFLAGS, &request));
}

/*
 * Where the clients' connections are made: there their ports are not the app's, and a socket is
 * the same in whatever namespace it was made.
 */
static void make_elsewhere(struct fake_main *main)
{
	main->here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, main->here);
	ASSERT_OK(unshare(CLONE_NEWNET));
	raise_loopback();
	main->elsewhere = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, main->elsewhere);
	ASSERT_OK(setns(main->here, CLONE_NEWNET));
}

void fake_main_listen(struct fake_main *main)
{
	main->socket = handover_listen(main->run, HANDOVER_ADOPT, 0600, 0);
	ASSERT_LE(0, main->socket);
}

void fake_main_hang_up(struct fake_main *main)
{
	close(main->socket);
	close(main->adopter);
	main->socket = main->adopter = -1;
}

void fake_main_start(struct fake_main *main, const char *name, const uint16_t *ports)
{
	*main = (struct fake_main){ .adopter = -1 };
	/* each test is a process of its own */
	snprintf(main->run, sizeof(main->run), "%s/%s-%d", getenv("STAGE_DIR"), name, getpid());
	snprintf(main->log, sizeof(main->log), "%s/keeper.log", main->run);
	ASSERT_OK(mkdir(main->run, 0755));
	write_maps(main, ports);
	make_elsewhere(main);
	fake_main_listen(main);
	main->keeper = wrap_start_keeper(main->run, main->log);
}

void fake_main_meet(struct fake_main *main)
{
	struct pollfd comes = { .fd = main->socket, .events = POLLIN };
	const struct handover answer = { .type = HANDOVER_MAPS,
					 .connect_ms = main->connect_ms };
	const int maps[HANDOVER_MAP_COUNT] = {
		[HANDOVER_MAP_NAMESPACES] = bpf_map__fd(main->maps->maps.namespaces),
		[HANDOVER_MAP_PORTS] = bpf_map__fd(main->maps->maps.ports),
		[HANDOVER_MAP_RELAYS] = bpf_map__fd(main->maps->maps.relays),
		[HANDOVER_MAP_ORIGINS] = bpf_map__fd(main->maps->maps.origins),
	};

	ASSERT_EQ(1, poll(&comes, 1, LIMIT_MS));
	if (main->adopter >= 0)
		close(main->adopter);
	main->adopter = accept4(main->socket, NULL, NULL, SOCK_CLOEXEC);
	ASSERT_LE(0, main->adopter);
	ASSERT_OK(fake_main_expect(main, HANDOVER_HELLO, LIMIT_MS));
	ASSERT_OK(handover_send(main->adopter, &answer, maps, HANDOVER_MAP_COUNT));
}

int fake_main_expect(struct fake_main *main, enum handover_type type, int limit_ms)
{
	long long end = process_now_ms() + limit_ms;
	int fds[PACKET_FDS_MAX], err;

	for (;;) {
		struct pollfd says = { .fd = main->adopter, .events = POLLIN };
		long long left = end - process_now_ms();

		if (poll(&says, 1, left > 0 ? (int)left : 0) <= 0)
			return -ETIMEDOUT;
		err = handover_receive(main->adopter, HANDOVER_AT_MAIN, &main->last, fds);
		if (err || main->last.type == type)
			return err;
	}
}

static void address_of(const char *host, uint16_t port, struct sockaddr_storage *address,
		       socklen_t *size)
{
	struct sockaddr_in6 *in6 = (void *)address;
	struct sockaddr_in *in = (void *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*size = sizeof(*in);
		return;
	}
	ASSERT_EQ(1, inet_pton(AF_INET6, host, &in6->sin6_addr));
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	*size = sizeof(*in6);
}

int fake_main_dial(const char *host, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size;
	int fd;

	address_of(host, port, &address, &size);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, fd);
	ASSERT_OK(connect(fd, (struct sockaddr *)&address, size));
	return fd;
}

int fake_main_connect(struct fake_main *main, const char *host, uint16_t port,
		      struct fake_client *client)
{
	socklen_t size = sizeof(client->cookie);
	struct endpoint own;
	int listener, server;

	ASSERT_OK(setns(main->elsewhere, CLONE_NEWNET));
	listener = listener_open(main->dual ? "::" : host, port, main->dual, 1);
	client->fd = fake_main_dial(host, port);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ASSERT_LE(0, server);
	close(listener);
	ASSERT_OK(setns(main->here, CLONE_NEWNET));
	ASSERT_OK(getsockopt(server, SOL_SOCKET, SO_COOKIE, &client->cookie, &size));
	ASSERT_OK(endpoint_local(client->fd, &own));
	endpoint_format(&own, client->name);
	return server;
}

void fake_main_send(struct fake_main *main, int socket, uint64_t cookie)
{
	const struct handover message = { .type = HANDOVER_CLIENT, .cookie = cookie };

	ASSERT_OK(handover_send(main->adopter, &message, &socket, 1));
}

void fake_main_give(struct fake_main *main, const char *host, uint16_t port,
		    struct fake_client *client)
{
	_cleanup_fd_ int server = fake_main_connect(main, host, port, client);

	fake_main_send(main, server, client->cookie);
}

pid_t fake_main_wrap(struct fake_main *main, const char *const command[])
{
	const char *argv[WRAP_WORDS_MAX];
	size_t words = WRAP_WORDS;
	pid_t pid;

	wrap_words(main->run, argv);
	while (*command && words < WRAP_WORDS_MAX - 1)
		argv[words++] = *command++;
	pid = process_start(main->log, argv);
	ASSERT_LT(0, pid);
	fake_main_meet(main);
	return pid;
}

pid_t fake_main_adopter(const struct fake_main *main)
{
	pid_t children[8];
	int count = process_children(main->keeper, children, 8);

	/* one that has ended may not have been waited for yet */
	while (count > 0 && !process_lives(children[count - 1]))
		count--;
	ASSERT_LT(0, count);
	return children[count - 1];
}

void fake_main_stop(struct fake_main *main)
{
	EXPECT_LE(0, process_end(main->keeper, SIGTERM, LIMIT_MS));
	close(main->socket);
	if (main->adopter >= 0)
		close(main->adopter);
	close(main->elsewhere);
	close(main->here);
	linewarden__destroy(main->maps);
}
