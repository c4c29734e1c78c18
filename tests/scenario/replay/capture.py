# SPDX-License-Identifier: GPL-2.0-or-later
"""capture.py - makes small captures for the scenarios: conversations with a decoy, in any link type and file format.

In:  what the two sides say. Out: frames, files. Imported by the scenarios of this folder. Deterministic.
"""
import socket
import struct

DECOY = "198.51.100.5"
SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
LINKS = {"ethernet": 1, "raw": 101, "ipv4": 228, "ipv6": 229, "null": 0, "loop": 108, "cooked": 113, "cooked2": 276}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, destination, sport, dport, seq, ack, flags, data=b"", wrong=False):
    """An IP packet (4 or 6, by the addresses) with a TCP segment; wrong: with a wrong TCP checksum."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    src, dst = socket.inet_pton(family, source), socket.inet_pton(family, destination)
    options = b"\x02\x04\x05\xb4" if flags & SYN else b""
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, (5 + len(options) // 4) << 4, flags, 64240, 0, 0)
    tcp += options + data
    if family == socket.AF_INET:
        pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp) & 0xFFFF)
    else:
        pseudo = src + dst + struct.pack("!IHBB", len(tcp), 0, 0, 6)
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp) ^ (0x5555 if wrong else 0)) + tcp[18:]
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 60) + src + dst + tcp
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 60, 6, 0) + src + dst
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def conversation(source, sport, dport, says, start, decoy=DECOY, isn=1000, step=0.01):
    """(time, packet) of a whole conversation: says is a list of (bytes of the client, bytes of the decoy)."""
    client, server, now, out = isn, 0xFFFFFF00, start, []

    def send(to_decoy, flags, data=b""):
        nonlocal client, server, now
        if to_decoy:
            out.append((now, packet(source, decoy, sport, dport, client, 0 if flags == SYN else server, flags, data)))
            client += len(data) + bool(flags & (SYN | FIN))
        else:
            out.append((now, packet(decoy, source, dport, sport, server, client, flags, data)))
            server += len(data) + bool(flags & (SYN | FIN))
        now += step

    send(True, SYN)
    send(False, SYN | ACK)
    send(True, ACK)
    for asked, answered in says:
        send(True, ACK | PSH, asked)
        send(False, ACK | PSH, answered)
    send(True, ACK | FIN)
    send(False, ACK | FIN)
    send(True, ACK)
    return out


def frame(ip, link, vlan=None):
    """The packet with the header of that link type."""
    kind = 0x86DD if ip and ip[0] >> 4 == 6 else 0x0800
    tag = struct.pack("!HH", vlan, kind) if vlan is not None else b""
    outer = 0x8100 if vlan is not None else kind
    if link == "ethernet":
        return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + struct.pack("!H", outer) + tag + ip
    if link == "cooked":
        return struct.pack("!HHH8sH", 0, 1, 6, b"\x02\0\0\0\0\x02\0\0", outer) + tag + ip
    if link == "cooked2":
        return struct.pack("!HHIHBB8s", outer, 0, 3, 1, 0, 6, b"\x02\0\0\0\0\x02\0\0") + tag + ip
    if link == "null":
        return struct.pack("<I", 30 if kind == 0x86DD else 2) + ip
    if link == "loop":
        return struct.pack(">I", 24 if kind == 0x86DD else 2) + ip
    return ip


def write(path, packets, link="ethernet", nano=False, vlan=None, big_endian=False, snap=None):
    """A pcap file of (time, IP packet)."""
    order = ">" if big_endian else "<"
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, LINKS.get(link, link)))
        for time, ip in packets:
            data = frame(ip, link, vlan) if link in LINKS else ip
            kept = data[:snap]
            fraction = round(time % 1 * 10**6) * (1000 if nano else 1)
            file.write(struct.pack(order + "IIII", int(time), fraction, len(kept), len(data)) + kept)


def write_pcapng(path, packets):
    """A pcapng file (Ethernet, microseconds)."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(block(1, struct.pack("<HHI", 1, 0, 262144)))
        for time, ip in packets:
            data, stamp = frame(ip, "ethernet"), round(time * 10**6)
            file.write(block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data)) + data))
