// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe_mail.c - a mail that goes through the mail server leaves a record that says where it names the decoy, and how.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "visit.h"

#define TOKEN "203.0.113.10:1080"
#define BASE64 "MjAzLjAuMTEzLjEwOjEwODA="
#define PLAIN "Subject: hi\r\nMessage-ID: <1@h>\r\n\r\nwords\r\n"

static const struct sent {
	const char *helo, *from, *to, *content;
	uint8_t place, encoding;
} mails[] = {
	{ "x", "a@b", "<c@d>", PLAIN, 0, 0 },
	{ "x", "a@b", "<c@d>", "Subject: " TOKEN "\r\n\r\nhi\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "Subject: =?utf-8?B?" BASE64 "?=\r\n\r\nhi\r\n", PROBE_PLACE_subject, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "Subject: hi\r\n\r\n" TOKEN "\r\n", PROBE_PLACE_body, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "Subject: hi\r\n\r\n" TOKEN "\n", PROBE_PLACE_body, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "Subject: hi\r\n\r\n." TOKEN "\r\n", PROBE_PLACE_body, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "S: hi\n\n1CB00710A:1080:6\n", PROBE_PLACE_body, PROBE_ENCODING_hex },
	{ "x", "a@b", "<c@d>", "1CB00710A:1080:6\r\n", PROBE_PLACE_body, PROBE_ENCODING_hex },
	{ "x", "a@b", "<c@d>", "Content-Transfer-Encoding: base64\r\n\r\nMjAzLjAu\r\nMTEzLjEw\r\nOjEwODA=\r\n", PROBE_PLACE_body,
	  PROBE_ENCODING_base64 },
	{ "x", "a@b", "<c@d>", "Content-Transfer-Encoding: quoted-printable\r\n\r\n203.0.113.10=\r\n=3A1080\r\n", PROBE_PLACE_body,
	  PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "Message-ID: <3405803786.1080@h>\r\n\r\nhi\r\n", PROBE_PLACE_message_id, PROBE_ENCODING_decimal },
	{ "10.113.0.203-1080", "a@b", "<c@d>", PLAIN, PROBE_PLACE_helo, PROBE_ENCODING_reversed },
	{ "x", BASE64 "@b", "<c@d>", PLAIN, PROBE_PLACE_mail_from, PROBE_ENCODING_base64 },
	{ "x", "a@b", "<cb00710a_1080@d>", PLAIN, PROBE_PLACE_rcpt_to, PROBE_ENCODING_hex },
	{ "x", "a@b", "<c@d>\r\nRCPT TO:<e@f>\r\nRCPT TO:<" TOKEN "@d>", PLAIN, PROBE_PLACE_rcpt_to, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "X-Via: " TOKEN "\r\n" PLAIN, PROBE_PLACE_header, PROBE_ENCODING_dotted },
	{ "x", "a@b", "<c@d>", "X-Via: " TOKEN, PROBE_PLACE_header, PROBE_ENCODING_dotted }, /* no line is empty: no body */
	{ TOKEN, TOKEN "@b", "<" TOKEN "@d>", "X-Via: " TOKEN "\r\n\r\nsee " BASE64 "\r\n", PROBE_PLACE_body, PROBE_ENCODING_base64 },
	{ "203.0.113.10", "203.0.113.10@1080", "<1080@203.0.113.10>", "Subject: 203.0.113.10\r\n\r\n203.0.113.10:3128, :1080\r\n", 0, 0 },
	{ "203.0.113.11:1080", "a@b", "<c@d>", "Subject: 203.0.113.1:1080\r\n\r\n203.0.113.10:10800 1203.0.113.10:1080\r\n", 0, 0 },
};

#define TUNNEL "CONNECT mx.example:25 HTTP/1.0\r\n\r\n"

static struct visit *send_mail(const struct sent *mail, unsigned int cut, const char *end)
{
	struct visit *visit = visit_open(1080);
	char text[4096];

	snprintf(text, sizeof(text), TUNNEL "HELO %s\r\nMAIL FROM:<%s>\r\nRCPT TO:%s\r\nDATA\r\n%s%s", mail->helo, mail->from, mail->to,
		 mail->content, end);
	visit_begin(visit);
	visit_say_cut(visit, slice_of_text(text), cut);
	visit_end(visit);
	return visit;
}

static void places_and_spellings_reach_the_record(void **state)
{
	struct record record;

	(void)state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		for (unsigned int cut = 0; cut < 12; cut++) {
			struct visit *visit = send_mail(&mails[i], cut, strchr(mails[i].content, '\n') ? ".\r\n" : "\r\n.\r\n");

			assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
			if (record.mail.probe_place != mails[i].place)
				print_message("mail %zu, cut %u\n", i, cut);
			assert_int_equal(record.mail.probe_place, mails[i].place);
			assert_int_equal(record.mail.probe_encoding, mails[i].encoding);
			visit_close(visit);
		}
	}
}

static void a_mail_that_broke_off_is_no_probe(void **state)
{
	struct visit *visit = send_mail(&mails[1], 0, "");
	struct record record;

	(void)state;
	assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
	assert_false(record.mail.complete);
	assert_int_equal(record.mail.probe_place, 0);
	visit_close(visit);
}

/* Two mails in one conversation: what was found in one is not said of the other. */
static void each_mail_is_judged_by_itself(void **state)
{
	struct visit *visit = visit_open(1080);
	struct record record;

	(void)state;
	visit_begin(visit);
	visit_say(visit, TUNNEL "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n" TOKEN "\r\n.\r\n"
				"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n:1080\r\n.\r\n"
				"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n203.0.113.10\r\n.\r\n");
	visit_end(visit);
	assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
	assert_int_equal(record.mail.probe_place, PROBE_PLACE_body);
	for (unsigned int i = 1; i < 3; i++) {
		assert_true(visit_record(visit, RECORD_MAIL, i, &record));
		assert_int_equal(record.mail.probe_place, 0);
	}
	visit_close(visit);
}

/* A long body: the token at each place around the borders of its parts. */
static void borders_of_parts_hide_nothing(void **state)
{
	enum { BODY = 13000 };
	static const char *const tokens[] = { TOKEN, BASE64, "203.0.=\r\n113.10=3A1080", "MjAzLjAu\r\nMTEzLjEw\r\nOjEwODA=" };
	static char text[BODY + 512];
	const char head[] = TUNNEL "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: hi\r\n\r\n";

	(void)state;
	for (size_t t = 0; t < sizeof(tokens) / sizeof(tokens[0]); t++) {
		for (size_t at = 7900; at < 8200; at++) {
			struct visit *visit = visit_open(1080);
			struct record record;
			char *body = text + sizeof(head) - 1;

			memcpy(text, head, sizeof(head) - 1);
			for (size_t i = 0; i < BODY; i++)
				body[i] = "and so on it goes, for many lines.\r\n"[i % 36];
			body[at - 2] = '\r';
			body[at - 1] = '\n';
			memcpy(body + at, tokens[t], strlen(tokens[t]));
			memcpy(body + at + strlen(tokens[t]), "\r\n", 2);
			memcpy(body + BODY, "\r\n.\r\n", 6);
			visit_begin(visit);
			visit_say_cut(visit, slice_of_text(text), at % 3 ? (unsigned int)at : 0);
			visit_end(visit);
			assert_true(visit_record(visit, RECORD_MAIL, 0, &record));
			assert_true(record.mail.complete);
			assert_int_equal(record.mail.probe_place, PROBE_PLACE_body);
			assert_int_equal(record.mail.probe_encoding, t & 1 ? PROBE_ENCODING_base64 : PROBE_ENCODING_dotted);
			visit_close(visit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_and_spellings_reach_the_record),
		cmocka_unit_test(a_mail_that_broke_off_is_no_probe),
		cmocka_unit_test(each_mail_is_judged_by_itself),
		cmocka_unit_test(borders_of_parts_hide_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
