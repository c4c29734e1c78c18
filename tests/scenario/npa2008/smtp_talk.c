// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smtp_talk.c - see smtp_talk.h.
 *
 * In:  a letter. Out: both sides' lines; some clients pipeline.
 */
#include "smtp_talk.h"

#include <stdio.h>

#define LINE_BYTES 1200

static void say_line(struct stream *stream, const char *line)
{
	stream_say(stream, line, strlen(line));
}

static void ask(struct stream *stream, const char *line, const char *answer)
{
	say_line(stream, line);
	stream_answer_text(stream, answer);
}

void smtp_talk_hello(struct stream *stream, const char *helo)
{
	char line[LINE_BYTES];

	stream_answer_text(stream, "220 mail.relay.example ESMTP Postfix\r\n");
	if (random_chance(&stream->random, 500)) {
		snprintf(line, sizeof(line), "HELO %s\r\n", helo);
		ask(stream, line, "250 mail.relay.example\r\n");
	} else {
		snprintf(line, sizeof(line), "EHLO %s\r\n", helo);
		ask(stream, line, "250-mail.relay.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n");
	}
}

void smtp_talk_envelope(struct stream *stream, const struct letter *letter)
{
	bool pipelined = random_chance(&stream->random, 250);
	char lines[LETTER_RECIPIENTS * LINE_BYTES];
	int length = snprintf(lines, sizeof(lines), "MAIL FROM:<%s>\r\n", letter->mail_from);

	if (!pipelined)
		ask(stream, lines, "250 2.1.0 Ok\r\n");
	for (size_t i = 0; i < letter->recipient_count; i++) {
		if (!pipelined)
			length = 0;
		length += snprintf(lines + length, sizeof(lines) - (size_t)length, "RCPT TO:<%s>\r\n",
				   letter->recipients[i]);
		if (!pipelined)
			ask(stream, lines, "250 2.1.5 Ok\r\n");
	}
	if (pipelined)
		ask(stream, lines, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
}

static void begin_data(struct stream *stream)
{
	ask(stream, random_chance(&stream->random, 900) ? "DATA\r\n" : "data\r\n",
	    "354 End data with <CR><LF>.<CR><LF>\r\n");
}

void smtp_talk_data(struct stream *stream, const struct letter *letter)
{
	static uint8_t wire[2 * (LETTER_BYTES_MAX + 2048)];
	size_t length = letter_stuff(letter, wire);

	begin_data(stream);
	stream_say(stream, wire, length);
}

size_t smtp_talk_broken(struct stream *stream, const struct letter *letter)
{
	/* up to the end of a line: then the dots that were stuffed are counted easily */
	size_t size = letter->size / 2, stuffed = 0;
	static uint8_t wire[2 * (LETTER_BYTES_MAX + 2048)];

	while (size && letter->bytes[size - 1] != '\n')
		size--;
	letter_stuff(letter, wire);
	for (size_t i = 0; i < size; i++)
		stuffed += letter->bytes[i] == '.' && (!i || letter->bytes[i - 1] == '\n');
	begin_data(stream);
	stream_say(stream, wire, size + stuffed);
	return size;
}

void smtp_talk_quit(struct stream *stream)
{
	ask(stream, "QUIT\r\n", "221 2.0.0 Bye\r\n");
}

void smtp_talk_routes(struct stream *stream)
{
	char own[IP_TEXT_BYTES], line[LINE_BYTES];
	const char *const senders[] = { "antispam@[%s]", "", "antispam@example.com" };
	const char *const routes[] = { "relaytest@example.com",		 "relaytest%%example.com@[%s]",
				       "relaytest%%example.com",	 "\"relaytest@example.com\"",
				       "\"relaytest%%example.com\"",	 "relaytest@example.com@[%s]",
				       "\"relaytest@example.com\"@[%s]", "@[%s]:relaytest@example.com",
				       "example.com!relaytest",		 "example.com!relaytest@[%s]" };

	ip_text(&stream->server.ip, own);
	for (unsigned i = 0; i < 10; i++) {
		char address[300];

		ask(stream, "RSET\r\n", "250 2.0.0 Ok\r\n");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(address, sizeof(address), senders[i % 3], own);
		snprintf(line, sizeof(line), "MAIL FROM:<%s>\r\n", address);
		ask(stream, line, "250 2.1.0 Ok\r\n");
		snprintf(address, sizeof(address), routes[i], own);
#pragma GCC diagnostic pop
		snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", address);
		ask(stream, line, "250 2.1.5 Ok\r\n");
	}
}
