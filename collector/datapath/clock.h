/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.h - the datapath's clock: UTC = jiffies * ns_per_jiffy + offset. Used by datapath/load.c only; see clock.c.
 */
#ifndef OTORI_DATAPATH_CLOCK_H
#define OTORI_DATAPATH_CLOCK_H

#include <stdint.h>

#include "../../include/otori/datapath.h"

/* Length of the kernel's jiffy. */
uint32_t clock_ns_per_jiffy(void);
/* program: descriptor of otori_clock. Moves settings->clock_offset_ns where it is off by more than can be told. */
int clock_adjust(int program, struct otori_settings *settings);
/* Replaces the key of the coming generation, once in each. 0 or negative errno. */
int clock_renew_key(int keys, uint64_t now_ns, uint64_t *renewed_generation);

#endif
