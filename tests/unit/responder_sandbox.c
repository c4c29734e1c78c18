// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * responder_sandbox.c - what a responder that a stranger has taken over can try, and that none of it works.
 *
 * In:  a network namespace of its own with two veth pairs and lo; needs root (77 = skipped). Out: pass or fail.
 *
 * A child holds the socket that the supervisor would hand over, gives up its rights as the responder does, and then
 * tries from the inside what DESIGN ("Never relays", 2) says was tried: the host's own source by another device, lo,
 * bind, qdisc bypass, clearing the mark, and more. The parent listens at every far end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "responder/contract.h"
#include "responder/sandbox.h"
#include "responder/transmit.h"

#define ETH_P_ALL_BE htons(0x0003)
#define FRAME_BYTES 64

static int notify[2];

static int packet_socket(const char *device, int protocol)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET,
				     .sll_protocol = (uint16_t)protocol,
				     .sll_ifindex = (int)if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_not_equal(where.sll_ifindex, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

/* As the supervisor opens them. */
static int transmit_socket(const char *device)
{
	struct tpacket_req ring = { .tp_block_size = 65536,
				    .tp_block_nr = RESPONDER_TX_FRAMES * RESPONDER_TX_FRAME_BYTES / 65536,
				    .tp_frame_size = RESPONDER_TX_FRAME_BYTES,
				    .tp_frame_nr = RESPONDER_TX_FRAMES };
	uint32_t mark = OTORI_TRANSMIT_MARK;
	int version = TPACKET_V2, loss = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device) };

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_LOSS, &loss, sizeof(loss)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	return fd;
}

/* A frame that a test can know again: broadcast, local experimental ethertype, a letter. */
static void make_frame(uint8_t *frame, char letter)
{
	memset(frame, letter, FRAME_BYTES);
	memset(frame, 0xff, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
}

/* The letters of our frames that have arrived, in order, as a string. */
static void arrived(int fd, char *letters, size_t room)
{
	uint8_t frame[2048];
	size_t count = 0;
	ssize_t bytes;

	usleep(100000);
	while ((bytes = recv(fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		if (bytes == FRAME_BYTES && frame[12] == 0x88 && frame[13] == 0xb5 && count + 1 < room)
			letters[count++] = (char)frame[20];
	letters[count] = 0;
}

#define DENIED(call) \
	do { \
		errno = 0; \
		if ((long)(call) != -1 || errno != EPERM) { \
			dprintf(2, "not denied: %s (errno %d)\n", #call, errno); \
			failures++; \
		} \
	} while (0)

/* Sends by every way that is not sendto(fd, NULL, 0, flags, NULL, 0). */
static int try_sending(int fd, int ifindex)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6 };
	struct sockaddr_in self = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(9) };
	uint8_t frame[FRAME_BYTES];
	struct iovec part = { frame, sizeof(frame) };
	struct msghdr header = { .msg_name = &where, .msg_namelen = sizeof(where), .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = header };
	int failures = 0;

	make_frame(frame, 'X');
	DENIED(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&where, sizeof(where)));
	DENIED(sendto(fd, NULL, 0, 0, (struct sockaddr *)&where, sizeof(where)));
	DENIED(sendto(fd, frame, sizeof(frame), 0, NULL, 0));
	DENIED(syscall(SYS_sendto, fd, NULL, 0, 0, NULL, sizeof(where)));
	DENIED(sendmsg(fd, &header, 0));
	header.msg_name = NULL;
	header.msg_namelen = 0;
	DENIED(sendmsg(fd, &header, 0));
	DENIED(sendmmsg(fd, &many, 1, 0));
	DENIED(bind(fd, (struct sockaddr *)&where, sizeof(where)));
	DENIED(connect(fd, (struct sockaddr *)&self, sizeof(self)));
	DENIED(writev(fd, &part, 1));
	/* write is allowed, for the journal: on a socket with a transmit ring it takes no bytes, it sends what the ring
	 * holds. */
	if (write(fd, frame, sizeof(frame)) > 0) {
		dprintf(2, "write sent bytes\n");
		failures++;
	}
	return failures;
}

/* Changes the socket, or gets another. */
static int try_sockets(int fd)
{
	int off = 0, on = 1, pair[2], failures = 0;
	struct tpacket_req none = { 0 };
	struct ifreq request = { .ifr_name = "lo" };
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	DENIED(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)));
	DENIED(setsockopt(fd, SOL_SOCKET, SO_MARK, &off, sizeof(off)));
	DENIED(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &none, sizeof(none)));
	DENIED(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	DENIED(ioctl(fd, SIOCGIFFLAGS, &request));
	DENIED(socket(AF_PACKET, SOCK_RAW, 0));
	DENIED(socket(AF_INET, SOCK_STREAM, 0));
	DENIED(socket(AF_UNIX, SOCK_STREAM, 0));
	DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	DENIED(accept(fd, NULL, NULL));
	DENIED(listen(fd, 1));
	DENIED(recvmsg(fd, &header, MSG_DONTWAIT));
	DENIED(dup2(fd, 200));
	return failures;
}

/* Leaves the process in other ways. */
static int try_everything_else(void)
{
	union bpf_attr attributes;
	char *const arguments[] = { "/bin/true", NULL };
	uint8_t ring_parameters[256] = { 0 };
	int failures = 0;

	memset(&attributes, 0, sizeof(attributes));
	DENIED(open("/etc/passwd", O_RDONLY));
	DENIED(open("/tmp/responder_sandbox", O_WRONLY | O_CREAT, 0600));
	DENIED(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0));
	DENIED(execve("/bin/true", arguments, NULL));
	DENIED(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
	DENIED(syscall(SYS_io_uring_setup, 4, ring_parameters));
	DENIED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	DENIED(syscall(SYS_fork));
	DENIED(syscall(SYS_ptrace, 0, 0, 0, 0));
	DENIED(syscall(SYS_kill, getppid(), 0));
	DENIED(unshare(CLONE_NEWUSER));
	DENIED(setns(0, 0));
	DENIED(syscall(SYS_setuid, 0)); /* not by the C library, which would make all threads do it */
	DENIED(chdir("/"));
	DENIED(unlink("/tmp/responder_sandbox"));
	DENIED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	DENIED((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	DENIED(mprotect((void *)((uintptr_t)&failures & ~(uintptr_t)4095), 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	return failures;
}

/* What the responder does all day still works. */
static int try_work(struct transmit *transmit)
{
	struct frame_sink sink = transmit_sink(transmit);
	int failures = 0;

	for (char letter = 'a'; letter <= 'c'; letter++) {
		uint8_t *frame = sink.reserve(sink.context, 0, FRAME_BYTES);

		if (!frame)
			return 1;
		make_frame(frame, letter);
		sink.submit(sink.context, FRAME_BYTES);
	}
	sink.flush(sink.context);
	failures += transmit_waiting(transmit);
	failures += write(notify[0], "x", 1) != 1;
	return failures;
}

struct second_thread {
	int fd;
	int ifindex;
	int failures;
	pthread_barrier_t barrier;
};

static void *other_thread(void *argument)
{
	struct second_thread *second = argument;

	pthread_barrier_wait(&second->barrier); /* it runs: what a sanitizer asks at a thread's start is over */
	pthread_barrier_wait(&second->barrier); /* the sandbox is shut */
	second->failures = try_sending(second->fd, second->ifindex) + try_sockets(second->fd) + try_everything_else();
	return NULL;
}

/* The child: 0 where all was denied that must be. */
static int inside(int fd, int journal)
{
	static struct second_thread second;
	struct transmit *transmit;
	/* Looked up now: afterwards there is no socket to ask by. */
	int other = (int)if_nametoindex("osbx2"), loopback = (int)if_nametoindex("lo"), failures;
	pthread_t thread;

	second.fd = fd;
	second.ifindex = other;
	pthread_barrier_init(&second.barrier, NULL, 2);
	if (transmit_open(&transmit, &fd, 1) || sandbox_drop() ||
	    pthread_create(&thread, NULL, other_thread, &second))
		return 101;
	pthread_barrier_wait(&second.barrier);
	if (sandbox_seal(notify[0]))
		return 102;
	pthread_barrier_wait(&second.barrier);
	pthread_join(thread, NULL);
	failures = second.failures + try_sending(fd, other) + try_sending(fd, loopback) + try_sockets(fd) +
		   try_everything_else();
	failures += try_work(transmit);
	failures += write(journal, "record", 6) != 6 || fdatasync(journal) != 0 || close(journal) != 0;
	return failures;
}

static void nothing_but_the_ring_sends(void **state)
{
	char name[] = "/tmp/responder_sandbox_XXXXXX", letters[64];
	int first = packet_socket("osbx1", ETH_P_ALL_BE), second = packet_socket("osbx3", ETH_P_ALL_BE);
	int loopback = packet_socket("lo", ETH_P_ALL_BE), fd = transmit_socket("osbx0"), journal = mkstemp(name),
	    status;
	pid_t child;

	(void)state;
	assert_true(journal >= 0);
	unlink(name);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, notify), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(inside(fd, journal));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		printf("killed by signal %d\n", WTERMSIG(status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	arrived(first, letters, sizeof(letters));
	assert_string_equal(letters, "abc");
	arrived(second, letters, sizeof(letters));
	assert_string_equal(letters, "");
	arrived(loopback, letters, sizeof(letters));
	assert_string_equal(letters, "");
	close(first);
	close(second);
	close(loopback);
	close(fd);
	close(journal);
}

/* A tc program that drops frames whose source address begins with R: stands in for the guard. */
static void drop_marked_frames(const char *device)
{
	struct bpf_insn program[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W,
		  .dst_reg = 2,
		  .src_reg = 1,
		  .off = offsetof(struct __sk_buff, data) },
		{ .code = BPF_LDX | BPF_MEM | BPF_W,
		  .dst_reg = 3,
		  .src_reg = 1,
		  .off = offsetof(struct __sk_buff, data_end) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 2 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = 14 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 4, .src_reg = 3, .off = 3 },
		{ .code = BPF_LDX | BPF_MEM | BPF_B, .dst_reg = 2, .src_reg = 2, .off = 6 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 2, .imm = 'R', .off = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(device), .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 1);

	options.prog_fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "drop_marked", "GPL", program,
					sizeof(program) / sizeof(program[0]), NULL);
	assert_true(options.prog_fd >= 0);
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &options), 0);
	close(options.prog_fd);
}

/* A frame that tc drops (as the guard does) doesn't hold up those behind it. */
static void refused_frames_are_stepped_over(void **state)
{
	int far = packet_socket("osbx1", ETH_P_ALL_BE), fd = transmit_socket("osbx0");
	struct transmit *transmit;
	struct frame_sink sink;
	char letters[64];

	(void)state;
	drop_marked_frames("osbx0");
	assert_int_equal(transmit_open(&transmit, &fd, 1), 0);
	sink = transmit_sink(transmit);
	for (const char *letter = "aRRbcRdR"; *letter; letter++) {
		uint8_t *frame = sink.reserve(sink.context, 0, FRAME_BYTES);

		assert_non_null(frame);
		make_frame(frame, *letter);
		sink.submit(sink.context, FRAME_BYTES);
	}
	sink.flush(sink.context);
	assert_false(transmit_waiting(transmit));
	assert_int_equal(transmit_refused(transmit), 4);
	/* Again, over more frames than the ring has slots: the place in the ring is still the kernel's. */
	for (unsigned i = 0; i < 3 * RESPONDER_TX_FRAMES; i++) {
		uint8_t *frame = sink.reserve(sink.context, 0, FRAME_BYTES);

		assert_non_null(frame);
		make_frame(frame, 'R');
		sink.submit(sink.context, FRAME_BYTES);
		if (i % 50 == 49)
			sink.flush(sink.context);
	}
	sink.flush(sink.context);
	for (const char *letter = "xyz"; *letter; letter++) {
		make_frame(sink.reserve(sink.context, 0, FRAME_BYTES), *letter);
		sink.submit(sink.context, FRAME_BYTES);
	}
	transmit_pause(transmit, true);
	assert_null(sink.reserve(sink.context, 0, FRAME_BYTES));
	sink.flush(sink.context);
	assert_true(transmit_waiting(transmit));
	transmit_pause(transmit, false);
	sink.flush(sink.context);
	assert_false(transmit_waiting(transmit));
	arrived(far, letters, sizeof(letters));
	assert_int_equal(strlen(letters), 7);
	assert_string_equal(letters + 4, "xyz");
	for (const char *letter = "abcd"; *letter; letter++)
		assert_non_null(strchr(letters, *letter));
	assert_null(sink.reserve(sink.context, 1, FRAME_BYTES)); /* no such device */
	assert_null(sink.reserve(sink.context, 0, 2048));
	transmit_close(transmit);
	close(far);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_the_ring_sends),
		cmocka_unit_test(refused_frames_are_stepped_over),
	};

	if (geteuid() || unshare(CLONE_NEWNET)) {
		printf("skipped: needs root and a network namespace of its own\n");
		return 77;
	}
	if (system("ip link set lo up && ip link add osbx0 type veth peer name osbx1 && ip link add osbx2 type veth "
		   "peer name osbx3 && "
		   "for i in 0 1 2 3; do ip link set osbx$i up; done")) {
		printf("skipped: veth devices can't be made\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
