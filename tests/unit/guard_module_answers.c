// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guard_module_answers.c - what the collector makes of answers that the kernel module should not give: a family of a
 * newer version, messages cut short, values that it does not know. Each is one clear line, and none is taken for "off".
 *
 * In:  answers made here, byte by byte. Out: cmocka's verdicts. Needs no module: libnl's way to the family and its
 * sending and receiving are replaced below, the parsing is its own. Opens netlink sockets, sends nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>
#include <netlink/genl/genl.h>
#include <netlink/genl/mngt.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/guard_module.h"

#define FAMILY 0x77
#define DATAGRAMS 4

/* What the module says next, a datagram each. */
static struct {
	uint8_t bytes[1024] __attribute__((aligned(8)));
	size_t length;
} datagram[DATAGRAMS];
static unsigned datagrams, taken;
static int family_version; /* 0 = the family is not there */
static uint32_t sequence;

/* --- in place of libnl's own ---------------------------------------------------------------------------------------
 */

int genl_ctrl_alloc_cache(struct nl_sock *socket, struct nl_cache **cache)
{
	(void)socket;
	*cache = NULL;
	return 0;
}

struct genl_family *genl_ctrl_search_by_name(struct nl_cache *cache, const char *name)
{
	struct genl_family *family;

	(void)cache;
	assert_string_equal(name, OTORI_NETLINK_FAMILY);
	if (!family_version)
		return NULL;
	family = genl_family_alloc();
	assert_non_null(family);
	genl_family_set_id(family, FAMILY);
	genl_family_set_version(family, (uint8_t)family_version);
	return family;
}

int genl_ctrl_resolve_grp(struct nl_sock *socket, const char *family, const char *group)
{
	(void)socket;
	(void)family;
	(void)group;
	return 1;
}

int nl_socket_add_memberships(struct nl_sock *socket, int group, ...)
{
	(void)socket;
	(void)group;
	return 0;
}

int nl_send_auto(struct nl_sock *socket, struct nl_msg *message)
{
	nl_complete_msg(socket, message);
	sequence = nlmsg_hdr(message)->nlmsg_seq;
	return 1;
}

static int receive(struct nl_sock *socket, struct sockaddr_nl *from, unsigned char **bytes, struct ucred **who)
{
	struct nlmsghdr *header;

	(void)socket;
	(void)who;
	if (taken == datagrams)
		return -NLE_AGAIN;
	memset(from, 0, sizeof(*from));
	from->nl_family = AF_NETLINK;
	header = (struct nlmsghdr *)datagram[taken].bytes;
	header->nlmsg_seq = sequence;
	*bytes = malloc(datagram[taken].length);
	assert_non_null(*bytes);
	memcpy(*bytes, datagram[taken].bytes, datagram[taken].length);
	return (int)datagram[taken++].length;
}

static int receive_by(struct nl_sock *socket, struct nl_cb *cb)
{
	int (*next)(struct nl_sock *, struct nl_cb *);

	*(void **)&next = dlsym(RTLD_NEXT, "nl_recvmsgs");
	assert_non_null(next);
	nl_cb_overwrite_recv(cb, receive);
	return next(socket, cb);
}

int nl_recvmsgs(struct nl_sock *socket, struct nl_cb *cb)
{
	return receive_by(socket, cb);
}

int nl_recvmsgs_default(struct nl_sock *socket)
{
	struct nl_cb *cb = nl_socket_get_cb(socket);
	int err = receive_by(socket, cb);

	nl_cb_put(cb);
	return err;
}

/* --- answers --------------------------------------------------------------------------------------------------------
 */

static void begin(uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header = (struct nlmsghdr *)datagram[datagrams].bytes;

	memset(datagram[datagrams].bytes, 0, sizeof(datagram[0].bytes));
	*header = (struct nlmsghdr){ .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = type, .nlmsg_flags = flags };
}

static void put(const void *bytes, size_t length)
{
	struct nlmsghdr *header = (struct nlmsghdr *)datagram[datagrams].bytes;

	memcpy(datagram[datagrams].bytes + header->nlmsg_len, bytes, length);
	header->nlmsg_len += (uint32_t)NLMSG_ALIGN(length);
}

static void put_attribute(uint16_t type, const void *bytes, size_t length)
{
	struct nlattr attribute = { .nla_type = type, .nla_len = (uint16_t)(sizeof(attribute) + length) };

	put(&attribute, sizeof(attribute));
	put(bytes, length);
}

static void put_number(uint16_t type, uint64_t value, size_t bytes)
{
	put_attribute(type, &value, bytes);
}

static void put_text(uint16_t type, const char *text)
{
	put_attribute(type, text, strlen(text) + 1);
}

/* The datagram ends here, less so many bytes, and its header says so. */
static void end(size_t cut)
{
	struct nlmsghdr *header = (struct nlmsghdr *)datagram[datagrams].bytes;

	header->nlmsg_len -= (uint32_t)cut;
	datagram[datagrams++].length = header->nlmsg_len;
}

static void begin_answer(uint8_t command, uint16_t flags)
{
	struct genlmsghdr header = { .cmd = command, .version = OTORI_NETLINK_VERSION };

	begin(FAMILY, flags);
	put(&header, sizeof(header));
}

/* without: an attribute that is left out, 0 = none. */
static void put_status(uint16_t without, uint8_t state)
{
	static const char device[] = { 9, 0, OTORI_A_DEVICE_NAME,  0, 'e', 't', 'h', '0', 0, 0, 0, 0,
				       8, 0, OTORI_A_DEVICE_INDEX, 0, 7,   0,	0,   0 };

	begin_answer(OTORI_CMD_STATUS, 0);
	if (without != OTORI_A_VERSION)
		put_number(OTORI_A_VERSION, OTORI_NETLINK_VERSION, 4);
	if (without != OTORI_A_STATE)
		put_number(OTORI_A_STATE, state, 1);
	if (without != OTORI_A_DECOYS)
		put_number(OTORI_A_DECOYS, 3, 4);
	if (without != OTORI_A_PORTS)
		put_number(OTORI_A_PORTS, 2, 4);
	put_attribute(OTORI_A_DEVICE_STATUS | NLA_F_NESTED, device,
		      without == OTORI_A_DEVICE_INDEX ? 12 : sizeof(device));
	if (without != OTORI_A_DROPPED)
		put_number(OTORI_A_DROPPED, 41, 8);
}

static void put_ack(int error, const char *text)
{
	struct nlmsgerr body = { .error = error, .msg = { .nlmsg_len = NLMSG_HDRLEN } };

	begin(NLMSG_ERROR, text ? NLM_F_CAPPED | NLM_F_ACK_TLVS : NLM_F_CAPPED);
	put(&body, sizeof(body));
	if (text)
		put_text(NLMSGERR_ATTR_MSG, text);
}

static void put_violation(uint16_t without)
{
	begin_answer(OTORI_CMD_VIOLATION, 0);
	put_number(OTORI_A_HOOK, 0, 1);
	if (without != OTORI_A_HOOK_NAME)
		put_text(OTORI_A_HOOK_NAME, "egress");
	put_text(OTORI_A_VERDICT_NAME, "drop_host");
	put_number(OTORI_A_TIME, 5, 8);
	put_number(OTORI_A_MARK, 0, 4);
	put_number(OTORI_A_LENGTH, 60, 4);
	if (without != OTORI_A_FRAME)
		put_attribute(OTORI_A_FRAME, "\1\2\3\4\5\6\7", 7);
}

static struct guard_module *open_module(void)
{
	struct guard_module *module;
	struct problem problem;

	datagrams = taken = 0;
	family_version = OTORI_NETLINK_VERSION;
	assert_int_equal(guard_module_open(&module, &problem), 0);
	return module;
}

/* The status is refused, with so much in its line, and nothing of it is a state. */
static void status_is(struct guard_module *module, int expected, const char *words)
{
	struct guard_module_status status;
	struct problem problem = { 0 };

	assert_int_equal(guard_module_status(module, &status, &problem), expected);
	if (!strstr(problem.text, words))
		fail_msg("'%s' does not say '%s'", problem.text, words);
	assert_null(strchr(problem.text, '\n'));
	assert_int_equal(problem.status, PROBLEM_FAILURE);
	datagrams = taken = 0;
}

/* --- tests ----------------------------------------------------------------------------------------------------------
 */

static void a_family_that_is_newer_is_refused(void **state)
{
	struct guard_module *module;
	struct problem problem;

	(void)state;
	family_version = OTORI_NETLINK_VERSION + 1;
	assert_int_equal(guard_module_open(&module, &problem), -EPROTONOSUPPORT);
	assert_null(module);
	assert_string_equal(problem.text,
			    "the kernel module speaks version 2 of its language, this otori knows 1: update otori");
	family_version = 0;
	assert_int_equal(guard_module_open(&module, &problem), -ENOENT);
	assert_string_equal(problem.text, "the kernel module otori is not loaded (modprobe otori)");
	guard_module_close(open_module());
}

static void a_whole_status_is_read(void **state)
{
	struct guard_module *module = open_module();
	struct guard_module_status status;
	struct problem problem;

	(void)state;
	put_status(0, OTORI_STATE_sealed);
	end(0);
	put_ack(0, NULL);
	end(0);
	assert_int_equal(guard_module_status(module, &status, &problem), 0);
	assert_int_equal(status.state, OTORI_STATE_sealed);
	assert_int_equal(status.decoys, 3);
	assert_int_equal(status.dropped, 41);
	assert_int_equal(status.device_count, 1);
	assert_string_equal(status.device[0].name, "eth0");
	assert_int_equal(status.device[0].ifindex, 7);
	guard_module_close(module);
}

static void a_status_cut_short_is_no_state(void **state)
{
	static const uint16_t needed[] = { OTORI_A_VERSION, OTORI_A_STATE,   OTORI_A_DECOYS,
					   OTORI_A_PORTS,   OTORI_A_DROPPED, OTORI_A_DEVICE_INDEX };
	struct guard_module *module = open_module();
	size_t whole;

	(void)state;
	put_status(0, OTORI_STATE_armed);
	whole = ((struct nlmsghdr *)datagram[0].bytes)->nlmsg_len;
	for (size_t cut = 1; cut <= whole - NLMSG_HDRLEN; cut++) {
		put_status(0, OTORI_STATE_armed);
		end(cut);
		put_ack(0, NULL);
		end(0);
		status_is(module, -EBADMSG,
			  "the kernel module does not tell its status: Bad message: its answer is cut short");
	}
	for (size_t n = 0; n < sizeof(needed) / sizeof(needed[0]); n++) {
		put_status(needed[n], OTORI_STATE_armed);
		end(0);
		put_ack(0, NULL);
		end(0);
		status_is(module, -EBADMSG, "its answer is cut short");
	}
	guard_module_close(module);
}

static void a_state_that_is_not_known_is_no_state(void **state)
{
	struct guard_module *module = open_module();

	(void)state;
	put_status(0, OTORI_STATE_COUNT);
	end(0);
	put_ack(0, NULL);
	end(0);
	status_is(module, -EBADMSG, "not in the language that this otori knows");
	guard_module_close(module);
}

static void no_answer_and_none_that_ends(void **state)
{
	struct guard_module *module = open_module();

	(void)state;
	put_ack(0, NULL);
	end(0);
	status_is(module, -EBADMSG, "it acknowledges, but does not answer");
	put_status(0, OTORI_STATE_armed); /* and no acknowledgement: patience ends */
	end(0);
	status_is(module, -ETIMEDOUT, "its answer cannot be read");
	put_ack(0, NULL); /* the error is cut off */
	end(sizeof(struct nlmsgerr));
	status_is(module, -EIO, "its answer cannot be read");
	guard_module_close(module);
}

static void refusals_are_told_whole_or_cut_short(void **state)
{
	struct guard_module *module = open_module();
	struct nlmsgerr *body = (struct nlmsgerr *)(datagram[0].bytes + NLMSG_HDRLEN);

	(void)state;
	put_ack(-EPERM, "sealed: the guard cannot be lifted");
	end(0);
	status_is(module, -EPERM, "Operation not permitted: sealed: the guard cannot be lifted");
	for (size_t cut = 1; cut <= 40; cut++) { /* its text is 35 bytes and a header of 4 */
		put_ack(-EPERM, "sealed: the guard cannot be lifted");
		end(cut);
		status_is(module, -EPERM, "the kernel module does not tell its status: Operation not permitted");
	}
	/* the message that it quotes is longer than it can be */
	for (uint32_t length = 0x7ffffff0; length >= 0x7ffffff0; length += 0x08000003) {
		put_ack(-EPERM, "sealed");
		((struct nlmsghdr *)datagram[0].bytes)->nlmsg_flags = NLM_F_ACK_TLVS;
		body->msg.nlmsg_len = length;
		end(0);
		status_is(module, -EPERM, "the kernel module does not tell its status: Operation not permitted");
	}
	guard_module_close(module);
}

static void count(const struct guard_module_counter *counter, void *context)
{
	assert_string_equal(counter->hook, "egress");
	assert_string_equal(counter->verdict, "drop_host");
	*(uint64_t *)context += counter->packets;
}

static void counters_cut_short_are_said(void **state)
{
	struct guard_module *module = open_module();
	struct problem problem = { 0 };
	uint64_t packets = 0;

	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		begin_answer(OTORI_CMD_COUNTERS, NLM_F_MULTI);
		put_text(OTORI_A_HOOK_NAME, "egress");
		put_text(OTORI_A_VERDICT_NAME, "drop_host");
		put_number(OTORI_A_PACKETS, 9, 8);
		end(cut ? 4 : 0);
		begin(NLMSG_DONE, NLM_F_MULTI);
		put(&(int){ 0 }, sizeof(int));
		end(0);
		assert_int_equal(guard_module_counters(module, count, &packets, &problem), cut ? -EBADMSG : 0);
		datagrams = taken = 0;
	}
	assert_int_equal(packets, 9);
	assert_non_null(strstr(problem.text,
			       "the kernel module does not tell its counters: Bad message: its answer is cut short"));
	guard_module_close(module);
}

static void take(const struct guard_module_violation *violation, void *context)
{
	assert_string_equal(violation->hook, "egress");
	assert_int_equal(violation->frame.length, 7);
	assert_int_equal(violation->length, 60);
	++*(unsigned *)context;
}

static void violations_cut_short_are_counted(void **state)
{
	struct guard_module *module = open_module();
	struct problem problem;
	unsigned told = 0;
	size_t whole;

	(void)state;
	assert_true(guard_module_watch(module, &problem) >= 0);
	put_violation(0);
	end(0);
	put_violation(OTORI_A_FRAME);
	end(0);
	put_violation(OTORI_A_HOOK_NAME);
	end(0);
	put_violation(0);
	whole = ((struct nlmsghdr *)datagram[datagrams].bytes)->nlmsg_len;
	end(0);
	assert_int_equal(guard_module_read(module, take, &told), 2);
	assert_int_equal(told, 2);
	for (size_t cut = 2; cut <= whole - NLMSG_HDRLEN; cut++) { /* the last byte is padding */
		datagrams = taken = 0;
		put_violation(0);
		end(cut);
		assert_int_equal(guard_module_read(module, take, &told), 1);
	}
	assert_int_equal(told, 2);
	guard_module_close(module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_that_is_newer_is_refused),
		cmocka_unit_test(a_whole_status_is_read),
		cmocka_unit_test(a_status_cut_short_is_no_state),
		cmocka_unit_test(a_state_that_is_not_known_is_no_state),
		cmocka_unit_test(no_answer_and_none_that_ends),
		cmocka_unit_test(refusals_are_told_whole_or_cut_short),
		cmocka_unit_test(counters_cut_short_are_said),
		cmocka_unit_test(violations_cut_short_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
