/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * problem.c - why something could not be done: see problem.h.
 *
 * In:  a format. Out: the text. May not print or allocate.
 */
#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>

int problem_say(struct problem *problem, enum problem_status status, int error, const char *format, ...)
{
	va_list arguments;

	problem->status = status;
	va_start(arguments, format);
	vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
	return error;
}
