/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a configuration, in the one form that an operator reads. */
#ifndef USERSPACE_CONFIG_ERROR_H
#define USERSPACE_CONFIG_ERROR_H

#define CONFIG_ERROR_LEN 1024

/* "pbx.conf:12: line 'trunk-a': cause; what to write instead", without a newline */
struct config_error {
	char text[CONFIG_ERROR_LEN];
};

/**
 * config_error_set - writes the message, cut where it does not fit
 * @file: the configuration file's name
 * @line: counted from 1; 0 for what belongs to the file as a whole
 *
 * Returns -EINVAL, so that a check ends with "return config_error_set(...)".
 */
int config_error_set(struct config_error *error, const char *file, unsigned int line,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
