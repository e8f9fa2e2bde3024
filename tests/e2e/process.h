/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that a test starts, and what the kernel says of processes. */
#ifndef TESTS_E2E_PROCESS_H
#define TESTS_E2E_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROCESS_PATH_MAX = 512, PROCESS_OUTPUT_MAX = 65536 };

/* process_build_path - where make put a program: "userspace/linewardend"; static memory */
const char *process_build_path(const char *program);

/**
 * process_start - starts a program that does not outlive its starter
 * @log: takes its two outputs, behind what is there
 * @argv: ended by NULL; the first one is looked up in PATH
 *
 * Returns its pid, or -errno.
 */
pid_t process_start(const char *log, const char *const argv[]);

/* process_end - sends a signal and waits; the status as waitpid() gives it, -1: still runs */
int process_end(pid_t pid, int sig, int limit_ms);

/**
 * process_run - runs a program to its end
 * @output: PROCESS_OUTPUT_MAX bytes for both its outputs, ended by NUL; may be NULL
 *
 * Returns its exit status, or -1 where a signal ended it.
 */
int process_run(char *output, const char *const argv[]);

/* process_children - of a process, in the order of their start; how many there are */
int process_children(pid_t pid, pid_t *children, int max);

/* process_cpu_ms - how much it has computed; -1: there is no such process */
long process_cpu_ms(pid_t pid);

/*
 * process_memory_kb - what it has of memory that no file is behind (RssAnon: proc(5)), whoever else
 * has the same pages, so that others' ends do not change it; -1
 */
long process_memory_kb(pid_t pid);

/* process_lives - false for a zombie too */
bool process_lives(pid_t pid);

long long process_now_ms(void);

void process_sleep_ms(int ms);

#endif
