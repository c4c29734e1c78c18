/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schedule.h - all visits of a sensor, in order of time, so that the plan's totals come out exactly.
 *
 * In:  the plan, the world, a seeded source of numbers. Out: visits. Who, what and where are dealt out like cards: each
 * list has exactly as many as the plan says, and is shuffled.
 */
#ifndef NPA2008_SCHEDULE_H
#define NPA2008_SCHEDULE_H

#include "visit.h"

struct schedule {
	struct visit *visits;
	size_t count, room;
};

/* Sorted by start. */
void schedule_make(struct schedule *schedule, const struct scene *scene, struct random *random);

/* Used by the parts: schedule_proxy.c, schedule_mail.c. */
struct visit *schedule_add(struct schedule *schedule, struct random *random);
int64_t schedule_moment(const struct plan_sensor *sensor, struct random *random);
struct endpoint schedule_decoy(const struct plan_sensor *sensor, struct random *random, bool ipv6, uint16_t port);
void schedule_proxy(struct schedule *schedule, const struct scene *scene, struct random *random);
void schedule_mails(struct schedule *schedule, const struct scene *scene, struct random *random);

/* One of the items, by weight. */
const char *schedule_pick(const struct plan_item *items, size_t count, struct random *random);

/* Who: an entry for each conversation, its group << 16 | number of the address within; as many as the groups say,
 * shuffled. */
uint32_t *schedule_people(const struct plan_group *groups, size_t count, struct random *random, size_t *people);

#define SCHEDULE_SECOND_NS 1000000000ll

#endif
