// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_mail.c - rows of mail, probe_mail, mail_part and mail_recipient.
 *
 * In:  records of mails. Out: rows in load's buffers. Called by load.c. May not talk to the database but through
 * load.h.
 */
#include "loader/load.h"

static const char *const place_names[] = {
#define PLACE_NAME(name) #name,
	NULL, RECORD_PROBE_PLACES(PLACE_NAME)
};

static const char *const encoding_names[] = {
#define ENCODING_NAME(name) #name,
	NULL, RECORD_PROBE_ENCODINGS(ENCODING_NAME)
};

/* A mail that broke off is none in any figure. */
static bool is_probe(const struct record_mail *record)
{
	return record->complete && record->probe_place && record->probe_place < PROBE_PLACE_COUNT &&
	       record->probe_encoding && record->probe_encoding < PROBE_ENCODING_COUNT;
}

/* Begins the row of a probe. Its mailbox is the last column, since it comes with the next record. */
static void begin_probe(struct load *load, const struct record_mail *record, uint64_t received_ns,
			const struct slice *subject)
{
	struct copy_buffer *row = load_row(load, LOAD_PROBE_MAIL, 10);

	copy_int8(row, (int64_t)record->mail);
	copy_time(row, received_ns);
	copy_inet(row, &record->endpoints.decoy);
	copy_int4(row, record->endpoints.decoy_port);
	copy_inet(row, &record->endpoints.source);
	if (subject)
		copy_bytea(row, *subject);
	else
		copy_null(row);
	copy_name(row, place_names[record->probe_place]);
	copy_name(row, encoding_names[record->probe_encoding]);
	load->probe_open = true;
	load->probe_mail = record->mail;
}

int load_probe_mailbox(struct load *load, const struct record *next)
{
	struct copy_buffer *row = &load->tables[LOAD_PROBE_MAIL];

	if (!load->probe_open)
		return 0;
	load->probe_open = false;
	if (next && next->kind == RECORD_MAIL_RECIPIENT && next->mail_recipient.mail == load->probe_mail &&
	    !next->mail_recipient.position)
		copy_text(row, next->mail_recipient.address);
	else
		copy_null(row);
	return load_row_end(load, LOAD_PROBE_MAIL);
}

int load_mail(struct load *load, const struct record_mail *record)
{
	uint64_t received_ns = record->received_at_ns;
	struct copy_buffer *row;
	struct slice subject;
	bool has_subject;
	int error = load_time(load, &received_ns);

	if (!error)
		error = load_rollup_mail(load, record, received_ns, is_probe(record));
	if (error)
		return error;
	row = load_row(load, LOAD_MAIL, 25);
	copy_int8(row, (int64_t)record->mail);
	copy_time(row, received_ns);
	copy_int8(row, (int64_t)record->access);
	copy_inet(row, &record->endpoints.decoy);
	copy_int4(row, record->endpoints.decoy_port);
	copy_inet(row, &record->endpoints.source);
	copy_int4(row, record->endpoints.source_port);
	load_vlans(row, &record->endpoints);
	load_relay(row, record->relay_host, record->relay_port);
	copy_bool(row, record->direct);
	copy_bool(row, record->complete);
	copy_text_or_null(row, record->helo);
	copy_bytea_or_null(row, record->helo);
	copy_text(row, record->mail_from); /* empty is the null sender */
	copy_bytea(row, record->mail_from);
	has_subject = subject_decode(load->subjects, record->header, &subject);
	if (has_subject)
		copy_bytea(row, subject); /* clean already */
	else
		copy_null(row);
	copy_bytea(row, record->header);
	copy_int8(row, copy_clamp_int8(record->size_bytes));
	copy_bool(row, record->truncated);
	copy_int4(row, copy_clamp_int4(record->recipients));
	copy_bool(row, is_probe(record));
	if (is_probe(record))
		begin_probe(load, record, received_ns, has_subject ? &subject : NULL);
	return load_row_end(load, LOAD_MAIL);
}

int load_mail_part(struct load *load, const struct record_mail_part *record)
{
	/* When the mail will be whole isn't known yet: the partition goes by the segment. */
	uint64_t stored_ns = load->header.created_at_ns;
	struct copy_buffer *row;
	int error;

	if (!record->bytes.length)
		return 0;
	error = load_time(load, &stored_ns);
	if (error)
		return error;
	row = load_row(load, LOAD_MAIL_PART, 6);
	copy_int8(row, (int64_t)record->mail);
	copy_int8(row, copy_clamp_int8(record->offset));
	copy_time(row, stored_ns);
	copy_int8(row, (int64_t)record->access);
	copy_bytea(row, record->bytes);
	return load_row_end(load, LOAD_MAIL_PART);
}

int load_mail_recipient(struct load *load, const struct record_mail_recipient *record)
{
	uint64_t received_ns = record->received_at_ns;
	struct copy_buffer *row;
	int error = load_time(load, &received_ns);

	if (!error)
		error = load_rollup_recipient(load, record, received_ns);
	if (error)
		return error;
	row = load_row(load, LOAD_MAIL_RECIPIENT, 6);
	copy_int8(row, (int64_t)record->mail);
	copy_time(row, received_ns);
	copy_int4(row, copy_clamp_int4(record->position));
	copy_text(row, record->address);
	copy_bytea(row, record->address);
	return load_row_end(load, LOAD_MAIL_RECIPIENT);
}
