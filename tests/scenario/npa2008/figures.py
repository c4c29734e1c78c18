# SPDX-License-Identifier: GPL-2.0-or-later
"""figures.py - the figures of ANALYSIS out of the generator's facts: what each view must give, row by row.

In:  the folder that generate wrote, a plan. Out: for each view its rows, as lists of text in the columns of COLUMNS. Written from the
definitions, not from the SQL: nothing in here asks a database. Times are microseconds since 1970, quotients have nine digits.
"""
import bisect
import csv
import datetime
import ipaddress
import os
import zoneinfo
from collections import Counter, defaultdict
from fractions import Fraction

DAY_US = 86400 * 1000000
WAVE_LEAST = 10
WAVE_TIMES = 5


def quotient(part, whole):
    """Nine digits, half up, as SQL's round gives them; nothing divided by nothing is null."""
    if not whole:
        return None
    scaled = Fraction(part, whole) * 10**9
    digits = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return f"{digits // 10**9}.{digits % 10**9:09d}"


class Plan:
    """What the plan says that the generator need not tell again."""

    def __init__(self, path):
        self.sensors = {}
        self.expectations, self.sentences = [], []
        sensor = None
        with open(path, encoding="utf-8") as file:
            for line in file:
                words = line.split("#")[0].split()
                if not words:
                    continue
                if words[0] == "zone":
                    self.zone = zoneinfo.ZoneInfo(words[1])
                    self.zone_name = words[1]
                elif words[0] == "country-layout":
                    self.layout = words[1]
                elif words[0] == "print":
                    self.sentences.append((words[1], " ".join(words[2:])))
                elif words[0] == "expect":
                    self.expectations.append(tuple(words[1:4]))
                elif words[0] == "sensor":
                    sensor = self.sensors[words[1]] = {"name": words[1], "capture": "pcap"}
                elif words[0] in ("capture", "decoys"):
                    sensor[words[0]] = words[1]
                elif words[0] == "ports":
                    sensor["ports"] = [int(word) for word in words[1:]]
                elif words[0] == "period":
                    sensor["first"], sensor["last"] = (datetime.date.fromisoformat(word) for word in words[1:3])

    def day(self, microseconds):
        return datetime.datetime.fromtimestamp(microseconds // 1000000, self.zone).date()

    def begin(self, day):
        """First second of a day of the zone: not always midnight."""
        guess = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.timezone.utc).timestamp()
        low, high = int(guess) - 2 * 86400, int(guess) + 2 * 86400
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.day(middle * 1000000) >= day else (middle, high)
        return high


def facts(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield {key: None if value == "\\N" else value for key, value in row.items()}


class World:
    """Countries of addresses, by the file that the MMDB is made of; addresses of exchangers, by the file that the enrichment reads."""

    def __init__(self, folder):
        self.blocks = {4: {}, 6: {}}
        self.known = {}
        with open(os.path.join(folder, "countries.tsv"), encoding="utf-8") as file:
            for line in file:
                prefix, code = line.split()
                network = ipaddress.ip_network(prefix)
                self.blocks[network.version][int(network.network_address) >> (network.max_prefixlen - network.prefixlen)] = code
        with open(os.path.join(folder, "exchangers.tsv"), encoding="utf-8") as file:
            for line in file:
                if not line.startswith("#"):
                    _, exchanger, addresses, _ = line.split()
                    self.known.setdefault(exchanger, set()).update(addresses.split(","))

    def country(self, address):
        address = ipaddress.ip_address(address)
        return self.blocks[address.version].get(int(address) >> (20 if address.version == 4 else 96), "ZZ")

    def host_country(self, host):
        """Of a relay: of an address its own; of a name that the exchangers' file resolves, that on which its addresses agree."""
        try:
            return self.country(host)
        except ValueError:
            found = {self.country(address) for address in self.known.get(host, ())}
            return found.pop() if len(found) == 1 else "ZZ"


def host_name(host):
    host = host.lower()
    return host[:-1] if host.endswith(".") else host


def host_text(host):
    return host


class Sensor:
    """The facts of one sensor, and the figures that follow."""

    def __init__(self, plan, folder, name):
        self.plan, self.name, self.world = plan, name, World(folder)
        self.sensor = plan.sensors[name]
        self.accesses = list(facts(os.path.join(folder, name), "accesses.tsv"))
        self.mails = list(facts(os.path.join(folder, name), "mails.tsv"))
        self.syns = list(facts(os.path.join(folder, name), "syns.tsv"))
        for row in self.accesses:
            row["at"] = int(row["started_ns"]) // 1000
        for row in self.mails:
            row["at"] = int(row["received_ns"]) // 1000
            row["to"] = row["recipients"].split(" ")
            row["suspect"] = [flag == "1" for flag in row["suspect"]]
        first, last = self.sensor["first"], self.sensor["last"]
        self.days = [first + datetime.timedelta(days=i) for i in range((last - first).days + 1)]
        self.servers = sum(ipaddress.ip_network(prefix).num_addresses for prefix in self.sensor["decoys"].split(","))
        # what the figures count
        said = [row for row in self.accesses if row["depth"] != "ack"]
        self.counted = [row for row in said if row["protocol"] != "smtp"]
        self.direct = [row for row in said if row["protocol"] == "smtp"]
        self.attempts = [row for row in self.direct if row["depth"] in ("rcpt", "data")]
        self.complete = [row for row in self.mails if row["complete"] == "1"]
        self.proxied = sorted((row for row in self.complete if row["direct"] == "0"), key=lambda row: row["at"])
        self.probes = [row for row in self.complete if row["found_in"]]

    # --- helpers

    def daily(self, rows):
        return Counter(self.plan.day(row["at"]) for row in rows)

    def per_server(self, count):
        return quotient(count, self.servers)

    def by_country(self, rows):
        sources, counts = defaultdict(set), Counter()
        for row in rows:
            country = self.world.country(row["source"])
            sources[country].add(row["source"])
            counts[country] += 1
        return [[self.name, country, len(sources[country]), counts[country], quotient(counts[country], len(rows))] for country in counts]

    def relay_countries(self, port):
        rows = [row for row in self.counted if row["relay_port"] == port and row["class"] != "exploit"]
        hosts, counts = defaultdict(set), Counter()
        for row in rows:
            host = host_name(row["relay_host"])
            country = self.world.host_country(host)
            hosts[country].add(host)
            counts[country] += 1
        return [[self.name, country, len(hosts[country]), counts[country], quotient(counts[country], len(rows))] for country in counts]

    # --- the views

    def accesses_by_port_daily(self):
        counts = Counter((self.plan.day(row["at"]), int(row["decoy_port"])) for row in self.counted)
        return [[day, self.name, port, counts[day, port], self.servers, self.per_server(counts[day, port])]
                for day in self.days for port in self.sensor["ports"]]

    def accesses_by_relay_port_daily(self):
        counts = Counter((self.plan.day(row["at"]), row["decoy_port"], None if row["class"] == "exploit" else row["relay_port"], row["class"])
                         for row in self.counted)
        return [[day, self.name, port, relay, kind, count, self.servers, self.per_server(count)]
                for (day, port, relay, kind), count in counts.items()]

    def source_countries(self):
        return self.by_country(self.counted)

    def mail_relay_countries(self):
        return self.relay_countries("25")

    def web_relay_countries(self):
        return self.relay_countries("80")

    def direct_mail_daily(self):
        counts = self.daily(self.attempts)
        days = self.days if 25 in self.sensor["ports"] else [day for day in self.days if counts[day]]
        return [[day, self.name, counts[day], self.servers, self.per_server(counts[day])] for day in days]

    def direct_mail_countries(self):
        return self.by_country(self.attempts)

    def mails_daily(self):
        counts = self.daily(self.proxied)
        return [[day, self.name, counts[day], self.servers, self.per_server(counts[day])] for day in self.days]

    def probe_mails(self):
        return [[self.name, row["at"], row["decoy"], row["decoy_port"], row["source"], row["to"][0], row["subject"], row["found_in"],
                 row["encoding"], None] for row in self.probes]

    def probe_waves(self):
        floods = defaultdict(list)
        for row in self.proxied:
            if not row["found_in"]:
                floods[row["decoy"]].append((row["at"], row["source"]))
        return [self.wave(probe, floods[probe["decoy"]]) for probe in self.probes]

    def wave(self, probe, flood):
        at = probe["at"]
        begin = bisect.bisect_left(flood, (at - 7 * DAY_US, ""))
        middle = bisect.bisect_right(flood, (at, "~"))
        end = bisect.bisect_right(flood, (at + 7 * DAY_US, "~"))
        before, wave = middle - begin, flood[middle:end]
        if len(wave) < WAVE_LEAST or len(wave) < WAVE_TIMES * before:
            return [self.name, at, probe["decoy"], probe["to"][0], None, None, 0, 0, None]
        return [self.name, at, probe["decoy"], probe["to"][0], wave[0][0], wave[0][0] - at, len(wave), len({source for _, source in wave}), None]

    def open_relay_suspects(self):
        rows = {}
        for row in self.proxied:
            for domain in {to.rsplit("@", 1)[1].lower() for to, bad in zip(row["to"], row["suspect"]) if bad}:
                key = (host_name(row["relay_host"]), row["relay_port"], domain)
                count, first, last = rows.get(key, (0, row["at"], row["at"]))
                rows[key] = (count + 1, min(first, row["at"]), max(last, row["at"]))
        return [[self.name, *key, *value] for key, value in rows.items()]

    def relay_chains(self):
        return [[self.name, row["at"], row["source"], 2, row["chain"]] for row in self.counted if row["chain"]]

    def sensor_summary(self):
        known = {self.world.country(row["source"]) for row in self.counted} - {"ZZ"}
        known_direct = {self.world.country(row["source"]) for row in self.attempts} - {"ZZ"}
        counts = self.daily(self.proxied)
        busiest = max(self.days, key=lambda day: (counts[day], -day.toordinal()))
        busy = counts[busiest]
        return [[self.name, self.days[0], self.days[-1], len(self.days), self.servers, len(self.counted),
                 len({row["source"] for row in self.counted}), len(known), quotient(len(self.counted), self.servers),
                 quotient(len(self.counted), self.servers * len(self.days)), len(self.attempts),
                 len({row["source"] for row in self.attempts}), len(known_direct), len(self.proxied), quotient(len(self.proxied), len(self.days)),
                 busiest if busy else None, busy]]

    def port_activity_daily(self):
        syns, sources = Counter(), defaultdict(set)
        for row in self.syns:
            key = self.plan.day(int(row["time_ns"]) // 1000), int(row["decoy_port"])
            syns[key] += 1
            sources[key].add(row["source"])
        accesses = Counter((self.plan.day(row["at"]), int(row["decoy_port"])) for row in self.counted)
        return [[day, self.name, port, syns[day, port], len(sources[day, port]), accesses[day, port]]
                for day in self.days for port in self.sensor["ports"]]

    def source_lines(self):
        if not self.counted:
            return []
        return [[self.name, "unknown", len({row["source"] for row in self.counted}), len(self.counted), quotient(1, 1)]]

    def direct_mail_kinds(self):
        counts, sources = Counter(), defaultdict(set)
        for row in self.direct:
            counts[row["smtp_kind"]] += 1
            sources[row["smtp_kind"]].add(row["source"])
        return [[self.name, kind, counts[kind], len(sources[kind])] for kind in counts]

    def mail_kinds(self):
        counts = Counter((self.plan.day(row["at"]), "probe" if row["found_in"] else "mail") for row in self.proxied)
        return [[self.name, day, kind, count] for (day, kind), count in counts.items()]

    def targeted_domains(self):
        seen = defaultdict(lambda: [0, set(), set(), set(), [], []])
        for row in self.proxied:
            for domain in {to.rsplit("@", 1)[1].lower() for to in row["to"]}:
                entry = seen[domain]
                entry[0] += 1
                entry[1].update(to.lower() for to in row["to"] if to.lower().endswith("@" + domain))
                entry[2].add(row["source"])
                entry[3].add(host_name(row["relay_host"]))
                entry[4].append(row["at"])
        return [[self.name, domain, e[0], len(e[1]), len(e[2]), len(e[3]), min(e[4]), max(e[4])] for domain, e in seen.items()]

    def op25b_share(self):
        rows = [row for row in self.counted if row["class"] == "mail"]
        counts = Counter(row["relay_port"] for row in rows)
        return [[self.name, port, "unknown", count, quotient(count, len(rows))] for port, count in counts.items()]


# What is compared of each view: column, and how it is asked for.
def _us(column):
    return f"(extract(epoch from {column}) * 1000000)::bigint"


def _nine(column):
    return f"round({column}::numeric, 9)"


COLUMNS = {
    "accesses_by_port_daily": ["day", "sensor", "decoy_port", "accesses", "servers", _nine("accesses_per_server")],
    "accesses_by_relay_port_daily": ["day", "sensor", "decoy_port", "relay_port", "class", "accesses", "servers", _nine("accesses_per_server")],
    "source_countries": ["sensor", "country", "sources", "accesses", _nine("share")],
    "mail_relay_countries": ["sensor", "country", "destinations", "accesses", _nine("share")],
    "web_relay_countries": ["sensor", "country", "destinations", "accesses", _nine("share")],
    "direct_mail_daily": ["day", "sensor", "attempts", "servers", _nine("attempts_per_server")],
    "direct_mail_countries": ["sensor", "country", "sources", "attempts", _nine("share")],
    "mails_daily": ["day", "sensor", "mails", "servers", _nine("mails_per_server")],
    "probe_mails": ["sensor", _us("received_at"), "host(decoy)", "decoy_port", "host(source)", "mailbox", "subject", "found_in", "encoding",
                    "answered_at"],
    "probe_waves": ["sensor", _us("probed_at"), "host(decoy)", "mailbox", _us("wave_started_at"), _us("delay"), "mails", "sources", "answered_at"],
    "open_relay_suspects": ["sensor", "relay_host", "relay_port", "recipient_domain", "mails", _us("first_seen"), _us("last_seen")],
    "relay_chains": ["sensor", _us("started_at"), "host(source)", "hops", "path"],
    "sensor_summary": ["sensor", "first_day", "last_day", "days", "servers", "accesses", "sources", "countries", _nine("accesses_per_server"),
                       _nine("accesses_per_server_per_day"), "direct_mail_attempts", "direct_mail_sources", "direct_mail_countries", "mails",
                       _nine("mails_per_day"), "busiest_day", "busiest_day_mails"],
    "port_activity_daily": ["day", "sensor", "decoy_port", "round(syns::numeric)", "sources", "accesses"],
    "source_lines": ["sensor", "line_class", "sources", "accesses", _nine("share")],
    "direct_mail_kinds": ["sensor", "kind", "conversations", "sources"],
    "mail_kinds": ["sensor", "day", "kind", "mails"],
    "targeted_domains": ["sensor", "recipient_domain", "mails", "recipients", "sources", "relay_hosts", _us("first_seen"), _us("last_seen")],
    "op25b_share": ["sensor", "relay_port", "line_class", "accesses", _nine("share")],
}
