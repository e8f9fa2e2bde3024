// SPDX-License-Identifier: Apache-2.0
/*
 * unmatched = block: a PBX that may dial its lines, and this host itself, and nothing else. Its
 * cgroup comes and goes, as a service manager would have it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/e2e/dial.h"
#include "tests/e2e/far_server.h"
#include "tests/e2e/site.h"
#include "tests/harness.h"
#include "userspace/fd.h"

#define FAR_PORT 5071

static struct daemon agent;
static struct far_server far, nobodys;
static char slice[PROCESS_PATH_MAX], pbx[PROCESS_PATH_MAX + 8]; /* neither is there yet */

HARNESS_PREPARE
{
	static const char *const addresses[] = { "192.0.2.50/32", "198.51.100.9/32",
						 "2001:db8:9::9/128" };
	static char settings[1024];

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *const ip[] = { "ip", "address", "replace", addresses[i],
					   "dev", "lo", NULL };

		ASSERT_OK(process_run(NULL, ip));
	}
	site_prepare();
	snprintf(slice, sizeof(slice), "%s/slice", getenv("STAGE_CGROUP"));
	snprintf(pbx, sizeof(pbx), "%s/pbx", slice);
	snprintf(settings, sizeof(settings),
		 "pbx \"app\" { cgroup = \"/%s/slice/pbx\" unmatched = block }\n"
		 "line \"out\" { function = sip-line direction = outbound port = 5071 "
		 "remote = 192.0.2.50 level = medium }\n",
		 strrchr(getenv("STAGE_CGROUP"), '/') + 1);
	far_server_start(&far, &(struct far_server_options){ .host = "192.0.2.50",
							     .port = FAR_PORT,
							     .certificate = "good" });
	far_server_start(&nobodys, &(struct far_server_options){ .host = "198.51.100.9",
								 .port = FAR_PORT,
								 .certificate = "good" });
	daemon_start(&agent, &(struct daemon_options){ .settings = settings });
}

HARNESS_FINISH
{
	far_server_end(&far);
	far_server_end(&nobodys);
	daemon_retire(&agent);
}

HARNESS_EXPLAIN
{
	daemon_explain(&agent);
}

FIXTURE(block) {
	int unused;
};

/* The PBX starts: only now is there a cgroup, and the daemon hears of it. */
FIXTURE_SETUP(block)
{
	char path[PROCESS_PATH_MAX + 32];
	int fd;

	ASSERT_OK(mkdir(slice, 0755));
	process_sleep_ms(200 * harness_time_scale());
	ASSERT_OK(mkdir(pbx, 0755));
	process_sleep_ms(200 * harness_time_scale());
	snprintf(path, sizeof(path), "%s/cgroup.procs", pbx);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(fd, "0", 1));
	close(fd);
}

/* And stops; nobody may be left in its cgroup. */
FIXTURE_TEARDOWN(block)
{
	char path[PROCESS_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", getenv("STAGE_CGROUP"));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT_EQ(1, write(fd, "0", 1));
	close(fd);
	EXPECT_OK(rmdir(pbx));
	EXPECT_OK(rmdir(slice));
}

static int dial_error(const char *host)
{
	struct dialled dialled = dial(&(struct dial){ .host = host, .port = FAR_PORT, .waits = true });

	close(dialled.fd);
	return dialled.error;
}

TEST_F(block, lets_its_lines_through)
{
	struct dialled dialled = dial(&(struct dial){ .host = "192.0.2.50", .port = FAR_PORT });

	ASSERT_EQ(0, dialled.error);
	dial_echo(&dialled, "a call");
	close(dialled.fd);
}

TEST_F(block, keeps_it_from_everything_else)
{
	EXPECT_EQ(EPERM, dial_error("198.51.100.9"));
	EXPECT_EQ(EPERM, dial_error("2001:db8:9::9"));
}

/* nobody listens there */
TEST_F(block, spares_this_host)
{
	EXPECT_EQ(ECONNREFUSED, dial_error("127.0.0.1"));
	EXPECT_EQ(ECONNREFUSED, dial_error("::1"));
}

TEST(others_are_not_blocked)
{
	EXPECT_EQ(0, dial_error("198.51.100.9"));
}

HARNESS_MAIN
