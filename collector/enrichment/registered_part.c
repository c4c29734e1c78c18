/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registered_part.c - see registered_part.h.
 *
 * In:  a name. Out: a part of it. Called by the enrichment.
 */
#include "enrichment/registered_part.h"

#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

struct registered_parts {
	psl_ctx_t *read;	  /* a list read from a file; owned */
	const psl_ctx_t *builtin; /* libpsl's own; borrowed */
};

struct registered_parts *registered_parts_open(void)
{
	struct registered_parts *parts = calloc(1, sizeof *parts);

	if (!parts)
		return NULL;
	parts->read = psl_latest(NULL);
	parts->builtin = psl_builtin();
	if (!parts->read && !parts->builtin) {
		free(parts);
		return NULL;
	}
	return parts;
}

void registered_parts_close(struct registered_parts *parts)
{
	if (!parts)
		return;
	psl_free(parts->read);
	free(parts);
}

const char *registered_part(const struct registered_parts *parts, const char *name)
{
	/* a name without a dot would be its own suffix by the list's default rule */
	if (!parts || !strchr(name, '.'))
		return NULL;
	return psl_registrable_domain(parts->read ? parts->read : parts->builtin, name);
}
