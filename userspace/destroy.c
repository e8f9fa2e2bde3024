// SPDX-License-Identifier: Apache-2.0
#include "userspace/destroy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

static void destroy_address(const struct endpoint *endpoint, uint32_t out[4])
{
	const size_t at = endpoint_is_ip4(endpoint) ? 12 : 0;

	memcpy(out, endpoint->addr + at, sizeof(endpoint->addr) - at);
}

static struct inet_diag_req_v2 destroy_request(const struct endpoint *local,
					       const struct endpoint *peer, uint64_t cookie)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = endpoint_is_ip4(local) ? AF_INET : AF_INET6,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ~0U,
		.id = {
			.idiag_sport = htons(local->port),
			.idiag_dport = htons(peer->port),
			.idiag_if = local->scope,
			.idiag_cookie = { (uint32_t)cookie, (uint32_t)(cookie >> 32) },
		},
	};

	destroy_address(local, request.id.idiag_src);
	destroy_address(peer, request.id.idiag_dst);
	return request;
}

/* libnl's error numbers are its own: the kernel's is in what it received. */
static int destroy_error(struct sockaddr_nl *from, struct nlmsgerr *answer, void *arg)
{
	(void)from;
	*(int *)arg = answer->error;
	return NL_STOP;
}

struct nl_sock *destroy_open(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	if (socket && nl_connect(socket, NETLINK_SOCK_DIAG) < 0) {
		nl_socket_free(socket);
		return NULL;
	}
	return socket;
}

int destroy_connection(struct nl_sock *socket, const struct endpoint *local,
		       const struct endpoint *peer, uint64_t cookie)
{
	struct inet_diag_req_v2 request = destroy_request(local, peer, cookie);
	int err = 0;

	nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, destroy_error, &err);
	if (nl_send_simple(socket, SOCK_DESTROY, NLM_F_ACK, &request, sizeof(request)) < 0)
		return -EIO;
	if (nl_wait_for_ack(socket) < 0 && !err)
		return -EIO;
	return err;
}

void destroy_close(struct nl_sock *socket)
{
	if (socket)
		nl_socket_free(socket);
}
