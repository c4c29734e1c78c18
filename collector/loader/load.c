// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load.c - one segment on its way into the database: the transaction, the pump of rows, the partitions.
 *
 * In:  rows that load_*.c fill in. Out: COPY BINARY into the tables of LOAD_TABLES, one COPY after another within a
 * transaction. Called by loader.c and load_*.c. May not touch files.
 *
 * Only one COPY can be under way on a connection. The table whose COPY is open is fed as rows come; the rows of the
 * others wait until there are enough of them to be worth the change. So memory is bounded whatever a segment holds. A
 * thread sends them (copy_sender.h): the database works while the next rows are made. Before any other statement
 * load_copy_end must have waited for it.
 */
#include "loader/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PIECE_BYTES (256u << 10) /* of the table whose COPY is open */
#define CHANGE_BYTES (2u << 20)	 /* of another one: worth a change */
#define NS_PER_SECOND UINT64_C(1000000000)
#define TIME_LIMIT_NS (UINT64_C(7258118400) * NS_PER_SECOND) /* 2200-01-01 */

static const struct {
	const char *name, *copy;
} tables[] = {
#define TABLE_ROW(NAME, table, columns) { table, "copy " table " (" columns ") from stdin (format binary)" },
	LOAD_TABLES(TABLE_ROW)
};

struct load *load_new(const struct exploit_rules *rules)
{
	struct load *load = calloc(1, sizeof(*load));

	if (!load)
		return NULL;
	load->open = -1;
	load->sender = copy_sender_new();
	load->payloads = payload_identities_new();
	load->exploits = load_exploits_new(rules);
	load->subjects = subject_decoder_new();
	load->payload_batch = load_payload_batch_new();
	load->rollups = load_rollups_new();
	load->terms = calloc(LOAD_TERMS_MAX, sizeof(*load->terms));
	if (!load->sender || !load->payloads || !load->exploits || !load->payload_batch || !load->subjects ||
	    !load->rollups || !load->terms) {
		load_free(load);
		return NULL;
	}
	return load;
}

void load_free(struct load *load)
{
	if (!load)
		return;
	copy_sender_free(load->sender);
	for (int i = 0; i < LOAD_TABLE_COUNT; i++)
		copy_buffer_free(&load->tables[i]);
	load_observations_clear(load);
	payload_identities_free(load->payloads);
	load_exploits_free(load->exploits);
	load_payload_batch_free(load->payload_batch);
	load_rollups_free(load->rollups);
	subject_decoder_free(load->subjects);
	sum_table_free(&load->ledger);
	sum_table_free(&load->syn_sources);
	sum_table_free(&load->packets);
	free(load->terms);
	free(load->packet_columns);
	free(load);
}

/* --- what the database says --------------------------------------------------------------------------------------- */

/* First line of a message, without what would disturb a terminal. */
static void set_text(struct load *load, const char *message)
{
	size_t length = 0;

	for (; *message && *message != '\n' && length + 1 < sizeof(load->text); message++)
		load->text[length++] = (unsigned char)*message < 0x20 || *message == 0x7f ? ' ' : *message;
	load->text[length] = 0;
}

/* True for the classes of SQLSTATE that speak of the data: exceptions, constraints, limits, and what a function raised.
 */
static bool blames_data(const char *state)
{
	return state && (!strncmp(state, "22", 2) || !strncmp(state, "23", 2) || !strncmp(state, "54", 2) ||
			 !strncmp(state, "21", 2) || !strcmp(state, "P0001"));
}

/*
 * Two loaders of one sensor (a replay beside a run) may bring the same payload at the same moment. The one that comes
 * second learns of it too late; the next time it finds the payload there. Where each brings first what the other brings
 * next, they wait for each other, and PostgreSQL lets one go (40P01). A visitor who is there though he was new is
 * somebody's doing who changed roll-ups without their lock.
 */
static bool came_second(const PGresult *result, const char *state)
{
	const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);

	if (state && !strcmp(state, "40P01"))
		return true;
	return state && table && !strcmp(state, "23505") &&
	       (!strcmp(table, "payload") || !strcmp(table, "rollup_source") || !strcmp(table, "rollup_domain_member"));
}

/* Tried again, it would take them all again, and what lies behind it would wait for ever. */
static bool took_all_locks(const struct load *load, const char *state)
{
	return state && !strcmp(state, "53200") && load->new_months > LOAD_NEW_MONTHS_MANY;
}

int load_judge(struct load *load, PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	bool second = PQstatus(load->connection) == CONNECTION_OK && came_second(result, state);
	bool data = PQstatus(load->connection) == CONNECTION_OK && blames_data(state) && !second;

	load->came_second = second;
	set_text(load, primary ? primary : PQerrorMessage(load->connection));
	if (PQstatus(load->connection) == CONNECTION_OK && took_all_locks(load, state)) {
		set_text(load, "the times of its records lie in more months than the server has locks for"
			       " (max_locks_per_transaction)");
		data = true;
	}
	PQclear(result);
	return data ? -EPROTO : -EAGAIN;
}

static int take_result(struct load *load, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_COPY_IN)
		return load_judge(load, result);
	PQclear(result);
	return 0;
}

int load_execute(struct load *load, const char *statement)
{
	return take_result(load, PQexec(load->connection, statement));
}

int load_execute_params(struct load *load, const char *statement, int count, const char *const *values)
{
	return take_result(load, PQexecParams(load->connection, statement, count, NULL, values, NULL, NULL, 0));
}

int load_execute_binary(struct load *load, const char *statement, int count, const char *const *values,
			const int *lengths, const int *formats)
{
	return take_result(load, PQexecParams(load->connection, statement, count, NULL, values, lengths, formats, 0));
}

/* --- the pump ----------------------------------------------------------------------------------------------------- */

/* What came of rows that were put, or of all of them. */
static int judge_sending(struct load *load, int error, PGresult *failure)
{
	if (!error)
		return 0;
	load->open = -1;
	if (failure)
		return load_judge(load, failure);
	set_text(load, PQerrorMessage(load->connection));
	return error;
}

int load_copy_end(struct load *load)
{
	PGresult *failure = NULL;
	int error;

	if (load->open < 0)
		return 0;
	error = copy_sender_finish(load->sender, &failure);
	load->open = -1;
	return judge_sending(load, error, failure);
}

int load_send(struct load *load, enum load_table table)
{
	PGresult *failure = NULL;
	int error;

	if (!load->tables[table].length)
		return 0;
	load->open = (int)table;
	error = copy_sender_put(load->sender, tables[table].copy, &load->tables[table], &failure);
	return judge_sending(load, error, failure);
}

struct copy_buffer *load_row(struct load *load, enum load_table table, uint16_t columns)
{
	struct copy_buffer *buffer = &load->tables[table];

	copy_row(buffer, columns);
	copy_name(buffer, load->header.sensor);
	return buffer;
}

int load_row_end(struct load *load, enum load_table table)
{
	struct copy_buffer *buffer = &load->tables[table];

	if (buffer->failed) {
		set_text(load, "out of memory");
		return -ENOMEM;
	}
	load->rows++;
	if (buffer->length < (load->open == (int)table ? PIECE_BYTES : CHANGE_BYTES))
		return 0;
	return load_send(load, table);
}

int load_send_all(struct load *load)
{
	int error = 0;

	/* The open one first: it costs no change. */
	if (load->open >= 0)
		error = load_send(load, (enum load_table)load->open);
	for (int table = 0; !error && table < LOAD_TABLE_COUNT; table++)
		error = load_send(load, (enum load_table)table);
	return error ? error : load_copy_end(load);
}

/* --- columns that several tables share ---------------------------------------------------------------------------- */

void load_vlans(struct copy_buffer *row, const struct endpoints *endpoints)
{
	for (uint8_t i = 0; i < 2; i++) {
		if (i < endpoints->vlan_count)
			copy_int2(row, (int16_t)(endpoints->vlan[i] & 0xfff));
		else
			copy_null(row);
	}
}

void load_relay(struct copy_buffer *row, struct slice host, int32_t port)
{
	copy_text_or_null(row, host);
	copy_bytea_or_null(row, host);
	if (port >= 0)
		copy_int4(row, port);
	else
		copy_null(row);
}

/* --- partitions --------------------------------------------------------------------------------------------------- */

void load_time_text(uint64_t ns, char text[LOAD_TIME_TEXT_BYTES])
{
	time_t seconds;
	char day[32];
	struct tm parts;

	if (ns >= TIME_LIMIT_NS)
		ns = TIME_LIMIT_NS - 1;
	seconds = (time_t)(ns / NS_PER_SECOND);
	gmtime_r(&seconds, &parts);
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &parts);
	snprintf(text, LOAD_TIME_TEXT_BYTES, "%s.%06u+00", day, (unsigned)(ns % NS_PER_SECOND / 1000));
}

/* Month since 1970 of ns, and when it begins and ends. */
static unsigned month_of(uint64_t ns, uint64_t *from_ns, uint64_t *until_ns)
{
	time_t seconds = (time_t)(ns / NS_PER_SECOND);
	struct tm parts, first = { .tm_mday = 1 };

	gmtime_r(&seconds, &parts);
	first.tm_year = parts.tm_year;
	first.tm_mon = parts.tm_mon;
	*from_ns = (uint64_t)timegm(&first) * NS_PER_SECOND;
	first.tm_mon++;
	*until_ns = (uint64_t)timegm(&first) * NS_PER_SECOND;
	return (unsigned)(parts.tm_year - 70) * 12 + (unsigned)parts.tm_mon;
}

static int make_partitions(struct load *load, uint64_t ns)
{
	char text[LOAD_TIME_TEXT_BYTES];
	const char *values[] = { text };
	int error = load_copy_end(load);

	if (error)
		return error;
	if (load->new_months++ == LOAD_NEW_MONTHS_MAX) {
		set_text(load, "the times of its records lie in more months than a sensor can have seen");
		return -EPROTO;
	}
	load_time_text(ns, text);
	return load_execute_params(load, "select otori.make_partitions($1::timestamptz, $1::timestamptz)", 1, values);
}

int load_time(struct load *load, uint64_t *ns)
{
	unsigned month;
	int error = 0;

	if (*ns >= load->month_from_ns && *ns < load->month_until_ns)
		return 0;
	if (*ns >= TIME_LIMIT_NS)
		*ns = load->header.created_at_ns;
	month = month_of(*ns, &load->month_from_ns, &load->month_until_ns);
	if (!(load->months[month / 8] & 1 << month % 8)) {
		error = make_partitions(load, *ns);
		load->months[month / 8] |= (uint8_t)(1 << month % 8);
	}
	return error;
}

/* --- the life of a segment ---------------------------------------------------------------------------------------- */

/* What was known of tables and rows may not hold any more. */
static void forget(struct load *load)
{
	memset(load->months, 0, sizeof(load->months));
	load->month_from_ns = load->month_until_ns = 0;
	payload_forget(load->payloads);
	load_rollups_forget(load);
}

int load_connect(struct load *load, PGconn *connection)
{
	load->connection = connection;
	copy_sender_connect(load->sender, connection);
	load->in_transaction = false;
	load->open = -1;
	load_payloads_forget(load);
	forget(load);
	load_exploits_forget(load);
	/*
	 * A file is deleted after its commit, so a commit must be on disk. The primary key of payload is not copied:
	 * what is double there is merged.
	 */
	return load_execute(load, "select set_config('synchronous_commit', 'on', false)"
				  " where current_setting('synchronous_commit') = 'off';"
				  "set enable_seqscan = off; set enable_bitmapscan = off");
}

/*
 * 1 = this very segment was loaded, 0 = it was not, -EEXIST, or as load_begin. One that was set aside before is here
 * because somebody moved it back (or a crash kept it from being moved): it is tried anew, and what was said of it is
 * taken back with this transaction.
 */
static int find_segment(struct load *load, const struct journal_header *header)
{
	char segment[24], created[LOAD_TIME_TEXT_BYTES];
	const char *values[] = { header->sensor, segment, created };
	PGresult *result;
	bool again = false;
	int found;

	snprintf(segment, sizeof(segment), "%" PRIu64, header->segment);
	load_time_text(header->created_at_ns, created);
	/* The lock keeps a second loader from this segment; the next statement then sees what the first one did. */
	found = load_execute_params(
		load, "select pg_advisory_xact_lock(hashtextextended('otori.segment ' || $1, $2::bigint))", 2, values);
	if (found)
		return found;
	result = PQexecParams(load->connection,
			      "select created_at = $3::timestamptz, set_aside is null from otori.journal_segment"
			      " where sensor = $1 and segment = $2::bigint",
			      3, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return load_judge(load, result);
	if (PQntuples(result)) {
		bool same = PQgetvalue(result, 0, 0)[0] == 't', loaded = PQgetvalue(result, 0, 1)[0] == 't';

		if (!same) {
			set_text(load, "another segment with this number was loaded before");
			found = -EEXIST;
		} else if (loaded) {
			found = 1;
		} else {
			again = true;
		}
	}
	PQclear(result);
	if (again)
		return load_execute_params(load, "select otori.forget_set_aside($1, $2::bigint)", 2, values);
	return found;
}

int load_begin(struct load *load, const struct journal_header *header)
{
	int result;

	if (strcmp(load->header.sensor, header->sensor)) {
		payload_forget(load->payloads);
		load_payloads_forget(load);
		load_rollups_forget(load);
	}
	load->header = *header;
	if (load->header.created_at_ns >= TIME_LIMIT_NS)
		load->header.created_at_ns = 0;
	load->place = 0;
	load->records = load->rows = 0;
	load->new_months = 0;
	load->came_second = false;
	load->text[0] = 0;
	result = load_exploits_tell(load);
	if (!result)
		result = load_execute(load, "begin");
	if (result)
		return result;
	load->in_transaction = true;
	result = find_segment(load, &load->header);
	if (result == 1)
		load_abort(load);
	return result;
}

int load_record(struct load *load, const struct record *record)
{
	int error = load_probe_mailbox(load, record);

	if (error)
		return error;
	load->place++;
	load->records++;
	switch (record->kind) {
	case RECORD_ACCESS:
		return load_access(load, &record->access);
	case RECORD_HOP:
		return load_hop(load, &record->hop);
	case RECORD_CREDENTIAL:
		return load_credential(load, &record->credential);
	case RECORD_MAIL_PART:
		return load_mail_part(load, &record->mail_part);
	case RECORD_MAIL:
		return load_mail(load, &record->mail);
	case RECORD_MAIL_RECIPIENT:
		return load_mail_recipient(load, &record->mail_recipient);
	case RECORD_SYN_SAMPLE:
		return load_syn_sample(load, &record->syn_sample);
	case RECORD_LEDGER:
		return load_ledger(load, &record->ledger);
	case RECORD_OBSERVATION:
		return load_observation(load, &record->observation);
	case RECORD_VIOLATION:
		return load_violation(load, &record->violation);
	case RECORD_SYN_SOURCE:
		return load_syn_source(load, &record->syn_source);
	}
	return 0;
}

int load_frame(struct load *load, uint32_t records, uint32_t minute)
{
	/* The ledger's equation of records is about the responder's workers. */
	if (load->header.writer == JOURNAL_WRITER_SUPERVISOR)
		return 0;
	return load_ledger_add(load, minute, "loaded", records);
}

/* Enters the sensor and the segment's own name, which makes loading it twice impossible. */
static int enter_segment(struct load *load, const struct journal_header *header, uint64_t records, uint64_t file_bytes,
			 bool cut, const char *set_aside)
{
	char segment[24], writer[8], created[LOAD_TIME_TEXT_BYTES], record_text[24], byte_text[24];
	const char *values[] = { header->sensor,	 segment,  writer, created, record_text, byte_text,
				 cut ? "true" : "false", set_aside };
	int error;

	snprintf(segment, sizeof(segment), "%" PRIu64, header->segment);
	snprintf(writer, sizeof(writer), "%u", header->writer);
	snprintf(record_text, sizeof(record_text), "%" PRIu64, records);
	snprintf(byte_text, sizeof(byte_text), "%" PRIu64, file_bytes);
	load_time_text(header->created_at_ns, created);
	error = load_execute_params(load, "insert into otori.sensor (sensor) values ($1) on conflict do nothing", 1,
				    values);
	if (error)
		return error;
	return load_execute_params(load,
				   "insert into otori.journal_segment"
				   " (sensor, segment, writer, created_at, records, file_bytes, cut, set_aside)"
				   " values ($1, $2, $3, $4, $5, $6, $7, $8)",
				   8, values);
}

int load_commit(struct load *load, uint64_t file_bytes, bool cut)
{
	int error = load_probe_mailbox(load, NULL);

	if (!error)
		error = load_syn_sources_flush(load);
	if (!error)
		error = load_ledger_flush(load);
	if (!error)
		error = load_payloads_flush(load);
	if (!error)
		error = load_send_all(load);
	if (!error)
		error = load_observations_flush(load);
	if (!error)
		error = enter_segment(load, &load->header, load->records, file_bytes, cut, NULL);
	/* Last, since nothing else may be waited for under their lock. */
	if (!error)
		error = load_rollups_flush(load);
	if (!error)
		error = load_execute(load, "commit");
	if (error)
		return error;
	load->in_transaction = false;
	return 0;
}

void load_abort(struct load *load)
{
	char ignored[sizeof(load->text)];

	for (int table = 0; table < LOAD_TABLE_COUNT; table++) {
		load->tables[table].length = 0;
		load->tables[table].failed = false;
	}
	load->probe_open = false;
	sum_table_clear(&load->syn_sources);
	load_ledger_clear(load);
	load_observations_clear(load);
	load_payloads_clear(load);
	load_rollups_clear(load);
	forget(load);
	if (!load->in_transaction)
		return;
	load->in_transaction = false;
	memcpy(ignored, load->text, sizeof(ignored)); /* why it is given up stays the word */
	copy_sender_abandon(load->sender);
	load->open = -1;
	load_execute(load, "rollback");
	memcpy(load->text, ignored, sizeof(ignored));
}

int load_set_aside(struct load *load, const struct journal_header *header, const struct load_minute *minutes,
		   size_t count, uint64_t file_bytes, const char *why)
{
	uint64_t records = 0;
	int error = load_begin(load, header);

	if (error == 1)
		return -EEXIST;
	for (size_t i = 0; !error && i < count; i++) {
		records += minutes[i].records;
		if (load->header.writer != JOURNAL_WRITER_SUPERVISOR)
			error = load_ledger_add(load, minutes[i].minute, "records_set_aside",
						(int64_t)minutes[i].records);
	}
	if (!error)
		error = load_ledger_flush(load);
	if (!error)
		error = load_send_all(load);
	if (!error)
		error = enter_segment(load, &load->header, records, file_bytes, false, why);
	if (!error)
		error = load_execute(load, "commit");
	if (error) {
		load_abort(load);
		return error;
	}
	load->in_transaction = false;
	return 0;
}
