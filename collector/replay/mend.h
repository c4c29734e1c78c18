/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mend.h - IP lengths that were not filled in at capture, or that name more than the frame holds.
 *
 * In:  a frame that was captured whole. Out: the same frame with a length that fits it. Called by lookahead.c, and only
 * where the user said --ignore-checksums: he says with it that headers may be unfilled (offload, anonymising).
 */
#ifndef OTORI_REPLAY_MEND_H
#define OTORI_REPLAY_MEND_H

#include <stdbool.h>
#include <stdint.h>

/* Sets IPv4's total length, or IPv6's payload length, where it is 0 or points behind the frame. Whether it did. */
bool mend_length(uint8_t *frame, uint32_t bytes);

#endif
