/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - one clear line out of what libpq and the server say.
 *
 * In:  an error message of several lines. Out: one line. Used by the files of database/ and by report/. May not keep
 * anything.
 */
#ifndef OTORI_DATABASE_TEXT_H
#define OTORI_DATABASE_TEXT_H

#include <stddef.h>

/*
 * Writes "what: message" into text, of message only the first line, without ERROR or FATAL and without control
 * characters. message may be NULL; what may be "".
 */
void database_text(char *text, size_t text_bytes, const char *what, const char *message);

/* Writes one line as printf does and returns error, for `return database_fail(...)`. */
int database_fail(char *text, size_t text_bytes, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
