/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_text.c - `otori report` on rows made by hand: every line of it, and one line for whatever is wrong.
 *
 * In:  a private cluster. Out: cmocka's verdict.
 */
#include "database_fixture.h"

#include <fcntl.h>

#include "command.h"
#include "report/report.h"

static char folder[64], dir[96], conninfo[256], text[FIXTURE_TEXT_BYTES];
static struct embedded *embedded;
static PGconn *connection;

/* Three days of Tokyo of two decoys; a second sensor that saw nothing. */
static const char *const rows[] = {
	"select observe('e1', '2007-11-01 00:00+09', '2007-11-04 00:00+09', '203.0.113.10,203.0.113.11', "
	"'8080,1080,25', 'replay')",
	"select observe('quiet', '2020-01-01', '2020-01-02', '192.0.2.1', '8080', 'run')",
	"select make_partitions('2007-10-31', '2007-11-04')",
	"insert into access (sensor, access, started_at, ended_at, decoy, decoy_port, source, source_port, protocol, "
	"relay_host, relay_port,"
	" class, depth, end_reason, bytes_in, bytes_out, first_segment_bytes, payload_truncated, hops, mails, "
	"conflicting_bytes)"
	" select 'e1', n, '2007-11-01 00:30+09'::timestamptz + n * interval '20 seconds', now(), '203.0.113.10', port, "
	"'198.51.100.1'::inet + n % 5,"
	" 1, protocol, host, relay, class::class, depth::depth, 'fin', 1, 1, 1, false, 1, 0, 0"
	" from generate_series(1, 1500) as n,"
	" lateral (values (n % 4 = 0, 8080, 'http', 'Mail.Example.', 25, 'mail', 'data'),"
	"  (n % 4 = 1, 8080, 'http', E'evil\\x1b[2J.example', 80, 'web', 'request'),"
	"  (n % 4 = 2, 1080, 'socks4', null, null, 'exploit', 'payload'),"
	"  (n % 4 = 3, 25, 'smtp', null, null, 'mail', 'rcpt')) as kind (wanted, port, protocol, host, relay, class, "
	"depth) where wanted",
	"insert into mail (sensor, mail, received_at, access, decoy, decoy_port, source, source_port, relay_host, "
	"relay_port, direct, complete,"
	" mail_from, subject, header, size_bytes, truncated, recipients)"
	" select 'e1', n, '2007-11-02 12:00+09'::timestamptz + n * interval '1 minute', n, '203.0.113.10', 8080, "
	"'198.51.100.1', 1, 'mx', 25,"
	" false, true, '', case n when 1 then E'\\u7279\\u5225\\x1b]0;owned\\x07' end, '', 1, false, 1 from "
	"generate_series(1, 3) as n",
	"insert into source (sensor, source, country, looked_up_at) values ('e1', '198.51.100.1', 'TW', now()), ('e1', "
	"'198.51.100.2', 'US', now())",
	"select rollup_rebuild()",
};

static const char expected[] =
	"otori: sensor e1\n"
	"================\n"
	"Days are those of Asia/Tokyo.\n"
	"\n"
	"From 2007-11-01 to 2007-11-03 the sensor observed on 3 days, with 2 servers.\n"
	"\n"
	"1,125 accesses from 5 addresses in 2 countries: 563 per server, 188 per server per day.\n"
	"  1080/TCP: 375 (33.3%); 188 per server, 63 a day; exploits 100.0%\n"
	"  8080/TCP: 750 (66.7%); 375 per server, 125 a day; web 50.0%, mail 50.0%\n"
	"\n"
	"375 attempts to relay mail by SMTP spoken to a decoy itself from 5 addresses in 2 countries: 188 per server, "
	"63 per server per day.\n"
	"\n"
	"3 mails through the proxies: 1.0 a day; maximum 3, on 2007-11-02.\n"
	"\n"
	"Accesses by listening port (view accesses_by_port_daily)\n"
	"\n"
	"  day         25/TCP  1080/TCP  8080/TCP    all  servers  per server\n"
	"  ----------  ------  --------  --------  -----  -------  ----------\n"
	"  2007-11-01       0       375       750  1,125        2         563\n"
	"  2007-11-02       0         0         0      0        2           0\n"
	"  2007-11-03       0         0         0      0        2           0\n"
	"\n"
	"Accesses by the port that a relay was asked for to (view accesses_by_relay_port_daily; days without are left "
	"out)\n"
	"\n"
	"  day          25   80  exploits\n"
	"  ----------  ---  ---  --------\n"
	"  2007-11-01  375  375       375\n"
	"\n"
	"Attempts to relay mail directly (view direct_mail_daily)\n"
	"\n"
	"  day         attempts  servers  per server\n"
	"  ----------  --------  -------  ----------\n"
	"  2007-11-01       375        2         188\n"
	"  2007-11-02         0        2           0\n"
	"  2007-11-03         0        2           0\n"
	"\n"
	"Mails through the proxies (view mails_daily)\n"
	"\n"
	"  day         mails  servers  per server\n"
	"  ----------  -----  -------  ----------\n"
	"  2007-11-01      0        2           0\n"
	"  2007-11-02      3        2         1.5\n"
	"  2007-11-03      0        2           0\n"
	"\n"
	"Relays that were asked for most (table access; the first ten)\n"
	"\n"
	"  relay host           port  accesses  addresses\n"
	"  -------------------  ----  --------  ---------\n"
	"  evil\\x1b[2j.example    80       375          5\n"
	"  mail.example           25       375          5\n"
	"\n"
	"Subjects of mails through the proxies (table mail; the ten most frequent)\n"
	"\n"
	"  subject               mails  addresses\n"
	"  --------------------  -----  ---------\n"
	"  (no subject)              2          1\n"
	"  \xe7\x89\xb9\xe5\x88\xa5\\x1b]0;owned\\x07      1          1\n";

static int set_up(void **state)
{
	(void)state;
	fixture_folder(folder);
	snprintf(dir, sizeof(dir), "%s/postgres", folder);
	if (database_open(&(struct database_choice){ .embedded = dir }, true, &embedded, &connection, text,
			  sizeof(text))) {
		fprintf(stderr, "%s\n", text);
		return -1;
	}
	snprintf(conninfo, sizeof(conninfo), "%s", embedded_conninfo(embedded));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fixture_execute(connection, rows[i]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	PQfinish(connection);
	embedded_stop(embedded);
	fixture_folder_remove(folder);
	return 0;
}

/* The report as text; NULL where it failed, with *error. The caller frees it. */
static char *written(const struct report_request *request, int *error)
{
	char *report = NULL;
	size_t bytes;
	FILE *out = open_memstream(&report, &bytes);

	assert_non_null(out);
	*error = report_write(connection, request, out, text, sizeof(text));
	fclose(out);
	if (!*error)
		return report;
	free(report);
	return NULL;
}

static void every_line_is_right(void **state)
{
	int error;
	char *report = written(&(struct report_request){ .sensor = "e1", .timezone = "Asia/Tokyo" }, &error);

	(void)state;
	if (!report)
		fail_msg("%s", text);
	for (size_t i = 0; report[i] || expected[i]; i++) {
		if (report[i] != expected[i])
			fail_msg("from '%.80s' on, expected '%.80s'", report + i, expected + i);
	}
	free(report);
}

static void each_sensor_has_its_own(void **state)
{
	int error;
	char *report = written(&(struct report_request){ .timezone = "UTC" }, &error);

	(void)state;
	assert_non_null(report);
	assert_non_null(strstr(report, "otori: sensor e1\n"));
	assert_non_null(strstr(report, "otori: sensor quiet\n"));
	assert_non_null(strstr(report, "\n0 accesses: 0 per server, 0 per server per day.\n"));
	assert_non_null(strstr(report, "From 2007-10-31 to 2007-11-03 the sensor observed on 4 days"));
	assert_null(strchr(report, '\x1b'));
	free(report);
}

static void a_period_counts_its_days_alone(void **state)
{
	int error;
	char *report = written(
		&(struct report_request){ .timezone = "Asia/Tokyo", .from = "2007-11-02", .to = "2007-11-02" }, &error);

	(void)state;
	assert_non_null(report);
	assert_null(strstr(report, "quiet"));
	assert_non_null(strstr(report, "From 2007-11-02 to 2007-11-02 the sensor observed on 1 day, with 2 servers."));
	assert_non_null(strstr(report, "\n0 accesses"));
	assert_non_null(strstr(report, "3 mails through the proxies: 3.0 a day; maximum 3, on 2007-11-02."));
	assert_null(strstr(report, "2007-11-01"));
	free(report);
	report = written(&(struct report_request){ .timezone = "Asia/Tokyo", .to = "2007-11-01" }, &error);
	assert_non_null(report);
	assert_non_null(strstr(report, "1,125 accesses"));
	free(report);
}

static void what_is_shown_can_be_run(void **state)
{
	int error, queries = 0;
	char *report =
		written(&(struct report_request){ .sensor = "e1", .timezone = "Asia/Tokyo", .show_sql = true }, &error);

	(void)state;
	assert_non_null(report);
	for (char *at = report; (at = strstr(at, "\n    s")); at++) {
		char *end = strstr(at, ";\n"), *sql;

		assert_non_null(end);
		sql = strndup(at, (size_t)(end - at));
		assert_non_null(sql);
		fixture_execute(connection, sql);
		free(sql);
		queries++;
		at = end;
	}
	assert_true(queries == 9);
	free(report);
}

static void says_what_is_missing(void **state)
{
	int error;

	(void)state;
	assert_null(written(&(struct report_request){ .sensor = "nobody" }, &error));
	assert_int_equal(error, -ENOENT);
	assert_string_equal(text, "nothing was observed by sensor nobody");
	assert_null(written(&(struct report_request){ .from = "1999-01-01", .to = "1999-12-31" }, &error));
	assert_string_equal(text, "nothing was observed from 1999-01-01 until 1999-12-31");
	assert_null(written(&(struct report_request){ .sensor = "e1'; drop table access; --" }, &error));
	assert_int_equal(error, -ENOENT);
	assert_null(written(&(struct report_request){ .timezone = "Mars/Olympus" }, &error));
	assert_int_equal(error, -EINVAL);
	assert_non_null(strstr(text, "time zone 'Mars/Olympus'"));
}

/* Runs the command in a child: its status, and what it said on stdout and stderr. */
static int command(char *const *arguments, char *out, size_t out_bytes, char *err, size_t err_bytes)
{
	char path[2][128];
	int count = 0, status = -1;
	pid_t child;

	while (arguments[count])
		count++;
	for (int i = 0; i < 2; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s", folder, i ? "stderr" : "stdout");
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 2; i++)
			dup2(open(path[i], O_WRONLY | O_CREAT | O_TRUNC, 0644), 1 + i);
		status = command_report(count, (char **)arguments);
		fflush(stdout);
		_exit(status);
	}
	waitpid(child, &status, 0);
	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(path[i], "re");
		char *to = i ? err : out;
		size_t room = i ? err_bytes : out_bytes;

		assert_non_null(file);
		to[fread(to, 1, room - 1, file)] = '\0';
		fclose(file);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Refused with this status and one line that holds `what`. */
static void assert_refused(int status, const char *what, char *const *arguments)
{
	char out[4096], err[4096];

	assert_int_equal(command(arguments, out, sizeof(out), err, sizeof(err)), status);
	assert_string_equal(out, "");
	if (!strstr(err, what) || strchr(err, '\n') != err + strlen(err) - 1)
		fail_msg("expected one line with '%s', got: %s", what, err);
}

#define ARGUMENTS(...) ((char *[]){ "report", __VA_ARGS__, NULL })

static void wrong_usage_is_one_line(void **state)
{
	char bare[160];

	(void)state;
	assert_refused(2, "2007-02-30", ARGUMENTS("--from", "2007-02-30"));
	assert_refused(2, "yesterday", ARGUMENTS("--to", "yesterday"));
	assert_refused(2, "is after", ARGUMENTS("--from", "2007-12-01", "--to", "2007-11-30"));
	assert_refused(2, "no json yet", ARGUMENTS("--format", "json"));
	assert_refused(2, "no csv yet", ARGUMENTS("--format=csv"));
	assert_refused(2, "expected text", ARGUMENTS("--format", "carrier pigeon"));
	assert_refused(2, "--colour", ARGUMENTS("--colour"));
	assert_refused(2, "value is missing", ARGUMENTS("--sensor"));
	assert_refused(2, "'surplus'", ARGUMENTS("surplus"));
	assert_refused(2, "exclude", ARGUMENTS("--database", conninfo, "--embedded", dir));
	assert_refused(1, "zone", ARGUMENTS("--timezone", "Mars/Olympus", "--database", "host=/nonexistent"));
	assert_refused(1, "connect", ARGUMENTS("--database", "host=/nonexistent"));
	assert_refused(1, "no private cluster", ARGUMENTS("--embedded", "/nonexistent"));
	assert_refused(1, "nothing was observed", ARGUMENTS("--database", conninfo, "--from", "2050-01-01"));
	/* a database without the schema: that of the superuser */
	snprintf(bare, sizeof(bare), "host=%s/socket dbname=postgres", dir);
	assert_refused(1, "init-db", ARGUMENTS("--database", bare));
}

static void the_command_writes_to_a_file(void **state)
{
	char out[16384], err[4096], path[128], written_text[16384];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/report.txt", folder);
	assert_int_equal(command(ARGUMENTS("--database", conninfo, "--sensor", "e1", "--timezone", "Asia/Tokyo"), out,
				 sizeof(out), err, sizeof(err)),
			 0);
	assert_string_equal(out, expected);
	assert_string_equal(err, "");
	assert_int_equal(
		command(ARGUMENTS("--embedded", dir, "--sensor", "e1", "--timezone", "Asia/Tokyo", "--output", path),
			out, sizeof(out), err, sizeof(err)),
		0);
	assert_string_equal(out, "");
	file = fopen(path, "re");
	assert_non_null(file);
	written_text[fread(written_text, 1, sizeof(written_text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(written_text, expected);
	assert_int_equal(command(ARGUMENTS("--help"), out, sizeof(out), err, sizeof(err)), 0);
	assert_non_null(strstr(out, "--show-sql"));
	assert_refused(1, "/nonexistent/report", ARGUMENTS("--database", conninfo, "--output", "/nonexistent/report"));
	assert_refused(1, "cannot write", ARGUMENTS("--database", conninfo, "--output", "/dev/full"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_is_right),
		cmocka_unit_test(each_sensor_has_its_own),
		cmocka_unit_test(a_period_counts_its_days_alone),
		cmocka_unit_test(what_is_shown_can_be_run),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(wrong_usage_is_one_line),
		cmocka_unit_test(the_command_writes_to_a_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
