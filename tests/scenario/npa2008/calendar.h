/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calendar.h - days of a zone as moments: a day may have 23 or 25 hours, and may begin at one o'clock.
 *
 * In:  a zone's name, days counted from 1970-01-01. Out: seconds since 1970 (UTC). By libc's time zone data.
 */
#ifndef NPA2008_CALENDAR_H
#define NPA2008_CALENDAR_H

#include <stdint.h>

/* Whose days all the others are. */
void calendar_zone(const char *zone);

/* Number of the day YYYY-MM-DD, or -1. */
int calendar_day(const char *text);

/* Its first second. */
int64_t calendar_begin(int day);

/* A moment with the zone's offset: 2006-09-01T00:00:00+0900. */
const char *calendar_text(int64_t moment, char text[40]);

#endif
