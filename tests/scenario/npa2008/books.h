/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * books.h - what the generator knows that it has made: the facts that a perfect observer would write down.
 *
 * In:  each conversation, mail and SYN as it is made. Out: accesses.tsv, mails.tsv, syns.tsv in the folder of the
 * sensor; figures.py makes the expected figures of them. Nothing in here has seen otori.
 */
#ifndef NPA2008_BOOKS_H
#define NPA2008_BOOKS_H

#include "frame.h"

#include <stdint.h>
#include <stdio.h>

#define LETTER_RECIPIENTS 8

struct books; /* opaque */

struct access_fact {
	int64_t started_ns;
	struct endpoint client, server;
	const char *protocol;	/* NULL: nothing was said */
	const char *relay_host; /* NULL: none was asked for */
	int relay_port;		/* -1: none */
	const char *class, *depth;
	bool exploit;
	uint64_t bytes_in;
	const char *chain;     /* host:port > host:port, or NULL */
	const char *smtp_kind; /* of direct mail; else NULL */
};

struct mail_fact {
	int64_t received_ns;
	struct endpoint client, server;
	const char *relay_host;
	int relay_port;
	bool direct, complete;
	const char *mail_from, *subject; /* subject NULL: hostile bytes, cleaned by a rule that is not checked here */
	uint64_t size_bytes;
	const char *recipients[LETTER_RECIPIENTS];
	bool suspect[LETTER_RECIPIENTS]; /* the relay is no exchanger of this one's domain */
	size_t recipient_count;
	const char *found_in, *encoding; /* of a probe; else NULL */
};

struct books *books_open(const char *folder);
void books_access(struct books *books, const struct access_fact *fact);
void books_mail(struct books *books, const struct mail_fact *fact);
void books_syn(struct books *books, int64_t time_ns, const struct endpoint *from, const struct endpoint *to);
void books_close(struct books *books);

#endif
