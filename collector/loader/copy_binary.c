// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy_binary.c - rows in the format of COPY ... (format binary), in a growing buffer.
 *
 * In:  values of C. Out: bytes for PQputCopyData. Called by load_*.c. May not talk to the database.
 *
 * The format (PostgreSQL's manual, COPY, "Binary Format"): u16 number of columns; for each i32 length, -1 = null, and
 * the value as the type's send function writes it; all big endian.
 */
#include "loader/copy_binary.h"

#include <endian.h>
#include <stdlib.h>

#include "loader/text_clean.h"

#define FIRST_BYTES (128u << 10)
#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */
#define INET_FAMILY_IPV4 2			   /* PGSQL_AF_INET */
#define INET_FAMILY_IPV6 3

static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"; /* signature, flags, length of extensions */
static const uint8_t trailer[] = { 0xff, 0xff };

struct slice copy_binary_header(void)
{
	return slice_of(header, 19);
}

struct slice copy_binary_trailer(void)
{
	return slice_of(trailer, sizeof(trailer));
}

_Static_assert(sizeof(header) == 20, "11 bytes of signature and two integers");

void copy_buffer_free(struct copy_buffer *buffer)
{
	free(buffer->bytes);
	memset(buffer, 0, sizeof(*buffer));
}

static bool grow(struct copy_buffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_BYTES;
	uint8_t *grown;

	while (capacity - buffer->length < more)
		capacity *= 2;
	grown = realloc(buffer->bytes, capacity);
	if (!grown) {
		buffer->failed = true;
		return false;
	}
	buffer->bytes = grown;
	buffer->capacity = capacity;
	return true;
}

/* Room for that many bytes at the end, NULL where there is none; the caller adds to length what it used. */
static inline uint8_t *reserve(struct copy_buffer *buffer, size_t bytes)
{
	if (buffer->capacity - buffer->length < bytes && !grow(buffer, bytes))
		return NULL;
	return buffer->bytes + buffer->length;
}

static inline void put_be16(uint8_t *to, uint16_t value)
{
	value = htobe16(value);
	memcpy(to, &value, sizeof(value));
}

static inline void put_be32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void put_be64(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

void copy_row(struct copy_buffer *buffer, uint16_t columns)
{
	uint8_t *to = reserve(buffer, 2);

	if (!to)
		return;
	put_be16(to, columns);
	buffer->length += 2;
}

void copy_null(struct copy_buffer *buffer)
{
	uint8_t *to = reserve(buffer, 4);

	if (!to)
		return;
	put_be32(to, UINT32_MAX);
	buffer->length += 4;
}

void copy_bool(struct copy_buffer *buffer, bool value)
{
	uint8_t *to = reserve(buffer, 5);

	if (!to)
		return;
	put_be32(to, 1);
	to[4] = value;
	buffer->length += 5;
}

void copy_int2(struct copy_buffer *buffer, int16_t value)
{
	uint8_t *to = reserve(buffer, 6);

	if (!to)
		return;
	put_be32(to, 2);
	put_be16(to + 4, (uint16_t)value);
	buffer->length += 6;
}

void copy_int4(struct copy_buffer *buffer, int32_t value)
{
	uint8_t *to = reserve(buffer, 8);

	if (!to)
		return;
	put_be32(to, 4);
	put_be32(to + 4, (uint32_t)value);
	buffer->length += 8;
}

void copy_int8(struct copy_buffer *buffer, int64_t value)
{
	uint8_t *to = reserve(buffer, 12);

	if (!to)
		return;
	put_be32(to, 8);
	put_be64(to + 4, (uint64_t)value);
	buffer->length += 12;
}

void copy_float8(struct copy_buffer *buffer, double value)
{
	int64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	copy_int8(buffer, bits);
}

void copy_time(struct copy_buffer *buffer, uint64_t ns)
{
	copy_int8(buffer, (int64_t)(ns / 1000) - POSTGRES_EPOCH_US);
}

void copy_bytea(struct copy_buffer *buffer, struct slice bytes)
{
	uint8_t *to = reserve(buffer, 4 + bytes.length);

	if (!to)
		return;
	put_be32(to, (uint32_t)bytes.length);
	if (bytes.length)
		memcpy(to + 4, bytes.bytes, bytes.length);
	buffer->length += 4 + bytes.length;
}

void copy_name(struct copy_buffer *buffer, const char *name)
{
	copy_bytea(buffer, slice_of_text(name));
}

void copy_text(struct copy_buffer *buffer, struct slice bytes)
{
	uint8_t *to = reserve(buffer, 4 + TEXT_CLEAN_MAX_BYTES(bytes.length));
	size_t length;

	if (!to)
		return;
	length = text_clean(bytes, to + 4);
	put_be32(to, (uint32_t)length);
	buffer->length += 4 + length;
}

void copy_text_or_null(struct copy_buffer *buffer, struct slice bytes)
{
	if (bytes.length)
		copy_text(buffer, bytes);
	else
		copy_null(buffer);
}

void copy_bytea_or_null(struct copy_buffer *buffer, struct slice bytes)
{
	if (bytes.length)
		copy_bytea(buffer, bytes);
	else
		copy_null(buffer);
}

void copy_inet(struct copy_buffer *buffer, const struct address *address)
{
	uint8_t length = address->ipv6 ? 16 : 4, *to = reserve(buffer, 8 + 16);

	if (!to)
		return;
	put_be32(to, 4u + length);
	to[4] = address->ipv6 ? INET_FAMILY_IPV6 : INET_FAMILY_IPV4;
	to[5] = (uint8_t)(length * 8); /* bits of the mask */
	to[6] = 0;		       /* an inet, no cidr */
	to[7] = length;
	memcpy(to + 8, address->bytes, length);
	buffer->length += 8u + length;
}

void copy_array(struct copy_buffer *buffer, uint32_t type, uint32_t count)
{
	uint8_t *to = reserve(buffer, 20);

	if (!to)
		return;
	put_be32(to, count ? 1 : 0); /* dimensions */
	put_be32(to + 4, 0);	     /* no nulls */
	put_be32(to + 8, type);
	put_be32(to + 12, count);
	put_be32(to + 16, 1); /* first index */
	buffer->length += count ? 20 : 12;
}

size_t copy_value(struct copy_buffer *buffer, const uint8_t *value)
{
	uint32_t length;
	uint8_t *to;

	memcpy(&length, value, sizeof(length));
	length = be32toh(length);
	to = reserve(buffer, 4 + (size_t)length);
	if (to) {
		memcpy(to, value, 4 + (size_t)length);
		buffer->length += 4 + (size_t)length;
	}
	return 4 + (size_t)length;
}

int32_t copy_clamp_int4(uint64_t value)
{
	return value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

int64_t copy_clamp_int8(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}
