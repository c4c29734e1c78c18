/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp_talk.h - what a client and a mail server say to each other, direct or through a proxy.
 *
 * In:  a stream, a letter. Out: segments. The server takes everything, as an imitation or an open relay does.
 */
#ifndef NPA2008_SMTP_TALK_H
#define NPA2008_SMTP_TALK_H

#include "letter.h"
#include "stream.h"

/* Banner and greeting. */
void smtp_talk_hello(struct stream *stream, const char *helo);

/* MAIL and RCPTs. */
void smtp_talk_envelope(struct stream *stream, const struct letter *letter);

/* DATA up to the final dot; stream->arrived_ns is then when the mail's end had arrived. */
void smtp_talk_data(struct stream *stream, const struct letter *letter);

/* DATA, and a part of the mail; returns how many bytes of it there were, dots unstuffed. */
size_t smtp_talk_broken(struct stream *stream, const struct letter *letter);

void smtp_talk_quit(struct stream *stream);

/* A series of routes through a relay, as those who look for open ones try (RFC 5321, section 3.6.2 knows some of them).
 */
void smtp_talk_routes(struct stream *stream);

#endif
