/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handshake.h - who of two is the client, and which packet completes his handshake: from what the capture holds.
 *
 * In:  sightings of all packets of decoys, in order. Out: for each whether the XDP program gets it, and whether it may
 * admit a flow. Called by the command and tests. No I/O, no clock; memory is fixed at open, and hostile captures can
 * only make it forget the handshakes that were quiet for longest.
 *
 * Live, a cookie proves the handshake. A capture was answered by somebody else, so his SYN-ACK, where it was recorded,
 * takes the cookie's place: an acknowledgement of anything that he did not send completes nothing (ANALYSIS, "What is
 * counted").
 */
#ifndef OTORI_REPLAY_HANDSHAKE_H
#define OTORI_REPLAY_HANDSHAKE_H

#include "replay/sighting.h"

struct handshakes; /* opaque */

enum handshake_verdict {
	HANDSHAKE_OF_DECOY,  /* sent by the decoy's side: not for the XDP program */
	HANDSHAKE_GIVE,	     /* to be given to it */
	HANDSHAKE_COMPLETES, /* to be given to it, and completes a handshake: replay_admit */
};

/* What the caller knows of the two addresses of a packet. */
struct handshake_roles {
	bool source_is_decoy, destination_is_decoy;
	bool source_port_is_decoys, destination_port_is_decoys;
};

/* Room for at least entries handshakes; the memory is touched as it is used. 0 or negative errno. */
int handshakes_open(struct handshakes **handshakes, uint32_t entries);
void handshakes_close(struct handshakes *handshakes);

/* What is to be done with a packet seen at now_ns (UTC; never goes back). */
enum handshake_verdict handshake_see(struct handshakes *handshakes, const struct sighting *sighting,
				     const struct handshake_roles *roles, uint64_t now_ns);

/*
 * Tells of a packet that will come soon: a SYN that stands behind the packets it opened is known to them, where the
 * capture holds the SYN-ACK.
 */
void handshake_coming(struct handshakes *handshakes, const struct sighting *sighting,
		      const struct handshake_roles *roles, uint64_t now_ns);

/*
 * To be called after a packet for which handshake_see gave HANDSHAKE_GIVE or HANDSHAKE_COMPLETES, where the XDP program
 * refused it: a SYN with a wrong checksum begins nothing, and a refused acknowledgement completes nothing.
 */
void handshake_refused(struct handshakes *handshakes);

#endif
