/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary.c - what a sensor saw, in sentences.
 *
 * In:  function sensor_summary_of and the daily views. Out: sentences. Called by report.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/figures.h"
#include "report/words.h"

enum summary_column {
	FIRST_DAY,
	LAST_DAY,
	DAYS,
	SERVERS,
	ACCESSES,
	SOURCES,
	COUNTRIES,
	PER_SERVER,
	PER_SERVER_DAY,
	ATTEMPTS,
	ATTEMPT_SOURCES,
	ATTEMPT_COUNTRIES,
	ATTEMPTS_PER_SERVER,
	ATTEMPTS_PER_SERVER_DAY,
	MAILS,
	MAILS_PER_DAY,
	BUSIEST_DAY,
	BUSIEST_MAILS
};

static const char summary_sql[] =
	"select first_day, last_day, days, servers, accesses, sources, countries, accesses_per_server, "
	"accesses_per_server_per_day,\n"
	"       direct_mail_attempts, direct_mail_sources, direct_mail_countries,\n"
	"       direct_mail_attempts::numeric / nullif(servers, 0),\n"
	"       direct_mail_attempts::numeric / (select nullif(sum(servers), 0) from observed_day\n"
	"                                         where sensor = {sensor} and day between {from} and {to}),\n"
	"       mails, mails_per_day, busiest_day, busiest_day_mails\n"
	"from sensor_summary_of({from}, {to})\n"
	"where sensor = {sensor}";

enum port_column { PORT, PORT_ACCESSES, PORT_PER_SERVER_DAY, PORT_WEB, PORT_MAIL, PORT_EXPLOITS };

static const char ports_sql[] =
	"select daily.decoy_port, sum(daily.accesses) as accesses,\n"
	"       sum(daily.accesses)::numeric / nullif(sum(daily.servers), 0),\n"
	"       coalesce(min(asked.web), 0), coalesce(min(asked.mail), 0), coalesce(min(asked.exploits), 0)\n"
	"from accesses_by_port_daily as daily\n"
	"left join (select decoy_port, sum(accesses) filter (where relay_port = 80) as web,\n"
	"                  sum(accesses) filter (where relay_port = 25) as mail,\n"
	"                  sum(accesses) filter (where class = 'exploit') as exploits\n"
	"             from accesses_by_relay_port_daily\n"
	"            where sensor = {sensor} and day between {from} and {to}\n"
	"            group by decoy_port) as asked on asked.decoy_port = daily.decoy_port\n"
	"where daily.sensor = {sensor} and daily.day between {from} and {to}\n"
	"group by daily.decoy_port\n"
	"order by daily.decoy_port";

static bool is_zero(const char *number)
{
	return strspn(number, "0.") == strlen(number);
}

/* "1 access" and "2 accesses". */
static void print_counted(FILE *out, const char *number, const char *one, const char *many)
{
	char words[WORDS_NUMBER_BYTES];

	fprintf(out, "%s %s", words_count(number, words), strcmp(number, "1") ? many : one);
}

static void print_origin(FILE *out, const char *sources, const char *countries)
{
	if (is_zero(sources))
		return;
	fputs(" from ", out);
	print_counted(out, sources, "address", "addresses");
	if (!is_zero(countries)) {
		fputs(" in ", out);
		print_counted(out, countries, "country", "countries");
	}
}

static void print_rates(FILE *out, const char *per_server, const char *per_server_day)
{
	char a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES];

	fprintf(out, ": %s per server, %s per server per day.\n", words_quotient(per_server, a),
		words_quotient(per_server_day, b));
}

static void print_share(FILE *out, const char **between, const char *what, const char *part, const char *whole)
{
	char words[WORDS_NUMBER_BYTES];

	if (is_zero(part))
		return;
	fprintf(out, "%s%s %s", *between, what, words_share(part, whole, words));
	*between = ", ";
}

/* One line a port: its share, its rates, and what was asked for (web and mail as in 2008: relay ports 80 and 25). */
static void print_ports(struct report *report, const PGresult *ports, const char *accesses, const char *servers)
{
	double by = strtod(servers, NULL);
	char per_server[WORDS_NUMBER_BYTES], a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES], c[WORDS_NUMBER_BYTES],
		d[WORDS_NUMBER_BYTES];

	for (int row = 0; row < PQntuples(ports); row++) {
		const char *of_port = report_value(ports, row, PORT_ACCESSES), *between = "; ";

		if (is_zero(of_port))
			continue;
		snprintf(per_server, sizeof per_server, "%.17g", by > 0 ? strtod(of_port, NULL) / by : 0);
		fprintf(report->out, "  %s/TCP: %s (%s); %s per server, %s a day", report_value(ports, row, PORT),
			words_count(of_port, a), words_share(of_port, accesses, b), words_quotient(per_server, c),
			words_quotient(report_value(ports, row, PORT_PER_SERVER_DAY), d));
		print_share(report->out, &between, "web", report_value(ports, row, PORT_WEB), of_port);
		print_share(report->out, &between, "mail", report_value(ports, row, PORT_MAIL), of_port);
		print_share(report->out, &between, "exploits", report_value(ports, row, PORT_EXPLOITS), of_port);
		fputs("\n", report->out);
	}
}

static void print_summary(struct report *report, const PGresult *summary, const PGresult *ports)
{
	FILE *out = report->out;
	char words[WORDS_NUMBER_BYTES];
	const char *accesses = report_value(summary, 0, ACCESSES), *mails = report_value(summary, 0, MAILS);
	const char *attempts = report_value(summary, 0, ATTEMPTS);

	fprintf(out, "From %s to %s the sensor observed on ", report_value(summary, 0, FIRST_DAY),
		report_value(summary, 0, LAST_DAY));
	print_counted(out, report_value(summary, 0, DAYS), "day", "days");
	fputs(", with ", out);
	print_counted(out, report_value(summary, 0, SERVERS), "server", "servers");
	fputs(".\n\n", out);

	print_counted(out, accesses, "access", "accesses");
	print_origin(out, report_value(summary, 0, SOURCES), report_value(summary, 0, COUNTRIES));
	print_rates(out, report_value(summary, 0, PER_SERVER), report_value(summary, 0, PER_SERVER_DAY));
	print_ports(report, ports, accesses, report_value(summary, 0, SERVERS));

	fputs("\n", out);
	print_counted(out, attempts, "attempt", "attempts");
	fputs(" to relay mail by SMTP spoken to a decoy itself", out);
	print_origin(out, report_value(summary, 0, ATTEMPT_SOURCES), report_value(summary, 0, ATTEMPT_COUNTRIES));
	print_rates(out, report_value(summary, 0, ATTEMPTS_PER_SERVER),
		    report_value(summary, 0, ATTEMPTS_PER_SERVER_DAY));

	fputs("\n", out);
	print_counted(out, mails, "mail", "mails");
	fprintf(out, " through the proxies: %s a day", words_quotient(report_value(summary, 0, MAILS_PER_DAY), words));
	if (!is_zero(mails))
		fprintf(out, "; maximum %s, on %s", words_count(report_value(summary, 0, BUSIEST_MAILS), words),
			report_value(summary, 0, BUSIEST_DAY));
	fputs(".\n", out);
}

int figures_summary(struct report *report)
{
	PGresult *summary = report_query(report, summary_sql),
		 *ports = summary ? report_query(report, ports_sql) : NULL;
	int error = ports ? 0 : -EIO;

	if (ports)
		print_summary(report, summary, ports);
	PQclear(ports);
	PQclear(summary);
	return error;
}
