/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * classify.c - `otori classify`: judges what is stored again by the exploit rules.
 *
 * In:  options. Out: changed accesses, and on stdout what changed by rule. Called by main.c. What an access is by its
 * first request is protocols/classify.c's business.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/problem.h"
#include "command.h"
#include "database/database.h"
#include "exploits/match.h"
#include "exploits/rule_table.h"
#include "reclassify/reclassify.h"
#include "replay/moment.h"

struct classify {
	struct database_choice database;
	const char *rules_file, *sensor, *from, *to;
	char from_text[RECLASSIFY_MOMENT_TEXT_BYTES], to_text[RECLASSIFY_MOMENT_TEXT_BYTES];
	bool dry_run, list, help;
	struct exploit_rules *rules;
};

static void print_help(void)
{
	fputs("Usage: otori classify [OPTION...]\n\n"
	      "Judges the stored accesses again by the exploit rules, and changes class and exploit where they differ. "
	      "What is\n"
	      "right already is left as it is, and so are accesses whose payload retention has taken away.\n\n"
	      "  --rules FILE         rules of your own, behind those that are built in\n"
	      "  --sensor NAME        only this sensor\n"
	      "  --from MOMENT        only accesses from then on: 2006-09-01, 2006-09-01T08:30+09:00 (UTC without a "
	      "zone)\n"
	      "  --to MOMENT          only accesses before then; a day alone is included\n"
	      "  --dry-run            change nothing, tell what would change\n"
	      "  --list               print the rules, and do nothing else\n"
	      "  --database CONNINFO  PostgreSQL, as libpq takes it; without: PG* variables\n"
	      "  --embedded DIR       the private PostgreSQL in this folder instead\n"
	      "  --help               this text\n",
	      stdout);
}

static int take_option(struct classify *options, int got, char **argv, struct problem *problem)
{
	switch (got) {
	case 'r':
		options->rules_file = optarg;
		return 0;
	case 's':
		options->sensor = optarg;
		return 0;
	case 'f':
		options->from = optarg;
		return 0;
	case 't':
		options->to = optarg;
		return 0;
	case 'n':
		options->dry_run = true;
		return 0;
	case 'l':
		options->list = true;
		return 0;
	case 'd':
		options->database.conninfo = optarg;
		return 0;
	case 'e':
		options->database.embedded = optarg;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case ':':
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
	default:
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "%s: unknown option: otori classify --help lists them", argv[optind - 1]);
	}
}

static int read_options(struct classify *options, int argc, char **argv, struct problem *problem)
{
	static const struct option known[] = {
		{ "rules", required_argument, NULL, 'r' },    { "sensor", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' },     { "to", required_argument, NULL, 't' },
		{ "dry-run", no_argument, NULL, 'n' },	      { "list", no_argument, NULL, 'l' },
		{ "database", required_argument, NULL, 'd' }, { "embedded", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },	      { 0 },
	};
	int got, error = 0;

	opterr = 0;
	optind = 0;
	while (!error && (got = getopt_long(argc, argv, ":h", known, NULL)) != -1)
		error = take_option(options, got, argv, problem);
	if (!error && optind < argc)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "'%s' is no option: otori classify --help lists them", argv[optind]);
	if (!error && options->database.conninfo && options->database.embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--database and --embedded exclude each other, both are given");
	return error;
}

/* One bound of the period: as the database reads it, in to; *bound points there or stays NULL. */
static int read_moment(const char **bound, const char *name, int end, char to[RECLASSIFY_MOMENT_TEXT_BYTES],
		       uint64_t *ns, struct problem *problem)
{
	if (!*bound)
		return 0;
	if (moment_parse(*bound, end, ns))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--%s: expected a moment such as 2006-09-01 or 2006-09-01T08:30+09:00, got '%s'",
				   name, *bound);
	moment_text(*ns, to);
	*bound = to;
	return 0;
}

static int read_period(struct classify *options, struct problem *problem)
{
	uint64_t from_ns = 0, to_ns = UINT64_MAX;
	const char *from = options->from, *to = options->to;
	int error = read_moment(&options->from, "from", 0, options->from_text, &from_ns, problem);

	if (!error)
		error = read_moment(&options->to, "to", 1, options->to_text, &to_ns, problem);
	if (!error && from_ns >= to_ns)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--from %s is not before --to %s", from, to);
	return error;
}

static void print_rules(const struct exploit_rules *rules)
{
	char forms[EXPLOIT_FORMS_TEXT_BYTES];

	printf("%u rules, version %s; the first that matches names an access\n", rules->count, rules->version);
	for (unsigned i = 0; i < rules->count; i++)
		printf("\n%s (%s)\n  %s\n", rules->rules[i].name, exploit_forms_text(&rules->rules[i], forms),
		       rules->rules[i].description);
}

static void print_totals(const struct classify *options, const char *sensor, const struct reclassify_totals *totals)
{
	printf("otori: classify: %s: %" PRIu64 " payloads judged, %" PRIu64 " accesses %s\n", sensor, totals->payloads,
	       totals->changed, options->dry_run ? "would change" : "changed");
	for (unsigned i = 0; i < totals->count; i++)
		printf("  %-28s +%" PRIu64 " -%" PRIu64 "\n", totals->counts[i].name, totals->counts[i].gained,
		       totals->counts[i].lost);
	if (totals->kept)
		printf("  %" PRIu64 " accesses stay as they are: their payload was taken away\n", totals->kept);
	if (totals->given_up)
		printf("  %" PRIu64 " times a rule was given up at the limit of steps and counts as not matched\n",
		       totals->given_up);
}

/* Names of rules are rows before an access refers to them. */
static int keep_rules(const struct classify *options, PGconn *connection, const char *sensor, struct problem *problem)
{
	char *json = exploit_rules_json(options->rules);
	const char *values[] = { sensor, json, options->rules->version };
	PGresult *result;
	int error = 0;

	if (!json)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "memory is short");
	result = PQexecParams(connection, EXPLOIT_RULE_TABLE_STATEMENT, 3, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		error = problem_say(problem, PROBLEM_FAILURE, -EIO, "cannot enter the rules: %.*s",
				    (int)strcspn(PQerrorMessage(connection), "\n"), PQerrorMessage(connection));
	PQclear(result);
	free(json);
	return error;
}

static int classify_sensor(const struct classify *options, PGconn *connection, const char *sensor,
			   struct problem *problem)
{
	struct reclassify_totals *totals = calloc(1, sizeof(*totals));
	const struct reclassify_plan plan = { options->rules, sensor, options->from, options->to, options->dry_run };
	int error = 0;

	if (!totals)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "memory is short");
	if (!options->dry_run)
		error = keep_rules(options, connection, sensor, problem);
	if (!error)
		error = reclassify_sensor(connection, &plan, totals, problem->text, sizeof(problem->text));
	if (!error)
		print_totals(options, sensor, totals);
	free(totals);
	return error;
}

static int classify_all(const struct classify *options, PGconn *connection, struct problem *problem)
{
	const char *values[] = { options->sensor };
	PGresult *sensors = PQexecParams(
		connection, "select sensor from otori.sensor where $1::text is null or sensor = $1 order by 1", 1, NULL,
		values, NULL, NULL, 0);
	int error = 0;

	if (PQresultStatus(sensors) != PGRES_TUPLES_OK)
		error = problem_say(problem, PROBLEM_FAILURE, -EIO, "cannot read the sensors: %.*s",
				    (int)strcspn(PQerrorMessage(connection), "\n"), PQerrorMessage(connection));
	else if (options->sensor && !PQntuples(sensors))
		error = problem_say(problem, PROBLEM_FAILURE, -ENOENT,
				    "--sensor: there is no sensor '%s' in this database", options->sensor);
	for (int row = 0; !error && row < PQntuples(sensors); row++)
		error = classify_sensor(options, connection, PQgetvalue(sensors, row, 0), problem);
	if (!error && !PQntuples(sensors))
		puts("otori: classify: there is no sensor in this database yet");
	PQclear(sensors);
	return error;
}

static int classify_database(const struct classify *options, struct problem *problem)
{
	struct embedded *embedded = NULL;
	PGconn *connection = NULL;
	int error =
		database_open(&options->database, true, &embedded, &connection, problem->text, sizeof(problem->text));

	if (!error)
		error = classify_all(options, connection, problem);
	PQfinish(connection);
	embedded_stop(embedded);
	return error;
}

int command_classify(int argc, char **argv)
{
	struct classify options = { 0 };
	struct problem problem = { .status = PROBLEM_FAILURE };
	int error = read_options(&options, argc, argv, &problem);

	if (!error && options.help) {
		print_help();
		return COMMAND_OK;
	}
	if (!error)
		error = read_period(&options, &problem);
	if (!error)
		error = exploit_rules_open_file(&options.rules, options.rules_file, &problem);
	if (!error && options.list) {
		print_rules(options.rules);
	} else if (!error) {
		problem.status = PROBLEM_FAILURE;
		error = classify_database(&options, &problem);
	}
	exploit_rules_free(options.rules);
	if (error)
		log_error("classify: %s", problem.text);
	return error ? (int)problem.status : COMMAND_OK;
}
