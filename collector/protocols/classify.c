// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * classify.c - class of an access.
 *
 * In:  what the first request asked for. Out: enum access_class. Called by conversation.c. Knows no bytes.
 */
#include "protocols/classify.h"

enum access_class classify(const struct first_request *first)
{
	if (first->relay && (first->port == 25 || first->port == 465 || first->port == 587))
		return CLASS_mail;
	if (first->protocol && !strcmp(first->protocol, "smtp"))
		return CLASS_mail;
	if ((first->relay && (first->port == 80 || first->port == 443)) || first->absolute_form)
		return CLASS_web;
	return first->relay ? CLASS_tunnel : CLASS_other;
}
