/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookahead.h - a short stretch of the capture, seen before it is worked on.
 *
 * In:  the packets of a capture. Out: the same packets, LOOKAHEAD_PACKETS later, with what was told from their headers.
 * Called by the command. Owns copies of the frames; may not change their order.
 *
 * Captures are written by several queues at once: a SYN may stand behind the packets that it opened. Who looks ahead
 * knows of it, and the packets still go through the XDP program as they stand in the file.
 */
#ifndef OTORI_REPLAY_LOOKAHEAD_H
#define OTORI_REPLAY_LOOKAHEAD_H

#include "replay/capture.h"
#include "replay/sighting.h"

#define LOOKAHEAD_PACKETS 128

struct lookahead; /* opaque */

struct sighted {
	struct captured packet; /* frame is borrowed until the next call */
	struct sighting sighting;
};

/*
 * coming: is told of each packet when it comes into view. mend: lengths are made to fit (mend.h). capture is borrowed.
 * NULL where memory is short.
 */
struct lookahead *lookahead_open(struct capture *capture, bool mend,
				 void (*coming)(void *context, const struct sighted *sighted), void *context);
void lookahead_close(struct lookahead *lookahead);

/* The next packet. 1, 0 at the end, negative errno as capture_next. */
int lookahead_next(struct lookahead *lookahead, const struct sighted **sighted, char *text);

#endif
