// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe_smtp_kind.c - what a direct SMTP dialogue was about: relay testers as they are, mailers, the rest.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "probe/smtp_kind.h"
#include "visit.h"

#define DECOY "203.0.113.10" /* that of visit.h */

/* Says the dialogue to the mail server, and judges the record that comes of it, as the loader does. */
static void check_visit(const char *says, enum smtp_kind expected)
{
	for (unsigned int cut = 0; cut < 2; cut++) {
		struct visit *visit = visit_open(25);

		visit_begin(visit);
		visit_say_cut(visit, slice_of_text(says), cut);
		visit_end(visit);
		visit->access.endpoints = visit->endpoints;
		if (smtp_kind(&visit->access) != expected)
			print_message("kind %d, not %d: %s\n", (int)smtp_kind(&visit->access), (int)expected, says);
		assert_int_equal(smtp_kind(&visit->access), expected);
		visit_close(visit);
	}
}

#define TO(sender, recipient) "RSET\r\nMAIL FROM:<" sender ">\r\nRCPT TO:<" recipient ">\r\n"
#define OWN "antispam@[" DECOY "]"

/* nmap's smtp-open-relay, all that it sends where every command is accepted. */
static const char nmap[] =
	"EHLO nmap.scanme.org\r\n"
	TO("", "relaytest@nmap.scanme.org")
	TO("antispam@nmap.scanme.org", "relaytest@nmap.scanme.org")
	TO("antispam@mail.example", "relaytest@nmap.scanme.org")
	TO(OWN, "relaytest@nmap.scanme.org")
	TO(OWN, "relaytest%nmap.scanme.org@[" DECOY "]")
	TO(OWN, "relaytest%nmap.scanme.org@mail.example")
	TO(OWN, "\"relaytest@nmap.scanme.org\"")
	TO(OWN, "\"relaytest%nmap.scanme.org\"")
	TO(OWN, "relaytest@nmap.scanme.org@[" DECOY "]")
	TO(OWN, "\"relaytest@nmap.scanme.org\"@[" DECOY "]")
	TO(OWN, "relaytest@nmap.scanme.org@mail.example")
	TO(OWN, "@[" DECOY "]:relaytest@nmap.scanme.org")
	TO(OWN, "@mail.example:relaytest@nmap.scanme.org")
	TO(OWN, "nmap.scanme.org!relaytest")
	TO(OWN, "nmap.scanme.org!relaytest@[" DECOY "]")
	TO(OWN, "nmap.scanme.org!relaytest@mail.example")
	"QUIT\r\n";

static void relay_testers_are_told(void **state)
{
	static const char *const recipients[] = {
		"u%a.example@b.example", "u%a.example@[198.51.100.1]", "a.example!u", "a.example!u@b.example",
		"@a.example:u@b.example", "@a.example,@b.example:u@c.example", "\"u@a.example\"", "\"u%a.example\"@b.example",
		"\"u@a.example\"@b.example", "u@a.example@b.example", "u@[" DECOY "]", "u@" DECOY, "u%" DECOY "@b.example",
		"@[" DECOY "]:u@a.example",
	};
	static const char *const senders[] = { "spamtest@[" DECOY "]", "spamtest@" DECOY, "@" DECOY ":a@b.example" };
	char text[512];

	(void)state;
	check_visit(nmap, SMTP_KIND_relay_test);
	check_visit("HELO x\r\n" TO("nobody@mail-abuse.example", "nobody@mail-abuse.example")
		    TO("spamtest@localhost", "nobody@mail-abuse.example") TO("spamtest", "nobody@mail-abuse.example"), SMTP_KIND_relay_test);
	check_visit("HELO x\r\n" TO("a@b.example", "c@d.example") TO("a@b.example", "e@f.example") TO("g@h.example", "c@d.example"),
		    SMTP_KIND_relay_test);
	check_visit("HELO x\r\n" TO("a@b.example", "e@f.example") TO("a@b.example", "c@d.example") TO("g@h.example", "c@d.example"),
		    SMTP_KIND_relay_test);
	for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
		snprintf(text, sizeof(text), "HELO x\r\nMAIL FROM:<s@t.example>\r\nRCPT TO:<%s>\r\nQUIT\r\n", recipients[i]);
		check_visit(text, SMTP_KIND_relay_test);
		snprintf(text, sizeof(text), "helo x\nmail from: s@t.example\nrcpt to: %s\n", recipients[i]);
		check_visit(text, SMTP_KIND_relay_test);
		/* A mail was sent: then it is one. */
		snprintf(text, sizeof(text), "HELO x\r\nMAIL FROM:<s@t.example>\r\nRCPT TO:<%s>\r\nDATA\r\nhi\r\n.\r\n", recipients[i]);
		check_visit(text, SMTP_KIND_mail);
	}
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		snprintf(text, sizeof(text), "EHLO x\r\nMAIL FROM:<%s>\r\nRCPT TO:<u@a.example>\r\n", senders[i]);
		check_visit(text, SMTP_KIND_relay_test);
	}
}

static void mails_are_mails(void **state)
{
	(void)state;
	check_visit("HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n", SMTP_KIND_mail);
	check_visit("HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nbroken o", SMTP_KIND_mail);
	check_visit("HELO x\r\n" TO("a@[" DECOY "]", "c%d.example@e.example") "DATA\r\n.\r\n", SMTP_KIND_mail);
	check_visit("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 4 LAST\r\nhi\r\n", SMTP_KIND_mail);
}

static void the_rest_is_other(void **state)
{
	static const char *const texts[] = {
		"EHLO x\r\n",
		"HELO " DECOY "\r\nQUIT\r\n", /* many mailers greet with the server's address */
		"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nQUIT\r\n", /* a callout */
		"HELO x\r\n" TO("a@b.example", "c@d.example") TO("a@b.example", "c@d.example"), /* tried again */
		"HELO x\r\n" TO("a@b.example", "c@d.example") TO("a@b.example", "e@d.example") TO("a@b.example", "f@d.example"),
		"HELO x\r\nMAIL FROM:<bounce+c=d.example@b.example>\r\nRCPT TO:<c+tag@d.example>\r\n",
		"HELO x\r\nMAIL FROM:<a@[203.0.113.11]>\r\nRCPT TO:<c@[203.0.113.1]>\r\n",
		"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<\"c d\"@e.example>\r\n",
		"HELO x\r\nMAIL FROM:<a%b.example@c.example>\r\nRCPT TO:<c@d.example>\r\n",
		"HELO x\r\nVRFY user%a@b\r\nEXPN @a:b@c\r\n",
		"EHLO x\r\nAUTH LOGIN\r\nUkNQVCBUTzo8YSViQGM+\r\nUkNQVCBUTzo8YSViQGM+\r\n",
		"HELO x\r\nDATA\r\nMAIL FROM:\r\nRCPT TO:\r\n",
		"HELO x\r\nMAIL FROM:<a@b>\r\nBDAT 0\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_visit(texts[i], SMTP_KIND_other);
}

static void ipv6_decoys_have_an_own_address_too(void **state)
{
	static const struct {
		const char *text;
		enum smtp_kind kind;
	} texts[] = {
		{ "MAIL FROM:<a@[IPv6:2001:db8::10]>\r\n", SMTP_KIND_relay_test },
		{ "MAIL FROM:<a@[2001:DB8:0:0::10]>\r\n", SMTP_KIND_relay_test },
		{ "MAIL FROM:<a@2001:db8::10>\r\n", SMTP_KIND_relay_test },
		{ "MAIL FROM:<a@[IPv6:2001:db8::11]>\r\nRCPT TO:<b@c>", SMTP_KIND_other },
	};
	struct record_access access = { 0 };

	(void)state;
	assert_int_equal(address_parse("2001:db8::10", &access.endpoints.decoy), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		access.payload = slice_of_text(texts[i].text);
		assert_int_equal(smtp_kind(&access), texts[i].kind);
	}
}

/* Any bytes, in memory of exactly their size: nothing is read past, nothing hangs. */
static void any_bytes_do_no_harm(void **state)
{
	static const char *const words[] = { "MAIL FROM:", "RCPT TO:", "BDAT ", "<", ">", "@", "%", "[", "]", "\"", "\\", "\r\n", "\n",
					     ":", ",", "99999999999999999999999", "7", DECOY, "IPv6:", "a" };
	unsigned int seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		struct record_access access = { 0 };
		char text[512];
		uint8_t *copy;
		size_t length = 0;

		for (int i = rand_r(&seed) % 20; i >= 0; i--)
			length += (size_t)snprintf(text + length, 64, "%s", words[(unsigned int)rand_r(&seed) % (sizeof(words) / sizeof(words[0]))]);
		copy = malloc(length ? length : 1);
		assert_non_null(copy);
		memcpy(copy, text, length);
		access.payload = slice_of(copy, length);
		assert_in_range(smtp_kind(&access), 0, SMTP_KIND_COUNT - 1);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relay_testers_are_told),
		cmocka_unit_test(mails_are_mails),
		cmocka_unit_test(the_rest_is_other),
		cmocka_unit_test(ipv6_decoys_have_an_own_address_too),
		cmocka_unit_test(any_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
