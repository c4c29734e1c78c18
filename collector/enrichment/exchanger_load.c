/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exchanger_load.c - a dated file of mail exchangers into mail_exchanger.
 *
 * In:  a file as exchanger_file.h describes it. Out: its rows, for each sensor, in one transaction: a bad line leaves
 * nothing behind. Called by enrich.c. Reads line by line; no more than a portion is in memory.
 */
#include "enrichment/enrichment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enrichment/array_text.h"
#include "enrichment/exchanger_file.h"
#include "enrichment/registered_part.h"
#include "enrichment/statement.h"

/*
 * $1 domains, $2 exchangers, $3 addresses, $4 dates, $5 registered parts, $6 sensor. Passive DNS has an address a line:
 * rows of one exchanger and day are joined, with what is there already, too.
 */
static const char write_rows[] =
	"with given as (select unnest($1::text[]) as domain, unnest($2::text[]) as exchanger, "
	"unnest($3::text[])::inet[] as addresses,"
	"  unnest($4::date[]) as valid_on, unnest($5::text[]) as registered),"
	" joined as (select domain, exchanger, valid_on, registered,"
	"  coalesce(array_agg(distinct address) filter (where address is not null), '{}') as addresses"
	"  from given left join lateral unnest(addresses) as address on true group by 1, 2, 3, 4)"
	" insert into otori.mail_exchanger as known"
	"  (sensor, domain, exchanger, valid_on, addresses, looked_up_at, origin, whole, registered)"
	" select sensor.sensor, domain, exchanger, valid_on, addresses, valid_on::timestamp at time zone 'UTC', 'file',"
	"  addresses <> '{}' or exchanger = '.', registered"
	" from otori.sensor cross join joined where $6::text is null or sensor.sensor = $6"
	" on conflict (sensor, domain, exchanger, valid_on) do update set whole = known.whole or excluded.whole,"
	"  addresses = array(select unnest(known.addresses) union select unnest(excluded.addresses) order by 1)";

enum column { DOMAINS, EXCHANGERS, ADDRESSES, DATES, REGISTERED, COLUMNS };

struct load {
	struct enrichment *enrichment;
	struct array_text columns[COLUMNS];
	unsigned long rows;
};

static int write_portion(struct load *load)
{
	const char *values[COLUMNS + 1];

	if (!load->columns[DOMAINS].count)
		return 0;
	for (int i = 0; i < COLUMNS; i++) {
		values[i] = array_text_end(&load->columns[i]);
		if (!values[i]) {
			snprintf(load->enrichment->text, sizeof load->enrichment->text, "out of memory");
			return -ENOMEM;
		}
	}
	values[COLUMNS] = load->enrichment->sensor;
	if (statement_run(load->enrichment, write_rows, COLUMNS + 1, values, NULL))
		return -EIO;
	for (int i = 0; i < COLUMNS; i++)
		array_text_clear(&load->columns[i]);
	return 0;
}

static int add_row(struct load *load, const struct exchanger_row *row)
{
	const struct enrichment *enrichment = load->enrichment;

	array_text_add(&load->columns[DOMAINS], row->domain);
	array_text_add(&load->columns[EXCHANGERS], row->exchanger);
	array_text_add_addresses(&load->columns[ADDRESSES], row->addresses, row->address_count);
	array_text_add(&load->columns[DATES], row->date);
	array_text_add(&load->columns[REGISTERED], registered_part(enrichment->parts, row->exchanger));
	load->rows++;
	return load->columns[DOMAINS].count == STATEMENT_ROWS ? write_portion(load) : 0;
}

static int bad_line(struct load *load, const char *path, unsigned long number, const char *expected)
{
	snprintf(load->enrichment->text, sizeof load->enrichment->text,
		 "%s:%lu: expected %s; nothing of the file is loaded", path, number, expected);
	return -EINVAL;
}

static int read_lines(struct load *load, FILE *file, const char *path)
{
	char line[EXCHANGER_LINE_BYTES];
	struct exchanger_row row;
	int got = 0, error = 0;

	for (unsigned long number = 1; !error; number++) {
		const char *expected = NULL;
		size_t length = 0;

		if (*load->enrichment->stop)
			return -EINTR;
		/* not fgets: a NUL in the file is a bad line and no end of one */
		while ((got = getc(file)) != EOF && got != '\n' && length < sizeof line)
			line[length++] = (char)got;
		if (length == sizeof line)
			return bad_line(load, path, number, "lines of at most 8191 bytes");
		if (got == EOF && !length)
			break;
		got = exchanger_row_parse(slice_of(line, length), &row, &expected);
		if (got < 0)
			return bad_line(load, path, number, expected);
		error = got ? add_row(load, &row) : 0;
	}
	if (!error && ferror(file)) {
		snprintf(load->enrichment->text, sizeof load->enrichment->text, "cannot read %s: %s", path,
			 strerror(errno));
		return -EIO;
	}
	return error ? error : write_portion(load);
}

int enrich_load_exchangers(struct enrichment *enrichment, const char *path)
{
	struct load load = { .enrichment = enrichment };
	FILE *file = fopen(path, "re");
	int error;

	if (!file) {
		error = -errno;
		snprintf(enrichment->text, sizeof enrichment->text, "cannot read %s: %s", path, strerror(errno));
		return error;
	}
	error = statement_run(enrichment, "begin", 0, NULL, NULL);
	if (!error) {
		error = read_lines(&load, file, path);
		if (!error)
			error = statement_run(enrichment, "commit", 0, NULL, NULL);
		if (error)
			PQclear(PQexec(enrichment->connection, "rollback"));
	}
	fclose(file);
	for (int i = 0; i < COLUMNS; i++)
		array_text_free(&load.columns[i]);
	if (!error)
		enrichment->tally.file_rows += load.rows;
	return error;
}
