// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/site.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/process.h"
#include "tests/harness.h"

/* where the peers of a line are, by its number, and one of them of each family */
#define SITE_REMOTE(number) "\"127.0." #number ".0/24\", \"2001:db8:" #number "::/48\""
#define SITE_SOURCES(number) { "127.0." #number ".1", "2001:db8:" #number "::1" }
#define SITE_PEERS(number) SITE_REMOTE(number), SITE_SOURCES(number)

static const struct {
	const char *name, *function, *level, *remote, *sources[2], *names;
} site_lines[] = {
	[SITE_NONE] = { "none", "sip-line", "none", SITE_PEERS(1), NULL },
	[SITE_LOW] = { "low", "sip-line", "low", SITE_PEERS(2), NULL },
	[SITE_MEDIUM] = { "medium", "sip-line", "medium", SITE_REMOTE(3) ", \"192.0.2.0/24\"",
			  SITE_SOURCES(3), NULL },
	[SITE_HIGH] = { "high", "sm-line", "high", SITE_PEERS(4), NULL },
	[SITE_MEDIUM_REMOTE] = { "medium-remote", "sip-line", "medium+remote", SITE_PEERS(5),
				 "sip-domains = { \"example.test\" }" },
	[SITE_HIGH_REMOTE] = { "high-remote", "sm-line", "high+remote", SITE_PEERS(6),
			       "sip-domains = { \"example.test\" }" },
	[SITE_PHONES] = { "phones", "sip-phone", "medium", SITE_PEERS(7), NULL },
	[SITE_ADMIN] = { "admin", "admin", "high", SITE_PEERS(8), NULL },
	[SITE_IP_OFFICE] = { "ip-office", "ip-office-line", "medium", SITE_PEERS(9), NULL },
};
_Static_assert(sizeof(site_lines) / sizeof(*site_lines) == SITE_LINE_COUNT, "one row each");

static unsigned int site_start;
static unsigned int *site_clients; /* all tests of this program count there */

const char *const site_pinned[] = { "good", "good-rsa", "rsa1024", "wrong-domain", "server",
				    NULL };

const char *site_line_name(enum site_line line)
{
	return line < SITE_LINE_COUNT ? site_lines[line].name : "";
}

const char *site_source(enum site_line line)
{
	return line < SITE_LINE_COUNT ? site_lines[line].sources[0] : "127.0.99.1";
}

const char *site_source6(enum site_line line)
{
	return line < SITE_LINE_COUNT ? site_lines[line].sources[1] : "2001:db8:99::1";
}

void site_take_address(const char *address)
{
	/* replace: another program on this stage may have taken it already */
	const char *const ip[] = { "ip", "address", "replace", address, "dev", "lo", NULL };

	ASSERT_OK(process_run(NULL, ip));
}

const char *site_file(const char *format, ...)
{
	static char paths[8][PROCESS_PATH_MAX];
	static int next;
	char *path = paths[next++ % 8];
	const char *dir = getenv("STAGE_DIR");
	va_list args;
	int size;

	size = snprintf(path, PROCESS_PATH_MAX, "%s/", dir ? dir : "/nowhere");
	va_start(args, format);
	vsnprintf(path + size, PROCESS_PATH_MAX - (size_t)size, format, args);
	va_end(args);
	return path;
}

/*
 * A port to connect from, never the same twice, so that an address names one connection;
 * below the ports that the kernel chooses.
 */
static unsigned int site_source_port(void)
{
	return 10000 + (site_start + __atomic_fetch_add(site_clients, 1, __ATOMIC_SEQ_CST)) % 20000;
}

void site_trust(const char *store, const char *name)
{
	char line[256];
	FILE *from = fopen(site_file("pki/%s.pem", name), "re");
	FILE *to = fopen(site_file("%s/%s.pem", store, name), "we");

	ASSERT_NOT_NULL(from);
	ASSERT_NOT_NULL(to);
	while (fgets(line, sizeof(line), from) && fputs(line, to) >= 0)
		if (strstr(line, "END CERTIFICATE"))
			break;
	ASSERT_OK(fclose(from));
	ASSERT_OK(fclose(to));
}

void site_prepare(void)
{
	const char *const mkpki[] = { process_build_path("tests/pki/mkpki"), site_file("pki"),
				      NULL };

	ASSERT_NOT_NULL(getenv("STAGE_DIR")) {
		TH_LOG("run it under tests/stage");
	}
	site_clients = mmap(NULL, sizeof(*site_clients), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, site_clients);
	site_start = (unsigned int)getpid() * 1000;
	if (access(site_file("trusted"), F_OK) == 0)
		return;
	ASSERT_OK(process_run(NULL, mkpki));
	ASSERT_OK(mkdir(site_file("trusted"), 0755));
	site_trust("trusted", "root");
	for (const char *const *name = site_pinned; *name; name++)
		site_trust("trusted", *name);
}

void site_write_lines(FILE *file, uint16_t port)
{
	for (int i = 0; i < SITE_LINE_COUNT; i++)
		fprintf(file,
			"line \"%s-%u\" {\n\tfunction = %s\n\tport = %u\n\tremote = { %s }\n"
			"\tlevel = %s\n\t%s\n}\n",
			site_lines[i].name, port, site_lines[i].function, port,
			site_lines[i].remote, site_lines[i].level,
			site_lines[i].names ? site_lines[i].names : "");
}

bool site_has_kernel_tls(void)
{
	static const char *const modprobe[] = { "modprobe", "-q", "tls", NULL };
	char text[256] = "";
	FILE *file;

	/* there it is what the tests are for: a guest without it must not pass */
	if (getenv("LINEWARDEN_VM"))
		return true;
	process_run(NULL, modprobe);
	file = fopen("/proc/sys/net/ipv4/tcp_available_ulp", "re");
	if (file && !fgets(text, sizeof(text), file))
		*text = '\0';
	if (file)
		fclose(file);
	return strstr(text, "tls");
}

struct peer_options site_client(enum site_line line, uint16_t port, const char *certificate)
{
	static char addresses[8][32], sources[8][32];
	static int next;
	int i = next++ % 8;

	snprintf(addresses[i], sizeof(addresses[i]), "127.0.0.1:%u", port);
	snprintf(sources[i], sizeof(sources[i]), "%s:%u", site_source(line), site_source_port());
	return (struct peer_options){
		.address = addresses[i],
		.source = sources[i],
		.certificate = certificate ? site_file("pki/%s.pem", certificate) : NULL,
	};
}
