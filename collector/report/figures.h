/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figures.h - the parts of a report, each a function that asks and prints.
 *
 * In:  a report with its sensor and days set. Out: text on report->out. Called by report.c in this order.
 */
#ifndef OTORI_REPORT_FIGURES_H
#define OTORI_REPORT_FIGURES_H

#include "report/query.h"

/* Each: 0 or -EIO with the line in report->text. */
int figures_summary(struct report *report);
int figures_accesses_by_port(struct report *report);
int figures_accesses_by_relay_port(struct report *report);
int figures_direct_mail(struct report *report);
int figures_mails(struct report *report);
int figures_destinations(struct report *report);
int figures_subjects(struct report *report);

#endif
