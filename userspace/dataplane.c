// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/cgroup.h"
#include "userspace/dataplane_internal.h"
#include "userspace/fd.h"
#include "userspace/folder.h"
#include "userspace/log.h"

int dataplane_lock(const char *path)
{
	_cleanup_fd_ int fd = folder_open(path, BPF_FS_MAGIC);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

static int dataplane_open_folder(const char *path, char why[DATAPLANE_ERROR_LEN])
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		snprintf(why, DATAPLANE_ERROR_LEN, "%s: cannot be made: %s", path, strerror(errno));
		return -errno;
	}
	fd = dataplane_lock(path);
	if (fd == -EBUSY)
		snprintf(why, DATAPLANE_ERROR_LEN,
			 "%s: another linewardend runs on these pins; stop it, or give this one "
			 "another pin-path",
			 path);
	else if (fd == -ENOTDIR) {
		snprintf(why, DATAPLANE_ERROR_LEN,
			 "%s: not on a bpffs; mount one with `mount -t bpf bpf /sys/fs/bpf`", path);
		rmdir(path);
	} else if (fd < 0)
		snprintf(why, DATAPLANE_ERROR_LEN, "%s: %s", path, strerror(-fd));
	return fd;
}

static int dataplane_libbpf_print(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[1024];
	size_t len;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	len = strlen(line);
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	log_line(LOG_WARNING, "%s", line);
	return 0;
}

/*
 * The socket iterator is an extra for the operator: some hosts forbid tracing programs,
 * and a kernel without BTF cannot have them.
 */
static bool dataplane_can_iterate(void)
{
	return access("/sys/kernel/btf/vmlinux", R_OK) == 0 &&
	       libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_TRACING, NULL) > 0;
}

static int dataplane_pin_paths(const struct dataplane *dataplane, struct linewarden *skel)
{
	char path[DATAPLANE_PATH_MAX];
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, skel->obj) {
		if (bpf_map__is_internal(map)) /* .rodata belongs to this load of the programs */
			continue;
		snprintf(path, sizeof(path), "%s/%s", dataplane->path, bpf_map__name(map));
		err = bpf_map__set_pin_path(map, path);
		if (err)
			return err;
	}
	return 0;
}

static int dataplane_check_version(struct dataplane *dataplane, char why[DATAPLANE_ERROR_LEN])
{
	int map = bpf_map__fd(dataplane->skel->maps.abi_version);
	__u32 key = 0, version = 0;

	if (bpf_map_lookup_elem(map, &key, &version) < 0)
		return -errno;
	if (version && version != LW_ABI_VERSION) {
		snprintf(why, DATAPLANE_ERROR_LEN,
			 "%s: pinned by another version of linewardend (%u, this is %u); take the "
			 "pins away with `linewarden detach`",
			 dataplane->path, version, LW_ABI_VERSION);
		return -EPROTO;
	}
	version = LW_ABI_VERSION;
	return bpf_map_update_elem(map, &key, &version, BPF_ANY) < 0 ? -errno : 0;
}

/* The half of the namespaces' numbers that the daemon before this one did not use. */
static uint32_t dataplane_next_bank(const struct dataplane *dataplane)
{
	char path[DATAPLANE_PATH_MAX];
	_cleanup_fd_ int map = -1;
	uint64_t cookie;
	uint32_t number;

	snprintf(path, sizeof(path), "%s/namespaces", dataplane->path);
	map = bpf_obj_get(path);
	if (map < 0 || bpf_map_get_next_key(map, NULL, &cookie) < 0 ||
	    bpf_map_lookup_elem(map, &cookie, &number) < 0)
		return 0;
	return number < LW_NAMESPACES_MAX ? LW_NAMESPACES_MAX : 0;
}

static int dataplane_load(struct dataplane *dataplane, char why[DATAPLANE_ERROR_LEN])
{
	int err;

	dataplane->skel = linewarden__open();
	if (!dataplane->skel)
		return -errno;
	bpf_program__set_autoload(dataplane->skel->progs.sockets, dataplane_can_iterate());
	dataplane->bank = dataplane_next_bank(dataplane);
	err = dataplane_pin_paths(dataplane, dataplane->skel);
	if (!err)
		err = linewarden__load(dataplane->skel);
	if (err) {
		snprintf(why, DATAPLANE_ERROR_LEN,
			 "the BPF programs cannot be loaded: %s; if the pins in %s are of another "
			 "version, take them away with `linewarden detach`",
			 strerror(-err), dataplane->path);
		return err;
	}
	return dataplane_check_version(dataplane, why);
}

int dataplane_open_copy(struct dataplane *dataplane, struct linewarden **out)
{
	struct linewarden *copy = linewarden__open();
	struct bpf_program *prog;
	int err;

	if (!copy)
		return -errno;
	bpf_object__for_each_program(prog, copy->obj)
		bpf_program__set_autoload(prog, false);
	err = dataplane_pin_paths(dataplane, copy);
	if (err)
		linewarden__destroy(copy);
	else
		*out = copy;
	return err;
}

/* Workers read a socket's storage; they cannot write any. */
static int dataplane_reopen(const struct dataplane *dataplane, const char *map)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	char path[DATAPLANE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dataplane->path, map);
	return bpf_obj_get_opts(path, &opts);
}

static int dataplane_reopen_maps(struct dataplane *dataplane)
{
	dataplane->tags_readonly = dataplane_reopen(dataplane, "tags");
	if (dataplane->tags_readonly < 0)
		return dataplane->tags_readonly;
	dataplane->targets_readonly = dataplane_reopen(dataplane, "targets");
	return dataplane->targets_readonly < 0 ? dataplane->targets_readonly : 0;
}

int dataplane_open(const struct config *config, struct dataplane **out,
		   char why[DATAPLANE_ERROR_LEN])
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));
	int err = -ENOMEM;

	if (!dataplane)
		return -ENOMEM;
	libbpf_set_print(dataplane_libbpf_print);
	dataplane->lock = dataplane->cgroup = -1;
	dataplane->tags_readonly = dataplane->targets_readonly = -1;
	dataplane->path = strdup(config->pin_path);
	if (!dataplane->path)
		goto fail;
	if (strlen(dataplane->path) + DATAPLANE_PIN_MAX >= DATAPLANE_PATH_MAX) {
		err = -ENAMETOOLONG;
		snprintf(why, DATAPLANE_ERROR_LEN, "pin-path: longer than %d bytes",
			 DATAPLANE_PATH_MAX - DATAPLANE_PIN_MAX);
		goto fail;
	}
	dataplane->cpus = libbpf_num_possible_cpus();
	err = dataplane->cpus < 0 ? dataplane->cpus : 0;
	if (err)
		goto fail;
	err = dataplane->cgroup = cgroup_open(config->cgroup);
	if (err < 0) {
		snprintf(why, DATAPLANE_ERROR_LEN, "cgroup %s: %s",
			 *config->cgroup ? config->cgroup : "(the cgroup2 root)",
			 err == -ENODEV ? "no cgroup2 hierarchy is mounted" :
			 err == -ENOTDIR ? "not a folder of the cgroup2 hierarchy" :
			 err == -EXDEV ? "the daemon is not in it; name one that holds both the "
					 "daemon and the app" :
					 strerror(-err));
		goto fail;
	}
	err = dataplane->lock = dataplane_open_folder(dataplane->path, why);
	if (err < 0)
		goto fail;
	err = dataplane_load(dataplane, why);
	if (!err)
		err = dataplane_reopen_maps(dataplane);
	if (err)
		goto fail;
	*out = dataplane;
	return 0;
fail:
	if (!*why)
		snprintf(why, DATAPLANE_ERROR_LEN, "BPF: %s", strerror(-err));
	dataplane_close(dataplane);
	return err;
}

void dataplane_close(struct dataplane *dataplane)
{
	size_t i;

	if (!dataplane)
		return;
	linewarden__destroy(dataplane->skel);
	for (i = 0; i < LW_NAMESPACES_MAX; i++)
		linewarden__destroy(dataplane->steers[i]);
	if (dataplane->tags_readonly >= 0)
		close(dataplane->tags_readonly);
	if (dataplane->targets_readonly >= 0)
		close(dataplane->targets_readonly);
	if (dataplane->cgroup >= 0)
		close(dataplane->cgroup);
	if (dataplane->lock >= 0)
		close(dataplane->lock);
	free(dataplane->path);
	free(dataplane);
}

int dataplane_tags_fd(const struct dataplane *dataplane)
{
	return dataplane->tags_readonly;
}

int dataplane_targets_fd(const struct dataplane *dataplane)
{
	return dataplane->targets_readonly;
}
