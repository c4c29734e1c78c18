/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - the one table of options: key, kind, bounds, default, help; see options.h.
 *
 * In:  argv, the configuration file. Out: struct run_options. A new option is one row here and one field in options.h.
 * May not print but for --help.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "option_values.h"

#define FIELD(name) offsetof(struct run_options, name)
#define LIMIT_NONE 4294967295ull

static const char *const xdp_modes[] = { "auto", "native", "skb", NULL };
static const char *const secrets_modes[] = { "hash", "clear", NULL };

/* key, kind, field, least, most, default, words, argument, help */
static const struct option_row rows[] = {
	{ "interface", OPTION_INTERFACES, 0, 0, 0, NULL, NULL, "IF",
	  "interface to observe on; may be given several times" },
	{ "decoys", OPTION_PREFIXES, 0, 0, 0, NULL, NULL, "PREFIX,...", "addresses that are decoys" },
	{ "ports", OPTION_PORTS, 0, 1, 65535, "1080,3128,8080,25", NULL, "PORT,...", "TCP ports that decoys offer" },
	{ "sensor", OPTION_SENSOR, 0, 0, 0, NULL, NULL, "NAME",
	  "name of this sensor in the database (the host's name)" },
	{ "database", OPTION_TEXT, FIELD(database), 0, 0, NULL, NULL, "CONNINFO",
	  "PostgreSQL, as libpq takes it; without: PG* variables" },
	{ "embedded", OPTION_TEXT, FIELD(embedded), 0, 0, NULL, NULL, "DIR",
	  "start a private PostgreSQL in this folder instead" },
	{ "journal", OPTION_TEXT, FIELD(journal), 0, 0, "/var/lib/otori/journal", NULL, "DIR",
	  "folder of the journal" },
	{ "rules", OPTION_TEXT, FIELD(rules), 0, 0, NULL, NULL, "FILE",
	  "exploit rules of your own, behind those that are built in" },
	{ "xdp-mode", OPTION_WORD, FIELD(xdp_mode), 0, 0, "auto", xdp_modes, "MODE",
	  "native or skb; auto: native where the device can" },
	{ "rings", OPTION_NUMBER, FIELD(rings), 0, OTORI_MAX_RINGS, "0", NULL, "N",
	  "ring buffers and worker threads; 0 = one a core" },
	{ "flows", OPTION_NUMBER, FIELD(flows), 256, 16777216, "262144", NULL, "N", "flows that can be open at once" },
	{ "idle-seconds", OPTION_NUMBER, FIELD(idle_seconds), 1, 3600, "60", NULL, "S",
	  "a flow without traffic ends after" },
	{ "total-seconds", OPTION_NUMBER, FIELD(total_seconds), 1, 86400, "600", NULL, "S",
	  "a flow ends after, whatever it does" },
	{ "limit-per-prefix", OPTION_NUMBER, FIELD(limit_per_prefix), 0, LIMIT_NONE, "10000", NULL, "N",
	  "SYN-ACKs a second to one /24 or /48; 0 = no limit" },
	{ "limit-global", OPTION_NUMBER, FIELD(limit_global), 0, LIMIT_NONE, "1000000", NULL, "N",
	  "SYN-ACKs a second in all; 0 = no limit" },
	{ "sample", OPTION_PROBABILITY, FIELD(sample_probability), 0, 1, "1.0", NULL, "P",
	  "share of SYNs recorded one by one" },
	{ "restart-grace", OPTION_NUMBER, FIELD(restart_grace), 1, 3600, "30", NULL, "S",
	  "answering ends so long after the responder's last sign" },
	{ "answer-arp", OPTION_SWITCH, FIELD(answer_arp), 0, 1, "no", NULL, "yes|no",
	  "answer ARP and neighbour solicitations for decoys" },
	{ "answer-echo", OPTION_SWITCH, FIELD(answer_echo), 0, 1, "yes", NULL, "yes|no",
	  "answer ICMP and ICMPv6 echo" },
	{ "secrets", OPTION_WORD, FIELD(secrets_clear), 0, 0, "hash", secrets_modes, "hash|clear",
	  "how visitors' passwords are stored" },
	{ "impersonate", OPTION_SWITCH, FIELD(impersonate), 0, 1, "no", NULL, "yes|no",
	  "imitate named operators' banners" },
	{ "mail-limit", OPTION_BYTES, FIELD(mail_limit), 1024, 1ull << 32, "32M", NULL, "BYTES",
	  "longest mail that is kept whole" },
	{ "quiet-sources", OPTION_TEXT, FIELD(quiet_sources), 0, 0, NULL, NULL, "FILE",
	  "prefixes that are counted, not answered, one a line" },
	{ "responder-user", OPTION_TEXT, FIELD(responder_user), 0, 0, "otori-responder", NULL, "USER",
	  "user that talks with strangers" },
	{ "loader-user", OPTION_TEXT, FIELD(loader_user), 0, 0, "otori-loader", NULL, "USER",
	  "user that loads into PostgreSQL" },
	{ "page-bytes", OPTION_NUMBER, FIELD(page_bytes), 0, 16777216, "0", NULL, "BYTES",
	  "length of a page of an unknown host; 0 = natural" },
	{ "segment-seconds", OPTION_NUMBER, FIELD(segment_seconds), 1, 3600, "10", NULL, "S",
	  "a journal segment is finished when so old" },
	{ "commit-milliseconds", OPTION_NUMBER, FIELD(commit_milliseconds), 1, 60000, "200", NULL, "MS",
	  "the journal is on disk at least so often" },
	{ "seal", OPTION_FLAG, FIELD(seal), 0, 1, "no", NULL, NULL,
	  "seal the kernel module's guard: it stays while the module is loaded" },
	{ "guard-every-device", OPTION_FLAG, FIELD(guard_every_device), 0, 1, "no", NULL, NULL,
	  "the kernel module guards all devices, those to come too, not only --interface" },
	{ "check", OPTION_FLAG, FIELD(check), 0, 1, "no", NULL, NULL, "check the configuration and end" },
	{ "unload", OPTION_FLAG, FIELD(unload), 0, 1, "no", NULL, NULL,
	  "detach the programs of an earlier run, remove the pins, end" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define OPTION_CONFIG 1000 /* getopt value of --config; rows have 1001 and up */
#define OPTION_HELP 999

/* What the command line said, kept until the file has been read. */
struct argument {
	const struct option_row *row;
	const char *value;
};

static const struct option_row *row_named(const char *key)
{
	for (size_t n = 0; n < ROWS; n++)
		if (strcmp(rows[n].key, key) == 0)
			return &rows[n];
	return NULL;
}

static int read_arguments(int argc, char **argv, struct argument *arguments, size_t *count, const char **config,
			  struct run_options *options, struct problem *problem)
{
	struct option known[ROWS + 3] = { 0 };
	int got;

	for (size_t n = 0; n < ROWS; n++) {
		known[n].name = rows[n].key;
		known[n].has_arg = rows[n].kind == OPTION_FLAG ? no_argument : required_argument;
		known[n].val = (int)(OPTION_CONFIG + 1 + n);
	}
	known[ROWS] = (struct option){ "config", required_argument, NULL, OPTION_CONFIG };
	known[ROWS + 1] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
	opterr = 0;
	optind = 0; /* 0 and not 1: glibc starts afresh */
	while ((got = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (got == ':')
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: a value is missing", argv[optind - 1]);
		if (got == '?')
			return problem_say(problem, PROBLEM_USAGE, -EINVAL,
					   "%s: unknown option: otori run --help lists them", argv[optind - 1]);
		if (got == 'h' || got == OPTION_HELP) {
			options->help = 1;
			continue;
		}
		if (got == OPTION_CONFIG) {
			*config = optarg;
			continue;
		}
		arguments[*count].row = &rows[got - OPTION_CONFIG - 1];
		arguments[*count].value = optarg ? optarg : "yes";
		(*count)++;
	}
	if (optind < argc)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "'%s' is no option: otori run --help lists them",
				   argv[optind]);
	return 0;
}

/* Cuts blanks from both ends. */
static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* One line of the file; `where` is file:line. */
static int read_line(struct run_options *options, char *line, const char *where, bool *fresh, struct problem *problem)
{
	const struct option_row *row;
	char *key = trim(line), *value;

	if (!*key || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected `key = value`, got '%s'", where, key);
	*value++ = '\0';
	key = trim(key);
	value = trim(value);
	row = row_named(key);
	if (!row)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: unknown key '%s': otori run --help lists them",
				   where, key);
	return option_set(options, row, value, fresh[row - rows], where, problem) ?: (fresh[row - rows] = false, 0);
}

static int read_config(struct run_options *options, const char *path, struct problem *problem)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, where[256];
	bool fresh[ROWS];
	size_t room = 0;
	unsigned number = 0;
	int err = 0;

	if (!file)
		return problem_say(problem, PROBLEM_USAGE, -errno, "%s: %s", path, strerror(errno));
	memset(fresh, true, sizeof(fresh));
	while (!err && getline(&line, &room, file) >= 0) {
		snprintf(where, sizeof(where), "%s:%u", path, ++number);
		err = read_line(options, line, where, fresh, problem);
	}
	if (!err && ferror(file))
		err = problem_say(problem, PROBLEM_USAGE, -EIO, "%s: cannot be read", path);
	free(line);
	fclose(file);
	return err;
}

void options_sensor_from_host(char *sensor)
{
	char host[OPTIONS_SENSOR_BYTES] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !isalnum((unsigned char)host[0]))
		strcpy(host, "otori");
	for (char *c = host; *c; c++)
		*c = (char)(isalnum((unsigned char)*c) || strchr("._-", *c) ? tolower((unsigned char)*c) : '-');
	memcpy(sensor, host, sizeof(host));
}

/* What only the whole can tell. */
static int check_whole(struct run_options *options, struct problem *problem)
{
	char a[PREFIX_TEXT_BYTES], b[PREFIX_TEXT_BYTES];

	if (options->help || options->unload)
		return 0;
	if (options->interface_count == 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "interface is missing: --interface IF");
	if (options->decoys.count == 0)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "decoys are missing: --decoys PREFIX[,PREFIX...]");
	if (options->database && options->embedded)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "database and embedded exclude each other, both are set");
	for (uint32_t n = 0; n < options->decoys.count; n++)
		for (uint32_t m = n + 1; m < options->decoys.count; m++) {
			const struct prefix *one = &options->decoys.items[n], *other = &options->decoys.items[m];

			if (prefix_covers(one, other) || prefix_covers(other, one))
				return problem_say(problem, PROBLEM_USAGE, -EINVAL, "decoys %s and %s overlap",
						   prefix_text(one, a), prefix_text(other, b));
		}
	if (options->total_seconds < options->idle_seconds)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "total-seconds (%u) is less than idle-seconds (%u)",
				   options->total_seconds, options->idle_seconds);
	if (!options->sensor[0])
		options_sensor_from_host(options->sensor);
	return options_read_quiet(options, problem);
}

int options_read(struct run_options *options, int argc, char **argv, struct problem *problem)
{
	struct argument *arguments = calloc((size_t)argc + 1, sizeof(*arguments));
	const char *config = NULL;
	bool fresh[ROWS];
	size_t count = 0;
	int err = 0;

	memset(options, 0, sizeof(*options));
	if (!arguments)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "out of memory");
	for (size_t n = 0; n < ROWS && !err; n++)
		if (rows[n].fallback)
			err = option_set(options, &rows[n], rows[n].fallback, true, "default", problem);
	if (!err)
		err = read_arguments(argc, argv, arguments, &count, &config, options, problem);
	if (!err && config)
		err = read_config(options, config, problem);
	memset(fresh, true, sizeof(fresh));
	for (size_t n = 0; n < count && !err; n++) {
		const struct option_row *row = arguments[n].row;

		err = option_set(options, row, arguments[n].value, fresh[row - rows], "", problem);
		fresh[row - rows] = false;
	}
	if (!err)
		err = check_whole(options, problem);
	free(arguments);
	return err;
}

int options_read_quiet(struct run_options *options, struct problem *problem)
{
	struct prefix_list list = { 0 };
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	FILE *file;
	int err = 0;

	if (!options->quiet_sources)
		return 0;
	file = fopen(options->quiet_sources, "re");
	if (!file)
		return problem_say(problem, PROBLEM_USAGE, -errno, "quiet-sources: %s: %s", options->quiet_sources,
				   strerror(errno));
	while (!err && getline(&line, &room, file) >= 0) {
		char *text, *comment = strchr(line, '#');

		number++;
		if (comment)
			*comment = '\0';
		text = trim(line);
		if (*text && prefix_list_add(&list, text, OTORI_MAX_QUIET_PREFIXES) < 0)
			err = problem_say(problem, PROBLEM_USAGE, -EINVAL,
					  "%s:%u: expected a prefix such as 192.0.2.0/24, got '%s'",
					  options->quiet_sources, number, text);
	}
	free(line);
	fclose(file);
	if (err) {
		free(list.items);
		return err;
	}
	free(options->quiet.items);
	options->quiet = list;
	return 0;
}

void options_close(struct run_options *options)
{
	free(options->decoys.items);
	free(options->quiet.items);
	for (size_t n = 0; n < ROWS; n++)
		if (rows[n].kind == OPTION_TEXT)
			free(*(char **)((char *)options + rows[n].field));
	memset(options, 0, sizeof(*options));
}

void options_help(FILE *out)
{
	fputs("Usage: otori run --interface IF --decoys PREFIX[,PREFIX...] [OPTION...]\n\n"
	      "Observes on the decoys until SIGTERM or SIGINT. Every option is a key of the file that --config names, "
	      "as `key = value`.\n"
	      "A stop leaves the program attached, so that a restart loses nothing; --unload takes it away.\n\n",
	      out);
	for (size_t n = 0; n < ROWS; n++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", rows[n].key, rows[n].argument ? " " : "",
			 rows[n].argument ? rows[n].argument : "");
		fprintf(out, "  %-28s %s", left, rows[n].help);
		if (rows[n].fallback && rows[n].kind != OPTION_FLAG)
			fprintf(out, " (%s)", rows[n].fallback);
		fputc('\n', out);
	}
	fprintf(out, "  %-28s %s\n  %-28s %s\n", "--config FILE", "read these keys from a file first", "--help",
		"this text");
}
