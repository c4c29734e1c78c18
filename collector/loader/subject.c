// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subject.c - the subject out of a mail's header block, decoded.
 *
 * In:  a header block as a stranger sent it. Out: clean UTF-8. Called by load_mail.c, in the loader only: gmime is
 * never linked into the responder.
 */
#include "loader/subject.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <strings.h>

#include "loader/encoded_words.h"
#include "loader/text_clean.h"

struct subject_decoder {
	GMimeParserOptions *options;
	char raw[SUBJECT_RAW_MAX_BYTES + 1], joined[SUBJECT_RAW_MAX_BYTES + 1];
	uint8_t text[SUBJECT_TEXT_MAX_BYTES];
};

struct subject_decoder *subject_decoder_new(void)
{
	static const char *charsets[] = { "utf-8", "windows-1252", NULL };
	struct subject_decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return NULL;
	g_mime_init();
	decoder->options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(decoder->options, charsets);
	g_mime_parser_options_set_rfc2047_compliance_mode(decoder->options, GMIME_RFC_COMPLIANCE_LOOSE);
	return decoder;
}

void subject_decoder_free(struct subject_decoder *decoder)
{
	if (!decoder)
		return;
	g_mime_parser_options_free(decoder->options);
	free(decoder);
}

/* The line at the front of *rest without its end; *rest moves behind it. */
static struct slice next_line(struct slice *rest)
{
	const uint8_t *end = memchr(rest->bytes, '\n', rest->length);
	size_t length = end ? (size_t)(end - rest->bytes) : rest->length;
	struct slice line = slice_of(rest->bytes, length);

	rest->bytes += length + (end ? 1 : 0);
	rest->length -= length + (end ? 1 : 0);
	if (line.length && line.bytes[line.length - 1] == '\r')
		line.length--;
	return line;
}

/* Drops the field's name and colon from the line; false where it is another field. */
static bool is_subject(struct slice *line)
{
	static const char name[] = "subject";
	size_t at = sizeof(name) - 1;

	if (line->length <= at || strncasecmp((const char *)line->bytes, name, at))
		return false;
	while (at < line->length && (line->bytes[at] == ' ' || line->bytes[at] == '\t'))
		at++;
	if (at == line->length || line->bytes[at] != ':')
		return false;
	line->bytes += at + 1;
	line->length -= at + 1;
	return true;
}

/* Appends bytes to raw as far as they go. A NUL would end the text for gmime and a tab is how lines are folded: blanks
 * here. */
static size_t append_raw(struct subject_decoder *decoder, size_t length, struct slice bytes)
{
	for (size_t i = 0; i < bytes.length && length < SUBJECT_RAW_MAX_BYTES; i++)
		decoder->raw[length++] = (char)(bytes.bytes[i] && bytes.bytes[i] != '\t' ? bytes.bytes[i] : ' ');
	return length;
}

/* The field's text, unfolded, in raw: its length, or -1 where there is no such field. */
static ssize_t find_subject(struct subject_decoder *decoder, struct slice header)
{
	while (header.length) {
		struct slice line = next_line(&header);
		size_t length;

		if (!line.length)
			return -1; /* the end of the header */
		if (!is_subject(&line))
			continue;
		length = append_raw(decoder, 0, line);
		while (header.length && (header.bytes[0] == ' ' || header.bytes[0] == '\t'))
			length = append_raw(decoder, length, next_line(&header));
		return (ssize_t)length;
	}
	return -1;
}

/* Raw ISO-2022-JP (RFC 1468), as mailers in Japan sent it without encoding: all 7 bits, shifted by these escapes. */
static bool is_iso_2022_jp(const char *raw)
{
	return strstr(raw, "\033$B") || strstr(raw, "\033$@") || strstr(raw, "\033(J");
}

static char *decode_raw(struct subject_decoder *decoder)
{
	if (is_iso_2022_jp(decoder->raw)) {
		char *converted =
			g_convert_with_fallback(decoder->raw, -1, "UTF-8", "ISO-2022-JP", "?", NULL, NULL, NULL);

		if (converted)
			return converted;
	}
	encoded_words_join(decoder->raw, decoder->joined, sizeof(decoder->joined));
	return g_mime_utils_header_decode_text(decoder->options, decoder->joined);
}

bool subject_decode(struct subject_decoder *decoder, struct slice header, struct slice *text)
{
	ssize_t length = find_subject(decoder, header);
	struct slice clean;
	char *decoded;

	if (length < 0)
		return false;
	decoder->raw[length] = 0;
	decoded = decode_raw(decoder);
	clean = slice_of(decoded, decoded ? strlen(decoded) : 0);
	while (clean.length && (clean.bytes[0] == ' ' || clean.bytes[0] == '\t')) {
		clean.bytes++;
		clean.length--;
	}
	while (clean.length && (clean.bytes[clean.length - 1] == ' ' || clean.bytes[clean.length - 1] == '\t'))
		clean.length--;
	if (TEXT_CLEAN_MAX_BYTES(clean.length) > sizeof(decoder->text))
		clean.length = sizeof(decoder->text) / TEXT_CLEAN_MAX_BYTES(1);
	*text = slice_of(decoder->text, text_clean(clean, decoder->text));
	g_free(decoded);
	return true;
}
