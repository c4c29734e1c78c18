/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrich.c - `otori enrich`: countries, networks and mail exchangers of what was seen, once or as a service.
 *
 * In:  options. Out: rows beside those of the loader, one line on stdout. Called by main.c. What is looked up is
 * enrichment/'s business. Never runs on a packet's way; asks no name of anybody but the resolver that the operator has
 * named.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/problem.h"
#include "command.h"
#include "database/database.h"
#include "enrichment/address_database.h"
#include "enrichment/enrichment.h"
#include "enrichment/registered_part.h"
#include "enrichment/resolver.h"

#define DEFAULT_INTERVAL_SECONDS 3600
#define DEFAULT_RATE 20
/* Any number, always the same: "otorienr" as a bigint. */
#define ENRICH_LOCK "8031174553467350642"
/* Where the set-up puts a database of countries: beside the program in the tree, and below PREFIX. */
#define COUNTRY_FILE "country.mmdb"
#define SHARED_COUNTRY_FILE "../share/otori/" COUNTRY_FILE

struct enrich_options {
	struct database_choice database;
	const char *countries, *networks, *resolver, *exchangers, *sensor;
	unsigned rate, interval_seconds;
	bool once, refresh, quiet, help;
};

/* Set by SIGTERM and SIGINT; the one thing that a handler can reach. */
static volatile sig_atomic_t stop;

static void print_help(void)
{
	fputs("Usage: otori enrich [--once] [OPTION...]\n\n"
	      "Completes what was seen: countries and networks of visitors and of the hosts they asked for, mail "
	      "exchangers of\n"
	      "recipients' domains. Without --once it goes on until SIGTERM. An answer once given stays.\n\n"
	      "  --once                    one pass over all that is waiting\n"
	      "  --interval SECONDS        pause between two passes (3600)\n"
	      "  --country-database FILE   MMDB with country_code or country.iso_code (" COUNTRY_FILE
	      " of the set-up)\n"
	      "  --network-database FILE   MMDB with autonomous_system_number, such as GeoLite2-ASN (none)\n"
	      "  --resolver ADDRESS[:PORT] ask this resolver for exchangers and relays; without it no name is ever "
	      "asked\n"
	      "  --rate N                  questions a second (20)\n"
	      "  --exchangers FILE         dated exchangers, as from passive DNS: domain, exchanger, addresses, date "
	      "in fields\n"
	      "                            separated by tabs; addresses by commas; the rows of a domain with one date "
	      "are one\n"
	      "                            whole answer\n"
	      "  --refresh                 a further, dated answer where the database is newer or a name's time has "
	      "run out\n"
	      "  --sensor NAME             only this sensor\n"
	      "  --database CONNINFO       PostgreSQL, as libpq takes it; without: PG* variables\n"
	      "  --embedded DIR            the private PostgreSQL in this folder instead\n"
	      "  --quiet                   print nothing but errors and warnings\n"
	      "  --help                    this text\n",
	      stdout);
}

/* A number within bounds. 0 or -EINVAL with the line in problem. */
static int read_number(const char *option, const char *value, unsigned least, unsigned most, unsigned *number,
		       struct problem *problem)
{
	char *end;
	unsigned long got;

	errno = 0;
	got = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || got < least || got > most)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected a number from %u to %u, got '%s'",
				   option, least, most, value);
	*number = (unsigned)got;
	return 0;
}

static int read_options(struct enrich_options *options, int argc, char **argv, struct problem *problem)
{
	static const struct option known[] = {
		{ "once", no_argument, NULL, '1' },
		{ "interval", required_argument, NULL, 'i' },
		{ "country-database", required_argument, NULL, 'c' },
		{ "network-database", required_argument, NULL, 'n' },
		{ "resolver", required_argument, NULL, 'r' },
		{ "rate", required_argument, NULL, 'R' },
		{ "exchangers", required_argument, NULL, 'x' },
		{ "refresh", no_argument, NULL, 'f' },
		{ "sensor", required_argument, NULL, 's' },
		{ "database", required_argument, NULL, 'd' },
		{ "embedded", required_argument, NULL, 'e' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int got, error = 0;

	opterr = 0;
	optind = 0;
	while (!error && (got = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (got) {
		case '1':
			options->once = true;
			break;
		case 'i':
			error = read_number("--interval", optarg, 1, 604800, &options->interval_seconds, problem);
			break;
		case 'c':
			options->countries = optarg;
			break;
		case 'n':
			options->networks = optarg;
			break;
		case 'r':
			options->resolver = optarg;
			break;
		case 'R':
			error = read_number("--rate", optarg, 1, 10000, &options->rate, problem);
			break;
		case 'x':
			options->exchangers = optarg;
			break;
		case 'f':
			options->refresh = true;
			break;
		case 's':
			options->sensor = optarg;
			break;
		case 'd':
			options->database.conninfo = optarg;
			break;
		case 'e':
			options->database.embedded = optarg;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'h':
			options->help = true;
			break;
		case ':':
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
		default:
			return problem_say(problem, PROBLEM_USAGE, -EINVAL,
					   "%s: unknown option: otori enrich --help lists them", argv[optind - 1]);
		}
	}
	if (!error && optind < argc)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "'%s' is no option: otori enrich --help lists them",
				   argv[optind]);
	if (!error && options->database.conninfo && options->database.embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "--database and --embedded exclude each other, both are given");
	return error;
}

/* Like a report, this asks for a cluster that is there; it doesn't make one. */
static int check_embedded(const char *dir, struct problem *problem)
{
	char path[PATH_MAX];
	struct stat status;

	if (snprintf(path, sizeof path, "%s/data", dir) < (int)sizeof path && stat(path, &status))
		return problem_say(problem, PROBLEM_FAILURE, -errno, "there is no private cluster in %s: %s", dir,
				   strerror(errno));
	return 0;
}

/* The database of countries that the set-up has installed. false: there is none. */
static bool find_countries(char *path, size_t bytes)
{
	static const char *const places[] = { COUNTRY_FILE, SHARED_COUNTRY_FILE };
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	if (length <= 0)
		return false;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return false;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (snprintf(path, bytes, "%.*s/%s", (int)(slash - program), program, places[i]) < (int)bytes &&
		    access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* What a pass has open: opened for each, so that a newer file is seen and a database that was away is found again. */
struct tools {
	PGconn *connection;
	struct address_database *countries, *networks;
	struct resolver *resolver;
	struct registered_parts *parts;
	char country_path[PATH_MAX];
};

static void tools_close(struct tools *tools)
{
	PQfinish(tools->connection);
	address_database_close(tools->countries);
	address_database_close(tools->networks);
	resolver_close(tools->resolver);
	registered_parts_close(tools->parts);
}

static int open_databases(const struct enrich_options *options, struct tools *tools, struct problem *problem)
{
	bool found = options->countries || find_countries(tools->country_path, sizeof tools->country_path);
	int error = 0;

	if (options->countries)
		snprintf(tools->country_path, sizeof tools->country_path, "%s", options->countries);
	if (found)
		error = address_database_open(tools->country_path, &tools->countries, problem->text,
					      sizeof problem->text);
	else
		log_warning("enrich: no database of countries (make country-database fetches one, --country-database "
			    "names yours): "
			    "countries stay unknown");
	if (!error && options->networks)
		error = address_database_open(options->networks, &tools->networks, problem->text, sizeof problem->text);
	return error;
}

/* No more rights than the work needs, where the role is there to be taken: else those of whoever connected. */
static int take_role(PGconn *connection, struct problem *problem)
{
	PGresult *result = PQexec(connection, "select set_config('role', 'otori_enrich', false) from pg_roles"
					      " where rolname = 'otori_enrich' and pg_has_role(oid, 'member')");
	bool fine = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!fine)
		problem_say(problem, PROBLEM_FAILURE, -EIO, "cannot become otori_enrich: %.300s",
			    PQerrorMessage(connection));
	PQclear(result);
	return fine ? 0 : -EIO;
}

/* Two at once would ask everything twice, and wait for each other's rows. The lock goes with the connection. */
static int take_turn(PGconn *connection, struct problem *problem)
{
	PGresult *result = PQexec(connection, "select pg_try_advisory_lock(" ENRICH_LOCK ")");
	bool ours = PQresultStatus(result) == PGRES_TUPLES_OK && PQgetvalue(result, 0, 0)[0] == 't';

	PQclear(result);
	return ours ? 0
		    : problem_say(problem, PROBLEM_FAILURE, -EBUSY, "another otori enrich is at work on this database");
}

static int check_sensor(PGconn *connection, const char *sensor, struct problem *problem)
{
	const char *const values[] = { sensor };
	PGresult *result =
		PQexecParams(connection, "select from otori.sensor where sensor = $1", 1, NULL, values, NULL, NULL, 0);
	bool found = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result);

	PQclear(result);
	if (found)
		return 0;
	return problem_say(problem, PROBLEM_FAILURE, -ENOENT, "--sensor: the database has no sensor '%s'", sensor);
}

static int open_connection(const struct enrich_options *options, const struct embedded *embedded, struct tools *tools,
			   struct problem *problem)
{
	const char *conninfo = embedded ? embedded_conninfo(embedded) : options->database.conninfo;
	int error;

	tools->connection = database_connect(conninfo, problem->text, sizeof problem->text);
	if (!tools->connection)
		return -ECONNREFUSED;
	error = database_current(tools->connection, problem->text, sizeof problem->text);
	if (!error)
		error = take_role(tools->connection, problem);
	if (!error)
		error = take_turn(tools->connection, problem);
	if (!error && options->sensor)
		error = check_sensor(tools->connection, options->sensor, problem);
	return error;
}

/* Counts of a pass in one line, or nothing where it did nothing. */
static void tell(const struct enrich_options *options, const struct enrich_tally *tally, bool always)
{
	if (options->quiet)
		return;
	if (!always && !tally->visitors && !tally->networks && !tally->destinations && !tally->domains &&
	    !tally->hosts && !tally->unknown && !tally->file_rows)
		return;
	printf("otori: enriched: %lu countries and %lu networks of visitors, hosts of relays: %lu", tally->visitors,
	       tally->networks, tally->destinations);
	if (options->resolver)
		printf("; asked: %lu domains and %lu hosts, %lu without an answer, %lu never asked", tally->domains,
		       tally->hosts, tally->unknown, tally->refused);
	if (tally->file_rows)
		printf("; %lu rows of %s", tally->file_rows, options->exchangers);
	putchar('\n');
	fflush(stdout);
}

/* What went wrong without ending the pass. -EBADMSG where not all could be done. */
static int judge(const struct enrich_options *options, const struct tools *tools, const struct enrich_tally *tally,
		 struct problem *problem)
{
	if (tally->domains_cut)
		log_warning("enrich: %lu domains have more than 64 exchangers, or an exchanger more addresses: the "
			    "rest is not kept, and "
			    "they are not judged",
			    tally->domains_cut);
	if (!tally->unreadable)
		return 0;
	return problem_say(problem, PROBLEM_FAILURE, -EBADMSG,
			   "%.200s%s%.200s: damaged: its data about %lu addresses cannot be read; all others are done",
			   tools->countries ? tools->country_path : "",
			   tools->countries && tools->networks ? " or " : "", tools->networks ? options->networks : "",
			   tally->unreadable);
}

static int run_pass(const struct enrich_options *options, const struct embedded *embedded, bool first,
		    struct problem *problem)
{
	struct tools tools = { 0 };
	struct enrichment enrichment = { .sensor = options->sensor, .refresh = options->refresh, .stop = &stop };
	int error = open_databases(options, &tools, problem);

	if (!error && options->resolver) {
		error = resolver_open(options->resolver, options->rate, &tools.resolver, problem->text,
				      sizeof problem->text);
		if (error == -EINVAL)
			problem->status = PROBLEM_USAGE;
	}
	if (!error)
		error = open_connection(options, embedded, &tools, problem);
	if (error)
		goto out;
	tools.parts = registered_parts_open();
	if (!tools.parts)
		log_warning("enrich: libpsl has no list of public suffixes: exchangers of one operator are told by "
			    "their networks alone");
	enrichment.connection = tools.connection;
	enrichment.countries = tools.countries;
	enrichment.networks = tools.networks;
	enrichment.parts = tools.parts;
	enrichment.resolver = tools.resolver;
	if (first && options->exchangers)
		error = enrich_load_exchangers(&enrichment, options->exchangers);
	if (!error)
		error = enrich_pass(&enrichment);
	if (error && error != -EINTR)
		problem_say(problem, PROBLEM_FAILURE, error, "%s", enrichment.text);
	if (!error || error == -EINTR)
		tell(options, &enrichment.tally, options->once);
	if (!error)
		error = judge(options, &tools, &enrichment.tally, problem);
out:
	tools_close(&tools);
	return error;
}

static void stop_wanted(int signal)
{
	(void)signal;
	stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop_wanted };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void pause_between(unsigned seconds)
{
	struct timespec second = { 1, 0 };

	for (unsigned i = 0; i < seconds && !stop; i++)
		nanosleep(&second, NULL);
}

/* Passes until a signal. What fails in the first is the operator's to mend; later failures are told, and tried again.
 */
static int serve(const struct enrich_options *options, const struct embedded *embedded, struct problem *problem)
{
	int error = run_pass(options, embedded, true, problem);

	if (options->once)
		return error;
	while ((!error || error == -EBADMSG) && !stop) {
		if (error)
			log_warning("enrich: %s", problem->text);
		pause_between(options->interval_seconds);
		if (stop)
			break;
		error = run_pass(options, embedded, false, problem);
		if (error && error != -EINTR) {
			log_warning("enrich: %s: the next try is in %u s", problem->text, options->interval_seconds);
			error = 0;
		}
	}
	return stop ? 0 : error;
}

int command_enrich(int argc, char **argv)
{
	struct enrich_options options = { .rate = DEFAULT_RATE, .interval_seconds = DEFAULT_INTERVAL_SECONDS };
	struct problem problem = { .status = PROBLEM_FAILURE };
	struct embedded *embedded = NULL;
	int error = read_options(&options, argc, argv, &problem);

	if (!error && options.help) {
		print_help();
		return COMMAND_OK;
	}
	if (!error && options.database.embedded)
		error = check_embedded(options.database.embedded, &problem);
	if (!error && options.database.embedded)
		error = embedded_start(options.database.embedded, &embedded, problem.text, sizeof problem.text);
	if (!error) {
		/* only now: the private server's keeper has signals of its own */
		catch_signals();
		error = serve(&options, embedded, &problem);
	}
	embedded_stop(embedded);
	if (error == -EINTR)
		return COMMAND_OK;
	if (error)
		log_error("enrich: %s", problem.text);
	return error ? (int)problem.status : COMMAND_OK;
}
