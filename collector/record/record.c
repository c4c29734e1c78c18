// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * record.c - typed records to bytes and back (the encoding is told in record.h).
 *
 * In:  structs of record.h, or bytes of a journal frame. Out: bytes in a record_buffer, or the structs read back.
 * Called by protocols/, responder/, supervisor/ (append; this is on the data path) and loader/ (next).
 * May not do I/O, allocate after record_buffer_open, or look at a clock.
 *
 * Each kind has one list of fields, from which its size, its writer and its reader are made: they can't drift apart.
 * The lists are append-only. A reader takes a longer body than it knows (a newer version wrote it) and ignores the
 * rest; a field that is appended later must be read as optional, since older bodies end before it.
 */
#include "record/record.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

/* clang-format off */
#define ACCESS_FIELDS(F) \
	F(u64, access) F(u64, started_at_ns) F(u64, ended_at_ns) F(endpoints, endpoints) F(bytes, protocol) \
	F(bytes, relay_host) F(i32, relay_port) F(u8, class) F(u8, depth) F(bytes, exploit) F(bytes, end_reason) \
	F(u64, bytes_in) F(u64, bytes_out) F(u32, first_segment_bytes) F(bytes, payload) F(u8, payload_truncated) \
	F(u16, mss) F(u16, window) F(u8, window_scale) F(u8, ttl) F(u8, sack) F(u32, hops) F(u32, mails) \
	F(u32, conflicting_bytes)

#define HOP_FIELDS(F) \
	F(u64, access) F(u64, requested_at_ns) F(u16, position) F(u16, level) F(bytes, protocol) F(bytes, method) \
	F(bytes, relay_host) F(i32, relay_port) F(bytes, target) F(bytes, user_agent) F(bytes, user_id) F(bytes, raw) \
	F(u8, flags)

#define CREDENTIAL_FIELDS(F) \
	F(u64, access) F(u64, seen_at_ns) F(u16, level) F(bytes, mechanism) F(bytes, username) F(bytes, secret) \
	F(hash, secret_hash) F(u32, secret_bytes)

#define MAIL_PART_FIELDS(F) F(u64, access) F(u64, mail) F(u64, offset) F(bytes, bytes)

#define MAIL_FIELDS(F) \
	F(u64, access) F(u64, mail) F(u64, received_at_ns) F(endpoints, endpoints) F(bytes, relay_host) \
	F(i32, relay_port) F(u8, direct) F(u8, complete) F(bytes, helo) F(bytes, mail_from) F(bytes, header) \
	F(u64, size_bytes) F(u8, truncated) F(u32, recipients) F(late_u8, probe_place) F(late_u8, probe_encoding)

#define MAIL_RECIPIENT_FIELDS(F) F(u64, mail) F(u64, received_at_ns) F(u32, position) F(bytes, address)

#define SYN_SAMPLE_FIELDS(F) \
	F(u64, seen_at_ns) F(endpoints, endpoints) F(u32, probability) F(u32, seq) F(u16, window) F(u16, ip_id) \
	F(u8, ttl) F(u8, dont_fragment) F(bytes, options)

#define SYN_SOURCE_FIELDS(F) \
	F(u64, quarter_ns) F(address, source) F(u16, decoy_port) F(u64, syns) F(real, estimated) F(u32, tools)

#define LEDGER_FIELDS(F) F(u32, minute) F(u16, port) F(u8, family) F(bytes, term) F(i64, value)

#define OBSERVATION_FIELDS(F) \
	F(u64, began_at_ns) F(u64, until_ns) F(bytes, decoys) F(bytes, ports) F(bytes, origin)

#define VIOLATION_FIELDS(F) F(u64, seen_at_ns) F(bytes, source) F(bytes, what) F(bytes, frame)

/* X(name, NAME): the kinds; kind number, struct, union member and list of fields follow from the name. */
#define KINDS(X) \
	X(access, ACCESS) X(hop, HOP) X(credential, CREDENTIAL) X(mail_part, MAIL_PART) X(mail, MAIL) \
	X(mail_recipient, MAIL_RECIPIENT) X(syn_sample, SYN_SAMPLE) X(syn_source, SYN_SOURCE) X(ledger, LEDGER) \
	X(observation, OBSERVATION) X(violation, VIOLATION)
/* clang-format on */

#define HEAD_BYTES 5 /* kind and length of the body */
#define VLANS_MAX 2

/* --- sizes: bytes that a field takes ------------------------------------------------------------------------------ */

static inline size_t size_u8(uint8_t value)
{
	return sizeof(value);
}

/* A field that was appended: a body that an older version wrote ends before it, and then it is 0. */
static inline size_t size_late_u8(uint8_t value)
{
	return sizeof(value);
}

static inline size_t size_u16(uint16_t value)
{
	return sizeof(value);
}

static inline size_t size_u32(uint32_t value)
{
	return sizeof(value);
}

static inline size_t size_u64(uint64_t value)
{
	return sizeof(value);
}

static inline size_t size_i32(int32_t value)
{
	return sizeof(value);
}

static inline size_t size_i64(int64_t value)
{
	return sizeof(value);
}

static inline size_t size_real(double value)
{
	return sizeof(value);
}

static inline size_t size_bytes(struct slice value)
{
	return sizeof(uint32_t) + value.length;
}

static inline size_t size_hash(const uint8_t *value)
{
	return value ? 32 : 0;
}

static inline size_t size_address(struct address value)
{
	return value.ipv6 ? 1 + 16 : 1 + 4;
}

static inline size_t size_endpoints(struct endpoints value)
{
	return size_address(value.source) + size_address(value.decoy) + 2 + 2 + 1 +
	       2 * (size_t)(value.vlan_count <= VLANS_MAX ? value.vlan_count : VLANS_MAX);
}

/* --- writers: room was checked before; each moves *to behind what it wrote ---------------------------------------- */

static inline void put(uint8_t **to, const void *from, size_t length)
{
	if (length)
		memcpy(*to, from, length);
	*to += length;
}

static inline void put_u8(uint8_t **to, uint8_t value)
{
	*(*to)++ = value;
}

static inline void put_late_u8(uint8_t **to, uint8_t value)
{
	put_u8(to, value);
}

static inline void put_u16(uint8_t **to, uint16_t value)
{
	value = htole16(value);
	put(to, &value, sizeof(value));
}

static inline void put_u32(uint8_t **to, uint32_t value)
{
	value = htole32(value);
	put(to, &value, sizeof(value));
}

static inline void put_u64(uint8_t **to, uint64_t value)
{
	value = htole64(value);
	put(to, &value, sizeof(value));
}

static inline void put_i32(uint8_t **to, int32_t value)
{
	put_u32(to, (uint32_t)value);
}

static inline void put_i64(uint8_t **to, int64_t value)
{
	put_u64(to, (uint64_t)value);
}

static inline void put_real(uint8_t **to, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_u64(to, bits);
}

static inline void put_bytes(uint8_t **to, struct slice value)
{
	put_u32(to, (uint32_t)value.length);
	put(to, value.bytes, value.length);
}

static inline void put_hash(uint8_t **to, const uint8_t *value)
{
	put(to, value, 32);
}

static inline void put_address(uint8_t **to, struct address value)
{
	put_u8(to, value.ipv6 ? 6 : 4);
	put(to, value.bytes, value.ipv6 ? 16 : 4);
}

static inline void put_endpoints(uint8_t **to, struct endpoints value)
{
	uint8_t vlans = value.vlan_count <= VLANS_MAX ? value.vlan_count : VLANS_MAX;

	put_address(to, value.source);
	put_address(to, value.decoy);
	put_u16(to, value.source_port);
	put_u16(to, value.decoy_port);
	put_u8(to, vlans);
	for (uint8_t i = 0; i < vlans; i++)
		put_u16(to, value.vlan[i]);
}

/* --- readers: each is false, and moves nothing it could not read, where the body is too short or senseless -------- */

static inline bool take(struct slice *from, void *to, size_t length)
{
	if (from->length < length)
		return false;
	memcpy(to, from->bytes, length);
	from->bytes += length;
	from->length -= length;
	return true;
}

static inline bool take_u8(struct slice *from, uint8_t *value)
{
	return take(from, value, sizeof(*value));
}

static inline bool take_late_u8(struct slice *from, uint8_t *value)
{
	return !from->length || take_u8(from, value);
}

static inline bool take_u16(struct slice *from, uint16_t *value)
{
	if (!take(from, value, sizeof(*value)))
		return false;
	*value = le16toh(*value);
	return true;
}

static inline bool take_u32(struct slice *from, uint32_t *value)
{
	if (!take(from, value, sizeof(*value)))
		return false;
	*value = le32toh(*value);
	return true;
}

static inline bool take_u64(struct slice *from, uint64_t *value)
{
	if (!take(from, value, sizeof(*value)))
		return false;
	*value = le64toh(*value);
	return true;
}

static inline bool take_i32(struct slice *from, int32_t *value)
{
	uint32_t bits;

	if (!take_u32(from, &bits))
		return false;
	memcpy(value, &bits, sizeof(*value));
	return true;
}

static inline bool take_i64(struct slice *from, int64_t *value)
{
	uint64_t bits;

	if (!take_u64(from, &bits))
		return false;
	memcpy(value, &bits, sizeof(*value));
	return true;
}

static inline bool take_real(struct slice *from, double *value)
{
	uint64_t bits;

	if (!take_u64(from, &bits))
		return false;
	memcpy(value, &bits, sizeof(*value));
	return true;
}

static inline bool take_bytes(struct slice *from, struct slice *value)
{
	uint32_t length;

	if (!take_u32(from, &length) || from->length < length)
		return false;
	*value = slice_of(from->bytes, length);
	from->bytes += length;
	from->length -= length;
	return true;
}

static inline bool take_hash(struct slice *from, uint8_t (*value)[32])
{
	return take(from, *value, sizeof(*value));
}

static inline bool take_address(struct slice *from, struct address *value)
{
	uint8_t family;

	if (!take_u8(from, &family) || (family != 4 && family != 6))
		return false;
	value->ipv6 = family == 6;
	return take(from, value->bytes, value->ipv6 ? 16 : 4);
}

static inline bool take_endpoints(struct slice *from, struct endpoints *value)
{
	if (!take_address(from, &value->source) || !take_address(from, &value->decoy) ||
	    !take_u16(from, &value->source_port) || !take_u16(from, &value->decoy_port) ||
	    !take_u8(from, &value->vlan_count) || value->vlan_count > VLANS_MAX)
		return false;
	for (uint8_t i = 0; i < value->vlan_count; i++)
		if (!take_u16(from, &value->vlan[i]))
			return false;
	return true;
}

/* --- the buffer --------------------------------------------------------------------------------------------------- */

int record_buffer_open(struct record_buffer *buffer, size_t capacity)
{
	memset(buffer, 0, sizeof(*buffer));
	buffer->bytes = malloc(capacity ? capacity : 1);
	if (!buffer->bytes)
		return -ENOMEM;
	buffer->capacity = capacity;
	return 0;
}

void record_buffer_close(struct record_buffer *buffer)
{
	if (!buffer)
		return;
	free(buffer->bytes);
	memset(buffer, 0, sizeof(*buffer));
}

void record_buffer_reset(struct record_buffer *buffer)
{
	buffer->length = 0;
	buffer->records = 0;
}

/* Room for a record with a body of that many bytes, its head written; NULL and a refusal counted where there is none.
 */
static uint8_t *begin_record(struct record_buffer *buffer, enum record_kind kind, size_t body_bytes)
{
	size_t room = buffer->capacity - buffer->length;
	uint8_t *to = buffer->bytes + buffer->length;

	if (room < HEAD_BYTES || room - HEAD_BYTES < body_bytes || body_bytes > UINT32_MAX) {
		buffer->refused++;
		return NULL;
	}
	put_u8(&to, (uint8_t)kind);
	put_u32(&to, (uint32_t)body_bytes);
	buffer->length += HEAD_BYTES + body_bytes;
	buffer->records++;
	return to;
}

#define FIELD_SIZE(type, name) +size_##type(record->name)
#define FIELD_PUT(type, name) put_##type(&to, record->name);
#define DEFINE_APPEND(name, NAME) \
	int record_append_##name(struct record_buffer *buffer, const struct record_##name *record) \
	{ \
		uint8_t *to = begin_record(buffer, RECORD_##NAME, 0 NAME##_FIELDS(FIELD_SIZE)); \
\
		if (!to) \
			return -ENOBUFS; \
		NAME##_FIELDS(FIELD_PUT) return 0; \
	}
KINDS(DEFINE_APPEND)

/* --- reading ------------------------------------------------------------------------------------------------------ */

#define FIELD_TAKE(type, name) &&take_##type(&body, &record->name)
#define DEFINE_DECODE(name, NAME) \
	static bool decode_##name(struct slice body, struct record_##name *record) \
	{ \
		memset(record, 0, sizeof(*record)); \
		return true NAME##_FIELDS(FIELD_TAKE); \
	}
KINDS(DEFINE_DECODE)

/* 1 = decoded, 0 = a kind that a newer version writes, -EBADMSG. */
static int decode(uint8_t kind, struct slice body, struct record *record)
{
	switch (kind) {
#define CASE_DECODE(name, NAME) \
	case RECORD_##NAME: \
		record->kind = RECORD_##NAME; \
		return decode_##name(body, &record->name) ? 1 : -EBADMSG;
		KINDS(CASE_DECODE)
	case 0:
		return -EBADMSG;
	default:
		return 0;
	}
}

int record_next(struct slice *bytes, struct record *record)
{
	while (bytes->length) {
		struct slice rest = *bytes, body;
		uint8_t kind;
		int result;

		if (!take_u8(&rest, &kind) || !take_bytes(&rest, &body))
			return -EBADMSG;
		result = decode(kind, body, record);
		if (result < 0)
			return result;
		*bytes = rest;
		if (result)
			return 1;
	}
	return 0;
}
