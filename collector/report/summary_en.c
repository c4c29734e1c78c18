/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary_en.c - the summary in English.
 *
 * In:  struct summary. Out: sentences. Called by text_report.c.
 */
#include "report/summary.h"

#include <string.h>

#include "report/countries.h"
#include "report/query.h"

/* "1 access" and "2 accesses". */
static void print_counted(FILE *out, const char *number, const char *one, const char *many)
{
	char words[WORDS_NUMBER_BYTES];

	fprintf(out, "%s %s", words_count(number, words), strcmp(number, "1") ? many : one);
}

static void print_origin(FILE *out, const char *sources, const char *countries)
{
	if (summary_is_zero(sources))
		return;
	fputs(" from ", out);
	print_counted(out, sources, "address", "addresses");
	if (!summary_is_zero(countries)) {
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

/* "  LABEL: Taiwan 63%, United States 20%, together 83%"; nothing where no country is known. */
static void print_countries(FILE *out, const char *label, const PGresult *countries)
{
	char words[WORDS_NUMBER_BYTES], both[WORDS_NUMBER_BYTES];

	if (summary_country(countries, 0) < 0)
		return;
	fprintf(out, "  %s: ", label);
	for (int n = 0; n < 3; n++) {
		int row = summary_country(countries, n);

		if (row >= 0)
			fprintf(out, "%s%s %s", n ? ", " : "",
				country_name(report_named(countries, row, "country"), LANGUAGE_EN),
				words_percent(report_named(countries, row, "share"), words));
	}
	if (summary_country(countries, 1) >= 0)
		fprintf(out, "; the first two together %s",
			words_percent(summary_two_countries(countries, both), words));
	fputs("\n", out);
}

/* One line a port: its share, its rates, and what was asked for (web and mail as in 2008: relay ports 80 and 25). */
static void print_ports(FILE *out, const PGresult *ports)
{
	char a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES], c[WORDS_NUMBER_BYTES], d[WORDS_NUMBER_BYTES];

	for (int row = 0; row < PQntuples(ports); row++) {
		const char *accesses = report_named(ports, row, "accesses"), *asked[3];
		int count = summary_asked_for(ports, row, asked);

		if (summary_is_zero(accesses))
			continue;
		fprintf(out, "  %s/TCP: %s (%s); %s per server, %s a day", report_named(ports, row, "decoy_port"),
			words_count(accesses, a), words_share(report_named(ports, row, "share"), "1", b),
			words_quotient(report_named(ports, row, "accesses_per_server"), c),
			words_quotient(report_named(ports, row, "accesses_per_server_per_day"), d));
		for (int i = 0; i < count; i++)
			fprintf(out, "%s%s %s", i ? ", " : "; ", asked[i],
				words_share(report_named(ports, row, asked[i]), accesses, a));
		fputs("\n", out);
	}
}

static void print_mails(const struct summary *summary, FILE *out)
{
	const PGresult *sensor = summary->sensor_summary, *findings = summary->findings;
	const char *mails = report_named(sensor, 0, "mails");
	char words[WORDS_NUMBER_BYTES];

	print_counted(out, mails, "mail", "mails");
	fprintf(out, " through the proxies: %s a day", words_quotient(report_named(sensor, 0, "mails_per_day"), words));
	if (!summary_is_zero(mails))
		fprintf(out, "; maximum %s, on %s", words_count(report_named(sensor, 0, "busiest_day_mails"), words),
			report_named(sensor, 0, "busiest_day"));
	fputs(".\n", out);
	if (!summary_is_zero(report_named(findings, 0, "probe_mails"))) {
		fputs("  ", out);
		print_counted(out, report_named(findings, 0, "probe_mails"), "mail", "mails");
		fputs(" in search of open proxies; ", out);
		if (summary_is_zero(report_named(findings, 0, "probe_waves")))
			fputs("none", out);
		else
			fputs(words_count(report_named(findings, 0, "probe_waves"), words), out);
		fputs(" followed by a wave of mail\n", out);
	}
	if (!summary_is_zero(report_named(findings, 0, "suspect_relays"))) {
		fputs("  ", out);
		print_counted(out, report_named(findings, 0, "suspect_relays"), "relay", "relays");
		fputs(" that may be an open relay: no exchanger of the recipients' domain\n", out);
	}
	if (!summary_is_zero(report_named(findings, 0, "relay_chains"))) {
		fputs("  ", out);
		print_counted(out, report_named(findings, 0, "relay_chains"), "conversation", "conversations");
		fputs(" asked for a chain of relays\n", out);
	}
}

void summary_print_en(const struct summary *summary, FILE *out)
{
	const PGresult *sensor = summary->sensor_summary;

	fprintf(out, "From %s to %s the sensor observed on ", report_named(sensor, 0, "first_day"),
		report_named(sensor, 0, "last_day"));
	print_counted(out, report_named(sensor, 0, "days"), "day", "days");
	fputs(", with ", out);
	print_counted(out, report_named(sensor, 0, "servers"), "server", "servers");
	fputs(".\n\n", out);

	print_counted(out, report_named(sensor, 0, "accesses"), "access", "accesses");
	print_origin(out, report_named(sensor, 0, "sources"), report_named(sensor, 0, "countries"));
	print_rates(out, report_named(sensor, 0, "accesses_per_server"),
		    report_named(sensor, 0, "accesses_per_server_per_day"));
	print_ports(out, summary->port_summary);
	print_countries(out, "Sources", summary->source_countries);
	print_countries(out, "Mail was to go to", summary->mail_relay_countries);
	print_countries(out, "Web servers asked for", summary->web_relay_countries);

	fputs("\n", out);
	print_counted(out, report_named(sensor, 0, "direct_mail_attempts"), "attempt", "attempts");
	fputs(" to relay mail by SMTP spoken to a decoy itself", out);
	print_origin(out, report_named(sensor, 0, "direct_mail_sources"),
		     report_named(sensor, 0, "direct_mail_countries"));
	print_rates(out, report_named(sensor, 0, "direct_mail_attempts_per_server"),
		    report_named(sensor, 0, "direct_mail_attempts_per_server_per_day"));
	print_countries(out, "Sources", summary->direct_mail_countries);

	fputs("\n", out);
	print_mails(summary, out);
}
