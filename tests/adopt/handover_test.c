// SPDX-License-Identifier: Apache-2.0
/* What may be said to the keeper, to adopters and to the main process, and what is no message. */
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"
#include "userspace/handover.h"

enum { SIDES = HANDOVER_AT_CARRIERS_MAIN + 1 };

FIXTURE(handover) {
	int from, to;
	int first_free; /* descriptor */
};

static int first_free(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

FIXTURE_SETUP(handover)
{
	int pair[2];

	ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	self->from = pair[0];
	self->to = pair[1];
	self->first_free = first_free();
}

FIXTURE_TEARDOWN(handover)
{
	/* none that came with a message stays behind */
	EXPECT_EQ(self->first_free, first_free());
	close(self->from);
	close(self->to);
}

HARNESS_PREPARE
{
}

static int receive(FIXTURE_DATA(handover) *self, enum handover_side side, struct handover *message,
		   size_t *fd_count)
{
	int fds[PACKET_FDS_MAX], err;

	*fd_count = 0;
	err = handover_receive(self->to, side, message, fds);
	for (int i = 0; i < PACKET_FDS_MAX; i++)
		*fd_count += fds[i] >= 0;
	packet_drop_fds(fds);
	return err;
}

static int send_bytes(FIXTURE_DATA(handover) *self, const void *bytes, size_t size, size_t fds)
{
	const int fd[PACKET_FDS_MAX] = { self->from, self->from, self->from, self->from };

	return packet_send(self->from, bytes, size, fd, fds);
}

/* the least that there can be of a type */
static struct handover sound(enum handover_type type)
{
	struct handover message = { .type = type, .id = 7 };

	if (type == HANDOVER_CARRY)
		message.carry = (struct carry){
			.version = TLS1_3_VERSION,
			.suite = 0x1301, /* TLS_AES_128_GCM_SHA256 */
			.record_size = 16384,
		};
	return message;
}

/* each type with each number of descriptors, to each side: one combination is right */
TEST_F(handover, goes_to_one_side)
{
	int accepted[HANDOVER_TYPE_COUNT] = { 0 };
	struct handover message, got;
	size_t count;

	for (int type = 0; type < HANDOVER_TYPE_COUNT; type++) {
		for (size_t fds = 0; fds <= PACKET_FDS_MAX; fds++) {
			for (int side = 0; side < SIDES; side++) {
				int err;

				message = sound((enum handover_type)type);
				ASSERT_OK(send_bytes(self, &message, sizeof(message), fds));
				err = receive(self, (enum handover_side)side, &got, &count);
				EXPECT_TRUE(err == 0 || err == -EBADMSG);
				EXPECT_EQ(err ? 0 : fds, count);
				accepted[type] += !err;
			}
		}
		EXPECT_EQ(1, accepted[type]) {
			TH_LOG("that was type %d", type);
		}
	}
}

TEST_F(handover, has_one_size)
{
	unsigned char bytes[2 * sizeof(struct handover)] = { 0 };
	struct handover message = { .type = HANDOVER_HELLO, .name = "pbx" }, got;
	size_t count;

	memcpy(bytes, &message, sizeof(message));
	for (size_t size = 1; size < sizeof(bytes); size++) {
		ASSERT_OK(send_bytes(self, bytes, size, 0));
		EXPECT_EQ(size == sizeof(message) ? 0 : -EBADMSG,
			  receive(self, HANDOVER_AT_MAIN, &got, &count));
	}
}

static int say(FIXTURE_DATA(handover) *self, const struct handover *message)
{
	struct handover got;
	size_t count;

	ASSERT_OK(send_bytes(self, message, sizeof(*message), 0));
	return receive(self, HANDOVER_AT_MAIN, &got, &count);
}

TEST_F(handover, has_values_within_bounds)
{
	struct handover message = { .type = HANDOVER_HELLO, .name = "pbx" };

	EXPECT_OK(say(self, &message));
	message.error = 1;
	EXPECT_EQ(-EBADMSG, say(self, &message));
	message.error = -ECONNREFUSED;
	EXPECT_OK(say(self, &message));
	*(unsigned char *)&message.v6only = 2;
	EXPECT_EQ(-EBADMSG, say(self, &message));
	message.v6only = true;
	EXPECT_OK(say(self, &message));
	message.type = (enum handover_type)-1;
	EXPECT_EQ(-EBADMSG, say(self, &message));
	message.type = HANDOVER_TYPE_COUNT;
	EXPECT_EQ(-EBADMSG, say(self, &message));
}

static int carry(FIXTURE_DATA(handover) *self, const struct handover *message)
{
	struct handover got;
	size_t count;

	ASSERT_OK(send_bytes(self, message, sizeof(*message), 2));
	return receive(self, HANDOVER_AT_CARRIER, &got, &count);
}

/* what a worker says of a session goes to a carrier by way of main */
TEST_F(handover, carries_what_can_be_relayed)
{
	struct handover message = sound(HANDOVER_CARRY);

	EXPECT_OK(carry(self, &message));
	message.carry.can_rekey = message.carry.is_client = 1;
	EXPECT_OK(carry(self, &message));
	message.carry.can_rekey = 2;
	EXPECT_EQ(-EBADMSG, carry(self, &message));
	message = sound(HANDOVER_CARRY);
	message.carry.is_client = 2;
	EXPECT_EQ(-EBADMSG, carry(self, &message));
	message = sound(HANDOVER_CARRY);
	message.carry.record_size = 0;
	EXPECT_EQ(-EBADMSG, carry(self, &message));
	message.carry.record_size = 16385;
	EXPECT_EQ(-EBADMSG, carry(self, &message));
	message = sound(HANDOVER_CARRY);
	message.carry.suite = 0x1305; /* one that the kernel does not have */
	EXPECT_EQ(-EBADMSG, carry(self, &message));
	/* of TLS 1.2 the keys are not changed */
	message = sound(HANDOVER_CARRY);
	message.carry.version = TLS1_2_VERSION;
	message.carry.suite = 0xc02f; /* ECDHE-RSA-AES128-GCM-SHA256 */
	EXPECT_OK(carry(self, &message));
	message.carry.can_rekey = 1;
	EXPECT_EQ(-EBADMSG, carry(self, &message));
}

/* what status prints: it moves no cursor, and has an end */
TEST_F(handover, has_a_printable_name)
{
	struct handover message = { .type = HANDOVER_HELLO };

	memset(message.name, 'x', sizeof(message.name));
	EXPECT_EQ(-EBADMSG, say(self, &message));
	message.name[sizeof(message.name) - 1] = '\0';
	EXPECT_OK(say(self, &message));
	for (int byte = 1; byte < 256; byte++) {
		message.name[3] = (char)byte;
		EXPECT_EQ(byte < 0x20 || byte > 0x7e ? -EBADMSG : 0, say(self, &message)) {
			TH_LOG("that was byte %d", byte);
		}
	}
}

TEST_F(handover, survives_noise)
{
	unsigned char bytes[sizeof(struct handover) + 8];
	struct handover got;
	size_t count;

	srandom(20261124);
	for (int i = 0; i < 20000; i++) {
		size_t size = i % 2 ? sizeof(got) : 1 + (size_t)random() % sizeof(bytes);
		int err;

		for (size_t k = 0; k < size; k++)
			bytes[k] = (unsigned char)random();
		if (i % 2)
			memset(bytes, i / 2 % (HANDOVER_TYPE_COUNT + 1), 1);
		ASSERT_OK(send_bytes(self, bytes, size, (size_t)random() % (PACKET_FDS_MAX + 1)));
		err = receive(self, (enum handover_side)(random() % SIDES), &got, &count);
		EXPECT_TRUE(err == 0 || err == -EBADMSG);
	}
}

HARNESS_MAIN
