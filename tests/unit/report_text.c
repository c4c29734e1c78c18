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
	"insert into source (sensor, source, country, country_dated, looked_up_at) values"
	" ('e1', '198.51.100.1', 'TW', '2007-10-01', now()), ('e1', '198.51.100.2', 'US', '2007-11-05', now())",
	/* 00:30 of the first of two midnights */
	"select observe('havana', '2006-10-28 04:00+00', '2006-10-30 05:00+00', '192.0.2.9', '8080', 'run')",
	"select make_partitions('2006-10-28', '2006-10-30')",
	"insert into access (sensor, access, started_at, ended_at, decoy, decoy_port, source, source_port, protocol, "
	"class, "
	"depth, end_reason, bytes_in, bytes_out, first_segment_bytes, payload_truncated, hops, mails, "
	"conflicting_bytes)"
	" values ('havana', 1, '2006-10-29 04:30+00', now(), '192.0.2.9', 8080, '198.51.100.9', 1, 'http', 'other',"
	" 'payload', 'fin', 1, 1, 1, false, 1, 0, 0)",
	"select rollup_rebuild()",
};

static const char expected[] =
	"otori: sensor e1\n"
	"================\n"
	"Days are those of Asia/Tokyo. Made at \n"
	"Countries are those of the database of 2007-10-01 to 2007-11-05. That of the source is unknown for 60% of the "
	"accesses.\n"
	"Figures 9 and 10 hold only while no mail service and no mail record of DNS points at the decoys; the operator "
	"has not stated that (mail_unadvertised of table sensor).\n"
	"\n"
	"From 2007-11-01 to 2007-11-03 the sensor observed on 3 days, with 2 servers.\n"
	"\n"
	"1,125 accesses from 5 addresses in 2 countries: 563 per server, 188 per server per day.\n"
	"  1080/TCP: 375 (33.3%); 188 per server, 63 a day; exploits 100.0%\n"
	"  8080/TCP: 750 (66.7%); 375 per server, 125 a day; web 50.0%, mail 50.0%\n"
	"  Sources: Taiwan 20%, United States 20%; the first two together 40%\n"
	"\n"
	"375 attempts to relay mail by SMTP spoken to a decoy itself from 5 addresses in 2 countries: 188 per server, "
	"63 per server per day.\n"
	"  Sources: Taiwan 20%, United States 20%; the first two together 40%\n"
	"\n"
	"3 mails through the proxies: 1.0 a day; maximum 3, on 2007-11-02.\n"
	"\n"
	"Section 2. Activity on the ports, by day (port_activity_daily)\n"
	"\n"
	"  day         listening port  SYNs  accesses\n"
	"  ----------  --------------  ----  --------\n"
	"  2007-11-01              25     0         0\n"
	"  2007-11-01            1080     0       375\n"
	"  2007-11-01            8080     0       750\n"
	"  2007-11-02              25     0         0\n"
	"  2007-11-02            1080     0         0\n"
	"  2007-11-02            8080     0         0\n"
	"  2007-11-03              25     0         0\n"
	"  2007-11-03            1080     0         0\n"
	"  2007-11-03            8080     0         0\n"
	"\n"
	"Figure 4. Accesses by listening port, by day (accesses_by_port_daily)\n"
	"\n"
	"  day         25/TCP  1080/TCP  8080/TCP    all  servers  per server per day\n"
	"  ----------  ------  --------  --------  -----  -------  ------------------\n"
	"  2007-11-01       0       375       750  1,125        2                 563\n"
	"  2007-11-02       0         0         0      0        2                   0\n"
	"  2007-11-03       0         0         0      0        2                   0\n"
	"\n"
	"Figure 5a. Accesses by relay port, by day (accesses_by_relay_port_daily)\n"
	"\n"
	"  day         25/TCP  80/TCP  exploits    all  servers  per server per day\n"
	"  ----------  ------  ------  --------  -----  -------  ------------------\n"
	"  2007-11-01     375     375       375  1,125        2                 563\n"
	"\n"
	"Figure 5b. Accesses to 8080/TCP by relay port, by day (accesses_by_relay_port_daily)\n"
	"\n"
	"  day         25/TCP  80/TCP  all  servers  per server per day\n"
	"  ----------  ------  ------  ---  -------  ------------------\n"
	"  2007-11-01     375     375  750        2                 375\n"
	"\n"
	"Figure 5c. Accesses to 3128/TCP by relay port, by day (accesses_by_relay_port_daily)\n"
	"\n"
	"  None.\n"
	"\n"
	"Figure 5d. Accesses to 1080/TCP by relay port, by day (accesses_by_relay_port_daily)\n"
	"\n"
	"  day         exploits  all  servers  per server per day\n"
	"  ----------  --------  ---  -------  ------------------\n"
	"  2007-11-01       375  375        2                 188\n"
	"\n"
	"Accesses to all other ports by relay port, by day (accesses_by_relay_port_daily)\n"
	"\n"
	"  None.\n"
	"\n"
	"Section 2(2). Exploits by rule (exploits_by_rule_daily)\n"
	"\n"
	"  None.\n"
	"\n"
	"Relays that were asked for most (counted_destinations)\n"
	"\n"
	"  relay host           relay port  accesses\n"
	"  -------------------  ----------  --------\n"
	"  evil\\x1b[2j.example          80       375\n"
	"  mail.example                 25       375\n"
	"\n"
	"Figure 6. Countries of the sources (source_countries)\n"
	"\n"
	"  country           addresses  accesses  share\n"
	"  ----------------  ---------  --------  -----\n"
	"  ZZ unknown                3       675  60.0%\n"
	"  TW Taiwan                 1       225  20.0%\n"
	"  US United States          1       225  20.0%\n"
	"\n"
	"Section 2(2), 4(3). Lines of the sources by their reverse names (source_lines)\n"
	"\n"
	"  line     addresses  accesses   share\n"
	"  -------  ---------  --------  ------\n"
	"  unknown          5     1,125  100.0%\n"
	"\n"
	"Figure 7. Countries that mail was to be relayed to (mail_relay_countries)\n"
	"\n"
	"  country     destinations  accesses   share\n"
	"  ----------  ------------  --------  ------\n"
	"  ZZ unknown             1       375  100.0%\n"
	"\n"
	"Figure 8. Countries of the web servers that were asked for (web_relay_countries)\n"
	"\n"
	"  country     destinations  accesses   share\n"
	"  ----------  ------------  --------  ------\n"
	"  ZZ unknown             1       375  100.0%\n"
	"\n"
	"Figure 9. Attempts to relay mail directly (25/TCP), by day (direct_mail_daily)\n"
	"\n"
	"  day         attempts  servers  per server per day\n"
	"  ----------  --------  -------  ------------------\n"
	"  2007-11-01       375        2                 188\n"
	"  2007-11-02         0        2                   0\n"
	"  2007-11-03         0        2                   0\n"
	"\n"
	"Figure 10. Countries of those who attempted it (direct_mail_countries)\n"
	"\n"
	"  country           addresses  attempts  share\n"
	"  ----------------  ---------  --------  -----\n"
	"  ZZ unknown                3       225  60.0%\n"
	"  TW Taiwan                 1        75  20.0%\n"
	"  US United States          1        75  20.0%\n"
	"\n"
	"Section 2. Kinds of direct mail (25/TCP) (direct_mail_kinds)\n"
	"\n"
	"  kind   conversations  addresses\n"
	"  -----  -------------  ---------\n"
	"  other            375          5\n"
	"\n"
	"Figure 12. Mails through the proxies, by day (mails_daily)\n"
	"\n"
	"  day         mails  servers  per server per day\n"
	"  ----------  -----  -------  ------------------\n"
	"  2007-11-01      0        2                   0\n"
	"  2007-11-02      3        2                 1.5\n"
	"  2007-11-03      0        2                   0\n"
	"\n"
	"Section 2(2), 4(1). Probes among the mails, by day (mail_kinds)\n"
	"\n"
	"  day         mail\n"
	"  ----------  ----\n"
	"  2007-11-02     3\n"
	"\n"
	"Most frequent subjects of mails through the proxies (mail)\n"
	"\n"
	"  subject               mails  addresses\n"
	"  --------------------  -----  ---------\n"
	"  -                         2          1\n"
	"  特別\\x1b]0;owned\\x07      1          1\n"
	"\n"
	"Figure 13. Probe mails (probe_mails)\n"
	"\n"
	"  None.\n"
	"\n"
	"Figure 13. What followed the probes (probe_waves)\n"
	"\n"
	"  None.\n"
	"\n"
	"Figure 14. Domains that the mails went to (targeted_domains)\n"
	"\n"
	"  None.\n"
	"\n"
	"Figure 15. Suspected open relays (open_relay_suspects)\n"
	"\n"
	"  None.\n"
	"\n"
	"Figure 16. Chains of relays (relay_chains)\n"
	"\n"
	"  None.\n"
	"\n"
	"Section 6. Mail that a block of outbound 25/TCP would have stopped (op25b_share)\n"
	"\n"
	"  relay port  line     accesses   share\n"
	"  ----------  -------  --------  ------\n"
	"          25  unknown       375  100.0%\n";

static const char expected_ja[] =
	"otori: センサ e1\n"
	"================\n"
	"日付の区切りはAsia/Tokyoによる。作成日時 \n"
	"国/地域は2007-10-01から2007-11-05のデータベースによる。アクセスの60%は発信元の国/地域が不明である。\n"
	"図9及び図10は、観測用IPアドレスでメールの送受信サービスを行っておらず、DNSにもメールに関するレコードが登録され"
	"ていない場合に限り有効である。運用者はこれを確認していない(表sensorのmail_unadvertised)。\n"
	"\n"
	"2007年11月1日から2007年11月3日までの3日間、2台のサーバで観測した。\n"
	"\n"
	"オープンプロキシに対する中継試行は、2の国/"
	"地域、合計5のIPアドレスから行われ、アクセスされた総数は1,"
	"125件、1サーバにつき563件、1日あたり平均188件であった。\n"
	"1080/"
	"TCPに対するアクセスは375件(33.3%)"
	"、1サーバにつき188件、1日あたり63件であり、そのうち脆弱性を突く攻撃と考えられるものが100.0%であった。\n"
	"8080/"
	"TCPに対するアクセスは750件(66.7%)"
	"、1サーバにつき375件、1日あたり125件であり、そのうちWebのアクセス要求試行を示すものが50.0%"
	"、続いてメールの不正中継試行を示すものが50.0%であった。\n"
	"発信元の国/地域は、台湾(20%)、米国(20%)の順に多く、上位2つの国/地域で全体の40%を占めた。\n"
	"\n"
	"メールサーバに対するメールの不正中継試行は、2の国/"
	"地域、合計5のIPアドレスから行われ、アクセスされた総数は375件、1サーバにつき188件、1日あたり平均63件であった。"
	"\n"
	"発信元の国/地域は、台湾(20%)、米国(20%)の順に多く、上位2つの国/地域で全体の40%を占めた。\n"
	"\n"
	"オープンプロキシを経由するメールの不正中継試行は、総数3件、1日あたり平均1.0件、1日あたりの最大件数は3件("
	"2007年11月2日)であった。\n"
	"\n"
	"本文2 各ポートに対するアクセスの定常観測(日別) [port_activity_daily]\n"
	"\n"
	"  日          待ち受けポート  SYN数  アクセス件数\n"
	"  ----------  --------------  -----  ------------\n"
	"  2007-11-01              25      0             0\n"
	"  2007-11-01            1080      0           375\n"
	"  2007-11-01            8080      0           750\n"
	"  2007-11-02              25      0             0\n"
	"  2007-11-02            1080      0             0\n"
	"  2007-11-02            8080      0             0\n"
	"  2007-11-03              25      0             0\n"
	"  2007-11-03            1080      0             0\n"
	"  2007-11-03            8080      0             0\n"
	"\n"
	"図4 オープンプロキシに対するアクセス状況(待ち受けポート別の推移)(日別) [accesses_by_port_daily]\n"
	"\n"
	"  日          25/TCP  1080/TCP  8080/TCP   合計  サーバ数  1サーバ1日あたり\n"
	"  ----------  ------  --------  --------  -----  --------  ----------------\n"
	"  2007-11-01       0       375       750  1,125         2               563\n"
	"  2007-11-02       0         0         0      0         2                 0\n"
	"  2007-11-03       0         0         0      0         2                 0\n"
	"\n"
	"図5a オープンプロキシに対するアクセス状況(中継先ポート別の推移)(日別) [accesses_by_relay_port_daily]\n"
	"\n"
	"  日          25/TCP  80/TCP  脆弱性を突く攻撃   合計  サーバ数  1サーバ1日あたり\n"
	"  ----------  ------  ------  ----------------  -----  --------  ----------------\n"
	"  2007-11-01     375     375               375  1,125         2               563\n"
	"\n"
	"図5b 8080/TCPへのオープンプロキシに対するアクセス状況(日別) [accesses_by_relay_port_daily]\n"
	"\n"
	"  日          25/TCP  80/TCP  合計  サーバ数  1サーバ1日あたり\n"
	"  ----------  ------  ------  ----  --------  ----------------\n"
	"  2007-11-01     375     375   750         2               375\n"
	"\n"
	"図5c 3128/TCPへのオープンプロキシに対するアクセス状況(日別) [accesses_by_relay_port_daily]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"図5d 1080/TCPへのオープンプロキシに対するアクセス状況(日別) [accesses_by_relay_port_daily]\n"
	"\n"
	"  日          脆弱性を突く攻撃  合計  サーバ数  1サーバ1日あたり\n"
	"  ----------  ----------------  ----  --------  ----------------\n"
	"  2007-11-01               375   375         2               188\n"
	"\n"
	"その他のポートへのオープンプロキシに対するアクセス状況(日別) [accesses_by_relay_port_daily]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"本文2(2) 脆弱性を突く攻撃と考えられるアクセスの内訳 [exploits_by_rule_daily]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"要求の多い中継先 [counted_destinations]\n"
	"\n"
	"  中継先               中継先ポート  アクセス件数\n"
	"  -------------------  ------------  ------------\n"
	"  evil\\x1b[2j.example            80           375\n"
	"  mail.example                   25           375\n"
	"\n"
	"図6 オープンプロキシにアクセスした発信元の国/地域別比率 [source_countries]\n"
	"\n"
	"  国/地域  発信元IPアドレス数  アクセス件数   比率\n"
	"  -------  ------------------  ------------  -----\n"
	"  ZZ 不明                   3           675  60.0%\n"
	"  TW 台湾                   1           225  20.0%\n"
	"  US 米国                   1           225  20.0%\n"
	"\n"
	"本文2(2), 4(3) 発信元の回線種別(逆引き結果による) [source_lines]\n"
	"\n"
	"  回線種別  発信元IPアドレス数  アクセス件数    比率\n"
	"  --------  ------------------  ------------  ------\n"
	"  不明                       5         1,125  100.0%\n"
	"\n"
	"図7 オープンプロキシに対するメールの不正中継先の国/地域別比率 [mail_relay_countries]\n"
	"\n"
	"  国/地域  中継先数  アクセス件数    比率\n"
	"  -------  --------  ------------  ------\n"
	"  ZZ 不明         1           375  100.0%\n"
	"\n"
	"図8 オープンプロキシに対するWebのアクセス要求試行先の国/地域別比率 [web_relay_countries]\n"
	"\n"
	"  国/地域  中継先数  アクセス件数    比率\n"
	"  -------  --------  ------------  ------\n"
	"  ZZ 不明         1           375  100.0%\n"
	"\n"
	"図9 メールサーバに対するメールの不正中継試行の状況(日別) [direct_mail_daily]\n"
	"\n"
	"  日          試行件数  サーバ数  1サーバ1日あたり\n"
	"  ----------  --------  --------  ----------------\n"
	"  2007-11-01       375         2               188\n"
	"  2007-11-02         0         2                 0\n"
	"  2007-11-03         0         2                 0\n"
	"\n"
	"図10 メール不正中継を試行した発信元国/地域別比率 [direct_mail_countries]\n"
	"\n"
	"  国/地域  発信元IPアドレス数  試行件数   比率\n"
	"  -------  ------------------  --------  -----\n"
	"  ZZ 不明                   3       225  60.0%\n"
	"  TW 台湾                   1        75  20.0%\n"
	"  US 米国                   1        75  20.0%\n"
	"\n"
	"本文2 メールサーバに対するアクセスの種類 [direct_mail_kinds]\n"
	"\n"
	"  種類    接続件数  発信元IPアドレス数\n"
	"  ------  --------  ------------------\n"
	"  その他       375                   5\n"
	"\n"
	"図12 オープンプロキシを不正中継するメールの受信状況(日別) [mails_daily]\n"
	"\n"
	"  日          メール件数  サーバ数  1サーバ1日あたり\n"
	"  ----------  ----------  --------  ----------------\n"
	"  2007-11-01           0         2                 0\n"
	"  2007-11-02           3         2               1.5\n"
	"  2007-11-03           0         2                 0\n"
	"\n"
	"本文2(2), 4(1) 探索行為に使用されたメールの内訳(日別) [mail_kinds]\n"
	"\n"
	"  日          メール\n"
	"  ----------  ------\n"
	"  2007-11-02       3\n"
	"\n"
	"件数の多いメールの件名 [mail]\n"
	"\n"
	"  件名                  メール件数  発信元IPアドレス数\n"
	"  --------------------  ----------  ------------------\n"
	"  -                              2                   1\n"
	"  特別\\x1b]0;owned\\x07           1                   1\n"
	"\n"
	"図13 メール不正中継が可能なオープンプロキシの探索行為 [probe_mails]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"図13 探索行為の後の大量の不正中継試行 [probe_waves]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"図14 迷惑メールの宛先ドメイン [targeted_domains]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"図15 オープンリレーメールサーバである可能性のある中継先 [open_relay_suspects]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"図16 多段の中継要求 [relay_chains]\n"
	"\n"
	"  該当なし。\n"
	"\n"
	"本文6 OP25Bが有効であったと考えられるメールの不正中継試行 [op25b_share]\n"
	"\n"
	"  中継先ポート  回線種別  アクセス件数    比率\n"
	"  ------------  --------  ------------  ------\n"
	"            25  不明               375  100.0%\n";

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

/* Takes out when it was made, and by which version. */
static void take_out_moments(char *report)
{
	static const char *const begins[] = { "Made at ", "作成日時 " };

	for (size_t i = 0; i < 2; i++) {
		for (char *at = report; (at = strstr(at, begins[i]));) {
			char *end = strchr(at, '\n');

			assert_non_null(end);
			at += strlen(begins[i]);
			memmove(at, end, strlen(end) + 1);
		}
	}
}

/* The report as text; NULL where it failed, with *error. The caller frees it. */
static char *written(const struct report_request *request, int *error)
{
	char *report = NULL;
	size_t bytes;
	FILE *out = open_memstream(&report, &bytes);

	assert_non_null(out);
	*error = report_write(connection, request, out, NULL, text, sizeof(text));
	fclose(out);
	if (!*error) {
		take_out_moments(report);
		return report;
	}
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

/* A day of 25 hours, whose first hour the clock shows twice, is whole in figures by day and in those without days. */
static void both_midnights_belong_to_the_day(void **state)
{
	struct report_request request = {
		.sensor = "havana", .timezone = "America/Havana", .from = "2006-10-29", .to = "2006-10-29"
	};
	int error;
	char *report = written(&request, &error);

	(void)state;
	assert_non_null(report);
	assert_non_null(strstr(report, "From 2006-10-29 to 2006-10-29 the sensor observed on 1 day"));
	assert_non_null(strstr(report, "\n1 access from 1 address"));
	assert_non_null(strstr(report, "  8080/TCP: 1 (100.0%)"));
	assert_non_null(strstr(report, "Countries of the sources"));
	assert_non_null(strstr(report, "  unknown  "));
	free(report);
	request.from = request.to = "2006-10-28";
	report = written(&request, &error);
	assert_non_null(report);
	assert_non_null(strstr(report, "\n0 accesses"));
	free(report);
}

static void other_languages_say_the_same(void **state)
{
	int error;
	char *report = written(
		&(struct report_request){ .sensor = "e1", .timezone = "Asia/Tokyo", .language = LANGUAGE_JA }, &error);

	(void)state;
	if (!report)
		fail_msg("%s", text);
	for (size_t i = 0; report[i] || expected_ja[i]; i++) {
		if (report[i] != expected_ja[i])
			fail_msg("from '%.80s' on, expected '%.80s'", report + i, expected_ja + i);
	}
	free(report);
}

/* The operator's word on figures 9 and 10 changes what the head says. */
static void the_operators_word_is_told(void **state)
{
	static const struct {
		const char *sql, *said;
	} words[] = { { "update sensor set mail_unadvertised = true where sensor = 'e1'", NULL },
		      { "update sensor set mail_unadvertised = false where sensor = 'e1'", "states that one does" },
		      { "update sensor set mail_unadvertised = null where sensor = 'e1'", "has not stated that" } };
	int error;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *report;

		fixture_execute(connection, words[i].sql);
		report = written(&(struct report_request){ .sensor = "e1" }, &error);
		assert_non_null(report);
		if (words[i].said)
			assert_non_null(strstr(report, words[i].said));
		else
			assert_null(strstr(report, "Figures 9 and 10"));
		free(report);
	}
	fixture_execute(connection, "insert into mail_record_warning values ('e1', 'd.example', 'mx.d.example', "
				    "'203.0.113.10', now(), now())");
	{
		char *report = written(&(struct report_request){ .sensor = "e1" }, &error);

		assert_non_null(report);
		assert_non_null(strstr(report, "as found by the enrichment: 1 (table"));
		free(report);
	}
	fixture_execute(connection, "delete from mail_record_warning");
	/* a sensor that offers no port 25 has no such figures */
	{
		char *report = written(&(struct report_request){ .sensor = "quiet" }, &error);

		assert_non_null(report);
		assert_null(strstr(report, "Figures 9 and 10"));
		assert_non_null(strstr(report, "Countries have not been looked up"));
		free(report);
	}
}

static void what_is_shown_can_be_run(void **state)
{
	int error, queries = 0;
	char *report =
		written(&(struct report_request){ .sensor = "e1", .timezone = "Asia/Tokyo", .show_sql = true }, &error);

	(void)state;
	assert_non_null(report);
	for (char *at = report; (at = strstr(at, "\n    ")); at++) {
		char *end = strstr(at, ";\n"), *sql;

		if (strncmp(at + 5, "select", 6) != 0 && strncmp(at + 5, "with", 4) != 0 &&
		    strncmp(at + 5, "set", 3) != 0)
			continue;
		assert_non_null(end);
		sql = strndup(at, (size_t)(end - at));
		assert_non_null(sql);
		fixture_execute(connection, sql);
		free(sql);
		queries++;
		at = end;
	}
	/* the time zone, 7 of the summary, 25 tables */
	assert_int_equal(queries, 33);
	free(report);
}

static void says_what_is_missing(void **state)
{
	int error;

	(void)state;
	assert_null(written(&(struct report_request){ .sensor = "nobody" }, &error));
	assert_int_equal(error, -ENOENT);
	assert_string_equal(text, "there is no sensor 'nobody'; known: e1, havana, quiet");
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
	assert_refused(2, "no html yet", ARGUMENTS("--format", "html"));
	assert_refused(2, "--output FOLDER is missing", ARGUMENTS("--format=csv"));
	assert_refused(2, "expected en or ja, got 'de'", ARGUMENTS("--lang", "de"));
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
	take_out_moments(out);
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
	take_out_moments(written_text);
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
		cmocka_unit_test(both_midnights_belong_to_the_day),
		cmocka_unit_test(other_languages_say_the_same),
		cmocka_unit_test(the_operators_word_is_told),
		cmocka_unit_test(what_is_shown_can_be_run),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(wrong_usage_is_one_line),
		cmocka_unit_test(the_command_writes_to_a_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
