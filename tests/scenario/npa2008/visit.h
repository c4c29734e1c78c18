/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visit.h - one visit of the scenario before it is played: who, whom, when, what for.
 *
 * In:  schedule.c makes them of the plan. Out: each kind is played by a function of its own onto the tape, and booked.
 */
#ifndef NPA2008_VISIT_H
#define NPA2008_VISIT_H

#include "books.h"
#include "stream.h"
#include "world.h"

struct scene {
	const struct plan *plan;
	const struct plan_sensor *sensor;
	size_t sensor_number;
	const struct world *world;
	struct tape *tape;
	struct books *books;
	struct stream_watch watch;
};

struct visit {
	void (*play)(struct scene *scene, const struct visit *visit);
	int64_t start_ns;
	uint64_t seed;
	struct endpoint client, server;
	const char *form; /* of a proxy request, of direct mail, of noise; of mails the route */
	const char *host; /* of a proxy request; NULL: none */
	int relay_port;
	const struct plan_probe *probe; /* of mails: the only one is a probe; else NULL */
	unsigned mails;
	int64_t pause_until_ns; /* of two mails: the second is sent after this; 0: no pause */
};

void proxy_visit(struct scene *scene, const struct visit *visit);  /* an access */
void direct_visit(struct scene *scene, const struct visit *visit); /* SMTP spoken to the decoy itself */
void mail_visit(struct scene *scene, const struct visit *visit);   /* mails through a proxy request */
void noise_visit(struct scene *scene, const struct visit *visit);  /* what must not be counted */

/* A stream for the visit, its client and server filled in. */
void visit_stream(struct scene *scene, const struct visit *visit, struct stream *stream);

/* How a conversation ends, drawn. */
enum stream_end visit_end(struct stream *stream);

/* Class of an access by what it asked for (ANALYSIS): host NULL = no relay was asked for. */
const char *visit_class(const char *form, const char *host, int port);

#endif
