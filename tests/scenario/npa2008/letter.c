// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * letter.c - see letter.h.
 *
 * In:  recipients, size, mark. Out: header and body. Subjects are plain, in RFC 2047 (ISO-2022-JP, UTF-8, Big5), or
 * hostile: NUL, control characters, escape sequences, formulas of spreadsheets.
 */
#include "letter.h"
#include "marks.h"
#include "say.h"

#include <iconv.h>
#include <stdarg.h>

static const char *const words[] = { "price",  "watch",	  "offer",   "cheap", "today",	"account", "bonus",  "special",
				     "loan",   "rate",	  "stock",   "gain",  "doctor", "pills",   "online", "casino",
				     "invest", "members", "please",  "click", "here",	"now",	   "free",   "credit",
				     "home",   "degree",  "replica", "the",   "of",	"and" };

struct pen {
	struct letter *letter;
	struct random *random;
	const struct endpoint *decoy;
	const char *found_in; /* where the mark goes; NULL: nowhere */
	char mark[MARK_BYTES];
};

__attribute__((format(printf, 2, 3))) static void put(struct letter *letter, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf((char *)letter->bytes + letter->size, sizeof(letter->bytes) - letter->size, format,
			   arguments);
	va_end(arguments);
	if (length < 0 || letter->size + (size_t)length >= sizeof(letter->bytes))
		say_bad("plan", 0, "a mail is longer than %u bytes", LETTER_BYTES_MAX);
	letter->size += (size_t)length;
}

static bool here(const struct pen *pen, const char *place)
{
	return pen->found_in && !strcmp(pen->found_in, place);
}

static const char *word(struct random *random)
{
	return words[random_below(random, sizeof(words) / sizeof(words[0]))];
}

/* --- subjects --- */

/* An encoded word (RFC 2047) in base64; text is UTF-8. */
static void encoded_subject(struct letter *letter, const char *charset, const char *text)
{
	char in[200], out[400], base64[600], *from = in, *to = out;
	size_t left = strlen(text), room = sizeof(out);
	iconv_t converter = iconv_open(charset, "UTF-8");

	snprintf(in, sizeof(in), "%s", text);
	if (converter == (iconv_t)-1 || iconv(converter, &from, &left, &to, &room) == (size_t)-1 ||
	    iconv(converter, NULL, NULL, &to, &room) == (size_t)-1)
		say_failed("generate: iconv");
	iconv_close(converter);
	base64_text(out, (size_t)(to - out), base64);
	put(letter, "Subject: =?%s?B?%s?=\r\n", charset, base64);
	snprintf(letter->subject, sizeof(letter->subject), "%s", text);
}

static void hostile_subject(struct letter *letter, struct random *random)
{
	static const struct {
		const char *bytes;
		size_t length;
	} hostile[] = {
		{ "\x1b[2J\x1b]0;owned\x07 cheap watches", 26 },
		{ "free\0offer", 10 },
		{ "\x9b\x31m\xff\xfe\x80 sale", 11 },
		{ "a\bb\x7f\x01\x02 now", 10 },
	};
	size_t which = random_below(random, 4);

	put(letter, "Subject: ");
	memcpy(letter->bytes + letter->size, hostile[which].bytes, hostile[which].length);
	letter->size += hostile[which].length;
	put(letter, "\r\n");
	letter->subject_hostile = true;
}

static void formula_subject(struct letter *letter, struct random *random)
{
	static const char *const formulas[] = { "=HYPERLINK(\"http://x.example/\",\"click\")",
						"@SUM(1+9)*cmd|' /C calc'!A0", "+1+cmd|' /C calc'!A0", "-2+3" };

	snprintf(letter->subject, sizeof(letter->subject), "%s", formulas[random_below(random, 4)]);
	put(letter, "Subject: %s\r\n", letter->subject);
}

static void plain_subject(struct letter *letter, struct random *random)
{
	snprintf(letter->subject, sizeof(letter->subject), "%s %s %s %u", word(random), word(random), word(random),
		 random_below(random, 1000));
	put(letter, "Subject: %s\r\n", letter->subject);
}

static void write_subject(const struct pen *pen)
{
	static const char *const japanese[] = { "未承諾広告※ 出会い", "日本語の件名です", "無料 登録" };
	static const char *const chinese[] = { "免費 廣告", "電子郵件 名單", "特價 商品" };
	struct letter *letter = pen->letter;
	struct random *random = pen->random;
	uint32_t kind = random_below(random, 100);

	if (here(pen, "subject")) {
		snprintf(letter->subject, sizeof(letter->subject), "%s", pen->mark);
		if (random_chance(random, 400))
			encoded_subject(letter, "UTF-8", pen->mark);
		else
			put(letter, "Subject: %s\r\n", pen->mark);
	} else if (kind < 12) {
		encoded_subject(letter, "ISO-2022-JP", japanese[kind % 3]);
	} else if (kind < 20) {
		encoded_subject(letter, "BIG5", chinese[kind % 3]);
	} else if (kind < 26) {
		encoded_subject(letter, "UTF-8", japanese[kind % 3]);
	} else if (kind < 28) {
		hostile_subject(letter, random);
	} else if (kind < 30) {
		formula_subject(letter, random);
	} else {
		plain_subject(letter, random);
	}
}

/* --- header and body --- */

static void write_header(const struct pen *pen)
{
	struct letter *letter = pen->letter;
	struct random *random = pen->random;
	uint64_t id = random_next(random);

	put(letter, "Received: from %s ([203.0.113.%u]) by mail.%s.example; Thu, 1 Nov 2007 09:12:44 +0900\r\n",
	    word(random), random_below(random, 256), word(random));
	if (here(pen, "message_id"))
		put(letter, "Message-ID: <%s@%s.example>\r\n", pen->mark, word(random));
	else
		put(letter, "Message-ID: <%llx$%u@%s.example>\r\n", (unsigned long long)id,
		    random_below(random, 100000), word(random));
	put(letter, "From: \"%s %s\" <%s>\r\nTo: <%s>\r\n", word(random), word(random),
	    letter->mail_from[0] ? "sender@offer.example" : "",
	    here(pen, "rcpt_to") ? "undisclosed@offer.example" : letter->recipients[0]);
	write_subject(pen);
	put(letter, "Date: Thu, 1 Nov 2007 09:%02u:%02u +0900\r\n", random_below(random, 60), random_below(random, 60));
	if (here(pen, "header"))
		put(letter, "X-Mailer-Origin: %s\r\n", pen->mark);
	else
		put(letter, "X-Mailer: Microsoft Outlook Express 6.00.2800.1%03u\r\n", random_below(random, 1000));
	put(letter, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\n\r\n");
}

static void write_body(const struct pen *pen, size_t size)
{
	struct letter *letter = pen->letter;
	struct random *random = pen->random;
	uint32_t lines = 0;
	char near[MARK_BYTES];

	if (here(pen, "body"))
		put(letter, "%s\r\n", pen->mark);
	while (letter->size < size) {
		if (random_chance(random, 15)) /* a line that begins with a dot is stuffed on the wire */
			put(letter, ".%s\r\n", random_chance(random, 500) ? "" : word(random));
		if (!pen->found_in && lines == 3 && random_chance(random, 60)) {
			mark_near(random, pen->decoy, near);
			put(letter, "%s\r\n", near);
		}
		for (uint32_t i = random_between(random, 4, 11); i; i--)
			put(letter, "%s%c", word(random), i == 1 ? '.' : ' ');
		put(letter, "\r\n");
		lines++;
	}
}

static void write_envelope(const struct pen *pen)
{
	struct letter *letter = pen->letter;
	struct random *random = pen->random;

	if (here(pen, "helo"))
		snprintf(letter->helo, sizeof(letter->helo), "%s", pen->mark);
	else
		snprintf(letter->helo, sizeof(letter->helo), "%s-%u.%s.example", word(random),
			 random_below(random, 100), word(random));
	if (here(pen, "mail_from"))
		snprintf(letter->mail_from, sizeof(letter->mail_from), "%s@%s.example", pen->mark, word(random));
	else if (random_chance(random, 30))
		letter->mail_from[0] = 0; /* the null sender */
	else
		snprintf(letter->mail_from, sizeof(letter->mail_from), "%s%u@%s.example", word(random),
			 random_below(random, 10000), word(random));
}

static void write_letter(const struct pen *pen, size_t size)
{
	struct letter *letter = pen->letter;

	letter->size = 0;
	letter->subject_hostile = false;
	write_envelope(pen);
	write_header(pen);
	write_body(pen, size);
}

void letter_write(struct letter *letter, struct random *random, const struct endpoint *decoy, size_t size)
{
	struct pen pen = { .letter = letter, .random = random, .decoy = decoy };

	letter->found_in = letter->encoding = NULL;
	write_letter(&pen, size);
}

void letter_write_probe(struct letter *letter, struct random *random, const struct endpoint *decoy, size_t size,
			const char *found_in, const char *encoding)
{
	struct pen pen = { .letter = letter, .random = random, .decoy = decoy, .found_in = found_in };

	mark_make(random, encoding, decoy, pen.mark);
	letter->found_in = found_in;
	letter->encoding = encoding;
	if (!strcmp(found_in, "rcpt_to")) { /* the mailbox that it reports to holds the mark */
		char mailbox[LETTER_ADDRESS_BYTES];

		snprintf(mailbox, sizeof(mailbox), "%s", letter->recipients[0]);
		snprintf(letter->recipients[0], sizeof(letter->recipients[0]), "%.64s%.180s", pen.mark,
			 strchr(mailbox, '@'));
	}
	write_letter(&pen, size);
}

size_t letter_stuff(const struct letter *letter, uint8_t *wire)
{
	size_t at = 0;

	for (size_t i = 0; i < letter->size; i++) {
		if (letter->bytes[i] == '.' && (!i || letter->bytes[i - 1] == '\n'))
			wire[at++] = '.';
		wire[at++] = letter->bytes[i];
	}
	memcpy(wire + at, ".\r\n", 3);
	return at + 3;
}
