/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start_block.c - everything the responder needs to know, in one block of memory that nobody can change.
 *
 * In:  options, datapath, the sensor's secrets. Out: a sealed memfd with struct responder_start. Called before each
 * exec of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

#define RECORD_BYTES (4u << 20)	  /* a worker's records between two commits; a frame of the journal takes 8 MiB */
#define SEGMENT_BYTES (64u << 20) /* of journal, compressed */
#define CHUNKS_LEAST 65536u	  /* 32 MiB, touched only when used */
#define SECRET_FILE "sensor.key"

int start_block_secrets(struct supervisor *supervisor, struct problem *problem)
{
	char path[4096];
	ssize_t got;
	int fd;

	/* kept beside the journal: hashes of passwords must stay comparable over restarts */
	snprintf(path, sizeof(path), "%s/" SECRET_FILE, supervisor->options->journal);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return problem_say(problem, PROBLEM_FAILURE, -errno, "%s: %s", path, strerror(errno));
	got = read(fd, supervisor->secret, sizeof(supervisor->secret));
	if (got == (ssize_t)sizeof(supervisor->secret)) {
		close(fd);
		return 0;
	}
	if (getrandom(supervisor->secret, sizeof(supervisor->secret), 0) != (ssize_t)sizeof(supervisor->secret) ||
	    pwrite(fd, supervisor->secret, sizeof(supervisor->secret), 0) != (ssize_t)sizeof(supervisor->secret) ||
	    fsync(fd) < 0) {
		close(fd);
		return problem_say(problem, PROBLEM_FAILURE, -EIO, "%s cannot be written", path);
	}
	close(fd);
	return 0;
}

static void fill(struct responder_start *start, const struct supervisor *supervisor)
{
	const struct run_options *options = supervisor->options;
	const struct datapath *datapath = &supervisor->datapath;
	uint32_t flows = options->flows / datapath->rings;

	start->version = RESPONDER_START_VERSION;
	start->workers = datapath->rings;
	start->devices = datapath->device_count;
	start->flows = flows;
	start->conversations = flows;
	start->chunks = flows > CHUNKS_LEAST ? flows : CHUNKS_LEAST;
	start->record_bytes = RECORD_BYTES;
	start->idle_seconds = options->idle_seconds;
	start->total_seconds = options->total_seconds;
	start->commit_milliseconds = options->commit_milliseconds;
	start->segment_seconds = options->segment_seconds;
	start->segment_bytes = SEGMENT_BYTES;
	start->mail_max_bytes = options->mail_limit;
	start->page_bytes = options->page_bytes;
	start->secrets_clear = options->secrets_clear != 0;
	start->impersonate = options->impersonate != 0;
	start->pin_workers = 1;
	memcpy(start->secret, supervisor->secret, sizeof(start->secret));
	memcpy(start->sensor, options->sensor, sizeof(start->sensor));
	memcpy(start->ports, datapath->ports, sizeof(start->ports));
	for (uint32_t n = 0; n < datapath->device_count; n++) {
		memcpy(start->device[n].mac, datapath->devices[n].mac, sizeof(start->device[n].mac));
		start->device[n].mtu = datapath->devices[n].mtu;
	}
	start->prefixes = options->decoys.count;
	for (uint32_t n = 0; n < options->decoys.count; n++) {
		memcpy(start->prefix[n].address, options->decoys.items[n].address, sizeof(start->prefix[n].address));
		start->prefix[n].bits = options->decoys.items[n].bits;
	}
}

int start_block_make(const struct supervisor *supervisor)
{
	struct responder_start *start = calloc(1, sizeof(*start));
	int fd, reading = -1, err = -ENOMEM;
	char path[64];

	if (!start)
		return -ENOMEM;
	fd = memfd_create("otori-start", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	fill(start, supervisor);
	err = -EIO;
	if (write(fd, start, sizeof(*start)) != (ssize_t)sizeof(*start) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		goto out;
	/* opened anew for reading alone: older kernels refuse a shared mapping of a sealed file that could be written
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	err = reading < 0 ? -errno : 0;
out:
	if (fd >= 0)
		close(fd);
	free(start);
	return err ? err : reading;
}
