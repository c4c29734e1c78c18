// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * calendar.c - see calendar.h.
 *
 * In:  days. Out: moments. Touches the environment variable TZ of this process only.
 */
#include "calendar.h"
#include "say.h"

#include <string.h>
#include <time.h>

#define DAY_SECONDS 86400

void calendar_zone(const char *zone)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	file = fopen(path, "r");
	if (!file)
		say_failed(path);
	fclose(file);
	setenv("TZ", zone, 1);
	tzset();
}

int calendar_day(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	return end && !*end ? (int)(timegm(&tm) / DAY_SECONDS) : -1;
}

/* The day (zone) of a moment. */
static int day_at(int64_t moment)
{
	time_t time = (time_t)moment;
	struct tm tm;

	localtime_r(&time, &tm);
	return (int)(timegm(&(struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday }) /
		     DAY_SECONDS);
}

int64_t calendar_begin(int day)
{
	int64_t before = ((int64_t)day - 2) * DAY_SECONDS, behind = ((int64_t)day + 2) * DAY_SECONDS;

	while (behind - before > 1) {
		int64_t middle = before + (behind - before) / 2;

		if (day_at(middle) < day)
			before = middle;
		else
			behind = middle;
	}
	return behind;
}

const char *calendar_text(int64_t moment, char text[40])
{
	time_t time = (time_t)moment;
	struct tm tm;

	localtime_r(&time, &tm);
	strftime(text, 40, "%Y-%m-%dT%H:%M:%S%z", &tm);
	return text;
}
