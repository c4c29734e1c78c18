// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * visit.c - what the kinds of visits share.
 *
 * In:  a visit. Out: its stream, its end, its class.
 */
#include "visit.h"

void visit_stream(struct scene *scene, const struct visit *visit, struct stream *stream)
{
	stream_begin(stream, scene->plan, scene->tape, &scene->watch, visit->seed, visit->start_ns);
	stream->client = visit->client;
	stream->server = visit->server;
}

enum stream_end visit_end(struct stream *stream)
{
	static const enum stream_end ends[] = { STREAM_FIN,	   STREAM_FIN, STREAM_FIN,
						STREAM_SERVER_FIN, STREAM_RST, STREAM_SILENCE };

	return ends[random_below(&stream->random, sizeof(ends) / sizeof(ends[0]))];
}

const char *visit_class(const char *form, const char *host, int port)
{
	if (!strncmp(form, "exploit", 7))
		return "exploit";
	if (!host)
		return "other";
	if (port == 25 || port == 465 || port == 587)
		return "mail";
	if (port == 80 || port == 443 || !strcmp(form, "http-absolute"))
		return "web";
	return "tunnel";
}
