/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * problem.h - why something could not be done, as one clear line with the exit status that belongs to it.
 *
 * In:  a status, a negative errno, a text. Out: struct problem, filled by whoever knows best and printed at the edge.
 * Used by options, datapath/ and supervisor/. May not print.
 */
#ifndef OTORI_PROBLEM_H
#define OTORI_PROBLEM_H

#define PROBLEM_TEXT_BYTES 512

/* Exit statuses, as command.h has them: a problem knows which one it is. */
enum problem_status { PROBLEM_FAILURE = 1, PROBLEM_USAGE = 2, PROBLEM_BPF = 3 };

struct problem {
	enum problem_status status;
	char text[PROBLEM_TEXT_BYTES];
};

/* Fills *problem and returns error (a negative errno), so that `return problem_say(...)` is the whole of it. */
int problem_say(struct problem *problem, enum problem_status status, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
