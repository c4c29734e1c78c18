/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader_rows.c - how many rows a second the loader brings into PostgreSQL, beside a bare COPY BINARY of the same rows
 * into the same tables.
 *
 * In:  a folder for a private cluster and a journal. Out: the figures loader_rows_per_second (accesses with hops,
 * payloads, credentials, mails and SYN samples, each from another visitor: the worst that can come to the roll-ups),
 * loader_runs_rows_per_second (the same, where a visitor comes 15 times running, which is the mean of the report of
 * 2008) and loader_access_rows_per_second (accesses alone, of visitors who say nothing: no roll-up has them). Called by
 * run. Touches that folder only; the cluster is stopped at the end.
 *
 * The peer gets what the loader has made: each table is copied out, all are emptied, and libpq copies the bytes back in
 * one transaction. It keeps no roll-ups, which the loader does. Both twice, the better one counts.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "database/database.h"
#include "journal/journal.h"
#include "loader/loader.h"
#include "record/record.h"

#define SEGMENTS 10
#define PER_SEGMENT 20000u
#define TABLES_MAX 64

struct bench {
	PGconn *connection;
	const char *conninfo, *journal;
	struct journal_directory *directory;
	struct record_buffer records;
	struct journal_writer *writer;
	uint64_t start_ns;
	uint32_t made, run;
};

struct table {
	char name[64];
	char columns[2048]; /* without generated ones, which COPY does not take */
	char *bytes;	    /* owned: COPY BINARY of all its rows */
	size_t length, capacity;
	uint64_t rows;
};

static PGresult *query(struct bench *bench, const char *text, ExecStatusType expected)
{
	PGresult *result = PQexec(bench->connection, text);

	if (PQresultStatus(result) != expected)
		bench_die(0, "%s: %s", text, PQerrorMessage(bench->connection));
	return result;
}

static void command(struct bench *bench, const char *text)
{
	PQclear(query(bench, text, PGRES_COMMAND_OK));
}

/* The visitor comes run times, each time to another decoy. */
static struct endpoints some_endpoints(uint32_t n, uint32_t run)
{
	uint32_t visitor = n / run;
	struct endpoints endpoints = { .source_port = (uint16_t)(1024 + n % 60000), .decoy_port = n % 3 ? 1080 : 8080 };

	endpoints.source.bytes[0] = 203;
	endpoints.source.bytes[1] = (uint8_t)(visitor >> 9);
	endpoints.source.bytes[2] = (uint8_t)(visitor >> 3);
	endpoints.source.bytes[3] = (uint8_t)(visitor * 7);
	endpoints.decoy.bytes[0] = 198;
	endpoints.decoy.bytes[1] = 18;
	endpoints.decoy.bytes[2] = (uint8_t)(n * 13);
	endpoints.decoy.bytes[3] = (uint8_t)n;
	return endpoints;
}

/* Most visitors say what others have said; a fifth says something of its own. */
static struct slice some_payload(uint32_t n, char *text, size_t bytes)
{
	int length = snprintf(text, bytes, "CONNECT mx%u.example.net:25 HTTP/1.0\r\nUser-Agent: visitor %u\r\n\r\n",
			      n % 50, n % 5 ? n % 997 : n);

	return slice_of(text, (size_t)length);
}

static void check(int error)
{
	if (error)
		bench_die(error, "cannot make a record");
}

static void put_mail(struct bench *bench, uint64_t access, uint64_t now_ns, uint32_t n)
{
	struct record_mail mail = {
		.access = access,
		.mail = access,
		.received_at_ns = now_ns,
		.endpoints = some_endpoints(n, bench->run),
		.relay_host = slice_of_text("mx.example.net"),
		.relay_port = 25,
		.complete = 1,
		.helo = slice_of_text("mail.example.org"),
		.mail_from = slice_of_text("sender@example.org"),
		.header =
			slice_of_text("From: sender@example.org\r\nSubject: =?UTF-8?B?44GT44KT44Gr44Gh44Gv?=\r\n\r\n"),
		.size_bytes = 2000,
		.recipients = 3
	};
	struct record_mail_recipient recipient = { .mail = access, .received_at_ns = now_ns };
	char body[2000], address[64];
	struct record_mail_part part = { .access = access, .mail = access, .bytes = slice_of(body, sizeof(body)) };

	memset(body, 'a' + (int)(n % 26), sizeof(body));
	memcpy(body, &n, sizeof(n));
	check(record_append_mail_part(&bench->records, &part));
	check(record_append_mail(&bench->records, &mail));
	for (uint32_t i = 0; i < 3; i++) {
		snprintf(address, sizeof(address), "somebody%u@example.com", n + i);
		recipient.position = i;
		recipient.address = slice_of_text(address);
		check(record_append_mail_recipient(&bench->records, &recipient));
	}
}

static void put_visit(struct bench *bench, uint64_t segment, uint32_t place, bool access_only)
{
	uint64_t id = segment << 24 | place * 8, now_ns = bench->start_ns + (uint64_t)bench->made * 20000;
	uint32_t n = bench->made++;
	char text[200], host[32];
	struct record_access access = { .access = id,
					.started_at_ns = now_ns,
					.ended_at_ns = now_ns + 50000000,
					.endpoints = some_endpoints(n, bench->run),
					.relay_port = -1,
					.class = CLASS_other,
					.depth = DEPTH_ack,
					.end_reason = slice_of_text("rst"),
					.ttl = 52,
					.window = 64240,
					.mss = 1460,
					.window_scale = 7,
					.sack = 1 };
	struct record_syn_sample syn = { .seen_at_ns = now_ns,
					 .endpoints = access.endpoints,
					 .probability = UINT32_MAX,
					 .seq = n * 7919,
					 .window = 64240,
					 .ttl = 52,
					 .options = slice_of("\x02\x04\x05\xb4\x01\x03\x03\x07\x01\x01\x04\x02", 12) };
	struct record_hop hop = { .access = id,
				  .requested_at_ns = now_ns,
				  .protocol = slice_of_text("http"),
				  .method = slice_of_text("CONNECT"),
				  .relay_port = 25 };
	struct record_credential credential = { .access = id,
						.seen_at_ns = now_ns,
						.mechanism = slice_of_text("http_basic"),
						.username = slice_of_text("root"),
						.secret_bytes = 8,
						.secret_hash = { 1, 2, 3 } };

	if (!access_only) {
		check(record_append_syn_sample(&bench->records, &syn));
		snprintf(host, sizeof(host), "mx%u.example.net", n % 50);
		hop.relay_host = access.relay_host = slice_of_text(host);
		hop.raw = access.payload = some_payload(n, text, sizeof(text));
		access.protocol = slice_of_text("http");
		access.relay_port = 25;
		access.class = CLASS_mail;
		access.depth = DEPTH_request;
		access.hops = 1;
		check(record_append_hop(&bench->records, &hop));
		if (n % 10 == 0)
			check(record_append_credential(&bench->records, &credential));
		if (n % 20 == 0)
			put_mail(bench, id, now_ns, n);
	}
	check(record_append_access(&bench->records, &access));
}

static void make_segment(struct bench *bench, bool access_only)
{
	uint64_t segment;
	int fd = journal_directory_create(bench->directory, &segment), error;

	if (fd < 0)
		bench_die(fd, "cannot make a segment");
	error = journal_writer_start(bench->writer, fd, segment, bench->start_ns);
	for (uint32_t place = 0; place < PER_SEGMENT && !error; place++) {
		put_visit(bench, segment, place, access_only);
		if (bench->records.length > (1 << 20) || place + 1 == PER_SEGMENT)
			error = journal_writer_append(bench->writer, &bench->records,
						      (uint32_t)(bench->start_ns / 60000000000u));
	}
	if (!error)
		error = journal_writer_finish(bench->writer);
	if (!error)
		error = journal_directory_finish(bench->directory, segment);
	if (error)
		bench_die(error, "cannot write a segment");
}

/* Tables with rows, and how many those are; roll-ups are not among them. */
static uint32_t find_tables(struct bench *bench, struct table *tables)
{
	PGresult *result = query(
		bench,
		"select c.relname, string_agg(quote_ident(a.attname), ',' order by a.attnum) from pg_class c"
		" join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated "
		"= ''"
		" where c.relnamespace = 'otori'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
		" and not starts_with(c.relname, 'rollup_')"
		" group by 1 order by 1",
		PGRES_TUPLES_OK);
	uint32_t count = 0;
	char text[256];

	if (PQntuples(result) > TABLES_MAX)
		bench_die(0, "more than %d tables", TABLES_MAX);
	for (int i = 0; i < PQntuples(result); i++) {
		struct table *table = &tables[count];
		PGresult *rows;

		memset(table, 0, sizeof(*table));
		snprintf(table->name, sizeof(table->name), "%s", PQgetvalue(result, i, 0));
		snprintf(table->columns, sizeof(table->columns), "%s", PQgetvalue(result, i, 1));
		snprintf(text, sizeof(text), "select count(*) from otori.%s", table->name);
		rows = query(bench, text, PGRES_TUPLES_OK);
		table->rows = bench_number("count", PQgetvalue(rows, 0, 0));
		PQclear(rows);
		count += table->rows > 0;
	}
	PQclear(result);
	return count;
}

static void copy_out(struct bench *bench, struct table *table)
{
	char text[2300], *piece;
	int got;

	snprintf(text, sizeof(text), "copy (select %s from otori.%s) to stdout (format binary)", table->columns,
		 table->name);
	PQclear(query(bench, text, PGRES_COPY_OUT));
	while ((got = PQgetCopyData(bench->connection, &piece, 0)) > 0) {
		if (table->length + (size_t)got > table->capacity) {
			table->capacity = (table->length + (size_t)got) * 2;
			table->bytes = realloc(table->bytes, table->capacity);
			if (!table->bytes)
				bench_die(ENOMEM, "%s", table->name);
		}
		memcpy(table->bytes + table->length, piece, (size_t)got);
		table->length += (size_t)got;
		PQfreemem(piece);
	}
	PQclear(PQgetResult(bench->connection));
}

static void copy_in(struct bench *bench, const struct table *table)
{
	char text[2300];
	PGresult *result;

	snprintf(text, sizeof(text), "copy otori.%s (%s) from stdin (format binary)", table->name, table->columns);
	PQclear(query(bench, text, PGRES_COPY_IN));
	for (size_t at = 0; at < table->length; at += 65536) {
		size_t left = table->length - at;

		if (PQputCopyData(bench->connection, table->bytes + at, (int)(left < 65536 ? left : 65536)) != 1)
			bench_die(0, "%s: %s", table->name, PQerrorMessage(bench->connection));
	}
	PQputCopyEnd(bench->connection, NULL);
	result = PQgetResult(bench->connection);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		bench_die(0, "%s: %s", table->name, PQerrorMessage(bench->connection));
	PQclear(result);
	PQclear(PQgetResult(bench->connection));
}

/* All tables but those that the migrations themselves have filled. */
static void empty_tables(struct bench *bench, const struct table *tables, uint32_t count)
{
	char text[TABLES_MAX * 80] = "truncate ";

	for (uint32_t i = 0; i < count; i++) {
		strcat(text, i ? ", otori." : "otori.");
		strcat(text, tables[i].name);
	}
	strcat(text, " cascade");
	command(bench, text);
	command(bench,
		"truncate otori.rollup_access, otori.rollup_source, otori.rollup_destination, otori.rollup_direct,"
		" otori.rollup_mail, otori.rollup_domain, otori.rollup_domain_member, otori.rollup_relay_domain");
	command(bench, "checkpoint");
}

static double load_once(struct bench *bench, uint64_t *rows)
{
	struct loader_settings settings = { .journal = bench->journal, .conninfo = bench->conninfo, .quiet = true };
	struct loader_totals totals = { 0 };
	uint64_t began_ns = bench_now_ns();
	int error = loader_drain(&settings, &totals);
	double seconds = (double)(bench_now_ns() - began_ns) / 1e9;

	if (error || totals.segments != SEGMENTS || totals.set_aside)
		bench_die(error, "the loader loaded %llu of %d segments, set %llu aside",
			  (unsigned long long)totals.segments, SEGMENTS, (unsigned long long)totals.set_aside);
	*rows = totals.rows;
	return seconds;
}

static double copy_once(struct bench *bench, const struct table *tables, uint32_t count)
{
	uint64_t began_ns = bench_now_ns();

	command(bench, "begin");
	for (uint32_t i = 0; i < count; i++)
		copy_in(bench, &tables[i]);
	command(bench, "commit");
	return (double)(bench_now_ns() - began_ns) / 1e9;
}

static void bench_mix(struct bench *bench, const char *name, uint32_t run, bool access_only)
{
	static struct table tables[TABLES_MAX], before[TABLES_MAX];
	uint32_t kept = find_tables(bench, before), count = 0, found;
	double loaded = 0, copied = 0, seconds;
	uint64_t rows = 0, sum;

	bench->run = run;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < SEGMENTS; i++)
			make_segment(bench, access_only);
		command(bench, "checkpoint");
		seconds = load_once(bench, &rows);
		if (!round || (double)rows / seconds > loaded)
			loaded = (double)rows / seconds;
		found = find_tables(bench, tables);
		count = 0;
		sum = 0;
		for (uint32_t i = 0; i < found; i++) {
			bool new = true;

			for (uint32_t j = 0; j < kept; j++)
				new = new &&
				      (strcmp(before[j].name, tables[i].name) != 0 || before[j].rows != tables[i].rows);
			if (!new)
				continue;
			tables[count] = tables[i];
			copy_out(bench, &tables[count]);
			sum += tables[count++].rows;
		}
		empty_tables(bench, tables, count);
		seconds = copy_once(bench, tables, count);
		if (!round || (double)sum / seconds > copied)
			copied = (double)sum / seconds;
		fprintf(stderr,
			"  %s: the loader counts %llu rows, the tables hold %llu; %.0f and %.0f rows/s so far\n", name,
			(unsigned long long)rows, (unsigned long long)sum, loaded, copied);
		empty_tables(bench, tables, count);
		for (uint32_t i = 0; i < count; i++)
			free(tables[i].bytes);
	}
	bench_figure(name, loaded, "rows/s", "bare COPY BINARY into the same tables", copied, 0);
}

int main(int argc, char **argv)
{
	struct bench bench = { 0 };
	struct database_choice choice = { 0 };
	struct embedded *embedded = NULL;
	char journal[4096], text[512] = "";
	int error;

	if (argc != 2) {
		fprintf(stderr, "usage: loader_rows FOLDER\n");
		return 2;
	}
	choice.embedded = argv[1];
	snprintf(journal, sizeof(journal), "%s.journal", argv[1]);
	bench.journal = journal;
	error = database_open(&choice, true, &embedded, &bench.connection, text, sizeof(text));
	if (error)
		bench_die(0, "%s", text);
	bench.conninfo = embedded_conninfo(embedded);
	error = journal_directory_open(journal, &bench.directory);
	if (!error)
		error = record_buffer_open(&bench.records, 4 << 20);
	bench.writer = journal_writer_new("bench", 0);
	if (error || !bench.writer)
		bench_die(error, "cannot open the journal");
	bench.start_ns = (uint64_t)time(NULL) * 1000000000u - 3600000000000u;
	bench_mix(&bench, "loader_rows_per_second", 1, false);
	bench_mix(&bench, "loader_runs_rows_per_second", 15, false);
	bench_mix(&bench, "loader_access_rows_per_second", 1, true);
	journal_writer_free(bench.writer);
	record_buffer_close(&bench.records);
	journal_directory_close(bench.directory);
	PQfinish(bench.connection);
	embedded_stop(embedded);
	return 0;
}
