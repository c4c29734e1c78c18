# SPDX-License-Identifier: GPL-2.0-or-later
"""dns_server.py - a resolver on loopback that answers, fails, keeps silent and lies, by the name that is asked for.

In:  a zone: name -> behaviour (see Server.answer). Out: answers by UDP and TCP on one unprivileged port; `asked` holds every question with its
time. Imported by the scenarios of the enrichment. Ends with the process.
"""
import socket
import struct
import threading
import time

A, CNAME, SOA, MX, AAAA = 1, 5, 6, 15, 28
TYPES = {A: "A", MX: "MX", AAAA: "AAAA"}


def encode(name):
    wire = b""
    for label in [part for part in name.split(".") if part]:
        wire += bytes([len(label)]) + label.encode("latin-1")
    return wire + b"\0"


def record(name, kind, data, ttl=300):
    """name None: the name that was asked for, by a pointer, as real servers write it."""
    return (b"\xc0\x0c" if name is None else encode(name)) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address_record(name, address, ttl=300):
    if ":" in address:
        return record(name, AAAA, socket.inet_pton(socket.AF_INET6, address), ttl)
    return record(name, A, socket.inet_pton(socket.AF_INET, address), ttl)


def mx_record(name, exchanger, ttl=300):
    return record(name, MX, struct.pack("!H", 10) + encode(exchanger), ttl)


def parse_question(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += query[at] + 1
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    return ".".join(labels), kind, query[12:at + 5]


class Server:
    def __init__(self, zone):
        self.zone = zone
        self.asked = []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        while True:  # a port that is free for both
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
                self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp.listen(16)
        for loop in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=loop, daemon=True).start()

    def names(self):
        return {name for name, _, _ in self.asked}

    def serve_udp(self):
        while True:
            query, client = self.udp.recvfrom(4096)
            for answer in self.answers(query, 1232):
                self.udp.sendto(answer, client)

    def serve_tcp(self):
        while True:
            client, _ = self.tcp.accept()
            threading.Thread(target=self.serve_client, args=(client,), daemon=True).start()

    def serve_client(self, client):
        with client, client.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                query = stream.read(struct.unpack("!H", head)[0])
                for answer in self.answers(query, 65535):
                    client.sendall(struct.pack("!H", len(answer)) + answer)

    def answers(self, query, room):
        """All messages that are sent back for one query."""
        name, kind, question = parse_question(query)
        self.asked.append((name, TYPES.get(kind, kind), time.monotonic()))
        behaviour = self.zone.get(name)
        ident = query[:2]

        def message(records, rcode=0, ident=ident, question=question, count=None):
            flags = 0x8180 | rcode
            body = b"".join(records)
            if 12 + len(question) + len(body) > room:
                return ident + struct.pack("!HHHHH", flags | 0x0200, 1, 0, 0, 0) + question
            return ident + struct.pack("!HHHHH", flags, 1, len(records) if count is None else count, 0, 0) + question + body

        if behaviour is None:
            return [message([], rcode=3)]
        return behaviour(message, name, kind)


# What a name can do: each makes a behaviour.

def has(mx=(), addresses=(), ttl=300):
    def behaviour(message, name, kind):
        if kind == MX:
            return [message([mx_record(None, exchanger, ttl) for exchanger in mx])]
        return [message([address_record(name, address, ttl) for address in addresses if (":" in address) == (kind == AAAA)])]
    return behaviour


def fails(rcode):
    return lambda message, name, kind: [message([], rcode=rcode)]


def silent(message, name, kind):
    return []


def wrong_id(message, name, kind):
    return [message([mx_record(name, "mx.lie.example"), address_record(name, "192.0.2.66")], ident=b"\0\0")] * 3


def wrong_id_first(then):
    return lambda message, name, kind: wrong_id(message, name, kind) + then(message, name, kind)


def wrong_question(message, name, kind):
    other = encode("other.example") + struct.pack("!HH", kind, 1)
    return [message([mx_record(name, "mx.lie.example"), address_record(name, "192.0.2.66")], question=other)]


def other_names(message, name, kind):
    return [message([mx_record("other.example", "mx.lie.example"), address_record("other.example", "192.0.2.66")])]


def alias(target, zone):
    def behaviour(message, name, kind):
        records = [record(name, CNAME, encode(target))]
        if target in zone and kind == MX:
            records += [mx_record(target, exchanger) for exchanger in zone[target]]
        return [message(records)]
    return behaviour


def alias_loop(other):
    return lambda message, name, kind: [message([record(name, CNAME, encode(other)), record(other, CNAME, encode(name))])]


def cut_short(message, name, kind):
    return [message([mx_record(name, "mx.lie.example")], count=10000)]


def garbage(message, name, kind):
    return [b"\xff" * 40, b"", b"\0" * 5]
