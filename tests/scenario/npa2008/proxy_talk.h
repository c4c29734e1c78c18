/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy_talk.h - how a client asks a proxy, in each form; and what attacks on proxies say instead.
 *
 * In:  a stream, a form, where to. Out: segments, and what is true of the request: protocol, how deep it goes, whether
 * a tunnel is open.
 */
#ifndef NPA2008_PROXY_TALK_H
#define NPA2008_PROXY_TALK_H

#include "stream.h"

struct proxy_request {
	const char *
		form; /* http-connect, http-absolute, http-origin, socks4, socks4a, socks5, exploit-..., text, binary */
	const char *host; /* NULL: none is asked for */
	int port;
};

struct proxy_answer {
	const char *protocol, *depth;
	bool known;  /* false: no such form */
	bool tunnel; /* the client may speak through it now */
	bool exploit;
	bool asked; /* host and port were asked for */
};

void proxy_talk(struct stream *stream, const struct proxy_request *request, struct proxy_answer *answer);

#endif
