// SPDX-License-Identifier: Apache-2.0
/* Mistakes in what a line does: its direction, level, exceptions, service and place. */
#include "tests/config/mistake.h"

/* --- the two settings, and levels --- */
WIDE(setting_unknown, "telephony-endpoints = medium", "telephony-endpoints = mid",
     "pbx.conf:9: telephony-endpoints 'mid' is unknown; use none, low, medium, high, medium+remote "
     "or high+remote");
WIDE(no_telephony_setting, "telephony-endpoints = medium\n", "",
     "pbx.conf:17: line 'provider': level is missing; write level = medium, or "
     "telephony-endpoints = medium outside of the lines");
WIDE(no_management_setting, "management-interfaces = high\n", "",
     "pbx.conf:24: line 'web': level is missing; write level = medium, or "
     "management-interfaces = medium outside of the lines");
WIDE(no_own_level, "	level = high\n", "",
     "pbx.conf:29: line 'branch': level is missing, and an ip-office-line has its own; write level "
     "= medium");
WIDE(remote_level_of_a_setting, "telephony-endpoints = medium",
     "telephony-endpoints = medium+remote",
     "pbx.conf:21: line 'phones': level 'medium+remote' needs sip-domains; write sip-domains = { "
     "\"example.com\" }");

/* --- direction --- */
WIDE(direction_unknown, "direction = both", "direction = out",
     "pbx.conf:15: line 'provider': direction 'out' is unknown; use inbound, outbound or both");
WIDE(direction_empty, "direction = both", "direction = \"\"",
     "pbx.conf:15: line 'provider': direction '' is unknown; use inbound, outbound or both");
WIDE(direction_of_phones, "function = sip-phone", "function = sip-phone\n	direction = both",
     "pbx.conf:21: line 'phones': direction 'both' is not possible for function 'sip-phone', whose "
     "peers connect to this host; remove it");
WIDE(direction_of_admin, "function = admin", "function = admin\n	direction = outbound",
     "pbx.conf:24: line 'web': direction 'outbound' is not possible for function 'admin', whose "
     "peers connect to this host; remove it");
WIDE(outbound_without_pbx, "pbx asterisk {\n	unit = \"asterisk.service\"\n}\n", "",
     "pbx.conf:12: line 'provider': direction 'both' needs to know whose connections it is about; "
     "write pbx \"pbx\" { unit = \"asterisk.service\" } outside of the lines");
WIDE(remote_port_inbound, "	remote = 198.51.100.7",
     "	remote = 198.51.100.7\n	remote-port = 443",
     "pbx.conf:29: line 'branch': remote-port is not used by an inbound line; remove it, or write "
     "direction = both");
WIDE(remote_port_zero, "direction = both", "direction = both\n	remote-port = 0",
     "pbx.conf:16: line 'provider': remote-port '0' is not a number from 1 to 65535");
WIDE(domains_inbound, "	direction = both\n", "",
     "pbx.conf:16: line 'provider': sip-domains are not checked at level 'medium'; remove them, or "
     "use level medium+remote or high+remote");
WIDE(outbound_claimed_twice, "line phones {",
     "line b { function = sm-line direction = outbound remote = 192.0.2.0/24 }\nline phones {",
     "pbx.conf:19: line 'b': port 5061 of remote '192.0.2.0/24' belongs to line 'provider' "
     "already; remove it from one of them");
WIDE(everywhere_claimed_twice, "line web {", "line more { function = sip-phone }\nline web {",
     "pbx.conf:22: line 'more': port 5061 of remote '0.0.0.0/0' belongs to line 'phones' already; "
     "remove it from one of them");

/* --- exceptions --- */
WIDE(exception_unknown, "direction = both", "exceptions = { strict }\n	direction = both",
     "pbx.conf:15: line 'provider': exception 'strict' is unknown; use accept-server-auth-client, "
     "accept-missing-key-usage or strict-purpose");
WIDE(exception_before, "direction = both", "exceptions = before-r11.1.3\n	direction = both",
     "pbx.conf:15: line 'provider': exception 'before-r11.1.3' is not a line's; write "
     "upgraded-host = yes outside of the lines");
WIDE(exception_outbound, "direction = both",
     "direction = outbound\n	exceptions = {\n	strict-purpose,\n"
     "	accept-server-auth-client }",
     "pbx.conf:18: line 'provider': exception 'accept-server-auth-client' is about peers that "
     "connect to this host, and this line is outbound; remove it");

/* --- conduct --- */
WIDE(mode_unknown, "direction = both", "mode = off\n	direction = both",
     "pbx.conf:15: line 'provider': mode 'off' is unknown; use enforce or observe");
WIDE(delivery_unknown, "direction = both", "delivery = splice\n	direction = both",
     "pbx.conf:15: line 'provider': delivery 'splice' is unknown; use auto, adopt or relay");
WIDE(on_expiry_unknown, "direction = both", "on-expiry = warn\n	direction = both",
     "pbx.conf:15: line 'provider': on-expiry 'warn' is unknown; use end or record");
WIDE(resumption_unknown, "direction = both", "resumption = on\n	direction = both",
     "pbx.conf:15: line 'provider': resumption 'on' is unknown; use yes or no");

/* --- namespaces --- */
#define NO_NAMESPACE(text)                                                                         \
	"pbx.conf:15: line 'provider': namespace '" text "' is neither a name in /run/netns nor a "  \
	"whole path; write one as ip netns shows it"
WIDE(namespace_relative, "direction = both", "namespace = netns/blue\n	direction = both",
     NO_NAMESPACE("netns/blue"));
WIDE(namespace_empty, "direction = both", "namespace = \"\"\n	direction = both",
     NO_NAMESPACE(""));
WIDE(namespace_parent, "direction = both", "namespace = ..\n	direction = both",
     NO_NAMESPACE(".."));

/* --- admin services --- */
WIDE(service_unknown, "plain-port = 80", "service-security = high",
     "pbx.conf:24: line 'web': service-security 'high' is unknown; use disabled, unsecure-only, "
     "unsecure+secure, secure-low, secure-medium or secure-high");
WIDE(service_elsewhere, "direction = both", "service-security = secure-high\n	direction = both",
     "pbx.conf:15: line 'provider': service-security is for function 'admin' alone; remove it");
WIDE(plain_port_elsewhere, "direction = both", "plain-port = 5060\n	direction = both",
     "pbx.conf:15: line 'provider': plain-port is for function 'admin' alone; remove it");
WIDE(plain_port_large, "plain-port = 80", "plain-port = 65536",
     "pbx.conf:24: line 'web': plain-port '65536' is not a number from 1 to 65535");
WIDE(plain_port_is_its_own, "plain-port = 80", "plain-port = 443",
     "pbx.conf:25: line 'web': plain-port 443 is the TLS port of line 'web'; name the port without "
     "TLS, or remove the key");
WIDE(plain_port_is_another_line, "plain-port = 80", "plain-port = 5061",
     "pbx.conf:25: line 'web': plain-port 5061 is the TLS port of line 'provider'; name the port "
     "without TLS, or remove the key");
WIDE(plain_port_open_and_closed, "line branch {",
     "line b { function = admin service-security = unsecure+secure plain-port = 80 remote = ::1 }\n"
     "line branch {",
     "pbx.conf:26: line 'b': service-security 'unsecure+secure' leaves plain-port 80 open, and "
     "'secure-medium' of line 'web' closes it; a port is open or closed for all, so give both the "
     "same");
WIDE(nothing_served,
     "line provider {\n	function = sip-line\n	direction = both\n	remote = 192.0.2.0/24\n"
     "	sip-domains = { example.com }\n}\nline phones {\n	function = sip-phone\n}\nline web {\n"
     "	function = admin\n	plain-port = 80\n}\nline branch {\n	function = ip-office-line\n"
     "	remote = 198.51.100.7\n	level = high\n}\n",
     "line web { function = admin service-security = disabled }\n",
     "pbx.conf: every line's service is closed, and none is left to serve; write one that is not");

/* --- the PBX --- */
WIDE(pbx_without_place, "	unit = \"asterisk.service\"\n", "",
     "pbx.conf:11: pbx 'asterisk': unit is missing; write unit = \"asterisk.service\", or the "
     "control group of its processes as cgroup = \"/path\"");
WIDE(pbx_with_two_places, "unit = \"asterisk.service\"",
     "unit = \"asterisk.service\"\n	cgroup = /a",
     "pbx.conf:12: pbx 'asterisk': unit and cgroup both say where the processes are; keep one of "
     "them");
WIDE(pbx_unit, "asterisk.service", "asterisk",
     "pbx.conf:11: pbx 'asterisk': unit 'asterisk' is no service of systemd; write one like "
     "\"asterisk.service\"");
WIDE(pbx_unit_socket, "asterisk.service", "asterisk.socket",
     "pbx.conf:11: pbx 'asterisk': unit 'asterisk.socket' is no service of systemd; write one like "
     "\"asterisk.service\"");
WIDE(pbx_unit_path, "asterisk.service", "../a.service",
     "pbx.conf:11: pbx 'asterisk': unit '../a.service' is no service of systemd; write one like "
     "\"asterisk.service\"");
WIDE(pbx_cgroup_mount, "unit = \"asterisk.service\"",
     "cgroup = /sys/fs/cgroup/system.slice/a.service",
     "pbx.conf:11: pbx 'asterisk': cgroup '/sys/fs/cgroup/system.slice/a.service' is counted from "
     "/sys/fs/cgroup; write cgroup = \"/system.slice/a.service\"");
#define NO_CGROUP(text)                                                                            \
	"pbx.conf:11: pbx 'asterisk': cgroup '" text "' is no control group below the root; write "  \
	"one like \"/system.slice/asterisk.service\""
WIDE(pbx_cgroup_root, "unit = \"asterisk.service\"", "cgroup = /", NO_CGROUP("/"));
WIDE(pbx_cgroup_relative, "unit = \"asterisk.service\"", "cgroup = a", NO_CGROUP("a"));
WIDE(pbx_cgroup_parent, "unit = \"asterisk.service\"", "cgroup = /a/../b", NO_CGROUP("/a/../b"));
WIDE(pbx_cgroup_slashes, "unit = \"asterisk.service\"", "cgroup = /a//b", NO_CGROUP("/a//b"));
WIDE(pbx_same_processes, "line provider {",
     "pbx b { cgroup = /system.slice/asterisk.service/ }\nline provider {",
     "pbx.conf:13: pbx 'b': its processes are those of pbx 'asterisk' already; keep one of them");
WIDE(pbx_unmatched, "unit =", "unmatched = drop\n	unit =",
     "pbx.conf:11: pbx 'asterisk': unmatched 'drop' is unknown; use pass or block");
WIDE(pbx_twice, "line provider {", "pbx asterisk { cgroup = /a }\nline provider {",
     "pbx.conf:13: the name 'asterisk' is there twice; each needs its own");
WIDE(pbx_without_name, "pbx asterisk {", "pbx \"\" {",
     "pbx.conf:12: pbx '': its name is empty; write pbx \"pbx\" {");

/* --- upgraded hosts --- */
WIDE(upgraded_host, "user =", "upgraded-host = true\nuser =",
     "pbx.conf:6: upgraded-host 'true' is unknown; use yes or no");
WIDE(state_path, "user =", "state-path = lib\nuser =",
     "pbx.conf:6: state-path 'lib' does not start with '/'; write the whole path");
WIDE(offer_id_chain, "user =", "offer-id-chain = 1\nuser =",
     "pbx.conf:6: offer-id-chain '1' is unknown; use yes or no");
