// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timer_wheel.c - a hierarchical timer wheel over nodes that somebody else owns.
 *
 * In:  nodes and ticks. Out: due nodes. Called by worker.c. May not allocate or look at a clock.
 *
 * A node lies in the level in which its tick first differs from now, read as digits of base 64. So the slots of a level
 * lie within one slot of the level above, and every node of level 0 is due before every node of level 1, and so on.
 */
#include "responder/timer_wheel.h"

#include <string.h>

#define SLOT_BITS 6
#define SLOT_MASK (TIMER_WHEEL_SLOTS - 1)

static struct timer_node *node_at(const struct timer_wheel *wheel, uint32_t name)
{
	return (struct timer_node *)(void *)(wheel->nodes + (size_t)(name - 1) * wheel->stride);
}

void timer_wheel_open(struct timer_wheel *wheel, void *nodes, size_t stride, uint64_t now)
{
	memset(wheel, 0, sizeof(*wheel));
	wheel->nodes = nodes;
	wheel->stride = stride;
	wheel->now = now;
}

/* Links a node whose tick is now or later. */
static void link_node(struct timer_wheel *wheel, uint32_t name, uint64_t tick)
{
	struct timer_node *node = node_at(wheel, name);
	uint64_t differs = (tick ^ wheel->now) | SLOT_MASK;
	unsigned level = (unsigned)(63 - __builtin_clzll(differs)) / SLOT_BITS;
	unsigned slot;
	uint32_t *first;

	if (level >= TIMER_WHEEL_LEVELS) /* over the edge of the highest level: looked at again when that is reached */
		level = TIMER_WHEEL_LEVELS - 1;
	slot = (unsigned)(tick >> (level * SLOT_BITS)) & SLOT_MASK;
	first = &wheel->first[level][slot];
	node->next = *first;
	node->prev = 0;
	if (*first)
		node_at(wheel, *first)->prev = name;
	*first = name;
	node->slot = (uint16_t)(1 + level * TIMER_WHEEL_SLOTS + slot);
	wheel->used[level] |= 1ull << slot;
}

void timer_wheel_insert(struct timer_wheel *wheel, uint32_t name, uint64_t tick)
{
	struct timer_node *node = node_at(wheel, name);

	timer_wheel_remove(wheel, name);
	if (tick <= wheel->now)
		tick = wheel->now + 1;
	else if (tick > wheel->now + TIMER_WHEEL_FARTHEST)
		tick = wheel->now + TIMER_WHEEL_FARTHEST;
	node->due = (uint32_t)tick;
	link_node(wheel, name, tick);
}

void timer_wheel_remove(struct timer_wheel *wheel, uint32_t name)
{
	struct timer_node *node = node_at(wheel, name);
	unsigned level, slot;

	if (!node->slot)
		return;
	level = (unsigned)(node->slot - 1) / TIMER_WHEEL_SLOTS;
	slot = (unsigned)(node->slot - 1) % TIMER_WHEEL_SLOTS;
	if (node->next)
		node_at(wheel, node->next)->prev = node->prev;
	if (node->prev)
		node_at(wheel, node->prev)->next = node->next;
	else
		wheel->first[level][slot] = node->next;
	if (!wheel->first[level][slot])
		wheel->used[level] &= ~(1ull << slot);
	node->slot = 0;
	node->next = 0;
	node->prev = 0;
}

/* The slots of a level from the one of now on; slots behind it are those of the next round (of the highest level only).
 */
static uint64_t used_ahead(const struct timer_wheel *wheel, unsigned level)
{
	unsigned digit = (unsigned)(wheel->now >> (level * SLOT_BITS)) & SLOT_MASK;

	return wheel->used[level] & (~0ull << digit);
}

/* The first used slot in time: its level and the tick at which it begins. 0 where the wheel is empty. */
static int first_used(const struct timer_wheel *wheel, unsigned *level, unsigned *slot, uint64_t *tick)
{
	for (*level = 0; *level < TIMER_WHEEL_LEVELS; (*level)++) {
		unsigned shift = *level * SLOT_BITS;
		uint64_t round = wheel->now >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
		uint64_t used = used_ahead(wheel, *level);

		if (!used && *level == TIMER_WHEEL_LEVELS - 1 && wheel->used[*level]) {
			used = wheel->used[*level];
			round += (uint64_t)TIMER_WHEEL_SLOTS << shift;
		}
		if (!used)
			continue;
		*slot = (unsigned)__builtin_ctzll(used);
		*tick = round + ((uint64_t)*slot << shift);
		return 1;
	}
	return 0;
}

/* Spreads the nodes of a slot over the levels below, now that its time has begun. */
static void cascade(struct timer_wheel *wheel, unsigned level, unsigned slot)
{
	uint32_t name = wheel->first[level][slot];

	wheel->first[level][slot] = 0;
	wheel->used[level] &= ~(1ull << slot);
	while (name) {
		struct timer_node *node = node_at(wheel, name);
		uint32_t next = node->next;
		uint64_t tick = wheel->now + (uint64_t)(int64_t)(int32_t)(node->due - (uint32_t)wheel->now);

		link_node(wheel, name, tick < wheel->now ? wheel->now : tick);
		name = next;
	}
}

uint32_t timer_wheel_next(struct timer_wheel *wheel, uint64_t tick)
{
	unsigned level, slot;
	uint64_t begins;

	while (first_used(wheel, &level, &slot, &begins) && begins <= tick) {
		if (begins > wheel->now)
			wheel->now = begins;
		if (level == 0) {
			uint32_t name = wheel->first[0][slot];

			timer_wheel_remove(wheel, name);
			return name;
		}
		cascade(wheel, level, slot);
	}
	if (tick > wheel->now)
		wheel->now = tick;
	return 0;
}

uint64_t timer_wheel_due(const struct timer_wheel *wheel)
{
	unsigned level, slot;
	uint64_t begins;

	if (!first_used(wheel, &level, &slot, &begins))
		return UINT64_MAX;
	return begins > wheel->now ? begins : wheel->now + 1;
}
