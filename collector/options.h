/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - what the operator set for `otori run`: long options and the keys of the configuration file, which are the
 * same.
 *
 * In:  argv and a file of `key = value` lines. Out: struct run_options, checked; one clear line where something is
 * wrong. Called by run.c. May not look at devices, users or files other than the two it is given (the configuration,
 * the quiet list).
 */
#ifndef OTORI_OPTIONS_H
#define OTORI_OPTIONS_H

#include <net/if.h>
#include <stdio.h>

#include "../include/otori/datapath.h"
#include "base/prefix.h"
#include "base/problem.h"

#define OPTIONS_SENSOR_BYTES 64

enum options_xdp_mode { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_SKB };

struct prefix_list {
	struct prefix *items; /* owned */
	uint32_t count;
};

struct run_options {
	char interfaces[OTORI_MAX_DEVICES][IF_NAMESIZE];
	uint32_t interface_count;
	struct prefix_list decoys;
	struct prefix_list quiet; /* what quiet_sources holds */
	uint16_t ports[OTORI_MAX_PORTS];
	uint32_t port_count;
	char sensor[OPTIONS_SENSOR_BYTES];
	char *database, *embedded, *journal, *quiet_sources, *responder_user, *loader_user,
		*rules;	   /* owned; NULL = not set */
	uint32_t xdp_mode; /* enum options_xdp_mode */
	uint32_t rings;	   /* 0 = one per core */
	uint32_t flows;	   /* of all workers together */
	uint32_t idle_seconds, total_seconds;
	uint32_t limit_per_prefix, limit_global; /* SYN-ACKs a second, 0 = no limit */
	uint32_t sample_probability;		 /* 2^32-1 = 1.0 */
	uint32_t restart_grace;			 /* seconds */
	uint32_t answer_arp, answer_echo, secrets_clear, impersonate;
	uint32_t page_bytes, segment_seconds, commit_milliseconds;
	uint64_t mail_limit;	     /* bytes */
	uint32_t seal;		     /* the kernel module's guard is not to be lifted */
	uint32_t guard_every_device; /* the module's guard: not only on interfaces */
	uint32_t unload, check;	     /* commands rather than settings */
	uint32_t help;
};

/*
 * Fills options from argv (argv[0] is skipped) and from the file that --config names. The command line wins over the
 * file, the file over the defaults. 0 or a negative errno with one line in problem. Close in either case.
 */
int options_read(struct run_options *options, int argc, char **argv, struct problem *problem);
/* Reads the list of prefixes that quiet_sources names, one a line, '#' begins a comment. Replaces options->quiet. */
int options_read_quiet(struct run_options *options, struct problem *problem);
void options_close(struct run_options *options);
void options_help(FILE *out);

/* Names a sensor after the host, with what a name may not hold replaced. sensor: OPTIONS_SENSOR_BYTES. */
void options_sensor_from_host(char *sensor);

#endif
