// SPDX-License-Identifier: Apache-2.0
#include "userspace/expiry_watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/cleanup.h"
#include "userspace/expiry.h"
#include "userspace/expiry_json.h"
#include "userspace/log.h"

#define WATCH_DAY (24 * 3600 * LOOP_SECOND)

static void watch_log(const struct config *config)
{
	_cleanup_free_ struct expiry *expiry = malloc(sizeof(*expiry));
	char text[2 * TEXT_NAME_MAX + 128];
	size_t i;

	if (!expiry)
		return;
	expiry_find(config, time(NULL), expiry);
	for (i = 0; i < expiry->count; i++) {
		/* what the trust store has that is over was said with its other troubles */
		if (expiry->items[i].days < 0 && *expiry->items[i].file)
			continue;
		expiry_describe(&expiry->items[i], text, sizeof(text));
		log_line(LOG_WARNING, "%s", text);
	}
}

static void watch_record(const struct agent *agent)
{
	json_t *json = expiry_to_json(agent->config);
	int err;

	if (json_integer_value(json_object_get(json, "count")) > 0) {
		record_put_time(json, "time", record_clock_ms());
		json_object_set_new(json, "event", json_string("expiry"));
		err = audit_write_json(agent->audit, json);
		if (err)
			log_line(LOG_ERR, "audit log %s: %s", agent->config->audit_log,
				 strerror(-err));
	}
	json_decref(json);
}

void expiry_watch_tell(struct expiry_watch *watch)
{
	watch_log(watch->agent->config);
	watch_record(watch->agent);
	loop_timeout_start(watch->agent->loop, &watch->daily, &watch->next);
}

static void watch_expired(struct loop_timeout *timeout)
{
	expiry_watch_tell(CONTAINER_OF(timeout, struct expiry_watch, next));
}

void expiry_watch_start(struct expiry_watch *watch, const struct agent *agent)
{
	*watch = (struct expiry_watch){
		.agent = agent,
		.daily = { .duration = WATCH_DAY, .expired = watch_expired },
	};
	loop_timeouts_add(agent->loop, &watch->daily);
	expiry_watch_tell(watch);
}
