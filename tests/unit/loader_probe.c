// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loader_probe.c - from what a client says to the rows of probe_mail, mail.probe and access.smtp_kind.
 *
 * In:  dialogues, said to the imitations. Out: cmocka's verdicts. Called by tests/run. Starts a private cluster in a
 * temporary folder.
 */
#include "journal_fixture.h"
#include "visit.h"

/* What one visitor said, and its access, as one segment of a sensor of its own; loaded. */
static void load_visit(const char *sensor, uint16_t decoy_port, const char *says)
{
	struct visit *visit = visit_open(decoy_port);
	struct journal journal;

	journal_open(&journal, sensor);
	visit_begin(visit);
	visit_say(visit, says);
	visit_end(visit);
	visit->access.endpoints = visit->endpoints;
	visit->access.started_at_ns = visit->access.ended_at_ns = DAY_2007;
	visit->access.end_reason = slice_of_text("fin");
	assert_int_equal(record_append_access(&visit->records, &visit->access), 0);
	assert_true(visit->records.length <= journal.buffer.capacity);
	memcpy(journal.buffer.bytes, visit->records.bytes, visit->records.length);
	journal.buffer.length = visit->records.length;
	journal.buffer.records = visit->records.records;
	journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).set_aside, 0);
	journal_close(&journal);
	visit_close(visit);
}

#define ENVELOPE(recipient) "MAIL FROM:<s@t.example>\r\nRCPT TO:<" recipient ">\r\n"

static void probes_become_rows(void **state)
{
	(void)state;
	load_visit("probes", 8080,
		   "CONNECT mx.example:25 HTTP/1.0\r\n\r\nHELO x\r\n"
		   /* 1: a probe with two recipients */
		   ENVELOPE("box@tester.example") "RCPT TO:<second@tester.example>\r\nDATA\r\n"
		   "Subject: =?utf-8?B?MjAzLjAuMTEzLjEwOjgwODA=?=\r\n\r\n203.0.113.10:8080\r\n.\r\n"
		   /* 2: a mail about another address */
		   ENVELOPE("a@b.example") "DATA\r\nSubject: 203.0.113.11:8080\r\n\r\n203.0.113.10:3128\r\n.\r\n"
		   /* 3: a probe without a subject, to a mailbox of bad bytes */
		   ENVELOPE("b\xffx@tester.example") "DATA\r\nFrom: x\r\n\r\nMjAzLjAuMTEzLjEwOjgwODA=\r\n.\r\n"
		   /* 4: in the address it reports to */
		   ENVELOPE("10.113.0.203-8080@tester.example") "DATA\r\n\r\nhi\r\n.\r\n"
		   /* 5: broke off */
		   ENVELOPE("box@tester.example") "DATA\r\nSubject: 203.0.113.10:8080\r\n\r\nhal");
	ask_is("1|203.0.113.10|8080|198.51.100.7|box@tester.example|203.0.113.10:8080|subject|dotted|t,"
	       "3|203.0.113.10|8080|198.51.100.7|b\xef\xbf\xbdx@tester.example|-|body|base64|t,"
	       "4|203.0.113.10|8080|198.51.100.7|10.113.0.203-8080@tester.example|-|rcpt_to|reversed|t",
	       "select string_agg(concat_ws('|', mail, decoy, decoy_port, source, mailbox, coalesce(subject, '-'), found_in,"
	       " encoding, answered_at is null), ',' order by mail) from probe_mail where sensor = '%s'",
	       "probes");
	ask_is("t,f,t,t,f", "select string_agg(left(probe::text, 1), ',' order by mail) from mail where sensor = '%s'",
	       "probes");
	ask_is("3", "select count(*) from probe_mail join mail using (sensor, mail, received_at) where sensor = '%s'", "probes");
	ask_is("1|3", "select string_agg(mails::text, '|' order by probe) from rollup_mail where sensor = '%s'", "probes");
}

/* A record of an older version, or of one whose names this one doesn't know, is a mail and no probe. */
static void unknown_findings_are_none(void **state)
{
	struct record_mail mail = { .access = 1, .received_at_ns = DAY_2007, .complete = 1, .relay_port = -1 };
	struct record_mail_recipient recipient = { .received_at_ns = DAY_2007, .address = slice_of_text("a@b") };
	static const uint8_t pairs[][2] = { { 0, 1 }, { 1, 0 }, { PROBE_PLACE_COUNT, 1 }, { 1, PROBE_ENCODING_COUNT }, { 255, 255 } };
	struct journal journal;

	(void)state;
	journal_open(&journal, "unknown");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		mail.mail = recipient.mail = i;
		mail.probe_place = pairs[i][0];
		mail.probe_encoding = pairs[i][1];
		assert_int_equal(record_append_mail(&journal.buffer, &mail), 0);
		assert_int_equal(record_append_mail_recipient(&journal.buffer, &recipient), 0);
	}
	journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).set_aside, 0);
	ask_is("5|0", "select concat_ws('|', count(*), count(*) filter (where probe)) from mail where sensor = '%s'", "unknown");
	ask_is("0", "select count(*) from probe_mail where sensor = '%s'", "unknown");
	journal_close(&journal);
}

/* The recipient may be missing (its record found no room), be another mail's, or be the segment's last word. */
static void a_missing_mailbox_is_null(void **state)
{
	struct record_mail mail = { .access = 1,
				    .received_at_ns = DAY_2007,
				    .complete = 1,
				    .relay_port = -1,
				    .probe_place = PROBE_PLACE_header,
				    .probe_encoding = PROBE_ENCODING_hex };
	struct record_mail_recipient recipient = { .received_at_ns = DAY_2007, .address = slice_of_text("a@b") };
	struct journal journal;

	(void)state;
	journal_open(&journal, "mailboxes");
	for (mail.mail = 1; mail.mail <= 4; mail.mail++) {
		assert_int_equal(record_append_mail(&journal.buffer, &mail), 0);
		recipient.mail = mail.mail == 2 ? 9 : mail.mail; /* 2: of another mail */
		recipient.position = mail.mail == 3; /* 3: the second */
		if (mail.mail != 4)
			assert_int_equal(record_append_mail_recipient(&journal.buffer, &recipient), 0);
	}
	journal_put(&journal, 0, 1);
	assert_int_equal(drain(&journal).set_aside, 0);
	ask_is("a@b,-,-,-", "select string_agg(coalesce(mailbox, '-'), ',' order by mail) from probe_mail where sensor = '%s'",
	       "mailboxes");
	journal_close(&journal);
}

static void direct_conversations_have_a_kind(void **state)
{
	(void)state;
	load_visit("tester", 25, "EHLO x\r\n" ENVELOPE("a%b.example@[203.0.113.10]") "RSET\r\n" ENVELOPE("b.example!a") "QUIT\r\n");
	load_visit("mailer", 25, "EHLO x\r\n" ENVELOPE("a@b.example") "DATA\r\nhi\r\n.\r\nQUIT\r\n");
	load_visit("greeter", 25, "EHLO x\r\nQUIT\r\n");
	load_visit("tunnel", 8080, "CONNECT mx.example:25 HTTP/1.0\r\n\r\nEHLO x\r\n" ENVELOPE("a%b.example@c.example"));
	load_visit("tester8080", 8080, "EHLO x\r\n" ENVELOPE("a%b.example@c.example"));
	ask_is("greeter other,mailer mail,tester relay_test,tester8080 relay_test,tunnel -",
	       "select string_agg(sensor || ' ' || coalesce(smtp_kind, '-'), ',' order by sensor) from access"
	       " where sensor = any(array['tester', 'mailer', 'greeter', 'tunnel', 'tester8080']) and '%s' = ''",
	       "");
	ask_is("greeter other,mailer mail,tester relay_test,tester8080 relay_test",
	       "select string_agg(sensor || ' ' || kind, ',' order by sensor) from rollup_direct where '%s' = ''", "");
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
		cmocka_unit_test(probes_become_rows),
		cmocka_unit_test(unknown_findings_are_none),
		cmocka_unit_test(a_missing_mailbox_is_null),
		cmocka_unit_test(direct_conversations_have_a_kind),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
