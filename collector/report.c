/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - `otori report`: the summary and the daily figures out of the database.
 *
 * In:  options. Out: a report on stdout or in a file. Called by main.c. What is in a report is report/'s business.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/problem.h"
#include "command.h"
#include "database/database.h"
#include "report/report.h"

struct report_options {
	struct report_request request;
	struct database_choice database;
	const char *output;
	const char *format;
	bool help;
};

static void print_help(void)
{
	fputs("Usage: otori report [OPTION...]\n\n"
	      "Prints what the sensors saw: the summary in sentences, the daily figures as tables.\n\n"
	      "  --sensor NAME        only this sensor\n"
	      "  --timezone ZONE      whose days these are, such as Asia/Tokyo (that of the database)\n"
	      "  --from DAY           first day, YYYY-MM-DD\n"
	      "  --to DAY             last day, YYYY-MM-DD\n"
	      "  --format FORMAT      text (others come with later versions)\n"
	      "  --show-sql           print each query above what it gave\n"
	      "  --output PATH        write to a file and not to the terminal\n"
	      "  --database CONNINFO  PostgreSQL, as libpq takes it; without: PG* variables\n"
	      "  --embedded DIR       the private PostgreSQL in this folder instead\n"
	      "  --help               this text\n",
	      stdout);
}

static int read_options(struct report_options *options, int argc, char **argv, struct problem *problem)
{
	static const struct option known[] = {
		{ "sensor", required_argument, NULL, 's' },
		{ "timezone", required_argument, NULL, 'z' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "format", required_argument, NULL, 'F' },
		{ "show-sql", no_argument, NULL, 'q' },
		{ "output", required_argument, NULL, 'o' },
		{ "database", required_argument, NULL, 'd' },
		{ "embedded", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int got;

	opterr = 0;
	optind = 0;
	while ((got = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (got) {
		case 's':
			options->request.sensor = optarg;
			break;
		case 'z':
			options->request.timezone = optarg;
			break;
		case 'f':
			options->request.from = optarg;
			break;
		case 't':
			options->request.to = optarg;
			break;
		case 'F':
			options->format = optarg;
			break;
		case 'q':
			options->request.show_sql = true;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'd':
			options->database.conninfo = optarg;
			break;
		case 'e':
			options->database.embedded = optarg;
			break;
		case 'h':
			options->help = true;
			break;
		case ':':
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
		default:
			return problem_say(problem, PROBLEM_USAGE, -EINVAL,
					   "%s: unknown option: otori report --help lists them", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "'%s' is no option: otori report --help lists them",
				   argv[optind]);
	return 0;
}

/* What can be said without a database. */
static int check_options(const struct report_options *options, struct problem *problem)
{
	const struct report_request *request = &options->request;
	static const char *const later[] = { "json", "csv", "html" };

	if (request->from && report_check_day(request->from))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--from: expected a day as YYYY-MM-DD, got '%s'",
				   request->from);
	if (request->to && report_check_day(request->to))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--to: expected a day as YYYY-MM-DD, got '%s'",
				   request->to);
	if (request->from && request->to && strcmp(request->from, request->to) > 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--from %s is after --to %s", request->from,
				   request->to);
	for (size_t i = 0; options->format && i < sizeof later / sizeof *later; i++) {
		if (!strcmp(options->format, later[i]))
			return problem_say(problem, PROBLEM_USAGE, -ENOTSUP,
					   "--format: this version writes no %s yet, only text", options->format);
	}
	if (options->format && strcmp(options->format, "text") != 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--format: expected text, got '%s'",
				   options->format);
	if (options->database.conninfo && options->database.embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--database and --embedded exclude each other, both are given");
	if (request->timezone && report_check_zone(request->timezone))
		return problem_say(problem, PROBLEM_FAILURE, -EINVAL,
				   "--timezone: there is no time zone '%s'; expected a name such as Asia/Tokyo or UTC",
				   request->timezone);
	return 0;
}

/* A report asks for a cluster that is there; it doesn't make one. */
static int check_embedded(const char *dir, struct problem *problem)
{
	char path[4096];
	struct stat status;

	if (snprintf(path, sizeof path, "%s/data", dir) < (int)sizeof path && stat(path, &status))
		return problem_say(problem, PROBLEM_FAILURE, -errno, "there is no private cluster in %s: %s", dir,
				   strerror(errno));
	return 0;
}

static int write_out(const struct report_options *options, PGconn *connection, struct problem *problem)
{
	FILE *out = options->output ? fopen(options->output, "we") : stdout;
	int error;

	if (!out)
		return problem_say(problem, PROBLEM_FAILURE, -errno, "cannot write %s: %s", options->output,
				   strerror(errno));
	problem->status = PROBLEM_FAILURE;
	error = report_write(connection, &options->request, out, problem->text, sizeof problem->text);
	if ((options->output ? fclose(out) : fflush(out)) && !error)
		error = problem_say(problem, PROBLEM_FAILURE, -errno, "cannot write %s: %s",
				    options->output ? options->output : "the report", strerror(errno));
	return error;
}

int command_report(int argc, char **argv)
{
	struct report_options options = { 0 };
	struct problem problem = { .status = PROBLEM_FAILURE };
	struct embedded *embedded = NULL;
	PGconn *connection = NULL;
	int error = read_options(&options, argc, argv, &problem);

	if (!error && options.help) {
		print_help();
		return COMMAND_OK;
	}
	if (!error)
		error = check_options(&options, &problem);
	if (!error && options.database.embedded)
		error = check_embedded(options.database.embedded, &problem);
	if (!error)
		error = database_open(&options.database, false, &embedded, &connection, problem.text,
				      sizeof problem.text);
	if (!error)
		error = database_current(connection, problem.text, sizeof problem.text);
	if (!error)
		error = write_out(&options, connection, &problem);
	PQfinish(connection);
	embedded_stop(embedded);
	if (error)
		log_error("report: %s", problem.text);
	return error ? (int)problem.status : COMMAND_OK;
}
