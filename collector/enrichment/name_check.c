/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name_check.c - see name_check.h.
 *
 * In:  text. Out: yes, or why not. Pure.
 */
#include "enrichment/name_check.h"

#include <errno.h>
#include <strings.h>

#define LABEL_MAX_LENGTH 63

/*
 * What a resolver has no business with: special-use names (RFC 6761, 6762, 7686, 8375, 9476), and those that sites use
 * among themselves. "example" and "test" are left out: a site's resolver may know them, and nobody else does.
 */
static const char *const never_asked[] = {
	"local", "localhost", "localdomain", "onion",	  "internal", "intranet", "private",
	"corp",	 "home",      "lan",	     "home.arpa", "arpa",     "invalid",  "alt",
};

static bool letter(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Why this label is none; *digits: nothing but digits is in it. */
static const char *label_refused(struct slice label, bool *digits)
{
	*digits = true;
	if (!label.length)
		return "an empty label";
	if (label.length > LABEL_MAX_LENGTH)
		return "a label of more than 63 bytes";
	if (label.bytes[0] == '-' || label.bytes[label.length - 1] == '-')
		return "a label that begins or ends with a hyphen";
	for (size_t i = 0; i < label.length; i++) {
		if (!letter(label.bytes[i]) && !digit(label.bytes[i]) && label.bytes[i] != '-')
			return "other bytes than letters, digits and hyphens";
		*digits = *digits && digit(label.bytes[i]);
	}
	return NULL;
}

/* Is name the same as parent, or below it? */
static bool below(struct slice name, const char *parent)
{
	size_t length = strlen(parent);
	const char *tail;

	if (name.length < length)
		return false;
	tail = (const char *)name.bytes + (name.length - length);
	return strncasecmp(tail, parent, length) == 0 && (name.length == length || tail[-1] == '.');
}

const char *name_refused(struct slice name)
{
	size_t labels = 0, start = 0;
	bool digits = false;

	if (!name.length)
		return "empty";
	if (name.length > NAME_MAX_LENGTH)
		return "longer than 253 bytes";
	for (size_t at = 0; at <= name.length; at++) {
		const char *why;

		if (at < name.length && name.bytes[at] != '.')
			continue;
		why = label_refused(slice_of(name.bytes + start, at - start), &digits);
		if (why)
			return why;
		labels++;
		start = at + 1;
	}
	if (digits)
		return "an address, or its last label is a number";
	if (labels < 2)
		return "a single label";
	for (size_t i = 0; i < sizeof never_asked / sizeof *never_asked; i++) {
		if (below(name, never_asked[i]))
			return "a name that has no place in public DNS";
	}
	return NULL;
}

int name_fold(struct slice name, char text[NAME_TEXT_BYTES])
{
	if (name.length && name.bytes[name.length - 1] == '.')
		name.length--;
	if (name.length > NAME_MAX_LENGTH)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < name.length; i++)
		text[i] = (char)(name.bytes[i] >= 'A' && name.bytes[i] <= 'Z' ? name.bytes[i] + ('a' - 'A')
									      : name.bytes[i]);
	text[name.length] = '\0';
	return 0;
}
