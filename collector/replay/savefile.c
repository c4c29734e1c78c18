// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * savefile.c - libpcap's offline reader, and an Ethernet header for what came without one.
 *
 * In:  a capture file. Out: Ethernet frames with times in nanoseconds. Called by capture.c. May not look behind the
 * link header, and trusts no length in the file: libpcap bounds what was captured, and every header is checked before
 * use.
 */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/savefile.h"

#define ETHERNET_BYTES 14
#define ETHERTYPE_OF_IPV4 0x0800
#define ETHERTYPE_OF_IPV6 0x86dd
#define ETHERTYPE_OF_NOTHING 0xffff /* reserved: is neither IPv4, IPv6 nor ARP to whoever reads it */
#define SECOND_NS 1000000000ull
/* Minute 0 means "never used" in the counters. And what comes after 2200 would not fit the sums of times. */
#define EARLIEST_SECOND 60ll
#define LATEST_SECOND 7258118400ll

struct savefile {
	char *path;
	pcap_t *pcap;
	int link_type;
	uint64_t packets; /* read so far */
	uint8_t *frame;	  /* owned; for link types without an Ethernet header */
	size_t capacity;
};

static bool link_type_known(int link_type)
{
	switch (link_type) {
	case DLT_EN10MB:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
		return true;
	default:
		return false;
	}
}

int savefile_open(const char *path, struct savefile **savefile, char *text)
{
	bool standard_input = strcmp(path, "-") == 0;
	char why[PCAP_ERRBUF_SIZE] = "";
	struct savefile *file;
	FILE *stream;
	int err;

	*savefile = NULL;
	file = calloc(1, sizeof(*file));
	if (!file || !(file->path = strdup(standard_input ? "standard input" : path))) {
		free(file);
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: no memory", path);
		return -ENOMEM;
	}
	stream = standard_input ? stdin : fopen(path, "rbe");
	if (!stream) {
		err = -errno;
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: %s", path, strerror(-err));
		goto fail;
	}
	/* the stream belongs to the pcap_t from here on */
	file->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!file->pcap) {
		err = -EBADMSG;
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: not a capture file (pcap or pcapng): %s", file->path, why);
		if (!standard_input)
			fclose(stream);
		goto fail;
	}
	file->link_type = pcap_datalink(file->pcap);
	if (!link_type_known(file->link_type)) {
		const char *name = pcap_datalink_val_to_name(file->link_type);

		err = -EPROTONOSUPPORT;
		snprintf(text, SAVEFILE_TEXT_BYTES,
			 "%s: link type %d (%s) is not known; known are Ethernet, raw IP, BSD null and loop, Linux "
			 "cooked 1 and 2",
			 file->path, file->link_type, name ? name : "no name");
		goto fail;
	}
	*savefile = file;
	return 0;
fail:
	savefile_close(file);
	return err;
}

void savefile_close(struct savefile *savefile)
{
	if (!savefile)
		return;
	if (savefile->pcap)
		pcap_close(savefile->pcap);
	free(savefile->frame);
	free(savefile->path);
	free(savefile);
}

static uint64_t time_of(const struct pcap_pkthdr *header)
{
	long long seconds = header->ts.tv_sec, rest = header->ts.tv_usec; /* nanoseconds, by the precision asked for */

	if (seconds <
	    0) /* libpcap reads the file's unsigned seconds as signed: after January 2038 they come out negative */
		seconds += 1ll << 32;
	if (rest < 0 || rest >= (long long)SECOND_NS)
		rest = 0;
	if (seconds < EARLIEST_SECOND) {
		seconds = EARLIEST_SECOND;
		rest = 0;
	}
	if (seconds > LATEST_SECOND) {
		seconds = LATEST_SECOND;
		rest = 0;
	}
	return (uint64_t)seconds * SECOND_NS + (uint64_t)rest;
}

static uint16_t type_by_version(const uint8_t *bytes, size_t length)
{
	return length > 0 && bytes[0] >> 4 == 6 ? ETHERTYPE_OF_IPV6 : ETHERTYPE_OF_IPV4;
}

/* The family of BSD null is in the byte order of the machine that wrote it; numbers of IPv6 differ from system to
 * system. */
static uint16_t type_by_family(const uint8_t *bytes)
{
	uint32_t family = bytes[0] | bytes[1] ? (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8
					      : (uint32_t)bytes[3] | (uint32_t)bytes[2] << 8;

	switch (family) {
	case 2:
		return ETHERTYPE_OF_IPV4;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return ETHERTYPE_OF_IPV6;
	default:
		return ETHERTYPE_OF_NOTHING;
	}
}

/*
 * What stands before the packet of this link type: its length, the ethertype of what follows and, where it is known,
 * the sender's hardware address. A header that is cut short gives the whole packet as header, so that nothing follows.
 */
static size_t link_header(int link_type, const uint8_t *bytes, size_t length, uint16_t *type, const uint8_t **sender)
{
	*sender = NULL;
	*type = ETHERTYPE_OF_IPV4; /* of a header cut short: refused as truncated */
	switch (link_type) {
	case DLT_IPV4:
		return 0;
	case DLT_IPV6:
		*type = ETHERTYPE_OF_IPV6;
		return 0;
	case DLT_NULL:
	case DLT_LOOP:
		if (length < 4)
			return length;
		*type = type_by_family(bytes);
		return 4;
	case DLT_LINUX_SLL:
		if (length < 16)
			return length;
		if (bytes[4] == 0 && bytes[5] == 6)
			*sender = bytes + 6;
		*type = (uint16_t)(bytes[14] << 8 | bytes[15]);
		return 16;
	case DLT_LINUX_SLL2:
		if (length < 20)
			return length;
		if (bytes[11] == 6)
			*sender = bytes + 12;
		*type = (uint16_t)(bytes[0] << 8 | bytes[1]);
		return 20;
	default: /* DLT_RAW */
		*type = type_by_version(bytes, length);
		return 0;
	}
}

/* Room for a frame of length bytes. */
static int frame_room(struct savefile *savefile, size_t length)
{
	uint8_t *frame;

	if (length <= savefile->capacity)
		return 0;
	frame = realloc(savefile->frame, length);
	if (!frame)
		return -ENOMEM;
	savefile->frame = frame;
	savefile->capacity = length;
	return 0;
}

static int as_ethernet(struct savefile *savefile, const struct pcap_pkthdr *header, const uint8_t *bytes,
		       struct captured *packet)
{
	size_t length = header->caplen, skipped = 0, kept;
	uint16_t type = ETHERTYPE_OF_IPV4;
	const uint8_t *sender = NULL;
	uint8_t *frame;

	if (savefile->link_type == DLT_EN10MB && length >= ETHERNET_BYTES) {
		packet->frame = bytes;
		packet->bytes = header->caplen;
		packet->wire_bytes = header->len;
		return 0;
	}
	/* of an Ethernet header that is cut short nothing is kept: a frame of 14 bytes that is refused as truncated */
	if (savefile->link_type == DLT_EN10MB)
		skipped = length;
	else
		skipped = link_header(savefile->link_type, bytes, length, &type, &sender);
	kept = length - skipped;
	if (frame_room(savefile, ETHERNET_BYTES + kept))
		return -ENOMEM;
	frame = savefile->frame;
	memset(frame, 0, ETHERNET_BYTES);
	if (sender)
		memcpy(frame + 6, sender, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	if (kept)
		memcpy(frame + ETHERNET_BYTES, bytes + skipped, kept);
	packet->frame = frame;
	packet->bytes = (uint32_t)(ETHERNET_BYTES + kept);
	packet->wire_bytes = header->len > skipped ? (uint32_t)(ETHERNET_BYTES + header->len - skipped) : packet->bytes;
	return 0;
}

int savefile_next(struct savefile *savefile, struct captured *packet, char *text)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int got = pcap_next_ex(savefile->pcap, &header, &bytes);

	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1) {
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: cut short or damaged behind packet %llu: %s", savefile->path,
			 (unsigned long long)savefile->packets, pcap_geterr(savefile->pcap));
		return -EBADMSG;
	}
	savefile->packets++;
	packet->time_ns = time_of(header);
	got = as_ethernet(savefile, header, bytes, packet);
	if (got) {
		snprintf(text, SAVEFILE_TEXT_BYTES, "%s: no memory for a packet of %u bytes", savefile->path,
			 header->caplen);
		return got;
	}
	return 1;
}

bool savefile_is_capture(const char *path)
{
	static const uint8_t magics[][4] = {
		{ 0xa1, 0xb2, 0xc3, 0xd4 }, { 0xd4, 0xc3, 0xb2, 0xa1 }, /* microseconds */
		{ 0xa1, 0xb2, 0x3c, 0x4d }, { 0x4d, 0x3c, 0xb2, 0xa1 }, /* nanoseconds */
		{ 0xa1, 0xb2, 0xcd, 0x34 }, { 0x34, 0xcd, 0xb2, 0xa1 }, /* Kuznetzov's */
		{ 0x0a, 0x0d, 0x0d, 0x0a },				/* pcapng */
	};
	uint8_t magic[4];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool found = false;

	if (fd < 0)
		return false;
	if (read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic))
		for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
			found = found || memcmp(magic, magics[i], sizeof(magic)) == 0;
	close(fd);
	return found;
}
