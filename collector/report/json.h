/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.h - JSON, written piece by piece.
 *
 * In:  names, texts of whatever bytes, numbers as PostgreSQL writes them. Out: valid JSON in valid UTF-8 on a FILE.
 * Called by the files of report/ that write JSON. Reads nothing.
 */
#ifndef OTORI_REPORT_JSON_H
#define OTORI_REPORT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16

/* A document being written; begins as { .out = FILE }. */
struct json {
	FILE *out; /* borrowed */
	int depth;
	int flat_from; /* from this depth on all stands on one line; 0 = nowhere */
	bool used[JSON_DEPTH_MAX];
	char closing[JSON_DEPTH_MAX];
};

/* name: NULL within an array and for the document itself. */
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
/* An object on one line. */
void json_line(struct json *json, const char *name);
/* Ends the innermost object or array; the document's end is followed by a line feed. */
void json_end(struct json *json);

/* Text; NULL = null. Bytes that are no UTF-8 become U+FFFD; what a terminal obeys or nobody sees is written as \uXXXX.
 */
void json_text(struct json *json, const char *name, const char *text);

/* A number, digit by digit as it came; whatever is none (NaN, "", NULL) becomes null. */
void json_number(struct json *json, const char *name, const char *number);

void json_truth(struct json *json, const char *name, bool truth);

#endif
