/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolver.h - questions to the one resolver that the operator named: so many a second, in bounded time.
 *
 * In:  names that name_check.h allows. Out: struct dns_answer for each. Called by names.c. Asks nobody but that
 * resolver: no resolv.conf, no hosts file, no search list.
 */
#ifndef OTORI_ENRICHMENT_RESOLVER_H
#define OTORI_ENRICHMENT_RESOLVER_H

#include <signal.h>

#include "enrichment/dns_answer.h"

/* A question takes 6 s at most: 2 s, and once more 4 s. */
#define RESOLVER_TIMEOUT_MILLISECONDS 2000
#define RESOLVER_TRIES 2
/* Questions on their way at once. */
#define RESOLVER_IN_FLIGHT 32
/* Questions in a row without any answer after which nothing more is asked. */
#define RESOLVER_SILENT_AFTER 8

struct resolver; /* opaque */

struct dns_question {
	const char *name; /* borrowed; lower case, without a final dot */
	enum dns_type type;
	bool asked; /* false: it was not sent, or given up before its time: nothing is known */
	struct dns_answer answer;
	struct resolver *resolver; /* of resolver.c */
};

/*
 * server: ADDRESS, ADDRESS:PORT or [IPV6]:PORT; no name, since nobody is there to resolve it. 0 or negative errno with
 * one line in text, which names what was expected.
 */
int resolver_open(const char *server, unsigned per_second, struct resolver **resolver, char *text, size_t text_bytes);
/* NULL is accepted. */
void resolver_close(struct resolver *resolver);

/*
 * Asks all questions and waits for their answers. 0; -EINTR = *stop was set; -ETIMEDOUT = it answers nothing at all
 * (now and from now on); -EIO. Questions that were not asked then have asked false. The caller frees each answer.
 */
int resolver_ask(struct resolver *resolver, struct dns_question *questions, size_t count,
		 const volatile sig_atomic_t *stop);

/* Questions that were sent. */
unsigned long resolver_asked(const struct resolver *resolver);

#endif
