/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * when.c - are days and time zones what they should be? Asked before a database is bothered.
 *
 * In:  what the user wrote. Out: yes or no. Called by collector/report.c. Reads the system's folder of time zones,
 * nothing else.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "report/report.h"

#define ZONES "/usr/share/zoneinfo"

int report_check_day(const char *text)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day, length;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return -EINVAL;
	for (int i = 0; i < 10; i++) {
		if (i != 4 && i != 7 && !isdigit((unsigned char)text[i]))
			return -EINVAL;
	}
	year = atoi(text);
	month = atoi(text + 5);
	day = atoi(text + 8);
	if (year < 1 || month < 1 || month > 12)
		return -EINVAL;
	length = lengths[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
	return day >= 1 && day <= length ? 0 : -EINVAL;
}

/* Opens the entry of folder whose name is the given one in any case of letters; closes folder. -1 = none. */
static int open_entry(int folder, const char *name, size_t length)
{
	DIR *entries = fdopendir(folder);
	const struct dirent *entry;
	int found = -1;

	if (!entries) {
		close(folder);
		return -1;
	}
	while (found < 0 && (entry = readdir(entries))) {
		if (entry->d_name[0] != '.' && strlen(entry->d_name) == length &&
		    !strncasecmp(entry->d_name, name, length))
			found = openat(dirfd(entries), entry->d_name, O_RDONLY | O_CLOEXEC);
	}
	closedir(entries);
	return found;
}

/* UTC+9, GMT-3, +9 and their like, not zero: as POSIX has it the sign says how far west. */
static bool is_turned_round(const char *name)
{
	if (!strncasecmp(name, "UTC", 3) || !strncasecmp(name, "GMT", 3))
		name += 3;
	return (*name == '+' || *name == '-' || (*name >= '0' && *name <= '9')) && strpbrk(name, "123456789");
}

int report_check_zone(const char *name)
{
	int at = open(ZONES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char magic[4];
	bool zone;

	if (is_turned_round(name)) {
		if (at >= 0)
			close(at);
		return -EDOM;
	}
	if (at < 0 || strpbrk(name, "0123456789")) {
		if (at >= 0)
			close(at);
		return 0;
	}
	for (const char *part = name; at >= 0; part++) {
		size_t length = strcspn(part, "/");

		at = open_entry(at, part, length);
		part += length;
		if (!*part)
			break;
	}
	zone = at >= 0 && read(at, magic, sizeof magic) == (ssize_t)sizeof magic &&
	       !memcmp(magic, "TZif", sizeof magic);
	if (at >= 0)
		close(at);
	return zone ? 0 : -EINVAL;
}
