/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * csv.c - see csv.h.
 *
 * In:  cells. Out: lines. Keeps nothing but whether a comma is due.
 */
#include "report/csv.h"

#include <stdint.h>

#include "report/words.h"

/* Spaces of Unicode, which programs take off as they do the plain one. */
static bool is_space(uint32_t point)
{
	return point == ' ' || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
	       point == 0x202f || point == 0x205f || point == 0x3000;
}

static bool begins_formula(const char *text)
{
	uint32_t point = 0;
	size_t length = 0;

	while (*text && (length = words_read_point(text, &point)) && is_space(point))
		text += length;
	if (!*text || !length)
		return false;
	switch (point) {
	case '=':
	case '+':
	case '-':
	case '@':
	/* a character behind an apostrophe of its own would be taken off with it */
	case '\'':
	case 0xff1d: /* full-width = */
	case 0xff0b: /* full-width + */
	case 0xff0d: /* full-width - */
	case 0xff20: /* full-width @ */
	case 0x2212: /* minus sign */
	case 0xfe66: /* small = */
	case 0xfe62: /* small + */
	case 0xfe63: /* small - */
	case 0xfe6b: /* small @ */
		return true;
	default:
		return false;
	}
}

static void begin_cell(struct csv *csv)
{
	if (csv->used)
		fputc(',', csv->out);
	csv->used = true;
}

void csv_text(struct csv *csv, const char *text)
{
	char escaped[16];
	size_t length;
	uint32_t point;

	begin_cell(csv);
	if (!text)
		return;
	fputs(begins_formula(text) ? "\"'" : "\"", csv->out);
	for (const char *at = text; *at; at += length ? length : 1) {
		length = words_read_point(at, &point);
		if (*at == '"')
			fputs("\"\"", csv->out);
		else if (!length || words_is_unsafe(point))
			fwrite(escaped, 1, words_escape(length ? point : (unsigned char)*at, escaped), csv->out);
		else
			fwrite(at, 1, length, csv->out);
	}
	fputc('"', csv->out);
}

void csv_plain(struct csv *csv, const char *text)
{
	begin_cell(csv);
	if (text)
		fputs(text, csv->out);
}

void csv_end_line(struct csv *csv)
{
	fputs("\r\n", csv->out);
	csv->used = false;
}
