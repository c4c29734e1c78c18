// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * known_keys.c - the keys that a table has for the sensor in hand, read once and kept in memory.
 *
 * In:  the columns of a key. Out: a set of them, or none, where they are too many. Called by load_rollup_known.c and
 * load_payload.c. May not talk to the database but through load.h.
 */
#include "loader/known_keys.h"

#include <errno.h>
#include <stdio.h>

#include "loader/load.h"

static const char signature[] = "PGCOPY\n\377\r\n";

/* A message of COPY: a row whose columns are a key, as copy_* writes it; before the first row the header stands. */
static int take_key(struct known_keys *known, const uint8_t *message, size_t length)
{
	size_t header = copy_binary_header().length;
	bool was_there;

	if (length > header && !memcmp(message, signature, sizeof(signature) - 1)) {
		message += header;
		length -= header;
	}
	if (length <= 2 || message[0] == 0xff) /* the trailer, or a header alone */
		return 0;
	return key_set_add(&known->keys, message + 2, length - 2, &was_there);
}

/* All keys of the sensor. Reads to the end whatever happens, so that the connection can be used. */
static int read_keys(struct load *load, struct known_keys *known)
{
	PGresult *result;
	char *message;
	int length, error = 0;

	while ((length = PQgetCopyData(load->connection, &message, 0)) > 0) {
		if (!error)
			error = take_key(known, (const uint8_t *)message, (size_t)length);
		PQfreemem(message);
	}
	while ((result = PQgetResult(load->connection)) != NULL) {
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			return load_judge(load, result);
		PQclear(result);
	}
	return length < -1 ? -EAGAIN : error;
}

int known_keys_read(struct load *load, struct known_keys *known, const char *what)
{
	char question[256], *sensor;
	PGresult *result;
	int error;

	if (known->wait) {
		known->wait--;
		return 0;
	}
	sensor = PQescapeLiteral(load->connection, load->header.sensor, strlen(load->header.sensor));
	if (!sensor) {
		snprintf(load->text, sizeof(load->text), "out of memory");
		return -ENOMEM;
	}
	key_set_free(&known->keys);
	snprintf(question, sizeof(question), "copy (select %s where sensor = %s limit %u) to stdout (format binary)",
		 what, sensor, KEY_SET_MAX + 1);
	PQfreemem(sensor);
	result = PQexec(load->connection, question);
	if (PQresultStatus(result) != PGRES_COPY_OUT)
		return load_judge(load, result);
	PQclear(result);
	error = read_keys(load, known);
	if (error == -ENOSPC || error == -ENOMEM) {
		known_keys_doubt(known);
		return 0;
	}
	known->valid = !error;
	return error;
}

void known_keys_doubt(struct known_keys *known)
{
	known_keys_forget(known);
	known->wait = KNOWN_KEYS_WAIT;
}

void known_keys_forget(struct known_keys *known)
{
	key_set_free(&known->keys);
	known->valid = false;
	known->wait = 0;
}
