// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimic_smtp.c - a mail server that takes everything (RFC 5321): bytes to lines.
 *
 * In:  the client's bytes, on a mail port or in a tunnel to one. Out: answers, mails, credentials. Called by
 * conversation.c. smtp_command.c knows the commands, smtp_data.c the mails. Nothing is delivered anywhere.
 */
#include "protocols/secrets.h"
#include "protocols/smtp.h"
#include "protocols/sniff.h"

#include <stdio.h>

void smtp_enter_phase(struct smtp_state *state, enum smtp_phase phase)
{
	state->phase = (uint8_t)phase;
}

static enum sniff smtp_sniff(struct slice prefix)
{
	static const char *const greetings[] = { "HELO ",  "HELO\r", "HELO\n",	   "EHLO ",
						 "EHLO\r", "EHLO\n", "MAIL FROM:", "RCPT TO:" };
	enum sniff told = SNIFF_NO;

	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		enum sniff one = sniff_text(prefix, greetings[i]);

		if (one == SNIFF_YES)
			return SNIFF_YES;
		if (one == SNIFF_MORE)
			told = SNIFF_MORE;
	}
	return told;
}

/* A name that can stand in a banner: letters, digits, dots, hyphens, with a letter in it and a dot inside. */
static bool is_host_name(const char *name, size_t length)
{
	bool letter = false, dot = false;

	if (length < 3 || length > 253 || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		bool is_letter = (name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z';

		if (!is_letter && (name[i] < '0' || name[i] > '9') && name[i] != '.' && name[i] != '-')
			return false;
		letter |= is_letter;
		dot |= name[i] == '.' && i + 1 < length;
	}
	return letter && dot;
}

const char *smtp_host_name(struct turn *turn, char *text)
{
	static const char *const roles[] = { "mail", "mx", "smtp", "relay", "mta", "post", "mx1", "mail2" };
	static const char *const places[] = { "office", "corp", "intra", "main", "hq", "branch", "dc1", "lan1" };
	char asked[256];
	int32_t port;
	size_t length = turn_relay(turn, asked, sizeof(asked), &port);
	uint64_t hash;

	if (is_host_name(asked, length)) {
		memcpy(text, asked, length);
		text[length] = 0;
		return text;
	}
	hash = turn_decoy_hash(turn, slice_of(asked, length));
	snprintf(text, 256, "%s-%02x.%s.lan", roles[hash & 7], (unsigned int)(hash >> 8 & 0xff),
		 places[hash >> 16 & 7]);
	return text;
}

static void smtp_greet(struct turn *turn)
{
	char name[256];

	turn_sayf(turn, "220 %s ESMTP\r\n", smtp_host_name(turn, name));
	turn_delay(turn, 12, 60); /* no real server has looked the client up within 5 ms */
}

/* A line is whole, in pending and kept. */
static void take_line(struct turn *turn, struct smtp_state *state)
{
	uint8_t line[SMTP_LINE_MAX_BYTES];
	struct byte_queue *pending = turn_pending(turn);
	size_t length = byte_queue_peek(turn->chunks, pending, 0, line, sizeof(line));
	uint64_t position = turn_kept(turn) - length;
	bool too_long = state->line_too_long;

	byte_queue_clear(turn->chunks, pending);
	state->line_too_long = false;
	if (too_long) {
		turn_say(turn, slice_of_text("500 5.5.2 Error: line too long\r\n"));
		smtp_enter_phase(state, SMTP_COMMAND);
		return;
	}
	while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	smtp_command(turn, state, slice_of(line, length), position);
}

static size_t line_input(struct turn *turn, struct smtp_state *state, struct slice bytes)
{
	struct byte_queue *pending = turn_pending(turn);
	const uint8_t *end = memchr(bytes.bytes, '\n', bytes.length);
	size_t used = end ? (size_t)(end - bytes.bytes) + 1 : bytes.length;

	if (!state->line_too_long && used > SMTP_LINE_MAX_BYTES - pending->length) {
		/* Fill the line up first: then a secret in its beginning is blanked by the same rule however it was
		 * cut. */
		used = SMTP_LINE_MAX_BYTES - pending->length;
		end = NULL;
		if (!used) {
			uint8_t line[SMTP_LINE_MAX_BYTES];

			byte_queue_peek(turn->chunks, pending, 0, line, sizeof(line));
			if (smtp_blank_rest(turn, state, slice_of(line, sizeof(line)), turn_kept(turn) - sizeof(line)))
				turn_keep_no_more(turn); /* the rest of a secret could not be blanked */
			state->line_too_long = true;
			return line_input(turn, state, bytes);
		}
	}
	if (state->line_too_long)
		turn_keep(turn, slice_of(bytes.bytes, used));
	else if (turn_hold(turn, slice_of(bytes.bytes, used)))
		state->line_too_long = true;
	if (end)
		take_line(turn, state);
	return used;
}

static size_t smtp_input(struct turn *turn, struct slice bytes)
{
	struct smtp_state *state = turn_state(turn);

	if (state->phase == SMTP_DATA)
		return smtp_data_input(turn, state, bytes);
	if (state->phase == SMTP_BDAT) {
		size_t used = bytes.length < state->skip_bytes ? bytes.length : (size_t)state->skip_bytes;

		turn_keep(turn, slice_of(bytes.bytes, used));
		state->skip_bytes -= used;
		if (!state->skip_bytes)
			smtp_enter_phase(state, SMTP_COMMAND);
		return used;
	}
	if (state->may_be_tls && bytes.bytes[0] == 0x16) {
		turn_switch(turn, &mimic_tls);
		return 0;
	}
	state->may_be_tls = false;
	return line_input(turn, state, bytes);
}

static void smtp_end(struct turn *turn)
{
	struct smtp_state *state = turn_state(turn);
	uint8_t line[SMTP_LINE_MAX_BYTES];

	if (state->phase == SMTP_DATA) {
		smtp_data_end(turn, state, false);
	} else if (!state->line_too_long) {
		size_t length = byte_queue_peek(turn->chunks, turn_pending(turn), 0, line, sizeof(line));

		smtp_blank_rest(turn, state, slice_of(line, length), turn_kept(turn) - length);
	}
	smtp_forget_envelope(turn, state);
	byte_queue_clear(turn->chunks, &state->helo);
	byte_queue_clear(turn->chunks, &state->username);
}

const struct mimic_ops mimic_smtp = {
	.name = "smtp",
	.sniff = smtp_sniff,
	.greet = smtp_greet,
	.input = smtp_input,
	.end = smtp_end,
};
