// SPDX-License-Identifier: Apache-2.0
#include "userspace/expiry_json.h"

#include <stdlib.h>
#include <time.h>

#include "userspace/expiry.h"

json_t *expiry_to_json(const struct config *config)
{
	_cleanup_free_ struct expiry *expiry = malloc(sizeof(*expiry));
	json_t *list = json_array();

	if (!expiry || !list) {
		json_decref(list);
		return NULL;
	}
	expiry_find(config, time(NULL), expiry);
	for (size_t i = 0; i < expiry->count; i++) {
		const struct expiry_item *item = &expiry->items[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "what",
						      item->what, "file", item->file, "subject",
						      item->subject, "not_after",
						      (json_int_t)item->not_after, "days",
						      (json_int_t)item->days));
	}
	return json_pack("{s:i, s:I, s:o}", "warning_days", (int)config->expiry_warning, "count",
			 (json_int_t)expiry->total, "certificates", list);
}
