// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * handshake.c - a bounded table of handshakes, keyed by VLAN ids and 4-tuple as the client sees it.
 *
 * In:  sightings. Out: verdicts. Called by the command and tests. May not read a frame or a clock.
 *
 * The table is made of sets of WAYS entries. A handshake that finds its set full takes the place of the one that was
 * quiet for longest; the hash is keyed, so that a capture can't be written to fall into one set.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "replay/handshake.h"

#define WAYS 8
#define SECOND_NS 1000000000ull
/* A client's last SYN-ACK arrives within 63 s (tcp_synack_retries); an acknowledgement later than this completes
 * nothing. */
#define OPEN_SECONDS 150u

#define SYN_SEEN 1	/* isn and syn_end are known */
#define ANSWER_SEEN 2	/* answer_isn and answer_end are known, and answer_to where the answer was a SYN-ACK */
#define ANSWER_IS_SYN 4 /* the answer was a bare SYN (simultaneous open): answer_to is not known */
#define COMPLETED 8	/* was completed, and the XDP program took it */
#define COMING 16	/* coming_isn and coming_end are those of a SYN that stands further on in the capture */

struct key {
	struct address client, decoy;
	uint16_t client_port, decoy_port;
	uint16_t vlan[2];
	uint8_t vlan_count;
};

struct entry {
	uint8_t client[16], decoy[16];
	uint16_t client_port, decoy_port;
	uint16_t vlan[2];
	uint8_t vlan_count;
	uint8_t used; /* 1 = IPv4, 2 = IPv6, 0 = free */
	uint8_t state;
	uint8_t reserved;
	uint32_t isn, syn_end; /* the client's ISN, and the number behind SYN and data on it */
	uint32_t answer_to;    /* what the SYN-ACK acknowledges */
	uint32_t answer_isn;   /* of the decoy's side */
	uint32_t answer_end;   /* the number behind the last byte that the decoy's side was seen to send */
	uint32_t coming_isn, coming_end;
	uint32_t last_seconds; /* when a packet of it was last seen */
};

struct handshakes {
	struct entry *entries; /* owned; sets * WAYS */
	size_t bytes;
	uint64_t sets; /* a power of two */
	uint64_t secret[4];
	/* The packet seen last, to be undone where it was refused. */
	struct entry *touched;
	struct entry before;
};

int handshakes_open(struct handshakes **result, uint32_t entries)
{
	struct handshakes *handshakes = calloc(1, sizeof(*handshakes));
	int err;

	*result = NULL;
	if (!handshakes)
		return -ENOMEM;
	for (handshakes->sets = 1; handshakes->sets * WAYS < entries;)
		handshakes->sets *= 2;
	if (getrandom(handshakes->secret, sizeof(handshakes->secret), 0) != (ssize_t)sizeof(handshakes->secret)) {
		err = -EIO;
		goto fail;
	}
	handshakes->bytes = handshakes->sets * WAYS * sizeof(struct entry);
	handshakes->entries = mmap(NULL, handshakes->bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (handshakes->entries == MAP_FAILED) {
		err = -errno;
		handshakes->entries = NULL;
		goto fail;
	}
	*result = handshakes;
	return 0;
fail:
	handshakes_close(handshakes);
	return err;
}

void handshakes_close(struct handshakes *handshakes)
{
	if (!handshakes)
		return;
	if (handshakes->entries)
		munmap(handshakes->entries, handshakes->bytes);
	free(handshakes);
}

static uint64_t mixed(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const struct handshakes *handshakes, const struct key *key)
{
	uint64_t words[4], rest;

	memcpy(words, key->client.bytes, 16);
	memcpy(words + 2, key->decoy.bytes, 16);
	rest = (uint64_t)key->client_port << 48 | (uint64_t)key->decoy_port << 32 | (uint64_t)key->vlan[0] << 16 |
	       key->vlan[1];
	rest = mixed(rest ^ handshakes->secret[0], handshakes->secret[1] ^ key->vlan_count);
	rest = mixed(rest ^ words[0] ^ handshakes->secret[1], words[1] ^ handshakes->secret[2]);
	return mixed(rest ^ words[2] ^ handshakes->secret[3], words[3] ^ handshakes->secret[0]);
}

static bool entry_is(const struct entry *entry, const struct key *key)
{
	return entry->used == (key->client.ipv6 ? 2 : 1) && entry->client_port == key->client_port &&
	       entry->decoy_port == key->decoy_port && entry->vlan_count == key->vlan_count &&
	       memcmp(entry->vlan, key->vlan, sizeof(entry->vlan)) == 0 &&
	       memcmp(entry->client, key->client.bytes, 16) == 0 && memcmp(entry->decoy, key->decoy.bytes, 16) == 0;
}

static struct entry *set_of(const struct handshakes *handshakes, const struct key *key)
{
	return handshakes->entries + (hash_of(handshakes, key) & (handshakes->sets - 1)) * WAYS;
}

static struct entry *find(const struct handshakes *handshakes, const struct key *key)
{
	struct entry *set = set_of(handshakes, key);

	for (unsigned i = 0; i < WAYS; i++)
		if (entry_is(&set[i], key))
			return &set[i];
	return NULL;
}

/* The entry of key, made where there is none. */
static struct entry *find_or_make(const struct handshakes *handshakes, const struct key *key)
{
	struct entry *set = set_of(handshakes, key), *oldest = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (entry_is(&set[i], key))
			return &set[i];
		if (oldest->used && (!set[i].used || set[i].last_seconds < oldest->last_seconds))
			oldest = &set[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	memcpy(oldest->client, key->client.bytes, 16);
	memcpy(oldest->decoy, key->decoy.bytes, 16);
	oldest->client_port = key->client_port;
	oldest->decoy_port = key->decoy_port;
	memcpy(oldest->vlan, key->vlan, sizeof(oldest->vlan));
	oldest->vlan_count = key->vlan_count;
	oldest->used = key->client.ipv6 ? 2 : 1;
	return oldest;
}

static struct key key_of(const struct sighting *sighting, bool source_is_client)
{
	struct key key = {
		.client = source_is_client ? sighting->source : sighting->destination,
		.decoy = source_is_client ? sighting->destination : sighting->source,
		.client_port = source_is_client ? sighting->source_port : sighting->destination_port,
		.decoy_port = source_is_client ? sighting->destination_port : sighting->source_port,
		.vlan = { sighting->vlan[0], sighting->vlan[1] },
		.vlan_count = sighting->vlan_count,
	};

	return key;
}

static uint32_t end_of(const struct sighting *sighting)
{
	return sighting->seq + sighting->payload_bytes + (sighting->flags & SIGHTING_SYN ? 1 : 0) +
	       (sighting->flags & SIGHTING_FIN ? 1 : 0);
}

/* Whether ack acknowledges this SYN, or all of it and some of the data on it. */
static bool acknowledges(uint32_t ack, uint32_t isn, uint32_t syn_end)
{
	return ack - isn - 1 <= syn_end - isn - 1;
}

/* Takes a SYN-ACK, or a bare SYN of the decoy's side, as the answer that the client must acknowledge. */
static void see_answer(struct entry *entry, const struct sighting *sighting)
{
	bool bare = !(sighting->flags & SIGHTING_ACK);

	/* one that acknowledges another SYN than the one we know is late, or forged; or that SYN stands further on */
	if (!bare && entry->state & SYN_SEEN && !acknowledges(sighting->ack, entry->isn, entry->syn_end) &&
	    !((entry->state & (COMING | COMPLETED)) == (COMING | COMPLETED) &&
	      acknowledges(sighting->ack, entry->coming_isn, entry->coming_end)))
		return;
	/* a SYN-ACK sent again says nothing new; what came behind it still counts */
	if (entry->state & ANSWER_SEEN && entry->answer_isn == sighting->seq && entry->answer_to == sighting->ack)
		return;
	entry->state = (uint8_t)((entry->state & ~ANSWER_IS_SYN) | ANSWER_SEEN | (bare ? ANSWER_IS_SYN : 0));
	entry->answer_to = sighting->ack;
	entry->answer_isn = sighting->seq;
	entry->answer_end = end_of(sighting);
}

/* The decoy's side has sent something. */
static void see_decoy(struct handshakes *handshakes, const struct sighting *sighting, uint32_t seconds)
{
	struct key key = key_of(sighting, false);
	bool answers = sighting->flags & SIGHTING_SYN && !(sighting->flags & SIGHTING_RST);
	/* the SYN-ACK may stand before its SYN in the file; a bare SYN of a decoy begins nothing */
	struct entry *entry =
		answers && sighting->flags & SIGHTING_ACK ? find_or_make(handshakes, &key) : find(handshakes, &key);

	if (!entry)
		return;
	entry->last_seconds = seconds;
	if (answers)
		see_answer(entry, sighting);
	else if (entry->state & ANSWER_SEEN && (int32_t)(end_of(sighting) - entry->answer_end) > 0 &&
		 sighting->seq - entry->answer_isn <= entry->answer_end - entry->answer_isn + 0x40000000u)
		entry->answer_end = end_of(sighting);
}

static void see_syn(struct entry *entry, const struct sighting *sighting)
{
	uint32_t end = end_of(sighting);

	if (entry->state & SYN_SEEN && entry->isn == sighting->seq) {
		/* sent again; with Fast Open only one of them carries data */
		if (end - entry->isn > entry->syn_end - entry->isn)
			entry->syn_end = end;
		return;
	}
	/* a new conversation, unless the answer to this very SYN stands before it in the file */
	if (!(entry->state & ANSWER_SEEN) || entry->state & ANSWER_IS_SYN ||
	    !acknowledges(entry->answer_to, sighting->seq, end))
		entry->state &= COMING;
	entry->state = (uint8_t)((entry->state & ~COMPLETED) | SYN_SEEN);
	entry->isn = sighting->seq;
	entry->syn_end = end;
}

/* A SYN that stands further on is taken as seen where the capture holds its SYN-ACK. */
static void take_coming(struct entry *entry)
{
	if (!(entry->state & COMING) || !(entry->state & ANSWER_SEEN) || entry->state & ANSWER_IS_SYN ||
	    !acknowledges(entry->answer_to, entry->coming_isn, entry->coming_end))
		return;
	if (entry->state & SYN_SEEN && (entry->isn == entry->coming_isn || !(entry->state & COMPLETED)))
		return;
	entry->isn = entry->coming_isn;
	entry->syn_end = entry->coming_end;
	entry->state = ANSWER_SEEN | SYN_SEEN;
}

/* Whether this ACK of the client completes the handshake. */
static bool completes(const struct entry *entry, const struct sighting *sighting)
{
	if (!(entry->state & SYN_SEEN) || entry->state & COMPLETED)
		return false;
	if (!(entry->state & ANSWER_SEEN)) /* only the client was recorded */
		return sighting->seq == entry->isn + 1;
	/* data on the SYN, where the answer took it, lies before the segment that completes */
	if (sighting->seq != entry->isn + 1 && (entry->state & ANSWER_IS_SYN || sighting->seq != entry->answer_to))
		return false;
	/* it may acknowledge the decoy's first bytes with the SYN-ACK, but nothing that was not sent */
	return sighting->ack - entry->answer_isn - 1 <= entry->answer_end - entry->answer_isn - 1;
}

/* The client has sent something. */
static enum handshake_verdict see_client(struct handshakes *handshakes, const struct sighting *sighting,
					 uint64_t now_ns)
{
	uint32_t seconds = (uint32_t)(now_ns / SECOND_NS);
	uint8_t kind = sighting->flags & (SIGHTING_SYN | SIGHTING_ACK | SIGHTING_RST);
	bool syn = kind == SIGHTING_SYN && !(sighting->flags & SIGHTING_FIN);
	struct key key = key_of(sighting, true);
	struct entry *entry = syn ? find_or_make(handshakes, &key) : find(handshakes, &key);

	if (!entry)
		return HANDSHAKE_GIVE;
	if (syn && entry->state & COMING && entry->coming_isn == sighting->seq)
		entry->state &= (uint8_t)~COMING; /* its turn has come, whatever becomes of it */
	handshakes->touched = entry;
	handshakes->before = *entry;
	if (seconds - entry->last_seconds > OPEN_SECONDS && !(entry->state & COMPLETED))
		entry->state &= COMING;
	entry->last_seconds = seconds;
	if (syn) {
		see_syn(entry, sighting);
		return HANDSHAKE_GIVE;
	}
	/* captures whose addresses were rewritten hold SYN-ACKs under the client's name; they are evidence all the same
	 */
	if (kind == (SIGHTING_SYN | SIGHTING_ACK) && sighting->ack == entry->isn + 1) {
		see_answer(entry, sighting);
		handshakes->touched = NULL; /* the XDP program refuses it as backscatter, as it must */
	}
	if (kind == SIGHTING_ACK)
		take_coming(entry);
	if (kind == SIGHTING_ACK && completes(entry, sighting)) {
		entry->state |= COMPLETED;
		return HANDSHAKE_COMPLETES;
	}
	return HANDSHAKE_GIVE;
}

/* Both ends are decoys: who began, or, where that was not seen, whose port is none of a decoy's. */
static bool source_is_client(const struct handshakes *handshakes, const struct sighting *sighting,
			     const struct handshake_roles *roles)
{
	struct key as_client = key_of(sighting, true), as_decoy = key_of(sighting, false);
	const struct entry *client = find(handshakes, &as_client), *decoy = find(handshakes, &as_decoy);
	uint8_t kind = sighting->flags & (SIGHTING_SYN | SIGHTING_ACK | SIGHTING_RST);

	if (client && client->state & SYN_SEEN)
		return true;
	if (decoy && decoy->state & SYN_SEEN)
		return false;
	if (roles->source_port_is_decoys != roles->destination_port_is_decoys)
		return roles->destination_port_is_decoys;
	return kind != (SIGHTING_SYN | SIGHTING_ACK);
}

enum handshake_verdict handshake_see(struct handshakes *handshakes, const struct sighting *sighting,
				     const struct handshake_roles *roles, uint64_t now_ns)
{
	bool client = !roles->source_is_decoy;

	handshakes->touched = NULL;
	if (!sighting->ip || !(roles->source_is_decoy || roles->destination_is_decoy))
		return HANDSHAKE_GIVE;
	if (roles->source_is_decoy && roles->destination_is_decoy)
		client = !sighting->tcp || source_is_client(handshakes, sighting, roles);
	if (client)
		return sighting->tcp ? see_client(handshakes, sighting, now_ns) : HANDSHAKE_GIVE;
	if (sighting->tcp)
		see_decoy(handshakes, sighting, (uint32_t)(now_ns / SECOND_NS));
	return HANDSHAKE_OF_DECOY;
}

void handshake_coming(struct handshakes *handshakes, const struct sighting *sighting,
		      const struct handshake_roles *roles, uint64_t now_ns)
{
	struct key key = key_of(sighting, true);
	struct entry *entry;

	if (!sighting->tcp || !roles->destination_is_decoy ||
	    (sighting->flags & (SIGHTING_SYN | SIGHTING_ACK | SIGHTING_RST | SIGHTING_FIN)) != SIGHTING_SYN)
		return;
	entry = find_or_make(handshakes, &key);
	if (!entry->state)
		entry->last_seconds = (uint32_t)(now_ns / SECOND_NS);
	/* of several the first counts: its turn comes first */
	if (entry->state & COMING)
		return;
	entry->coming_isn = sighting->seq;
	entry->coming_end = end_of(sighting);
	entry->state |= COMING;
}

void handshake_refused(struct handshakes *handshakes)
{
	if (handshakes->touched)
		*handshakes->touched = handshakes->before;
	handshakes->touched = NULL;
}
