/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * admission.h - entering flows: between admission.c and the kfuncs of admission_bpf.c.
 */
#ifndef OTORI_KMOD_ADMISSION_H
#define OTORI_KMOD_ADMISSION_H

#include "otori/kfunc.h"

int otori_admission_enter(const struct otori_flow *flow, u32 idle_seconds, u32 flags);
int otori_admission_touch(const struct otori_flow *flow, u32 flags);

#endif
