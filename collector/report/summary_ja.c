/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * summary_ja.c - the summary in Japanese, in the words of the report of 2008.
 *
 * In:  struct summary. Out: sentences. Called by text_report.c.
 */
#include "report/summary.h"

#include <stdlib.h>
#include <string.h>

#include "report/countries.h"
#include "report/query.h"

/* 2007-11-01 -> 2007年11月1日; a day of another form as it is. */
static void print_day(FILE *out, const char *day)
{
	if (strlen(day) == 10 && day[4] == '-' && day[7] == '-')
		fprintf(out, "%.4s年%d月%d日", day, atoi(day + 5), atoi(day + 8));
	else
		fputs(day, out);
}

static const char *count(const PGresult *result, const char *column, char to[WORDS_NUMBER_BYTES])
{
	return words_count(report_named(result, 0, column), to);
}

static const char *quotient(const PGresult *result, const char *column, char to[WORDS_NUMBER_BYTES])
{
	return words_quotient(report_named(result, 0, column), to);
}

/* "24の国/地域、合計413のIPアドレスから行われ、" */
static void print_origin(FILE *out, const PGresult *sensor, const char *sources, const char *countries)
{
	char words[WORDS_NUMBER_BYTES];

	if (!summary_is_zero(report_named(sensor, 0, countries)))
		fprintf(out, "%sの国/地域、", count(sensor, countries, words));
	fprintf(out, "合計%sのIPアドレスから行われ、", count(sensor, sources, words));
}

/* "LABELは、台湾(63%)、米国(20%)の順に多い。" and, with two or more, what they make together. */
static void print_countries(FILE *out, const char *label, const PGresult *countries)
{
	char words[WORDS_NUMBER_BYTES], both[WORDS_NUMBER_BYTES];
	int shown = 0;

	if (summary_country(countries, 0) < 0)
		return;
	fprintf(out, "%sは、", label);
	for (int n = 0; n < 3; n++) {
		int row = summary_country(countries, n);

		if (row < 0)
			break;
		fprintf(out, "%s%s(%s)", n ? "、" : "",
			country_name(report_named(countries, row, "country"), LANGUAGE_JA),
			words_percent(report_named(countries, row, "share"), words));
		shown++;
	}
	if (shown > 1)
		fprintf(out, "の順に多く、上位2つの国/地域で全体の%sを占めた。\n",
			words_percent(summary_two_countries(countries, both), words));
	else
		fputs("が最も多い。\n", out);
}

static const char *asked_for(const char *column)
{
	return !strcmp(column, "web")	 ? "Webのアクセス要求試行を示すもの"
	       : !strcmp(column, "mail") ? "メールの不正中継試行を示すもの"
					 : "脆弱性を突く攻撃と考えられるもの";
}

static void print_ports(FILE *out, const PGresult *ports)
{
	char a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES], c[WORDS_NUMBER_BYTES], d[WORDS_NUMBER_BYTES];

	for (int row = 0; row < PQntuples(ports); row++) {
		const char *accesses = report_named(ports, row, "accesses"), *asked[3];
		int kinds = summary_asked_for(ports, row, asked);

		if (summary_is_zero(accesses))
			continue;
		fprintf(out, "%s/TCPに対するアクセスは%s件(%s)、1サーバにつき%s件、1日あたり%s件であ",
			report_named(ports, row, "decoy_port"), words_count(accesses, a),
			words_share(report_named(ports, row, "share"), "1", b),
			words_quotient(report_named(ports, row, "accesses_per_server"), c),
			words_quotient(report_named(ports, row, "accesses_per_server_per_day"), d));
		if (!kinds)
			fputs("った。\n", out);
		for (int i = 0; i < kinds; i++)
			fprintf(out, "%s%sが%s%s", i ? "続いて" : "り、そのうち", asked_for(asked[i]),
				words_share(report_named(ports, row, asked[i]), accesses, a),
				i + 1 < kinds ? "、" : "であった。\n");
	}
}

static void print_accesses(const struct summary *summary, FILE *out)
{
	const PGresult *sensor = summary->sensor_summary;
	char a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES], c[WORDS_NUMBER_BYTES];

	if (summary_is_zero(report_named(sensor, 0, "accesses"))) {
		fputs("オープンプロキシに対する中継試行は観測されなかった。\n", out);
		return;
	}
	fputs("オープンプロキシに対する中継試行は、", out);
	print_origin(out, sensor, "sources", "countries");
	fprintf(out, "アクセスされた総数は%s件、1サーバにつき%s件、1日あたり平均%s件であった。\n",
		count(sensor, "accesses", a), quotient(sensor, "accesses_per_server", b),
		quotient(sensor, "accesses_per_server_per_day", c));
	print_ports(out, summary->port_summary);
	print_countries(out, "発信元の国/地域", summary->source_countries);
	print_countries(out, "メールの不正中継試行による中継先の国/地域", summary->mail_relay_countries);
	print_countries(out, "Webのアクセス要求試行による中継先の国/地域", summary->web_relay_countries);
}

static void print_direct_mail(const struct summary *summary, FILE *out)
{
	const PGresult *sensor = summary->sensor_summary;
	char a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES], c[WORDS_NUMBER_BYTES];

	if (summary_is_zero(report_named(sensor, 0, "direct_mail_attempts"))) {
		fputs("メールサーバに対するメールの不正中継試行は観測されなかった。\n", out);
		return;
	}
	fputs("メールサーバに対するメールの不正中継試行は、", out);
	print_origin(out, sensor, "direct_mail_sources", "direct_mail_countries");
	fprintf(out, "アクセスされた総数は%s件、1サーバにつき%s件、1日あたり平均%s件であった。\n",
		count(sensor, "direct_mail_attempts", a), quotient(sensor, "direct_mail_attempts_per_server", b),
		quotient(sensor, "direct_mail_attempts_per_server_per_day", c));
	print_countries(out, "発信元の国/地域", summary->direct_mail_countries);
}

static void print_mails(const struct summary *summary, FILE *out)
{
	const PGresult *sensor = summary->sensor_summary, *findings = summary->findings;
	char a[WORDS_NUMBER_BYTES], b[WORDS_NUMBER_BYTES], c[WORDS_NUMBER_BYTES];

	if (summary_is_zero(report_named(sensor, 0, "mails"))) {
		fputs("オープンプロキシを経由するメールの不正中継試行は観測されなかった。\n", out);
	} else {
		fprintf(out,
			"オープンプロキシを経由するメールの不正中継試行は、総数%s件、1日あたり平均%"
			"s件、1日あたりの最大件数は%s件(",
			count(sensor, "mails", a), quotient(sensor, "mails_per_day", b),
			count(sensor, "busiest_day_mails", c));
		print_day(out, report_named(sensor, 0, "busiest_day"));
		fputs(")であった。\n", out);
	}
	if (!summary_is_zero(report_named(findings, 0, "probe_mails"))) {
		fprintf(out, "オープンプロキシの探索行為に使用されていると考えられるメールは%s件であ",
			count(findings, "probe_mails", a));
		if (summary_is_zero(report_named(findings, 0, "probe_waves")))
			fputs("ったが、その後に大量の不正中継試行は観測されなかった。\n", out);
		else
			fprintf(out, "り、そのうち%s件の後に大量の不正中継試行があった。\n",
				count(findings, "probe_waves", b));
	}
	if (!summary_is_zero(report_named(findings, 0, "suspect_relays")))
		fprintf(out,
			"中継先メールサーバと宛先メールアドレスの受信サーバが異なり、オープンリレーメールサーバである可"
			"能性のある中継先は%sか所であった。\n",
			count(findings, "suspect_relays", a));
	if (!summary_is_zero(report_named(findings, 0, "relay_chains")))
		fprintf(out, "多段の中継を要求した接続は%s件であった。\n", count(findings, "relay_chains", a));
}

void summary_print_ja(const struct summary *summary, FILE *out)
{
	const PGresult *sensor = summary->sensor_summary;
	char days[WORDS_NUMBER_BYTES], servers[WORDS_NUMBER_BYTES];

	print_day(out, report_named(sensor, 0, "first_day"));
	fputs("から", out);
	print_day(out, report_named(sensor, 0, "last_day"));
	fprintf(out, "までの%s日間、%s台のサーバで観測した。\n\n", count(sensor, "days", days),
		count(sensor, "servers", servers));
	print_accesses(summary, out);
	fputs("\n", out);
	print_direct_mail(summary, out);
	fputs("\n", out);
	print_mails(summary, out);
}
