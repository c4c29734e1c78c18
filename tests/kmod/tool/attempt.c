// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attempt.c - every way by which root may try to send something, one each, and what the guard must say of it.
 *
 * In:  a name, a device, the MAC of the next hop. Out: one frame, made and sent as the table says. Every attempt has a
 * destination of its own (203.0.113.N or 2001:db8:77::N, N = 100 + its place in the table), by which capture.c knows it
 * on the far side. The policy that the verdicts go by is that of the scripts: decoys 198.18.0.0/16 and 2001:db8:d::/48,
 * own decoy 192.0.2.9, ports 8080 and 25; 192.0.2.1 and 2001:db8:1::1 are the host's, and no decoys.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attempt.h"
#include "otori/datapath.h"

#define DECOY4 "198.18.0.5"
#define DECOY6 "2001:db8:d::5"
#define HOST4 "192.0.2.1"
#define OWN4 "192.0.2.9"
#define SYN 0x02
#define RST 0x04
#define ACK 0x10
#define PSH 0x08

const struct attempt attempts[] = {
	/* name, way, what, source, port, flags, marked, tags, hook, verdict */
	{ "syn", BY_IP, TCP, DECOY4, 8080, SYN, 0, 0, "local_out", "drop_host" },
	{ "syn6", BY_IP, TCP, DECOY6, 8080, SYN, 0, 0, "local_out", "drop_host" },
	{ "udp", BY_UDP_SOCKET, UDP, DECOY4, 8080, 0, 0, 0, "local_out", "drop_host" },
	{ "udp6", BY_UDP_SOCKET, UDP, DECOY6, 8080, 0, 0, 0, "local_out", "drop_host" },
	{ "connect", BY_CONNECT, TCP, DECOY4, 8080, SYN, 0, 0, "local_out", "drop_host" },
	{ "connect-marked", BY_CONNECT, TCP, DECOY4, 8080, SYN, 1, 0, "local_out", "drop_host" },
	{ "echo-request", BY_IP, ECHO_REQUEST, DECOY4, 0, 0, 0, 0, "local_out", "drop_host" },
	{ "fragment", BY_IP, FRAGMENT, DECOY4, 8080, SYN, 0, 0, "local_out", "drop_host" },
	{ "fragment-frame", BY_FRAME, FRAGMENT, DECOY4, 8080, ACK, 0, 0, "egress", "drop_host" },
	{ "later-fragment-frame", BY_FRAME, LATER_FRAGMENT, DECOY4, 8080, ACK, 0, 0, "egress", "drop_host" },
	{ "extension6", BY_FRAME, EXTENSIONS, DECOY6, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "extension6-bypass", BY_BYPASS, EXTENSIONS, DECOY6, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "frame", BY_FRAME, TCP, DECOY4, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "frame-ack", BY_FRAME, TCP, DECOY4, 8080, ACK, 0, 0, "egress", "drop_host" },
	{ "frame6", BY_FRAME, TCP, DECOY6, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "bypass", BY_BYPASS, TCP, DECOY4, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "bypass-udp", BY_BYPASS, UDP, DECOY4, 8080, 0, 0, 0, "egress", "drop_host" },
	{ "bypass6", BY_BYPASS, TCP, DECOY6, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "ring", BY_RING, TCP, DECOY4, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "ring-bypass", BY_RING_BYPASS, TCP, DECOY4, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "ring-bypass6", BY_RING_BYPASS, EXTENSIONS, DECOY6, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "tagged", BY_FRAME, TCP, DECOY4, 8080, SYN, 0, 1, "egress", "drop_host" },
	{ "tagged-bypass", BY_BYPASS, TCP, DECOY4, 8080, SYN, 0, 1, "egress", "drop_host" },
	{ "tagged-twice", BY_FRAME, TCP, DECOY6, 8080, SYN, 0, 2, "egress", "drop_host" },
	{ "tagged-thrice", BY_FRAME, TCP, HOST4, 22, SYN, 0, 3, "egress", "drop_unreadable" },
	{ "vlan-device", BY_VLAN_DEVICE, TCP, DECOY4, 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "tunnel", BY_FRAME, TUNNEL, DECOY4, 0, 0, 0, 0, "egress", "drop_host" },
	{ "mapped6", BY_FRAME, TCP, "::ffff:198.18.0.5", 8080, SYN, 0, 0, "egress", "drop_host" },
	{ "own-decoy-port", BY_FRAME, TCP, OWN4, 8080, ACK, 0, 0, "egress", "drop_host" },
	{ "marked-host", BY_FRAME, TCP, HOST4, 8080, ACK, 1, 0, "egress", "drop_source" },
	{ "marked-host-bypass", BY_BYPASS, TCP, HOST4, 8080, ACK, 1, 0, "egress", "drop_source" },
	{ "marked-host-ring-bypass", BY_RING_BYPASS, TCP, HOST4, 8080, ACK, 1, 0, "egress", "drop_source" },
	{ "marked-own-other-port", BY_FRAME, TCP, OWN4, 22, ACK, 1, 0, "egress", "drop_port" },
	{ "marked-syn", BY_FRAME, TCP, DECOY4, 8080, SYN, 1, 0, "egress", "drop_flags" },
	{ "marked-syn-bypass", BY_BYPASS, TCP, DECOY4, 8080, SYN, 1, 0, "egress", "drop_flags" },
	{ "marked-udp", BY_FRAME, UDP, DECOY4, 8080, 0, 1, 0, "egress", "drop_protocol" },
	{ "marked-fragment", BY_BYPASS, FRAGMENT, DECOY4, 8080, ACK, 1, 0, "egress", "drop_shape" },
	{ "marked-extension6", BY_BYPASS, EXTENSIONS, DECOY6, 8080, ACK, 1, 0, "egress", "drop_shape" },
	{ "marked-other-port", BY_FRAME, TCP, DECOY4, 22, ACK, 1, 0, "egress", "drop_port" },
	{ "forward", BY_FRAME, TCP, DECOY4, 8080, ACK, 0, 0, "forward", "drop_host" },
	{ "forward6", BY_FRAME, UDP, DECOY6, 8080, 0, 0, 0, "forward", "drop_host" },
	{ "source-nat", BY_UDP_SOCKET, UDP, HOST4, 4000, 0, 0, 0, "post_routing", "drop_host" },
	/* and what does leave */
	{ "answer", BY_FRAME, TCP, DECOY4, 8080, ACK | PSH, 1, 0, "egress", "pass_responder" },
	{ "answer-bypass", BY_BYPASS, TCP, DECOY4, 8080, ACK, 1, 0, "egress", "pass_responder" },
	{ "answer-ring-bypass", BY_RING_BYPASS, TCP, DECOY4, 8080, ACK, 1, 0, "egress", "pass_responder" },
	{ "answer6", BY_FRAME, TCP, DECOY6, 25, ACK | PSH, 1, 0, "egress", "pass_responder" },
	{ "answer-own", BY_FRAME, TCP, OWN4, 8080, ACK, 1, 0, "egress", "pass_responder" },
	{ "answer-tagged", BY_FRAME, TCP, DECOY4, 8080, ACK, 1, 1, "egress", "pass_responder" },
	{ "answer-reset", BY_FRAME, TCP, DECOY4, 8080, RST, 1, 0, "egress", "pass_responder" },
	{ "echo-reply", BY_FRAME, ECHO_REPLY, DECOY4, 0, 0, 0, 0, "egress", "pass_neighbour" },
	{ "advertisement6", BY_FRAME, ADVERTISEMENT, DECOY6, 0, 0, 0, 0, "egress", "pass_neighbour" },
	{ "host", BY_IP, TCP, HOST4, 40000, SYN, 0, 0, "egress", "pass_host" },
	{ "host-udp", BY_UDP_SOCKET, UDP, HOST4, 40000, 0, 0, 0, "egress", "pass_host" },
	{ "own-service", BY_FRAME, TCP, OWN4, 22, ACK, 0, 0, "egress", "pass_host" },
};

const size_t attempt_count = sizeof(attempts) / sizeof(attempts[0]);

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned sum16(const uint8_t *at, size_t bytes, unsigned sum)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? at[i] : (unsigned)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The transport header; its length. */
static size_t put_transport(uint8_t *at, const struct attempt *a, bool ipv6)
{
	memset(at, 0, 24);
	switch (a->what) {
	case UDP:
		put16(at, a->port);
		put16(at + 2, 9);
		put16(at + 4, 12);
		return 12;
	case ECHO_REQUEST:
	case ECHO_REPLY:
		at[0] = a->what == ECHO_REQUEST ? (ipv6 ? 128 : 8) : (ipv6 ? 129 : 0);
		put16(at + 2, ~sum16(at, 8, 0));
		return 8;
	case ADVERTISEMENT:
		at[0] = 136;
		inet_pton(AF_INET6, a->source, at + 8);
		return 24;
	case TUNNEL: /* a whole IPv4 header inside */
		at[0] = 0x45;
		at[3] = 20;
		at[8] = 64;
		return 20;
	default:
		put16(at, a->port);
		put16(at + 2, 443);
		at[12] = 0x50;
		at[13] = a->flags;
		return 20;
	}
}

static uint8_t protocol_of(const struct attempt *a, bool ipv6)
{
	switch (a->what) {
	case UDP:
		return 17;
	case ECHO_REQUEST:
	case ECHO_REPLY:
	case ADVERTISEMENT:
		return ipv6 ? 58 : 1;
	case TUNNEL:
		return 4;
	default:
		return 6;
	}
}

static size_t put_ipv6(uint8_t *at, const struct attempt *a, const char *destination)
{
	size_t extension = a->what == EXTENSIONS ? 16 : 0, bytes = 40 + extension;

	memset(at, 0, bytes);
	at[0] = 0x60;
	at[6] = protocol_of(a, true);
	at[7] = a->what == ADVERTISEMENT ? 255 : 64;
	inet_pton(AF_INET6, a->source, at + 8);
	inet_pton(AF_INET6, destination, at + 24);
	if (extension) { /* hop-by-hop, then destination options: padding only */
		at[6] = 0;
		at[40] = 60;
		at[42] = at[50] = 1;
		at[43] = at[51] = 4;
		at[48] = 6;
	}
	bytes += put_transport(at + bytes, a, true);
	put16(at + 4, (unsigned)bytes - 40);
	return bytes;
}

static size_t put_ipv4(uint8_t *at, const struct attempt *a, const char *destination)
{
	size_t bytes = 20;

	memset(at, 0, 20);
	at[0] = 0x45;
	at[8] = 64;
	at[9] = protocol_of(a, false);
	put16(at + 4, 0x1234);
	put16(at + 6, a->what == FRAGMENT ? 0x2000 : a->what == LATER_FRAGMENT ? 0x0003 : 0);
	inet_pton(AF_INET, a->source, at + 12);
	inet_pton(AF_INET, destination, at + 16);
	bytes += put_transport(at + 20, a, false);
	if (a->what == FRAGMENT) {
		memset(at + bytes, 0, 4); /* fragments have lengths that eight divides */
		bytes += 4;
	}
	put16(at + 2, (unsigned)bytes);
	put16(at + 10, ~sum16(at, 20, 0));
	return bytes;
}

/* The destination of attempt n, as text. */
static const char *destination_of(size_t n, bool ipv6, char text[64])
{
	snprintf(text, 64, ipv6 ? "2001:db8:77::%zx" : "203.0.113.%zu", n + 100);
	return text;
}

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

/* By a transmit ring (PACKET_TX_RING): the kernel takes the frame out of memory that it shares with us, in pieces. */
static int send_ring(int s, const struct sockaddr_ll *to, const uint8_t *frame, size_t bytes)
{
	struct tpacket_req ring = { .tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 2048, .tp_frame_nr = 2 };
	int version = TPACKET_V2;
	struct tpacket2_hdr *slot;

	if (setsockopt(s, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(s, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)) < 0)
		return fail("PACKET_TX_RING");
	slot = mmap(NULL, ring.tp_block_size, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	if (slot == MAP_FAILED || bind(s, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return fail("transmit ring");
	memcpy((uint8_t *)slot + TPACKET2_HDRLEN - sizeof(*to), frame, bytes);
	slot->tp_len = (uint32_t)bytes;
	__atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	/* where it was dropped and we are told, it lies there to be sent again */
	if (send(s, NULL, 0, 0) < 0)
		return errno == ENOBUFS || errno == EPERM ? 0 : fail("send by the transmit ring");
	if (__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) == TP_STATUS_SEND_REQUEST)
		return fail("the transmit ring was not taken");
	return 0;
}

/* A whole Ethernet frame by a packet socket. */
static int send_frame(const struct attempt *a, const char *device, const char *mac, const char *destination)
{
	uint8_t frame[256];
	unsigned m[6];
	int one = 1, mark = (int)OTORI_TRANSMIT_MARK, s = socket(AF_PACKET, SOCK_RAW, 0);
	bool ipv6 = strchr(a->source, ':') != NULL;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device), .sll_halen = 6 };
	size_t at = 12;

	if (s < 0 || !to.sll_ifindex || sscanf(mac, "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
		return fail(device);
	for (int i = 0; i < 6; i++) {
		frame[i] = (uint8_t)m[i];
		frame[6 + i] = (uint8_t)(i ? i : 2);
	}
	for (unsigned tag = 0; tag < a->tags; tag++, at += 4) {
		put16(frame + at, 0x8100);
		put16(frame + at + 2, 7 + tag);
	}
	put16(frame + at, ipv6 ? 0x86dd : 0x0800);
	at += 2;
	at += ipv6 ? put_ipv6(frame + at, a, destination) : put_ipv4(frame + at, a, destination);
	to.sll_protocol = htons(ipv6 ? 0x86dd : 0x0800);
	if (a->marked && setsockopt(s, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return fail("SO_MARK");
	if ((a->way == BY_BYPASS || a->way == BY_RING_BYPASS) &&
	    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		return fail("PACKET_QDISC_BYPASS");
	if (a->way == BY_RING || a->way == BY_RING_BYPASS)
		return send_ring(s, &to, frame, at);
	/* that it is dropped is told to the sender in some cases, and not in others */
	if (sendto(s, frame, at, 0, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != ENOBUFS && errno != EPERM)
		return fail("sendto");
	close(s);
	return 0;
}

/* An IP packet with our own header, through the host's IP stack. */
static int send_ip(const struct attempt *a, const char *destination)
{
	bool ipv6 = strchr(a->source, ':') != NULL;
	uint8_t packet[256];
	size_t bytes = ipv6 ? put_ipv6(packet, a, destination) : put_ipv4(packet, a, destination);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	int s = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);

	inet_pton(AF_INET6, destination, &six.sin6_addr);
	inet_pton(AF_INET, destination, &four.sin_addr);
	if (s < 0 || (sendto(s, packet, bytes, 0, ipv6 ? (struct sockaddr *)&six : (struct sockaddr *)&four,
			     ipv6 ? sizeof(six) : sizeof(four)) < 0 &&
		      errno != EPERM))
		return fail("raw socket");
	close(s);
	return 0;
}

/* The plain way: a socket bound to the address, which need not be the host's. */
static int send_socket(const struct attempt *a, const char *destination)
{
	bool ipv6 = strchr(a->source, ':') != NULL;
	struct sockaddr_in6 from6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) }, to6 = from6;
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(a->port) }, to = from;
	int one = 1, mark = (int)OTORI_TRANSMIT_MARK;
	int s = socket(ipv6 ? AF_INET6 : AF_INET, (a->way == BY_CONNECT ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	socklen_t bytes = ipv6 ? sizeof(to6) : sizeof(to);

	inet_pton(AF_INET6, a->source, &from6.sin6_addr);
	inet_pton(AF_INET, a->source, &from.sin_addr);
	inet_pton(AF_INET6, destination, &to6.sin6_addr);
	inet_pton(AF_INET, destination, &to.sin_addr);
	if (s < 0 ||
	    setsockopt(s, ipv6 ? SOL_IPV6 : SOL_IP, ipv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &one, sizeof(one)) < 0)
		return fail("socket");
	if (a->marked && setsockopt(s, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return fail("SO_MARK");
	if (bind(s, ipv6 ? (struct sockaddr *)&from6 : (struct sockaddr *)&from, bytes) < 0)
		return fail("bind");
	if (connect(s, ipv6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to, bytes) < 0 && errno != EINPROGRESS &&
	    errno != EPERM)
		return fail("connect");
	if (a->way == BY_UDP_SOCKET && send(s, "otori", 5, 0) < 0 && errno != EPERM)
		return fail("send");
	close(s);
	return 0;
}

static int attempt_send(size_t n, const char *device, const char *mac)
{
	const struct attempt *a = &attempts[n];
	char text[64], vlan[IFNAMSIZ];
	const char *destination = destination_of(n, strchr(a->source, ':') != NULL, text);

	switch (a->way) {
	case BY_IP:
		return send_ip(a, destination);
	case BY_UDP_SOCKET:
	case BY_CONNECT:
		return send_socket(a, destination);
	case BY_VLAN_DEVICE:
		snprintf(vlan, sizeof(vlan), "%.12s.7", device);
		return send_frame(a, vlan, mac, destination);
	default:
		return send_frame(a, device, mac, destination);
	}
}

int attempt_command(int argc, char **argv)
{
	if (strcmp(argv[0], "attempts") == 0) {
		for (size_t n = 0; n < attempt_count; n++)
			printf("%s %s %s\n", attempts[n].name, attempts[n].hook, attempts[n].verdict);
		return 0;
	}
	for (size_t n = 0; argc == 4 && n < attempt_count; n++)
		if (strcmp(attempts[n].name, argv[1]) == 0)
			return attempt_send(n, argv[2], argv[3]);
	fprintf(stderr, "attempt NAME DEVICE MAC: no such attempt\n");
	return 2;
}
