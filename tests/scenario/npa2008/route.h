/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.h - by which relay mails for a domain are sent, and whether that relay is one of the domain's exchangers.
 *
 * In:  a way by name: those that are proper (an exchanger by name or address, one of the same operator), those of which
 * nothing can be known, and those that make a suspect. Out: the relay, the domains, the truth. By ANALYSIS, "Open relay
 * suspects".
 */
#ifndef NPA2008_ROUTE_H
#define NPA2008_ROUTE_H

#include "random.h"
#include "world.h"

struct route {
	char host[WORLD_HOST_BYTES]; /* the relay that is asked for */
	char domain[WORLD_HOST_BYTES];
	bool suspect;			     /* the relay is no exchanger of domain */
	char other_domain[WORLD_HOST_BYTES]; /* of a further recipient, of which the relay is none either; empty: none
					      */
	char proxy[WORLD_HOST_BYTES];	     /* the next proxy, by which the relay is reached; empty: none */
	int proxy_port;
	const char *proxy_form; /* how the relay is asked for there */
};

/* Ends the program where there is no such way. */
void route_draw(struct route *route, const struct world *world, struct random *random, const char *way);

#endif
