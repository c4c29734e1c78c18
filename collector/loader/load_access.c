// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_access.c - rows of access, hop and credential.
 *
 * In:  records of conversations. Out: rows in load's buffers. Called by load.c. May not talk to the database but
 * through load.h.
 */
#include "loader/load.h"

#include "probe/smtp_kind.h"

static const char *const class_names[] = {
#define CLASS_NAME(name) #name,
	RECORD_CLASSES(CLASS_NAME)
};

static const char *const depth_names[] = {
#define DEPTH_NAME(name) #name,
	RECORD_DEPTHS(DEPTH_NAME)
};

const char *load_class_name(enum access_class class)
{
	return class_names[class];
}

static const char *const smtp_kind_names[] = {
#define SMTP_KIND_NAME(name) #name,
	RECORD_SMTP_KINDS(SMTP_KIND_NAME)
};

/* What a direct SMTP conversation was about; NULL: it was another protocol. */
static const char *smtp_kind_name(const struct record_access *record)
{
	static const char smtp[] = "smtp";

	if (record->protocol.length != sizeof(smtp) - 1 || memcmp(record->protocol.bytes, smtp, sizeof(smtp) - 1) != 0)
		return NULL;
	return smtp_kind_names[smtp_kind(record)];
}

/* A count of 0 means that it is not known. */
static void put_known(struct copy_buffer *row, uint16_t value)
{
	if (value)
		copy_int4(row, value);
	else
		copy_null(row);
}

/* mss, tcp_window, window_scale, sack, ttl. A segment without TTL never came: then nothing is known. */
static void put_fingerprint(struct copy_buffer *row, const struct record_access *record)
{
	put_known(row, record->mss);
	put_known(row, record->window);
	if (record->ttl && record->window_scale < 15)
		copy_int2(row, record->window_scale);
	else
		copy_null(row);
	if (record->ttl) {
		copy_bool(row, record->sack);
		copy_int2(row, record->ttl);
	} else {
		copy_null(row);
		copy_null(row);
	}
}

int load_access(struct load *load, const struct record_access *record)
{
	uint64_t started_ns = record->started_at_ns, ended_ns = record->ended_at_ns;
	bool longer = record->payload.length > LOAD_PAYLOAD_MAX_BYTES;
	struct slice payload =
		slice_of(record->payload.bytes, longer ? LOAD_PAYLOAD_MAX_BYTES : record->payload.length);
	struct load_counted counted = { .class = record->class < CLASS_COUNT ? record->class : CLASS_other,
					.depth = record->depth < DEPTH_COUNT ? record->depth : DEPTH_ack };
	uint8_t sha256[PAYLOAD_SHA256_BYTES];
	struct slice exploit;
	struct copy_buffer *row;
	int error = load_time(load, &started_ns);

	if (!error && payload.length)
		error = load_payload(load, payload, started_ns, sha256);
	if (error)
		return error;
	/* An exploit's class is decided before all others; everything else of the row stays what the responder saw. */
	exploit = load_exploit(load, record->protocol, payload, sha256);
	if (exploit.length)
		counted.class = CLASS_exploit;
	counted.started_ns = started_ns;
	counted.smtp_kind = smtp_kind_name(record);
	error = load_rollup_access(load, record, &counted);
	if (error)
		return error;
	/* The column takes any time that a bigint of nanoseconds can name; only the order must hold. */
	if (ended_ns < started_ns || ended_ns > INT64_MAX)
		ended_ns = started_ns;
	row = load_row(load, LOAD_ACCESS, 32);
	copy_int8(row, (int64_t)record->access);
	copy_time(row, started_ns);
	copy_time(row, ended_ns);
	copy_inet(row, &record->endpoints.decoy);
	copy_int4(row, record->endpoints.decoy_port);
	copy_inet(row, &record->endpoints.source);
	copy_int4(row, record->endpoints.source_port);
	load_vlans(row, &record->endpoints);
	copy_text_or_null(row, record->protocol);
	load_relay(row, record->relay_host, record->relay_port);
	copy_name(row, class_names[counted.class]);
	copy_name(row, depth_names[counted.depth]);
	copy_text_or_null(row, exploit);
	copy_text(row, record->end_reason);
	copy_int8(row, copy_clamp_int8(record->bytes_in));
	copy_int8(row, copy_clamp_int8(record->bytes_out));
	copy_int4(row, copy_clamp_int4(record->first_segment_bytes));
	copy_bytea_or_null(row, slice_of(sha256, payload.length ? sizeof(sha256) : 0));
	copy_bool(row, record->payload_truncated || longer);
	put_fingerprint(row, record);
	copy_int4(row, copy_clamp_int4(record->hops));
	copy_int4(row, copy_clamp_int4(record->mails));
	copy_int8(row, record->conflicting_bytes);
	if (counted.smtp_kind)
		copy_name(row, counted.smtp_kind);
	else
		copy_null(row);
	return load_row_end(load, LOAD_ACCESS);
}

int load_hop(struct load *load, const struct record_hop *record)
{
	uint64_t requested_ns = record->requested_at_ns;
	struct copy_buffer *row;
	int error = load_time(load, &requested_ns);

	if (error)
		return error;
	row = load_row(load, LOAD_HOP, 19);
	copy_int8(row, (int64_t)record->access);
	copy_time(row, requested_ns);
	copy_int4(row, record->position);
	copy_int4(row, record->level);
	copy_text(row, record->protocol);
	copy_text_or_null(row, record->method);
	load_relay(row, record->relay_host, record->relay_port);
	copy_text_or_null(row, record->target);
	copy_text_or_null(row, record->user_agent);
	copy_text_or_null(row, record->user_id);
	copy_bytea(row, record->raw);
	copy_bool(row, record->flags & HOP_LOOPBACK);
	copy_bool(row, record->flags & HOP_PRIVATE);
	copy_bool(row, record->flags & HOP_DECOY);
	copy_bool(row, record->flags & HOP_SOURCE);
	copy_bool(row, record->flags & HOP_REFUSED);
	return load_row_end(load, LOAD_HOP);
}

int load_credential(struct load *load, const struct record_credential *record)
{
	static const uint8_t none[sizeof(record->secret_hash)];
	uint64_t seen_ns = record->seen_at_ns;
	struct copy_buffer *row;
	int error = load_time(load, &seen_ns);

	if (error)
		return error;
	row = load_row(load, LOAD_CREDENTIAL, 13);
	copy_int8(row, (int64_t)load->header.segment);
	copy_int4(row, copy_clamp_int4(load->place));
	copy_time(row, seen_ns);
	copy_int8(row, (int64_t)record->access);
	copy_int4(row, record->level);
	copy_text(row, record->mechanism);
	copy_text_or_null(row, record->username);
	copy_bytea_or_null(row, record->username);
	copy_text_or_null(row, record->secret);
	copy_bytea_or_null(row, record->secret);
	copy_bytea_or_null(
		row, slice_of(record->secret_hash, memcmp(record->secret_hash, none, sizeof(none)) ? sizeof(none) : 0));
	copy_int4(row, copy_clamp_int4(record->secret_bytes));
	return load_row_end(load, LOAD_CREDENTIAL);
}
