/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * classify.h - class of an access.
 *
 * In:  what the first request asked for. Out: enum access_class. Called by conversation.c and tests. Pure.
 */
#ifndef OTORI_CLASSIFY_H
#define OTORI_CLASSIFY_H

#include "record/record.h"

struct first_request {
	const char *protocol; /* what the client spoke to the decoy; NULL = nothing */
	int32_t port;	      /* -1 = none */
	bool relay;	      /* it asked for a relay */
	bool absolute_form;
};

/*
 * The class, the first that fits: mail, web, tunnel, other (exploit is decided by rules over the payload, elsewhere).
 */
enum access_class classify(const struct first_request *first);

#endif
