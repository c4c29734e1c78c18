// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mimics.c - the table of imitations.
 *
 * In:  the const struct mimic_ops in which every mimic_*.c ends. Out: the order in which sniff.c asks them.
 * A new imitation is one row here. mimic_unknown takes what nobody takes and has no row.
 */
#include "protocols/mimic.h"

const struct mimic_ops *const mimics[] = {
	&mimic_socks5, &mimic_socks4, &mimic_tls, &mimic_smtp, &mimic_http,
};

const size_t mimic_count = sizeof(mimics) / sizeof(mimics[0]);
