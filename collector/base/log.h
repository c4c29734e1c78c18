/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - lines for the operator on stderr.
 *
 * In:  a format and what belongs in it. Out: one line "otori: ..."; with a "<N>" priority before it where systemd's
 * journal reads stderr. Called at the edge (commands, supervisor, loader); pure parts return errors instead. May not
 * hold a state but the one look at the environment.
 */
#ifndef OTORI_LOG_H
#define OTORI_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6 };

/* Writes one line; a line break within it becomes a blank, control characters '?' (texts of others may be in it). */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
