/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetimes that are visible where they are declared: a variable marked
 * _cleanup_free_ or _cleanup_(fn) is released when it leaves its scope, on every
 * path, unless it is handed on with TAKE_PTR.
 */
#ifndef POLICY_CLEANUP_H
#define POLICY_CLEANUP_H

#include <stdlib.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* DEFINE_CLEANUP(BIO *, BIO_free) makes cleanup_BIO_free for _cleanup_() */
#define DEFINE_CLEANUP(type, fn)                                                                   \
	static inline void cleanup_##fn(type *p)                                                   \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}                                                                                          \
	struct cleanup_##fn##_semicolon

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(cleanup_free)

/* hands a pointer on: the cleanup of the variable then finds NULL */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) take_ptr_ = (p);                                                     \
		(p) = NULL;                                                                        \
		take_ptr_;                                                                         \
	})

#endif
