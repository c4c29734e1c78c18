/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base64.h - tokens in base64, on any alignment, in one line or over several.
 *
 * In:  a text and where in it a port in base64 may begin. Out: whether a token ends there. Called by scan.c. Pure.
 */
#ifndef OTORI_PROBE_BASE64_H
#define OTORI_PROBE_BASE64_H

#include "probe/scan.h"

/* Value of a character, or -1. */
int base64_value(uint8_t byte);

/* What a port becomes where its first byte is number place (0 to 2) of a group. */
void base64_needle(struct scan_needle *needle, unsigned int place, const char *port, size_t port_length);

/* Is position the anchor of the needle of that number, and is what stands around it a token, decoded? */
bool base64_token_at(struct scan_decoy *decoy, unsigned int number, struct slice text, size_t position);

#endif
