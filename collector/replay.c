// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay.c - otori replay: reads captures as if they had come in by the wire.
 *
 * In:  argv: decoys, ports, capture files. Out: rows in the database, a summary on stdout, one line on stderr for what
 * is wrong. Called by main.c. The work is replay/session.c's.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
#include "database/database.h"
#include "option_values.h"
#include "exploits/rules.h"
#include "replay/earlier.h"
#include "replay/moment.h"
#include "replay/session.h"

#define FIELD(name) offsetof(struct run_options, name)

static const char *const secrets_modes[] = { "hash", "clear", NULL };

/* Those options of `otori run` that a replay has too; same kinds, same bounds. */
static const struct option_row rows[] = {
	{ "decoys", OPTION_PREFIXES, 0, 0, 0, NULL, NULL, "PREFIX,...", "addresses that are decoys (must be given)" },
	{ "ports", OPTION_PORTS, 0, 1, 65535, "1080,3128,8080,25", NULL, "PORT,...", "TCP ports that decoys offer" },
	{ "sensor", OPTION_SENSOR, 0, 0, 0, NULL, NULL, "NAME",
	  "name of the sensor in the database (the host's name)" },
	{ "database", OPTION_TEXT, FIELD(database), 0, 0, NULL, NULL, "CONNINFO",
	  "PostgreSQL, as libpq takes it; without: PG* variables" },
	{ "embedded", OPTION_TEXT, FIELD(embedded), 0, 0, NULL, NULL, "DIR",
	  "start a private PostgreSQL in this folder instead" },
	{ "journal", OPTION_TEXT, FIELD(journal), 0, 0, NULL, NULL, "DIR",
	  "keep the journal here (a temporary folder)" },
	{ "rules", OPTION_TEXT, FIELD(rules), 0, 0, NULL, NULL, "FILE",
	  "exploit rules of your own, behind those that are built in" },
	{ "flows", OPTION_NUMBER, FIELD(flows), 256, 16777216, "262144", NULL, "N", "flows that can be open at once" },
	{ "idle-seconds", OPTION_NUMBER, FIELD(idle_seconds), 1, 3600, "60", NULL, "S",
	  "a flow without traffic ends after" },
	{ "total-seconds", OPTION_NUMBER, FIELD(total_seconds), 1, 840, "600", NULL, "S",
	  "a flow ends after, whatever it does" },
	{ "secrets", OPTION_WORD, FIELD(secrets_clear), 0, 0, "hash", secrets_modes, "hash|clear",
	  "how visitors' passwords are stored" },
	{ "mail-limit", OPTION_BYTES, FIELD(mail_limit), 1024, 1ull << 32, "32M", NULL, "BYTES",
	  "longest mail that is kept whole" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

enum { VALUE_HELP = 1000, VALUE_OBSERVED, VALUE_IGNORE_CHECKSUMS, VALUE_ROW };

struct arguments {
	struct run_options options;
	uint64_t from_ns, to_ns;
	bool ignore_checksums, help;
	char **files; /* borrowed from argv */
	size_t file_count;
};

static volatile int stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void help(FILE *out)
{
	fputs("Usage: otori replay --decoys PREFIX,... [OPTION...] FILE...\n\n"
	      "Reads captures (pcap, pcapng; files, folders, - for standard input) as if they had come in by the "
	      "wire:\n"
	      "through the sensor's XDP program, responder and loader into the database, with the times of the "
	      "capture.\n"
	      "Of a conversation that was recorded from both sides only the client's is taken.\n\n",
	      out);
	for (size_t n = 0; n < ROWS; n++) {
		char option[64];

		snprintf(option, sizeof(option), "--%s %s", rows[n].key, rows[n].argument);
		fprintf(out, "  %-26s %s%s%s%s\n", option, rows[n].help, rows[n].fallback ? " (" : "",
			rows[n].fallback ? rows[n].fallback : "", rows[n].fallback ? ")" : "");
	}
	fputs("  --observed FROM,TO         when the sensor observed (first to last packet); 2006-09-01 or "
	      "2006-09-01T08:30:00+09:00;\n"
	      "                             without a zone UTC; a date alone as TO is that whole day\n"
	      "  --ignore-checksums         take packets with wrong IP and TCP checksums, and with IP lengths that are "
	      "not filled in\n"
	      "                             or too long for the frame (anonymised, or offloaded at capture)\n"
	      "\nExit status: 0 all is loaded; 1 failure, or a file was cut short; 2 usage; 3 the BPF program could "
	      "not be loaded.\n",
	      out);
}

static int take_option(struct arguments *arguments, int got, bool *fresh, struct problem *problem)
{
	const struct option_row *row;
	int err;

	switch (got) {
	case VALUE_HELP:
		arguments->help = true;
		return 0;
	case VALUE_IGNORE_CHECKSUMS:
		arguments->ignore_checksums = true;
		return 0;
	case VALUE_OBSERVED:
		err = moment_parse_span(optarg, &arguments->from_ns, &arguments->to_ns);
		if (err == -ERANGE)
			return problem_say(problem, PROBLEM_USAGE, err, "--observed: TO must be behind FROM, got '%s'",
					   optarg);
		if (err)
			return problem_say(problem, PROBLEM_USAGE, err,
					   "--observed: expected FROM,TO such as 2006-09-01,2007-12-31 or "
					   "2006-09-01T00:00+09:00,2008-01-01T00:00+09:00, got '%s'",
					   optarg);
		return 0;
	}
	row = &rows[got - VALUE_ROW];
	err = option_set(&arguments->options, row, optarg, fresh[got - VALUE_ROW], "", problem);
	fresh[got - VALUE_ROW] = false;
	return err;
}

static int check_arguments(struct arguments *arguments, struct problem *problem)
{
	struct run_options *options = &arguments->options;
	char a[PREFIX_TEXT_BYTES], b[PREFIX_TEXT_BYTES];

	if (options->decoys.count == 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "decoys are missing: --decoys PREFIX[,PREFIX...] names the addresses that are "
				   "decoys in the capture");
	if (arguments->file_count == 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "no capture is named: otori replay --decoys PREFIX,... FILE...");
	if (options->database && options->embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "database and embedded exclude each other, both are set");
	if (options->total_seconds < options->idle_seconds)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "total-seconds (%u) is less than idle-seconds (%u)",
				   options->total_seconds, options->idle_seconds);
	for (uint32_t n = 0; n < options->decoys.count; n++)
		for (uint32_t m = n + 1; m < options->decoys.count; m++) {
			const struct prefix *one = &options->decoys.items[n], *other = &options->decoys.items[m];

			if (prefix_covers(one, other) || prefix_covers(other, one))
				return problem_say(problem, PROBLEM_USAGE, -EINVAL, "decoys %s and %s overlap",
						   prefix_text(one, a), prefix_text(other, b));
		}
	return 0;
}

static int read_arguments(struct arguments *arguments, int argc, char **argv, struct problem *problem)
{
	struct option known[ROWS + 4] = { 0 };
	bool fresh[ROWS];
	int got, err = 0;

	memset(arguments, 0, sizeof(*arguments));
	memset(fresh, true, sizeof(fresh));
	for (size_t n = 0; n < ROWS && !err; n++) {
		known[n] = (struct option){ rows[n].key, required_argument, NULL, (int)(VALUE_ROW + n) };
		if (rows[n].fallback)
			err = option_set(&arguments->options, &rows[n], rows[n].fallback, true, "default", problem);
	}
	known[ROWS] = (struct option){ "help", no_argument, NULL, VALUE_HELP };
	known[ROWS + 1] = (struct option){ "observed", required_argument, NULL, VALUE_OBSERVED };
	known[ROWS + 2] = (struct option){ "ignore-checksums", no_argument, NULL, VALUE_IGNORE_CHECKSUMS };
	opterr = 0;
	optind = 0; /* 0 and not 1: glibc starts afresh */
	while (!err && (got = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (got == ':')
			err = problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
		else if (got == '?')
			err = problem_say(problem, PROBLEM_USAGE, -EINVAL,
					  "%s: unknown option: otori replay --help lists them", argv[optind - 1]);
		else
			err = take_option(arguments, got == 'h' ? VALUE_HELP : got, fresh, problem);
	}
	if (err || arguments->help)
		return err;
	arguments->files = argv + optind;
	arguments->file_count = (size_t)(argc - optind);
	if (!arguments->options.sensor[0])
		options_sensor_from_host(arguments->options.sensor);
	return check_arguments(arguments, problem);
}

static void print_refused(const struct otori_counters *counted)
{
#define PRINT_REFUSED(name, text) \
	if (counted->refused_##name) \
		printf("  refused %-17s %10llu  %s\n", #name, (unsigned long long)counted->refused_##name, text);
	OTORI_REFUSALS(PRINT_REFUSED)
}

static void print_summary(const struct arguments *arguments, const struct session_summary *summary,
			  const struct capture *capture)
{
	char from[MOMENT_TEXT_BYTES], to[MOMENT_TEXT_BYTES];
	const struct otori_counters *counted = &summary->counted;

	printf("sensor %s: %zu %s, %llu packets", arguments->options.sensor, capture_files(capture),
	       capture_files(capture) == 1 ? "file" : "files", (unsigned long long)summary->packets);
	if (summary->packets)
		printf(", %s to %s", moment_text(summary->first_ns, from), moment_text(summary->last_ns, to));
	printf("\n  sent by decoys (left out) %10llu\n", (unsigned long long)summary->of_decoys);
	printf("  for no decoy (passed)     %10llu\n", (unsigned long long)counted->passed);
	printf("  answered (SYN, echo)      %10llu\n", (unsigned long long)counted->answered);
	printf("  taken                     %10llu\n", (unsigned long long)counted->taken);
	print_refused(counted);
	printf("accesses %llu, mails %llu", (unsigned long long)summary->accesses, (unsigned long long)summary->mails);
	if (summary->mails != summary->mails_whole)
		printf(" (%llu broke off)", (unsigned long long)(summary->mails - summary->mails_whole));
	printf(", rows %llu\n", (unsigned long long)summary->rows);
	if (capture_out_of_order(capture))
		printf("times of %llu packets go back and could not be put in order: they count as their "
		       "predecessor's\n",
		       (unsigned long long)capture_out_of_order(capture));
}

/* What must not be lost silently. */
static bool lost(const struct session_summary *summary)
{
	if (summary->conversations_lost)
		log_error("replay: %llu conversations found no room: a larger --flows helps",
			  (unsigned long long)summary->conversations_lost);
	if (summary->shed)
		log_error("replay: %llu records could not be journalled", (unsigned long long)summary->shed);
	if (summary->set_aside)
		log_error("replay: %llu records could not be loaded and were set aside",
			  (unsigned long long)summary->set_aside);
	return summary->conversations_lost || summary->shed || summary->set_aside;
}

static int work(struct session *session, struct capture *capture, bool mend, struct session_summary *summary,
		struct problem *problem)
{
	struct lookahead *lookahead = lookahead_open(capture, mend, session_coming, session);
	char text[SAVEFILE_TEXT_BYTES] = "";
	const struct sighted *sighted;
	int got = lookahead ? 1 : -ENOMEM, err = 0;

	while (!err && !stop && got == 1) {
		got = lookahead_next(lookahead, &sighted, text);
		if (got == 1)
			err = session_packet(session, sighted, problem);
	}
	lookahead_close(lookahead);
	if (!err && stop)
		err = problem_say(problem, PROBLEM_FAILURE, -EINTR,
				  "stopped: what was loaded so far is in the database, the rest is not");
	if (!err && got < 0)
		err = problem_say(problem, PROBLEM_FAILURE, got, "%s", text[0] ? text : strerror(-got));
	return err ? err : session_finish(session, summary, problem);
}

static int replay(struct arguments *arguments, struct capture *capture, const char *conninfo,
		  const struct exploit_rules *rules, struct problem *problem)
{
	const struct run_options *options = &arguments->options;
	struct session_plan plan = {
		.sensor = options->sensor,
		.conninfo = conninfo,
		.rules = rules,
		.journal = options->journal,
		.decoys = options->decoys.items,
		.decoy_count = options->decoys.count,
		.ports = options->ports,
		.port_count = options->port_count,
		.flows = options->flows,
		.idle_seconds = options->idle_seconds,
		.total_seconds = options->total_seconds,
		.mail_max_bytes = options->mail_limit,
		.ignore_checksums = arguments->ignore_checksums,
		.secrets_clear = options->secrets_clear,
		.from_ns = arguments->from_ns,
		.to_ns = arguments->to_ns,
		.stop = &stop,
	};
	struct session_summary summary;
	struct session *session;
	int err = session_open(&session, &plan, problem);

	if (!err)
		err = work(session, capture, arguments->ignore_checksums, &summary, problem);
	session_close(session);
	if (err)
		return err;
	print_summary(arguments, &summary, capture);
	if (lost(&summary))
		err = problem_say(problem, PROBLEM_FAILURE, -EIO, "not everything that was seen is in the database");
	return err;
}

/* What is no error, and yet gives other figures than one may expect: the same time once more, and times that count for
 * no day. */
static void warn_of_times(const struct arguments *arguments, const struct capture *capture, PGconn *connection)
{
	uint64_t first_ns, last_ns;
	char from[MOMENT_TEXT_BYTES], to[MOMENT_TEXT_BYTES], text[256];

	if (!capture_span(capture, &first_ns, &last_ns))
		return;
	moment_text(first_ns, from);
	moment_text(last_ns, to);
	if (arguments->to_ns && (first_ns < arguments->from_ns || last_ns >= arguments->to_ns))
		log_warning(
			"replay: the capture (%s to %s) goes beyond --observed: what lies outside is stored, but a day "
			"that was not observed is in no daily figure",
			from, to);
	if (earlier_replay(connection, arguments->options.sensor, first_ns, last_ns, text, sizeof(text)) == 1)
		log_warning(
			"replay: sensor %s holds a replay of %s already; packets that are replayed twice count twice "
			"(another --sensor keeps them apart)",
			arguments->options.sensor, text);
}

static void tell(void *context, const char *line)
{
	(void)context;
	log_error("replay: %s", line);
}

/* Everything but the arguments; status of the command. */
static int run(struct arguments *arguments, struct problem *problem)
{
	struct database_choice choice = { .conninfo = arguments->options.database,
					  .embedded = arguments->options.embedded };
	struct sigaction action = { .sa_handler = on_signal };
	struct embedded *embedded = NULL;
	struct exploit_rules *rules = NULL;
	struct capture *capture = NULL;
	PGconn *connection = NULL;
	bool cut = false;
	char text[SAVEFILE_TEXT_BYTES];
	int err;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	err = exploit_rules_open_file(&rules, arguments->options.rules, problem);
	if (err)
		return err;
	err = capture_open(&capture, arguments->files, arguments->file_count, tell, NULL, text);
	if (err) {
		exploit_rules_free(rules);
		return problem_say(problem, PROBLEM_FAILURE, err, "%s", text);
	}
	err = database_open(&choice, true, &embedded, &connection, text, sizeof(text));
	if (err)
		problem_say(problem, PROBLEM_FAILURE, err, "%s", text);
	else
		warn_of_times(arguments, capture, connection);
	PQfinish(connection);
	if (!err)
		err = replay(arguments, capture, embedded ? embedded_conninfo(embedded) : choice.conninfo, rules,
			     problem);
	embedded_stop(embedded);
	exploit_rules_free(rules);
	cut = capture_cut(capture);
	capture_close(capture);
	if (!err && cut) { /* told of already, with the file's name */
		problem->text[0] = '\0';
		err = -EBADMSG;
	}
	return err;
}

int command_replay(int argc, char **argv)
{
	struct problem problem = { .status = PROBLEM_FAILURE };
	struct arguments arguments;
	int err = read_arguments(&arguments, argc, argv, &problem);

	if (!err && arguments.help)
		help(stdout);
	else if (!err)
		err = run(&arguments, &problem);
	if (err && problem.text[0])
		log_error("replay: %s", problem.text);
	options_close(&arguments.options);
	return err ? (int)problem.status : COMMAND_OK;
}
