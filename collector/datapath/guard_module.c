/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_module.c - commands to the kernel module and its answers: see guard_module.h.
 *
 * In:  struct guard_module_policy, commands. Out: messages of the family "otori" by libnl, and what its answers say.
 * May not decide what is guarded. The lengths of attributes are libnl's to check, by the policies below; whether an
 * answer is whole is checked here: one that is cut short says nothing, rather than that nothing is guarded.
 */
#include "datapath/guard_module.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_BYTES 262144 /* OTORI_MAX_PREFIXES decoys, each 40 bytes, and room */
#define BUFFER_BYTES 524288
#define ANSWER_SECONDS 10 /* of patience */

struct guard_module {
	struct nl_sock *commands, *violations; /* violations: NULL until watched */
	int family;
	int err;	/* of the command under way */
	char said[256]; /* the kernel's words about it */
};

#define NAME_OF(name, text) #name,
#define TEXT_OF(name, text) text,

const char *guard_module_state_name(uint32_t state)
{
	static const char *const names[] = { OTORI_STATES(NAME_OF) };

	return state < OTORI_STATE_COUNT ? names[state] : "unknown";
}

const char *guard_module_state_text(uint32_t state)
{
	static const char *const texts[] = { OTORI_STATES(TEXT_OF) };

	return state < OTORI_STATE_COUNT ? texts[state] : "a state that this otori does not know";
}

static struct nla_policy policy[OTORI_A_END] = {
	[OTORI_A_VERSION] = { .type = NLA_U32 },
	[OTORI_A_STATE] = { .type = NLA_U8 },
	[OTORI_A_FLOWS] = { .type = NLA_U32 },
	[OTORI_A_DECOYS] = { .type = NLA_U32 },
	[OTORI_A_PORTS] = { .type = NLA_U32 },
	[OTORI_A_DROPPED] = { .type = NLA_U64 },
	[OTORI_A_DEVICE_STATUS] = { .type = NLA_NESTED },
	[OTORI_A_HOOK] = { .type = NLA_U8 },
	[OTORI_A_HOOK_NAME] = { .type = NLA_STRING },
	[OTORI_A_VERDICT] = { .type = NLA_U8 },
	[OTORI_A_VERDICT_NAME] = { .type = NLA_STRING },
	[OTORI_A_PACKETS] = { .type = NLA_U64 },
	[OTORI_A_TIME] = { .type = NLA_U64 },
	[OTORI_A_DEVICE_NAME] = { .type = NLA_STRING, .maxlen = IF_NAMESIZE },
	[OTORI_A_DEVICE_INDEX] = { .type = NLA_U32 },
	[OTORI_A_MARK] = { .type = NLA_U32 },
	[OTORI_A_LENGTH] = { .type = NLA_U32 },
	[OTORI_A_PROCESS] = { .type = NLA_U32 },
	[OTORI_A_COMMAND] = { .type = NLA_STRING },
	[OTORI_A_UNTOLD] = { .type = NLA_U64 },
};

static uint32_t get_u32(struct nlattr *const *a, int type)
{
	return a[type] ? nla_get_u32(a[type]) : 0;
}

static uint64_t get_u64(struct nlattr *const *a, int type)
{
	return a[type] ? nla_get_u64(a[type]) : 0;
}

/* Takes an answer apart: 0, or -EBADMSG where it ends within an attribute, or one has another length than it must. */
static int parse(struct nl_msg *message, struct nlattr **a)
{
	struct nlattr *attribute;
	int rest;

	if (genlmsg_parse(nlmsg_hdr(message), 0, a, OTORI_A_END - 1, policy) < 0)
		return -EBADMSG;
	attribute = nlmsg_attrdata(nlmsg_hdr(message), GENL_HDRLEN);
	rest = nlmsg_attrlen(nlmsg_hdr(message), GENL_HDRLEN);
	while (nla_ok(attribute, rest))
		attribute = nla_next(attribute, &rest);
	return rest > 0 ? -EBADMSG : 0;
}

/* Are they all there? types ends with 0. */
static bool has(struct nlattr *const *a, const int *types)
{
	while (*types && a[*types])
		types++;
	return *types == 0;
}

#define HAS(a, ...) has(a, (const int[]){ __VA_ARGS__, 0 })

/* The kernel ends its texts with a zero, and libnl has checked that they have one. */
static const char *get_text(struct nlattr *const *a, int type)
{
	return a[type] && nla_len(a[type]) > 0 && ((char *)nla_data(a[type]))[nla_len(a[type]) - 1] == '\0'
		       ? nla_get_string(a[type])
		       : "";
}

/* --- a command and its acknowledgement ---------------------------------------------------------------------------- */

/* libnl 3.7 hands over the error, but not the text that follows the message it quotes. */
static int take_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *context)
{
	struct guard_module *module = context;
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	struct nlattr *a[NLMSGERR_ATTR_MAX + 1];
	size_t skip = sizeof(*error);

	(void)from;
	module->err = error->error;
	if (!(header->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len > NLMSG_HDRLEN)
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) && skip <= header->nlmsg_len &&
	    nlmsg_parse(header, (int)skip, a, NLMSGERR_ATTR_MAX, NULL) == 0 && a[NLMSGERR_ATTR_MSG])
		nla_strlcpy(module->said, a[NLMSGERR_ATTR_MSG], sizeof(module->said));
	return NL_STOP;
}

static int take_ack(struct nl_msg *message, void *context)
{
	(void)message;
	((struct guard_module *)context)->err = 0;
	return NL_STOP;
}

static int take_end(struct nl_msg *message, void *context)
{
	(void)message;
	((struct guard_module *)context)->err = 0;
	return NL_STOP;
}

static struct nl_msg *message_new(const struct guard_module *module, uint8_t command, int flags)
{
	struct nl_msg *message = nlmsg_alloc_size(MESSAGE_BYTES);

	if (message && !genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, module->family, 0, flags, command,
				    OTORI_NETLINK_VERSION)) {
		nlmsg_free(message);
		message = NULL;
	}
	return message;
}

/* Who reads the answers of a command, and how that went. */
struct reader {
	int (*read)(struct nl_msg *message, void *context); /* 0 or -EBADMSG */
	void *context;
	uint32_t whole, damaged; /* answers */
};

static int take_answer(struct nl_msg *message, void *context)
{
	struct reader *reader = context;

	if (reader->read(message, reader->context) == 0)
		reader->whole++;
	else
		reader->damaged++;
	return NL_OK;
}

static int judge(struct guard_module *module, const struct reader *reader)
{
	if (!reader || (reader->whole && !reader->damaged))
		return 0;
	snprintf(module->said, sizeof(module->said), "%s",
		 reader->damaged ? "its answer is cut short, or not in the language that this otori knows"
				 : "it acknowledges, but does not answer");
	return -EBADMSG;
}

/* Sends, frees, and reads until the acknowledgement or the end. reader: of every answer; NULL where there is none. */
static int talk(struct guard_module *module, struct nl_msg *message, struct reader *reader)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err = -ENOMEM, got;

	module->said[0] = '\0';
	if (!cb || !message)
		goto out;
	nl_cb_err(cb, NL_CB_CUSTOM, take_error, module);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, take_ack, module);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, take_end, module);
	if (reader)
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, take_answer, reader);
	module->err = 1;
	got = nl_send_auto(module->commands, message);
	while (got >= 0 && module->err == 1)
		got = nl_recvmsgs(module->commands, cb);
	if (module->err == 1) {
		err = got == -NLE_AGAIN ? -ETIMEDOUT : -EIO;
		snprintf(module->said, sizeof(module->said), "its answer cannot be read: %s", nl_geterror(got));
	} else {
		err = module->err ? module->err : judge(module, reader);
	}
out:
	nlmsg_free(message);
	nl_cb_put(cb);
	return err;
}

static int refused(const struct guard_module *module, struct problem *problem, int err, const char *what)
{
	return problem_say(problem, PROBLEM_FAILURE, err, "the kernel module does not %s: %s%s%s", what, strerror(-err),
			   module->said[0] ? ": " : "", module->said);
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

static int find_family(struct guard_module *module, struct problem *problem)
{
	struct genl_family *family = NULL;
	struct nl_cache *cache = NULL;
	int err = 0, version = 0;

	if (genl_ctrl_alloc_cache(module->commands, &cache) < 0)
		return problem_say(problem, PROBLEM_FAILURE, -EIO, "the families of generic netlink cannot be read");
	family = genl_ctrl_search_by_name(cache, OTORI_NETLINK_FAMILY);
	if (family) {
		module->family = (int)genl_family_get_id(family);
		version = genl_family_get_version(family);
		genl_family_put(family);
	}
	nl_cache_free(cache);
	if (!family)
		err = problem_say(problem, PROBLEM_FAILURE, -ENOENT,
				  "the kernel module otori is not loaded (modprobe otori)");
	else if (version > OTORI_NETLINK_VERSION)
		err = problem_say(problem, PROBLEM_FAILURE, -EPROTONOSUPPORT,
				  "the kernel module speaks version %d of its language, this otori knows %d: "
				  "update otori",
				  version, OTORI_NETLINK_VERSION);
	return err;
}

static struct nl_sock *socket_new(void)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	int one = 1;

	if (!socket || genl_connect(socket) < 0 || nl_socket_set_buffer_size(socket, BUFFER_BYTES, BUFFER_BYTES) < 0) {
		nl_socket_free(socket);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return socket;
}

int guard_module_open(struct guard_module **out, struct problem *problem)
{
	struct guard_module *module = calloc(1, sizeof(*module));
	int err;

	*out = NULL;
	if (module)
		module->commands = socket_new();
	if (!module || !module->commands)
		err = problem_say(problem, PROBLEM_FAILURE, -EIO, "generic netlink cannot be spoken");
	else
		err = find_family(module, problem);
	if (err)
		guard_module_close(module);
	else
		*out = module;
	return err;
}

void guard_module_close(struct guard_module *module)
{
	if (!module)
		return;
	nl_socket_free(module->commands);
	nl_socket_free(module->violations);
	free(module);
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

static int put_decoy(struct nl_msg *message, const struct datapath_decoy *decoy)
{
	struct nlattr *nest = nla_nest_start(message, OTORI_A_DECOY | NLA_F_NESTED);
	bool ipv4 = prefix_ipv4(&decoy->prefix);

	if (!nest ||
	    nla_put(message, OTORI_A_DECOY_ADDRESS, ipv4 ? 4 : 16, decoy->prefix.address + (ipv4 ? 12 : 0)) < 0 ||
	    nla_put_u8(message, OTORI_A_DECOY_BITS, (uint8_t)(decoy->prefix.bits - (ipv4 ? 96 : 0))) < 0 ||
	    nla_put_u8(message, OTORI_A_DECOY_KIND, decoy->kind) < 0)
		return -EMSGSIZE;
	nla_nest_end(message, nest);
	return 0;
}

static int put_policy(struct nl_msg *message, const struct guard_module_policy *wanted)
{
	int err = 0;

	for (uint32_t n = 0; n < wanted->decoy_count && !err; n++)
		err = put_decoy(message, &wanted->decoys[n]);
	for (uint32_t n = 0; n < wanted->port_count && !err; n++)
		err = nla_put_u16(message, OTORI_A_PORT, wanted->ports[n]);
	for (uint32_t n = 0; n < wanted->device_count && !wanted->every_device && !err; n++)
		err = nla_put_string(message, OTORI_A_DEVICE, wanted->devices[n]);
	if (!err && wanted->every_device)
		err = nla_put_flag(message, OTORI_A_EVERY_DEVICE);
	if (!err && wanted->flows)
		err = nla_put_u32(message, OTORI_A_FLOWS, wanted->flows);
	return err ? -EMSGSIZE : 0;
}

int guard_module_arm(struct guard_module *module, const struct guard_module_policy *wanted, struct problem *problem)
{
	struct nl_msg *message = message_new(module, OTORI_CMD_ARM, NLM_F_ACK);
	int err = message ? put_policy(message, wanted) : -ENOMEM;

	if (err) {
		nlmsg_free(message);
		return problem_say(problem, PROBLEM_FAILURE, err, "the kernel module cannot be armed: %s",
				   strerror(-err));
	}
	err = talk(module, message, NULL);
	return err ? refused(module, problem, err, "arm") : 0;
}

int guard_module_command(struct guard_module *module, enum otori_command command, struct problem *problem)
{
	int err = talk(module, message_new(module, (uint8_t)command, NLM_F_ACK), NULL);

	if (!err)
		return 0;
	return refused(module, problem, err,
		       command == OTORI_CMD_SEAL   ? "seal"
		       : command == OTORI_CMD_LOCK ? "lock"
						   : "disarm");
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static int read_device(struct guard_module_status *status, struct nlattr *nest)
{
	struct guard_module_device *device = &status->device[status->device_count % OTORI_MAX_DEVICES];
	struct nlattr *a[OTORI_A_END];

	if (nla_parse_nested(a, OTORI_A_END - 1, nest, policy) < 0 ||
	    !HAS(a, OTORI_A_DEVICE_NAME, OTORI_A_DEVICE_INDEX))
		return -EBADMSG;
	if (status->device_count++ >= OTORI_MAX_DEVICES)
		return 0;
	snprintf(device->name, sizeof(device->name), "%s", get_text(a, OTORI_A_DEVICE_NAME));
	device->ifindex = get_u32(a, OTORI_A_DEVICE_INDEX);
	device->here = a[OTORI_A_DEVICE_NAMESPACE] != NULL;
	return 0;
}

static int read_status(struct nl_msg *message, void *context)
{
	struct guard_module_status *status = context;
	struct nlattr *a[OTORI_A_END], *attribute;
	int err = parse(message, a), rest;

	if (err || !HAS(a, OTORI_A_VERSION, OTORI_A_STATE, OTORI_A_DECOYS, OTORI_A_PORTS, OTORI_A_DROPPED) ||
	    nla_get_u8(a[OTORI_A_STATE]) >= OTORI_STATE_COUNT)
		return -EBADMSG;
	status->version = get_u32(a, OTORI_A_VERSION);
	status->state = nla_get_u8(a[OTORI_A_STATE]);
	status->kfunc = a[OTORI_A_KFUNC] != NULL;
	status->every_device = a[OTORI_A_EVERY_DEVICE] != NULL;
	status->here = a[OTORI_A_NAMESPACE] != NULL;
	status->flow_slots = get_u32(a, OTORI_A_FLOWS);
	status->decoys = get_u32(a, OTORI_A_DECOYS);
	status->ports = get_u32(a, OTORI_A_PORTS);
	status->dropped = get_u64(a, OTORI_A_DROPPED);
	attribute = nlmsg_attrdata(nlmsg_hdr(message), GENL_HDRLEN);
	rest = nlmsg_attrlen(nlmsg_hdr(message), GENL_HDRLEN);
	for (; !err && nla_ok(attribute, rest); attribute = nla_next(attribute, &rest))
		if (nla_type(attribute) == OTORI_A_DEVICE_STATUS)
			err = read_device(status, attribute);
	return err;
}

int guard_module_status(struct guard_module *module, struct guard_module_status *status, struct problem *problem)
{
	struct reader reader = { .read = read_status, .context = status };
	int err;

	memset(status, 0, sizeof(*status));
	err = talk(module, message_new(module, OTORI_CMD_STATUS, NLM_F_ACK), &reader);
	return err ? refused(module, problem, err, "tell its status") : 0;
}

struct counter_taker {
	guard_module_take_counter *take;
	void *context;
};

static int read_counter(struct nl_msg *message, void *context)
{
	const struct counter_taker *taker = context;
	struct nlattr *a[OTORI_A_END];
	struct guard_module_counter counter;

	if (parse(message, a) || !HAS(a, OTORI_A_HOOK_NAME, OTORI_A_VERDICT_NAME, OTORI_A_PACKETS))
		return -EBADMSG;
	counter.hook = get_text(a, OTORI_A_HOOK_NAME);
	counter.verdict = get_text(a, OTORI_A_VERDICT_NAME);
	counter.packets = get_u64(a, OTORI_A_PACKETS);
	taker->take(&counter, taker->context);
	return 0;
}

int guard_module_counters(struct guard_module *module, guard_module_take_counter *take, void *context,
			  struct problem *problem)
{
	struct counter_taker taker = { take, context };
	struct reader reader = { .read = read_counter, .context = &taker };
	int err = talk(module, message_new(module, OTORI_CMD_COUNTERS, NLM_F_DUMP), &reader);

	return err ? refused(module, problem, err, "tell its counters") : 0;
}

/* --- violations --------------------------------------------------------------------------------------------------- */

struct violation_taker {
	guard_module_take_violation *take;
	void *context;
	uint32_t damaged;
};

int guard_module_watch(struct guard_module *module, struct problem *problem)
{
	int group = genl_ctrl_resolve_grp(module->commands, OTORI_NETLINK_FAMILY, OTORI_NETLINK_GROUP), err = 0;

	module->violations = socket_new();
	if (group < 0 || !module->violations)
		err = -EIO;
	if (!err) {
		nl_socket_disable_seq_check(module->violations);
		err = nl_socket_set_nonblocking(module->violations) < 0 ? -EIO : 0;
	}
	if (!err && nl_socket_add_memberships(module->violations, group, 0) < 0)
		err = -EPERM;
	if (err)
		return problem_say(problem, PROBLEM_FAILURE, err, "the kernel module's violations cannot be heard: %s",
				   strerror(-err));
	return nl_socket_get_fd(module->violations);
}

static int take_violation(struct nl_msg *message, void *context)
{
	struct violation_taker *taker = context;
	struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(message));
	struct guard_module_violation violation;
	struct nlattr *a[OTORI_A_END];

	if (nlmsg_datalen(nlmsg_hdr(message)) >= (int)GENL_HDRLEN && header->cmd != OTORI_CMD_VIOLATION)
		return NL_SKIP;
	if (parse(message, a) || !HAS(a, OTORI_A_HOOK_NAME, OTORI_A_VERDICT_NAME, OTORI_A_TIME, OTORI_A_MARK,
				      OTORI_A_LENGTH, OTORI_A_FRAME)) {
		taker->damaged++;
		return NL_SKIP;
	}
	violation = (struct guard_module_violation){ .hook = get_text(a, OTORI_A_HOOK_NAME),
						     .verdict = get_text(a, OTORI_A_VERDICT_NAME),
						     .device = get_text(a, OTORI_A_DEVICE_NAME),
						     .command = get_text(a, OTORI_A_COMMAND),
						     .seen_at_ns = get_u64(a, OTORI_A_TIME),
						     .untold = get_u64(a, OTORI_A_UNTOLD),
						     .mark = get_u32(a, OTORI_A_MARK),
						     .length = get_u32(a, OTORI_A_LENGTH),
						     .process = get_u32(a, OTORI_A_PROCESS) };
	violation.frame = (struct slice){ nla_data(a[OTORI_A_FRAME]), (size_t)nla_len(a[OTORI_A_FRAME]) };
	taker->take(&violation, taker->context);
	return NL_OK;
}

uint32_t guard_module_read(struct guard_module *module, guard_module_take_violation *take, void *context)
{
	struct violation_taker taker = { take, context, 0 };
	int err;

	nl_socket_modify_cb(module->violations, NL_CB_VALID, NL_CB_CUSTOM, take_violation, &taker);
	do {
		err = nl_recvmsgs_default(module->violations);
	} while (err >= 0);
	return taker.damaged;
}
