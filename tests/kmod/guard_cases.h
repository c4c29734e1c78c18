/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_cases.h - outgoing frames, byte by byte, and what the guard must say of each.
 *
 * In:  nothing. Out: GUARD_CASES, a table that two read: the module's self test (kmod/selftest.c) and the tc program's
 * (tests/unit/bpf_guard_cases.c). The decoys are those of tests/unit/bpf_world.h: 198.51.100.0/24 and 2001:db8:d::/48
 * unused, 192.0.2.1 and 2001:db8:1::1 the host's own; ports 1080, 3128, 8080, 25.
 */
#ifndef OTORI_GUARD_CASES_H
#define OTORI_GUARD_CASES_H

#define C_MACS "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
#define C_TAG(id) "\x81\x00\x00" id
#define C_TAG_OUTER(id) "\x88\xa8\x00" id
#define C_IS_IPV4 "\x08\x00"
#define C_IS_IPV6 "\x86\xdd"
#define C_IS_ARP "\x08\x06"
/* first: version and header length; fragment: flags and offset */
#define C_IPV4(first, fragment, protocol, source) \
	first "\x00\x00\x2c\x12\x34" fragment "\x40" protocol "\x00\x00" source "\xcb\x00\x71\x07"
#define C_IPV6(next, source) \
	"\x60\x00\x00\x00\x00\x18" next "\x40" source "\x20\x01\x0d\xb8\x00\x77\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
#define C_WHOLE "\x40\x00"
#define C_UNUSED4 "\xc6\x33\x64\x09"
#define C_OWN4 "\xc0\x00\x02\x01"
#define C_OTHER4 "\xc0\x00\x02\x02"
#define C_UNUSED6 "\x20\x01\x0d\xb8\x00\x0d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"
#define C_OWN6 "\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define C_OTHER6 "\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
#define C_MAPPED6 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff" C_UNUSED4
/* to port 40000; 20 bytes, and padding to the 60 of the smallest frame and beyond */
#define C_TCP(port, flags) port "\x9c\x40\x00\x00\x00\x01\x00\x00\x00\x01\x50" flags "\xff\xff\x00\x00\x00\x00"
#define C_UDP(port) port "\x9c\x40\x00\x0c\x00\x00" C_PAD
#define C_ICMP(type) type "\x00\x00\x00\x00\x00\x00\x00" C_PAD
#define C_PAD "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define C_8080 "\x1f\x90"
#define C_22 "\x00\x16"
#define C_SYN "\x02"
#define C_RST "\x04"
#define C_ACK "\x10"
#define C_SYN_ACK "\x12"
#define C_FIN_ACK "\x11"
#define C_NO_FLAGS "\x00"
/* an extension header of eight bytes: padding only */
#define C_EXTENSION(next) next "\x00\x01\x04\x00\x00\x00\x00"
#define C_FRAGMENT6(next, offset) next "\x00" offset "\x00\x00\x00\x01"

#define C_FRAME4(source, l4) C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x06", source) l4 C_PAD
#define C_FRAME6(source, l4) C_MACS C_IS_IPV6 C_IPV6("\x06", source) l4 C_PAD
#define C_ANSWER4 C_FRAME4(C_UNUSED4, C_TCP(C_8080, C_ACK))
#define C_ANSWER6 C_FRAME6(C_UNUSED6, C_TCP(C_8080, C_ACK))

/* X(what it is, marked, its flow was admitted, verdict, frame) */
#define GUARD_CASES(X) \
	X("an answer", 1, 1, pass_responder, C_ANSWER4) \
	X("an answer by IPv6", 1, 1, pass_responder, C_ANSWER6) \
	X("an answer from the host's own address", 1, 1, pass_responder, C_FRAME4(C_OWN4, C_TCP(C_8080, C_ACK))) \
	X("an answer from the host's own IPv6 address", 1, 1, pass_responder, C_FRAME6(C_OWN6, C_TCP(C_8080, C_ACK))) \
	X("a tagged answer", 1, 1, pass_responder, \
	  C_MACS C_TAG("\x07") C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x06", C_UNUSED4) C_TCP(C_8080, C_ACK) C_PAD) \
	X("an answer with two tags", 1, 1, pass_responder, \
	  C_MACS C_TAG_OUTER("\x07") C_TAG("\x08") C_IS_IPV6 C_IPV6("\x06", C_UNUSED6) C_TCP(C_8080, C_ACK) C_PAD) \
	X("a RST", 1, 1, pass_responder, C_FRAME4(C_UNUSED4, C_TCP(C_8080, C_RST))) \
	X("a FIN", 1, 1, pass_responder, C_FRAME4(C_UNUSED4, C_TCP(C_8080, C_FIN_ACK))) \
	X("a SYN-ACK of the responder's", 1, 1, pass_responder, C_FRAME4(C_UNUSED4, C_TCP(C_8080, C_SYN_ACK))) \
	X("an answer to nobody", 1, 0, drop_flow, C_ANSWER4) \
	X("an answer to nobody by IPv6", 1, 0, drop_flow, C_ANSWER6) \
	X("marked: a bare SYN", 1, 1, drop_flags, C_FRAME4(C_UNUSED4, C_TCP(C_8080, C_SYN))) \
	X("marked: SYN with RST", 1, 1, drop_flags, C_FRAME4(C_UNUSED4, C_TCP(C_8080, "\x06"))) \
	X("marked: no flags", 1, 1, drop_flags, C_FRAME6(C_UNUSED6, C_TCP(C_8080, C_NO_FLAGS))) \
	X("marked: from another port", 1, 1, drop_port, C_FRAME4(C_UNUSED4, C_TCP(C_22, C_ACK))) \
	X("marked: from no decoy", 1, 1, drop_source, C_FRAME4(C_OTHER4, C_TCP(C_8080, C_ACK))) \
	X("marked: from no decoy by IPv6", 1, 1, drop_source, C_FRAME6(C_OTHER6, C_TCP(C_8080, C_ACK))) \
	X("marked: UDP", 1, 1, drop_protocol, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x11", C_UNUSED4) C_UDP(C_8080)) \
	X("marked: an echo reply", 1, 1, drop_protocol, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x01", C_UNUSED4) C_ICMP("\x00")) \
	X("marked: a tunnel", 1, 1, drop_protocol, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x04", C_UNUSED4) C_IPV4("\x45", C_WHOLE, "\x06", C_UNUSED4) C_PAD) \
	X("marked: IP options", 1, 1, drop_shape, \
	  C_MACS C_IS_IPV4 C_IPV4("\x46", C_WHOLE, "\x06", C_UNUSED4) "\x01\x01\x01\x01" C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: a first fragment", 1, 1, drop_shape, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", "\x20\x00", "\x06", C_UNUSED4) C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: a later fragment", 1, 1, drop_shape, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", "\x00\x03", "\x06", C_UNUSED4) C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: an extension header", 1, 1, drop_shape, \
	  C_MACS C_IS_IPV6 C_IPV6("\x00", C_UNUSED6) C_EXTENSION("\x06") C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: an atomic fragment by IPv6", 1, 1, drop_shape, \
	  C_MACS C_IS_IPV6 C_IPV6("\x2c", C_UNUSED6) C_FRAGMENT6("\x06", "\x00\x00") C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: a data offset below five", 1, 1, drop_shape, \
	  C_FRAME4(C_UNUSED4, C_8080 "\x9c\x40\x00\x00\x00\x01\x00\x00\x00\x01\x40\x10\xff\xff\x00\x00\x00\x00")) \
	X("marked: ARP", 1, 1, drop_shape, \
	  C_MACS C_IS_ARP "\x00\x01\x08\x00\x06\x04\x00\x02\x02\x00\x00\x00\x00\x02" C_UNUSED4 C_PAD C_PAD) \
	X("marked: neither IP nor ARP", 1, 1, drop_unreadable, C_MACS "\x88\xcc" C_PAD C_PAD C_PAD) \
	X("marked: three tags", 1, 1, drop_unreadable, \
	  C_MACS C_TAG("\x07") C_TAG("\x08") C_TAG("\x09") C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x06", C_UNUSED4) \
		  C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: a version that is none", 1, 1, drop_unreadable, \
	  C_MACS C_IS_IPV4 C_IPV4("\x55", C_WHOLE, "\x06", C_UNUSED4) C_TCP(C_8080, C_ACK) C_PAD) \
	X("marked: a header length below five", 1, 1, drop_unreadable, \
	  C_MACS C_IS_IPV4 C_IPV4("\x44", C_WHOLE, "\x06", C_UNUSED4) C_TCP(C_8080, C_ACK) C_PAD) \
	X("the host's own traffic", 0, 0, pass_host, C_FRAME4(C_OTHER4, C_TCP(C_8080, C_SYN))) \
	X("the host's own traffic by IPv6", 0, 0, pass_host, C_FRAME6(C_OTHER6, C_TCP(C_22, C_SYN))) \
	X("the host's own service", 0, 0, pass_host, C_FRAME4(C_OWN4, C_TCP(C_22, C_ACK))) \
	X("the host's own UDP", 0, 0, pass_host, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x11", C_OWN4) C_UDP(C_8080)) \
	X("the host's ARP", 0, 0, pass_host, \
	  C_MACS C_IS_ARP "\x00\x01\x08\x00\x06\x04\x00\x01\x02\x00\x00\x00\x00\x02" C_UNUSED4 C_PAD C_PAD) \
	X("the host's LLDP", 0, 0, pass_host, C_MACS "\x88\xcc" C_PAD C_PAD C_PAD) \
	X("an echo reply", 0, 0, pass_neighbour, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x01", C_UNUSED4) C_ICMP("\x00")) \
	X("an echo reply by IPv6", 0, 0, pass_neighbour, C_MACS C_IS_IPV6 C_IPV6("\x3a", C_UNUSED6) C_ICMP("\x81")) \
	X("an advertisement", 0, 0, pass_neighbour, C_MACS C_IS_IPV6 C_IPV6("\x3a", C_UNUSED6) C_ICMP("\x88")) \
	X("a solicitation", 0, 0, pass_neighbour, C_MACS C_IS_IPV6 C_IPV6("\x3a", C_UNUSED6) C_ICMP("\x87")) \
	X("a redirect by IPv6", 0, 0, drop_host, C_MACS C_IS_IPV6 C_IPV6("\x3a", C_UNUSED6) C_ICMP("\x89")) \
	X("a router advertisement", 0, 0, drop_host, C_MACS C_IS_IPV6 C_IPV6("\x3a", C_UNUSED6) C_ICMP("\x86")) \
	X("an echo request", 0, 0, drop_host, C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x01", C_UNUSED4) C_ICMP("\x08")) \
	X("an echo reply in fragments", 0, 0, drop_host, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", "\x20\x00", "\x01", C_UNUSED4) C_ICMP("\x00")) \
	X("a SYN", 0, 0, drop_host, C_FRAME4(C_UNUSED4, C_TCP(C_8080, C_SYN))) \
	X("an answer without the mark", 0, 1, drop_host, C_ANSWER4) \
	X("an answer without the mark by IPv6", 0, 1, drop_host, C_ANSWER6) \
	X("from a mapped address", 0, 0, drop_host, C_FRAME6(C_MAPPED6, C_TCP(C_22, C_SYN))) \
	X("UDP", 0, 0, drop_host, C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x11", C_UNUSED4) C_UDP(C_22)) \
	X("a tunnel", 0, 0, drop_host, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x2f", C_UNUSED4) C_PAD C_PAD) \
	X("a later fragment", 0, 0, drop_host, \
	  C_MACS C_IS_IPV4 C_IPV4("\x45", "\x00\x03", "\x06", C_UNUSED4) C_TCP(C_8080, C_ACK) C_PAD) \
	X("own address, decoy port", 0, 0, drop_host, C_FRAME4(C_OWN4, C_TCP(C_8080, C_ACK))) \
	X("own address, decoy port, behind options", 0, 0, drop_host, \
	  C_MACS C_IS_IPV4 C_IPV4("\x46", C_WHOLE, "\x06", C_OWN4) "\x01\x01\x01\x01" C_TCP(C_8080, C_ACK) C_PAD) \
	X("own address, decoy port, behind an extension header", 0, 0, drop_host, \
	  C_MACS C_IS_IPV6 C_IPV6("\x3c", C_OWN6) C_EXTENSION("\x06") C_TCP(C_8080, C_SYN) C_PAD) \
	X("three tags", 0, 0, drop_unreadable, \
	  C_MACS C_TAG("\x07") C_TAG("\x08") C_TAG("\x09") C_IS_IPV4 C_IPV4("\x45", C_WHOLE, "\x06", C_OTHER4) \
		  C_TCP(C_22, C_ACK) C_PAD)

#endif
