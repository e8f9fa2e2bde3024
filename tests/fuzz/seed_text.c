// SPDX-License-Identifier: Apache-2.0
/* Names and configurations. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/config.h"
#include "tests/fuzz/fixed.h"
#include "tests/fuzz/seed.h"
#include "tests/fuzz/target.h"

static const struct {
	const char *reference, *presented;
} seed_names[] = {
	{ "pbx.example.com", "PBX.example.COM" },
	{ "pbx.example.com.", "*.example.com" },
	{ "a.b.example.com", "*.example.com" },
	{ "example.com", "*.com" },
	{ "b\303\274cher.example", "xn--bcher-kva.example" },
	{ "\345\214\227\344\272\254.b\303\274cher.\360\237\230\200", "x" },
	{ "xn--bcher-kva.example", "*.example" },
	{ "_sip._tcp.example.com", "f*.example.com" },
	{ "192.0.2.1", "\300\0\2\1" },
	{ "2001:db8::1", "" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "[::1]:5061", "sip:example.com" },
	{ "1.2.3.4.5", "a..b" },
	{ "*.example.com", ".example.com" },
	{ "sip:example.com", "sip:example.com:5061;transport=tls" },
	{ "\300\200.\355\240\200.\364\220\200\200", "\377" },
};

static struct seed seed;

static void seed_names_text(void)
{
	for (size_t i = 0; i < sizeof(seed_names) / sizeof(seed_names[0]); i++) {
		char name[16];

		seed_begin(&seed, NULL, 0);
		seed_add_text(&seed, seed_names[i].reference);
		seed_add(&seed, "", 1);
		seed_add_text(&seed, seed_names[i].presented);
		snprintf(name, sizeof(name), "name-%zu", i);
		seed_write(&seed, "name", name);
	}
}

/* the subjectAltName of a certificate */
static void seed_names_der(const char *reference, enum fixed_id id, const char *name)
{
	X509 *certificate = fixed_certificate(id);
	X509_EXTENSION *extension = X509_get_ext(
		certificate, X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1));
	const ASN1_OCTET_STRING *der = X509_EXTENSION_get_data(extension);

	seed_begin(&seed, NULL, 0);
	seed_add(&seed, reference, strlen(reference) + 1);
	seed_add(&seed, ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der));
	seed_write(&seed, "name", name);
}

void seed_name(void)
{
	char label[300];

	seed_names_text();
	seed_names_der("example.test", FIXED_NAMES, "der-uri");
	seed_names_der("a.example.test", FIXED_NAMES, "der-wildcard");
	seed_names_der("2001:db8::1", FIXED_NAMES, "der-address");
	seed_names_der("pbx.example.test", FIXED_SERVER, "der-dns");
	seed_names_der("example.test", FIXED_BELOW_CONSTRAINED, "der-email");
	for (size_t len = 62; len < sizeof(label); len = len < 64 ? len + 1 : len + 94) {
		char name[16];

		memset(label, 'a', sizeof(label));
		for (size_t i = 63; i < len; i += 64)
			label[i] = '.';
		seed_begin(&seed, label, len);
		snprintf(name, sizeof(name), "long-%zu", len);
		seed_write(&seed, "name", name);
	}
}

#define CONFIG_HEAD                                                                                \
	"identity {\n\tcertificate = \"" CONFIG_CERTIFICATE "\" # and its chain\n\tkey = "         \
	CONFIG_KEY "\n}\ntrust-store = \"" CONFIG_TRUST "\"\nuser = nobody\ngroup = daemon\n"

/* every section, key and word at least once */
static const char *const seed_configs[] = {
	"",
	CONFIG_HEAD
	"line a { function = sip-line port = 5061 remote = 192.0.2.0/24 level = medium }\n",
	CONFIG_HEAD
	"ktls = prefer\nworkers = 2\nhandshake-timeout = 300\nconnect-timeout = 10000\nmax-handshakes = 1\n"
	"audit-log = /a/b.jsonl\npin-path = /c\nrun-path = /d\ncgroup = \"/sys/fs/cgroup/pbx\"\n"
	"line \"trunk-a\" {\r\n\tfunction = sip-line\n\tport = 5061\n"
	"\tremote = { \"192.0.2.0/24\", 2001:db8:1::/48, }\n\tlevel = high+remote\n"
	"\thost-names = { pbx.example.com, 2001:db8::7 }\n"
	"\tsip-domains = { example.com, \"b\303\274cher.example\" }\n}\n"
	"line web { function = admin port = 443 remote = ::/0 level = none }\n"
	"line iol { function = ip-office-line port = 443 remote = 10.0.0.1 level = high }\n"
	"line sm { function = sm-line port = 65535 remote = 10.0.0.0/8 level = medium+remote\n"
	"\tsip-domains = example.net }\n"
	"line phones { function = sip-phone port = 1 remote = { 0.0.0.0/0 } level = low }\n",
	CONFIG_HEAD
	"ktls = require\ncgroup = \"\"\n"
	"line a { function = admin port = 1 remote = ::/0 level = medium+remote }\n",
	CONFIG_HEAD
	"telephony-identity { certificate = " CONFIG_CERTIFICATE " key = " CONFIG_KEY " }\n"
	"offer-id-chain = no\nmanagement-interfaces = high\ntelephony-endpoints = medium+remote\n"
	"upgraded-host = yes\nstate-path = /e\ninclude = { \"" CONFIG_LINES "\" }\n"
	"pbx asterisk { unit = \"asterisk.service\" unmatched = block }\n"
	"pbx b { cgroup = /machine.slice/b unmatched = pass }\n"
	"pbx c { unit = \"a-b@c.service\" }\n"
	"line a { function = sip-line direction = both remote-port = 5071 remote = 192.0.2.0/24\n"
	"\tsip-domains = { \"b\303\274cher.example\" } host-names = { 192.0.2.1, a.example }\n"
	"\texceptions = { accept-server-auth-client, accept-missing-key-usage, strict-purpose }\n"
	"\tmode = observe delivery = relay resumption = no namespace = blue }\n"
	"line b { function = ip-office-line direction = outbound remote = ::1 level = high\n"
	"\thost-names = office.example namespace = \"/run/netns/red\" mode = enforce }\n"
	"line c { function = admin service-security = secure-high plain-port = 80\n"
	"\thost-names = admin.example level = medium+remote resumption = yes }\n"
	"line d { function = admin service-security = disabled port = 8443 plain-port = 8080 }\n",
	CONFIG_HEAD
	"management-interfaces = low\n"
	"line a { function = admin service-security = secure-low remote = 10.0.0.1 }\n"
	"line b { function = admin service-security = secure-medium remote = 10.0.0.2 }\n"
	"line c { function = admin service-security = unsecure+secure remote = 10.0.0.3 }\n"
	"line d { function = admin service-security = unsecure-only remote = 10.0.0.4 }\n"
	"line e { function = admin direction = inbound remote = 10.0.0.5 }\n",
	"identity { pkcs12 = " CONFIG_KEY " passphrase-file = " CONFIG_KEY " }\n"
	"line a { function = admin level = none delivery = adopt }",
	"identity { pkcs12 = " CONFIG_KEY " passphrase-credential = name }\n"
	"user = nobody group = daemon line a { function = admin level = none }",
	"include = { /nowhere, /proc/self/fdinfo }\n\"\" = 1",
	"line a { function = admin port = 443 remote = 192.0.2.7/24 level = none }",
	"line a { function = admin port = 443 remote = {} level = none }",
	"line \"a\" { } line a { port = 1 port = 2 }",
	"identity { certificate = /nowhere key = /nowhere }\nidentity { }\nunknown = 1\n",
};

void seed_config(void)
{
	for (size_t i = 0; i < sizeof(seed_configs) / sizeof(seed_configs[0]); i++) {
		char name[16];

		seed_begin(&seed, seed_configs[i], strlen(seed_configs[i]));
		snprintf(name, sizeof(name), "config-%zu", i);
		seed_write(&seed, "config", name);
	}
}
