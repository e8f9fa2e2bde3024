// SPDX-License-Identifier: Apache-2.0
/* The pinned links: what keeps the programs attached whoever dies. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/cgroup.h"
#include "userspace/dataplane_internal.h"
#include "userspace/fd.h"
#include "userspace/log.h"

#define LINK_PREFIX "link_"
#define ITERATOR_PIN "sockets"

/* "link_NAME", or for one of several "link_NAME_2" */
static void dataplane_link_name(const struct bpf_program *prog, size_t number,
				char out[DATAPLANE_PIN_MAX])
{
	if (number)
		snprintf(out, DATAPLANE_PIN_MAX, LINK_PREFIX "%s_%zu", bpf_program__name(prog),
			 number);
	else
		snprintf(out, DATAPLANE_PIN_MAX, LINK_PREFIX "%s", bpf_program__name(prog));
}

static struct bpf_link *dataplane_attach_new(const struct bpf_program *prog, int where)
{
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SK_LOOKUP)
		return bpf_program__attach_netns(prog, where);
	return bpf_program__attach_cgroup(prog, where);
}

/* Whether a pinned link is attached where this daemon would attach it. */
static bool dataplane_link_is_at(const struct bpf_link *link, int where)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	struct stat st;

	/* a namespace's and a cgroup's number are their inodes' */
	if (fstat(where, &st) < 0 ||
	    bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &len) < 0)
		return false;
	if (info.type == BPF_LINK_TYPE_NETNS)
		return st.st_ino == info.netns.netns_ino;
	return info.type == BPF_LINK_TYPE_CGROUP && st.st_ino == info.cgroup.cgroup_id;
}

/* where: a descriptor of a cgroup, or for sk_lookup of a network namespace */
static int dataplane_attach_one(const struct dataplane *dataplane, struct bpf_program *prog,
				size_t number, int where)
{
	char path[DATAPLANE_PATH_MAX], name[DATAPLANE_PIN_MAX];
	struct bpf_link *link;
	int err;

	dataplane_link_name(prog, number, name);
	snprintf(path, sizeof(path), "%s/%s", dataplane->path, name);
	/* asked first: libbpf would log that there is none */
	link = access(path, F_OK) == 0 ? bpf_link__open(path) : NULL;
	if (link && !dataplane_link_is_at(link, where)) {
		/* of another cgroup or network namespace: it has nothing to guard here */
		bpf_link__destroy(link);
		link = NULL;
		if (unlink(path) < 0)
			return -errno;
	}
	if (link) {
		/* atomic: the old program judges until the new one does */
		err = bpf_link__update_program(link, prog);
		bpf_link__destroy(link);
		return err;
	}
	link = dataplane_attach_new(prog, where);
	if (!link)
		return -errno;
	err = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	return err;
}

/* The steering of one namespace; what goes on there is not looked at before this. */
static int dataplane_attach_steer(struct dataplane *dataplane, const struct config *config,
				  size_t netns)
{
	const char *path = config->namespaces[netns].path;
	_cleanup_fd_ int where = open(path ? path : "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct linewarden *copy = dataplane->skel;
	int err;

	if (where < 0)
		return -errno;
	if (netns) {
		err = dataplane_open_copy(dataplane, &copy);
		if (err)
			return err;
		dataplane->steers[netns] = copy;
		copy->rodata->steer_index = (uint32_t)netns;
		bpf_program__set_autoload(copy->progs.steer, true);
		err = linewarden__load(copy);
		if (err)
			return err;
	}
	return dataplane_attach_one(dataplane, copy->progs.steer, netns, where);
}

bool dataplane_attach_pbx(struct dataplane *dataplane, const struct config *config, size_t pbx)
{
	_cleanup_fd_ int where = cgroup_open_below_mount(config->pbxs[pbx].cgroup);
	const char *name = config->pbxs[pbx].name;
	int err;

	if (!config->pbxs[pbx].block_unmatched)
		return true;
	if (where < 0) /* it does not run */
		return false;
	err = dataplane_attach_one(dataplane, dataplane->skel->progs.unmatched4, pbx + 1, where);
	if (!err)
		err = dataplane_attach_one(dataplane, dataplane->skel->progs.unmatched6, pbx + 1,
					   where);
	if (err)
		log_line(LOG_ERR, "pbx %s: unmatched = block cannot be put in force: %s", name,
			 strerror(-err));
	return !err;
}

void dataplane_prune_pbx(const struct dataplane *dataplane, const struct config *config)
{
	const struct linewarden *skel = dataplane->skel;
	char name[DATAPLANE_PIN_MAX];
	size_t i;

	for (i = 0; i < CONFIG_PBX_MAX; i++) {
		if (i < config->pbx_count && config->pbxs[i].block_unmatched)
			continue;
		dataplane_link_name(skel->progs.unmatched4, i + 1, name);
		unlinkat(dataplane->lock, name, 0);
		dataplane_link_name(skel->progs.unmatched6, i + 1, name);
		unlinkat(dataplane->lock, name, 0);
	}
}

/* Takes the links away that a configuration before this one had and this one has not. */
static void dataplane_prune_links(const struct dataplane *dataplane, const struct config *config)
{
	char name[DATAPLANE_PIN_MAX];
	size_t i;

	for (i = config->namespace_count; i < LW_NAMESPACES_MAX; i++) {
		dataplane_link_name(dataplane->skel->progs.steer, i, name);
		unlinkat(dataplane->lock, name, 0);
	}
	dataplane_prune_pbx(dataplane, config);
}

/* What `cat` reads. It is bound to this load's program, so it is made anew each time. */
static int dataplane_attach_iterator(struct dataplane *dataplane)
{
	union bpf_iter_link_info info = {
		.map.map_fd = (__u32)bpf_map__fd(dataplane->skel->maps.tags),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	char path[DATAPLANE_PATH_MAX];
	struct bpf_link *link;
	int err;

	if (bpf_program__fd(dataplane->skel->progs.sockets) < 0)
		return 0; /* this host forbids tracing programs */
	snprintf(path, sizeof(path), "%s/" ITERATOR_PIN, dataplane->path);
	unlink(path);
	link = bpf_program__attach_iter(dataplane->skel->progs.sockets, &opts);
	if (!link)
		return -errno;
	err = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	return err;
}

int dataplane_attach(struct dataplane *dataplane, const struct config *config,
		     char why[DATAPLANE_ERROR_LEN])
{
	/* the gate before the steering: nothing arrives that is not gated */
	struct bpf_program *const order[] = {
		dataplane->skel->progs.gate_ingress,	dataplane->skel->progs.gate_egress,
		dataplane->skel->progs.peername4,	dataplane->skel->progs.peername6,
		dataplane->skel->progs.sockname4,	dataplane->skel->progs.sockname6,
		dataplane->skel->progs.tag_established, dataplane->skel->progs.connect4,
		dataplane->skel->progs.connect6,
	};
	size_t i;
	int err;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		err = dataplane_attach_one(dataplane, order[i], 0, dataplane->cgroup);
		if (err) {
			snprintf(why, DATAPLANE_ERROR_LEN, "program %s cannot be attached: %s",
				 bpf_program__name(order[i]), strerror(-err));
			return err;
		}
	}
	for (i = 0; i < config->namespace_count; i++) {
		err = dataplane_attach_steer(dataplane, config, i);
		if (err) {
			snprintf(why, DATAPLANE_ERROR_LEN,
				 "program steer cannot be attached in namespace '%s': %s",
				 config->namespaces[i].name, strerror(-err));
			return err;
		}
	}
	for (i = 0; i < config->pbx_count; i++)
		dataplane_attach_pbx(dataplane, config, i);
	dataplane_prune_links(dataplane, config);
	err = dataplane_attach_iterator(dataplane);
	if (err)
		snprintf(why, DATAPLANE_ERROR_LEN, "the socket list cannot be pinned: %s",
			 strerror(-err));
	return err;
}

int dataplane_detach(const char *path)
{
	_cleanup_fd_ int lock = dataplane_lock(path);
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	if (lock < 0)
		return lock;
	/* a folder of somebody else's pins, or of everybody's */
	if (faccessat(lock, "abi_version", F_OK, 0) < 0)
		return -EMEDIUMTYPE;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(lock, entry->d_name, 0) < 0)
			err = -errno;
	closedir(dir);
	if (!err && rmdir(path) < 0)
		err = -errno;
	return err;
}
