/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exchanger_file.c - see exchanger_file.h.
 *
 * In:  bytes of a line. Out: a row, or what was expected. Pure.
 */
#include "enrichment/exchanger_file.h"

#include <errno.h>

#define FIELDS 4

/* Cuts what stands before the next separator off the front of *rest; false where no separator is left. */
static bool cut(struct slice *rest, uint8_t separator, struct slice *field)
{
	const uint8_t *at = rest->length ? memchr(rest->bytes, separator, rest->length) : NULL;

	if (!at) {
		*field = *rest;
		*rest = slice_of(NULL, 0);
		return false;
	}
	*field = slice_of(rest->bytes, (size_t)(at - rest->bytes));
	*rest = slice_of(at + 1, rest->length - field->length - 1);
	return true;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static int number_at(const uint8_t *digits, size_t count)
{
	int number = 0;

	for (size_t i = 0; i < count; i++)
		number = number * 10 + (digits[i] - '0');
	return number;
}

static int parse_date(struct slice field, char date[11])
{
	int year, month, day;

	if (field.length != 10)
		return -EINVAL;
	for (size_t i = 0; i < field.length; i++) {
		bool dash = i == 4 || i == 7;

		if (dash ? field.bytes[i] != '-' : field.bytes[i] < '0' || field.bytes[i] > '9')
			return -EINVAL;
	}
	year = number_at(field.bytes, 4);
	month = number_at(field.bytes + 5, 2);
	day = number_at(field.bytes + 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of(year, month))
		return -EINVAL;
	memcpy(date, field.bytes, field.length);
	date[field.length] = '\0';
	return 0;
}

static int parse_addresses(struct slice field, struct exchanger_row *row)
{
	bool more = field.length > 0;

	row->address_count = 0;
	while (more) {
		char text[ADDRESS_TEXT_BYTES];
		struct slice item;

		more = cut(&field, ',', &item);
		if (!item.length || item.length >= sizeof text || row->address_count == EXCHANGER_ADDRESSES ||
		    memchr(item.bytes, '\0', item.length))
			return -EINVAL;
		memcpy(text, item.bytes, item.length);
		text[item.length] = '\0';
		if (address_parse(text, &row->addresses[row->address_count]))
			return -EINVAL;
		row->address_count++;
	}
	return 0;
}

/* A host name; hosts of a file are asked of nobody, so any that can be one in DNS will do. */
static int parse_name(struct slice field, char text[NAME_TEXT_BYTES])
{
	size_t label = 0;

	if (name_fold(field, text) || !*text)
		return -EINVAL;
	for (const char *at = text; *at; at++) {
		bool dot = *at == '.';

		if (!dot && !(*at >= 'a' && *at <= 'z') && !(*at >= '0' && *at <= '9') && *at != '-' && *at != '_')
			return -EINVAL;
		if (dot ? !label : label == 63)
			return -EINVAL;
		label = dot ? 0 : label + 1;
	}
	return label && strlen(text) == field.length - (field.bytes[field.length - 1] == '.') ? 0 : -EINVAL;
}

int exchanger_row_parse(struct slice line, struct exchanger_row *row, const char **expected)
{
	struct slice fields[FIELDS] = { 0 };
	size_t count = 0;
	bool more = true;

	if (line.length && line.bytes[line.length - 1] == '\r')
		line.length--;
	if (!line.length || line.bytes[0] == '#')
		return 0;
	*expected = "four fields separated by tabs: domain, exchanger, addresses, date";
	for (; more && count < FIELDS; count++)
		more = cut(&line, '\t', &fields[count]);
	if (more || count < FIELDS)
		return -EINVAL;
	*expected = "a domain such as example.org in the first field";
	if (parse_name(fields[0], row->domain))
		return -EINVAL;
	*expected = "addresses separated by commas in the third field, 64 at most";
	if (parse_addresses(fields[2], row))
		return -EINVAL;
	*expected = "a day as YYYY-MM-DD in the fourth field";
	if (parse_date(fields[3], row->date))
		return -EINVAL;
	if (fields[1].length == 1 && fields[1].bytes[0] == '.') {
		strcpy(row->exchanger, ".");
		*expected = "no address beside an exchanger that is a dot (null MX)";
		return row->address_count ? -EINVAL : 1;
	}
	*expected = "an exchanger such as mx1.example.org, or a dot, in the second field";
	return parse_name(fields[1], row->exchanger) ? -EINVAL : 1;
}
