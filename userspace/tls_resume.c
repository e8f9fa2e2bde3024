// SPDX-License-Identifier: Apache-2.0
#include "userspace/tls_resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/cleanup.h"
#include "userspace/connection.h"
#include "userspace/session_bytes.h"
#include "userspace/session_store.h"
#include "userspace/tls_context.h"

#define RESUME_SECONDS (2 * 3600)
#define RESUME_AVOID_SECONDS (24 * 3600) /* a server that cannot resume what it gave out */

/* a server's last session of a line */
struct resume_entry {
	SSL_SESSION *session;
	struct endpoint peer;
	struct endpoint avoided; /* of this peer nothing is kept */
	time_t avoid_until;
};

struct tls_resume {
	size_t count;
	struct resume_entry entries[]; /* as config.lines */
};

DEFINE_CLEANUP(SSL_SESSION *, SSL_SESSION_free);

static void resume_free_chain(STACK_OF(X509) **chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

/* Asks the policy about a session's certificate, for the connection that would resume it. */
static bool resume_is_allowed(struct connection *connection, X509 *leaf, STACK_OF(X509) *chain)
{
	connection->resuming = !tls_decide(connection, leaf, chain) &&
			       connection->record->verdict.accepted;
	if (!connection->resuming)
		tls_undecide(connection);
	return connection->resuming;
}

/* The certificate of the peer whose session is resumed; NULL: it had none. */
static X509 *resume_leaf(const struct connection *connection)
{
	return sk_X509_num(connection->session_chain) > 0 ?
		       sk_X509_value(connection->session_chain, 0) :
		       NULL;
}

static SSL_SESSION *resume_get(SSL *tls, const unsigned char *id, int id_len, int *copy)
{
	struct connection *connection = SSL_get_app_data(tls);
	const struct worker_setup *setup = &connection->worker->setup;
	_cleanup_(cleanup_SSL_SESSION_free) SSL_SESSION *session = NULL;
	uint8_t data[SESSION_STORE_DATA_MAX];
	long len;

	*copy = 0;
	if (!connection->line->resumption || id_len <= 0)
		return NULL;
	len = session_store_get(setup->sessions, setup->id, id, (size_t)id_len, data, time(NULL));
	if (len < 0)
		return NULL;
	tls_resume_end(connection);
	session = session_bytes_unpack(data, (size_t)len,
				       tls_contexts_library(connection->worker->tls),
				       &connection->session_chain);
	OPENSSL_cleanse(data, sizeof(data));
	if (!session)
		return NULL;
	/* RFC 8446 appendix C.4: a name is used once */
	if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
		session_store_remove(setup->sessions, setup->id, id, (size_t)id_len);
	return resume_is_allowed(connection, resume_leaf(connection), connection->session_chain) ?
		       TAKE_PTR(session) :
		       NULL;
}

static void resume_keep_server(struct connection *connection, SSL_SESSION *session)
{
	const struct worker_setup *setup = &connection->worker->setup;
	const bool reused = SSL_session_reused(connection->tls);
	uint8_t data[SESSION_STORE_DATA_MAX];
	const unsigned char *id;
	unsigned int id_len;
	long len;

	id = SSL_SESSION_get_id(session, &id_len);
	len = reused ? session_bytes_pack(session, NULL, connection->session_chain, data) :
		       session_bytes_pack(session, SSL_SESSION_get0_peer(session),
					  SSL_get_peer_cert_chain(connection->tls), data);
	/* what cannot be kept is not resumed, and that is all */
	if (len > 0)
		session_store_put(setup->sessions, setup->id, id, id_len, data, (size_t)len,
				  time(NULL) + RESUME_SECONDS);
	OPENSSL_cleanse(data, sizeof(data));
}

static struct resume_entry *resume_entry(const struct connection *connection)
{
	const struct worker *worker = connection->worker;

	return &worker->resume->entries[connection->line - worker->setup.config->lines];
}

static void resume_drop(struct resume_entry *entry)
{
	SSL_SESSION_free(entry->session);
	entry->session = NULL;
}

static bool resume_is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* 1: the session is kept here, with the reference that came along */
static int resume_new(SSL *tls, SSL_SESSION *session)
{
	struct connection *connection = SSL_get_app_data(tls);
	struct resume_entry *entry;

	if (!connection->line->resumption)
		return 0;
	if (!connection_is_outbound(connection)) {
		resume_keep_server(connection, session);
		return 0;
	}
	if (!SSL_SESSION_is_resumable(session))
		return 0;
	entry = resume_entry(connection);
	resume_drop(entry);
	if (time(NULL) < entry->avoid_until &&
	    resume_is_same(&entry->avoided, &connection->peer))
		return 0;
	entry->session = session;
	entry->peer = connection->peer;
	return 1;
}

void tls_resume_prepare(SSL_CTX *ctx, enum direction direction)
{
	long mode = SSL_SESS_CACHE_NO_INTERNAL;

	mode |= direction == DIRECTION_OUTBOUND ? SSL_SESS_CACHE_CLIENT : SSL_SESS_CACHE_SERVER;
	SSL_CTX_set_session_cache_mode(ctx, mode);
	SSL_CTX_set_timeout(ctx, RESUME_SECONDS);
	SSL_CTX_sess_set_new_cb(ctx, resume_new);
	if (direction == DIRECTION_OUTBOUND)
		return;
	/* no tickets: names of sessions that are kept here */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_sess_set_get_cb(ctx, resume_get);
}

static bool resume_is_current(const struct resume_entry *entry, const struct endpoint *peer)
{
	return entry->session && resume_is_same(&entry->peer, peer) &&
	       SSL_SESSION_get_time(entry->session) + SSL_SESSION_get_timeout(entry->session) >
		       time(NULL);
}

/* Offers the line's last session, where its certificate is still good. */
static int resume_offer(struct connection *connection)
{
	struct resume_entry *entry = resume_entry(connection);
	_cleanup_(cleanup_SSL_SESSION_free) SSL_SESSION *session = NULL;

	if (!resume_is_current(entry, &connection->peer)) {
		resume_drop(entry);
		return 0;
	}
	/* for one that may not have that version it would be used up in vain */
	if (connection->order && SSL_SESSION_get_protocol_version(entry->session) > TLS1_2_VERSION)
		return 0;
	session = entry->session;
	SSL_SESSION_up_ref(session);
	/* RFC 8446 appendix C.4 again; a server of TLS 1.2 gives no new one */
	if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
		resume_drop(entry);
	/* set before it is asked about: its chain is had through the connection alone */
	if (!SSL_set_session(connection->tls, session))
		return -EIO;
	if (resume_is_allowed(connection, SSL_SESSION_get0_peer(session),
			      SSL_get_peer_cert_chain(connection->tls)))
		return 0;
	resume_drop(entry);
	return SSL_set_session(connection->tls, NULL) ? 0 : -EIO;
}

int tls_resume_begin(struct connection *connection)
{
	const struct config_line *line = connection->line;
	uint32_t id = (uint32_t)(line - connection->worker->setup.config->lines);

	if (connection_is_outbound(connection))
		return line->resumption ? resume_offer(connection) : 0;
	/* of this line and of no other, whose peers may be asked for less */
	if (!SSL_set_session_id_context(connection->tls, (const unsigned char *)&id, sizeof(id)))
		return -EIO;
	SSL_set_num_tickets(connection->tls, line->resumption ? 1 : 0);
	return 0;
}

bool tls_resume_failed(struct connection *connection)
{
	struct resume_entry *entry;

	if (!connection_is_outbound(connection) || !connection->resuming)
		return false;
	entry = resume_entry(connection);
	resume_drop(entry);
	entry->avoided = connection->peer;
	entry->avoid_until = time(NULL) + RESUME_AVOID_SECONDS;
	connection->resuming = false;
	tls_undecide(connection);
	return true;
}

bool tls_resume_settle(struct connection *connection)
{
	bool reused = SSL_session_reused(connection->tls);

	if (reused && !connection->resuming) {
		tls_undecide(connection);
		return false;
	}
	/* OpenSSL did not resume it after all, and no certificate came in its place */
	if (!reused && connection->resuming) {
		connection->resuming = false;
		tls_undecide(connection);
	}
	if (reused)
		snprintf(connection->record->resumed, sizeof(connection->record->resumed), "yes");
	return true;
}

void tls_resume_end(struct connection *connection)
{
	resume_free_chain(&connection->session_chain);
	connection->session_chain = NULL;
}

struct tls_resume *tls_resume_new(const struct config *config)
{
	struct tls_resume *resume =
		calloc(1, sizeof(*resume) + config->line_count * sizeof(resume->entries[0]));

	if (resume)
		resume->count = config->line_count;
	return resume;
}

void tls_resume_free(struct tls_resume *resume)
{
	size_t i;

	if (!resume)
		return;
	for (i = 0; i < resume->count; i++)
		resume_drop(&resume->entries[i]);
	free(resume);
}
