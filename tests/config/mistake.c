// SPDX-License-Identifier: Apache-2.0
/* Mistakes in the grammar, in the settings and in the files, and in what every line has. */
#include "tests/config/mistake.h"

/* --- characters and grammar --- */
MISTAKE(open_string, "trusted\"", "trusted",
	"pbx.conf:5: a string is not closed; end it with '\"' on its line");
MISTAKE(variable, "@/trusted", "${HOME}", "pbx.conf:5: '$' cannot stand in a string");
MISTAKE(escape, "@/trusted", "\\x41", "pbx.conf:5: '\\' cannot stand in a string");
MISTAKE(key_path, "trust-store", "\"identity|key\"",
	"pbx.conf:5: '|' cannot stand in a string");
MISTAKE(tab_in_string, "@/trusted", "@\t",
	"pbx.conf:5: the byte 0x09 cannot stand in a string");
MISTAKE(other_comment, "user =", "; user =",
	"pbx.conf:6: ';' has no meaning here; comments start with '#', and text goes into double "
	"quotes");
MISTAKE(byte, "user =", "us\303\251r =",
	"pbx.conf:6: the byte 0xc3 has no meaning here; text other than ASCII goes into double "
	"quotes");
MISTAKE(control_byte, "user =", "\001user =",
	"pbx.conf:6: the byte 0x01 has no meaning here; text other than ASCII goes into double "
	"quotes");
MISTAKE(empty_list, "10.0.0.0/8", "{ }",
	"pbx.conf:17: the list is empty; name at least one entry or leave the key out");
MISTAKE(line_after_comments, "user =", "# one\n# two\nworker =",
	"pbx.conf:8: unknown key 'worker'; there are identity, "
	"telephony-identity, offer-id-chain, trust-store, management-interfaces, "
	"telephony-endpoints, pbx, line, include, upgraded-host, watch-files, state-path, crl, "
	"expiry-warning, ktls, user, group, workers, handshake-timeout, connect-timeout, "
	"max-handshakes, "
	"audit-log, pin-path, run-path, cgroup");
#define LINE_FURTHER_KEYS                                                                          \
	"direction, remote-port, exceptions, mode, delivery, resumption, on-expiry, namespace, "   \
	"service-security, plain-port"
MISTAKE(unknown_key_in_line, "	level = medium", "	levels = medium",
	"pbx.conf:12: line 'trunk-a': unknown key 'levels'; there are function, port, remote, "
	"level, host-names, sip-domains, " LINE_FURTHER_KEYS);
MISTAKE(no_operator_setting, "	level = medium", "	certificate = none\n	level = medium",
	"pbx.conf:12: line 'trunk-a': unknown key 'certificate'; there are function, port, "
	"remote, level, host-names, sip-domains, " LINE_FURTHER_KEYS);
MISTAKE(no_include, NULL, "include(\"/etc/passwd\")\n",
	"pbx.conf:20: '(' has no meaning here; comments start with '#', and text goes into double "
	"quotes");
#define NOT_CLOSED(line) "pbx.conf:" line ": what '{' opens here is not closed; end it with '}'"
MISTAKE(no_brace, "	level = low\n}\n", "	level = low\n", NOT_CLOSED("14"));
MISTAKE(no_brace_between, "	level = medium\n}\n", "	level = medium\n", NOT_CLOSED("8"));
MISTAKE(no_list_brace, "2001:db8:1::/48 }", "2001:db8:1::/48", NOT_CLOSED("8"));
MISTAKE(ends_early, NULL, "workers =", "pbx.conf:20: the file ends before a setting does");
MISTAKE(brace_too_many, NULL, "}\n", "pbx.conf:20: '}' closes nothing");
MISTAKE(no_equal_sign, "user = ", "user ", "pbx.conf:6: '=' is missing after 'user'");
MISTAKE(append, "user =", "user +=", "pbx.conf:6: '=' is missing after 'user'");
MISTAKE(no_value, "user = nobody", "user =",
	"pbx.conf:7: '=' is not expected here; settings are key = value, lists key = { value, "
	"value }");
MISTAKE(list_for_one, "user = nobody", "user = { nobody }",
	"pbx.conf:6: '{' is not expected here; settings are key = value, lists key = { value, "
	"value }");
MISTAKE(no_line_name, "line phones {", "line {",
	"pbx.conf:14: a name is missing; write line \"name\" {");
MISTAKE(no_section_brace, "identity {", "identity", "pbx.conf:2: '{' is missing in 'identity'");

MISTAKE(no_key_name, "user = nobody", "user = nobody\n\"\" = x",
	"pbx.conf:7: a key is empty; name the setting before '='");
MISTAKE(no_key_name_in_line, "	level = low", "	level = low\n\n	\"\" = x",
	"pbx.conf:20: a key is empty; name the setting before '='");

/* --- given twice, or not at all --- */
MISTAKE(key_twice, "user = nobody", "user = nobody\nuser = nobody",
	"pbx.conf:7: user is given twice; keep one of them");
MISTAKE(key_twice_in_line, "	level = low", "	level = low\n	level = high",
	"pbx.conf:19: line 'phones': level is given twice; keep one of them");
MISTAKE(list_twice, "	level = low", "	level = low\n	remote = { 10.1.0.0/16 }",
	"pbx.conf:19: line 'phones': remote is given twice; keep one of them");
MISTAKE(identity_twice, NULL, "identity { key = /k }\n",
	"pbx.conf: identity is there twice; keep one of them");
MISTAKE(line_twice, "line phones", "line \"trunk-a\"",
	"pbx.conf:14: the name 'trunk-a' is there twice; each needs its own");
MISTAKE(no_certificate, "	certificate = \"@/identity.pem\"", "",
	"pbx.conf:4: identity: certificate is missing; write certificate = "
	"\"/path/to/identity.pem\"");
MISTAKE(no_key, "	key = \"@/identity.key\"", "",
	"pbx.conf:4: identity: key is missing; write key = \"/path/to/identity.key\"");
MISTAKE(no_function, "	function = sip-phone", "",
	"pbx.conf:19: line 'phones': function is missing; write function = sip-line");
MISTAKE(no_remote, "	remote = { \"192.0.2.0/24\", 2001:db8:1::/48 }", "",
	"pbx.conf:13: line 'trunk-a': remote is missing; write remote = { \"192.0.2.0/24\" }");
MISTAKE(no_trust_store, "trust-store = \"@/trusted\"", "",
	"pbx.conf: trust-store is missing, and line 'trunk-a' at level 'medium' needs one; write "
	"trust-store = \"/path/to/folder\"");

/* --- values --- */
MISTAKE(line_name_empty, "line phones", "line \"\"",
	"pbx.conf:19: line '': a name has 1 to 31 letters, digits, '.', '_' or '-'");
MISTAKE(line_name_long, "phones", "a2345678901234567890123456789012",
	"pbx.conf:19: line 'a2345678901234567890123456789012': a name has 1 to 31 letters, digits, "
	"'.', '_' or '-'");
MISTAKE(line_name_space, "line phones", "line \"all phones\"",
	"pbx.conf:19: line 'all phones': a name has 1 to 31 letters, digits, '.', '_' or '-'");
MISTAKE(function_unknown, "sip-phone", "phone",
	"pbx.conf:15: line 'phones': function 'phone' is unknown; use admin, sip-line, "
	"sm-line, sip-phone or ip-office-line");
MISTAKE(port_zero, "port = 5061", "port = 0",
	"pbx.conf:10: line 'trunk-a': port '0' is not a number from 1 to 65535");
MISTAKE(port_large, "port = 5061", "port = 65536",
	"pbx.conf:10: line 'trunk-a': port '65536' is not a number from 1 to 65535");
MISTAKE(port_octal, "port = 5061", "port = 05061",
	"pbx.conf:10: line 'trunk-a': port '05061' is not a number from 1 to 65535");
MISTAKE(port_negative, "port = 5061", "port = -1",
	"pbx.conf:10: line 'trunk-a': port '-1' is not a number from 1 to 65535");
MISTAKE(port_word, "port = 5061", "port = sips",
	"pbx.conf:10: line 'trunk-a': port 'sips' is not a number from 1 to 65535");
MISTAKE(level_unknown, "level = low", "level = lowest",
	"pbx.conf:18: line 'phones': level 'lowest' is unknown; use none, low, medium, high, "
	"medium+remote or high+remote");
MISTAKE(level_not_available,
	"function = sip-phone\n	port = 5061\n	remote = 10.0.0.0/8\n	level = low",
	"function = ip-office-line\n	port = 443\n	remote = 10.0.0.0/8\n"
	"	level = high+remote",
	"pbx.conf:18: line 'phones': level 'high+remote' is not available on an ip-office-line; "
	"use none, low, medium or high");
MISTAKE(ktls, "user =", "ktls = yes\nuser =",
	"pbx.conf:6: ktls 'yes' is unknown; use require or prefer");
MISTAKE(crl, "user =", "crl = yes\nuser =",
	"pbx.conf:6: crl 'yes' is unknown; use off, prefer or require");
MISTAKE(expiry_warning, "user =", "expiry-warning = 0\nuser =",
	"pbx.conf:6: expiry-warning '0' is not a number from 1 to 3650");
MISTAKE(workers, "user =", "workers = 257\nuser =",
	"pbx.conf:6: workers '257' is not a number from 0 to 256");
MISTAKE(handshake_timeout, "user =", "handshake-timeout = 0\nuser =",
	"pbx.conf:6: handshake-timeout '0' is not a number from 1 to 300");
MISTAKE(connect_timeout, "user =", "connect-timeout = 5\nuser =",
	"pbx.conf:6: connect-timeout '5' is not a number from 100 to 10000");
MISTAKE(max_handshakes, "user =", "max-handshakes = 4k\nuser =",
	"pbx.conf:6: max-handshakes '4k' is not a number from 1 to 1000000");
MISTAKE(relative_path, "user =", "audit-log = audit.jsonl\nuser =",
	"pbx.conf:6: audit-log 'audit.jsonl' does not start with '/'; write the whole path");
MISTAKE(empty_path, "user =", "pin-path = \"\"\nuser =",
	"pbx.conf:6: pin-path '' does not start with '/'; write the whole path");
MISTAKE(long_run_path, "user =",
	"run-path = /run/0123456789012345678901234567890123456789012345678901234567890123456789"
	"0123456789\nuser =",
	"pbx.conf:6: run-path is longer than 80 characters");
MISTAKE(user_unknown, "nobody", "no-such-user",
	"pbx.conf:6: user 'no-such-user' does not exist; create it, as systemd-sysusers does, or "
	"name another");
MISTAKE(user_empty, "nobody", "\"\"",
	"pbx.conf:6: user is empty; leave the key out for the default, 'linewarden-worker'");
MISTAKE(user_root, "nobody", "root",
	"pbx.conf:6: user 'root' has root's rights; the workers need an account without any");
MISTAKE(group_unknown, "daemon", "no-such-group",
	"pbx.conf:7: group 'no-such-group' does not exist; create it, as systemd-sysusers does, or "
	"name another");
MISTAKE(group_of_the_workers, "daemon", "nogroup",
	"pbx.conf:7: group 'nogroup' is the own group of user 'nobody', and the workers would "
	"reach the control socket; name another");

/* --- addresses --- */
MISTAKE(prefix_host_bits, "192.0.2.0/24", "192.0.2.7/24",
	"pbx.conf:11: line 'trunk-a': remote '192.0.2.7/24' has bits set after its length; write "
	"192.0.2.0/24 for the range or 192.0.2.7/32 for the one address");
MISTAKE(prefix_on_its_line, "\"192.0.2.0/24\", ", "\"192.0.2.0/24\",\n\n192.0.3.1/24,",
	"pbx.conf:13: line 'trunk-a': remote '192.0.3.1/24' has bits set after its length; write "
	"192.0.3.0/24 for the range or 192.0.3.1/32 for the one address");
MISTAKE(prefix_same, "10.0.0.0/8", "192.0.2.0/24",
	"pbx.conf:17: line 'phones': port 5061 of remote '192.0.2.0/24' belongs to line 'trunk-a' "
	"already; remove it from one of them");
MISTAKE(prefix_same_in_line, "10.0.0.0/8", "{ 10.0.0.0/8, 10.0.0.0/8 }",
	"pbx.conf:17: line 'phones': remote '10.0.0.0/8' is there twice; keep one of them");

/* --- names --- */
MISTAKE(no_sip_domain, "level = medium", "level = medium+remote",
	"pbx.conf:12: line 'trunk-a': level 'medium+remote' needs sip-domains; write sip-domains = "
	"{ \"example.com\" }");
MISTAKE(no_host_name,
	"function = sip-phone\n	port = 5061\n	remote = 10.0.0.0/8\n	level = low",
	"function = admin\n	port = 443\n	remote = 10.0.0.0/8\n	level = medium+remote",
	"pbx.conf:18: line 'phones': level 'medium+remote' needs host-names; write host-names = "
	"{ \"example.com\" }");
MISTAKE(names_without_level, "	level = low", "	level = low\n	host-names = { a.example }",
	"pbx.conf:19: line 'phones': host-names are not checked at level 'low'; remove them, or "
	"use level medium+remote or high+remote");
MISTAKE(domains_without_sip, "sip-phone", "admin\n	sip-domains = { example.com }",
	"pbx.conf:16: line 'phones': sip-domains are not used by function 'admin'; remove them");
MISTAKE(bad_domain, "	level = low",
	"	level = high+remote\n	sip-domains = { \"sip:example.com\" }",
	"pbx.conf:19: line 'phones': 'sip:example.com' is no SIP domain; write one like "
	"example.com");
MISTAKE(bad_host_name, "	level = low",
	"	level = high+remote\n	sip-domains = { example.com }\n"
	"	host-names = { a.example,\n	\"b example\" }",
	"pbx.conf:21: line 'phones': 'b example' is neither a host name nor an address; write one "
	"like pbx.example.com or 192.0.2.7");

/* --- files --- */
MISTAKE(certificate_missing, "identity.pem", "gone.pem",
	"pbx.conf:2: identity: @/gone.pem: No such file or directory");
MISTAKE(certificate_relative, "@/identity.pem", "identity.pem",
	"pbx.conf:2: identity: certificate 'identity.pem' does not start with '/'; write the whole "
	"path");
MISTAKE(certificate_fifo, "identity.pem", "fifo",
	"pbx.conf:2: identity: @/fifo: it is not a regular file");
MISTAKE(certificate_folder, "identity.pem", "trusted",
	"pbx.conf:2: identity: @/trusted: Is a directory");
MISTAKE(certificate_empty, "identity.pem", "empty.pem",
	"pbx.conf:2: identity: @/empty.pem: there is no PEM certificate in it");
MISTAKE(certificate_broken, "identity.pem", "broken.pem",
	"pbx.conf:2: identity: @/broken.pem: the first certificate cannot be read");
MISTAKE(certificate_key, "identity.pem", "identity.key",
	"pbx.conf:2: identity: @/identity.key: there is no PEM certificate in it");
MISTAKE(key_missing, "identity.key", "gone.key",
	"pbx.conf:3: identity: @/gone.key: No such file or directory");
MISTAKE(key_open, "identity.key", "open.key",
	"pbx.conf:3: identity: @/open.key: others than its owner have access to the private key "
	"(mode 0644); run chmod 600 on it");
MISTAKE(key_other, "identity.key", "other.key",
	"pbx.conf:3: identity: @/other.key: this is not the key of the identity certificate");
MISTAKE(key_passphrase, "identity.key", "passphrase.key",
	"pbx.conf:3: identity: @/passphrase.key: the key has a passphrase; remove it with openssl "
	"pkey");
MISTAKE(trust_missing, "@/trusted", "@/gone",
	"pbx.conf:5: trust-store: @/gone: No such file or directory");
MISTAKE(trust_empty, "@/trusted", "@/void",
	"pbx.conf:5: trust-store: @/void: there is no certificate in it; put the CA certificates "
	"there, as PEM or DER");
MISTAKE(trust_expired, "@/trusted", "@/expired",
	"pbx.conf:5: trust-store: @/expired: no certificate in it can be used; the first trouble "
	"is only.pem: expired on 2025-12-30: CN=expired");
MISTAKE(trust_broken, "@/trusted", "@/broken.pem",
	"pbx.conf:5: trust-store: @/broken.pem: certificate 1 cannot be read");
MISTAKE(trust_relative, "@/trusted", "trusted",
	"pbx.conf:5: trust-store 'trusted' does not start with '/'; write the whole path");

FIXTURE_VARIANT_ADD(mistake, identity_expired)
{
	.to = "", .later = FILES_DAY + 1,
	.message = "pbx.conf:2: identity: @/identity.pem: the certificate has expired; renew it",
};
FIXTURE_VARIANT_ADD(mistake, identity_not_yet_valid)
{
	.to = "", .later = -FILES_DAY - 1,
	.message = "pbx.conf:2: identity: @/identity.pem: the certificate is not valid yet; is "
		   "this host's clock right?",
};

static void expect_refused(const char *text, const char *message)
{
	struct config *config = NULL;
	struct config_error error;

	EXPECT_EQ(-EINVAL, config_parse("pbx.conf", text, strlen(text), FILES_NOW, 1, &config,
					&error));
	EXPECT_STREQ(message, error.text);
	EXPECT_NULL(config);
}

TEST(no_lines)
{
	expect_refused("", "pbx.conf: there is no line; write line \"name\" { ... }");
}

TEST(no_identity)
{
	expect_refused("user = nobody group = daemon\n"
		       "line a { function = admin port = 443 remote = ::/0 level = none }",
		       "pbx.conf: identity is missing; write identity { certificate = ... key = ... }");
}

TEST(no_file)
{
	struct config *config = NULL;
	struct config_error error;

	EXPECT_EQ(-ENOENT, config_load("/nowhere/pbx.conf", FILES_NOW, 1, &config, &error));
	EXPECT_STREQ("/nowhere/pbx.conf: No such file or directory", error.text);
}
