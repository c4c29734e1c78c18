// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load_rollup.c - sums up for the roll-ups what becomes a row.
 *
 * In:  records of accesses, mails and recipients, with the values that go into their rows. Out: sums in load's memory.
 * Called by load_access.c, load_mail.c and load_syn.c. May not talk to the database but through load.h.
 *
 * What counts where is told by the functions bare_* of schema/0005_rollups.sql; view rollup_difference holds one
 * against the other. A mail and its recipients are made at once, in one batch of one segment, the recipients behind it
 * (protocols/smtp_data.c): so a recipient counts for the mail before it, and only if it is that one's.
 */
#include "loader/load_rollup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/rollup_names.h"

#define QUARTER_NS (UINT64_C(900) * 1000000000)
#define TEXT_LENGTH_BYTES 4 /* what copy_text writes before the text */

struct load_rollups *load_rollups_new(void)
{
	return calloc(1, sizeof(struct load_rollups));
}

void load_rollups_free(struct load_rollups *rollups)
{
	if (!rollups)
		return;
	for (int i = 0; i < ROLLUP_COUNT; i++)
		rollup_table_free(&rollups->tables[i]);
	for (int i = 0; i < ROLLUP_COLUMNS_MAX; i++)
		copy_buffer_free(&rollups->columns[i]);
	for (int i = 0; i < KNOWN_COUNT; i++)
		known_keys_forget(&rollups->known[i]);
	copy_buffer_free(&rollups->relay_host);
	copy_buffer_free(&rollups->text);
	free(rollups);
}

void load_rollups_clear(struct load *load)
{
	for (int i = 0; i < ROLLUP_COUNT; i++)
		rollup_table_clear(&load->rollups->tables[i]);
	load->rollups->counts = false;
}

void load_rollups_forget(struct load *load)
{
	for (int i = 0; i < KNOWN_COUNT; i++)
		known_keys_forget(&load->rollups->known[i]);
}

static int out_of_memory(struct load *load)
{
	snprintf(load->text, sizeof(load->text), "out of memory");
	return -ENOMEM;
}

/* Where there is much, it goes to the database now. Not between a mail and its recipients. */
static int make_room(struct load *load)
{
	size_t keys = 0, bytes = 0;
	int error;

	for (int i = 0; i < ROLLUP_COUNT; i++) {
		keys += load->rollups->tables[i].count;
		bytes += load->rollups->tables[i].keys.length;
	}
	if (keys < ROLLUP_KEYS_MAX && bytes < ROLLUP_KEY_BYTES_MAX)
		return 0;
	/* some are found out of the rows */
	error = load_send_all(load);
	return error ? error : load_rollups_flush(load);
}

/* Cleans raw into buffer; *text is the clean text there, which may be changed. */
static bool clean(struct copy_buffer *buffer, struct slice raw, uint8_t **text, size_t *length)
{
	buffer->length = 0;
	buffer->failed = false;
	copy_text(buffer, raw);
	if (buffer->failed)
		return false;
	*text = buffer->bytes + TEXT_LENGTH_BYTES;
	*length = buffer->length - TEXT_LENGTH_BYTES;
	return true;
}

static void add(struct rollup_entry *entry, bool second)
{
	entry->sums[second]++;
}

/* --- accesses ----------------------------------------------------------------------------------------------------- */

static bool add_quarter(struct load *load, const struct record_access *record, const struct load_counted *counted,
			bool attempt)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_ACCESS];
	struct copy_buffer *key = rollup_key_begin(table);
	struct rollup_entry *entry;

	copy_time(key, counted->started_ns / QUARTER_NS * QUARTER_NS);
	copy_int4(key, record->endpoints.decoy_port);
	copy_int4(key, counted->class == CLASS_exploit || record->relay_port < 0 ? -1 : record->relay_port);
	copy_name(key, load_class_name(counted->class));
	entry = rollup_key_end(table);
	if (entry)
		add(entry, attempt);
	return entry;
}

static bool add_source(struct load *load, const struct record_access *record, const struct load_counted *counted,
		       bool attempt)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_SOURCE];
	struct copy_buffer *key = rollup_key_begin(table);
	struct rollup_entry *entry;

	copy_inet(key, &record->endpoints.source);
	copy_int4(key, counted->class != CLASS_mail || record->relay_port < 0 ? -1 : record->relay_port);
	entry = rollup_key_end(table);
	if (entry)
		add(entry, attempt);
	return entry;
}

static bool add_destination(struct load *load, const struct record_access *record)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_DESTINATION];
	struct copy_buffer *key;
	struct rollup_entry *entry;
	uint8_t *text;
	size_t length;

	if (!record->relay_host.length && record->relay_port < 0)
		return true;
	if (!clean(&load->rollups->text, record->relay_host, &text, &length))
		return false;
	key = rollup_key_begin(table);
	copy_bytea(key, rollup_destination_name(text, length));
	copy_int4(key, record->relay_port < 0 ? -1 : record->relay_port);
	entry = rollup_key_end(table);
	if (entry)
		add(entry, false);
	return entry;
}

static bool add_direct(struct load *load, const struct record_access *record, const char *kind)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_DIRECT];
	struct copy_buffer *key = rollup_key_begin(table);
	struct rollup_entry *entry;

	copy_inet(key, &record->endpoints.source);
	copy_name(key, kind);
	entry = rollup_key_end(table);
	if (entry)
		add(entry, false);
	return entry;
}

/* Whether it is a chain is told by its requests, which are rows by now (schema/0015_rollup_chain.sql). */
static bool add_chain(struct load *load, const struct record_access *record, uint64_t started_ns)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_CHAIN];
	struct copy_buffer *key;

	if (record->hops < 2)
		return true;
	key = rollup_key_begin(table);
	copy_int8(key, (int64_t)record->access);
	copy_time(key, started_ns);
	copy_inet(key, &record->endpoints.source);
	return rollup_key_end(table);
}

int load_rollup_access(struct load *load, const struct record_access *record, const struct load_counted *counted)
{
	bool direct = record->protocol.length == 4 && !memcmp(record->protocol.bytes, "smtp", 4), done = true;
	int error = make_room(load);

	if (error)
		return error;
	if (!add_chain(load, record, counted->started_ns))
		return out_of_memory(load);
	if (counted->depth < DEPTH_payload)
		return 0;
	if (direct)
		done = add_direct(load, record, counted->smtp_kind ? counted->smtp_kind : "other");
	if (!direct || counted->depth >= DEPTH_rcpt)
		done = done && add_quarter(load, record, counted, direct) && add_source(load, record, counted, direct);
	if (!direct && counted->class != CLASS_exploit)
		done = done && add_destination(load, record);
	return done ? 0 : out_of_memory(load);
}

/* --- SYNs --------------------------------------------------------------------------------------------------------- */

int load_rollup_syn(struct load *load, uint64_t quarter_ns)
{
	struct rollup_table *table = &load->rollups->tables[ROLLUP_SYN];

	copy_time(rollup_key_begin(table), quarter_ns);
	return rollup_key_end(table) ? 0 : out_of_memory(load);
}

/* --- mails -------------------------------------------------------------------------------------------------------- */

/* Counts the mail in hand once, however often it comes, and when. */
static bool add_mail(const struct load_rollups *rollups, struct rollup_entry *entry)
{
	if (!entry)
		return false;
	if (entry->mark == rollups->mark)
		return true;
	entry->mark = rollups->mark;
	if (!entry->sums[0] || rollups->received_ns < entry->first_ns)
		entry->first_ns = rollups->received_ns;
	if (rollups->received_ns > entry->last_ns)
		entry->last_ns = rollups->received_ns;
	entry->sums[0]++;
	return true;
}

static bool add_member(struct load_rollups *rollups, struct slice domain, const char *kind, struct slice member)
{
	struct rollup_table *table = &rollups->tables[ROLLUP_MEMBER];
	struct copy_buffer *key = rollup_key_begin(table);

	copy_bytea(key, domain);
	copy_name(key, kind);
	copy_bytea(key, member);
	return rollup_key_end(table);
}

/* The host was asked for in the name of the mail in hand; empty: by none. */
static struct slice relay_host(const struct load_rollups *rollups)
{
	return slice_of(rollups->relay_host.bytes, rollups->relay_host.length);
}

static bool add_relay(struct load_rollups *rollups, struct slice domain)
{
	struct rollup_table *table = &rollups->tables[ROLLUP_RELAY_DOMAIN];
	struct copy_buffer *key = rollup_key_begin(table);

	copy_bytea(key, relay_host(rollups));
	copy_int4(key, rollups->relay_port);
	copy_bytea(key, domain);
	return add_mail(rollups, rollup_key_end(table)) &&
	       add_member(rollups, domain, "relay_host", relay_host(rollups));
}

static bool add_domain(struct load_rollups *rollups, struct slice domain)
{
	char source[ADDRESS_TEXT_BYTES];
	struct rollup_table *table = &rollups->tables[ROLLUP_DOMAIN];
	struct copy_buffer *key = rollup_key_begin(table);
	struct rollup_entry *entry;

	copy_bytea(key, domain);
	entry = rollup_key_end(table);
	if (entry && entry->mark == rollups->mark)
		return true; /* this mail has had a recipient there */
	return add_mail(rollups, entry) &&
	       add_member(rollups, domain, "source", slice_of_text(address_text(&rollups->source, source))) &&
	       (!rollups->relay_host.length || add_relay(rollups, domain));
}

int load_rollup_mail(struct load *load, const struct record_mail *record, uint64_t received_ns, bool probe)
{
	struct load_rollups *rollups = load->rollups;
	struct rollup_table *table = &rollups->tables[ROLLUP_MAIL];
	struct copy_buffer *key;
	struct rollup_entry *entry;
	struct slice host;
	uint8_t *text;
	size_t length;
	int error = make_room(load);

	rollups->counts = false;
	if (error || !record->complete)
		return error;
	key = rollup_key_begin(table);
	copy_time(key, received_ns / QUARTER_NS * QUARTER_NS);
	copy_bool(key, record->direct);
	copy_bool(key, probe);
	entry = rollup_key_end(table);
	if (!entry || !clean(&rollups->relay_host, record->relay_host, &text, &length))
		return out_of_memory(load);
	add(entry, false);
	host = rollup_destination_name(text, length);
	memmove(rollups->relay_host.bytes, host.bytes, host.length);
	rollups->relay_host.length = host.length;
	rollups->relay_port = record->relay_port < 0 ? -1 : record->relay_port;
	rollups->source = record->endpoints.source;
	rollups->mail = record->mail;
	rollups->received_ns = received_ns;
	rollups->mark++;
	rollups->counts = !record->direct;
	return 0;
}

int load_rollup_recipient(struct load *load, const struct record_mail_recipient *record, uint64_t received_ns)
{
	struct load_rollups *rollups = load->rollups;
	struct slice recipient, domain;
	uint8_t *text;
	size_t length;

	if (!rollups->counts || record->mail != rollups->mail || received_ns != rollups->received_ns)
		return 0;
	if (!clean(&rollups->text, record->address, &text, &length))
		return out_of_memory(load);
	recipient = rollup_recipient_name(text, length, &domain);
	if (!domain.length)
		return 0;
	if (!add_domain(rollups, domain) || !add_member(rollups, domain, "recipient", recipient))
		return out_of_memory(load);
	return 0;
}
