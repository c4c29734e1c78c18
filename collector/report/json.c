/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json.c - see json.h.
 *
 * In:  pieces. Out: JSON. Keeps nothing but how deep it is.
 */
#include "report/json.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "report/words.h"

static void write_point(FILE *out, uint32_t point)
{
	if (point > 0xffff) {
		point -= 0x10000;
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + (unsigned)(point >> 10), 0xdc00 + (unsigned)(point & 0x3ff));
	} else {
		fprintf(out, "\\u%04x", (unsigned)point);
	}
}

static void write_text(FILE *out, const char *text)
{
	size_t length;
	uint32_t point;

	fputc('"', out);
	for (const char *at = text; *at; at += length ? length : 1) {
		length = words_read_point(at, &point);
		if (!length || (point >= 0xd800 && point <= 0xdfff))
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (words_is_unsafe(point))
			write_point(out, point);
		else
			fwrite(at, 1, length, out);
	}
	fputc('"', out);
}

static void break_line(struct json *json)
{
	if (json->flat_from && json->depth >= json->flat_from)
		return;
	fputc('\n', json->out);
	for (int i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

/* What stands before a value: the comma behind the one before, and its name. */
static void begin_value(struct json *json, const char *name)
{
	bool flat = json->flat_from && json->depth >= json->flat_from;

	if (json->depth) {
		if (json->used[json->depth - 1])
			fputs(flat ? ", " : ",", json->out);
		json->used[json->depth - 1] = true;
		break_line(json);
	}
	if (name) {
		write_text(json->out, name);
		fputs(": ", json->out);
	}
}

static void open_container(struct json *json, const char *name, char opening, char closing)
{
	begin_value(json, name);
	fputc(opening, json->out);
	json->used[json->depth] = false;
	json->closing[json->depth++] = closing;
}

void json_object(struct json *json, const char *name)
{
	open_container(json, name, '{', '}');
}

void json_array(struct json *json, const char *name)
{
	open_container(json, name, '[', ']');
}

void json_line(struct json *json, const char *name)
{
	open_container(json, name, '{', '}');
	if (!json->flat_from)
		json->flat_from = json->depth;
}

void json_end(struct json *json)
{
	bool used = json->used[--json->depth];
	bool flat = json->flat_from && json->depth + 1 >= json->flat_from;

	if (used && !flat)
		break_line(json);
	if (json->flat_from > json->depth)
		json->flat_from = 0;
	fputc(json->closing[json->depth], json->out);
	if (!json->depth)
		fputc('\n', json->out);
}

void json_text(struct json *json, const char *name, const char *text)
{
	begin_value(json, name);
	if (text)
		write_text(json->out, text);
	else
		fputs("null", json->out);
}

static const char *skip_digits(const char *at)
{
	while (isdigit((unsigned char)*at))
		at++;
	return at;
}

/* RFC 8259: no sign but minus, no leading zero, digits on both sides of the point. */
static bool is_number(const char *text)
{
	const char *digits = text + (*text == '-'), *at = skip_digits(digits), *part;

	if (at == digits || (*digits == '0' && at - digits > 1))
		return false;
	if (*at == '.') {
		part = at + 1;
		at = skip_digits(part);
		if (at == part)
			return false;
	}
	if (*at == 'e' || *at == 'E') {
		part = at + 1 + (at[1] == '+' || at[1] == '-');
		at = skip_digits(part);
		if (at == part)
			return false;
	}
	return !*at;
}

void json_number(struct json *json, const char *name, const char *number)
{
	begin_value(json, name);
	fputs(number && is_number(number) ? number : "null", json->out);
}

void json_truth(struct json *json, const char *name, bool truth)
{
	begin_value(json, name);
	fputs(truth ? "true" : "false", json->out);
}
