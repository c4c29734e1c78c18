/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rollup_names.h - hosts, recipients and their domains as the figures tell them apart.
 *
 * In:  clean text (text_clean.h). Out: a part of it, changed in place. Called by load_rollup.c. Pure.
 *
 * Each is the same as the function of that name in schema/0005_rollups.sql, byte for byte: a test compares them.
 */
#ifndef OTORI_ROLLUP_NAMES_H
#define OTORI_ROLLUP_NAMES_H

#include "base/slice.h"

#define ROLLUP_HOST_CHARACTERS 255
#define ROLLUP_RECIPIENT_CHARACTERS 320

/* Lower case (A to Z), without a final dot, cut. */
struct slice rollup_destination_name(uint8_t *text, size_t length);
/* Lower case (A to Z), cut. *domain: what stands behind the last @ of the whole, without a final dot, cut; empty: none.
 */
struct slice rollup_recipient_name(uint8_t *text, size_t length, struct slice *domain);

#endif
