/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_parse.h - reads one HTTP request head as clients of open proxies write it, right or wrong.
 *
 * In:  a whole header block in one piece. Out: struct http_request, whose slices point into it. Called by mimic_http.c
 * and http_page.c. Pure. Far more lenient than RFC 9112: LF line ends, blanks, odd request lines, no version
 * (HTTP/0.9).
 */
#ifndef OTORI_HTTP_PARSE_H
#define OTORI_HTTP_PARSE_H

#include "base/slice.h"

enum http_form {
	HTTP_ORIGIN,	/* /path, *, or what is no other form: asks for no relay */
	HTTP_ABSOLUTE,	/* scheme://host/path */
	HTTP_AUTHORITY, /* host:port, of CONNECT */
};

struct http_request {
	struct slice line;    /* request line without its end */
	struct slice headers; /* what follows the request line */
	struct slice method, target;
	struct slice scheme;   /* absolute form */
	struct slice userinfo; /* absolute and authority form, before the @ */
	struct slice host;     /* absolute and authority form: as asked for, without brackets */
	struct slice path;     /* absolute form: from the slash on, may be empty; origin form: the target */
	struct slice host_header, user_agent, content_type;
	int32_t port; /* -1 = none */
	enum http_form form;
	uint8_t version; /* 9 = HTTP/0.9, 10, 11 */
	bool valid;	 /* there are a method and a target */
	bool keep_alive, chunked, expect_continue;
	uint64_t content_bytes;
	bool has_length;
};

void http_parse(struct slice block, struct http_request *request);

/* Splits a request line: method, target (with blanks inside), version as in http_request; false where there is no
 * target. */
bool http_parse_line(struct slice line, struct slice *method, struct slice *target, uint8_t *version);

/* Takes the next header off *rest. false at the end. A line without a colon has an empty name; a folded one too. */
bool http_header_next(struct slice *rest, struct slice *name, struct slice *value);

/* Compares without regard to case. */
bool http_is(struct slice text, const char *word);

/* Value is a comma separated list that holds word. */
bool http_list_has(struct slice value, const char *word);

/*
 * Finds the next secret of a header block or of the first part of one: the credentials in Authorization and
 * Proxy-Authorization (behind the scheme, with folded lines), the password in user info of the target or of another
 * header. *from is 0 at first. false = no more. scheme is of the first two kinds; header is empty for the target's.
 */
bool http_next_secret(struct slice block, size_t *from, struct slice *header, struct slice *scheme,
		      struct slice *secret);

#endif
