// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * datapath_takeover.c - load, guard, attach, take over, unload: on a veth pair in a network and mount namespace of the
 * test's own.
 *
 * In:  root; the BPF programs. Out: cmocka's verdict; 77 where there is no root. The host's bpffs and devices are not
 * touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../include/otori/cookie.h"
#include "base/clock.h"
#include "datapath/datapath.h"
#include "datapath/skeletons.h"
#include "datapath/guard.h"
#include "datapath/host.h"
#include "datapath/pins.h"

static struct datapath_device device;
static const uint16_t ports[] = { 1080, 25 };

static struct datapath_decoy decoy_of(const char *text, uint8_t kind)
{
	struct datapath_decoy decoy = { .kind = kind };

	assert_int_equal(prefix_parse(text, &decoy.prefix), 0);
	return decoy;
}

/* Opens with one decoy prefix; the rest as given. */
static int open_for(struct datapath *datapath, const struct datapath_decoy *decoys, uint32_t decoy_count,
		    uint32_t rings, uint32_t flows, const uint16_t *list, uint32_t count, struct problem *problem)
{
	struct datapath_plan plan = { .devices = &device,
				      .device_count = 1,
				      .decoys = decoys,
				      .decoy_count = decoy_count,
				      .ports = list,
				      .port_count = count,
				      .rings = rings,
				      .ring_bytes = 65536,
				      .flows = flows,
				      .settings = { .idle_seconds = 60, .answer_grace_ns = 30 * NS_PER_SECOND } };

	datapath_init(datapath);
	problem->text[0] = '\0';
	return datapath_open(datapath, &plan, problem);
}

static int open_with(struct datapath *datapath, uint32_t rings, uint32_t flows, const uint16_t *list, uint32_t count,
		     struct problem *problem)
{
	struct datapath_decoy decoys[] = { decoy_of("198.18.0.0/16", OTORI_DECOY_UNUSED),
					   decoy_of("192.0.2.1", OTORI_DECOY_OWN) };

	return open_for(datapath, decoys, 2, rings, flows, list, count, problem);
}

static void must(int err, const struct problem *problem)
{
	if (err)
		fail_msg("%s (%d)", problem->text, err);
}

static uint32_t attached_program(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)device.ifindex, 0, &id), 0);
	return id;
}

static uint64_t seen(const struct datapath *datapath, uint32_t index)
{
	int cpus = libbpf_num_possible_cpus();
	struct otori_port_counters *values = calloc((size_t)cpus, sizeof(*values));
	uint64_t sum = 0;

	assert_int_equal(bpf_map_lookup_elem(datapath_map(datapath, "port_counters"), &index, values), 0);
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu].ipv4.seen + values[cpu].ipv6.seen;
	free(values);
	return sum;
}

static void a_start_guards_before_it_attaches_and_an_unload_leaves_nothing(void **state)
{
	struct problem problem;
	struct datapath datapath;
	char text[160];

	(void)state;
	must(open_with(&datapath, 2, 1000, ports, 2, &problem), &problem);
	assert_false(datapath.taken_over);
	assert_int_equal(attached_program(), 0);
	must(datapath_guard(&datapath, &problem), &problem);
	assert_int_equal(guard_look(device.ifindex, datapath_guard_program(&datapath), text, sizeof(text)),
			 GUARD_IN_PLACE);
	assert_int_equal(attached_program(), 0);
	must(datapath_attach(&datapath, DATAPATH_MODE_AUTO, &problem), &problem);
	assert_int_not_equal(attached_program(), 0);
	assert_int_equal(datapath.settings->answering, 0);
	assert_true(datapath.settings->ns_per_jiffy > 0);
	/* what XDP takes for now is now */
	datapath_clock(&datapath);
	datapath_close(&datapath);
	assert_int_not_equal(attached_program(), 0); /* a stop leaves it */
	assert_int_equal(datapath_unload(&datapath, &problem), 1);
	assert_int_equal(attached_program(), 0);
	assert_int_equal(guard_look(device.ifindex, 0, text, sizeof(text)), GUARD_ABSENT);
	assert_int_equal(access(OTORI_PIN_DIRECTORY, F_OK), -1);
	assert_int_equal(system("tc qdisc show dev s0 | grep -q clsact"), 256);
	assert_int_equal(datapath_unload(&datapath, &problem), 0);
}

static void a_second_start_is_refused_while_one_holds_the_pins(void **state)
{
	struct datapath first, second;
	struct problem problem;

	(void)state;
	must(open_with(&first, 1, 1000, ports, 2, &problem), &problem);
	assert_int_equal(open_with(&second, 1, 1000, ports, 2, &problem), -EBUSY);
	assert_non_null(strstr(problem.text, "already"));
	datapath_close(&second);
	assert_int_equal(datapath_unload(&second, &problem), -EBUSY);
	datapath_close(&first);
	assert_int_equal(datapath_unload(&first, &problem), 1);
}

static void a_restart_takes_over_counters_keys_and_link(void **state)
{
	static const uint16_t more[] = { 8080, 25 };
	struct otori_keys before, after;
	struct datapath datapath;
	struct problem problem;
	uint32_t zero = 0, program, in_use;
	uint64_t packets;

	(void)state;
	must(open_with(&datapath, 1, 1000, ports, 2, &problem), &problem);
	must(datapath_guard(&datapath, &problem), &problem);
	must(datapath_attach(&datapath, DATAPATH_MODE_AUTO, &problem), &problem);
	assert_int_equal(bpf_map_lookup_elem(datapath_map(&datapath, "keys"), &zero, &before), 0);
	assert_int_equal(system("ping -q -c 3 -i 0.01 -W 1 -I c0 192.0.2.200 >/dev/null 2>&1; true"), 0);
	assert_int_equal(datapath.ports[1], 1080);
	assert_int_equal(datapath.ports[2], 25);
	datapath.settings->answering = 1;
	program = attached_program();
	datapath_close(&datapath);
	must(open_with(&datapath, 1, 1000, more, 2, &problem), &problem);
	assert_true(datapath.taken_over);
	packets = seen(&datapath, 0);
	assert_true(packets > 0);
	assert_int_equal(attached_program(), program);	   /* the old one works on until the new one is ready */
	assert_int_equal(datapath.settings->answering, 1); /* it is the live map */
	must(datapath_guard(&datapath, &problem), &problem);
	must(datapath_attach(&datapath, DATAPATH_MODE_AUTO, &problem), &problem);
	assert_int_not_equal(attached_program(), program);
	assert_int_equal(bpf_map_lookup_elem(datapath_map(&datapath, "keys"), &zero, &after), 0);
	/* the cookie key of the coming generation may be drawn anew, the one in use may not */
	in_use = otori_cookie_key_index((uint32_t)(clock_utc_ns() / NS_PER_SECOND >> OTORI_COOKIE_EPOCH_SHIFT));
	assert_memory_equal(before.cookie[in_use], after.cookie[in_use], sizeof(before.cookie[0]));
	assert_memory_equal(before.admission, after.admission, sizeof(before.admission));
	assert_memory_equal(before.limit, after.limit, sizeof(before.limit));
	/* a port keeps its index, a new one gets a free one, one that is gone is offered no more */
	assert_int_equal(datapath.ports[2], 25);
	assert_int_equal(datapath.ports[3], 8080);
	{
		static otori_port_index table[65536];
		uint32_t gone = 1080, kept = 25;
		otori_port_index index;

		/* the program reads its own table, map ports is the guard's */
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(datapath.otori->maps.data_ports), &zero, table), 0);
		assert_int_equal(table[gone], 0);
		assert_int_equal(table[kept], 2);

		assert_int_equal(bpf_map_lookup_elem(datapath_map(&datapath, "ports"), &gone, &index), 0);
		assert_int_equal(index, 0);
		assert_int_equal(bpf_map_lookup_elem(datapath_map(&datapath, "ports"), &kept, &index), 0);
		assert_int_equal(index, 2);
	}
	datapath_close(&datapath);
	datapath_unload(&datapath, &problem);
}

static void another_size_replaces_the_admission_table_alone(void **state)
{
	struct datapath datapath;
	struct problem problem;
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info), counters;

	(void)state;
	must(open_with(&datapath, 1, 1000, ports, 2, &problem), &problem);
	bpf_obj_get_info_by_fd(datapath_map(&datapath, "port_counters"), &info, &length);
	counters = info.id;
	datapath_close(&datapath);
	must(open_with(&datapath, 1, 100000, ports, 2, &problem), &problem);
	memset(&info, 0, sizeof(info));
	length = sizeof(info);
	bpf_obj_get_info_by_fd(datapath_map(&datapath, "admission"), &info, &length);
	assert_int_equal(info.max_entries, 32768); /* 8 slots each, twice the flows at least */
	memset(&info, 0, sizeof(info));
	length = sizeof(info);
	bpf_obj_get_info_by_fd(datapath_map(&datapath, "port_counters"), &info, &length);
	assert_int_equal(info.id, counters);
	datapath_close(&datapath);
	datapath_unload(&datapath, &problem);
}

static void decoys_are_replaced_as_a_whole(void **state)
{
	struct datapath_decoy other[] = { decoy_of("2001:db8:18::/112", OTORI_DECOY_UNUSED) };
	struct otori_prefix key = { .prefix_bits = 128,
				    .address = { [10] = 0xff, [11] = 0xff, [12] = 198, [13] = 18, [15] = 9 } };
	struct datapath datapath;
	struct otori_decoy value;
	struct problem problem;
	int map;

	(void)state;
	must(open_with(&datapath, 1, 1000, ports, 2, &problem), &problem);
	map = datapath_map(&datapath, "decoys");
	assert_int_equal(bpf_map_lookup_elem(map, &key, &value), 0);
	assert_int_equal(value.kind, OTORI_DECOY_UNUSED);
	assert_int_equal(datapath.otori->rodata->few_decoys.count, 2);
	assert_int_equal(datapath.guard->rodata->few_decoys.prefix[0].kind, OTORI_DECOY_OWN); /* the longest first */
	datapath_close(&datapath);
	/* the next run takes the map over, and puts its own in */
	must(open_for(&datapath, other, 1, 1, 1000, ports, 2, &problem), &problem);
	map = datapath_map(&datapath, "decoys");
	assert_true(bpf_map_lookup_elem(map, &key, &value) < 0);
	datapath_close(&datapath);
	datapath_unload(&datapath, &problem);
}

static void own_addresses_within_a_prefix_are_told_apart(void **state)
{
	struct prefix prefixes[2];
	struct datapath_decoy *decoys;
	int count, own = 0;

	(void)state;
	prefix_parse("192.0.2.0/24", &prefixes[0]);
	prefix_parse("198.18.0.0/16", &prefixes[1]);
	count = host_decoys(prefixes, 2, &decoys);
	assert_true(count == 4); /* s0's and c0's address stand in one namespace here */
	for (int n = 0; n < count; n++)
		own += decoys[n].kind == OTORI_DECOY_OWN && decoys[n].prefix.bits == 128;
	assert_int_equal(own, 2);
	free(decoys);
}

/* Somebody's filter on the same hook. */
static void add_filter(const struct datapath *datapath, uint32_t priority, uint32_t handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)device.ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = handle, .priority = priority,
		    .prog_fd = datapath_guard_descriptor(datapath));

	assert_int_equal(bpf_tc_attach(&hook, &filter), 0);
}

static void the_watch_hears_when_the_guard_goes_and_what_stands_before_it(void **state)
{
	struct guard_watch *watch;
	struct datapath datapath;
	struct problem problem;
	char text[160];

	(void)state;
	must(open_with(&datapath, 1, 1000, ports, 2, &problem), &problem);
	must(datapath_guard(&datapath, &problem), &problem);
	must(guard_watch_open(&watch, &problem), &problem);
	assert_int_equal(guard_watch_read(watch), 0);
	assert_int_equal(system("tc filter del dev s0 egress"), 0);
	assert_int_equal(guard_watch_read(watch), 1);
	assert_int_equal(guard_look(device.ifindex, 0, text, sizeof(text)), GUARD_ABSENT);
	must(datapath_guard(&datapath, &problem), &problem);
	guard_watch_read(watch);
	assert_int_equal(system("tc qdisc del dev s0 clsact"), 0);
	assert_int_equal(guard_watch_read(watch), 1);
	must(datapath_guard(&datapath, &problem), &problem);
	/* behind the guard others may do what they like, before it not */
	add_filter(&datapath, 7, 1);
	assert_int_equal(guard_look(device.ifindex, 0, text, sizeof(text)), GUARD_IN_PLACE);
	add_filter(&datapath, GUARD_PRIORITY, GUARD_HANDLE + 1);
	assert_int_equal(guard_look(device.ifindex, 0, text, sizeof(text)), GUARD_PASSED_BY);
	assert_true(datapath_guard(&datapath, &problem) < 0);
	guard_watch_close(watch);
	datapath_close(&datapath);
	datapath_unload(&datapath, &problem);
}

/* A namespace of our own, with a veth pair and bpffs not mounted: datapath_open mounts it. */
static int set_up(void **state)
{
	struct problem problem;

	(void)state;
	/* EINVAL: in a chroot / is no mount */
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno != EINVAL))
		return -1;
	while (umount2("/sys/fs/bpf", MNT_DETACH) == 0)
		;
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) < 0) /* that of the new network namespace */
		return -1;
	if (system("ip link add s0 type veth peer name c0 && ip address add 192.0.2.1/24 dev s0 && ip address add "
		   "192.0.2.2/24 dev c0 && "
		   "ip link set c0 up && ip link set s0 up") != 0)
		return -1;
	return host_device("s0", &device, &problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_guards_before_it_attaches_and_an_unload_leaves_nothing),
		cmocka_unit_test(a_second_start_is_refused_while_one_holds_the_pins),
		cmocka_unit_test(a_restart_takes_over_counters_keys_and_link),
		cmocka_unit_test(another_size_replaces_the_admission_table_alone),
		cmocka_unit_test(decoys_are_replaced_as_a_whole),
		cmocka_unit_test(own_addresses_within_a_prefix_are_told_apart),
		cmocka_unit_test(the_watch_hears_when_the_guard_goes_and_what_stands_before_it),
	};

	if (geteuid() != 0) {
		puts("network namespaces and BPF need root");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, NULL);
}
