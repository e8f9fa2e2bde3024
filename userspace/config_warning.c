// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_warning.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

static int __attribute__((format(printf, 2, 3)))
warning_add(struct config *config, const char *format, ...)
{
	char **warnings = reallocarray(config->warnings, config->warning_count + 1,
				       sizeof(*warnings));
	va_list ap;
	int rc;

	if (!warnings)
		return -ENOMEM;
	config->warnings = warnings;
	va_start(ap, format);
	rc = vasprintf(&warnings[config->warning_count], format, ap);
	va_end(ap);
	if (rc < 0)
		return -ENOMEM;
	config->warning_count++;
	return 0;
}

static int warning_crl(struct config *config)
{
	if (config->crl != CRL_REQUIRE || config->trust_report.crls)
		return 0;
	for (size_t i = 0; i < config->line_count; i++) {
		const struct config_line *line = &config->lines[i];

		if (rule_revocation(&line->rule) == CRL_REQUIRE)
			return warning_add(config,
					   "%s:%u: line '%s': crl = require, and the trust store "
					   "has no revocation list: every certificate is refused; "
					   "add the authorities' lists, or write crl = prefer",
					   line->file, line->at, line->name);
	}
	return 0;
}

/*
 * RFC 5280 section 4.2.1.12: a certificate without the extension may be used for anything.
 * OpenSSL sets all bits then.
 */
static bool warning_usage_allows(X509 *certificate, enum direction direction)
{
	uint32_t wanted = direction == DIRECTION_OUTBOUND ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
	uint32_t usage = X509_get_extended_key_usage(certificate);

	return usage & (wanted | XKU_ANYEKU);
}

/* The first line that shows the certificate in the role is enough of them. */
static int warning_usage(struct config *config, const struct identity *identity,
			 enum direction direction)
{
	bool client = direction == DIRECTION_OUTBOUND;
	const struct config_line *line = NULL;
	char subject[TEXT_NAME_MAX];

	for (size_t i = 0; !line && i < config->line_count; i++) {
		if (config->lines[i].identity == identity && config->lines[i].direction == direction)
			line = &config->lines[i];
	}
	if (!line || warning_usage_allows(identity->certificate, direction))
		return 0;
	text_name(X509_get_subject_name(identity->certificate), subject, sizeof(subject));
	return warning_add(config,
			   "%s:%u: line '%s': the identity certificate (%s) is shown as a TLS %s, "
			   "and its extended key usage has no %s: peers that check it refuse it; "
			   "have it issued with both uses",
			   line->file, line->at, line->name, subject, client ? "client" : "server",
			   client ? "clientAuth" : "serverAuth");
}

int config_warning_find(struct config *config)
{
	const struct identity *const identities[] = { &config->identity, &config->telephony };
	int rc = warning_crl(config);

	for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
		for (enum direction d = DIRECTION_INBOUND; rc == 0 && d <= DIRECTION_OUTBOUND; d++)
			rc = warning_usage(config, identities[i], d);
	}
	return rc;
}
