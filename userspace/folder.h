/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that have to be of one kind of file system. */
#ifndef USERSPACE_FOLDER_H
#define USERSPACE_FOLDER_H

/*
 * Opens a folder for reading. magic: of its file system, linux/magic.h.
 * The descriptor; -ENOTDIR: no folder, or of another file system; -errno.
 */
int folder_open(const char *path, long magic);

#endif
