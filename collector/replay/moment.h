/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moment.h - a moment as a person writes it: 2006-09-01, 2006-09-01T08:30, 2006-09-01 08:30:15.5+09:00, @1157068800.
 *
 * In:  text. Out: nanoseconds since 1970, UTC. Called by the command for --observed. Pure; knows no time zone but those
 * written.
 */
#ifndef OTORI_REPLAY_MOMENT_H
#define OTORI_REPLAY_MOMENT_H

#include <stdint.h>

/*
 * Reads a moment; without a zone it is UTC. end: a date without a time means the end of that day, else its beginning.
 * 0 or -EINVAL.
 */
int moment_parse(const char *text, int end, uint64_t *time_ns);

/* Reads FROM,TO. 0; -EINVAL = not two moments; -ERANGE = TO is not behind FROM. */
int moment_parse_span(const char *text, uint64_t *from_ns, uint64_t *to_ns);

#define MOMENT_TEXT_BYTES 32

/* Writes it as 2006-09-01T08:30:15.500000Z; returns text. */
const char *moment_text(uint64_t time_ns, char text[MOMENT_TEXT_BYTES]);

#endif
