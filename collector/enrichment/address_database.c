/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address_database.c - see address_database.h.
 *
 * In:  an MMDB file, mapped by libmaxminddb. Out: answers. Called by the enrichment; writes nothing.
 */
#include "enrichment/address_database.h"

#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/text_clean.h"

/* Build times that can be right: a file may be dated back to what it tells of, but not to nothing; a date has four
 * digits of year. */
#define EARLIEST_BUILD 86400ULL
#define LATEST_BUILD 253402300799ULL
/* Seconds that a file may be ahead of us: its date would stand beside every answer, and no newer file would count. */
#define CLOCKS_APART 86400

struct address_database {
	MMDB_s mmdb;
	char date[DATABASE_DATE_BYTES];
};

static int fail(char *text, size_t text_bytes, int error, const char *path, const char *why)
{
	snprintf(text, text_bytes, "%s: %s", path, why);
	return error;
}

/* Is the tree as long as its head says? libmaxminddb looks only at the end of the file for the head. */
static bool tree_fits(const MMDB_s *mmdb)
{
	uint64_t tree = (uint64_t)mmdb->metadata.node_count * mmdb->full_record_byte_size;

	return mmdb->metadata.node_count > 0 && (uint64_t)mmdb->file_size > tree;
}

int address_database_open(const char *path, struct address_database **database, char *text, size_t text_bytes)
{
	struct address_database *made = calloc(1, sizeof *made);
	struct tm parts;
	time_t built;
	int status;

	*database = NULL;
	if (!made)
		return fail(text, text_bytes, -ENOMEM, path, "out of memory");
	errno = 0;
	status = MMDB_open(path, MMDB_MODE_MMAP, &made->mmdb);
	if (status != MMDB_SUCCESS) {
		int error = -EBADMSG;

		/* an empty file can't be mapped: EINVAL; nor can a folder: ENODEV */
		if ((status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR) && errno && errno != EINVAL &&
		    errno != ENODEV)
			error = -errno;
		free(made);
		return error == -EBADMSG
			       ? fail(text, text_bytes, error, path, "is no MMDB database, or is damaged or cut")
			       : fail(text, text_bytes, error, path, strerror(-error));
	}
	if (!tree_fits(&made->mmdb)) {
		address_database_close(made);
		return fail(text, text_bytes, -EBADMSG, path, "is damaged: its tree is longer than the file");
	}
	built = (time_t)made->mmdb.metadata.build_epoch;
	if (made->mmdb.metadata.build_epoch < EARLIEST_BUILD || made->mmdb.metadata.build_epoch > LATEST_BUILD ||
	    !gmtime_r(&built, &parts) || !strftime(made->date, sizeof made->date, "%Y-%m-%d", &parts)) {
		address_database_close(made);
		return fail(text, text_bytes, -EBADMSG, path, "does not say when it was made (build_epoch)");
	}
	if (built > time(NULL) + CLOCKS_APART) {
		snprintf(text, text_bytes, "%s: is dated %s, in the future (or this machine's clock is wrong)", path,
			 made->date);
		address_database_close(made);
		return -EBADMSG;
	}
	*database = made;
	return 0;
}

void address_database_close(struct address_database *database)
{
	if (!database)
		return;
	MMDB_close(&database->mmdb);
	free(database);
}

const char *address_database_date(const struct address_database *database)
{
	return database->date;
}

/* 1 = there is an entry, 0 = there is none, -EBADMSG. */
static int look_up(const struct address_database *database, const struct address *address, MMDB_entry_s *entry)
{
	struct address wanted = address_unwrapped(address);
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	const struct sockaddr *socket_address = wanted.ipv6 ? (const void *)&ipv6 : (const void *)&ipv4;
	MMDB_lookup_result_s result;
	int status = MMDB_SUCCESS;

	if (wanted.ipv6 && database->mmdb.metadata.ip_version == 4)
		return 0;
	memcpy(&ipv6.sin6_addr, wanted.bytes, sizeof ipv6.sin6_addr);
	memcpy(&ipv4.sin_addr, wanted.bytes, sizeof ipv4.sin_addr);
	result = MMDB_lookup_sockaddr(&database->mmdb, socket_address, &status);
	if (status != MMDB_SUCCESS)
		return -EBADMSG;
	*entry = result.entry;
	return result.found_entry;
}

/* The value at a path of at most two keys. 1, 0 = not there, -EBADMSG. */
static int value_at(MMDB_entry_s *entry, const char *first, const char *second, MMDB_entry_data_s *value)
{
	const char *const path[] = { first, second, NULL };
	int status = MMDB_aget_value(entry, value, path);

	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR || status == MMDB_INVALID_LOOKUP_PATH_ERROR)
		return 0;
	if (status != MMDB_SUCCESS)
		return -EBADMSG;
	return value->has_data;
}

/* Two letters, folded; anything else ("", "A1", "--") and XX, by which some say unknown, is ZZ. */
static void country_of(const MMDB_entry_data_s *value, char country[COUNTRY_BYTES])
{
	strcpy(country, COUNTRY_UNKNOWN);
	if (value->data_size != 2)
		return;
	for (size_t i = 0; i < 2; i++) {
		char letter = (char)(value->utf8_string[i] & ~0x20);

		if (letter < 'A' || letter > 'Z' || !(value->utf8_string[i] & 0x40)) {
			strcpy(country, COUNTRY_UNKNOWN);
			return;
		}
		country[i] = letter;
	}
	if (strcmp(country, "XX") == 0)
		strcpy(country, COUNTRY_UNKNOWN);
}

int address_database_country(const struct address_database *database, const struct address *address,
			     char country[COUNTRY_BYTES])
{
	MMDB_entry_data_s value = { 0 };
	MMDB_entry_s entry;
	int found = look_up(database, address, &entry);

	strcpy(country, COUNTRY_UNKNOWN);
	if (found <= 0)
		return found;
	found = value_at(&entry, "country_code", NULL, &value);
	if (found == 0)
		found = value_at(&entry, "country", "iso_code", &value);
	if (found <= 0)
		return found;
	if (value.type != MMDB_DATA_TYPE_UTF8_STRING)
		return -EINVAL;
	country_of(&value, country);
	return 0;
}

/* A number of whatever width; 0 where it is none or too large for an AS number. */
static uint32_t number_of(const MMDB_entry_data_s *value)
{
	switch (value->type) {
	case MMDB_DATA_TYPE_UINT16:
		return value->uint16;
	case MMDB_DATA_TYPE_UINT32:
		return value->uint32;
	case MMDB_DATA_TYPE_UINT64:
		return value->uint64 <= UINT32_MAX ? (uint32_t)value->uint64 : 0;
	default:
		return 0;
	}
}

/* As much of a name as there is room for, whole characters, clean. */
static void name_of(const MMDB_entry_data_s *value, char name[NETWORK_NAME_BYTES])
{
	size_t kept = (NETWORK_NAME_BYTES - 1) / TEXT_CLEAN_MAX_BYTES(1), length;
	struct slice bytes = slice_of(value->utf8_string, value->data_size < kept ? value->data_size : kept);

	/* where it is cut within a character, the character goes */
	while (bytes.length < value->data_size && bytes.length && (bytes.bytes[bytes.length] & 0xc0) == 0x80)
		bytes.length--;
	length = text_clean(bytes, (uint8_t *)name);
	name[length] = '\0';
}

int address_database_network(const struct address_database *database, const struct address *address,
			     struct network *network)
{
	MMDB_entry_data_s value = { 0 };
	MMDB_entry_s entry;
	int found = look_up(database, address, &entry);

	*network = (struct network){ 0 };
	if (found <= 0)
		return found;
	found = value_at(&entry, "autonomous_system_number", NULL, &value);
	if (found < 0)
		return found;
	if (found)
		network->number = number_of(&value);
	found = value_at(&entry, "autonomous_system_organization", NULL, &value);
	if (found < 0)
		return found;
	if (found && value.type == MMDB_DATA_TYPE_UTF8_STRING && network->number)
		name_of(&value, network->name);
	return 0;
}
