#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py CORPUS OTORI CLUSTER: replays every capture of the corpus into one private PostgreSQL and compares the rows.

In:  the corpus (EXPECT.tsv, captures), the tables beside this file, the program, the folder of a running private cluster.
Out: a line for each difference; status 0 where there is none.
"""
import csv
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
differences = []


def differ(where, what, expected, got):
    differences.append(where)
    print(f"{where}: {what}: expected {expected!r}, got {got!r}")


def table(name, columns):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                values = line.rstrip("\n").split("\t")
                assert len(values) == len(columns), f"{name}: {line!r}"
                yield dict(zip(columns, (None if value == "-" else value for value in values)))


def query(socket, sql):
    """Rows of a query, as dictionaries."""
    text = subprocess.run(
        ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", socket, "-d", "otori", "-c",
         f"select coalesce(json_agg(row_to_json(q)), '[]') from ({sql}) q"],
        check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def sensor_of(path):
    return re.sub(r"[^a-z0-9._-]", "-", os.path.splitext(path)[0].lower())


def replay(otori, corpus, cluster, plan):
    arguments = [otori, "replay", "--embedded", cluster, "--sensor", sensor_of(plan["file"]), "--decoys", plan["decoys"],
                 "--ports", plan["ports"]]
    if plan["checksums"] == "ignore":
        arguments.append("--ignore-checksums")
    done = subprocess.run(arguments + [os.path.join(corpus, plan["file"])], capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or done.stderr:
        differ(plan["file"], "status and complaints of the replay", (0, ""), (done.returncode, done.stderr))


def compare_access(where, line, row, mails):
    stream = line["index"]
    expected = {
        "protocol": line["protocol"], "relay_host": line["relay_host"],
        "relay_port": line["relay_port"] and int(line["relay_port"]), "class": line["class"], "depth": line["depth"], "exploit": line["exploit"],
        "bytes_in": 0 if line["depth"] == "ack" else int(stream["inorder_len"]), "mails": int(line["mails"]),
    }
    got = {name: row[name] for name in expected if name != "mails"}
    got["mails"] = sum(1 for mail in mails if mail["access"] == row["access"])
    for name, value in expected.items():
        if got[name] != value:
            differ(where, name, value, got[name])
    # what is stored leaves out the DATA of mails, and blanks secrets
    whole = not int(line["mails"]) and "password" not in stream["decoded"] and "AUTH" not in stream["decoded"]
    if whole and stream["sha256"] != "-" and line["depth"] != "ack" and row["payload"] != stream["sha256"]:
        differ(where, "digest of what came in order", stream["sha256"], row["payload"])


def compare_accesses(plan, lines, rows, mails):
    """Rows are matched to lines by their ends; of a reused port by the order of time."""
    left = {}
    for row in rows:
        left.setdefault((row["source"], row["source_port"], row["decoy"], row["decoy_port"]), []).append(row)
    for line in lines:
        stream = line["index"]
        ends = (stream["client_ip"], int(stream["client_port"]), stream["server_ip"], int(stream["server_port"]))
        where = f"{plan['file']} stream {line['stream']}"
        if not left.get(ends):
            differ(where, "an access", ends, None)
            continue
        line["row"] = left[ends].pop(0)
        compare_access(where, line, line["row"], mails)
    for ends, rest in left.items():
        for row in rest:
            differ(plan["file"], "an access that should not be", None, row)


def compare_mails(plan, lines, wanted, mails):
    rest = list(mails)
    for want in wanted:
        where = f"{plan['file']} stream {want['stream']} mail"
        access = [line["row"]["access"] for line in lines if line["stream"] == want["stream"] and "row" in line]
        found = [mail for mail in rest if mail["access"] in access]
        if not found:
            differ(where, "a mail", want, None)
            continue
        mail = found[0]
        rest.remove(mail)
        for name, value in (("relay_host", want["relay_host"]), ("relay_port", want["relay_port"] and int(want["relay_port"])),
                            ("direct", want["direct"] == "t"), ("complete", want["complete"] == "t"),
                            ("mail_from", want["mail_from"]), ("size_bytes", int(want["size"]))):
            if mail[name] != value:
                differ(where, name, value, mail[name])
        if want["recipients"].isdigit():
            if len(mail["recipients"]) != int(want["recipients"]):
                differ(where, "recipients", want["recipients"], len(mail["recipients"]))
        elif mail["recipients"] != want["recipients"].split(","):
            differ(where, "recipients", want["recipients"], mail["recipients"])
        subject = mail["subject"]
        if (subject or None) is None if want["subject"] is not None else subject:
            differ(where, "subject", want["subject"], subject)
        elif want["subject"] is not None and not re.fullmatch(want["subject"], subject.strip()):
            differ(where, "subject", want["subject"], subject)
    for mail in rest:
        differ(plan["file"], "a mail that should not be", None, mail)


def compare_ledger(socket, plan, packets):
    sensor = sensor_of(plan["file"])
    for row in query(socket, f"select minute, equation, difference from ledger_balance where sensor = '{sensor}' and difference <> 0"):
        differ(plan["file"], f"ledger, {row['minute']}, {row['equation']}", 0, row["difference"])
    terms = {row["term"]: row["value"] for row in query(
        socket, f"select term, sum(value)::bigint as value from ledger where sensor = '{sensor}' group by term")}
    if terms.get("capture_packets") != packets:
        differ(plan["file"], "packets read", packets, terms.get("capture_packets"))
    if terms.get("seen", 0) + terms.get("capture_of_decoys", 0) - terms.get("capture_pieces", 0) != packets:
        differ(plan["file"], "packets seen by XDP, and of decoys", packets, (terms.get("seen"), terms.get("capture_of_decoys")))
    for item in (plan["counted"] or "").split():
        term, value = item.split("=")
        if terms.get(term, 0) != int(value):
            differ(plan["file"], term, int(value), terms.get(term, 0))


def packets_of(corpus, path):
    text = subprocess.run(["capinfos", "-c", "-M", "-T", "-r", os.path.join(corpus, path)], check=True, capture_output=True, text=True).stdout
    return int(text.split("\t")[1])


def main():
    corpus, otori, cluster = sys.argv[1:4]
    socket = os.path.join(cluster, "socket")
    with open(os.path.join(corpus, "EXPECT.tsv"), encoding="utf-8", newline="") as file:
        index = {(row["file"], row["stream"]): row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    lines = list(table("expect.tsv", ("file", "stream", "protocol", "relay_host", "relay_port", "class", "depth", "mails", "exploit")))
    for line in lines:
        line["index"] = index[line["file"], line["stream"]]
    wanted = list(table("mails.tsv", ("file", "stream", "relay_host", "relay_port", "direct", "complete", "mail_from", "recipients",
                                      "size", "subject")))
    only = sys.argv[4:]
    plans = [plan for plan in table("replays.tsv", ("file", "decoys", "ports", "checksums", "counted")) if not only or plan["file"] in only]
    for plan in plans:
        sensor = sensor_of(plan["file"])
        replay(otori, corpus, cluster, plan)
        rows = query(socket, f"""select access, host(source) as source, source_port, host(decoy) as decoy, decoy_port, protocol, relay_host,
            relay_port, class, exploit, depth, bytes_in, encode(payload_sha256, 'hex') as payload from access where sensor = '{sensor}' order by started_at, access""")
        mails = query(socket, f"""select access, relay_host, relay_port, direct, complete, mail_from, size_bytes, subject,
            (select coalesce(json_agg(address order by position), '[]') from mail_recipient r
                where r.sensor = m.sensor and r.mail = m.mail) as recipients
            from mail m where sensor = '{sensor}' order by received_at, mail""")
        mine = [line for line in lines if line["file"] == plan["file"]]
        compare_accesses(plan, mine, rows, mails)
        compare_mails(plan, mine, [want for want in wanted if want["file"] == plan["file"]], mails)
        compare_ledger(socket, plan, packets_of(corpus, plan["file"]))
    # nobody in it looks for this sensor's proxies, nor for relays
    for probe in query(socket, "select sensor, mail, found_in, encoding from probe_mail"):
        differ(probe["sensor"], "a probe mail that should not be", None, probe)
    for test in query(socket, "select sensor, access from access where smtp_kind = 'relay_test'"):
        differ(test["sensor"], "a relay test that should not be", None, test)
    # the loader's sums are those of its rows, in every roll-up that the corpus has rows for
    for row in query(socket, "select sensor, rollup, kept, bare from rollup_difference limit 20"):
        differ(row["sensor"], row["rollup"], row["bare"], row["kept"])
    for row in query(socket, """select 'rollup_access' as rollup where not exists (select from rollup_access)
            union all select 'rollup_mail' where not exists (select from rollup_mail)
            union all select 'rollup_domain' where not exists (select from rollup_domain)"""):
        differ("all captures", row["rollup"], "rows", None)
    print(f"{len(plans)} captures, {len(lines)} accesses, {len(wanted)} mails compared: {len(differences)} differences")
    return 1 if differences else 0


sys.exit(main())
