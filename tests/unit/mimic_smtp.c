// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_smtp.c - the mail server: dialogues, mails, credentials, what bad clients send.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "visit.h"

#define ENVELOPE "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"

/* Codes of all replies, "220 250 ...": only the last line of a reply counts. */
static void reply_codes(const struct visit *visit, char *codes, size_t size)
{
	const char *line = visit->text;

	codes[0] = 0;
	while (*line) {
		const char *end = strchr(line, '\n');

		if (strlen(line) > 3 && line[3] == ' ')
			snprintf(codes + strlen(codes), size - strlen(codes), "%s%.3s", codes[0] ? " " : "", line);
		line = end ? end + 1 : line + strlen(line);
	}
}

static const struct dialogue {
	const char *says, *codes;
	uint8_t depth;
	unsigned int mails, broken, recipients;
	const char *mail; /* the first one's bytes, NULL where there is none */
} dialogues[] = {
	{ "EHLO x\r\n", "220 250", DEPTH_payload, 0, 0, 0, NULL },
	{ "EHLO\r\nHELO\r\nNOOP\r\nHELP\r\nEXPN staff\r\nRSET\r\nQUIT\r\n", "220 250 250 250 214 502 250 221", DEPTH_payload, 0, 0, 0, NULL },
	{ "HELO x\r\nMAIL FROM:<a@b.example>\r\n", "220 250 250", DEPTH_payload, 0, 0, 0, NULL },
	{ "HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nQUIT\r\n", "220 250 250 250 221", DEPTH_rcpt, 0, 0, 0, NULL },
	{ "HELO x\r\n" ENVELOPE "Subject: hi\r\n\r\nbody\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221", DEPTH_data, 1, 0, 1,
	  "Subject: hi\r\n\r\nbody\r\n" },
	{ "helo x\nmail from: a@b.example\nrcpt to: c@d.example\ndata\nhi\n.\nquit\n", "220 250 250 250 354 250 221", DEPTH_data, 1, 0, 1, "hi\n" },
	{ "HELO x\r\n" ENVELOPE "hi\r\n.\nQUIT\r\n", "220 250 250 250 354 250 221", DEPTH_data, 1, 0, 1, "hi\r\n" },
	{ "HELO x\r\n" ENVELOPE ".\r\n", "220 250 250 250 354 250", DEPTH_data, 1, 0, 1, "" },
	{ "HELO x\r\n" ENVELOPE "..\r\n...\r\n.x\r\n.\r\n", "220 250 250 250 354 250", DEPTH_data, 1, 0, 1, ".\r\n..\r\nx\r\n" },
	{ "HELO x\r\n" ENVELOPE ".\r.\r\nx.\r\n.\r\r\n.\r\n", "220 250 250 250 354 250", DEPTH_data, 1, 0, 1, "\r.\r\nx.\r\n\r\r\n" },
	{ "HELO x\r\n" ENVELOPE "test\r\n..\r\n", "220 250 250 250 354", DEPTH_rcpt, 0, 1, 1, "test\r\n.\r\n" },
	{ "HELO x\r\n" ENVELOPE "half a line", "220 250 250 250 354", DEPTH_rcpt, 0, 1, 1, "half a line" },
	{ "HELO x\r\n" ENVELOPE "one\r\n.\r\n" ENVELOPE "two\r\n.\r\n", "220 250 250 250 354 250 250 250 354 250", DEPTH_data, 2, 0, 2, "one\r\n" },
	{ "HELO x\r\nDATA\r\nRCPT TO:<c@d>\r\nMAIL FROM:<a@b>\r\nDATA\r\nMAIL FROM:<e@f>\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\n",
	  "220 250 503 503 250 554 503 250 354 250", DEPTH_data, 1, 0, 1, "hi\r\n" },
	{ "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nRCPT TO:<@r1,@r2:\"a>b\"@d>\r\nRCPT TO:\r\nMAIL\r\n", "220 250 250 250 250 501 503",
	  DEPTH_rcpt, 0, 0, 0, NULL },
	{ "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 13 LAST\r\nQUIT\r\nDATA\r\n\r\nRSET\r\n", "220 250 250 250 502 500 250", DEPTH_rcpt,
	  0, 0, 0, NULL },
	{ "EHLO x\r\nBDAT 0 LAST\r\nNOOP\r\n", "220 250 502 250", DEPTH_payload, 0, 0, 0, NULL },
	{ "EHLO x\r\nSTARTTLS\r\nNOOP\r\n", "220 250 502 250", DEPTH_payload, 0, 0, 0, NULL },
	{ "EHLO x\r\nMAIL FROM:<a@b> BODY=8BITMIME SIZE=33554433\r\nMAIL FROM:<a@b> SIZE=33554432\r\n", "220 250 552 250", DEPTH_payload, 0, 0, 0, NULL },
	{ "EHLO x\r\nAUTH LOGIN\r\n*\r\nAUTH CRAM-MD5\r\nAUTH PLAIN\r\nAGEAYg==\r\n", "220 250 334 501 504 334 235", DEPTH_payload, 0, 0, 0, NULL },
	{ "EHLO x\r\nAUTH LOGIN\r\n" ENVELOPE "hi\r\n.\r\n", "220 250 334 250 250 354 250", DEPTH_data, 1, 0, 1, "hi\r\n" },
	{ "FOO\r\n\r\nMAIL FROM:<a@b>\r\n", "220 500 500 250", DEPTH_payload, 0, 0, 0, NULL },
};

static void check_dialogue(const struct dialogue *want, unsigned int cut)
{
	struct visit *visit = visit_open(25);
	struct record record;
	unsigned int complete = 0, broken = 0;
	char codes[512];

	visit_begin(visit);
	visit_say_cut(visit, slice_of_text(want->says), cut);
	visit_end(visit);
	print_message("cut %u of %s", cut, want->says);
	reply_codes(visit, codes, sizeof(codes));
	assert_string_equal(codes, want->codes);
	for (unsigned int i = 0; visit_record(visit, RECORD_MAIL, i, &record); i++) {
		*(record.mail.complete ? &complete : &broken) += 1;
		assert_int_equal(record.mail.direct, 1);
		assert_int_equal(record.mail.relay_port, -1);
	}
	assert_int_equal(complete, want->mails);
	assert_int_equal(broken, want->broken);
	assert_int_equal(visit_count(visit, RECORD_MAIL_RECIPIENT), want->recipients);
	assert_true(visit_is(visit->access.protocol, "smtp"));
	assert_int_equal(visit->access.class, CLASS_mail);
	assert_int_equal(visit->access.depth, want->depth);
	if (want->mail) {
		size_t length;
		char *mail = visit_mail(visit, 0, &length);

		assert_int_equal(length, strlen(want->mail));
		assert_memory_equal(mail, want->mail, length);
		assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
		assert_int_equal(record.mail.size_bytes, length);
		free(mail);
	}
	visit_close(visit);
}

static void dialogues_are_answered_and_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues[0]); i++)
		for (unsigned int cut = 0; cut < 6; cut++)
			check_dialogue(&dialogues[i], cut);
}

static void a_mail_goes_whole_through_every_kind_of_tunnel(void **state)
{
	static const struct {
		struct slice request, granted;
		const char *host;
		int32_t port;
	} tunnels[] = {
		{ { (const uint8_t *)"CONNECT mx.example.org:25 HTTP/1.0\r\n\r\n", 38 },
		  { (const uint8_t *)"HTTP/1.0 200 Connection established\r\n\r\n", 39 }, "mx.example.org", 25 },
		{ { (const uint8_t *)"\4\1\2\x4b\xc0\0\2\5\0", 9 }, { (const uint8_t *)"\0\x5a\0\0\0\0\0\0", 8 }, "192.0.2.5", 587 },
		{ { (const uint8_t *)"\4\1\0\x19\0\0\0\1x\0mx.example.org\0", 25 }, { (const uint8_t *)"\0\x5a\0\0\0\0\0\0", 8 }, "mx.example.org", 25 },
		{ { (const uint8_t *)"\5\1\0\5\1\0\3\16mx.example.org\x09\xdd", 24 },
		  { (const uint8_t *)"\5\0\5\0\0\1\0\0\0\0\0\0", 12 }, "mx.example.org", 2525 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		struct visit *visit = visit_open(8080);
		struct record record;
		size_t length;
		char *mail;

		visit_begin(visit);
		assert_int_equal(visit->said.length, 0);
		visit_say_bytes(visit, tunnels[i].request);
		assert_memory_equal(visit_heard(visit), tunnels[i].granted.bytes, tunnels[i].granted.length);
		assert_memory_equal(visit->text + tunnels[i].granted.length, "220", 3);
		assert_true(visit->wish.delay_ms > 5);
		visit_say(visit, "EHLO client.example\r\n" ENVELOPE "From: x\r\nSubject: y\r\n\r\ntext\r\n.\r\n");
		assert_non_null(strstr(visit_heard(visit) + 64, "250 2.0.0 Ok: queued as "));
		visit_end(visit);
		assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
		assert_true(visit_is(record.mail.relay_host, tunnels[i].host));
		assert_int_equal(record.mail.relay_port, tunnels[i].port);
		assert_int_equal(record.mail.direct, 0);
		assert_int_equal(record.mail.complete, 1);
		assert_true(visit_is(record.mail.helo, "client.example"));
		assert_true(visit_is(record.mail.mail_from, "a@b.example"));
		assert_true(visit_is(record.mail.header, "From: x\r\nSubject: y\r\n"));
		mail = visit_mail(visit, 0, &length);
		assert_string_equal(mail, "From: x\r\nSubject: y\r\n\r\ntext\r\n");
		free(mail);
		assert_int_equal(visit->access.depth, DEPTH_data);
		assert_int_equal(visit->access.mails, 1);
		assert_null(memmem(visit->access.payload.bytes, visit->access.payload.length, "Subject", 7));
		assert_non_null(memmem(visit->access.payload.bytes, visit->access.payload.length, "DATA\r\n", 6));
		visit_close(visit);
	}
}

/* Real mail tools list hundreds of recipients before the subject; a header block is stored up to its limit only. */
static void a_subject_behind_a_long_list_is_kept(void **state)
{
	static const char subject[] = "SUBJECT: far behind\r\n\tand folded\r\n";
	size_t cuts[] = { 100000, 1, 7, 4096 };

	(void)state;
	for (size_t c = 0; c < sizeof(cuts) / sizeof(cuts[0]); c++) {
		struct visit *visit = visit_open(25);
		char line[64], *text = calloc(1, 100000);
		struct record record;
		size_t length = 0;

		assert_non_null(text);
		visit_begin(visit);
		visit_say(visit, "EHLO client.example\r\n" ENVELOPE);
		while (length < 40000) {
			snprintf(line, sizeof(line), "%s<recipient-%05zu@example.org>,\r\n", length ? "\t" : "To: ", length);
			length += strlen(strcpy(text + length, line));
		}
		length += strlen(strcpy(text + length, subject));
		length += strlen(strcpy(text + length, "Subjective: no subject\r\n\r\nSubject: of the body\r\n.\r\n"));
		for (size_t at = 0; at < length; at += cuts[c])
			visit_say_bytes(visit, slice_of(text + at, length - at < cuts[c] ? length - at : cuts[c]));
		visit_end(visit);
		assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
		assert_true(record.mail.header.length <= 32768);
		assert_non_null(memmem(record.mail.header.bytes, record.mail.header.length, "\r\nSubject: far behind\r\n\tand folded\r\n",
				       strlen("\r\nSubject: far behind\r\n\tand folded\r\n")));
		assert_null(memmem(record.mail.header.bytes, record.mail.header.length, "Subjective", 10));
		assert_null(memmem(record.mail.header.bytes, record.mail.header.length, "of the body", 11));
		visit_close(visit);
		free(text);
	}
}

static void on_465_the_client_speaks_first(void **state)
{
	struct visit *visit = visit_open(8080);

	(void)state;
	visit_begin(visit);
	visit_say(visit, "CONNECT mx.example.org:465 HTTP/1.1\r\n\r\n");
	assert_string_equal(visit_heard(visit), "HTTP/1.1 200 Connection established\r\n\r\n");
	visit_say_bytes(visit, slice_of("\x16\3\1\0\4\1\0\0\0", 9));
	assert_true(visit->wish.abort);
	visit_end(visit);
	assert_int_equal(visit->access.depth, DEPTH_inner);
	visit_close(visit);
}

static void any_protocol_is_taken_on_a_mail_port(void **state)
{
	static const struct {
		struct slice says;
		const char *protocol;
	} first[] = {
		{ { (const uint8_t *)"CONNECT a:443 HTTP/1.1\r\n\r\n", 26 }, "http" },
		{ { (const uint8_t *)"\5\1\0", 3 }, "socks5" },
		{ { (const uint8_t *)"\x16\3\1\0\1x", 6 }, "tls" },
		{ { (const uint8_t *)"NOOP\r\n", 6 }, "smtp" },
		{ { (const uint8_t *)"what?\r\n", 7 }, "unknown_text" },
		{ { (const uint8_t *)"\1\2\3\4", 4 }, "unknown_binary" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		struct visit *visit = visit_open(25);

		visit_begin(visit);
		visit_say_bytes(visit, first[i].says);
		visit_end(visit);
		assert_memory_equal(visit->text, "220 ", 4);
		assert_true(visit_is(visit->access.protocol, first[i].protocol));
		visit_close(visit);
	}
}

static void who_says_nothing_has_no_protocol(void **state)
{
	struct visit *visit = visit_open(25);

	(void)state;
	visit_begin(visit);
	visit_end(visit);
	assert_int_equal(visit->access.depth, DEPTH_ack);
	assert_int_equal(visit->access.protocol.length, 0);
	assert_int_equal(visit->access.class, CLASS_other);
	visit_close(visit);
}

static void a_large_mail_streams_through_little_memory(void **state)
{
	struct visit *visit = visit_open(25);
	char block[8192];
	size_t length, total = 0;
	char *mail;

	(void)state;
	visit_begin(visit);
	visit_say(visit, "HELO x\r\n" ENVELOPE);
	memset(block, 'm', sizeof(block));
	for (size_t i = 79; i < sizeof(block); i += 80)
		block[i] = '\n';
	block[sizeof(block) - 1] = '\n';
	for (unsigned int i = 0; i < 256; i++) {
		visit_say_bytes(visit, slice_of(block, sizeof(block)));
		total += sizeof(block);
		assert_true(visit->chunks.used < 100);
	}
	visit_say(visit, ".\r\n");
	visit_end(visit);
	mail = visit_mail(visit, 0, &length);
	assert_int_equal(length, total);
	assert_memory_equal(mail + total - sizeof(block), block, sizeof(block));
	free(mail);
	visit_close(visit);
}

static void a_mail_beyond_the_limit_is_counted_on(void **state)
{
	struct visit *visit = visit_open(25);
	struct record record, part;

	(void)state;
	visit->policy.mail_max_bytes = 10;
	visit_begin(visit);
	visit_say(visit, "HELO x\r\n" ENVELOPE "0123456789abcdef\r\n.\r\n");
	visit_end(visit);
	assert_non_null(strstr(visit->text, "552 5.3.4 "));
	assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
	assert_int_equal(record.mail.size_bytes, 18);
	assert_int_equal(record.mail.truncated, 1);
	assert_true(visit_record(visit, RECORD_MAIL_PART, 0, &part));
	assert_true(visit_is(part.mail_part.bytes, "0123456789"));
	visit_close(visit);
}

static void recipients_beyond_a_thousand_are_put_off(void **state)
{
	struct visit *visit = visit_open(25);
	struct record record;

	(void)state;
	visit_begin(visit);
	visit_say(visit, "HELO x\r\nMAIL FROM:<a@b>\r\n");
	for (unsigned int i = 0; i < 1001; i++) {
		char line[64];

		snprintf(line, sizeof(line), "RCPT TO:<user%u@example.org>\r\n", i);
		visit_hear_no_more(visit);
		visit_say(visit, line);
	}
	assert_string_equal(visit_heard(visit), "452 4.5.3 Error: too many recipients\r\n");
	visit_say(visit, "DATA\r\n.\r\n");
	visit_end(visit);
	assert_int_equal(visit_count(visit, RECORD_MAIL_RECIPIENT), 1000);
	assert_true(visit_record(visit, RECORD_MAIL_RECIPIENT, 999, &record));
	assert_true(visit_is(record.mail_recipient.address, "user999@example.org"));
	assert_int_equal(record.mail_recipient.position, 999);
	visit_close(visit);
}

static void lines_of_any_length_are_one_command(void **state)
{
	struct visit *visit = visit_open(25);
	char *line = malloc(10003);

	(void)state;
	memset(line, 'x', 10000);
	memcpy(line, "RSET ", 5);
	memcpy(line + 10000, "\r\n", 3);
	visit_begin(visit);
	visit_say(visit, "HELO x\r\n");
	visit_hear_no_more(visit);
	visit_say(visit, line);
	assert_string_equal(visit_heard(visit), "500 5.5.2 Error: line too long\r\n");
	visit_hear_no_more(visit);
	line[1500] = '\r';
	line[1501] = '\n';
	line[1502] = 0;
	visit_say(visit, line);
	assert_string_equal(visit_heard(visit), "250 2.0.0 Ok\r\n");
	free(line);
	visit_close(visit);
}

static void credentials_are_recorded_and_blanked(void **state)
{
	static const struct {
		const char *says, *mechanism, *username, *secret, *payload;
	} secrets[] = {
		{ "AUTH LOGIN\r\nYm9i\r\nYWxpY2U=\r\n", "smtp_login", "bob", "alice", "AUTH LOGIN\r\nYm9i\r\n********\r\n" },
		{ "auth login Ym9i\r\nYWxpY2U=\r\n", "smtp_login", "bob", "alice", "auth login Ym9i\r\n********\r\n" },
		{ "AUTH PLAIN AGJvYgBhbGljZQ==\r\n", "smtp_plain", "bob", "alice", "AUTH PLAIN ****************\r\n" },
		{ "AUTH PLAIN\r\nAGJvYgBhbGljZQ==\r\n", "smtp_plain", "bob", "alice", "AUTH PLAIN\r\n****************\r\n" },
		{ "AUTH LOGIN\r\nbob!\r\nalice!\r\n", "smtp_login", "bob!", "alice!", "AUTH LOGIN\r\nbob!\r\n******\r\n" },
		{ "AUTH LOGIN\r\nYm9i\r\nYWxpY", NULL, NULL, NULL, "AUTH LOGIN\r\nYm9i\r\n*****" },
		{ "AUTH PLAIN AGJvYg", NULL, NULL, NULL, "AUTH PLAIN ******" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(secrets) / sizeof(secrets[0]); i++) {
		struct visit *visit = visit_open(587);
		struct record record;
		uint8_t hash[32];

		print_message("%s\n", secrets[i / 2].says);
		visit_begin(visit);
		visit_say_cut(visit, slice_of_text(secrets[i / 2].says), (unsigned int)i & 1);
		visit_end(visit);
		assert_true(visit_is(visit->access.payload, secrets[i / 2].payload));
		assert_null(memmem(visit->records.bytes, visit->records.length, "alice", 5));
		assert_int_equal(visit_record(visit, RECORD_CREDENTIAL, 0, &record), secrets[i / 2].mechanism != NULL);
		if (secrets[i / 2].mechanism) {
			assert_true(visit_is(record.credential.mechanism, secrets[i / 2].mechanism));
			assert_true(visit_is(record.credential.username, secrets[i / 2].username));
			secret_hash(visit->policy.secret_key, slice_of_text(secrets[i / 2].secret), hash);
			assert_memory_equal(record.credential.secret_hash, hash, sizeof(hash));
		}
		visit_close(visit);
	}
}

static void answers_to_vrfy_vary_and_stay_the_same(void **state)
{
	unsigned int known = 0, unknown = 0;

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		struct visit *visit = visit_open(25);
		char line[64], first[256];

		snprintf(line, sizeof(line), "VRFY user%u\r\n", i / 2);
		visit_begin(visit);
		visit_hear_no_more(visit);
		visit_say(visit, line);
		snprintf(first, sizeof(first), "%s", visit_heard(visit));
		*(strncmp(first, "252 ", 4) ? &unknown : &known) += 1;
		visit_hear_no_more(visit);
		visit_say(visit, line);
		assert_string_equal(visit_heard(visit), first);
		visit_close(visit);
	}
	assert_true(known > 4);
	assert_true(unknown > 4);
}

static void a_banner_varies_by_decoy_and_never_echoes_junk(void **state)
{
	struct visit *a = visit_open(25), *b = visit_open(25), *junk = visit_open(8080);

	(void)state;
	b->endpoints.decoy.bytes[3] = 99;
	visit_begin(a);
	visit_begin(b);
	visit_begin(junk);
	visit_heard(a);
	assert_string_not_equal(a->text, visit_heard(b));
	visit_say(junk, "CONNECT a\"b<c>.example:25 HTTP/1.0\r\n\r\n");
	assert_null(strchr(visit_heard(junk), '<'));
	visit_close(a);
	visit_close(b);
	visit_close(junk);
}

/* A mail is received when its last byte came, also where it broke off and the conversation ended long after. */
static void a_broken_mail_is_received_at_its_last_byte(void **state)
{
	struct visit *visit = visit_open(25);
	struct record record;

	(void)state;
	visit_begin(visit);
	visit_say(visit, "HELO x\r\n" ENVELOPE "Subject: hi\r\n\r\nhalf a");
	conversation_end(&visit->pool, visit->conversation, VISIT_NOW_NS + 60000000000ull, &visit->access, visit->scratch);
	visit->conversation = NULL;
	assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
	assert_int_equal(record.mail.complete, 0);
	assert_true(record.mail.received_at_ns == VISIT_NOW_NS);
	assert_true(visit_record(visit, RECORD_MAIL_RECIPIENT, 0, &record));
	assert_true(record.mail_recipient.received_at_ns == VISIT_NOW_NS);
	byte_queue_clear(&visit->chunks, &visit->said);
	visit_close(visit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialogues_are_answered_and_recorded),
		cmocka_unit_test(a_mail_goes_whole_through_every_kind_of_tunnel),
		cmocka_unit_test(a_subject_behind_a_long_list_is_kept),
		cmocka_unit_test(a_broken_mail_is_received_at_its_last_byte),
		cmocka_unit_test(on_465_the_client_speaks_first),
		cmocka_unit_test(any_protocol_is_taken_on_a_mail_port),
		cmocka_unit_test(who_says_nothing_has_no_protocol),
		cmocka_unit_test(a_large_mail_streams_through_little_memory),
		cmocka_unit_test(a_mail_beyond_the_limit_is_counted_on),
		cmocka_unit_test(recipients_beyond_a_thousand_are_put_off),
		cmocka_unit_test(lines_of_any_length_are_one_command),
		cmocka_unit_test(credentials_are_recorded_and_blanked),
		cmocka_unit_test(answers_to_vrfy_vary_and_stay_the_same),
		cmocka_unit_test(a_banner_varies_by_decoy_and_never_echoes_junk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
