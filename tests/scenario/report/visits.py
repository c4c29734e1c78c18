# SPDX-License-Identifier: GPL-2.0-or-later
"""visits.py - a capture with something of everything that a report speaks of, and what is in it.

In:  a path. Out: the capture, and EXPECTED, counted from what is written and not by otori. Imported by the scenarios 050 and 060.
Deterministic. Days are those of Asia/Tokyo.
"""
import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay"))
from capture import SYN, conversation, packet, write  # noqa: E402

DECOY, SECOND, SIX = "198.51.100.5", "198.51.100.6", "2001:db8:18::5"
DECOYS = f"{DECOY},{SECOND},2001:db8:18::5/128"
PORTS = "25,1080,3128,8080"
OBSERVED = "2007-11-01T00:00:00+09:00,2007-12-01T00:00:00+09:00"
NOVEMBER = 1193842800.0  # 2007-11-01 00:00 in Tokyo
DAY = 86400.0
OK = b"HTTP/1.0 200 Connection established\r\n\r\n"
# subjects that attack a terminal, a spreadsheet, a decoder; as they stand in the mail
SUBJECTS = [b"=cmd|' /C calc'!A0", b"\x1b]0;owned\x07\x1b[2J", b"+1, \"quoted\"", b"=?utf-8?b?54m55Yil?=", b"nul \0 within", b"\xff\xfe broken",
            b"=?utf-8?q?=E2=80=AEturned?=", b"cheap watches"]
HELLO = bytes.fromhex("16030100300100002c0303") + bytes(32) + bytes.fromhex("000002002f0100")
SHELL = b"\x04\x01\x00\x50\x0a\x00\x00\x01" + b"\x90" * 400 + b"\xeb\x1f\x5e\x89\x76\x08\x31\xc0/bin/sh" + b"\x00"


def day(number, second=0.0):
    """A moment of the number-th of November."""
    return NOVEMBER + (number - 1) * DAY + second


def mail(subject, recipients, sender=b"a@sender.example", relay=b"mx.victim.example"):
    """What is said to send one mail through CONNECT."""
    lines = [(b"CONNECT " + relay + b":25 HTTP/1.0\r\n\r\n", OK), (b"HELO sender\r\n", b"250 mx\r\n"),
             (b"MAIL FROM:<" + sender + b">\r\n", b"250 ok\r\n")]
    lines += [(b"RCPT TO:<" + recipient + b">\r\n", b"250 ok\r\n") for recipient in recipients]
    return lines + [(b"DATA\r\n", b"354 go\r\n"), (b"Subject: " + subject + b"\r\n\r\nbuy\r\n.\r\n", b"250 queued\r\n"), (b"QUIT\r\n", b"221 bye\r\n")]


def mails():
    """A probe on the 5th, a wave of 16 mails from the 7th on, on the 20th a mail whose relay is asked for through another proxy."""
    out = conversation("203.0.113.50", 40000, 8080, mail(DECOY.encode() + b":8080", [b"@collector.example", b"x@collector.example"][1:]), day(5, 3600))
    for n in range(16):
        out += conversation(f"203.0.113.{60 + n % 4}", 41000 + n, 8080,
                            mail(SUBJECTS[n % len(SUBJECTS)], [b"u%d@victim.example" % n, b"v@other.example"]), day(7, 3600 * n))
    chain = mail(b"nested", [b"z@victim.example"])
    out += conversation("203.0.113.80", 42000, 8080, [(b"CONNECT next.example:3128 HTTP/1.0\r\n\r\n", OK)] + chain, day(20))
    return out


def requests():
    """Web, exploits, tunnels, credentials; one visitor on all ports; two with the same bytes; one by IPv6."""
    get = [(b"GET http://web.example/ HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n")]
    socks = [(b"\x05\x01\x02", b"\x05\x02"), (b"\x01\x04user\x06secret", b"\x01\x00"),
             (b"\x05\x01\x00\x03\x0bweb.example\x00\x50", b"\x05\x00\x00\x01\0\0\0\0\0\0")]
    basic = b"Proxy-Authorization: Basic " + base64.b64encode(b"admin:admin") + b"\r\n"
    out = []
    for n in range(3):
        out += conversation("203.0.113.10", 43000 + n, 8080, get, day(2, n))
        out += conversation(f"203.0.113.{20 + n}", 43100 + n, 1080, [(SHELL, b"\x00\x5b\0\0\0\0\0\0")], day(9 + 7 * n), decoy=SECOND)
    out += conversation("203.0.113.11", 43200, 3128, get, day(3))
    out += conversation("203.0.113.12", 43201, 8080, [(b"CONNECT tls.example:443 HTTP/1.1\r\n" + basic + b"\r\n", OK), (HELLO, b"\x15\x03\x01\0\x02\x02\x28")], day(4))
    out += conversation("203.0.113.13", 43202, 1080, socks, day(4, 60))
    for port in (1080, 3128, 8080):
        out += conversation("203.0.113.14", 43300, port, socks if port == 1080 else get, day(6, port))
    out += conversation("203.0.113.14", 43300, 25, [(b"EHLO x\r\n", b"250 x\r\n")], day(6))
    out += conversation("2001:db8::7", 43400, 8080, get, day(8), decoy=SIX)
    return out


def others():
    """Direct attempts, and what the figures don't count: who says nothing, who only knocks."""
    said = [(b"HELO x\r\n", b"250 x\r\n"), (b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n", b"250 ok\r\n250 ok\r\n")]
    out = []
    for n in range(5):
        out += conversation(f"203.0.113.{30 + n % 2}", 44000 + n, 25, said, day(10 + n))
    out += conversation("203.0.113.40", 44100, 8080, [], day(11))
    for n in range(4):
        out.append((day(12, n), packet(f"192.0.2.{n}", DECOY, 44200, 3128, 7, 0, SYN)))
    return out


# Counted above by hand.
EXPECTED = {
    "accesses": 18 + 3 + 3 + 1 + 2 + 3 + 1,
    "by_port": {25: 0, 1080: 3 + 1 + 1, 3128: 1 + 1, 8080: 18 + 3 + 1 + 1 + 1},
    "exploits": 3,
    "web": {1080: 2, 3128: 2, 8080: 5},
    "relay_mail": {8080: 17},
    "sources": 1 + 4 + 1 + 1 + 3 + 4 + 1,
    "attempts": 5,
    "attempt_sources": 2,
    "mails": 18,
    "mails_busiest": 16,
    "busiest_day": "2007-11-07",
    "days": 30,
    "servers": 3,
}


def write_capture(path):
    write(path, sorted(mails() + requests() + others(), key=lambda one: one[0]))
