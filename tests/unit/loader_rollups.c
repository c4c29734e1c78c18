/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader_rollups.c - the sums that the loader keeps are those that the rows give, whatever the records say and
 * whatever dies meanwhile.
 *
 * In:  random journals, seeded. Out: cmocka's verdicts. Called by tests/run. Starts a private cluster in a temporary
 * folder. SQL says a second time what is summed (functions bare_* of schema/0005_rollups.sql), so view
 * rollup_difference compares two implementations.
 */
#include "journal_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "loader/rollup_names.h"
#include "loader/rollup_table.h"
#include "loader/text_clean.h"

static uint64_t seed;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % limit;
}

/* What strangers write where a host or an address is asked for. */
static const struct slice nasty[] = {
#define TEXT(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
	TEXT(""),
	TEXT("."),
	TEXT(".."),
	TEXT("a"),
	TEXT("A.Example."),
	TEXT("a.example"),
	TEXT("a.example.."),
	TEXT("MX.example.NET"),
	TEXT("192.0.2.1"),
	TEXT("2001:DB8::1"),
	TEXT("@"),
	TEXT("@."),
	TEXT("a@"),
	TEXT("@b"),
	TEXT("a@b@C.example."),
	TEXT("\"a@b\"@example.org"),
	TEXT("\"a b\\\"@c\" <x@y> @ d "),
	TEXT("@one,@two:user@three."),
	TEXT("user%victim.example@203.0.113.10"),
	TEXT("user@[203.0.113.10]"),
	TEXT(" a@b "),
	TEXT("a@b."),
	TEXT("A@B.."),
	TEXT("M\xc3\x9cLLER@B\xc3\x9c\x43HER.example"),
	TEXT("\xc4\xb0stanbul@\xc4\xb0.example"), /* a capital whose small form depends on the locale */
	TEXT("\xff\xfe@\xff."),
	TEXT("a\0b@c\0d"),
	TEXT("a\t@\tb\r\n"),
	TEXT("%_\\'\"$1{},null"),
	TEXT("NULL"),
	TEXT("\xe2\x80\xae@\xe2\x80\xae"),
};
#define NASTY (sizeof(nasty) / sizeof(nasty[0]))

/* Long ones: no index takes them as they are, and cutting must not split a character. */
static struct slice long_text(uint8_t *room, size_t bytes, uint32_t variant)
{
	static const char *const pieces[] = { "x", "\xc3\xa4", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xff", "Q@", "a." };

	seed = variant;
	for (size_t at = 0; at < bytes;) {
		const char *piece = pieces[variant < 7 ? variant : random_below(7)];
		size_t length = strlen(piece);

		if (at + length > bytes)
			length = bytes - at;
		memcpy(room + at, piece, length);
		at += length;
	}
	/* what doesn't compress */
	if (variant >= 7)
		for (size_t at = 0; at < bytes; at++)
			if (room[at] == 'x')
				room[at] = (uint8_t)('!' + random_below(90));
	return slice_of(room, bytes);
}

static void no_difference(const char *sensor)
{
	char question[256];

	snprintf(question, sizeof(question),
		 "select concat_ws(' | ', rollup, kept, bare) from rollup_difference where sensor = '%s'", sensor);
	assert_string_equal(postgres_fixture_ask(&postgres, question), "");
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void name_is(const char *function, struct slice clean, struct slice expected)
{
	char question[96];
	const char *values[] = { (const char *)clean.bytes, (const char *)expected.bytes };
	int lengths[] = { (int)clean.length, (int)expected.length }, formats[] = { 1, 1 };
	Oid types[] = { 25, 25 };
	PGresult *result;

	snprintf(question, sizeof(question), "select coalesce(%s($1), ''), coalesce(%s($1), '') = $2", function,
		 function);
	result = PQexecParams(postgres.connection, question, 2, types, values, lengths, formats, 0);
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	if (strcmp(PQgetvalue(result, 0, 1), "t") != 0)
		fail_msg("%s('%.*s') is '%s', in C '%.*s'", function, (int)clean.length, (const char *)clean.bytes,
			 PQgetvalue(result, 0, 0), (int)expected.length, (const char *)expected.bytes);
	PQclear(result);
}

static void compare_names(struct slice raw)
{
	static uint8_t text[TEXT_CLEAN_MAX_BYTES(8192)], clean[sizeof(text)];
	size_t length = text_clean(raw, clean);
	struct slice domain, recipient;

	memcpy(text, clean, length);
	name_is("destination_name", slice_of(clean, length), rollup_destination_name(text, length));
	memcpy(text, clean, length);
	recipient = rollup_recipient_name(text, length, &domain);
	name_is("recipient_name", slice_of(clean, length), recipient);
	name_is("recipient_domain", slice_of(clean, length), domain.length ? domain : slice_of("", 0));
}

static void names_are_those_of_sql(void **state)
{
	static const char characters[] = "aZ@.@. \"\xc3\xa4\xc4\xb0\xff\x01";
	static uint8_t room[8192];

	(void)state;
	for (size_t i = 0; i < NASTY; i++)
		compare_names(nasty[i]);
	for (uint32_t variant = 0; variant < 20; variant++)
		for (size_t bytes = 250; bytes < sizeof(room); bytes = bytes < 330 ? bytes + 1 : bytes * 2)
			compare_names(long_text(room, bytes, variant));
	seed = 1;
	for (int round = 0; round < 3000; round++) {
		size_t length = random_below(12);

		for (size_t i = 0; i < length; i++)
			room[i] = (uint8_t)characters[random_below(sizeof(characters) - 1)];
		compare_names(slice_of(room, length));
	}
}

/* New members become rows without a look at them, so an address of a visitor is written as the database writes it. */
static void addresses_are_written_as_in_sql(void **state)
{
	(void)state;
	seed = 9;
	for (int round = 0; round < 3000; round++) {
		struct address address = { { 0 }, round % 8 != 0 };
		char text[ADDRESS_TEXT_BYTES];
		const char *values[] = { text };
		PGresult *result;

		for (uint32_t set = random_below(9); set; set--)
			address.bytes[random_below(address.ipv6 ? 16 : 4)] =
				(uint8_t)random_below(3 + random_below(254));
		if (address.ipv6 && !random_below(4))
			memset(address.bytes, 0, 10), memset(address.bytes + 10, random_below(2) ? 0xff : 0, 2);
		address_text(&address, text);
		result = PQexecParams(postgres.connection, "select host($1::inet)", 1, NULL, values, NULL, NULL, 0);
		assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
		assert_string_equal(PQgetvalue(result, 0, 0), text);
		PQclear(result);
	}
}

/* In SQL the names are what the documents say; C is the same by the test above. */
static void names_are_as_told(void **state)
{
	(void)state;
	assert_string_equal(postgres_fixture_ask(&postgres, "select destination_name('MX.Example.NET.')"),
			    "mx.example.net");
	assert_string_equal(postgres_fixture_ask(&postgres, "select recipient_domain('\"a@b\"@Example.org.')"),
			    "example.org");
	assert_string_equal(postgres_fixture_ask(&postgres, "select recipient_name('\"A@b\"@Example.org.')"),
			    "\"a@b\"@example.org");
	assert_string_equal(
		postgres_fixture_ask(&postgres,
				     "select recipient_domain('postmaster') is null and recipient_domain('a@.') is null"
				     " and recipient_domain(null) is null and destination_name(null) is null"),
		"t");
	assert_string_equal(postgres_fixture_ask(&postgres, "select destination_name('B\u00dcCHER')"), "b\u00dccher");
	assert_string_equal(postgres_fixture_ask(&postgres, "select length(destination_name(repeat('\u65e5', 300)))"),
			    "255");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void a_key_has_one_entry(void **state)
{
	struct rollup_table table = { 0 };
	uint64_t sum = 0;

	(void)state;
	for (int clears = 0; clears < 2; clears++) {
		for (uint32_t i = 0; i < 200000; i++) {
			struct copy_buffer *key = rollup_key_begin(&table);
			struct rollup_entry *entry;

			copy_int4(key, (int32_t)(i * 7 % 5000));
			copy_name(key, i % 2 ? "a" : "ab");
			entry = rollup_key_end(&table);
			assert_non_null(entry);
			entry->sums[0]++;
		}
		assert_int_equal(table.count, 5000); /* 7 and 5000 are coprime, and both are even at once */
		rollup_table_sort(&table);
		sum = 0;
		for (uint32_t i = 0; i < table.count; i++) {
			const struct rollup_entry *one = &table.entries[i];

			sum += (uint64_t)one->sums[0];
			assert_int_equal(one->sums[0], 40);
			if (i)
				assert_true(memcmp(table.keys.bytes + one[-1].key, table.keys.bytes + one->key, 8) < 0);
		}
		assert_int_equal(sum, 200000);
		rollup_table_clear(&table);
		assert_int_equal(table.count, 0);
	}
	rollup_table_free(&table);
}

/* --- random journals ---------------------------------------------------------------------------------------------- */

static struct slice some_text(uint8_t room[4096])
{
	uint32_t kind = random_below(100);

	if (kind < 60) {
		int length = snprintf((char *)room, 4096, "%s%u.Example%s", kind % 2 ? "MX" : "mx", random_below(8),
				      kind % 3 ? "" : ".");

		return slice_of(room, (size_t)length);
	}
	if (kind < 97)
		return nasty[random_below(NASTY)];
	kind = random_below(12);
	{
		uint64_t before = seed;
		struct slice text = long_text(room, 1000 + 250 * (size_t)kind, kind);

		seed = before;
		return text;
	}
}

static int32_t some_port(void)
{
	static const int32_t ports[] = { -1, 25, 25, 25, 80, 80, 443, 465, 587, 6667, 0, 65535, 2147483647 };

	return ports[random_below(sizeof(ports) / sizeof(ports[0]))];
}

static struct endpoints some_endpoints(void)
{
	static const uint16_t ports[] = { 25, 1080, 3128, 8080 };
	struct endpoints endpoints = { .source_port = 1024, .decoy_port = ports[random_below(4)] };

	endpoints.source = (struct address){ { 198, 51, 100, (uint8_t)random_below(20) }, false };
	if (!random_below(4)) {
		/* those that look like IPv4, and those whose zeros are shortened */
		endpoints.source = (struct address){ { 0 }, true };
		for (int i = 0; i < 3; i++)
			endpoints.source.bytes[random_below(16)] = (uint8_t)random_below(3);
		if (random_below(2))
			endpoints.source.bytes[10] = endpoints.source.bytes[11] = 0xff;
	}
	endpoints.decoy = (struct address){ { 203, 0, 113, 10 }, false };
	return endpoints;
}

/* Two days about the end of a month; now and then one that no table can hold. */
static uint64_t some_time(void)
{
	if (!random_below(50))
		return UINT64_MAX - random_below(1000);
	return DAY_2007 + 12 * UINT64_C(86400) * NS + random_below(2 * 86400) * NS + random_below(1000000000);
}

static void put_access(struct journal *journal, uint64_t id)
{
	static const char *const protocols[] = {
		"smtp", "smtp", "http", "socks4", "SMTP", "smtp2", "", "unknown_text"
	};
	uint8_t host[4096];
	struct record_access access = { .access = id,
					.started_at_ns = some_time(),
					.endpoints = some_endpoints(),
					.protocol = slice_of_text(protocols[random_below(8)]),
					.relay_host = some_text(host),
					.relay_port = some_port(),
					.class = (uint8_t)(random_below(20) ? random_below(CLASS_COUNT) : 255),
					.depth = (uint8_t)(random_below(20) ? random_below(DEPTH_COUNT) : 255),
					.end_reason = slice_of_text("fin") };

	assert_int_equal(record_append_access(&journal->buffer, &access), 0);
}

static void put_mail(struct journal *journal, uint64_t id)
{
	uint8_t host[4096];
	struct record_mail mail = { .access = id,
				    .mail = id,
				    .received_at_ns = some_time(),
				    .endpoints = some_endpoints(),
				    .relay_host = some_text(host),
				    .relay_port = some_port(),
				    .direct = !random_below(4),
				    .complete = random_below(5) != 0,
				    .header = slice_of_text("Subject: x\r\n"),
				    .recipients = random_below(6) };
	bool shed = !random_below(10); /* the mail's own record found no room */

	if (!shed)
		assert_int_equal(record_append_mail(&journal->buffer, &mail), 0);
	for (uint32_t i = 0; i < mail.recipients; i++) {
		uint8_t room[4096], text[4200];
		struct record_mail_recipient recipient = { id, mail.received_at_ns, i, some_text(room) };
		int length = snprintf((char *)text, sizeof(text), "User%u@", random_below(4));

		if (random_below(3)) { /* else the text is all of the address */
			memcpy(text + length, recipient.address.bytes, recipient.address.length);
			recipient.address = slice_of(text, (size_t)length + recipient.address.length);
		}
		assert_int_equal(record_append_mail_recipient(&journal->buffer, &recipient), 0);
	}
}

/* A conversation that asks for several relays, some through others, some refused, some without a host. */
static void put_chain(struct journal *journal, uint64_t id)
{
	uint8_t host[4096];
	struct record_access access = { .access = id,
					.started_at_ns = DAY_2007 + random_below(86400) * NS,
					.endpoints = some_endpoints(),
					.protocol = slice_of_text("socks5"),
					.relay_host = slice_of_text("first.example"),
					.relay_port = 1080,
					.class = CLASS_tunnel,
					.depth = DEPTH_inner,
					.end_reason = slice_of_text("fin"),
					.hops = 1 + random_below(4) };

	for (uint16_t position = 0, level = 0; position < access.hops; position++) {
		struct record_hop hop = { .access = id,
					  .requested_at_ns = access.started_at_ns + position * NS,
					  .position = position,
					  .level = level,
					  .protocol = slice_of_text("http"),
					  .relay_host = some_text(host),
					  .relay_port = some_port(),
					  .flags = random_below(8) ? 0 : HOP_REFUSED };

		assert_int_equal(record_append_hop(&journal->buffer, &hop), 0);
		level = (uint16_t)(random_below(3) ? level + 1u : random_below(level + 1u));
	}
	if (random_below(10)) /* else the conversation's own record found no room */
		assert_int_equal(record_append_access(&journal->buffer, &access), 0);
}

/* Sources that come again after quarters, hours or days, to one of two ports; as a worker sums them up. */
static void put_syns(struct journal *journal, uint32_t first_day, uint32_t days, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct record_syn_source syn = {
			.quarter_ns = DAY_2007 + first_day * UINT64_C(86400) * NS +
				      random_below(days * 96) * UINT64_C(900) * NS,
			.source = { { 198, 51, 100, (uint8_t)random_below(40) }, false },
			.decoy_port = random_below(3) ? 1080 : 25,
			.syns = 1 + random_below(3),
		};

		syn.estimated = (double)syn.syns * (1 + random_below(7)) / 3;
		assert_int_equal(record_append_syn_source(&journal->buffer, &syn), 0);
	}
}

static void put_random(struct journal *journal, uint64_t *id, unsigned count)
{
	for (unsigned i = 0; i < count; i++, ++*id) {
		if (!random_below(8)) {
			put_chain(journal, *id);
			continue;
		}
		if (random_below(3))
			put_access(journal, *id);
		else
			put_mail(journal, *id);
	}
}

static void sums_are_those_of_the_rows(void **state)
{
	struct journal journal;
	uint64_t id = 1;

	(void)state;
	seed = 20071118;
	journal_open(&journal, "random");
	for (int segment = 0; segment < 6; segment++) {
		put_random(&journal, &id, segment == 4 ? 0 : 600);
		put_syns(&journal, (uint32_t)segment * 2, 3, 300);
		if (journal.buffer.records)
			journal_put(&journal, (uint8_t)segment, 1);
	}
	assert_int_equal(drain(&journal).set_aside, 0);
	no_difference("random");
	/* and there is something to sum up in each */
	ask_is("t",
	       "select (select count(*) from rollup_access where attempts > 0) > 50"
	       " and (select count(*) from rollup_access where accesses > 1) > 50"
	       " and (select count(*) from rollup_source where accesses > 1) > 50"
	       " and (select count(*) from rollup_destination where accesses > 1) > 30"
	       " and (select count(*) from rollup_direct where conversations > 1) > 10"
	       " and (select count(*) from rollup_mail where mails > 1) > 20"
	       " and (select count(*) from rollup_domain where recipients > 1 and sources > 1 and relay_hosts > 1) > 10"
	       " and (select count(*) from rollup_domain_member) > 500"
	       " and (select count(*) from rollup_relay_domain where mails > 1 and last_seen > first_seen) > 10"
	       " and (select count(*) from rollup_chain where hops > 2) > 20"
	       " and (select count(*) from rollup_syn where cardinality(sources) > 30 and sources[1] > sources[30]) > "
	       "30"
	       " and (select count(*) filter (where summed) > 8 and count(*) filter (where not summed) between 1 and 2"
	       "  from rollup_syn_day)"
	       " and '%s' <> ''",
	       "random");
	/* made anew by SQL they are the same */
	assert_string_equal(postgres_fixture_ask(&postgres, "select rollup_rebuild('random')"), "");
	no_difference("random");
	journal_close(&journal);
}

/* What every zone's days are, out of the rows: column by column as view port_activity_daily gives it. */
#define NAIVE_DAYS \
	"select quarter::date, decoy_port, round(sum(estimated)::numeric, 6), count(distinct source)" \
	" from syn_source where sensor = '%s' group by 1, 2"
#define VIEW_DAYS \
	"select day, decoy_port, round(syns::numeric, 6), sources from port_activity_daily where sensor = '%s' and " \
	"syns > 0"

static void days_are_those_of_the_rows(const char *sensor)
{
	static const char *const zones[] = { "UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu",
					     "Pacific/Apia" };

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		char question[1024];

		snprintf(question, sizeof(question), "set timezone to '%s'", zones[i]);
		assert_string_equal(postgres_fixture_ask(&postgres, question), "done");
		snprintf(question, sizeof(question),
			 "(" NAIVE_DAYS " except " VIEW_DAYS ") union all (" VIEW_DAYS " except " NAIVE_DAYS ")",
			 sensor, sensor, sensor, sensor);
		assert_string_equal(postgres_fixture_ask(&postgres, question), "");
	}
	assert_string_equal(postgres_fixture_ask(&postgres, "reset timezone"), "done");
}

/* Segments that come late bring sources to days that were summed, and change what the following days know of them. */
static void late_syns_are_counted(void **state)
{
	static const uint32_t first_days[] = { 0, 4, 2, 8, 3, 1, 6, 20, 19, 0 };
	struct journal journal;

	(void)state;
	seed = 25;
	journal_open(&journal, "late");
	assert_string_equal(postgres_fixture_ask(&postgres, "insert into sensor (sensor) values ('late')"), "done");
	assert_string_equal(postgres_fixture_ask(&postgres, "select observe('late', '2007-11-01', '2008-01-01',"
							    " '203.0.113.10', '25,1080', 'run')"),
			    "");
	for (size_t i = 0; i < sizeof(first_days) / sizeof(first_days[0]); i++) {
		put_syns(&journal, first_days[i], 1 + random_below(3), 150);
		journal_put(&journal, (uint8_t)i, 1);
		assert_int_equal(drain(&journal).set_aside, 0);
		no_difference("late");
		days_are_those_of_the_rows("late");
	}
	ask_is("t", "select bool_or(summed) and bool_or(not summed) from rollup_syn_day where sensor = '%s'", "late");
	journal_close(&journal);
}

static void a_wrong_sum_is_seen(void **state)
{
	static const char *const spoilt[] = {
		"update rollup_access set accesses = accesses + 1 where ctid = (select min(ctid) from rollup_access "
		"where sensor = 'random')",
		"delete from rollup_source where ctid = (select min(ctid) from rollup_source where sensor = 'random')",
		"insert into rollup_destination values ('random', 'nobody asked', 1, 1)",
		"update rollup_domain set last_seen = now() where ctid = (select min(ctid) from rollup_domain where "
		"sensor = 'random')",
		"delete from rollup_domain_member where ctid = (select min(ctid) from rollup_domain_member where "
		"sensor = 'random')",
		"update rollup_direct set conversations = 0 where ctid = (select min(ctid) from rollup_direct where "
		"sensor = 'random')",
		"delete from rollup_mail where ctid = (select min(ctid) from rollup_mail where sensor = 'random')",
		"update rollup_relay_domain set relay_port = 1 where ctid = (select min(ctid) from rollup_relay_domain "
		"where sensor = 'random')",
		"update rollup_syn set sources[1] = sources[1] + 1 where ctid = (select min(ctid) from rollup_syn "
		"where "
		"sensor = 'random')",
		"delete from rollup_syn where ctid = (select min(ctid) from rollup_syn where sensor = 'random')",
		"update rollup_syn set syns = syns + 1 where ctid = (select min(ctid) from rollup_syn where sensor = "
		"'random')",
		"update rollup_chain set path = 'a' where ctid = (select min(ctid) from rollup_chain where sensor = "
		"'random')",
		"delete from rollup_chain where ctid = (select min(ctid) from rollup_chain where sensor = 'random')",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		assert_string_equal(postgres_fixture_ask(&postgres, "begin"), "done");
		assert_string_equal(postgres_fixture_ask(&postgres, spoilt[i]), "done");
		ask_is("t", "select count(*) in (1, 2) from rollup_difference where sensor = '%s'", "random");
		assert_string_equal(postgres_fixture_ask(&postgres, "rollback"), "done");
	}
}

static void put_web(struct journal *journal, uint64_t id, uint32_t n)
{
	struct record_access access = {
		.access = id,
		.started_at_ns = DAY_2007 + n * NS,
		.endpoints = { .source = { { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n }, false },
			       .decoy = { { 203, 0, 113, 10 }, false },
			       .decoy_port = 1080 },
		.protocol = slice_of_text("socks4"),
		.relay_port = 80,
		.class = CLASS_web,
		.depth = DEPTH_request,
		.end_reason = slice_of_text("fin"),
	};

	assert_int_equal(record_append_access(&journal->buffer, &access), 0);
}

/* More keys than are kept in memory: they are sent before the segment ends, and are of its transaction all the same. */
static void a_large_segment_is_summed_in_parts(void **state)
{
	struct journal_writer *out = journal_writer_new("large", 0);
	struct journal journal;
	uint64_t id = 1, segment;
	int fd;

	(void)state;
	seed = 2;
	journal_open(&journal, "large");
	fd = journal_directory_create(journal.directory, &segment);
	assert_int_equal(journal_writer_start(out, fd, segment, DAY_2007), 0);
	for (uint32_t i = 0; i < 90000; i++) {
		put_web(&journal, id++, i);
		if (i % 30 == 0)
			put_mail(&journal, id++);
		if (i % 100 == 0)
			put_chain(&journal, id++);
		if (i % 1000 == 999)
			assert_int_equal(journal_writer_append(out, &journal.buffer, MINUTE_2007), 0);
	}
	assert_int_equal(journal_writer_finish(out), 0);
	journal_writer_free(out);
	assert_int_equal(journal_directory_finish(journal.directory, segment), 0);
	assert_int_equal(drain(&journal).segments, 1);
	ask_is("90000", "select count(*) from rollup_source where source << '10.0.0.0/8' and sensor = '%s'", "large");
	no_difference("large");
	journal_close(&journal);
}

/* So many that the loader keeps in mind who is there. */
static void put_crowd(struct journal *journal, uint64_t *id, uint32_t first)
{
	for (uint32_t i = 0; i < 3000; i++)
		put_web(journal, (*id)++, first + i);
}

/* Mails to 3,000 recipients of seven domains, from 50 visitors through 11 hosts. */
static void put_letters(struct journal *journal, uint64_t *id, uint32_t first)
{
	for (uint32_t i = 0; i < 1000; i++) {
		char host[32], address[48];
		struct record_mail mail = { .access = *id,
					    .mail = (*id)++,
					    .received_at_ns = DAY_2007 + (first + i) * NS,
					    .relay_host = slice_of(host, (size_t)sprintf(host, "mx%u.example", i % 11)),
					    .relay_port = 25,
					    .complete = 1,
					    .recipients = 3 };

		mail.endpoints = some_endpoints();
		mail.endpoints.source.bytes[3] = (uint8_t)(i % 50);
		assert_int_equal(record_append_mail(&journal->buffer, &mail), 0);
		for (uint32_t j = 0; j < 3; j++) {
			uint32_t n = first + 3 * i + j;
			struct record_mail_recipient recipient = {
				mail.mail, mail.received_at_ns, j,
				slice_of(address, (size_t)sprintf(address, "u%u@d%u.example", n, n % 7))
			};

			assert_int_equal(record_append_mail_recipient(&journal->buffer, &recipient), 0);
		}
	}
}

/* In each segment half of the visitors are new, and half were there in the one before; between them somebody else
 * enters and removes some. */
static void new_visitors_and_known_ones(void **state)
{
	struct journal journal;
	uint64_t id = 1;

	(void)state;
	journal_open(&journal, "crowd");
	for (uint32_t segment = 0; segment < 6; segment++) {
		put_crowd(&journal, &id, segment * 1500);
		put_letters(&journal, &id, segment * 1500);
		journal_put(&journal, 0, 1);
	}
	assert_int_equal(drain(&journal).segments, 6);
	ask_is("10500|18000|2",
	       "select concat_ws('|', count(*), sum(accesses), max(accesses)) from rollup_source where sensor = '%s'",
	       "crowd");
	ask_is("7|10500|77",
	       "select concat_ws('|', count(*), sum(recipients), sum(relay_hosts)) from rollup_domain where sensor = "
	       "'%s'",
	       "crowd");
	no_difference("crowd");
	/* a new loader reads who is there */
	for (uint32_t segment = 0; segment < 3; segment++) {
		put_crowd(&journal, &id, segment * 1500 + 9000);
		put_letters(&journal, &id, segment * 1500 + 9000);
		journal_put(&journal, 0, 1);
	}
	assert_int_equal(drain(&journal).segments, 3);
	ask_is("15000", "select count(*) from rollup_source where sensor = '%s'", "crowd");
	no_difference("crowd");
	journal_close(&journal);
}

/* Who changes roll-ups without their lock does harm, but no segment is set aside for it. */
static void a_visitor_from_elsewhere_is_no_bad_segment(void **state)
{
	static volatile int stop;
	struct journal journal;
	struct loader_settings settings = { .journal = journal.path,
					    .conninfo = postgres.loader,
					    .retry_milliseconds = 20,
					    .poll_milliseconds = 20,
					    .stop = &stop,
					    .quiet = true };
	pthread_t thread;
	void *failed;
	uint64_t id = 1;

	(void)state;
	journal_open(&journal, "elsewhere");
	put_crowd(&journal, &id, 0);
	journal_put(&journal, 0, 1);
	assert_int_equal(pthread_create(&thread, NULL, run_loader, &settings), 0);
	ask_until("3000", "select count(*) from rollup_source where sensor = '%s'", "elsewhere");
	ask_is("done", "insert into rollup_source select '%s', '10.0.15.160', -1, 0, 0", "elsewhere"); /* n = 4000 */
	put_crowd(&journal, &id, 3000);
	journal_put(&journal, 0, 1);
	ask_until("6000", "select count(*) from rollup_source where sensor = '%s'", "elsewhere");
	stop = 1;
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	ask_is("0", "select count(set_aside) from journal_segment where sensor = '%s'", "elsewhere");
	no_difference("elsewhere");
	journal_close(&journal);
}

/* --- once and only once ------------------------------------------------------------------------------------------- */

static void a_segment_is_summed_once(void **state)
{
	char path[256], kept[300];
	struct journal journal;
	uint64_t segment, id = 1;

	(void)state;
	seed = 3;
	journal_open(&journal, "sum-once");
	put_random(&journal, &id, 300);
	segment = journal_put(&journal, 0, 1);
	assert_int_equal(journal_segment_path(journal.path, segment, path, sizeof(path)), 0);
	snprintf(kept, sizeof(kept), "%s.kept", path);
	copy_file(path, kept);
	assert_int_equal(drain(&journal).segments, 1);
	no_difference("sum-once");
	copy_file(kept, path);
	assert_int_equal(drain(&journal).segments, 0);
	no_difference("sum-once");
	journal_close(&journal);
}

/* What a segment has summed before it turned out to be bad is forgotten, also by the next segment. */
static void a_bad_segment_sums_nothing(void **state)
{
	struct journal journal;
	uint64_t id = 1, bad;

	(void)state;
	seed = 4;
	journal_open(&journal, "sum-bad");
	put_random(&journal, &id, 200);
	journal_put(&journal, 0, 1);
	put_random(&journal, &id, 200);
	put_web(&journal, id, 1);
	put_web(&journal, id++, 1); /* an id twice: refused at its end */
	bad = journal_put(&journal, 0, 1);
	put_random(&journal, &id, 200);
	journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).set_aside, 1);
	assert_true(in_bad(&journal, bad));
	ask_is("t", "select count(*) > 0 from rollup_access where sensor = '%s'", "sum-bad");
	no_difference("sum-bad");
	journal_close(&journal);
}

static void a_killed_loader_sums_nothing(void **state)
{
	struct journal journal;
	uint64_t id = 1;
	int status;
	pid_t child;

	(void)state;
	seed = 5;
	journal_open(&journal, "sum-killed");
	put_random(&journal, &id, 500);
	journal_put(&journal, 0, 1);
	/* Somebody holds the lock of the roll-ups: the loader stands before them with all its rows sent. */
	assert_string_equal(postgres_fixture_ask(&postgres, "begin"), "done");
	assert_string_equal(postgres_fixture_ask(&postgres, "select rollup_lock('sum-killed')"), "1");
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct loader_settings settings = { .journal = journal.path,
						    .conninfo = postgres.loader,
						    .quiet = true };
		struct loader_totals totals;

		_exit(loader_drain(&settings, &totals) ? 1 : 0);
	}
	for (int i = 0;
	     i < 400 && strcmp(postgres_fixture_ask(&postgres, "select count(*) from pg_locks where not granted"), "1");
	     i++)
		usleep(50000);
	assert_string_equal(postgres_fixture_ask(&postgres, "select count(*) from pg_locks where not granted"), "1");
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_string_equal(postgres_fixture_ask(&postgres, "rollback"), "done");
	ask_is("0", "select count(*) from rollup_access where sensor = '%s'", "sum-killed");
	no_difference("sum-killed");
	assert_int_equal(drain(&journal).segments, 1);
	ask_is("t", "select count(*) > 0 from rollup_access where sensor = '%s'", "sum-killed");
	no_difference("sum-killed");
	journal_close(&journal);
}

static void *run_drain(void *context)
{
	struct loader_settings settings = { .journal = context, .conninfo = postgres.loader, .quiet = true };
	struct loader_totals totals;

	/* Where the other one was first it tries again by itself: a replay has nobody else who would. */
	return loader_drain(&settings, &totals) ? context : NULL;
}

static void put_payload(struct journal *journal, uint64_t id)
{
	struct record_access access = { .access = id,
					.started_at_ns = DAY_2007,
					.endpoints = { .source = { { 10, 1, 1, 1 }, false },
						       .decoy = { { 203, 0, 113, 10 }, false },
						       .decoy_port = 8080 },
					.depth = DEPTH_payload,
					.payload = slice_of_text("what both of them bring"),
					.end_reason = slice_of_text("fin") };

	assert_int_equal(record_append_access(&journal->buffer, &access), 0);
}

/* A payload that another loader is about to enter: it can't be seen yet, and by its commit this loader comes second. */
static void who_comes_second_tries_again(void **state)
{
	struct journal journal;
	pthread_t thread;
	void *failed;

	(void)state;
	journal_open(&journal, "second");
	put_payload(&journal, 1);
	journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).segments, 1);
	assert_string_equal(postgres_fixture_ask(&postgres, "create temp table other as select * from payload"
							    " where sensor = 'second'"),
			    "done");
	assert_string_equal(postgres_fixture_ask(&postgres, "delete from payload where sensor = 'second'"), "done");
	assert_string_equal(postgres_fixture_ask(&postgres, "begin"), "done");
	assert_string_equal(postgres_fixture_ask(&postgres, "insert into payload select * from other"), "done");
	put_payload(&journal, 2);
	journal_put(&journal, 0, 1);
	assert_int_equal(pthread_create(&thread, NULL, run_drain, journal.path), 0);
	for (int i = 0;
	     i < 400 && strcmp(postgres_fixture_ask(&postgres, "select count(*) from pg_locks where not granted"), "1");
	     i++)
		usleep(50000);
	assert_string_equal(postgres_fixture_ask(&postgres, "select count(*) from pg_locks where not granted"), "1");
	assert_string_equal(postgres_fixture_ask(&postgres, "commit"), "done");
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	ask_is("2|1|1",
	       "select concat_ws('|', count(*), count(distinct payload_sha256), (select count(*) from payload"
	       " where payload.sensor = access.sensor)) from access where sensor = '%s' group by sensor",
	       "second");
	no_difference("second");
	journal_close(&journal);
}

/* Two sensors in one database, and a replay beside the run of one of them, while sums are made anew. */
static void loaders_at_once_sum_right(void **state)
{
	static const char *const sensors[] = { "at-once", "at-once-other", "at-once" };
	static struct journal journals[3];
	pthread_t threads[3];
	void *failed;

	(void)state;
	for (int i = 0; i < 3; i++) {
		uint64_t id = 1 + (uint64_t)i * 100000;
		char folder[32];

		seed = (uint64_t)i + 6;
		snprintf(folder, sizeof(folder), "at-once-%d", i);
		journal_open(&journals[i], folder);
		journals[i].sensor = sensors[i];
		for (int segment = 0; segment < 8; segment++) {
			/* numbers of segments are the sensor's: the second journal of it goes on where the first ends
			 */
			put_random(&journals[i], &id, 200);
			put_crowd(&journals[i], &id, (uint32_t)segment * 1500 + (uint32_t)i * 3000);
			put_letters(&journals[i], &id, (uint32_t)segment * 1500);
			journal_put(&journals[i], 0, 1);
		}
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_drain, journals[i].path), 0);
	for (int i = 0; i < 10; i++)
		assert_string_equal(postgres_fixture_ask(&postgres, "select rollup_rebuild('at-once')"), "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	ask_is("24|0",
	       "select concat_ws('|', count(*), count(set_aside)) from journal_segment where sensor like '%s%%'",
	       "at-once");
	no_difference("at-once");
	no_difference("at-once-other");
	for (int i = 0; i < 3; i++)
		journal_close(&journals[i]);
}

static int set_up(void **state)
{
	(void)state;
	return postgres_fixture_open(&postgres);
}

static int tear_down(void **state)
{
	(void)state;
	postgres_fixture_close(&postgres);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_sql),
		cmocka_unit_test(names_are_as_told),
		cmocka_unit_test(addresses_are_written_as_in_sql),
		cmocka_unit_test(a_key_has_one_entry),
		cmocka_unit_test(sums_are_those_of_the_rows),
		cmocka_unit_test(late_syns_are_counted),
		cmocka_unit_test(a_wrong_sum_is_seen),
		cmocka_unit_test(a_large_segment_is_summed_in_parts),
		cmocka_unit_test(new_visitors_and_known_ones),
		cmocka_unit_test(a_visitor_from_elsewhere_is_no_bad_segment),
		cmocka_unit_test(a_segment_is_summed_once),
		cmocka_unit_test(a_bad_segment_sums_nothing),
		cmocka_unit_test(a_killed_loader_sums_nothing),
		cmocka_unit_test(who_comes_second_tries_again),
		cmocka_unit_test(loaders_at_once_sum_right),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
