/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * say.h - the one line with which the generator gives up.
 *
 * In:  what is wrong, and where. Out: a line on stderr, status 2 for a bad plan, 1 for a failure.
 */
#ifndef NPA2008_SAY_H
#define NPA2008_SAY_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* line 0: the whole file. */
__attribute__((noreturn, format(printf, 3, 4))) static inline void say_bad(const char *path, unsigned line,
									   const char *format, ...)
{
	va_list arguments;

	if (line)
		fprintf(stderr, "generate: %s:%u: ", path, line);
	else
		fprintf(stderr, "generate: %s: ", path);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(2);
}

__attribute__((noreturn)) static inline void say_failed(const char *what)
{
	perror(what);
	exit(1);
}

/* malloc that does not fail: memory for a scenario is small, and without it there is nothing to do. */
static inline void *must_have(size_t bytes)
{
	void *memory = calloc(1, bytes ? bytes : 1);

	if (!memory)
		say_failed("generate: memory");
	return memory;
}

#endif
