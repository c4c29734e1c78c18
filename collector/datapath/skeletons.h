/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * skeletons.h - the generated skeletons of both BPF programs, which don't keep to our warnings.
 *
 * In:  build/otori.skel.h, build/guard.skel.h (bpftool). Out: struct otori_bpf, struct guard_bpf. Include it instead of
 * them.
 */
#ifndef OTORI_DATAPATH_SKELETONS_H
#define OTORI_DATAPATH_SKELETONS_H

#include "../../include/otori/datapath.h" /* types of the programs' constants */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "guard.skel.h"
#include "otori.skel.h"
#pragma GCC diagnostic pop

#endif
