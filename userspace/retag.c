// SPDX-License-Identifier: Apache-2.0
/*
 * A connection that was established before the configuration was changed, and accepted after: its
 * tag has a number of other lines. It is judged by today's, as if it had come now.
 */
#include "userspace/connection.h"

bool connection_retag(struct connection *connection)
{
	const struct message message = { .type = MESSAGE_RETAG, .cookie = connection->cookie };

	connection->line = NULL;
	if (connection->retagged || connection_ask(connection, &message, -1) < 0)
		return false;
	connection->retagging = connection->retagged = true;
	return true;
}

void connection_retagged(struct connection *connection, int error)
{
	connection->retagging = false;
	connection->phase = PHASE_HANDSHAKE;
	if (error && connection->fd >= 0)
		connection_turn_away(connection, "no line claims this address any more");
	else if (error)
		connection_refuse(connection, RECORD_FAILED, "no line claims that address any more");
	else if (connection->fd >= 0)
		connection_enter(connection);
	else
		connection_leave(connection);
}
