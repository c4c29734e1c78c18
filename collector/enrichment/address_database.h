/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address_database.h - a database of addresses (MMDB): which country and which network an address belongs to, and of
 * when that is.
 *
 * In:  a file that the operator names, in the layouts `country_code` (ip-location-db) and `country.iso_code` (GeoLite2,
 * DB-IP); of networks `autonomous_system_number` and `autonomous_system_organization`. What else a file holds, such as
 * registered_country, is not taken. Out: an answer for an address. Called by visitors.c and destinations.c. The file
 * may be damaged: an error is an answer, too.
 */
#ifndef OTORI_ENRICHMENT_ADDRESS_DATABASE_H
#define OTORI_ENRICHMENT_ADDRESS_DATABASE_H

#include "base/slice.h"

/* ISO 3166 alpha-2 and a terminator. */
#define COUNTRY_BYTES 3
#define COUNTRY_UNKNOWN "ZZ"
/* YYYY-MM-DD and a terminator. */
#define DATABASE_DATE_BYTES 11
/* Longest name of a network that is kept, with its terminator. */
#define NETWORK_NAME_BYTES 512

struct address_database; /* opaque */

struct network {
	uint32_t number;	       /* 0 = unknown */
	char name[NETWORK_NAME_BYTES]; /* UTF-8, cleaned; "" = unknown */
};

/*
 * Opens a file. 0, or negative errno with one line in text that names the file. A file that is no MMDB, is cut, or has
 * no date, is refused.
 */
int address_database_open(const char *path, struct address_database **database, char *text, size_t text_bytes);
/* NULL is accepted. */
void address_database_close(struct address_database *database);

/* The day on which it was made (UTC). */
const char *address_database_date(const struct address_database *database);

/*
 * The country of an address, "ZZ" where the database does not know it. 0, or -EBADMSG where its data about this address
 * can't be read (then address_database_problem tells), -EINVAL where what it says of the country is nothing of the two
 * layouts.
 */
int address_database_country(const struct address_database *database, const struct address *address,
			     char country[COUNTRY_BYTES]);
/* The network of an address; number 0 where it is not known. 0 or -EBADMSG. */
int address_database_network(const struct address_database *database, const struct address *address,
			     struct network *network);

#endif
