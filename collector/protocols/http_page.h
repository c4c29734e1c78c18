/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http_page.h - what the web answers through the decoy: pages, proxy judges, sites that echo one's address.
 *
 * In:  a request and what is known of the decoy. Out: a whole response in the output. Called by mimic_http.c.
 * The same request to the same decoy gives the same page at all times. May not resolve, fetch or copy a real site.
 */
#ifndef OTORI_HTTP_PAGE_H
#define OTORI_HTTP_PAGE_H

#include "protocols/http_parse.h"
#include "protocols/mimic.h"

/*
 * Says the response to request, with its body unless the method is HEAD; closes where keep_alive is false.
 * through: a relay was asked for, or the request came within a tunnel; else the proxy itself answers (400).
 */
void http_page(struct turn *turn, const struct http_request *request, bool through, bool keep_alive);

/* Says an error page with this status. */
void http_error(struct turn *turn, const struct http_request *request, int status, const char *reason, bool keep_alive);

#endif
