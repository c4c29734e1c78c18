// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - what is a decoy: prefixes, ports and devices, as they were armed.
 *
 * In:  checked values from netlink.c. Out: struct otori_policy, which never changes once it is
 * published; lookups for guard.c. May not know a state or a device.
 *
 * Prefixes nest, they never cross. So of all that hold an address the longest is the last one that
 * begins at or before it, or one of those that hold that one.
 */
#include <linux/bsearch.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "otori.h"

/**
 * otori_policy_alloc() - an empty policy
 * @prefixes: number of prefixes that it has room for
 *
 * Return: the policy, to be freed by kvfree(); NULL where there is no memory.
 */
struct otori_policy *otori_policy_alloc(u32 prefixes)
{
	return kvzalloc(struct_size((struct otori_policy *)NULL, prefix, prefixes), GFP_KERNEL);
}

/* An address as two numbers; of 4 bytes in mapped form. */
static void address_read(const u8 *address, u32 bytes, u64 *high, u64 *low)
{
	__be64 word[2] = { 0, cpu_to_be64(0xffffULL << 32) };

	memcpy((u8 *)word + 16 - bytes, address, bytes);
	*high = be64_to_cpu(word[0]);
	*low = be64_to_cpu(word[1]);
}

/* The bits of either half that belong to a prefix. */
static u64 mask_high(u8 bits)
{
	return bits >= 64 ? ~0ULL : ~(~0ULL >> bits);
}

static u64 mask_low(u8 bits)
{
	return bits <= 64 ? 0 : bits >= 128 ? ~0ULL : ~(~0ULL >> (bits - 64));
}

static bool covers(const struct otori_policy_prefix *prefix, u64 high, u64 low)
{
	return !((prefix->high ^ high) & mask_high(prefix->bits)) &&
	       !((prefix->low ^ low) & mask_low(prefix->bits));
}

/**
 * otori_policy_add_prefix() - adds one, in any order
 * @policy: has room for it
 * @address: as on the wire
 * @bytes: of @address, 4 or 16
 * @bits: length of the prefix, at most 8 * @bytes
 * @kind: OTORI_DECOY_*
 *
 * Return: 0, or -EINVAL where bits behind the prefix are set.
 */
int otori_policy_add_prefix(struct otori_policy *policy, const u8 *address, u32 bytes, u8 bits,
			    u8 kind)
{
	struct otori_policy_prefix prefix = { .bits = bits, .kind = kind, .parent = -1 };

	if (bytes == 4)
		prefix.bits += 96;
	address_read(address, bytes, &prefix.high, &prefix.low);
	if (prefix.high & ~mask_high(prefix.bits) || prefix.low & ~mask_low(prefix.bits))
		return -EINVAL;
	/* The number first: it bounds the array (__counted_by). */
	policy->prefixes++;
	policy->prefix[policy->prefixes - 1] = prefix;
	return 0;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct otori_policy_prefix *x = a, *y = b;

	if (x->high != y->high)
		return x->high < y->high ? -1 : 1;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (int)x->bits - (int)y->bits;
}

static int compare_names(const void *a, const void *b)
{
	return strncmp(a, b, IFNAMSIZ);
}

/**
 * otori_policy_finish() - sorts what was added, after which lookups work
 * @policy: filled
 *
 * Return: 0, or -EEXIST where a prefix is there twice.
 */
int otori_policy_finish(struct otori_policy *policy)
{
	struct otori_policy_prefix *prefix = policy->prefix;
	s16 i, parent;

	BUILD_BUG_ON(OTORI_MAX_PREFIXES > S16_MAX);
	sort(prefix, policy->prefixes, sizeof(*prefix), compare_prefixes, NULL);
	sort(policy->device, policy->devices, IFNAMSIZ, compare_names, NULL);
	for (i = 1; i < (s16)policy->prefixes; i++) {
		if (!compare_prefixes(&prefix[i - 1], &prefix[i]))
			return -EEXIST;
		parent = i - 1;
		while (parent >= 0 && !covers(&prefix[parent], prefix[i].high, prefix[i].low))
			parent = prefix[parent].parent;
		prefix[i].parent = parent;
	}
	return 0;
}

/**
 * otori_policy_same() - do two finished policies guard the same addresses, ports and number of
 * flows?
 * @a: a policy
 * @b: another
 *
 * Devices are state.c's to compare, by the names that they have now.
 */
bool otori_policy_same(const struct otori_policy *a, const struct otori_policy *b)
{
	u32 i;

	if (a->flows != b->flows || a->prefixes != b->prefixes ||
	    a->every_device != b->every_device || !bitmap_equal(a->port, b->port, 65536))
		return false;
	for (i = 0; i < a->prefixes; i++)
		if (compare_prefixes(&a->prefix[i], &b->prefix[i]) ||
		    a->prefix[i].kind != b->prefix[i].kind)
			return false;
	return true;
}

/**
 * otori_policy_kind() - what an address is
 * @policy: finished
 * @address: 16 bytes, IPv4 in mapped form
 *
 * Return: OTORI_DECOY_*, 0 where it is no decoy.
 */
u8 otori_policy_kind(const struct otori_policy *policy, const u8 *address)
{
	s16 from = 0, to = (s16)policy->prefixes, at;
	u64 high, low;

	address_read(address, 16, &high, &low);
	while (from < to) { /* the first that begins behind the address */
		const struct otori_policy_prefix *middle = &policy->prefix[from + (to - from) / 2];

		if (middle->high < high || (middle->high == high && middle->low <= low))
			from = (s16)(middle - policy->prefix) + 1;
		else
			to = (s16)(middle - policy->prefix);
	}
	for (at = from - 1; at >= 0; at = policy->prefix[at].parent)
		if (covers(&policy->prefix[at], high, low))
			return policy->prefix[at].kind;
	return 0;
}
