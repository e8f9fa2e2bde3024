// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int config_error_set(struct config_error *error, const char *file, unsigned int line,
		     const char *format, ...)
{
	int used = line ? snprintf(error->text, sizeof(error->text), "%s:%u: ", file, line) :
			  snprintf(error->text, sizeof(error->text), "%s: ", file);
	va_list ap;

	if (used < 0 || (size_t)used >= sizeof(error->text))
		return -EINVAL;
	va_start(ap, format);
	vsnprintf(error->text + used, sizeof(error->text) - used, format, ap);
	va_end(ap);
	/* a file's name can have anything in it */
	for (char *c = error->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return -EINVAL;
}
