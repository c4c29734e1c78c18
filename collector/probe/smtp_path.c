// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smtp_path.c - the address in an argument of MAIL and RCPT: see smtp_path.h.
 *
 * In:  what stands behind the command's name. Out: the address and the parameters. Called by protocols/smtp_command.c
 * and smtp_kind.c. Pure.
 */
#include "probe/smtp_path.h"

#include <strings.h>

struct slice smtp_trim(struct slice text)
{
	while (text.length && (text.bytes[0] == ' ' || text.bytes[0] == '\t'))
		text = slice_of(text.bytes + 1, text.length - 1);
	while (text.length && (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t'))
		text.length--;
	return text;
}

bool smtp_begins(struct slice text, const char *word)
{
	size_t length = strlen(word);

	return text.length >= length && !strncasecmp((const char *)text.bytes, word, length);
}

bool smtp_read_path(struct slice argument, const char *word, struct slice *address, struct slice *rest)
{
	bool quoted = false;
	size_t i = 0;

	if (!smtp_begins(argument, word))
		return false;
	argument = smtp_trim(slice_of(argument.bytes + strlen(word), argument.length - strlen(word)));
	if (argument.length && argument.bytes[0] == ':')
		argument = smtp_trim(slice_of(argument.bytes + 1, argument.length - 1));
	if (argument.length && argument.bytes[0] == '<') {
		for (i = 1; i < argument.length && (quoted || argument.bytes[i] != '>'); i++) {
			if (argument.bytes[i] == '\\')
				i++;
			else if (argument.bytes[i] == '"')
				quoted = !quoted;
		}
		if (i > argument.length)
			i = argument.length;
		*address = slice_of(argument.bytes + 1, i - 1);
		if (i < argument.length)
			i++;
	} else {
		while (i < argument.length && argument.bytes[i] != ' ' && argument.bytes[i] != '\t')
			i++;
		*address = slice_of(argument.bytes, i);
	}
	*rest = smtp_trim(slice_of(argument.bytes + i, argument.length - i));
	return true;
}
