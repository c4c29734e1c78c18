#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py PLAN FOLDER SOCKET OTORI: holds what otori loaded of a scenario against what the generator knows.

In:  the plan, the folder that generate wrote, the socket folder of the private cluster, the program. Out: the report's table beside the expected one,
then how many further values were compared, and each difference. Status 0 only where all is exact. Three comparisons: the rows of
access, mail and probe_mail against the facts, one by one (no view between); each view against the figures that follow from the facts;
and the plan's expectations, which a person wrote, against both and against what otori report prints.
"""
import os
import subprocess
import sys
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from figures import COLUMNS, Plan, Sensor  # noqa: E402

SHOWN = 8


class Database:
    def __init__(self, socket, zone):
        self.socket = socket
        self.environment = dict(os.environ, PGOPTIONS=f"-c timezone={zone} -c client_min_messages=warning")

    def rows(self, sql):
        """Rows as lists of text; None where there is none."""
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.socket, "-d", "otori", "-c", f"copy ({sql}) to stdout"],
                              capture_output=True, text=True, encoding="utf-8", env=self.environment, check=False)
        if done.returncode:
            sys.exit(f"check: {done.stderr.strip()}\n  in: {sql}")
        lines = done.stdout.split("\n")[:-1]
        return [[None if cell == "\\N" else unescape(cell) for cell in line.split("\t")] for line in lines]

    def has(self, name):
        return self.rows(f"select to_regclass('otori.{name}') is not null")[0][0] == "t"


def unescape(cell):
    """What COPY escapes in text."""
    if "\\" not in cell:
        return cell
    for short, byte in (("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r"), ("\\b", "\b"), ("\\f", "\f"), ("\\v", "\v")):
        cell = cell.replace(short, byte)
    return cell.replace("\\\\", "\\")


class Check:
    def __init__(self):
        self.values = 0
        self.differences = 0

    def rows(self, what, expected, got):
        """Both as multisets of rows of text."""
        expected = Counter(tuple(None if cell is None else str(cell) for cell in row) for row in expected)
        got = Counter(tuple(row) for row in got)
        self.values += sum(len(row) * count for row, count in expected.items())
        missing, surplus = expected - got, got - expected
        if not missing and not surplus:
            return
        self.differences += sum(missing.values()) + sum(surplus.values())
        print(f"  {what}: {sum(missing.values())} rows are missing or other than expected, {sum(surplus.values())} are there instead")
        for sign, rows in (("expected", missing), ("got     ", surplus)):
            for row in sorted(rows, key=str)[:SHOWN]:
                print(f"    {sign} {' | '.join('null' if cell is None else cell for cell in row)}")


# --- tables against facts, no view between


def check_accesses(check, database, sensor):
    """Depth and bytes of an exploit are the imitation's to say: '?' in the facts."""
    def key(row):
        unknown = row["depth"] == "?"
        return [row["at"], row["source"], row["source_port"], row["decoy"], row["decoy_port"], row["protocol"],
                None if unknown else row["relay_host"], None if unknown else row["relay_port"], row["class"],
                "said" if unknown else row["depth"], row["exploit"], "?" if unknown else row["bytes_in"], row["smtp_kind"]]
    loaded = database.rows(f"""select (extract(epoch from started_at) * 1000000)::bigint, host(source), source_port, host(decoy), decoy_port,
        protocol, case when class <> 'exploit' or protocol like 'unknown%' then relay_host end,
        case when class <> 'exploit' or protocol like 'unknown%' then relay_port end, class,
        case when class = 'exploit' and protocol not like 'unknown%' then 'said' else depth::text end,
        (exploit is not null)::integer,
        case when class = 'exploit' and protocol not like 'unknown%' then '?' else bytes_in::text end, smtp_kind
        from access where sensor = '{sensor.name}'""")
    check.rows(f"{sensor.name}: rows of access", [key(row) for row in sensor.accesses], loaded)


def check_mails(check, database, sensor):
    """Subjects with hostile bytes (null in the facts) and those of mails that broke off are not compared, but must be clean."""
    hostile = {(row["at"], row["source_port"]) for row in sensor.mails if row["subject"] is None}
    loaded = database.rows(f"""select (extract(epoch from mail.received_at) * 1000000)::bigint, host(source), source_port, host(decoy), decoy_port,
        relay_host, relay_port, direct::integer, complete::integer, mail_from, subject, size_bytes, (
            select string_agg(address, ' ' order by position) from mail_recipient as recipient
            where recipient.sensor = mail.sensor and recipient.mail = mail.mail and recipient.received_at = mail.received_at)
        from mail where sensor = '{sensor.name}'""")
    for row in loaded:
        if row[8] == "0" or (int(row[0]), row[2]) in hostile:
            row[10] = None
    check.rows(f"{sensor.name}: rows of mail", [
        [row["at"], row["source"], row["source_port"], row["decoy"], row["decoy_port"], row["relay_host"], row["relay_port"], row["direct"],
         row["complete"], row["mail_from"], row["subject"], row["size_bytes"], row["recipients"]] for row in sensor.mails], loaded)
    check.rows(f"{sensor.name}: subjects with control characters", [[0]], database.rows(
        f"select count(*) from mail where sensor = '{sensor.name}' and subject ~ '[\\x01-\\x1f\\x7f]'"))


def check_ledger(check, database, sensor):
    check.rows(f"{sensor.name}: the ledger", [[0]], database.rows(
        f"select count(*) from ledger_balance where sensor = '{sensor.name}' and difference <> 0"))
    check.rows("sums that are not those of the rows", [[0]], database.rows("select count(*) from rollup_difference"))


def check_views(check, database, sensor):
    for view, columns in COLUMNS.items():
        if not database.has(view):
            check.differences += 1
            print(f"  {sensor.name}: view {view}: is not there")
            continue
        got = database.rows(f"select {', '.join(columns)} from {view} where sensor = '{sensor.name}'")
        expected = getattr(sensor, view)()
        if view == "probe_mails":  # a mark may be in a mail whose subject is hostile
            subjects = {str(row[1]) for row in expected if row[6] is None}
            for row in got:
                if row[1] in subjects:
                    row[6] = None
        check.rows(f"{sensor.name}: view {view}", expected, got)


# --- the report as it is printed


def check_report(check, plan, otori, socket):
    """Each sentence that the plan wants must stand in the sensor's part of the report."""
    done = subprocess.run([otori, "report", "--timezone", plan.zone_name, "--database", f"host={socket} dbname=otori"], capture_output=True,
                          text=True, encoding="utf-8", check=False)
    if done.returncode:
        check.differences += 1
        print(f"  otori report ended with status {done.returncode}: {done.stderr.strip()}")
        return
    parts = {part.split("\n", 1)[0]: part for part in done.stdout.split("otori: sensor ")[1:]}
    for sensor, sentence in plan.sentences:
        if sentence not in parts.get(sensor, ""):
            check.differences += 1
            print(f"  {sensor}: the report does not print: {sentence}")


# --- the report's table


class Table:
    """The values that the plan expects, asked of the views, in words."""

    def __init__(self, database, sensor):
        self.database, self.sensor, self.name = database, sensor, sensor.name
        self.summary = dict(zip([column for column in SUMMARY], database.rows(
            f"select {', '.join(SUMMARY)} from sensor_summary where sensor = '{sensor.name}'")[0]))

    def one(self, sql):
        rows = self.database.rows(sql)
        return rows[0][0] if rows else None

    def port(self, port, more=""):
        return int(self.one(f"select coalesce(sum(accesses), 0) from accesses_by_relay_port_daily where sensor = '{self.name}' "
                            f"and decoy_port = {port}{more}"))

    def get(self, what):
        """(words, the value)."""
        words = what.split("-")
        s = self.summary
        days, servers, all_of = int(s["days"]), int(s["servers"]), int(s["accesses"])
        simple = {
            "days": ("days observed", s["days"]), "servers": ("servers", s["servers"]), "accesses": ("accesses", s["accesses"]),
            "sources": ("source addresses", s["sources"]), "countries": ("source countries", s["countries"]),
            "per-server": ("accesses per server", s["accesses_per_server"]),
            "per-server-day": ("accesses per server per day", s["accesses_per_server_per_day"]),
            "direct-attempts": ("25/TCP: relay attempts", s["direct_mail_attempts"]),
            "direct-sources": ("25/TCP: source addresses", s["direct_mail_sources"]),
            "direct-countries": ("25/TCP: source countries", s["direct_mail_countries"]),
            "direct-per-server": ("25/TCP: attempts per server", Decimal(s["direct_mail_attempts"]) / servers),
            "direct-per-server-day": ("25/TCP: attempts per server per day", Decimal(s["direct_mail_attempts"]) / servers / days),
            "mails": ("mails through the proxy", s["mails"]), "mails-per-day": ("mails per day", s["mails_per_day"]),
            "busiest-day": ("busiest day", s["busiest_day"]), "busiest-day-mails": ("mails of the busiest day", s["busiest_day_mails"]),
        }
        if what in simple:
            return simple[what]
        if words[0] == "port":
            return self.get_port(words[1:], all_of, servers, days)
        if what.startswith("source-share-"):
            names = words[-1].split("+")
            return f"share of {' and '.join(names)} in the accesses", Decimal(self.one(
                f"select coalesce(sum(share), 0) from source_countries where sensor = '{self.name}' and country = any('{{{','.join(names)}}}')"))
        if what in ("mail-relay-countries", "web-relay-countries"):
            view = what.replace("-", "_")
            label = "mail" if words[0] == "mail" else "web"
            return f"{label} destinations, first and second", self.one(
                f"select string_agg(country, ',' order by accesses desc) from (select country, accesses from {view} "
                f"where sensor = '{self.name}' and country <> 'ZZ' order by accesses desc limit 2) as q")
        if words[0] == "direct":
            column = "share" if words[-1] == "share" else "attempts"
            return f"25/TCP: {column} of {words[1]}", self.one(
                f"select {column} from direct_mail_countries where sensor = '{self.name}' and country = '{words[1]}'")
        if what == "probes":
            return "probe mails", self.one(f"select count(*) from probe_mails where sensor = '{self.name}'")
        if what == "suspects":
            return "relays that are no exchanger, by domain", self.one(f"select count(*) from open_relay_suspects where sensor = '{self.name}'")
        if what == "chains":
            return "conversations through a chain of proxies", self.one(f"select count(*) from relay_chains where sensor = '{self.name}'")
        if words[0] == "wave":
            day = "-".join(words[1:])
            return f"mails after the first probe of {day}", self.one(
                f"select mails from probe_waves where sensor = '{self.name}' and probed_at::date = '{day}' order by probed_at limit 1")
        sys.exit(f"check: the plan expects '{what}', which is not known here")

    def get_port(self, words, all_of, servers, days):
        port, rest = words[0], "-".join(words[1:])
        count = self.port(port)
        if rest == "":
            return f"{port}: accesses", count
        if rest == "share":
            return f"{port}: share of all accesses", Decimal(count) / all_of
        if rest == "per-server":
            return f"{port}: accesses per server", Decimal(count) / servers
        if rest == "per-server-day":
            return f"{port}: accesses per server per day", Decimal(count) / servers / days
        more, label = (" and class = 'exploit'", "exploits") if words[1] == "exploits" else (f" and relay_port = {words[2]}", f"to port {words[2]}")
        part = self.port(port, more)
        return (f"{port}: share {label}", Decimal(part) / count) if words[-1] == "share" else (f"{port}: {label}", part)


SUMMARY = ["days", "servers", "accesses", "sources", "countries", "accesses_per_server", "accesses_per_server_per_day", "direct_mail_attempts",
           "direct_mail_sources", "direct_mail_countries", "mails", "mails_per_day", "busiest_day", "busiest_day_mails"]


def printed(value, expected):
    """The value with as many digits as a report prints: those of the expected one."""
    if value is None:
        return "nothing"
    number = expected.rstrip("%").replace(",", "")
    try:
        places = Decimal(number).as_tuple().exponent
        value = Decimal(value) * (100 if expected.endswith("%") else 1)
    except ArithmeticError:
        return str(value)
    if value != value.to_integral_value() and "." not in expected and not expected.endswith("%") and value < 10:
        return str(value)  # an integer was expected and this is none
    shown = value.quantize(Decimal(1).scaleb(places), ROUND_HALF_UP)
    return (f"{shown:,}" if "," in expected else str(shown)) + ("%" if expected.endswith("%") else "")


def difference(expected, got):
    if expected == got:
        return "="
    try:
        return f"{Decimal(got.rstrip('%').replace(',', '')) - Decimal(expected.rstrip('%').replace(',', '')):+}"
    except ArithmeticError:
        return "DIFFERS"


def print_table(check, plan, database, sensors):
    tables = {name: Table(database, sensor) for name, sensor in sensors.items()}
    lines = []
    for name, what, expected in plan.expectations:
        expected = generated(sensors[name], what) if expected == "generated" else expected
        words, value = tables[name].get(what)
        got = printed(value, expected)
        check.differences += got != expected
        lines.append((name, words, expected, got, difference(expected, got)))
    heads = ("sensor", "figure", "expected", "got", "difference")
    widths = [max(len(line[i]) for line in [heads] + lines) for i in range(5)]
    for line in [heads] + lines:
        print(f"{line[0]:<{widths[0]}}  {line[1]:<{widths[1]}}  {line[2]:>{widths[2]}}  {line[3]:>{widths[3]}}  {line[4]:>{widths[4]}}")
    return len(lines)


def generated(sensor, what):
    """What no plan fixes, since it is drawn: as much as the generator made."""
    return str(len({"suspects": sensor.open_relay_suspects, "chains": sensor.relay_chains}[what]()))


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: check.py PLAN FOLDER SOCKET OTORI")
    plan = Plan(sys.argv[1])
    database = Database(sys.argv[3], plan.zone_name)
    sensors = {name: Sensor(plan, sys.argv[2], name) for name in plan.sensors}
    check = Check()
    lines = print_table(check, plan, database, sensors)
    print()
    for sensor in sensors.values():
        check_accesses(check, database, sensor)
        check_mails(check, database, sensor)
        check_ledger(check, database, sensor)
        check_views(check, database, sensor)
    check_report(check, plan, sys.argv[4], sys.argv[3])
    if check.differences:
        print(f"{check.differences} DIFFERENCES in {lines} values of the table, {len(plan.sentences)} sentences of the report and "
              f"{check.values} further values")
        return 1
    print(f"exact: {lines} values of the table, {len(plan.sentences)} sentences of the report, {check.values} further values "
          "(rows, daily figures, countries, probes, suspects, chains)")
    return 0


sys.exit(main())
