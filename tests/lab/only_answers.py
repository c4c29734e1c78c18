#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# only_answers.py CAPTURE PREFIX...: nothing but answers left the decoys.
#
# In:  a pcap (Ethernet) recorded at the far end of the link, the decoy prefixes. Out: one line with what was seen; a line for each
# frame that is no answer; status 1 where there is one. A plain second reading of the rule (DESIGN, "Never relays"), sharing no code
# with the guard: a frame from a decoy must be a TCP segment with ACK or RST and no bare SYN, belong to a tuple from which a SYN
# came before, carry no data before the client completed the handshake, and be no larger than what came until then (SYN-ACK: + 4);
# or be an echo reply or neighbour advertisement.
import ipaddress
import struct
import sys


def packets(path):
    with open(path, "rb") as file:
        head = file.read(24)
        if len(head) < 24 or head[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
            sys.exit(f"{path}: expected a little endian pcap")
        while True:
            record = file.read(16)
            if len(record) < 16:
                return
            _, _, captured, length = struct.unpack("<IIII", record)
            yield file.read(captured), length


def parse(frame):
    """(source, destination, protocol, transport header) or None for what is not IP."""
    if len(frame) < 14:
        return None
    offset, kind = 14, struct.unpack("!H", frame[12:14])[0]
    while kind in (0x8100, 0x88A8) and len(frame) >= offset + 4:
        kind = struct.unpack("!H", frame[offset + 2:offset + 4])[0]
        offset += 4
    packet = frame[offset:]
    if kind == 0x0800 and len(packet) >= 20:
        total = struct.unpack("!H", packet[2:4])[0]
        header = (packet[0] & 15) * 4
        fragment = struct.unpack("!H", packet[6:8])[0] & 0x3FFF
        protocol = 0xFF if fragment else packet[9]
        return ipaddress.ip_address(packet[12:16]), ipaddress.ip_address(packet[16:20]), protocol, packet[header:], total - header
    if kind == 0x86DD and len(packet) >= 40:
        return (ipaddress.ip_address(packet[8:24]), ipaddress.ip_address(packet[24:40]), packet[6], packet[40:],
                struct.unpack("!H", packet[4:6])[0])
    return None


def main():
    decoys = [ipaddress.ip_network(text) for text in sys.argv[2:]]
    own = {network.network_address for network in decoys if network.num_addresses == 1}
    ports = {25, 1080, 3128, 8080}
    asked, opened, strange, answers, others = {}, set(), [], 0, 0

    def is_decoy(address):
        return any(address.version == network.version and address in network for network in decoys)

    for frame, length in packets(sys.argv[1]):
        packet = parse(frame)
        if packet is None:
            continue
        source, destination, protocol, transport, size = packet
        if protocol == 6 and len(transport) >= 20:
            source_port, destination_port, _, _, offset, flags = struct.unpack("!HHIIBB", transport[:14])
            data = size - (offset >> 4) * 4
            if is_decoy(destination):
                key = (source, source_port, destination, destination_port)
                if flags & 0x17 == 0x02:
                    asked[key] = max(length, asked.get(key, 0))
                elif flags & 0x10 and key in asked:
                    opened.add(key)
                continue
            if not is_decoy(source):
                continue
            if source in own and source_port not in ports:
                others += 1
                continue
            key = (destination, destination_port, source, source_port)
            why = None
            if not flags & 0x14:
                why = "neither ACK nor RST"
            elif flags & 0x02 and not flags & 0x10:
                why = "a bare SYN"
            elif key not in asked:
                why = "no SYN came before"
            elif flags & 0x02 and max(length, 60) > max(asked[key], 60) + 4:
                why = f"SYN-ACK of {length} bytes to a SYN of {asked[key]}"
            elif data > 0 and key not in opened:
                why = "data before the handshake was done"
            if why:
                strange.append(f"{source}:{source_port} > {destination}:{destination_port} flags {flags:#x}: {why}")
            else:
                answers += 1
        elif is_decoy(source):
            kind = transport[0] if transport else -1
            if (protocol == 1 and kind == 0) or (protocol == 58 and kind in (129, 136)):
                answers += 1
            elif source in own:
                others += 1
            else:
                strange.append(f"{source} > {destination}: protocol {protocol}, type {kind}")
    print(f"{answers} answers, {others} frames of the host's own services, {len(strange)} that are no answer")
    for line in strange[:20]:
        print(line)
    sys.exit(1 if strange else 0)


main()
