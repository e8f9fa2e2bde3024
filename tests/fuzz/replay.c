// SPDX-License-Identifier: Apache-2.0
/*
 * A fuzz target without a fuzzer: TARGET [-m MUTATIONS] FILE|FOLDER... runs every file, and so
 * many changed ones of each, the same in every run. The last line says how many there were. An
 * input that ends the process is left in TARGET.input, in the working directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/cleanup.h"
#include "tests/fuzz/target.h"

enum { REPLAY_LEN_MAX = 1 << 20, REPLAY_CHANGES_MAX = 6, REPLAY_PIECE_MAX = 64 };

struct replay {
	unsigned int mutations, runs;
	uint32_t seed;
};

/* the input that is being run, for the handler */
static const uint8_t *replay_data;
static size_t replay_len;
static char replay_kept[4096];

static void replay_die(const char *what)
{
	perror(what);
	exit(2);
}

static void replay_on_abort(int number)
{
	int fd = open(replay_kept, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0 && write(fd, replay_data, replay_len) >= 0)
		close(fd);
	signal(number, SIG_DFL);
	raise(number);
}

static uint32_t replay_random(struct replay *replay, size_t below)
{
	replay->seed = replay->seed * 1103515245 + 12345;
	return (replay->seed >> 8) % (uint32_t)(below ? below : 1);
}

/* one change; the buffer has room for REPLAY_PIECE_MAX more */
static size_t replay_change(struct replay *replay, uint8_t *data, size_t len)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff, '\n', '"', '.', '*', '{', 0x30 };
	size_t at = replay_random(replay, len), from = replay_random(replay, len);
	size_t piece = 1 + replay_random(replay, REPLAY_PIECE_MAX);

	if (!len)
		return 0;
	switch (replay_random(replay, 5)) {
	case 0:
		data[at] ^= (uint8_t)(1U << replay_random(replay, 8));
		return len;
	case 1:
		data[at] = odd[replay_random(replay, sizeof(odd))];
		return len;
	case 2:
		piece = piece < len - at ? piece : len - at;
		memmove(data + at, data + at + piece, len - at - piece);
		return len - piece;
	case 3:
		piece = piece < len - from ? piece : len - from;
		memmove(data + at + piece, data + at, len - at);
		memmove(data + at, data + from, piece);
		return len + piece;
	default:
		piece = piece < len - from ? piece : len - from;
		piece = piece < len - at ? piece : len - at;
		memmove(data + at, data + from, piece);
		return len;
	}
}

/* in an allocation of its very length, so that a read past the end is seen */
static void replay_run(struct replay *replay, const uint8_t *data, size_t len)
{
	uint8_t *copy _cleanup_free_ = malloc(len ? len : 1);

	if (!copy)
		replay_die("malloc");
	memcpy(copy, data, len);
	replay_data = data;
	replay_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	replay->runs++;
}

static void replay_file(struct replay *replay, const char *path)
{
	static uint8_t whole[REPLAY_LEN_MAX];
	static uint8_t changed[REPLAY_LEN_MAX + REPLAY_CHANGES_MAX * REPLAY_PIECE_MAX];
	FILE *file = fopen(path, "rb");

	if (!file)
		replay_die(path);

	size_t len = fread(whole, 1, sizeof(whole), file);

	fclose(file);
	replay_run(replay, whole, len);
	for (unsigned int i = 0; i < replay->mutations; i++) {
		size_t n = len;

		memcpy(changed, whole, len);
		for (uint32_t left = 1 + replay_random(replay, REPLAY_CHANGES_MAX); left; left--)
			n = replay_change(replay, changed, n);
		replay_run(replay, changed, n);
	}
}

static int replay_is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* in the names' order, so that each run is the same */
static void replay_folder(struct replay *replay, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, replay_is_file, alphasort);

	if (count < 0)
		replay_die(folder);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		replay_file(replay, path);
		free(entries[i]);
	}
	free(entries);
}

/* weak: libFuzzer brings its own */
__attribute__((weak)) int main(int argc, char **argv)
{
	struct replay replay = { .seed = 1 };
	int option;

	while ((option = getopt(argc, argv, "m:")) != -1) {
		if (option != 'm') {
			fprintf(stderr, "usage: %s [-m MUTATIONS] FILE|FOLDER...\n", argv[0]);
			return 2;
		}
		replay.mutations = (unsigned int)strtoul(optarg, NULL, 10);
	}
	snprintf(replay_kept, sizeof(replay_kept), "%s.input", basename(argv[0]));
	signal(SIGABRT, replay_on_abort);
	signal(SIGSEGV, replay_on_abort);
	for (int i = optind; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0)
			replay_die(argv[i]);
		if (S_ISDIR(st.st_mode))
			replay_folder(&replay, argv[i]);
		else
			replay_file(&replay, argv[i]);
	}
	printf("%u inputs\n", replay.runs);
	return 0;
}
