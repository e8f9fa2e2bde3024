// SPDX-License-Identifier: Apache-2.0
#include "userspace/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "policy/cleanup.h"
#include "userspace/adoption.h"
#include "userspace/concern.h"
#include "userspace/config_diff.h"
#include "userspace/expiry_watch.h"
#include "userspace/listener_keep.h"
#include "userspace/log.h"
#include "userspace/pbx_watch.h"
#include "userspace/reload_watch.h"
#include "userspace/reverify.h"
#include "userspace/tls_context.h"
#include "userspace/upgrade.h"

#define RELOAD_WAIT (2 * LOOP_SECOND) /* for workers to stop accepting: they hang then */

struct reload {
	struct agent *agent;
	const char *path;
	struct loop_timeouts waits;
	struct loop_timeout wait;
	struct reload_watch *watch;
	uint64_t loads; /* attempts, the first at the start */
	uint64_t in_force; /* the one whose configuration is */
	uint64_t since; /* seconds since the epoch */
	struct config_error error; /* of the last attempt; empty: none */
	bool again; /* asked for while one was under way */
	uint64_t seen; /* what the files of the last one that was loaded were */
	/* what is about to be put in force; NULL: nothing is */
	struct shift *next;
	struct listeners *listeners; /* the same shift's */
};

/* What the daemon takes up once. */
static int reload_check_fixed(const struct config *running, struct config *config,
			      struct config_error *error)
{
	const struct {
		const char *key;
		bool same;
	} fixed[] = {
		{ "pin-path", !strcmp(running->pin_path, config->pin_path) },
		{ "run-path", !strcmp(running->run_path, config->run_path) },
		{ "state-path", !strcmp(running->state_path, config->state_path) },
		{ "audit-log", !strcmp(running->audit_log, config->audit_log) },
		{ "cgroup", !strcmp(running->cgroup, config->cgroup) },
		{ "group", running->control_gid == config->control_gid },
		{ "ktls", running->ktls == config->ktls },
	};
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!fixed[i].same)
			return config_error_set(error, config->files[0], 0,
						"%s: another one than linewardend runs with; "
						"restart it for that",
						fixed[i].key);
	if (config_namespace_align(config, running) < 0)
		return config_error_set(error, config->files[0], 0,
					"namespace: the lines are in other network namespaces than "
					"linewardend runs with; restart it for that");
	return 0;
}

/* What a worker would find out only when it has been started. */
static int reload_check_tls(const struct agent *agent, const struct config *config,
			    struct config_error *error)
{
	const struct worker_setup setup = {
		.config = config,
		.crypto = agent->crypto,
		.features = &agent->features,
		.kernel_tls = agent->kernel_tls,
	};
	const char *why = "";
	struct tls_contexts *contexts = tls_contexts_new(&setup, &why);

	if (!contexts)
		return config_error_set(error, config->files[0], 0, "TLS: %s", why);
	tls_contexts_free(contexts);
	return 0;
}

/* Reads and checks all of it; nothing is in force, or written anywhere. */
static int reload_load(const struct reload *reload, struct config **out, struct config_error *error)
{
	const struct agent *agent = reload->agent;
	struct config *config;
	int err;

	err = config_load(reload->path, time(NULL), reload->loads, &config, error);
	if (err)
		return err;
	err = upgrade_apply(config, false, error->text, sizeof(error->text));
	if (!err)
		err = reload_check_fixed(agent->config, config, error);
	if (!err)
		err = reload_check_tls(agent, config, error);
	if (err)
		config_free(config);
	else
		*out = config;
	return err;
}

/* Beside what is in force. */
static int reload_write(struct reload *reload, struct config *config)
{
	struct agent *agent = reload->agent;
	const struct listeners *listeners = reload->listeners;
	size_t i;
	int err;

	dataplane_begin(agent->dataplane);
	err = dataplane_write_lines(agent->dataplane, config);
	for (i = 0; !err && i < listeners->count; i++)
		err = dataplane_set_listener(agent->dataplane, &listeners->entries[i]);
	if (!err)
		err = dataplane_write_ports(agent->dataplane, listeners, config);
	if (!err)
		adoption_map_ports(agent->adoption);
	return err;
}

/* Ports that only one of the two has. */
static void reload_close_ports(const struct agent *agent, const struct listeners *gone,
			       const struct listeners *stay)
{
	const struct listener *listener;
	size_t i;

	for (i = 0; i < gone->count; i++) {
		listener = &gone->entries[i];
		if (!listeners_find(stay, &gone->ports[listener->port], listener->ipv6))
			dataplane_unset_listener(agent->dataplane, listener);
	}
}

static void reload_abandon(struct reload *reload)
{
	struct agent *agent = reload->agent;

	dataplane_abandon(agent->dataplane, agent->config);
	reload_close_ports(agent, reload->listeners, agent->listeners);
	listeners_free(reload->listeners);
	reload->listeners = NULL;
}

static int reload_prepare(struct reload *reload, struct config *config, struct config_error *error)
{
	struct agent *agent = reload->agent;
	char why[DATAPLANE_ERROR_LEN] = "";
	int err;

	err = listeners_open(config, agent->listeners, agent->listener_keep, &reload->listeners,
			     why, sizeof(why));
	if (err)
		return config_error_set(error, config->files[0], 0, "%s", why);
	err = reload_write(reload, config);
	if (!err)
		err = upgrade_apply(config, true, why, sizeof(why));
	if (!err)
		err = supervisor_staff(agent, config, reload->listeners, &reload->next);
	if (!err)
		return 0;
	config_error_set(error, config->files[0], 0, "cannot be put in force: %s",
			 *why ? why : strerror(-err));
	reload_abandon(reload);
	return err;
}

static void reload_tell(const struct reload *reload, const struct config *before)
{
	const struct config *now = reload->agent->config;
	json_t *changes = config_diff(before, now), *change;
	size_t i;

	json_array_foreach(changes, i, change)
		log_line(LOG_NOTICE, "line %s (%s): %s",
			 json_string_value(json_object_get(change, "line")),
			 json_string_value(json_object_get(change, "direction")),
			 json_string_value(json_object_get(change, "text")));
	json_decref(changes);
	log_line(LOG_NOTICE, "the configuration is in force anew: %zu lines on %u ports",
		 now->line_count, reload->agent->listeners->port_count);
}

/* From here on nothing fails that leaves a choice. */
static int reload_switch(struct reload *reload)
{
	struct agent *agent = reload->agent;
	struct config *before = agent->config, *config = reload->next->config;
	struct listeners *old = agent->listeners;
	int err;

	err = dataplane_switch(agent->dataplane, config);
	if (err)
		return err;
	agent->config = config;
	agent->listeners = TAKE_PTR(reload->listeners);
	dataplane_carry_counters(agent->dataplane, before, config);
	reload_close_ports(agent, old, agent->listeners);
	dataplane_forget_old(agent->dataplane, config);
	supervisor_listen(TAKE_PTR(reload->next));
	listener_keep_change(agent->listener_keep, old);
	reload->in_force = reload->loads;
	reload->since = (uint64_t)time(NULL);
	reload_tell(reload, before);
	return 0;
}

static void reload_finish(struct reload *reload)
{
	struct agent *agent = reload->agent;
	_cleanup_(mark_set_release) struct mark_set concerned = { 0 };
	struct config_error error;
	bool known;
	int err;

	loop_timeout_stop(&reload->waits, &reload->wait);
	known = concern_of_config(agent->config, reload->next->config, &concerned) == 0;
	err = reload_switch(reload);
	if (err) {
		/* half of the namespaces may be switched: the next start writes all anew */
		log_line(LOG_ERR, "the lines cannot be switched: %s", strerror(-err));
		loop_stop(agent->loop);
		return;
	}
	err = dataplane_refresh_sources(agent->dataplane, agent->config);
	if (err)
		log_line(LOG_ERR, "the sources of outbound connections cannot be looked up: %s",
			 strerror(-err));
	adoption_tell_connects(agent->adoption);
	pbx_watch_change(agent->pbx);
	reload_watch_change(reload->watch, reload->seen);
	expiry_watch_tell(agent->expiry);
	reverify_changed(agent, known ? &concerned : NULL, "another configuration is in force");
	sd_notify(0, "READY=1");
	if (!reload->again)
		return;
	reload->again = false;
	reload_begin(reload, "it was changed meanwhile", &error);
}

void reload_go_on(struct reload *reload)
{
	if (reload && reload->next && !supervisor_accepts(LIST_NEXT(reload->next, entry)))
		reload_finish(reload);
}

static void reload_expired(struct loop_timeout *timeout)
{
	struct reload *reload = CONTAINER_OF(timeout, struct reload, wait);

	log_line(LOG_ERR, "a worker does not stop accepting");
	reload_finish(reload);
}

/* As they were before they were read: what is changed meanwhile, or from now on, is found then. */
static int reload_read(struct reload *reload, struct config **out, struct config_error *error)
{
	const struct config *running = reload->agent->config;
	const uint64_t before = reload_watch_look(running);
	int err = reload_load(reload, out, error);

	if (!err)
		reload->seen = reload_watch_has_same(running, *out) ? before :
								      reload_watch_look(*out);
	return err;
}

static void reload_notify(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
}

int reload_begin(struct reload *reload, const char *why, struct config_error *error)
{
	struct agent *agent = reload->agent;
	struct config *config = NULL;
	int err;

	*error = (struct config_error){ 0 };
	if (reload->next) {
		reload->again = true;
		return -EBUSY;
	}
	log_line(LOG_INFO, "the configuration is loaded anew: %s", why);
	reload_notify();
	reload->loads++;
	err = reload_read(reload, &config, error);
	if (!err)
		err = reload_prepare(reload, config, error);
	reload->error = *error;
	if (err) {
		config_free(config);
		log_line(LOG_ERR, "%s; the configuration in force stays", error->text);
		sd_notify(0, "READY=1");
		return err;
	}
	loop_timeout_start(agent->loop, &reload->waits, &reload->wait);
	supervisor_retire(LIST_NEXT(reload->next, entry));
	reload_go_on(reload);
	return 0;
}

static json_t *reload_error(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *reload_try(struct reload *reload)
{
	struct config_error error = { 0 };
	struct config *config = NULL;
	json_t *answer;

	if (reload_load(reload, &config, &error) < 0)
		return reload_error(error.text);
	answer = json_pack("{s:o}", "changes", config_diff(reload->agent->config, config));
	config_free(config);
	return answer;
}

json_t *reload_question(struct agent *agent, const char *argument)
{
	struct reload *reload = agent->reload;
	struct config_error error = { 0 };
	int err;

	if (argument && !strcmp(argument, "dry-run"))
		return reload_try(reload);
	if (argument)
		return NULL;
	err = reload_begin(reload, "`linewarden reload`", &error);
	if (err && err != -EBUSY)
		return reload_error(error.text);
	/* one that has to wait is the next one */
	return json_pack("{s:I}", "load", (json_int_t)(reload->loads + (err == -EBUSY)));
}

json_t *reload_to_json(const struct reload *reload)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:s}", "file", reload->path, "loads",
			 (json_int_t)reload->loads, "in_force", (json_int_t)reload->in_force,
			 "since", (json_int_t)reload->since, "error", reload->error.text);
}

static void reload_changed(void *arg)
{
	struct config_error error;

	reload_begin(arg, "its files were changed", &error);
}

struct reload *reload_new(struct agent *agent, const char *path, uint64_t seen)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (!reload)
		return NULL;
	reload->agent = agent;
	reload->path = path;
	reload->loads = reload->in_force = 1;
	reload->since = (uint64_t)time(NULL);
	reload->waits = (struct loop_timeouts){ .duration = RELOAD_WAIT, .expired = reload_expired };
	loop_timeouts_add(agent->loop, &reload->waits);
	reload->watch = reload_watch_new(agent, seen, reload_changed, reload);
	if (!reload->watch) {
		free(reload);
		return NULL;
	}
	return reload;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	reload_watch_free(reload->watch);
	free(reload);
}
