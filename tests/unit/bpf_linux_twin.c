// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_linux_twin.c - our SYN-ACK beside that of a real Linux listener, for every combination of options that a SYN can
 * offer.
 *
 * In:  nothing. Out: verdicts. Run by tests/run. The listener lives in a network namespace of this process, behind a
 * TUN device: what is written there is the SYN, what is read is Linux's answer. Needs root, BPF and /dev/net/tun; 77
 * without. Nothing is left behind.
 *
 * Compared: length, TTL, DF, IP id, window, flags, order and content of the options (TSecr; of TSval only that it is
 * there).
 */
#include "bpf_world.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

static struct world *w;
static int tunnel = -1, listeners[2] = { -1, -1 };

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		world_skip(path, -errno);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The decoy's addresses belong to this namespace's Linux as well. */
static int listen_on(int family, const char *text)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(1080) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(1080) };
	int fd = socket(family, SOCK_STREAM, 0), one = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET) {
		inet_pton(AF_INET, text, &four.sin_addr);
		assert_int_equal(bind(fd, (struct sockaddr *)&four, sizeof(four)), 0);
	} else {
		inet_pton(AF_INET6, text, &six.sin6_addr);
		assert_int_equal(bind(fd, (struct sockaddr *)&six, sizeof(six)), 0);
	}
	assert_int_equal(listen(fd, 4096), 0);
	return fd;
}

static int fresh(void **state)
{
	struct world_options options = { 0 };
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	(void)state;
	w = world_open(&options);
	if (unshare(CLONE_NEWNET))
		world_skip("a network namespace", -errno);
	tunnel = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tunnel < 0)
		world_skip("/dev/net/tun", -errno);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "twin0");
	if (ioctl(tunnel, TUNSETIFF, &request))
		world_skip("a TUN device", -errno);
	/* a stock system: nothing here depends on what this machine was tuned to */
	write_file("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 6291456");
	write_file("/proc/sys/net/ipv4/tcp_syncookies", "1");
	write_file("/proc/sys/net/ipv4/tcp_ecn", "2");
	if (system("ip link set lo up && ip link set twin0 up mtu 1500 && ip addr add 198.51.100.9/32 dev twin0 &&"
		   "ip addr add 2001:db8:d::9/128 dev twin0 nodad && ip route add default dev twin0 && ip -6 route add "
		   "default dev twin0"))
		world_skip("the program ip", -ENOENT);
	listeners[0] = listen_on(AF_INET, "198.51.100.9");
	listeners[1] = listen_on(AF_INET6, "2001:db8:d::9");
	return 0;
}

static int done(void **state)
{
	(void)state;
	close(listeners[0]);
	close(listeners[1]);
	close(tunnel);
	world_close(w);
	return 0;
}

/* What Linux answers to the IP packet in f; its length. Other packets (router solicitations) are skipped. */
static size_t ask_linux(const struct frame *f, uint8_t *answer, size_t room, unsigned client_port)
{
	size_t l4 = f->bytes[f->l3] >> 4 == 6 ? 40 : 20;

	assert_int_equal(write(tunnel, f->bytes + f->l3, f->length - f->l3), (ssize_t)(f->length - f->l3));
	for (;;) {
		struct pollfd poll_tunnel = { .fd = tunnel, .events = POLLIN };
		ssize_t got;

		if (poll(&poll_tunnel, 1, 3000) <= 0)
			return 0;
		got = read(tunnel, answer, room);
		if (got >= (ssize_t)l4 + 20 && answer[0] >> 4 == f->bytes[f->l3] >> 4 &&
		    get16(answer + l4 + 2) == client_port && (answer[l4 + 13] & F_SYN))
			return (size_t)got;
	}
}

/* Options of a SYN as a client orders them: those that the bits of choice name. */
static size_t make_options(uint8_t *to, unsigned choice)
{
	size_t bytes = 0;

	if (choice & 1) {
		memcpy(to + bytes, "\2\4\5\xb4", 4);
		bytes += 4;
	}
	if (choice & 2) {
		memcpy(to + bytes, "\4\2", 2);
		bytes += 2;
	}
	if (choice & 4) {
		memcpy(to + bytes, "\10\12\1\2\3\4\0\0\0\0", 10);
		bytes += 10;
	}
	if (choice & 8) {
		memcpy(to + bytes, "\3\3\7", 3);
		bytes += 3;
	}
	while (bytes % 4)
		to[bytes++] = 1;
	return bytes;
}

/* Blanks what may differ: checksums, our ISN, TSval, an IPv6 flow label's value. */
static void blank(uint8_t *packet, size_t length)
{
	bool ipv6 = packet[0] >> 4 == 6;
	uint8_t *tcp = packet + (ipv6 ? 40 : 20), *end = packet + length, *at = tcp + 20;

	if (ipv6) {
		assert_int_not_equal(get32(packet) & 0xfffff, 0); /* both label their flows */
		put32(packet, get32(packet) & 0xfff00000u);
	} else {
		assert_int_equal(fold16(sum_bytes(packet, 20, 0)), 0xffff);
		put16(packet + 10, 0);
	}
	assert_int_equal(l4_sum(packet, tcp, (size_t)(end - tcp), 6), 0xffff);
	put32(tcp + 4, 0);
	put16(tcp + 16, 0);
	while (at < end && at[0]) {
		if (at[0] == 1) {
			at++;
			continue;
		}
		if (at[0] == 8)
			put32(at + 2, 0);
		assert_true(at[1] >= 2);
		at += at[1];
	}
}

static void show(const char *who, const uint8_t *packet, size_t length)
{
	fprintf(stderr, "%s:", who);
	for (size_t i = 0; i < length; i++)
		fprintf(stderr, " %02x", packet[i]);
	fprintf(stderr, "\n");
}

/* One SYN to both. */
static void compare(bool ipv6, unsigned choice, unsigned flags, uint8_t tos)
{
	static uint16_t next_port = 20000;
	uint8_t options[40], theirs[2048];
	struct segment s = { .source = ipv6 ? "2001:db8:77::7" : "203.0.113.7",
			     .destination = ipv6 ? "2001:db8:d::9" : "198.51.100.9",
			     .source_port = next_port++,
			     .destination_port = 1080,
			     .seq = 0x11223344,
			     .flags = (uint8_t)flags,
			     .options = options,
			     .tos = tos };
	struct frame f;
	size_t length;

	s.option_bytes = make_options(options, choice);
	frame_make(&f, &s);
	assert_int_equal(world_xdp(w, &f), XDP_TX);
	world_drain(w);
	length = ask_linux(&f, theirs, sizeof(theirs), s.source_port);
	assert_true(length > 0);
	blank(theirs, length);
	blank(w->out + 14, w->out_bytes - 14);
	if (w->out_bytes - 14 != length || memcmp(theirs, w->out + 14, length)) {
		fprintf(stderr, "options %x, flags %02x, tos %02x\n", choice, flags, tos);
		show("Linux", theirs, length);
		show("ours ", w->out + 14, w->out_bytes - 14);
	}
	assert_int_equal(w->out_bytes - 14, length);
	assert_memory_equal(w->out + 14, theirs, length);
}

static void every_combination_is_answered_as_linux_does(void **state)
{
	(void)state;
	for (unsigned choice = 0; choice < 16; choice++) {
		compare(false, choice, F_SYN, 0);
		compare(true, choice, F_SYN, 0);
	}
}

/* RFC 3168: ECE and CWR together ask for it; Linux's default (tcp_ecn = 2) grants it, nmap looks for it. */
static void congestion_notification_is_granted_as_linux_does(void **state)
{
	(void)state;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		compare(ipv6, 15, F_SYN | F_ECE | F_CWR, 0);
		compare(ipv6, 15, F_SYN | F_ECE, 0);
		compare(ipv6, 15, F_SYN | F_CWR, 0);
		compare(ipv6, 1, F_SYN | F_ECE | F_CWR, 0);
	}
}

/* A decoy's TSval is one clock that runs on in milliseconds, and differs from decoy to decoy. */
static void time_stamps_are_a_clock(void **state)
{
	uint8_t options[40];
	uint32_t first = 0, other;
	struct segment s = { .source = "203.0.113.7",
			     .destination = "198.51.100.9",
			     .source_port = 5000,
			     .destination_port = 1080,
			     .flags = F_SYN,
			     .options = options };
	struct frame f;

	(void)state;
	s.option_bytes = make_options(options, 15);
	frame_make(&f, &s);
	for (int i = 0; i < 4; i++) {
		uint32_t now;

		world_clock(w, WORLD_NOW + (uint64_t)i * 1000000000);
		assert_int_equal(world_xdp(w, &f), XDP_TX);
		now = get32(w->out + 54 + 8);
		assert_int_equal(get32(w->out + 54 + 12), 0x01020304);
		if (i)
			assert_in_range(now - first, 990, 1010);
		first = now;
	}
	s.destination = "198.51.100.10";
	frame_make(&f, &s);
	assert_int_equal(world_xdp(w, &f), XDP_TX);
	other = get32(w->out + 54 + 8);
	assert_true(other - first > 1000 && first - other > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_is_answered_as_linux_does),
		cmocka_unit_test(congestion_notification_is_granted_as_linux_does),
		cmocka_unit_test(time_stamps_are_a_clock),
	};

	return cmocka_run_group_tests(tests, fresh, done);
}
