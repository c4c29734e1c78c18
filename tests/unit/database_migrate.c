/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * database_migrate.c - migrations: applied once, from any state on, by one of several at a time; and what is refused.
 *
 * In:  schema/ (run from the top folder), a private cluster. Out: cmocka's verdict.
 */
#include "database_fixture.h"

#include <dirent.h>

#include "database/migrations.h"

static char folder[64], dir[96], text[FIXTURE_TEXT_BYTES];
static struct embedded *embedded;

/* A connection to a database of this name, made anew. */
static PGconn *fresh(const char *name)
{
	PGconn *connection = database_connect(embedded_conninfo(embedded), text, sizeof(text));
	char sql[128], conninfo[512];

	if (!connection)
		fail_msg("%s", text);
	snprintf(sql, sizeof(sql), "create database %s", name);
	fixture_execute(connection, sql);
	PQfinish(connection);
	snprintf(conninfo, sizeof(conninfo), "host=%s/socket dbname=%s", dir, name);
	connection = database_connect(conninfo, text, sizeof(text));
	assert_non_null(connection);
	return connection;
}

static void migrate(PGconn *connection)
{
	if (database_migrate(connection, text, sizeof(text)))
		fail_msg("%s", text);
}

static int set_up(void **state)
{
	(void)state;
	fixture_folder(folder);
	snprintf(dir, sizeof(dir), "%s/postgres", folder);
	if (embedded_start(dir, &embedded, text, sizeof(text))) {
		fprintf(stderr, "%s\n", text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	embedded_stop(embedded);
	fixture_folder_remove(folder);
	return 0;
}

static void the_list_is_the_folder(void **state)
{
	struct dirent **entries;
	int count = scandir("schema", &entries, NULL, alphasort), files = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name, *end = strstr(name, ".sql");

		if (end) {
			assert_true((size_t)files < migration_count);
			assert_int_equal(migrations[files].number, files + 1);
			assert_int_equal(atoi(name), files + 1);
			assert_int_equal(strlen(migrations[files].name), (size_t)(end - name));
			assert_memory_equal(migrations[files].name, name, (size_t)(end - name));
			assert_int_equal(migrations[files].sql_bytes, strlen(migrations[files].sql));
			files++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal((size_t)files, migration_count);
}

static void applies_once(void **state)
{
	PGconn *connection = fresh("once");
	char value[256], again[256], expected[16];

	(void)state;
	assert_int_equal(database_current(connection, text, sizeof(text)), -ENOENT);
	assert_non_null(strstr(text, "init-db"));
	migrate(connection);
	snprintf(expected, sizeof(expected), "%zu", migration_count);
	assert_string_equal(fixture_value(connection, "select count(*) from migration", value), expected);
	fixture_value(connection, "select max(applied_at)::text || count(*) from migration", value);
	migrate(connection);
	assert_string_equal(fixture_value(connection, "select max(applied_at)::text || count(*) from migration", again),
			    value);
	assert_int_equal(database_current(connection, text, sizeof(text)), 0);
	/* whoever comes later finds the schema by its name alone */
	PQreset(connection);
	assert_string_equal(fixture_value(connection, "select count(*) from access", value), "0");
	PQfinish(connection);
}

static void goes_on_from_every_older_state(void **state)
{
	(void)state;
	for (size_t applied = 1; applied < migration_count; applied++) {
		char name[32], value[256];
		PGconn *connection;

		snprintf(name, sizeof(name), "older_%zu", applied);
		connection = fresh(name);
		for (size_t i = 0; i < applied; i++) {
			char number[16];
			const char *const values[] = { number, migrations[i].name, migrations[i].sql };

			snprintf(number, sizeof(number), "%d", migrations[i].number);
			fixture_execute(connection, "begin");
			fixture_execute(connection, migrations[i].sql);
			PQclear(PQexecParams(connection,
					     "insert into otori.migration values ($1::integer, $2, "
					     "sha256(convert_to($3, 'UTF8')), 'older')",
					     3, NULL, values, NULL, NULL, 0));
			fixture_execute(connection, "commit");
		}
		if (applied > 1) {
			/* what is there stays there */
			fixture_execute(
				connection,
				"select otori.observe('s', '2020-01-01', '2020-01-02', '192.0.2.1', '8080', 'run')");
			fixture_execute(connection, "select otori.make_partitions('2020-01-01', '2020-01-01')");
		}
		assert_int_equal(database_current(connection, text, sizeof(text)), -EPROTO);
		migrate(connection);
		assert_int_equal(database_current(connection, text, sizeof(text)), 0);
		fixture_value(connection, "select count(*) from otori.accesses_by_port_daily", value);
		assert_string_equal(value, applied > 1 ? "1" : "0");
		PQfinish(connection);
	}
}

static void several_at_once_apply_once(void **state)
{
	PGconn *connection = fresh("several");
	char value[256], expected[16], conninfo[512];
	pid_t children[4];

	(void)state;
	snprintf(conninfo, sizeof(conninfo), "host=%s/socket dbname=several", dir);
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			PGconn *mine = database_connect(conninfo, text, sizeof(text));
			int error = mine ? database_migrate(mine, text, sizeof(text)) : -1;

			if (error)
				fprintf(stderr, "%s\n", text);
			_exit(error ? 1 : 0);
		}
	}
	for (size_t i = 0; i < 4; i++) {
		int status = -1;

		waitpid(children[i], &status, 0);
		assert_int_equal(status, 0);
	}
	snprintf(expected, sizeof(expected), "%zu", migration_count);
	assert_string_equal(fixture_value(connection, "select count(*) from migration", value), expected);
	PQfinish(connection);
}

static void partitions_at_once_are_made_once(void **state)
{
	PGconn *connection = fresh("months");
	char value[256], conninfo[512];
	pid_t children[4];

	(void)state;
	migrate(connection);
	snprintf(conninfo, sizeof(conninfo), "host=%s/socket dbname=months", dir);
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			PGconn *mine = database_connect(conninfo, text, sizeof(text));
			PGresult *result = PQexec(mine, "select make_partitions('2010-01-01', '2010-06-30')");

			if (PQresultStatus(result) != PGRES_TUPLES_OK)
				fprintf(stderr, "%s", PQerrorMessage(mine));
			_exit(PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : 1);
		}
	}
	for (size_t i = 0; i < 4; i++) {
		int status = -1;

		waitpid(children[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_string_equal(fixture_value(connection,
					  "select count(*) from pg_class where relispartition and relkind = 'r' and "
					  "relname like '%2010_0_'",
					  value),
			    "60");
	PQfinish(connection);
}

static void readers_of_a_month_do_not_wait(void **state)
{
	PGconn *connection = fresh("readers"), *reader;
	char value[256], conninfo[512];

	(void)state;
	migrate(connection);
	snprintf(conninfo, sizeof(conninfo), "host=%s/socket dbname=readers", dir);
	reader = database_connect(conninfo, text, sizeof(text));
	assert_non_null(reader);
	fixture_execute(reader, "begin");
	fixture_execute(reader, "select count(*) from access");
	fixture_execute(connection, "set lock_timeout = '2s'");
	assert_string_equal(fixture_value(connection, "select make_partitions('2011-01-01', '2011-01-01')", value),
			    "10");
	fixture_execute(reader, "commit");
	PQfinish(reader);
	PQfinish(connection);
}

static void refuses_what_it_does_not_know(void **state)
{
	PGconn *connection = fresh("unknown");
	char value[256];

	(void)state;
	migrate(connection);
	fixture_execute(connection, "insert into migration values (9999, '9999_later', '', 'later')");
	assert_int_equal(database_migrate(connection, text, sizeof(text)), -EPROTO);
	assert_non_null(strstr(text, "newer"));
	assert_int_equal(database_current(connection, text, sizeof(text)), -EPROTO);
	fixture_execute(connection, "delete from migration where number = 9999");
	fixture_execute(connection, "begin");
	fixture_execute(connection, "update migration set sha256 = '' where number = 1");
	assert_int_equal(database_migrate(connection, text, sizeof(text)), -EPROTO);
	assert_non_null(strstr(text, "0001_tables"));
	fixture_execute(connection, "rollback");
	fixture_execute(connection, "begin");
	fixture_execute(connection, "delete from migration where number = 1");
	assert_int_equal(database_migrate(connection, text, sizeof(text)), -EPROTO);
	fixture_execute(connection, "rollback");
	migrate(connection);
	/* labels have one source: record.h */
	fixture_execute(connection, "alter type class add value 'unheard_of'");
	assert_int_equal(database_migrate(connection, text, sizeof(text)), -EPROTO);
	assert_non_null(strstr(text, "otori.class"));
	assert_null(strchr(text, '\n'));
	fixture_value(connection, "select 1", value);
	assert_string_equal(value, "1");
	PQfinish(connection);
}

static void who_only_reads_needs_no_rights(void **state)
{
	PGconn *connection = fresh("reading");
	char value[256];

	(void)state;
	migrate(connection);
	fixture_execute(connection, "set role otori_read");
	assert_int_equal(database_current(connection, text, sizeof(text)), 0);
	migrate(connection);
	assert_string_equal(fixture_value(connection, "select count(*) from sensor_summary", value), "0");
	PQfinish(connection);
	/* and who may not make roles or schemas is told so in a line */
	connection = fresh("closed");
	fixture_execute(connection, "create role nobody_special");
	fixture_execute(connection, "set role nobody_special");
	assert_true(database_migrate(connection, text, sizeof(text)) < 0);
	assert_non_null(strstr(text, "0001_tables"));
	assert_null(strchr(text, '\n'));
	PQfinish(connection);
}

static void says_in_one_line_why_it_cannot_connect(void **state)
{
	(void)state;
	assert_null(database_connect("host=/nonexistent", text, sizeof(text)));
	assert_non_null(strstr(text, "No such file"));
	assert_null(strchr(text, '\n'));
	assert_null(database_connect("colour=red", text, sizeof(text)));
	assert_non_null(strstr(text, "colour"));
	assert_null(strchr(text, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_the_folder),
		cmocka_unit_test(applies_once),
		cmocka_unit_test(goes_on_from_every_older_state),
		cmocka_unit_test(several_at_once_apply_once),
		cmocka_unit_test(partitions_at_once_are_made_once),
		cmocka_unit_test(readers_of_a_month_do_not_wait),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(who_only_reads_needs_no_rights),
		cmocka_unit_test(says_in_one_line_why_it_cannot_connect),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
