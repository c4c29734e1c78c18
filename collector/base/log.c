/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c - lines for the operator on stderr: see log.h.
 *
 * In:  formats. Out: one write(2) a line, so that lines of several processes don't mix. May not allocate.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	size_t prefix = 0, length;
	va_list arguments;
	int wrote;

	/* systemd sets JOURNAL_STREAM for what it starts; there a line may carry its priority */
	if (getenv("JOURNAL_STREAM"))
		prefix = (size_t)snprintf(line, sizeof(line), "<%d>", (int)level);
	prefix += (size_t)snprintf(line + prefix, sizeof(line) - prefix, "otori: ");
	va_start(arguments, format);
	wrote = vsnprintf(line + prefix, sizeof(line) - prefix - 1, format, arguments);
	va_end(arguments);
	length = strlen(line);
	if (wrote < 0)
		return;
	while (length > prefix && (line[length - 1] == '\n' || line[length - 1] == ' '))
		length--;
	for (size_t n = prefix; n < length; n++) {
		if (line[n] == '\n' || line[n] == '\t')
			line[n] = ' ';
		else if ((unsigned char)line[n] < 0x20 || line[n] == 0x7f)
			line[n] = '?';
	}
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* nowhere left to say it */
}
