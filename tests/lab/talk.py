#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""talk.py SECONDS VISITORS SEED: visitors of many kinds who come to any decoy of 198.18.0.0/16, again and again, as run-soak wants them.

In:  the network that it is run in. Out: one line with how many conversations went through as far as their visitor wanted, and how many did
not. A sensor that is being killed lets some fail: that is no error here.
"""
import asyncio
import random
import sys
import time

MAIL = b"EHLO visitor.example\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@victim.example>\r\nDATA\r\n"
CONNECT = b"CONNECT mx.victim.example:25 HTTP/1.0\r\n\r\n"
PATIENCE = 8


async def mail(reader, writer):
    writer.write(MAIL)
    await writer.drain()
    await asyncio.sleep(random.random() / 5)
    writer.write(b"Subject: soak\r\n\r\n" + b"x" * random.randrange(20000) + b"\r\n.\r\nQUIT\r\n")
    await writer.drain()
    await reader.read()


async def socks(reader, writer):
    writer.write(b"\x05\x01\x00")
    await reader.readexactly(2)
    writer.write(b"\x05\x01\x00\x01\xcb\x00\x71\x05\x00\x50")
    await reader.readexactly(10)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    await reader.read()


async def tunnelled_mail(reader, writer):
    writer.write(CONNECT)
    await reader.readuntil(b"\r\n\r\n")
    await mail(reader, writer)


async def left_half_way(reader, writer):
    writer.write(CONNECT)
    await reader.readline()


async def page(reader, writer):
    writer.write(b"GET http://www.victim.example/ HTTP/1.0\r\n\r\n")
    await reader.read()


async def noise(_, writer):
    writer.write(random.randbytes(random.randrange(1, 5000)))
    await writer.drain()
    await asyncio.sleep(0.1)


async def silence(_, __):
    await asyncio.sleep(random.random() / 5)


async def abort(_, writer):
    writer.transport.abort()


KINDS = [mail, socks, tunnelled_mail, left_half_way, page, noise, silence, abort]


async def visit():
    address = f"198.18.{random.randrange(256)}.{random.randrange(256)}"
    port = random.choice([25, 1080, 3128, 8080])
    reader, writer = await asyncio.open_connection(address, port)
    try:
        await (mail if port == 25 else random.choice(KINDS))(reader, writer)
    finally:
        writer.close()


async def visitor(until, count):
    while time.monotonic() < until:
        try:
            await asyncio.wait_for(visit(), PATIENCE)
            count["through"] += 1
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            count["cut short"] += 1


async def main():
    seconds, visitors, seed = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    count = {"through": 0, "cut short": 0}
    random.seed(seed)
    until = time.monotonic() + seconds
    await asyncio.gather(*[visitor(until, count) for _ in range(visitors)])
    print(f"{count['through']} conversations went through, {count['cut short']} were cut short")


asyncio.run(main())
