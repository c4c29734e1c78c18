/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard_tc.c - the guard's filter on clsact's egress: see guard.h.
 *
 * In:  a device and the guard's program. Out: the filter, or what stands in its way. May not touch anybody else's
 * filter.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <netlink/route/tc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datapath/guard.h"

/* BPF_TCX_EGRESS: from 6.6 on; the headers of Debian 12 don't know it. */
#define ATTACH_TCX_EGRESS ((enum bpf_attach_type)47)
#define EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

static bool name_of(uint32_t program, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(program);
	bool got;

	if (fd < 0)
		return false;
	got = bpf_obj_get_info_by_fd(fd, &info, &length) == 0;
	close(fd);
	if (got)
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	return got;
}

/* Program of the filter in our place: its id, 0 = no filter, negative errno. */
static int64_t program_there(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = GUARD_HANDLE, .priority = GUARD_PRIORITY);
	int err;

	libbpf_set_print(NULL); /* that there is no filter is an answer, not an error */
	err = bpf_tc_query(&hook, &filter);

	if (err == -ENOENT || err == -EINVAL)
		return 0; /* no filter, or no clsact to hang one on */
	return err < 0 ? err : (int64_t)filter.prog_id;
}

int guard_install(uint32_t ifindex, const char *name, int program, struct problem *problem)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = GUARD_HANDLE, .priority = GUARD_PRIORITY, .prog_fd = program,
		    .flags = BPF_TC_F_REPLACE);
	char other[BPF_OBJ_NAME_LEN] = "?", text[160] = "";
	int64_t there = program_there(ifindex);
	int err;

	if (there > 0 && (!name_of((uint32_t)there, other) || strcmp(other, GUARD_PROGRAM_NAME) != 0))
		return problem_say(
			problem, PROBLEM_BPF, -EBUSY,
			"%s: the guard's place on tc egress (priority %d, handle %d) is taken by the program '%s'",
			name, GUARD_PRIORITY, GUARD_HANDLE, other);
	err = bpf_tc_hook_create(&hook);
	if (err < 0 && err != -EEXIST)
		return problem_say(problem, PROBLEM_BPF, err,
				   "%s: the guard cannot be put in place: no clsact qdisc: %s", name, strerror(-err));
	err = bpf_tc_attach(&hook, &filter);
	if (err < 0)
		return problem_say(problem, PROBLEM_BPF, err, "%s: the guard cannot be put in place on tc egress: %s",
				   name, strerror(-err));
	err = guard_look(ifindex, 0, text, sizeof(text));
	if (err != GUARD_IN_PLACE)
		return problem_say(problem, PROBLEM_BPF, -EBUSY, "%s: the guard cannot be put in place: %s", name,
				   err < 0 ? strerror(-err) : text);
	return 0;
}

struct filter_count {
	unsigned before, all; /* others' filters that run before ours; all filters but ours */
	char kind[32];
};

static void count_filter(struct nl_object *object, void *context)
{
	struct rtnl_cls *filter = (struct rtnl_cls *)object;
	struct filter_count *count = context;
	uint32_t handle = rtnl_tc_get_handle(TC_CAST(filter));
	const char *kind = rtnl_tc_get_kind(TC_CAST(filter));

	/* the kernel lists a chain's head with handle 0 besides its filters */
	if (handle == 0 || (rtnl_cls_get_prio(filter) == GUARD_PRIORITY && handle == GUARD_HANDLE))
		return;
	count->all++;
	if (rtnl_cls_get_prio(filter) <= GUARD_PRIORITY) {
		count->before++;
		snprintf(count->kind, sizeof(count->kind), "%s", kind ? kind : "?");
	}
}

static int count_filters(uint32_t ifindex, uint32_t parent, struct filter_count *count)
{
	struct nl_sock *socket = nl_socket_alloc();
	struct nl_cache *cache = NULL;
	int err = 0;

	if (!socket)
		return -ENOMEM;
	if (nl_connect(socket, NETLINK_ROUTE) < 0 || rtnl_cls_alloc_cache(socket, (int)ifindex, parent, &cache) < 0)
		err = -EIO;
	else
		nl_cache_foreach(cache, count_filter, count);
	nl_cache_free(cache);
	nl_socket_free(socket);
	return err;
}

/* Programs by the newer hook, which runs before all filters. 0 where the kernel has no such hook. */
static uint32_t tcx_programs(uint32_t ifindex)
{
	uint32_t ids[64];
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_cnt = 64);

	return bpf_prog_query_opts((int)ifindex, ATTACH_TCX_EGRESS, &query) < 0 ? 0 : query.prog_cnt;
}

int guard_look(uint32_t ifindex, uint32_t program, char *text, unsigned text_bytes)
{
	struct filter_count count = { 0 };
	char name[BPF_OBJ_NAME_LEN] = "?";
	int64_t there = program_there(ifindex);

	if (there < 0)
		return (int)there;
	if (there == 0) {
		snprintf(text, text_bytes, "its filter on tc egress is gone");
		return GUARD_ABSENT;
	}
	if (!name_of((uint32_t)there, name) || strcmp(name, GUARD_PROGRAM_NAME) != 0 ||
	    (program && program != (uint32_t)there)) {
		snprintf(text, text_bytes, "its filter on tc egress has another program, '%s'", name);
		return GUARD_FOREIGN;
	}
	if (tcx_programs(ifindex)) {
		snprintf(text, text_bytes, "a tcx program stands before it");
		return GUARD_PASSED_BY;
	}
	if (count_filters(ifindex, EGRESS, &count) == 0 && count.before) {
		snprintf(text, text_bytes, "a filter of kind %s stands before it", count.kind);
		return GUARD_PASSED_BY;
	}
	return GUARD_IN_PLACE;
}

void guard_remove(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = GUARD_HANDLE, .priority = GUARD_PRIORITY);
	struct filter_count count = { 0 };
	char name[BPF_OBJ_NAME_LEN];
	int64_t there;

	if (!ifindex)
		return;
	there = program_there(ifindex);
	if (there <= 0 || !name_of((uint32_t)there, name) || strcmp(name, GUARD_PROGRAM_NAME) != 0)
		return;
	if (bpf_tc_detach(&hook, &filter) < 0)
		return;
	/* clsact goes too where it is empty: nobody but us had a use for it */
	if (count_filters(ifindex, EGRESS, &count) == 0 && count_filters(ifindex, INGRESS, &count) == 0 && !count.all) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
}
