/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * split.h - a frame longer than any wire carries, as the segments it was merged from.
 *
 * In:  a frame that the capturing host's receive offload (GRO, LRO) had put together. Out: frames that the XDP program
 * takes. Called by session.c, and only where checksums are ignored: nobody fills those of a merged frame in. Leaves the
 * frame as it is.
 */
#ifndef OTORI_REPLAY_SPLIT_H
#define OTORI_REPLAY_SPLIT_H

#include "replay/sighting.h"

#define SPLIT_FRAME_BYTES 9018 /* OTORI_FRAME_MAX_BYTES */

struct split {
	struct slice frame; /* borrowed */
	struct sighting sighting;
	uint32_t payload_bytes, done; /* in the frame; handed out */
	uint8_t piece[SPLIT_FRAME_BYTES];
};

/* Whether the frame is a TCP segment longer than the XDP program takes, and can be split; then *split is ready. */
bool split_begin(struct split *split, struct slice frame, const struct sighting *sighting);

/* The next piece, valid until the next call; an empty slice behind the last. */
struct slice split_next(struct split *split);

#endif
