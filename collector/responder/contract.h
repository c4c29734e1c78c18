/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contract.h - how the supervisor hands work to the responder process: descriptors and messages.
 *
 * In:  nothing. Out: descriptor numbers, the start block, the messages of the notify socket. Shared by supervisor/ and
 * responder/main.c only.
 *
 * The supervisor forks, becomes the responder's user, moves the descriptors to the numbers below, closes all others and
 * execs build/otori-responder with no arguments but "--contract". The responder then drops what is left (capabilities,
 * seccomp) before it reads the first event. Nothing but these descriptors is open in it.
 */
#ifndef OTORI_RESPONDER_CONTRACT_H
#define OTORI_RESPONDER_CONTRACT_H

#include <stdint.h>

#include "../../include/otori/datapath.h"

enum responder_descriptor {
	RESPONDER_FD_NOTIFY =
		3, /* SOCK_SEQPACKET to the supervisor: responder_message, journal descriptors by SCM_RIGHTS */
	RESPONDER_FD_START = 4, /* memfd, read only: struct responder_start */
	RESPONDER_FD_PAGE = 5,	/* memfd: struct responder_page */
	RESPONDER_FD_RING = 8,	/* + n: ring buffer map of worker n */
	/* + worker * OTORI_MAX_DEVICES + device: AF_PACKET socket with PACKET_TX_RING, bound and marked */
	RESPONDER_FD_TRANSMIT = RESPONDER_FD_RING + OTORI_MAX_RINGS,
	RESPONDER_FD_END = RESPONDER_FD_TRANSMIT + OTORI_MAX_RINGS * OTORI_MAX_DEVICES
};

#define RESPONDER_TX_FRAME_BYTES 2048
#define RESPONDER_TX_FRAMES 2048 /* per socket; TPACKET_V2, one frame a slot, block size 64 KiB */

struct responder_device {
	uint8_t mac[6];
	uint16_t mtu;
};

struct responder_prefix {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;	     /* of 128 */
	uint8_t reserved[3];
};

/* Everything the responder needs to know; written by the supervisor before exec. */
struct responder_start {
	uint32_t version; /* RESPONDER_START_VERSION */
	uint32_t workers, devices;
	uint32_t flows, conversations, chunks; /* per worker */
	uint32_t record_bytes;
	uint32_t idle_seconds, total_seconds;
	uint32_t commit_milliseconds;		 /* group commit: at least so often */
	uint32_t segment_seconds, segment_bytes; /* a segment is finished when it is this old or long and not empty */
	uint64_t mail_max_bytes;
	uint32_t page_bytes;
	uint8_t secrets_clear, impersonate, offer_starttls, pin_workers;
	uint64_t secret[4]; /* [0..1] policy, [2..3] flow hash */
	char sensor[64];
	uint16_t ports[OTORI_MAX_PORTS]; /* by port index */
	struct responder_device device[OTORI_MAX_DEVICES];
	uint32_t prefixes;
	struct responder_prefix prefix[OTORI_MAX_PREFIXES];
};

#define RESPONDER_START_VERSION 1

enum responder_message_kind {
	RESPONDER_READY = 1,	    /* to supervisor: answering can begin */
	RESPONDER_WANT_SEGMENT = 2, /* to supervisor: worker has no segment */
	RESPONDER_SEGMENT = 3,	    /* to responder: segment, with one descriptor */
	RESPONDER_SEGMENT_DONE = 4, /* to supervisor: the segment is finished and closed */
	RESPONDER_STOP = 5,	    /* to responder: end all flows, finish segments, exit 0 */
	RESPONDER_TRANSMIT = 6,	    /* to responder: value 0 = send nothing (the guard is away), 1 = go on */
};

struct responder_message {
	uint32_t kind;
	uint32_t worker;
	uint64_t value; /* segment number, or the switch */
};

#endif
