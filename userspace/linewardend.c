// SPDX-License-Identifier: Apache-2.0
/* The daemon's main process: starts in the order of what depends on what, ends in reverse. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "userspace/adoption.h"
#include "userspace/agent.h"
#include "userspace/carriers.h"
#include "userspace/control.h"
#include "userspace/deny.h"
#include "userspace/ending_watch.h"
#include "userspace/expiry_watch.h"
#include "userspace/listener_keep.h"
#include "userspace/log.h"
#include "userspace/pbx_watch.h"
#include "userspace/reload.h"
#include "userspace/reload_watch.h"
#include "userspace/reverify.h"
#include "userspace/route_watch.h"
#include "userspace/upgrade.h"

#define LINEWARDEND_CONFIG "/etc/linewarden/linewarden.conf"

enum { EXIT_USAGE = 2 };

struct linewardend {
	const char *path; /* of the configuration */
	uint64_t seen; /* what its files were */
	struct agent agent;
	struct control *control;
	struct loop_io signals;
	struct expiry_watch expiry;
	struct pbx_watch pbx;
	struct route_watch routes;
};

static void linewardend_usage(FILE *out)
{
	fprintf(out,
		"usage: linewardend [--config FILE]\n"
		"\n"
		"Applies received certificate checks to the TLS connections of this host's PBX.\n"
		"\n"
		"  -c, --config FILE   the configuration (" LINEWARDEND_CONFIG ")\n"
		"  -h, --help          this text\n"
		"  -V, --version       the version\n"
		"\n"
		"SIGHUP loads the configuration anew, SIGUSR1 opens the audit log anew, SIGTERM\n"
		"ends it. When it is gone, governed\n"
		"ports stay closed; `linewarden detach` hands them back to the app, unprotected.\n"
		"See linewardend(8) and linewarden.conf(5).\n");
}

static void linewardend_signalled(struct loop_io *io, uint32_t events)
{
	struct linewardend *d = CONTAINER_OF(io, struct linewardend, signals);
	struct config_error error;
	struct signalfd_siginfo info;
	int err;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			supervisor_reap(&d->agent);
			break;
		case SIGUSR1:
			err = audit_reopen(d->agent.audit);
			if (err)
				log_line(LOG_ERR, "audit log %s: %s; the old file stays open",
					 d->agent.config->audit_log, strerror(-err));
			break;
		case SIGHUP:
			reload_begin(d->agent.reload, "SIGHUP", &error);
			break;
		default:
			loop_stop(d->agent.loop);
		}
	}
}

static int linewardend_watch_signals(struct linewardend *d)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGHUP };

	d->signals.ready = linewardend_signalled;
	return loop_add_signals(d->agent.loop, &d->signals, signals,
				sizeof(signals) / sizeof(signals[0]));
}

/* Whether this kernel takes the sessions over; -ENOTSUP where it must and cannot. */
static int linewardend_choose_tls(struct agent *agent)
{
	bool can;
	int err;

	err = ktls_crypto_new(&agent->crypto);
	if (err) {
		log_line(LOG_ERR, "OpenSSL lacks what the keys are derived with: %s",
			 strerror(-err));
		return err;
	}
	err = ktls_probe(agent->crypto, &agent->features);
	if (err) {
		log_line(LOG_ERR, "the self-test of kernel TLS cannot be made: %s",
			 strerror(-err));
		return err;
	}
	can = ktls_features_aeads(&agent->features, TLS1_3_VERSION) ||
	      ktls_features_aeads(&agent->features, TLS1_2_VERSION);
	agent->kernel_tls = can;
	if (can)
		return 0;
	if (agent->config->ktls == CONFIG_KTLS_REQUIRE) {
		log_line(LOG_ERR,
			 "this kernel has no TLS (%s): run one with CONFIG_TLS, or set "
			 "`ktls = prefer` to have user space encrypt",
			 agent->features.reason[KTLS_ULP]);
		return -ENOTSUP;
	}
	log_line(LOG_WARNING, "this kernel has no TLS (%s): user space encrypts (ktls = prefer)",
		 agent->features.reason[KTLS_ULP]);
	return 0;
}

static int linewardend_start_dataplane(struct agent *agent)
{
	char why[DATAPLANE_ERROR_LEN] = "";
	size_t i;
	int err;

	err = dataplane_open(agent->config, &agent->dataplane, why);
	if (err) {
		log_line(LOG_ERR, "%s", why);
		return err;
	}
	agent->listener_keep = listener_keep_new(agent);
	if (!agent->listener_keep)
		return -ENOMEM;
	listener_keep_fetch(agent->listener_keep);
	err = listeners_open(agent->config, NULL, agent->listener_keep, &agent->listeners, why,
			     sizeof(why));
	if (err) {
		log_line(LOG_ERR, "%s", why);
		return err;
	}
	dataplane_forget_before(agent->dataplane);
	err = dataplane_write_lines(agent->dataplane, agent->config);
	for (i = 0; !err && i < agent->listeners->count; i++)
		err = dataplane_set_listener(agent->dataplane, &agent->listeners->entries[i]);
	if (!err)
		err = dataplane_write_ports(agent->dataplane, agent->listeners, agent->config);
	if (!err)
		err = dataplane_switch(agent->dataplane, agent->config);
	if (err) {
		log_line(LOG_ERR, "the lines cannot be written to the kernel: %s", strerror(-err));
		return err;
	}
	err = dataplane_attach(agent->dataplane, agent->config, why);
	if (err) {
		log_line(LOG_ERR, "%s", why);
		return err;
	}
	dataplane_forget_old(agent->dataplane, agent->config);
	listener_keep_start(agent->listener_keep);
	return 0;
}

static void linewardend_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int linewardend_start(struct linewardend *d)
{
	struct agent *agent = &d->agent;
	struct shift *shift;
	int err;

	err = loop_new(&agent->loop);
	if (!err)
		err = linewardend_watch_signals(d);
	if (err) {
		log_line(LOG_ERR, "%s", strerror(-err));
		return err;
	}
	err = linewardend_choose_tls(agent);
	if (err)
		return err;
	err = audit_open(agent->config->audit_log, &agent->audit);
	if (err) {
		log_line(LOG_ERR, "audit log %s: %s", agent->config->audit_log, strerror(-err));
		return err;
	}
	err = linewardend_start_dataplane(agent);
	if (err)
		return err;
	err = control_open(agent, &d->control);
	if (err) {
		log_line(LOG_ERR, "control socket in %s: %s", agent->config->run_path,
			 strerror(-err));
		return err;
	}
	err = reverify_start(agent, &agent->reverify);
	if (err) {
		log_line(LOG_ERR, "sessions cannot be watched over in %s: %s",
			 agent->config->run_path, strerror(-err));
		return err;
	}
	err = adoption_start(agent, &agent->adoption);
	if (!err)
		err = carriers_start(agent, &agent->carriers);
	if (!err)
		err = ending_watch_start(agent, &agent->endings);
	if (err) {
		log_line(LOG_ERR, "apps cannot be heard in %s: %s", agent->config->run_path,
			 strerror(-err));
		return err;
	}
	expiry_watch_start(&d->expiry, agent);
	err = pbx_watch_start(&d->pbx, agent);
	if (err) {
		log_line(LOG_ERR, "the PBX's cgroups cannot be watched: %s", strerror(-err));
		return err;
	}
	err = route_watch_start(&d->routes, agent);
	if (err) {
		log_line(LOG_ERR, "routes cannot be watched: %s", strerror(-err));
		return err;
	}
	agent->pbx = &d->pbx;
	agent->expiry = &d->expiry;
	agent->reload = reload_new(agent, d->path, d->seen);
	err = agent->reload ? supervisor_start(agent) : -ENOMEM;
	if (!err)
		err = supervisor_staff(agent, agent->config, agent->listeners, &shift);
	if (err)
		log_line(LOG_ERR, "the workers cannot be started: %s", strerror(-err));
	else
		supervisor_listen(shift);
	return err;
}

static void linewardend_stop(struct linewardend *d)
{
	struct agent *agent = &d->agent;
	int fd = d->signals.fd;

	supervisor_stop(agent);
	reload_free(agent->reload);
	pbx_watch_stop(&d->pbx);
	route_watch_stop(&d->routes);
	control_close(d->control);
	adoption_stop(agent->adoption);
	ending_watch_stop(agent->endings);
	carriers_stop(agent->carriers);
	reverify_stop(agent->reverify);
	listener_keep_stop(agent->listener_keep);
	listeners_free(agent->listeners);
	dataplane_close(agent->dataplane);
	audit_close(agent->audit);
	ktls_crypto_free(agent->crypto);
	if (agent->loop) {
		loop_remove(agent->loop, &d->signals);
		if (fd >= 0)
			close(fd);
	}
	loop_free(agent->loop);
	deny_stop(agent);
	config_free(agent->config);
}

/* What does not keep it from starting, once: the status has the counts. */
static void linewardend_warn(const struct config *config)
{
	const struct trust_report *report = &config->trust_report;
	size_t beyond = trust_report_beyond(report), i;

	for (i = 0; i < report->finding_count; i++)
		log_line(LOG_WARNING, "trust store: %s: %s", report->findings[i].file,
			 report->findings[i].text);
	if (beyond)
		log_line(LOG_WARNING, "trust store: there are %zu more of these", beyond);
	for (i = 0; i < config->warning_count; i++)
		log_line(LOG_WARNING, "%s", config->warnings[i]);
	for (i = 0; i < config->line_count; i++)
		if (config->lines[i].mode == CONFIG_OBSERVE)
			log_line(LOG_WARNING,
				 "line %s (%s) observes: refusals are recorded, not enforced",
				 config->lines[i].name, direction_name(config->lines[i].direction));
}

static int linewardend_run(const char *path)
{
	struct linewardend d = { .path = path, .signals.fd = -1 };
	struct config_error error = { "" };
	int err;

	/* it has the private keys: no core dump, no ptrace by anybody but root */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* for workers as well: a huge page is there whole with its first byte, 2 MiB of each */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	err = config_load(path, time(NULL), 1, &d.agent.config, &error);
	if (err) {
		log_line(LOG_ERR, "%s", error.text);
		return err;
	}
	d.seen = reload_watch_look(d.agent.config);
	err = upgrade_apply(d.agent.config, true, error.text, sizeof(error.text));
	if (err) {
		log_line(LOG_ERR, "%s", error.text);
		config_free(d.agent.config);
		return err;
	}
	LIST_INIT(&d.agent.shifts);
	err = deny_start(&d.agent, error.text, sizeof(error.text));
	if (err) {
		log_line(LOG_ERR, "%s", error.text);
		config_free(d.agent.config);
		return err;
	}
	linewardend_warn(d.agent.config);
	d.agent.started = (uint64_t)time(NULL);
	linewardend_raise_limits();
	err = linewardend_start(&d);
	if (!err) {
		log_line(LOG_NOTICE, "%zu lines on %u ports, %u workers, %s encrypts",
			 d.agent.config->line_count, d.agent.listeners->port_count,
			 LIST_FIRST(&d.agent.shifts)->worker_count, d.agent.kernel_tls ? "the kernel" : "user space");
		sd_notify(0, "READY=1");
		err = loop_run(d.agent.loop);
		sd_notify(0, "STOPPING=1");
	}
	linewardend_stop(&d);
	return err;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *path = LINEWARDEND_CONFIG;
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'h':
			linewardend_usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("linewardend " LINEWARDEN_VERSION);
			return EXIT_SUCCESS;
		default:
			linewardend_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		linewardend_usage(stderr);
		return EXIT_USAGE;
	}
	return linewardend_run(path) ? EXIT_FAILURE : EXIT_SUCCESS;
}
