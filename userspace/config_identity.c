// SPDX-License-Identifier: Apache-2.0
#include "userspace/config_identity.h"

#include <errno.h>
#include <string.h>

#include "userspace/config_value.h"
#include "userspace/passphrase.h"

/* Two files, as PEM. */
static int identity_read_pem(const struct config_syntax *syntax, cfg_t *section, time_t now,
			     struct identity *identity)
{
	const struct config_value *certificate = NULL, *key = NULL;
	char why[CONFIG_ERROR_LEN] = "";
	int rc = config_value_need(syntax, section, "certificate", "\"/path/to/identity.pem\"",
				   &certificate);

	if (rc == 0)
		rc = config_value_need(syntax, section, "key", "\"/path/to/identity.key\"", &key);
	if (rc == 0)
		rc = config_value_file(syntax, section, "certificate", &certificate);
	if (rc == 0)
		rc = config_value_file(syntax, section, "key", &key);
	if (rc < 0)
		return rc;
	rc = identity_load_certificate(certificate->text, now, identity, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, certificate->line, "%s", why);
	if (rc == 0)
		rc = identity_load_key(key->text, identity, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, key->line, "%s", why);
	return rc;
}

static bool identity_is_credential(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int identity_read_credential(const struct config_syntax *syntax, cfg_t *section,
				    const struct config_value *name, struct passphrase *passphrase)
{
	char why[CONFIG_ERROR_LEN] = "";
	int rc;

	if (!identity_is_credential(name->text))
		return config_syntax_refuse(syntax, section, name->line,
					    "passphrase-credential '%s' is no name; write the one "
					    "that LoadCredential= gives it",
					    name->text);
	rc = passphrase_read_credential(name->text, passphrase, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, name->line,
					    "passphrase-credential '%s': %s", name->text, why);
	return rc;
}

/* None at all stands for the empty one. */
static int identity_read_passphrase(const struct config_syntax *syntax, cfg_t *section,
				    struct passphrase *passphrase)
{
	const struct config_value *file, *name;
	char why[CONFIG_ERROR_LEN] = "";
	int rc = config_value_file(syntax, section, "passphrase-file", &file);

	if (rc < 0)
		return rc;
	name = config_syntax_value(section, "passphrase-credential");
	if (file && name)
		return config_syntax_refuse(syntax, section,
					    file->line > name->line ? file->line : name->line,
					    "passphrase-file and passphrase-credential are both "
					    "there; keep one of them");
	if (name)
		return identity_read_credential(syntax, section, name, passphrase);
	if (!file)
		return 0;
	rc = passphrase_read(file->text, passphrase, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, file->line, "%s", why);
	return rc;
}

static int identity_read_pkcs12(const struct config_syntax *syntax, cfg_t *section,
				const struct config_value *pkcs12, time_t now,
				struct identity *identity)
{
	_cleanup_passphrase_ struct passphrase passphrase = { "" };
	char why[CONFIG_ERROR_LEN] = "";
	int rc = config_value_file(syntax, section, "pkcs12", &pkcs12);

	if (rc == 0)
		rc = identity_read_passphrase(syntax, section, &passphrase);
	if (rc < 0)
		return rc;
	rc = identity_load_pkcs12(pkcs12->text, passphrase.text, now, identity, why, sizeof(why));
	if (rc == -EINVAL)
		return config_syntax_refuse(syntax, section, pkcs12->line, "%s", why);
	return rc;
}

static int identity_read_section(const struct config_syntax *syntax, cfg_t *section, time_t now,
				 struct identity *identity)
{
	const struct config_value *pkcs12 = config_syntax_value(section, "pkcs12");
	const struct {
		const char *key;
		bool with_pkcs12;
	} keys[] = {
		{ "certificate", false },
		{ "key", false },
		{ "passphrase-file", true },
		{ "passphrase-credential", true },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct config_value *value = config_syntax_value(section, keys[i].key);

		if (!value || keys[i].with_pkcs12 == (pkcs12 != NULL))
			continue;
		return config_syntax_refuse(syntax, section, value->line,
					    pkcs12 ? "%s is not used beside pkcs12, which holds "
						     "certificate and key; remove it" :
						     "%s is for pkcs12 alone; remove it",
					    keys[i].key);
	}
	return pkcs12 ? identity_read_pkcs12(syntax, section, pkcs12, now, identity) :
			identity_read_pem(syntax, section, now, identity);
}

static int identity_note_sources(cfg_t *section, struct config *config)
{
	static const char *const keys[] = { "certificate", "key", "pkcs12", "passphrase-file" };
	const struct config_value *value;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = config_syntax_value(section, keys[i]);
		if (value)
			rc = config_source_add(config, value->text);
	}
	return rc;
}

static int identity_read_named(const struct config_syntax *syntax, const char *name, time_t now,
			       struct identity *identity, struct config *config)
{
	unsigned int count = cfg_size(syntax->root, name);
	cfg_t *section = count ? cfg_getnsec(syntax->root, name, 0) : NULL;
	int rc;

	if (count > 1)
		return config_syntax_refuse(syntax, syntax->root, 0,
					    "%s is there twice; keep one of them", name);
	if (!section)
		return 0;
	rc = identity_note_sources(section, config);
	return rc < 0 ? rc : identity_read_section(syntax, section, now, identity);
}

int config_identity_read(const struct config_syntax *syntax, time_t now, struct config *config)
{
	int rc;

	if (!cfg_size(syntax->root, "identity"))
		return config_syntax_refuse(syntax, syntax->root, 0,
					    "identity is missing; write identity { certificate = "
					    "... key = ... }");
	rc = identity_read_named(syntax, "identity", now, &config->identity, config);
	if (rc == 0)
		rc = identity_read_named(syntax, "telephony-identity", now, &config->telephony,
					 config);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < config->line_count; i++) {
		struct config_line *line = &config->lines[i];

		line->identity = config->telephony.certificate &&
						 function_is_telephony(line->function) ?
					 &config->telephony :
					 &config->identity;
	}
	return 0;
}

int config_identity_offer(struct config *config)
{
	struct identity *identities[] = { &config->identity, &config->telephony };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(identities) / sizeof(identities[0]); i++) {
		if (identities[i]->certificate)
			rc = config->offer_id_chain ?
				     identity_complete_chain(identities[i], config->trust) :
				     identity_drop_chain(identities[i]);
	}
	return rc;
}
