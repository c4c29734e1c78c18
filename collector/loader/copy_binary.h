/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy_binary.h - rows in the format of COPY ... (format binary), in a growing buffer.
 *
 * In:  values of C. Out: bytes for PQputCopyData. Called by load_*.c. May not talk to the database.
 *
 * A row is begun with its number of columns and then filled column by column, in the order of the COPY statement. Where
 * memory is short the buffer is failed and stays so: the caller looks once, at the end of a row.
 */
#ifndef OTORI_COPY_BINARY_H
#define OTORI_COPY_BINARY_H

#include "base/slice.h"

struct copy_buffer {
	uint8_t *bytes; /* owned */
	size_t length, capacity;
	bool failed;
};

void copy_buffer_free(struct copy_buffer *buffer);

/* What stands before the first row of a COPY, and behind the last one. */
struct slice copy_binary_header(void);
struct slice copy_binary_trailer(void);

void copy_row(struct copy_buffer *buffer, uint16_t columns);
void copy_null(struct copy_buffer *buffer);
void copy_bool(struct copy_buffer *buffer, bool value);
void copy_int2(struct copy_buffer *buffer, int16_t value);
void copy_int4(struct copy_buffer *buffer, int32_t value);
void copy_int8(struct copy_buffer *buffer, int64_t value);
void copy_float8(struct copy_buffer *buffer, double value);
/* ns: nanoseconds UTC since 1970; the database keeps microseconds. */
void copy_time(struct copy_buffer *buffer, uint64_t ns);
void copy_bytea(struct copy_buffer *buffer, struct slice bytes);
/* Text of our own making (names, labels of an enum): copied as it is. */
void copy_name(struct copy_buffer *buffer, const char *name);
/* A stranger's bytes as cleaned text; or_null: null where they are empty. */
void copy_text(struct copy_buffer *buffer, struct slice bytes);
void copy_text_or_null(struct copy_buffer *buffer, struct slice bytes);
void copy_bytea_or_null(struct copy_buffer *buffer, struct slice bytes);
void copy_inet(struct copy_buffer *buffer, const struct address *address);

/* An array parameter: what stands before its elements, which are then written as columns are. type: the elements'. */
void copy_array(struct copy_buffer *buffer, uint32_t type, uint32_t count);
/* A value out of another buffer, where it stands with its length before it; returns the bytes of both. */
size_t copy_value(struct copy_buffer *buffer, const uint8_t *value);

/* Numbers that the sensor keeps unsigned, within what the column can hold. */
int32_t copy_clamp_int4(uint64_t value);
int64_t copy_clamp_int8(uint64_t value);

#endif
