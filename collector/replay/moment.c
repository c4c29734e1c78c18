// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * moment.c - see moment.h.
 *
 * In:  text. Out: nanoseconds. Called by the command. Reads digits itself: strptime takes blanks and signs that nobody
 * meant.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "replay/moment.h"

#define DAY_NS (86400 * NS_PER_SECOND)
#define MOMENT_MAX_SECONDS 7258118400ll /* the year 2200 */

/* Reads exactly digits digits. */
static int number(const char **text, unsigned digits, int least, int most, int *value)
{
	*value = 0;
	for (unsigned i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*text)[i]))
			return -EINVAL;
		*value = *value * 10 + (*text)[i] - '0';
	}
	*text += digits;
	return *value < least || *value > most ? -EINVAL : 0;
}

static int literal(const char **text, char wanted)
{
	if (**text != wanted)
		return -EINVAL;
	(*text)++;
	return 0;
}

/* Digits behind the point, as nanoseconds. */
static int fraction(const char **text, uint64_t *ns)
{
	uint64_t unit = NS_PER_SECOND;

	*ns = 0;
	if (**text != '.')
		return 0;
	(*text)++;
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++) {
		unit /= 10;
		*ns += unit * (uint64_t)(**text - '0');
	}
	return 0;
}

/* Z, +hh, +hhmm, +hh:mm, or nothing. */
static int zone(const char **text, int *east_seconds)
{
	int sign, hours, minutes = 0;

	*east_seconds = 0;
	if (**text == 'Z') {
		(*text)++;
		return 0;
	}
	if (**text != '+' && **text != '-')
		return 0;
	sign = **text == '-' ? -1 : 1;
	(*text)++;
	if (number(text, 2, 0, 14, &hours))
		return -EINVAL;
	if (**text == ':')
		(*text)++;
	if (**text && number(text, 2, 0, 59, &minutes))
		return -EINVAL;
	*east_seconds = sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int clock_time(const char **text, struct tm *tm, uint64_t *ns)
{
	if (number(text, 2, 0, 24, &tm->tm_hour) || literal(text, ':') || number(text, 2, 0, 59, &tm->tm_min))
		return -EINVAL;
	if (**text != ':')
		return 0;
	(*text)++;
	return number(text, 2, 0, 60, &tm->tm_sec) || fraction(text, ns) ? -EINVAL : 0;
}

static int since_epoch(const char *text, uint64_t *time_ns)
{
	char *rest;
	long long seconds;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	seconds = strtoll(text, &rest, 10);
	if (errno || *rest || seconds > MOMENT_MAX_SECONDS)
		return -EINVAL;
	*time_ns = (uint64_t)seconds * NS_PER_SECOND;
	return 0;
}

int moment_parse(const char *text, int end, uint64_t *time_ns)
{
	struct tm tm = { 0 }, check;
	uint64_t ns = 0;
	int east_seconds = 0;
	bool date_only = true;
	time_t seconds;

	if (*text == '@')
		return since_epoch(text + 1, time_ns);
	if (number(&text, 4, 1970, 2199, &tm.tm_year) || literal(&text, '-') || number(&text, 2, 1, 12, &tm.tm_mon) ||
	    literal(&text, '-') || number(&text, 2, 1, 31, &tm.tm_mday))
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	check = tm;
	timegm(&check);
	if (check.tm_mday != tm.tm_mday) /* the 31st of February */
		return -EINVAL;
	if (*text == 'T' || *text == ' ') {
		text++;
		date_only = false;
		if (clock_time(&text, &tm, &ns))
			return -EINVAL;
	}
	if (zone(&text, &east_seconds) || *text)
		return -EINVAL;
	seconds = timegm(&tm) - east_seconds;
	if (seconds < 0)
		return -EINVAL;
	*time_ns = (uint64_t)seconds * NS_PER_SECOND + ns;
	if (date_only && end)
		*time_ns += DAY_NS;
	return 0;
}

int moment_parse_span(const char *text, uint64_t *from_ns, uint64_t *to_ns)
{
	const char *comma = strchr(text, ',');
	char from[64];

	if (!comma || (size_t)(comma - text) >= sizeof(from))
		return -EINVAL;
	memcpy(from, text, (size_t)(comma - text));
	from[comma - text] = 0;
	if (moment_parse(from, 0, from_ns) || moment_parse(comma + 1, 1, to_ns))
		return -EINVAL;
	return *to_ns > *from_ns ? 0 : -ERANGE;
}

const char *moment_text(uint64_t time_ns, char text[MOMENT_TEXT_BYTES])
{
	time_t seconds = (time_t)(time_ns / NS_PER_SECOND);
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(text, MOMENT_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + length, MOMENT_TEXT_BYTES - length, ".%06uZ", (unsigned)(time_ns % NS_PER_SECOND / 1000));
	return text;
}
