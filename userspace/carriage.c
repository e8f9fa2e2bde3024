// SPDX-License-Identifier: Apache-2.0
/*
 * A session that may begin to be relayed, and who does that: a carrier, which outlives the daemon;
 * this worker where there is none, where user space encrypts, and as long as somebody else could
 * not go on with it (relayed_is_quiet()).
 */
#include <errno.h>

#include "userspace/connection.h"
#include "userspace/message.h"

/* seconds, in which it asks for a carrier again after 1, 2, 4, 8, ... */
#define CARRIAGE_ROUNDS 128

static int carriage_ask(struct connection *connection)
{
	struct message message = { .type = MESSAGE_CARRY, .cookie = connection->cookie };
	int err;

	err = relayed_save(&connection->relayed, &message.carry);
	if (!err) {
		/* from here on it is as it was taken, until the answer comes */
		relayed_pause(&connection->relayed);
		err = connection_ask(connection, &message, -1);
		connection->carrying = !err;
	}
	carry_wipe(&message.carry);
	return err;
}

static void carriage_go_on(struct connection *connection, bool may_be_carried)
{
	struct worker *worker = connection->worker;

	connection->phase = PHASE_RELAYING;
	if (relayed_start(&connection->relayed) < 0)
		connection_close(connection, true, "the sockets cannot be watched");
	else if (may_be_carried)
		loop_timeout_start(worker->loop, &worker->carries, &connection->carry);
}

void connection_relay(struct connection *connection)
{
	struct worker *worker = connection->worker;
	int err;

	loop_remove(worker->loop, &connection->client);
	loop_remove(worker->loop, &connection->app);
	relayed_connect(&connection->relayed, connection->app_fd, &worker->buffers);
	err = carriage_ask(connection);
	if (err)
		carriage_go_on(connection, err != -ENOTSUP);
}

void connection_carried(struct connection *connection, int error)
{
	connection->carrying = false;
	if (error)
		carriage_go_on(connection, error != -ENOTSUP);
	else
		connection_hand_over(connection);
}

void connection_retry_carrier(struct loop_timeout *timeout)
{
	struct connection *connection = CONTAINER_OF(timeout, struct connection, carry);
	struct worker *worker = connection->worker;
	unsigned int round = ++connection->carry_rounds;
	int err = -EAGAIN;

	if (round > CARRIAGE_ROUNDS)
		return;
	if ((round & (round - 1)) == 0)
		err = carriage_ask(connection);
	if (err == -EAGAIN)
		loop_timeout_start(worker->loop, &worker->carries, timeout);
	else if (err)
		carriage_go_on(connection, false);
}
