/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.h - a file or folder that is there whole or not at all.
 *
 * In:  a path. Out: something to write into under a temporary name beside it, which takes the path's name when all is
 * written. Called by collector/report.c. Knows nothing of reports.
 */
#ifndef OTORI_REPORT_OUTPUT_H
#define OTORI_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/problem.h"

#define OUTPUT_PATH_BYTES 4096

/* Of one owner, from output_file or output_folder to output_end; begins as { 0 }. */
struct output {
	FILE *file;			   /* NULL = a folder */
	char path[OUTPUT_PATH_BYTES];	   /* where it is to be; "" = stdout */
	char temporary[OUTPUT_PATH_BYTES]; /* where it is until then; "" = it is written in place */
};

/* path: NULL = stdout, which gets all at the end. What is no regular file (a pipe, a device) is written in place. 0 or
 * negative errno. */
int output_file(struct output *output, const char *path, struct problem *problem);

/* Refuses a path that is no folder, or a folder that isn't empty. 0 or negative errno. */
int output_folder(struct output *output, const char *path, struct problem *problem);

/*
 * error: what came of the writing. 0: gives it its name, or says why that failed. Else: removes what was written, and
 * returns error. Does nothing for { 0 }.
 */
int output_end(struct output *output, int error, struct problem *problem);

#endif
