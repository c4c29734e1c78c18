/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * savefile.h - one capture file, read packet by packet as Ethernet frames.
 *
 * In:  a path (or "-"), pcap or pcapng, of the link types Ethernet, raw IP, BSD null and loop, Linux cooked 1 and 2.
 * Out: frames with their time. Called by capture.c only. May not know what is in a frame behind its link header.
 *
 * Frames of other link types than Ethernet get an Ethernet header of our own, so that the XDP program sees what it
 * would see on a wire; VLAN tags that Linux cooked captures keep inside the packet stay where they are.
 */
#ifndef OTORI_REPLAY_SAVEFILE_H
#define OTORI_REPLAY_SAVEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct savefile; /* opaque */

/* A captured packet; frame is borrowed until the next read of the same file. */
struct captured {
	const uint8_t *frame;
	uint32_t bytes;	     /* captured, with the Ethernet header; at least 14 */
	uint32_t wire_bytes; /* as long as the frame was on the wire */
	uint64_t time_ns;    /* UTC; never before 1970-01-01 00:01:00 */
};

#define SAVEFILE_TEXT_BYTES 512

/* Opens path ("-" = standard input). 0 or negative errno with one clear line in text[SAVEFILE_TEXT_BYTES]. */
int savefile_open(const char *path, struct savefile **savefile, char *text);
void savefile_close(struct savefile *savefile);

/*
 * Reads the next packet. 1 = a packet, 0 = end, -EBADMSG = the file is cut short or damaged here (text has one clear
 * line): what was read before is whole.
 */
int savefile_next(struct savefile *savefile, struct captured *packet, char *text);

/* Whether the first bytes of the file are those of a pcap or pcapng file. */
bool savefile_is_capture(const char *path);

#endif
