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

#include "userspace/dataplane_internal.h"
#include "userspace/fd.h"

#define LINK_PREFIX "link_"
#define ITERATOR_PIN "sockets"

static void dataplane_link_path(const struct dataplane *dataplane, const struct bpf_program *prog,
				char out[DATAPLANE_PATH_MAX])
{
	snprintf(out, DATAPLANE_PATH_MAX, "%s/" LINK_PREFIX "%s", dataplane->path,
		 bpf_program__name(prog));
}

static struct bpf_link *dataplane_attach_new(struct dataplane *dataplane,
					     struct bpf_program *prog)
{
	_cleanup_fd_ int netns = -1;

	if (bpf_program__type(prog) != BPF_PROG_TYPE_SK_LOOKUP)
		return bpf_program__attach_cgroup(prog, dataplane->cgroup);
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return NULL;
	return bpf_program__attach_netns(prog, netns);
}

/* Whether a pinned link is attached where this daemon would attach it. */
static bool dataplane_link_is_here(const struct dataplane *dataplane, const struct bpf_link *link)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	struct stat netns, cgroup;

	if (bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &len) < 0)
		return false;
	if (info.type == BPF_LINK_TYPE_NETNS)
		return stat("/proc/self/ns/net", &netns) == 0 &&
		       netns.st_ino == info.netns.netns_ino;
	/* a cgroup's number is its inode's */
	return info.type == BPF_LINK_TYPE_CGROUP && fstat(dataplane->cgroup, &cgroup) == 0 &&
	       cgroup.st_ino == info.cgroup.cgroup_id;
}

static int dataplane_attach_one(struct dataplane *dataplane, struct bpf_program *prog)
{
	char path[DATAPLANE_PATH_MAX];
	struct bpf_link *link;
	int err;

	dataplane_link_path(dataplane, prog, path);
	/* asked first: libbpf would log that there is none */
	link = access(path, F_OK) == 0 ? bpf_link__open(path) : NULL;
	if (link && !dataplane_link_is_here(dataplane, link)) {
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
	link = dataplane_attach_new(dataplane, prog);
	if (!link)
		return -errno;
	err = bpf_link__pin(link, path);
	bpf_link__destroy(link);
	return err;
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

int dataplane_attach(struct dataplane *dataplane, char why[DATAPLANE_ERROR_LEN])
{
	/* the gate before the steering: nothing arrives that is not gated */
	struct bpf_program *const order[] = {
		dataplane->skel->progs.gate_ingress, dataplane->skel->progs.gate_egress,
		dataplane->skel->progs.peername4,    dataplane->skel->progs.peername6,
		dataplane->skel->progs.tag_established, dataplane->skel->progs.steer,
	};
	size_t i;
	int err;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		err = dataplane_attach_one(dataplane, order[i]);
		if (err) {
			snprintf(why, DATAPLANE_ERROR_LEN, "program %s cannot be attached: %s",
				 bpf_program__name(order[i]), strerror(-err));
			return err;
		}
	}
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
