/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits.h - every limit of the responder's TCP, with the reason for its value.
 *
 * In:  nothing. Out: constants. Included by the files of responder/.
 */
#ifndef OTORI_RESPONDER_LIMITS_H
#define OTORI_RESPONDER_LIMITS_H

/* The window that we advertise while there is room: what Linux begins with, and more would only cost memory for early
 * segments. */
#define WINDOW_BYTES 65160u
/* Unsent or unacknowledged output above which the window is left to shut: who doesn't read answers may not ask for
 * more. */
#define OUTPUT_HIGH_BYTES 65536u
/* Output above which not even what lies within the window's edge is taken: a windowful of requests of 25 bytes would
 * ask for 9 MB. */
#define OUTPUT_MAX_BYTES (4 * OUTPUT_HIGH_BYTES)
/* Largest run of in-order bytes handed to a conversation at once; one full window. */
#define STREAM_BYTES 65536u

/* RFC 6298, with Linux' lower bound: one second would leave a lossy client waiting. */
#define RTO_FIRST_MS 1000u
#define RTO_MIN_MS 200u
#define RTO_MAX_MS 60000u
/* Retransmissions in a row without an answer; with the backoff that is most of a minute, like the idle deadline. */
#define RETRIES_MAX 9u
#define CWND_FIRST_SEGMENTS 10u /* RFC 6928 */
#define DUPLICATE_ACKS 3u	/* RFC 5681 */

/* 2 MSL would be minutes; a decoy needs only to answer the last FIN's repetition. XDP's tombstone keeps ghosts out. */
#define TIME_WAIT_MS 2000u

/* A path MTU below this is a lie or useless (RFC 1191 has 576 as the least that hosts must take; Linux stops at 552).
 */
#define PATH_MTU_MIN_IPV4 552u
#define PATH_MTU_MIN_IPV6 1280u
#define MSS_MIN 88u
#define MSS_DEFAULT 536u

/* RFC 5961, 7: challenge ACKs a second and worker, so that they can't be made to flood anyone. */
#define CHALLENGES_PER_SECOND 1000u

/* Flows whose acknowledgement waits for the end of the batch. */
#define ACK_LIST 256u

/* A total deadline above this would outlive its minute's slot in the page (16 minutes). */
#define TOTAL_SECONDS_MAX 840u

/* What one event or one timer may add to the records: an access with all its payload, a header block, recipients; and
 * the access of a flow that made room. */
#define RECORD_ROOM_BYTES (336u * 1024u)

/* With less than this part of the chunks left, the flow that holds many of them makes room. Twice what tcp_output.c
 * begins to shut windows at, so that one who fills the pool doesn't slow the others down. */
#define CHUNKS_SCARCE 8u
/* Flows drawn to find it. */
#define HOLDER_DRAWS 32u

/* Ids of one segment: 24 bits. Past this the worker takes no more events until the journal has moved on. */
#define PLACES_MAX 0xf00000u

#endif
