/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * smtp_path.h - the address in an argument of MAIL and RCPT, as clients write it (RFC 5321, section 4.1.2).
 *
 * In:  what stands behind the command's name. Out: the address and the parameters. Called by protocols/smtp_command.c
 * and smtp_kind.c. Pure.
 */
#ifndef OTORI_PROBE_SMTP_PATH_H
#define OTORI_PROBE_SMTP_PATH_H

#include "base/slice.h"

/* Without blanks at both ends. */
struct slice smtp_trim(struct slice text);
/* Text begins with word, in letters of any case. */
bool smtp_begins(struct slice text, const char *word);

/*
 * The address behind "FROM:" or "TO:", without brackets; without brackets sent, up to a blank. A quoted part may hold
 * '>'. *rest: the parameters behind it. false where word isn't there.
 */
bool smtp_read_path(struct slice argument, const char *word, struct slice *address, struct slice *rest);

#endif
