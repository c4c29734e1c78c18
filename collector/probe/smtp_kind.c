// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smtp_kind.c - what a visitor wanted who spoke SMTP to the decoy itself: see smtp_kind.h.
 *
 * In:  the record of the conversation. Out: enum smtp_kind. Called by loader/load_access.c. Pure.
 *
 * Who looks for open relays asks for one recipient in all the ways that a badly kept server may take for its own, and
 * leaves before the mail: nmap's smtp-open-relay in 16, the services of the early 2000s in 8 to 20.
 */
#include "probe/smtp_kind.h"

#include "probe/smtp_path.h"

/* What is known of the conversation so far. Slices point into the payload. */
struct dialogue {
	const struct address *decoy;
	bool data, route, own_address, asked_again;
	struct slice sender; /* of the envelope in hand */
	bool has_recipient;
	struct slice recipient, recipient_sender; /* the last one, and whose it was */
	struct slice first, first_sender;	  /* the first one */
};

static bool equal(struct slice a, struct slice b)
{
	return a.length == b.length && (!a.length || !memcmp(a.bytes, b.bytes, a.length));
}

/* Text is the decoy's address, alone, in brackets, or as RFC 5321 writes IPv6 in them. */
static bool is_own(struct slice text, const struct address *decoy)
{
	char spelling[ADDRESS_TEXT_BYTES];
	struct address address;

	if (text.length && text.bytes[0] == '[')
		text = slice_of(text.bytes + 1, text.length - 1);
	if (smtp_begins(text, "IPv6:"))
		text = slice_of(text.bytes + 5, text.length - 5);
	if (!text.length || text.length >= sizeof(spelling))
		return false;
	memcpy(spelling, text.bytes, text.length);
	spelling[text.length] = 0;
	return !address_parse(spelling, &address) && address_equal(&address, decoy);
}

/* Is one of the hosts in an address, or in a route, the decoy's own address? */
static bool names_own(struct slice path, const struct address *decoy)
{
	for (size_t i = 0; i < path.length; i++) {
		bool literal = i + 1 < path.length && path.bytes[i + 1] == '[';
		size_t end = i + 1;

		if (path.bytes[i] != '@' && path.bytes[i] != '%')
			continue;
		while (end < path.length && path.bytes[end] != (literal ? ']' : '@') &&
		       (literal || (path.bytes[end] != '%' && path.bytes[end] != ',' && path.bytes[end] != '"' &&
				    (path.bytes[end] != ':' || decoy->ipv6))))
			end++;
		if (is_own(slice_of(path.bytes + i + 1, end - i - 1), decoy))
			return true;
		if (literal)
			i = end;
	}
	return false;
}

/* A recipient that tells how to get to another host than that behind its last '@'. */
static bool is_route(struct slice path)
{
	bool quoted = false, within = false; /* within: a sign of a route before the end or an '@' */
	unsigned int ats = 0;

	if (path.length && path.bytes[0] == '@')
		return true;
	for (size_t i = 0; i < path.length; i++) {
		uint8_t byte = path.bytes[i];

		if (byte == '\\') {
			i++;
		} else if (byte == '"') {
			quoted = !quoted;
		} else if (byte == '@' && !quoted) {
			ats++;
		} else if (byte == '@' || ((byte == '%' || byte == '!') && !ats)) {
			within |= i > 0 && i + 1 < path.length && path.bytes[i - 1] != '"' &&
				  path.bytes[i + 1] != '"' && path.bytes[i + 1] != '@';
		}
	}
	return within || ats > 1;
}

static void take_sender(struct dialogue *dialogue, struct slice sender)
{
	dialogue->sender = sender;
	dialogue->own_address |= names_own(sender, dialogue->decoy);
}

static void take_recipient(struct dialogue *dialogue, struct slice recipient)
{
	dialogue->own_address |= names_own(recipient, dialogue->decoy);
	dialogue->route |= is_route(recipient);
	if (!dialogue->has_recipient) {
		dialogue->first = recipient;
		dialogue->first_sender = dialogue->sender;
		dialogue->has_recipient = true;
	} else {
		dialogue->asked_again |=
			(equal(recipient, dialogue->first) && !equal(dialogue->sender, dialogue->first_sender)) ||
			(equal(recipient, dialogue->recipient) && !equal(dialogue->sender, dialogue->recipient_sender));
	}
	dialogue->recipient = recipient;
	dialogue->recipient_sender = dialogue->sender;
}

/* BDAT announces bytes of a mail; they follow, so what is behind it is no command for sure. */
static bool announces_bytes(struct slice argument)
{
	while (argument.length && argument.bytes[0] == '0')
		argument = slice_of(argument.bytes + 1, argument.length - 1);
	return argument.length && argument.bytes[0] > '0' && argument.bytes[0] <= '9';
}

static void take_command(struct dialogue *dialogue, struct slice line)
{
	struct slice path, rest, argument = slice_of(line.bytes, 0);

	if (line.length > 4)
		argument = smtp_trim(slice_of(line.bytes + 4, line.length - 4));
	if (smtp_begins(line, "MAIL") && smtp_read_path(argument, "FROM", &path, &rest))
		take_sender(dialogue, path);
	else if (smtp_begins(line, "RCPT") && smtp_read_path(argument, "TO", &path, &rest) && path.length)
		take_recipient(dialogue, path);
	else if (smtp_begins(line, "BDAT") && announces_bytes(argument))
		dialogue->data = true;
}

enum smtp_kind smtp_kind(const struct record_access *access)
{
	struct dialogue dialogue = { .decoy = &access->endpoints.decoy, .data = access->mails > 0 };
	struct slice rest = access->payload;

	while (rest.length && !dialogue.data) {
		const uint8_t *end = memchr(rest.bytes, '\n', rest.length);
		size_t length = end ? (size_t)(end - rest.bytes) : rest.length;
		struct slice line = slice_of(rest.bytes, length);

		length += end != NULL;
		rest = slice_of(rest.bytes + length, rest.length - length);
		while (line.length && line.bytes[line.length - 1] == '\r')
			line.length--;
		take_command(&dialogue, smtp_trim(line));
	}
	if (dialogue.data)
		return SMTP_KIND_mail;
	return dialogue.route || dialogue.own_address || dialogue.asked_again ? SMTP_KIND_relay_test : SMTP_KIND_other;
}
