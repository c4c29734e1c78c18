// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loader_postgres.c - segments into a real PostgreSQL: nothing is lost, nothing twice, whatever dies or goes away
 * meanwhile.
 *
 * In:  segments made here. Out: cmocka's verdicts. Called by tests/run. Starts a private cluster in a temporary folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "journal_fixture.h"

static struct record_access some_access(uint64_t id)
{
	return (struct record_access){
		.access = id,
		.started_at_ns = DAY_2007 + id * 1000,
		.ended_at_ns = DAY_2007 + id * 1000 + NS,
		.endpoints = { .source = { { 198, 51, 100, (uint8_t)id }, false },
			       .decoy = { { 203, 0, 113, 10 }, false },
			       .source_port = 1024,
			       .decoy_port = 8080 },
		.protocol = slice_of_text("http"),
		.relay_host = slice_of_text("mx.example.net"),
		.relay_port = 25,
		.class = CLASS_mail,
		.depth = DEPTH_inner,
		.end_reason = slice_of_text("fin"),
		.bytes_in = 100,
		.payload = slice_of_text("CONNECT mx.example.net:25 HTTP/1.0\r\n\r\n"),
		.ttl = 50,
		.window = 65535,
	};
}

static void put_accesses(struct journal *journal, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct record_access access = some_access(first + i);

		assert_int_equal(record_append_access(&journal->buffer, &access), 0);
	}
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void conversations_become_rows(void **state)
{
	struct journal journal;
	struct record_access access = some_access(7);
	struct record_hop hop = { .access = 7,
				  .requested_at_ns = DAY_2007,
				  .protocol = slice_of_text("http"),
				  .method = slice_of_text("CONNECT"),
				  .relay_host = slice_of_text("MX.example.net"),
				  .relay_port = 25,
				  .raw = slice_of("a\0b", 3),
				  .flags = HOP_PRIVATE | HOP_REFUSED };
	struct record_credential credential = { .access = 7,
						.seen_at_ns = DAY_2007,
						.mechanism = slice_of_text("socks5"),
						.username = slice_of_text("root"),
						.secret_bytes = 4,
						.secret_hash = { 1 } };
	struct loader_totals totals;

	(void)state;
	journal_open(&journal, "rows");
	access.endpoints.decoy = (struct address){ { 0x20, 1, 0xd, 0xb8, [15] = 1 }, true };
	access.endpoints.vlan[0] = 100;
	access.endpoints.vlan_count = 1;
	assert_int_equal(record_append_access(&journal.buffer, &access), 0);
	assert_int_equal(record_append_hop(&journal.buffer, &hop), 0);
	assert_int_equal(record_append_credential(&journal.buffer, &credential), 0);
	access = some_access(8);
	access.relay_port = -1;
	access.relay_host.length = access.payload.length = access.protocol.length = 0;
	access.depth = DEPTH_ack;
	assert_int_equal(record_append_access(&journal.buffer, &access), 0);
	journal_put(&journal, 0, 1);
	totals = drain(&journal);
	assert_int_equal(totals.segments, 1);
	assert_int_equal(totals.records, 4);
	ask_is("2007-11-18 00:00:00.000007+00|2007-11-18 "
	       "00:00:01.000007+00|2001:db8::1|8080|198.51.100.7|1024|100|null|http|"
	       "mx.example.net|25|mail|inner|fin|100|65535|50",
	       "set timezone to 'UTC'; select concat_ws('|', started_at, ended_at, decoy, decoy_port, source, "
	       "source_port, vlan_outer,"
	       " coalesce(vlan_inner::text, 'null'), protocol, relay_host, relay_port, class, depth, end_reason, "
	       "bytes_in,"
	       " tcp_window, ttl) from access where sensor = '%s' and access = 7",
	       "rows");
	ask_is("t",
	       "select protocol is null and relay_host is null and relay_port is null and payload_sha256 is null and "
	       "depth = 'ack'"
	       " from access where sensor = '%s' and access = 8",
	       "rows");
	ask_is("t",
	       "select sha256(bytes) = sha256 and bytes = 'CONNECT mx.example.net:25 HTTP/1.0\r\n\r\n' and size_bytes "
	       "= 38"
	       " and sha256 = (select payload_sha256 from access where sensor = '%s' and access = 7)"
	       " from payload where sensor = '%s'",
	       "rows");
	ask_is("MX.example.net|\\x610062|f|t|f|f|t",
	       "select concat_ws('|', relay_host, raw, to_loopback, to_private, to_decoy, to_source, refused) from hop "
	       "where sensor = '%s'",
	       "rows");
	ask_is("root|4|32|t",
	       "select concat_ws('|', username, secret_bytes, length(secret_hash), secret is null) from credential"
	       " where sensor = '%s'",
	       "rows");
	ask_is("4",
	       "select value from ledger where sensor = '%s' and term = 'loaded' and segment in"
	       " (select segment from journal_segment where sensor = '%s' and records = 4)",
	       "rows");
	assert_int_equal(files_waiting(&journal), 0);
	journal_close(&journal);
}

static void mails_become_rows(void **state)
{
	static const char header[] = "From: a\r\nSubject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n\r\n";
	struct journal journal;
	struct record_mail mail = { .access = 7,
				    .mail = 9,
				    .received_at_ns = DAY_2007 + 5 * NS,
				    .endpoints = some_access(7).endpoints,
				    .relay_host = slice_of_text("mx.example.net"),
				    .relay_port = 25,
				    .complete = 1,
				    .helo = slice_of_text("me"),
				    .mail_from = slice_of_text("a@example.net"),
				    .header = slice_of_text(header),
				    .size_bytes = 60,
				    .recipients = 1 };
	struct record_mail_recipient recipient = { 9, DAY_2007 + 5 * NS, 0, slice_of_text("b@example.org") };
	struct record_mail_part part = { 7, 9, 0, slice_of_text(header) };

	(void)state;
	journal_open(&journal, "mails");
	assert_int_equal(record_append_mail_part(&journal.buffer, &part), 0);
	part.offset = part.bytes.length;
	part.bytes = slice_of("hello\0", 6);
	assert_int_equal(record_append_mail_part(&journal.buffer, &part), 0);
	assert_int_equal(record_append_mail(&journal.buffer, &mail), 0);
	assert_int_equal(record_append_mail_recipient(&journal.buffer, &recipient), 0);
	journal_put(&journal, 0, 1);
	drain(&journal);
	ask_is("日本|a@example.net|t|f|60",
	       "select concat_ws('|', subject, mail_from, complete, direct, size_bytes) from mail"
	       " where sensor = '%s'",
	       "mails");
	ask_is("b@example.org", "select address from mail_recipient where sensor = '%s' and mail = 9 and position = 0",
	       "mails");
	ask_is("t",
	       "select string_agg(bytes, ''::bytea order by byte_offset) ="
	       " (select header from mail where sensor = '%s') || '\\x68656c6c6f00'::bytea from mail_part where sensor "
	       "= '%s'",
	       "mails");
	journal_close(&journal);
}

static void put_ledger(struct journal *journal, const char *term, uint16_t port, int64_t value)
{
	struct record_ledger record = { MINUTE_2007, port, port ? 4 : 0, slice_of_text(term), value };

	assert_int_equal(record_append_ledger(&journal->buffer, &record), 0);
}

static void counters_are_summed(void **state)
{
	struct record_syn_source source = { .quarter_ns = DAY_2007,
					    .source = { { 192, 0, 2, 1 }, false },
					    .decoy_port = 25,
					    .syns = 3,
					    .estimated = 6.5,
					    .tools = 1 };
	struct record_syn_sample sample = { .seen_at_ns = DAY_2007,
					    .endpoints = some_access(1).endpoints,
					    .probability = UINT32_MAX,
					    .seq = UINT32_MAX,
					    .window = 1025,
					    .ttl = 255,
					    .options = slice_of("\2\4\5\264", 4) };
	struct record_violation violation = {
		DAY_2007, slice_of_text("tc"), slice_of_text("not an answer"), { NULL, 0 }
	};
	struct journal journal;

	(void)state;
	journal_open(&journal, "counters");
	put_ledger(&journal, "seen", 25, 5), put_ledger(&journal, "seen", 25, 2),
		put_ledger(&journal, "kind_syn", 25, 6);
	put_ledger(&journal, "kind_ack", 25, 1), put_ledger(&journal, "answered", 25, 4);
	put_ledger(&journal, "refused_martian", 25, 2), put_ledger(&journal, "refused_fragment", 25, 1);
	put_ledger(&journal, "open", 25, -3), put_ledger(&journal, "read_open", 25, 1);
	assert_int_equal(record_append_syn_source(&journal.buffer, &source), 0);
	source.tools = 4;
	assert_int_equal(record_append_syn_source(&journal.buffer, &source), 0);
	assert_int_equal(record_append_syn_sample(&journal.buffer, &sample), 0);
	assert_int_equal(record_append_violation(&journal.buffer, &violation), 0);
	journal_put(&journal, JOURNAL_WRITER_SUPERVISOR, 1);
	drain(&journal);
	ask_is("7", "select value from ledger where sensor = '%s' and term = 'seen' and port = 25 and family = 4",
	       "counters");
	ask_is("-3", "select value from ledger where sensor = '%s' and term = 'open'", "counters");
	ask_is("7|4|3|6|1|0",
	       "select concat_ws('|', seen, answered, refused, syn, ack, fin) from packet_count where sensor = '%s'",
	       "counters");
	ask_is("1|6|13|5",
	       "select concat_ws('|', count(*), sum(syns), sum(estimated), bit_or(tools)) from syn_source"
	       " where sensor = '%s'",
	       "counters");
	ask_is("1|4294967295|1025|255|\\x020405b4",
	       "select concat_ws('|', probability, seq, tcp_window, ttl, options) from syn_sample"
	       " where sensor = '%s'",
	       "counters");
	ask_is("tc|not an answer", "select concat_ws('|', reported_by, what) from violation where sensor = '%s'",
	       "counters");
	/* The supervisor's own records are in no equation. */
	ask_is("0", "select count(*) from ledger where sensor = '%s' and term = 'loaded'", "counters");
	journal_close(&journal);
}

static void observations_move_on(void **state)
{
	struct record_observation observation = {
		DAY_2007, DAY_2007 + 60 * NS,
		slice_of_text("203.0.113.0/29, 2001:db8::/48,nonsense,10.0.0.1/33,192.0.2.1"),
		slice_of_text("8080,25,x,70000"), slice_of_text("replay")
	};
	struct journal journal;

	(void)state;
	journal_open(&journal, "observations");
	for (int i = 0; i < 3; i++) {
		observation.until_ns += 60 * NS;
		assert_int_equal(record_append_observation(&journal.buffer, &observation), 0);
		if (i)
			journal_put(&journal, JOURNAL_WRITER_SUPERVISOR, 1);
	}
	drain(&journal);
	ask_is("1|00:04:00|{25,8080}|replay",
	       "select concat_ws('|', count(*) over (), until_at - began_at, ports, origin)"
	       " from observation where sensor = '%s'",
	       "observations");
	ask_is("3|10", "select concat_ws('|', count(*), sum(servers)) from decoy where sensor = '%s'", "observations");
	journal_close(&journal);
}

/* --- hostile content ---------------------------------------------------------------------------------------------- */

static void hostile_bytes_load(void **state)
{
	static uint8_t all[65536];
	struct slice nasty = slice_of("\0\xff\xed\xa0\x80\x1b[2J\xe2\x80\xae\xc0\x80ok\x7f", 17);
	struct record_access access = some_access(1);
	struct record_mail mail = { .access = 1,
				    .mail = 1,
				    .received_at_ns = UINT64_MAX,
				    .relay_host = nasty,
				    .relay_port = 2147483647,
				    .helo = nasty,
				    .mail_from = nasty,
				    .header = slice_of("Subject: a\0\xff=?utf-8?B?/w==?=\n", 29),
				    .size_bytes = UINT64_MAX,
				    .recipients = UINT32_MAX };
	struct record_hop hop = { .access = 1,
				  .requested_at_ns = DAY_2007,
				  .protocol = nasty,
				  .method = nasty,
				  .relay_host = nasty,
				  .relay_port = -1,
				  .target = nasty,
				  .user_agent = nasty,
				  .user_id = nasty,
				  .raw = nasty,
				  .flags = 255 };
	struct journal journal;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 7 >> (i % 5));
	journal_open(&journal, "hostile");
	access.relay_host = access.protocol = access.exploit = access.end_reason = nasty;
	access.payload = slice_of(all, sizeof(all));
	access.class = access.depth = access.payload_truncated = 255;
	access.bytes_in = access.bytes_out = UINT64_MAX;
	access.hops = access.mails = access.conflicting_bytes = access.first_segment_bytes = UINT32_MAX;
	access.started_at_ns = 0;
	access.ended_at_ns = UINT64_MAX;
	assert_int_equal(record_append_access(&journal.buffer, &access), 0);
	assert_int_equal(record_append_mail(&journal.buffer, &mail), 0);
	assert_int_equal(record_append_hop(&journal.buffer, &hop), 0);
	put_ledger(&journal,
		   "\xff\x01 and a term that is so long that no index could hold it if it were not cut short here", 25,
		   INT64_MAX);
	put_ledger(&journal,
		   "\xff\x01 and a term that is so long that no index could hold it if it were not cut short here", 25,
		   1);
	journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).segments, 1);
	ask_is("␀\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd␛[2J\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdok␡",
	       "select relay_host from access where sensor = '%s'", "hostile");
	ask_is("\\x00ffeda0801b5b324ae280aec0806f6b7f", "select relay_host_raw from access where sensor = '%s'",
	       "hostile");
	ask_is("other|ack|9223372036854775807|65536",
	       "select concat_ws('|', class, depth, bytes_in, length(bytes)) from access"
	       " join payload using (sensor) where sensor = '%s'",
	       "hostile");
	ask_is("t", "select received_at = '2007-11-18 00:00+00' and subject like 'a%%' from mail where sensor = '%s'",
	       "hostile");
	journal_close(&journal);
}

/* --- once and only once ------------------------------------------------------------------------------------------- */

static void a_segment_loads_once(void **state)
{
	char path[256], kept[300];
	struct journal journal;
	uint64_t segment;

	(void)state;
	journal_open(&journal, "once");
	put_accesses(&journal, 1, 100);
	segment = journal_put(&journal, 0, 1);
	assert_int_equal(journal_segment_path(journal.path, segment, path, sizeof(path)), 0);
	snprintf(kept, sizeof(kept), "%s.kept", path);
	copy_file(path, kept);
	assert_int_equal(drain(&journal).segments, 1);
	assert_int_equal(access(path, F_OK), -1);
	/* As after a crash between commit and deletion. */
	copy_file(kept, path);
	assert_int_equal(drain(&journal).segments, 0);
	assert_int_equal(access(path, F_OK), -1);
	ask_is("100", "select count(*) from access where sensor = '%s'", "once");
	ask_is("1", "select count(*) from payload where sensor = '%s'", "once");
	ask_is("100", "select sum(value) from ledger where sensor = '%s' and term = 'loaded'", "once");
	journal_close(&journal);
}

static void a_killed_loader_leaves_no_half(void **state)
{
	struct record_violation violation = { DAY_2007, slice_of_text("tc"), slice_of_text("x"), { NULL, 0 } };
	struct journal journal;
	int status;
	pid_t child;

	(void)state;
	journal_open(&journal, "killed");
	put_accesses(&journal, 1, 8000);
	assert_int_equal(record_append_violation(&journal.buffer, &violation), 0);
	journal_put(&journal, 0, 1);
	/* The last table of the segment is locked here: the loader stands still with all accesses sent. */
	postgres_fixture_ask(&postgres, "begin");
	assert_string_equal(postgres_fixture_ask(&postgres, "lock table otori.violation in access exclusive mode"),
			    "done");
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct loader_settings settings = { .journal = journal.path,
						    .conninfo = postgres.loader,
						    .quiet = true };
		struct loader_totals totals;

		_exit(loader_drain(&settings, &totals) ? 1 : 0);
	}
	ask_until("1",
		  "select count(*) from pg_locks where not granted and relation = 'otori.violation'::regclass and '%s' "
		  "<> ''",
		  "killed");
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_string_equal(postgres_fixture_ask(&postgres, "rollback"), "done");
	ask_is("0", "select count(*) from access where sensor = '%s'", "killed");
	assert_int_equal(files_waiting(&journal), 1);
	assert_int_equal(drain(&journal).records, 8001);
	ask_is("8000|8000", "select concat_ws('|', count(*), count(distinct access)) from access where sensor = '%s'",
	       "killed");
	journal_close(&journal);
}

/* Two loaders by mistake, or a replay beside a run: each segment once, each payload once, and both go on. */
static void two_loaders_share_the_work(void **state)
{
	static volatile int stop;
	static struct loader_settings settings[3];
	static struct journal journal, other;
	pthread_t threads[3];
	void *failed;

	(void)state;
	journal_open(&journal, "shared");
	journal_open(&other, "shared-other");
	other.sensor = "shared"; /* the same sensor from another folder, with the same payload */
	for (uint64_t i = 0; i < 20; i++) {
		put_accesses(&journal, 1 + i * 100, 100);
		journal_put(&journal, 0, 1);
		put_accesses(&other, 10001 + i * 100, 100);
		journal_put(&other, 0, 1);
	}
	for (int i = 0; i < 3; i++) {
		settings[i] = (struct loader_settings){ .journal = i ? journal.path : other.path,
							.conninfo = postgres.loader,
							.retry_milliseconds = 20,
							.poll_milliseconds = 20,
							.stop = &stop,
							.quiet = true };
		assert_int_equal(pthread_create(&threads[i], NULL, run_loader, &settings[i]), 0);
	}
	ask_until("4000", "select count(*) from access where sensor = '%s'", "shared");
	stop = 1;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	ask_is("1", "select count(*) from payload where sensor = '%s'", "shared");
	ask_is("40|0", "select concat_ws('|', count(*), count(set_aside)) from journal_segment where sensor = '%s'",
	       "shared");
	ask_is("4000", "select sum(value) from ledger where sensor = '%s' and term = 'loaded'", "shared");
	assert_int_equal(files_waiting(&journal) + files_waiting(&other), 0);
	journal_close(&journal);
	journal_close(&other);
}

/* So many new payloads that the loaders keep in mind what the database has; each learns of the other's by a refusal. */
static void two_loaders_bring_the_same_payloads(void **state)
{
	static volatile int stop;
	static struct loader_settings settings[2];
	static struct journal journals[2];
	pthread_t threads[2];
	void *failed;

	(void)state;
	for (uint64_t j = 0; j < 2; j++) {
		journal_open(&journals[j], j ? "same-1" : "same-0");
		journals[j].sensor = "same";
		for (uint64_t i = 0; i < 6000; i++) {
			struct record_access access = some_access(j << 32 | (i + 1));
			char text[32];

			access.started_at_ns = access.ended_at_ns = DAY_2007 + i;
			access.payload = slice_of(text, (size_t)sprintf(text, "payload %u", (unsigned)(i % 5000)));
			assert_int_equal(record_append_access(&journals[j].buffer, &access), 0);
			if (i % 1500 == 1499)
				journal_put(&journals[j], 0, 1);
		}
		settings[j] = (struct loader_settings){ .journal = journals[j].path,
							.conninfo = postgres.loader,
							.retry_milliseconds = 20,
							.poll_milliseconds = 20,
							.stop = &stop,
							.quiet = true };
	}
	for (int j = 0; j < 2; j++)
		assert_int_equal(pthread_create(&threads[j], NULL, run_loader, &settings[j]), 0);
	ask_until("12000", "select count(*) from access where sensor = '%s'", "same");
	stop = 1;
	for (int j = 0; j < 2; j++) {
		assert_int_equal(pthread_join(threads[j], &failed), 0);
		assert_null(failed);
		journal_close(&journals[j]);
	}
	ask_is("5000", "select count(*) from payload where sensor = '%s'", "same");
	ask_is("0", "select count(set_aside) from journal_segment where sensor = '%s'", "same");
}

static void an_outage_only_waits(void **state)
{
	static volatile int stop;
	struct journal journal;
	struct loader_settings settings = { .journal = journal.path,
					    .conninfo = postgres.loader,
					    .retry_milliseconds = 50,
					    .poll_milliseconds = 20,
					    .stop = &stop,
					    .quiet = true };
	struct loader_totals totals;
	pthread_t thread;
	void *failed;

	(void)state;
	journal_open(&journal, "outage");
	put_accesses(&journal, 1, 500);
	journal_put(&journal, 0, 1);
	assert_int_equal(pthread_create(&thread, NULL, run_loader, &settings), 0);
	ask_until("500", "select count(*) from access where sensor = '%s'", "outage");
	postgres_fixture_down(&postgres);
	for (uint64_t i = 1; i < 6; i++) {
		put_accesses(&journal, 1 + i * 500, 500);
		journal_put(&journal, 0, 1);
	}
	usleep(300000);
	assert_int_equal(files_waiting(&journal), 5);
	/* What only drains once says so. */
	assert_int_equal(loader_drain(&settings, &totals), -EAGAIN);
	assert_true(totals.why[0] && !strchr(totals.why, '\n'));
	assert_int_equal(postgres_fixture_up(&postgres), 0);
	ask_until("3000", "select count(*) from access where sensor = '%s'", "outage");
	stop = 1;
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	ask_is("3000|6",
	       "select concat_ws('|', count(distinct access), (select count(*) from journal_segment where sensor = "
	       "'%s'))"
	       " from access where sensor = '%s'",
	       "outage");
	assert_int_equal(files_waiting(&journal), 0);
	journal_close(&journal);
}

static void partitions_may_vanish(void **state)
{
	static volatile int stop;
	struct journal journal;
	struct loader_settings settings = { .journal = journal.path,
					    .conninfo = postgres.loader,
					    .retry_milliseconds = 50,
					    .poll_milliseconds = 20,
					    .stop = &stop,
					    .quiet = true };
	pthread_t thread;
	void *failed;

	(void)state;
	journal_open(&journal, "vanish");
	put_accesses(&journal, 1, 10);
	journal_put(&journal, 0, 1);
	assert_int_equal(pthread_create(&thread, NULL, run_loader, &settings), 0);
	ask_until("10", "select count(*) from access where sensor = '%s'", "vanish");
	/* Retention takes the month away while the loader remembers that it is there. */
	assert_string_equal(postgres_fixture_ask(&postgres, "drop table otori.access_2007_11"), "done");
	put_accesses(&journal, 20, 10);
	journal_put(&journal, 0, 1);
	ask_until("10", "select count(*) from access where sensor = '%s' and access >= 20", "vanish");
	stop = 1;
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(files_waiting(&journal), 0);
	journal_close(&journal);
}

/* --- bad segments ------------------------------------------------------------------------------------------------- */

static void change_byte(const struct journal *journal, uint64_t segment, off_t at)
{
	char path[256];
	uint8_t byte;
	int fd;

	assert_int_equal(journal_segment_path(journal->path, segment, path, sizeof(path)), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Records by the ledger: those that were loaded, and behind a | those that were set aside, if any. */
static void loaded_and_aside_are(const char *expected, const char *sensor)
{
	ask_is(expected,
	       "select concat_ws('|', sum(value) filter (where term = 'loaded'),"
	       " sum(value) filter (where term = 'records_set_aside')) from ledger where sensor = '%s'",
	       sensor);
}

static void bad_segments_are_set_aside(void **state)
{
	struct journal journal;
	uint64_t damaged, refused, headless, good;
	struct loader_totals totals;

	(void)state;
	journal_open(&journal, "bad");
	put_accesses(&journal, 1, 10);
	journal_put(&journal, 0, 1);
	put_accesses(&journal, 100, 20);
	damaged = journal_put(&journal, 0, 2); /* two frames of 20: the second is whole */
	change_byte(&journal, damaged, JOURNAL_HEADER_BYTES + JOURNAL_FRAME_HEAD_BYTES + 40);
	put_accesses(&journal, 200, 5);
	put_accesses(&journal, 200, 1); /* an id that is there already */
	refused = journal_put(&journal, 0, 1);
	put_accesses(&journal, 300, 5);
	headless = journal_put(&journal, 0, 1);
	change_byte(&journal, headless, 0);
	put_accesses(&journal, 400, 7);
	good = journal_put(&journal, 0, 1);
	totals = drain(&journal);
	assert_int_equal(totals.segments, 2);
	assert_int_equal(totals.set_aside, 3);
	assert_true(in_bad(&journal, damaged) && in_bad(&journal, refused) && in_bad(&journal, headless));
	assert_false(in_bad(&journal, good));
	assert_int_equal(files_waiting(&journal), 0);
	ask_is("17", "select count(*) from access where sensor = '%s'", "bad");
	loaded_and_aside_are("17|46", "bad");
	ask_is("3", "select count(*) from journal_segment where sensor = '%s' and set_aside <> ''", "bad");
	journal_close(&journal);
}

/* As an operator does it who mended what was wrong: the file comes back from bad/ under its own name. */
static void bring_back(const struct journal *journal, uint64_t segment)
{
	char path[256], bad[300];

	assert_int_equal(journal_segment_path(journal->path, segment, path, sizeof(path)), 0);
	snprintf(bad, sizeof(bad), "%s/bad%s", journal->path, strrchr(path, '/'));
	assert_int_equal(rename(bad, path), 0);
}

static void what_was_set_aside_can_come_back(void **state)
{
	struct loader_totals totals;
	struct journal journal;
	uint64_t refused;

	(void)state;
	journal_open(&journal, "back");
	put_accesses(&journal, 1, 3);
	journal_put(&journal, 0, 1);
	put_accesses(&journal, 1, 5); /* three ids that are there already */
	refused = journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).set_aside, 1);
	/* Nothing was mended: it is refused again, and counted once. */
	bring_back(&journal, refused);
	assert_int_equal(drain(&journal).set_aside, 1);
	assert_true(in_bad(&journal, refused));
	loaded_and_aside_are("3|5", "back");
	assert_string_equal(postgres_fixture_ask(&postgres, "delete from otori.access where sensor = 'back'"), "done");
	bring_back(&journal, refused);
	totals = drain(&journal);
	assert_int_equal(totals.segments, 1);
	assert_int_equal(totals.set_aside, 0);
	assert_false(in_bad(&journal, refused));
	assert_int_equal(files_waiting(&journal), 0);
	ask_is("5", "select count(*) from access where sensor = '%s'", "back");
	loaded_and_aside_are("8", "back");
	ask_is("2|0", "select concat_ws('|', count(*), count(set_aside)) from journal_segment where sensor = '%s'",
	       "back");
	/* What was loaded stays loaded, whoever asks for it. */
	ask_is("f", "select bool_or(forget_set_aside(sensor, segment)) from journal_segment where sensor = '%s'",
	       "back");
	journal_close(&journal);
}

/* Times all over the calendar would need more partitions than the server has locks for: nobody waits for those. */
static void a_segment_of_too_many_months_is_set_aside(void **state)
{
	struct journal journal;
	struct loader_totals totals;
	uint64_t strange;

	(void)state;
	journal_open(&journal, "months");
	for (uint64_t month = 0; month < 300; month++) {
		struct record_access access = some_access(month + 1);

		access.started_at_ns = access.ended_at_ns = (month + 1) * 31 * 24 * 3600 * NS;
		assert_int_equal(record_append_access(&journal.buffer, &access), 0);
	}
	strange = journal_put(&journal, 0, 1);
	put_accesses(&journal, 400, 7);
	journal_put(&journal, 0, 1);
	totals = drain(&journal);
	assert_int_equal(totals.segments, 1);
	assert_int_equal(totals.set_aside, 1);
	assert_true(in_bad(&journal, strange));
	ask_is("7", "select count(*) from access where sensor = '%s'", "months");
	journal_close(&journal);
}

static void a_cut_tail_is_dropped(void **state)
{
	struct journal journal;
	struct stat status;
	uint64_t segment;
	char path[256];

	(void)state;
	journal_open(&journal, "cut");
	put_accesses(&journal, 1, 3);
	segment = journal_put(&journal, 0, 1);
	assert_int_equal(journal_segment_path(journal.path, segment, path, sizeof(path)), 0);
	assert_int_equal(stat(path, &status), 0);
	put_accesses(&journal, 10, 3);
	segment = journal_put(&journal, 0, 2);
	assert_int_equal(journal_segment_path(journal.path, segment, path, sizeof(path)), 0);
	assert_int_equal(truncate(path, 2 * status.st_size - JOURNAL_HEADER_BYTES - 5), 0);
	assert_int_equal(drain(&journal).segments, 2);
	ask_is("6", "select count(*) from access where sensor = '%s'", "cut");
	ask_is("1|1",
	       "select concat_ws('|', count(*) filter (where cut), count(*) filter (where not cut)) from "
	       "journal_segment"
	       " where sensor = '%s'",
	       "cut");
	journal_close(&journal);
}

/* A journal that was deleted and begun anew by hand: the number is known, the content isn't. */
static void a_number_used_twice_is_told(void **state)
{
	char path[256], other[300];
	struct journal journal;
	uint64_t segment;
	int fd;

	(void)state;
	journal_open(&journal, "twice");
	put_accesses(&journal, 1, 3);
	segment = journal_put(&journal, 0, 1);
	drain(&journal);
	assert_int_equal(journal_segment_path(journal.path, segment, path, sizeof(path)), 0);
	snprintf(other, sizeof(other), "%s.other", path);
	fd = open(other, O_RDWR | O_CREAT | O_EXCL, 0600);
	put_accesses(&journal, 10, 3);
	struct journal_writer *out = journal_writer_new("twice", 0);
	assert_int_equal(journal_writer_start(out, fd, segment, DAY_2007 + NS), 0);
	assert_int_equal(journal_writer_append(out, &journal.buffer, MINUTE_2007), 0);
	assert_int_equal(journal_writer_finish(out), 0);
	journal_writer_free(out);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(drain(&journal).set_aside, 1);
	assert_true(in_bad(&journal, segment));
	ask_is("3", "select count(*) from access where sensor = '%s'", "twice");
	journal_close(&journal);
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
		cmocka_unit_test(conversations_become_rows),
		cmocka_unit_test(mails_become_rows),
		cmocka_unit_test(counters_are_summed),
		cmocka_unit_test(observations_move_on),
		cmocka_unit_test(hostile_bytes_load),
		cmocka_unit_test(a_segment_loads_once),
		cmocka_unit_test(a_killed_loader_leaves_no_half),
		cmocka_unit_test(two_loaders_share_the_work),
		cmocka_unit_test(two_loaders_bring_the_same_payloads),
		cmocka_unit_test(an_outage_only_waits),
		cmocka_unit_test(partitions_may_vanish),
		cmocka_unit_test(bad_segments_are_set_aside),
		cmocka_unit_test(what_was_set_aside_can_come_back),
		cmocka_unit_test(a_segment_of_too_many_months_is_set_aside),
		cmocka_unit_test(a_cut_tail_is_dropped),
		cmocka_unit_test(a_number_used_twice_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
