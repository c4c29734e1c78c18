/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hosts.h - addresses of named hosts: from the cache (name_lookup) while they hold, else from the resolver.
 *
 * In:  names. Out: their addresses, and rows of name_lookup. Called by domains.c (exchangers) and names.c (relays).
 */
#ifndef OTORI_ENRICHMENT_HOSTS_H
#define OTORI_ENRICHMENT_HOSTS_H

#include <stdint.h>

#include "enrichment/dns_answer.h"
#include "enrichment/enrichment.h"

/* Bounds of a TTL, and how long the answer holds that there is nothing. */
#define TTL_LEAST_SECONDS 3600U
#define TTL_MOST_SECONDS (7U * 86400U)
#define TTL_NONE_SECONDS (3U * 3600U)

enum host_state {
	HOST_UNASKED, /* nothing is known, and nothing is written */
	HOST_FOUND,
	HOST_NONE,    /* there is no such name, or it has no address */
	HOST_UNKNOWN, /* why: addresses may be missing */
	HOST_REFUSED, /* not a name that is asked */
};

struct host {
	char name[NAME_TEXT_BYTES];
	enum host_state state;
	bool cached; /* the answer is of an earlier look-up */
	bool more;   /* it has more addresses than are kept */
	uint32_t ttl_seconds;
	const char *why; /* a constant, or NULL */
	size_t count;
	struct address addresses[DNS_RECORDS];
};

/* A TTL as it is kept. */
uint32_t ttl_clamped(uint32_t seconds);

/*
 * Fills hosts, whose names are distinct, for one sensor. from_cache: answers of name_lookup that still hold are taken.
 * What was asked is written to name_lookup. 0; -EINTR, -ETIMEDOUT as resolver_ask (what was answered until then is
 * written); -EIO, -ENOMEM.
 */
int hosts_look_up(struct enrichment *enrichment, const char *sensor, struct host *hosts, size_t count, bool from_cache);

#endif
