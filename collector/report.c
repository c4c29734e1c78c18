/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - `otori report`: what the sensors saw, out of the database.
 *
 * In:  options. Out: a report on stdout, in a file or in a folder. Called by main.c. What is in a report is report/'s
 * business.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/problem.h"
#include "command.h"
#include "database/database.h"
#include "report/output.h"
#include "report/report.h"

struct report_options {
	struct report_request request;
	struct database_choice database;
	const char *output, *format, *language;
	bool help;
};

static void print_help(void)
{
	fputs("Usage: otori report [OPTION...]\n\n"
	      "Prints what the sensors saw: the summary in sentences, then every figure of the report of 2008 as a "
	      "table.\n\n"
	      "  --sensor NAME        only this sensor\n"
	      "  --timezone ZONE      whose days these are, such as Asia/Tokyo (that of the database)\n"
	      "  --from DAY           first day, YYYY-MM-DD\n"
	      "  --to DAY             last day, YYYY-MM-DD\n"
	      "  --lang LANGUAGE      en or ja (en)\n"
	      "  --format FORMAT      text, json (docs/report-json.md) or csv: a file for each figure (text)\n"
	      "  --show-sql           print each query above what it gave\n"
	      "  --output PATH        write to a file and not to the terminal; with csv: to a folder, empty or new\n"
	      "  --database CONNINFO  PostgreSQL, as libpq takes it; without: PG* variables\n"
	      "  --embedded DIR       the private PostgreSQL in this folder instead\n"
	      "  --help               this text\n",
	      stdout);
}

static int read_options(struct report_options *options, int argc, char **argv, struct problem *problem)
{
	static const struct option known[] = {
		{ "sensor", required_argument, NULL, 's' },   { "timezone", required_argument, NULL, 'z' },
		{ "from", required_argument, NULL, 'f' },     { "to", required_argument, NULL, 't' },
		{ "lang", required_argument, NULL, 'l' },     { "format", required_argument, NULL, 'F' },
		{ "show-sql", no_argument, NULL, 'q' },	      { "output", required_argument, NULL, 'o' },
		{ "database", required_argument, NULL, 'd' }, { "embedded", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },	      { 0 },
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
		case 'l':
			options->language = optarg;
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

/* The place of name in names; -1 = it isn't there. */
static int find_name(const char *name, const char *const *names, int count)
{
	while (count-- > 0) {
		if (!strcmp(name, names[count]))
			return count;
	}
	return -1;
}

static int choose_format(struct report_options *options, struct problem *problem)
{
	static const char *const formats[] = { [REPORT_TEXT] = "text", [REPORT_JSON] = "json", [REPORT_CSV] = "csv" };
	static const char *const languages[] = { [LANGUAGE_EN] = "en", [LANGUAGE_JA] = "ja" };
	int format = options->format ? find_name(options->format, formats, 3) : REPORT_TEXT;
	int language = options->language ? find_name(options->language, languages, LANGUAGES) : LANGUAGE_EN;

	if (options->format && !strcmp(options->format, "html"))
		return problem_say(problem, PROBLEM_USAGE, -ENOTSUP,
				   "--format: this version writes no html yet, only text, json and csv");
	if (format < 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--format: expected text, json or csv, got '%s'",
				   options->format);
	if (language < 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--lang: expected en or ja, got '%s'",
				   options->language);
	if (format == REPORT_CSV && !options->output)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--format csv writes a file for each figure: --output FOLDER is missing");
	options->request.format = (enum report_format)format;
	options->request.language = (enum language)language;
	return 0;
}

/* What can be said without a database. */
static int check_options(struct report_options *options, struct problem *problem)
{
	const struct report_request *request = &options->request;

	if (request->from && report_check_day(request->from))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--from: expected a day as YYYY-MM-DD, got '%s'",
				   request->from);
	if (request->to && report_check_day(request->to))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--to: expected a day as YYYY-MM-DD, got '%s'",
				   request->to);
	if (request->from && request->to && strcmp(request->from, request->to) > 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "--from %s is after --to %s", request->from,
				   request->to);
	if (options->database.conninfo && options->database.embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--database and --embedded exclude each other, both are given");
	if (options->output && !*options->output)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--output: expected a file or folder, got an empty name");
	if (request->timezone && report_check_zone(request->timezone) == -EDOM)
		return problem_say(
			problem, PROBLEM_FAILURE, -EINVAL,
			"--timezone: '%s' would lie the other way round: the sign of such zones counts hours west; "
			"expected a name such as Asia/Tokyo, or Etc/GMT-9 for nine hours east",
			request->timezone);
	if (request->timezone && report_check_zone(request->timezone))
		return problem_say(problem, PROBLEM_FAILURE, -EINVAL,
				   "--timezone: there is no time zone '%s'; expected a name such as Asia/Tokyo or UTC",
				   request->timezone);
	return choose_format(options, problem);
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

static int open_output(const struct report_options *options, struct output *output, struct problem *problem)
{
	return options->request.format == REPORT_CSV ? output_folder(output, options->output, problem)
						     : output_file(output, options->output, problem);
}

/* A signal's handler knows nothing but these. */
static PGcancel *running_query;
static volatile sig_atomic_t stopped;

/* Stops the query that runs, so that the report ends as one that failed: nothing half written stays. A second signal
 * ends the process. */
static void on_signal(int number)
{
	char text[256];

	(void)number;
	stopped = 1;
	if (running_query)
		PQcancel(running_query, text, sizeof text);
}

static void heed_signals(PGconn *connection)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	running_query = PQgetCancel(connection);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void forget_signals(void)
{
	PGcancel *query = running_query;

	running_query = NULL;
	if (query)
		PQfreeCancel(query);
}

static int write_out(const struct report_options *options, PGconn *connection, struct output *output,
		     struct problem *problem)
{
	int error = report_write(connection, &options->request, output->file, output->temporary, problem->text,
				 sizeof problem->text);

	if (stopped)
		return problem_say(problem, PROBLEM_FAILURE, -EINTR, "stopped: nothing was written");
	if (error)
		problem->status = PROBLEM_FAILURE;
	return error;
}

int command_report(int argc, char **argv)
{
	struct report_options options = { 0 };
	struct problem problem = { .status = PROBLEM_FAILURE };
	struct embedded *embedded = NULL;
	PGconn *connection = NULL;
	struct output output = { 0 };
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
		heed_signals(connection);
	if (!error)
		error = open_output(&options, &output, &problem);
	if (!error)
		error = write_out(&options, connection, &output, &problem);
	error = output_end(&output, error, &problem);
	forget_signals();
	PQfinish(connection);
	embedded_stop(embedded);
	if (error)
		log_error("report: %s", problem.text);
	return error ? (int)problem.status : COMMAND_OK;
}
