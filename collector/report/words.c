/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * words.c - see words.h.
 *
 * In:  text and numbers. Out: text. Looks at no locale: what a report says does not depend on who reads it.
 */
#include "report/words.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range {
	uint32_t first, last;
};

/* What a terminal obeys, or a reader can't see: shown by number. */
static const struct range unsafe[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },   { 0x061c, 0x061c },    { 0x180e, 0x180e },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0xd800, 0xdfff },    { 0xe000, 0xf8ff },
	{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff }, { 0xf0000, 0x10ffff },
};

/* Marks that stand on the character before them. */
static const struct range narrow[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f },
	{ 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

/* East Asian wide and full-width characters, and emoji: two columns. */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0x303e },	  { 0x3041, 0x33ff },	{ 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 },	  { 0xf900, 0xfaff },	{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool within(uint32_t point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	}
	return false;
}

size_t words_read_point(const char *text, uint32_t *point)
{
	const uint8_t *at = (const uint8_t *)text;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *at < 0x80		    ? 1
			: *at >= 0xc2 && *at < 0xe0 ? 2
			: *at >= 0xe0 && *at < 0xf0 ? 3
			: *at >= 0xf0 && *at < 0xf5 ? 4
						    : 0;

	if (length < 2) {
		*point = *at;
		return length;
	}
	*point = *at & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (at[i] & 0x3fu);
	}
	return *point >= least[length] && *point <= 0x10ffff ? length : 0;
}

bool words_is_unsafe(uint32_t point)
{
	return within(point, unsafe, COUNT(unsafe));
}

size_t words_escape(uint32_t point, char to[16])
{
	return (size_t)snprintf(to, 16, point > 0xff ? "\\u{%x}" : "\\x%02x", (unsigned)point);
}

static size_t point_width(uint32_t point)
{
	return within(point, narrow, COUNT(narrow)) ? 0 : within(point, wide, COUNT(wide)) ? 2 : 1;
}

size_t words_width(const char *text)
{
	size_t width = 0, length;
	uint32_t point;

	for (const char *at = text; *at; at += length ? length : 1) {
		length = words_read_point(at, &point);
		width += length ? point_width(point) : 1;
	}
	return width;
}

char *words_defuse(const char *text, size_t width_max)
{
	/* a character becomes at most \u{10ffff}; what is kept is bounded by width_max, but for marks without width */
	size_t room = strlen(text) * 10 + 8, used = 0, width = 0, cut = 0, length;
	char *safe = malloc(room), piece[16];
	uint32_t point;

	if (!safe)
		return NULL;
	for (const char *at = text; *at; at += length ? length : 1) {
		size_t piece_bytes, piece_width;

		length = words_read_point(at, &point);
		if (!length)
			point = (uint8_t)*at;
		if (length && !words_is_unsafe(point)) {
			memcpy(piece, at, length);
			piece_bytes = length;
			piece_width = point_width(point);
		} else {
			piece_bytes = words_escape(point, piece);
			piece_width = piece_bytes;
		}
		if (width + piece_width > width_max) {
			memcpy(safe + cut, "\xe2\x80\xa6", 4);
			return safe;
		}
		memcpy(safe + used, piece, piece_bytes);
		used += piece_bytes;
		width += piece_width;
		/* where the ellipsis would go if the text turned out to be too long */
		if (width < width_max)
			cut = used;
	}
	safe[used] = '\0';
	return safe;
}

const char *words_count(const char *number, char to[WORDS_NUMBER_BYTES])
{
	size_t digits = strspn(number, "0123456789"), used = 0;

	if (!digits || number[digits] || digits > 40) {
		snprintf(to, WORDS_NUMBER_BYTES, "%s", number);
		return to;
	}
	for (size_t i = 0; i < digits; i++) {
		if (i && (digits - i) % 3 == 0)
			to[used++] = ',';
		to[used++] = number[i];
	}
	to[used] = '\0';
	return to;
}

/* Half away from zero, as PostgreSQL's round() has it and readers expect; printf alone makes 562 of 562.5. value >= 0.
 */
static void print_rounded(double value, int fraction, const char *unit, char to[WORDS_NUMBER_BYTES])
{
	double scale = 1;

	for (int i = 0; i < fraction; i++)
		scale *= 10;
	/* a half that has no exact form lies a little below itself */
	if (value * scale < 1e14)
		value = (double)(int64_t)(value * scale + 0.5 + 1e-9) / scale;
	snprintf(to, WORDS_NUMBER_BYTES, "%.*f%s", fraction, value, unit);
}

const char *words_quotient(const char *number, char to[WORDS_NUMBER_BYTES])
{
	char rounded[WORDS_NUMBER_BYTES];
	double value;
	int fraction = 1;

	if (!*number)
		return strcpy(to, "-");
	value = strtod(number, NULL);
	if (!isfinite(value) || value <= 0)
		return strcpy(to, value <= 0 ? "0" : "-");
	if (value >= 9.95) {
		print_rounded(value, 0, "", rounded);
		return words_count(rounded, to);
	}
	/* two significant digits, counted after rounding: 0.0996 is 0.10 */
	for (double least = 0.995; value < least && fraction < 9; least /= 10)
		fraction++;
	print_rounded(value, fraction, "", to);
	return to;
}

const char *words_seconds(const char *seconds, enum language language, char to[WORDS_NUMBER_BYTES])
{
	static const struct {
		long long seconds;
		struct phrase name;
	} units[] = { { 86400, PHRASE(" d", "日") },
		      { 3600, PHRASE(" h", "時間") },
		      { 60, PHRASE(" min", "分") },
		      { 1, PHRASE(" s", "秒") } };
	double value = strtod(seconds, NULL);
	long long whole;

	if (!*seconds || !isfinite(value) || value < 0 || value > 1e15)
		return strcpy(to, "-");
	whole = (long long)(value + 0.5);
	for (size_t i = 0; i + 1 < COUNT(units); i++) {
		if (whole < units[i].seconds)
			continue;
		snprintf(to, WORDS_NUMBER_BYTES, "%lld%s%s%lld%s", whole / units[i].seconds, units[i].name.in[language],
			 language == LANGUAGE_EN ? " " : "", whole % units[i].seconds / units[i + 1].seconds,
			 units[i + 1].name.in[language]);
		return to;
	}
	snprintf(to, WORDS_NUMBER_BYTES, "%lld%s", whole, units[COUNT(units) - 1].name.in[language]);
	return to;
}

const char *words_percent(const char *fraction, char to[WORDS_NUMBER_BYTES])
{
	char percent[WORDS_NUMBER_BYTES];
	size_t used;

	if (!*fraction)
		return strcpy(to, "-");
	snprintf(percent, sizeof percent, "%.17g", 100 * strtod(fraction, NULL));
	words_quotient(percent, to);
	used = strlen(to);
	snprintf(to + used, WORDS_NUMBER_BYTES - used, "%%");
	return to;
}

const char *words_share(const char *part, const char *whole, char to[WORDS_NUMBER_BYTES])
{
	double of = strtod(whole, NULL);

	if (of <= 0)
		return strcpy(to, "-");
	print_rounded(100 * strtod(part, NULL) / of, 1, "%", to);
	return to;
}
