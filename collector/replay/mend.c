// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mend.c - see mend.h.
 *
 * In:  a frame, any bytes. Out: two bytes of it, perhaps. Called by lookahead.c. Leaves checksums as they are: they are
 * not looked at.
 */
#include "replay/mend.h"

static uint32_t be16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

static bool set(uint8_t *length, uint32_t holds)
{
	if (be16(length) != 0 && be16(length) <= holds)
		return false;
	if (holds > 65535)
		holds = 65535;
	length[0] = (uint8_t)(holds >> 8);
	length[1] = (uint8_t)holds;
	return true;
}

bool mend_length(uint8_t *frame, uint32_t bytes)
{
	uint32_t at = 14;

	if (bytes < 14)
		return false;
	for (unsigned tags = 0;
	     tags < 2 && bytes >= at + 4 && (be16(frame + at - 2) == 0x8100 || be16(frame + at - 2) == 0x88a8); tags++)
		at += 4;
	if (be16(frame + at - 2) == 0x0800 && bytes >= at + 20 && frame[at] >> 4 == 4)
		return set(frame + at + 2, bytes - at);
	/* of IPv6 only TCP straight behind the header: a length of 0 means a jumbogram to some extension headers */
	if (be16(frame + at - 2) == 0x86dd && bytes >= at + 60 && frame[at] >> 4 == 6 && frame[at + 6] == 6)
		return set(frame + at + 4, bytes - at - 40);
	return false;
}
