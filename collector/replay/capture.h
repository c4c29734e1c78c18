/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture.h - all packets of all files that the user named, in the order of their times.
 *
 * In:  files, folders, "-". Out: frames, one after the other. Called by replay.c (the command) and tests. May not know
 * what is in a frame.
 *
 * A file whose times go back (captures appended to each other) is read as several runs, each of which is a stream of
 * its own in the merge. Jitter of up to a second stays in the file's order. Standard input is read once and in its
 * order.
 */
#ifndef OTORI_REPLAY_CAPTURE_H
#define OTORI_REPLAY_CAPTURE_H

#include <stdbool.h>

#include "replay/savefile.h"

struct capture; /* opaque */

/* Takes a line of text for a person: a file that is cut short, a file of a folder that is no capture. */
typedef void (*capture_tell)(void *context, const char *line);

/*
 * Looks through everything that paths name (files and folders, these with all below them, and "-") and opens it. 0, or
 * negative errno with one clear line in text[SAVEFILE_TEXT_BYTES]: a file is missing, is no capture, or is of a link
 * type that is not known; then nothing is read. A file cut short is told of at once, and read as far as it is whole.
 */
int capture_open(struct capture **capture, char *const *paths, size_t count, capture_tell tell, void *context,
		 char *text);
void capture_close(struct capture *capture);

/* The next packet of all files. 1, 0 at the end, negative errno where memory or a file is gone (text as above). */
int capture_next(struct capture *capture, struct captured *packet, char *text);

/* Whether a file was cut short or damaged; final only after the last packet. */
bool capture_cut(const struct capture *capture);

/* Times (UTC ns) of the first and the last packet; false of standard input, which is not known before it is read, and
 * where there are no packets. */
bool capture_span(const struct capture *capture, uint64_t *first_ns, uint64_t *last_ns);

/* Number of files, and of times that could not be put in order (more jumps back in a file than are followed). */
size_t capture_files(const struct capture *capture);
uint64_t capture_out_of_order(const struct capture *capture);

#endif
