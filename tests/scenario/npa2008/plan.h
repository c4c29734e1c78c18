/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan.h - the totals of a scenario, as a text file tells them.
 *
 * In:  a plan: a statement a line, words apart by blanks, # begins a comment (npa2008.plan tells them all). Out: struct
 * plan. A plan that contradicts itself (countries that don't add up to the accesses) is refused with its file and line.
 */
#ifndef NPA2008_PLAN_H
#define NPA2008_PLAN_H

#include "ip.h"

#include <stddef.h>

#define PLAN_SENSORS 3
#define PLAN_ROWS 256
#define PLAN_PORTS 8
#define PLAN_DECOYS 512

struct plan_country {
	char code[3];
	struct ip ipv4, ipv6; /* first address of its block: a /12, and a /32 */
	bool has_ipv6;
};

/* So many conversations from so many addresses of a country. */
struct plan_group {
	char country[3];
	bool ipv6;
	unsigned sources, count;
};

/* So many accesses on a port that ask for a relay port, each in one of the forms. */
struct plan_access {
	uint16_t port;
	int relay_port; /* -1: no relay is asked for */
	unsigned count;
	char forms[128]; /* comma separated */
};

/* So many accesses that ask for a relay port of hosts in a country. ZZ: hosts by names that nobody resolves. */
struct plan_destination {
	char country[3];
	int relay_port;
	unsigned hosts, count;
};

/* Something a number of times, or with a weight: noise, direct forms, routes of mails, faults of the path. */
struct plan_item {
	char name[32];
	unsigned count;
};

struct plan_mails {
	int day; /* of the period, from 0 */
	unsigned count;
};

struct plan_probe {
	int day;
	unsigned second; /* of that day */
	char found_in[16], encoding[16], mailbox[96];
};

struct plan_sensor {
	char name[64], prefixes[256], capture[8];
	struct ip decoys[PLAN_DECOYS];
	size_t decoy_count;
	uint16_t ports[PLAN_PORTS];
	size_t port_count;
	int first_day, days;		    /* the first is counted from 1970-01-01 */
	unsigned accesses, attempts, mails; /* the totals it names; what adds up to them is checked */
	struct plan_group sources[PLAN_ROWS], direct[PLAN_ROWS], senders[PLAN_ROWS];
	size_t source_count, direct_count, sender_count;
	struct plan_access access[PLAN_ROWS];
	size_t access_count;
	struct plan_destination destinations[PLAN_ROWS];
	size_t destination_count;
	struct plan_item noise[32], direct_forms[8], routes[16];
	size_t noise_count, direct_form_count, route_count;
	struct plan_mails mail_days[PLAN_ROWS];
	size_t mail_day_count;
	struct plan_probe probes[PLAN_ROWS];
	size_t probe_count;
	unsigned mail_bytes_least, mail_bytes_most;
};

struct plan {
	uint64_t seed;
	char zone[64], layout[32];
	unsigned domains;
	struct plan_country countries[PLAN_ROWS];
	size_t country_count;
	struct plan_item faults[8];
	size_t fault_count;
	struct plan_sensor sensors[PLAN_SENSORS];
	size_t sensor_count;
};

/* Ends the program with one line where the plan is no plan. */
void plan_read(struct plan *plan, const char *path);

const struct plan_country *plan_country(const struct plan *plan, const char *code);

/* The count of the item of that name, or 0. */
unsigned plan_item(const struct plan_item *items, size_t count, const char *name);

#endif
