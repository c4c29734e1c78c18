/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timer_wheel.h - a hierarchical timer wheel over nodes that somebody else owns.
 *
 * In:  nodes with a tick at which they are due. Out: due nodes, one by one, in the order of their ticks.
 * Called by worker.c with the nodes of its flows. May not allocate, look at a clock, or know what a node is part of.
 *
 * A tick is a millisecond. A node is named by index + 1 (0 = none), so that a link takes four bytes. Inserting,
 * removing and finding the next due node take constant time; a bitmap a level finds the next used slot, so that a leap
 * over days (a replay) costs no more than one tick.
 */
#ifndef OTORI_RESPONDER_TIMER_WHEEL_H
#define OTORI_RESPONDER_TIMER_WHEEL_H

#include <stddef.h>
#include <stdint.h>

#define TIMER_WHEEL_LEVELS 5
#define TIMER_WHEEL_SLOTS 64
/* Nodes due later than this are put here and looked at again: 64^5 ticks are 12 days, a flow lives for minutes. */
#define TIMER_WHEEL_FARTHEST (1u << 29)

struct timer_node {
	uint32_t next, prev; /* prev 0 and not first in its slot: not in the wheel; see slot */
	uint32_t due;	     /* low 32 bits of the tick */
	uint16_t slot;	     /* 1 + level * TIMER_WHEEL_SLOTS + slot, 0 = not in the wheel */
	uint16_t user;	     /* the owner's */
};

struct timer_wheel {
	uint64_t now;
	uint64_t used[TIMER_WHEEL_LEVELS]; /* bit s: slot s holds a node */
	uint32_t first[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS];
	uint8_t *nodes; /* borrowed; node of name n lies at nodes + (n - 1) * stride */
	size_t stride;
};

void timer_wheel_open(struct timer_wheel *wheel, void *nodes, size_t stride, uint64_t now);

/* Puts a node in (or moves it): due at tick, which counts as now + 1 where it is not later than now. */
void timer_wheel_insert(struct timer_wheel *wheel, uint32_t name, uint64_t tick);
/* Takes a node out; one that is not in is left alone. */
void timer_wheel_remove(struct timer_wheel *wheel, uint32_t name);

/* Moves on to tick at most, and takes out the next node due on the way: its name, or 0 where none is due by tick. */
uint32_t timer_wheel_next(struct timer_wheel *wheel, uint64_t tick);

/* A tick that is not later than that of the next due node, and later than now; UINT64_MAX where the wheel is empty. */
uint64_t timer_wheel_due(const struct timer_wheel *wheel);

#endif
