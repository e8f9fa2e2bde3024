/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that live, relayed or adopted, while what they were accepted by changes. */
#ifndef TESTS_E2E_LIVING_H
#define TESTS_E2E_LIVING_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/plain_app.h"
#include "tests/peer/peer.h"

#define LIVING_ANYBODY "127.0.1.1" /* level none, of the site */

/*
 * living_start_app - starts an app that echoes; the pid of the keeper that it takes to adopt, or 0:
 * its connections are relayed
 */
pid_t living_start_app(const struct daemon *agent, struct plain_app *app, bool adopts);

/* living_end - ends daemon, app and keeper; checks */
void living_end(struct daemon *agent, const struct plain_app *app, pid_t keeper);

/*
 * living_open - a session, from an address, that has echoed; with the certificate's own key, or that
 * of "good", which what is reissued from it has as well; checks
 */
struct peer *living_open(const char *source, const char *certificate);

/* living_check_goes_on - it echoes */
void living_check_goes_on(struct peer *peer);

/* living_check_ended - its peer sees a reset, and the log says why, once; reason: how that begins */
void living_check_ended(struct daemon *agent, struct peer *peer, const char *reason);

/* living_check_app_saw_end - of a client's session, in the read() that it was in; checks */
void living_check_app_saw_end(const struct plain_app *app, const char *client, bool adopted);

/* living_deny - `linewarden revoke OPTION FINGERPRINT`; its exit status */
int living_deny(const struct daemon *agent, const char *option, const char *fingerprint);

#endif
