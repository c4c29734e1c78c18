// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe.c - what was found in the parts of a mail, and the fields of its header: see probe.h.
 *
 * In:  parts of a mail. Out: struct probe_finding. Called by protocols/smtp_data.c. Pure.
 */
#include "probe/probe.h"

#include <strings.h>

#include "probe/words.h"

bool probe_wants(const struct probe_finding *finding, enum probe_place place)
{
	return !finding->place || place < finding->place ||
	       (place == finding->place && finding->encoding != PROBE_ENCODING_dotted);
}

void probe_note(struct probe_finding *finding, enum probe_place place, uint8_t encoding)
{
	if (!encoding)
		return;
	if (!finding->place || place < finding->place || (place == finding->place && encoding < finding->encoding)) {
		finding->place = (uint8_t)place;
		finding->encoding = encoding;
	}
}

void probe_text(struct scan_decoy *decoy, struct probe_finding *finding, enum probe_place place, struct slice text)
{
	if (text.length && probe_wants(finding, place))
		probe_note(finding, place, scan_text(decoy, text));
}

/* A field of a header block with its continuation lines: where it begins and ends, and what it is. */
struct field {
	size_t from, until;
	enum probe_place place;
	bool encoded; /* it holds what looks like an encoded word */
};

/* A line that goes on with the one before it. */
static bool continues(struct slice header, size_t line)
{
	return header.bytes[line] == ' ' || header.bytes[line] == '\t';
}

/* The field's name begins with a letter and has a colon behind it; else the line is none. */
static enum probe_place place_of(struct slice field)
{
	static const struct {
		const char *name;
		enum probe_place place;
	} names[] = { { "subject", PROBE_PLACE_subject }, { "message-id", PROBE_PLACE_message_id } };
	size_t name = 0, colon;

	while (name < field.length && field.bytes[name] > ' ' && field.bytes[name] < 0x7f && field.bytes[name] != ':')
		name++;
	for (colon = name; colon < field.length && (field.bytes[colon] == ' ' || field.bytes[colon] == '\t');)
		colon++;
	if (!name || (field.bytes[0] | 0x20) < 'a' || (field.bytes[0] | 0x20) > 'z' || colon == field.length ||
	    field.bytes[colon] != ':')
		return PROBE_PLACE_body;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name == strlen(names[i].name) && !strncasecmp((const char *)field.bytes, names[i].name, name))
			return names[i].place;
	return PROBE_PLACE_header;
}

/* The field in which a position lies. */
static struct field field_at(struct slice header, size_t position)
{
	struct field field = { .from = position, .until = position };
	struct slice text;

	for (;;) {
		while (field.from && header.bytes[field.from - 1] != '\n')
			field.from--;
		if (!field.from || !continues(header, field.from))
			break;
		field.from--;
	}
	do {
		const uint8_t *end = memchr(header.bytes + field.until, '\n', header.length - field.until);

		field.until = end ? (size_t)(end - header.bytes) + 1 : header.length;
	} while (field.until < header.length && continues(header, field.until));
	text = slice_of(header.bytes + field.from, field.until - field.from);
	field.place = place_of(text);
	field.encoded = memmem(text.bytes, text.length, "=?", 2) != NULL;
	return field;
}

/* All fields as they were sent, but for those with encoded words. */
static void look_at_plain(struct scan_decoy *decoy, struct probe_finding *finding, struct slice header)
{
	struct field field = { 0 };
	size_t at = 0;

	while (at < header.length) {
		at = scan_candidate(decoy, header, at, header.length);
		if (at + (decoy->token.port_length > 1) >= header.length)
			return;
		if (at >= field.until)
			field = field_at(header, at);
		if (field.encoded) {
			at = field.until;
			continue;
		}
		if (probe_wants(finding, field.place))
			probe_note(finding, field.place,
				   scan_at(decoy, slice_of(header.bytes + field.from, field.until - field.from),
					   at - field.from));
		at++;
	}
}

/* The fields with encoded words, decoded. */
static void look_at_encoded(struct scan_decoy *decoy, struct probe_finding *finding, struct slice header,
			    uint8_t *scratch)
{
	size_t at = 0;

	while (at < header.length) {
		const uint8_t *mark = memchr(header.bytes + at, '=', header.length - at);
		struct field field;
		struct slice text;

		if (!mark)
			return;
		at = (size_t)(mark - header.bytes) + 1;
		if (at == header.length || header.bytes[at] != '?')
			continue;
		field = field_at(header, at);
		at = field.until;
		text = slice_of(header.bytes + field.from, field.until - field.from);
		if (probe_wants(finding, field.place))
			probe_text(decoy, finding, field.place, slice_of(scratch, words_decode(text, scratch)));
	}
}

void probe_header(struct scan_decoy *decoy, struct probe_finding *finding, struct slice header, uint8_t *scratch)
{
	look_at_plain(decoy, finding, header);
	look_at_encoded(decoy, finding, header, scratch);
}
