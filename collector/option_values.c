/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option_values.c - how the text of an option's value is read: see option_values.h.
 *
 * In:  text. Out: fields of struct run_options. Every refusal names the key, where it stood and what was expected.
 */
#include "option_values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Where the value came from, as the beginning of a line: "--ports" or "file:3: ports". */
struct place {
	char text[320];
};

static const char *place_of(struct place *place, const struct option_row *row, const char *where)
{
	if (*where)
		snprintf(place->text, sizeof(place->text), "%s: %s", where, row->key);
	else
		snprintf(place->text, sizeof(place->text), "--%s", row->key);
	return place->text;
}

static int read_number(const char *text, bool suffixes, unsigned long long *number)
{
	unsigned shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (suffixes && *end) {
		const char *known = "KMG", *found = strchr(known, toupper((unsigned char)*end));

		if (!found)
			return -EINVAL;
		shift = 10 * (unsigned)(found - known + 1);
		end++;
	}
	if (*end)
		return -EINVAL;
	if (*number > (~0ull >> shift))
		return -ERANGE;
	*number <<= shift;
	return 0;
}

static int set_number(struct run_options *options, const struct option_row *row, const char *value, const char *place,
		      struct problem *problem)
{
	unsigned long long number;
	void *field = (char *)options + row->field;
	bool bytes = row->kind == OPTION_BYTES;

	if (read_number(value, bytes, &number) < 0 || number < row->least || number > row->most)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "%s: expected a number from %llu to %llu%s, got '%s'", place, row->least, row->most,
				   bytes ? " (K, M and G may follow)" : "", value);
	if (bytes)
		*(uint64_t *)field = number;
	else
		*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int set_probability(uint32_t *field, const char *value, const char *place, struct problem *problem)
{
	char *end;
	double share = strtod(value, &end);

	if (end == value || *end || !isfinite(share) || share < 0 || share > 1)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected a share from 0 to 1.0, got '%s'",
				   place, value);
	*field = (uint32_t)(share * 4294967295.0 + 0.5);
	return 0;
}

static int set_switch(uint32_t *field, const char *value, const char *place, struct problem *problem)
{
	static const char *const on[] = { "yes", "on", "true", "1" }, *const off[] = { "no", "off", "false", "0" };

	for (size_t n = 0; n < 4; n++) {
		if (strcasecmp(value, on[n]) == 0)
			return *field = 1, 0;
		if (strcasecmp(value, off[n]) == 0)
			return *field = 0, 0;
	}
	return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected yes or no, got '%s'", place, value);
}

static int set_word(uint32_t *field, const struct option_row *row, const char *value, const char *place,
		    struct problem *problem)
{
	char list[128] = "";

	for (uint32_t n = 0; row->words[n]; n++) {
		if (strcmp(row->words[n], value) == 0)
			return *field = n, 0;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", n ? ", " : "", row->words[n]);
	}
	return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected one of %s, got '%s'", place, list, value);
}

static int set_text(char **field, const char *value, const char *place, struct problem *problem)
{
	char *copy;

	if (!*value)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected a value, got none", place);
	copy = strdup(value);
	if (!copy)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "out of memory");
	free(*field);
	*field = copy;
	return 0;
}

static int set_sensor(struct run_options *options, const char *value, const char *place, struct problem *problem)
{
	size_t length = strlen(value);
	bool good = length > 0 && length < sizeof(options->sensor) && isalnum((unsigned char)value[0]);

	for (size_t n = 0; n < length && good; n++)
		good = isdigit((unsigned char)value[n]) || islower((unsigned char)value[n]) || strchr("._-", value[n]);
	if (!good)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "%s: expected a sensor's name of 1 to %zu of a-z, 0-9, '.', '_', '-', got '%s'",
				   place, sizeof(options->sensor) - 1, value);
	memset(options->sensor, 0, sizeof(options->sensor));
	memcpy(options->sensor, value, length);
	return 0;
}

static int add_interface(struct run_options *options, const char *value, const char *place, struct problem *problem)
{
	size_t length = strlen(value);

	if (length == 0 || length >= IF_NAMESIZE || strchr(value, '/'))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected an interface's name, got '%s'", place,
				   value);
	for (uint32_t n = 0; n < options->interface_count; n++)
		if (strcmp(options->interfaces[n], value) == 0)
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: interface %s is named twice", place,
					   value);
	if (options->interface_count == OTORI_MAX_DEVICES)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: more than %d interfaces", place,
				   OTORI_MAX_DEVICES);
	memset(options->interfaces[options->interface_count], 0, IF_NAMESIZE);
	memcpy(options->interfaces[options->interface_count++], value, length);
	return 0;
}

int prefix_list_add(struct prefix_list *list, const char *text, uint32_t most)
{
	struct prefix prefix, *items;
	int err = prefix_parse(text, &prefix);

	if (err < 0)
		return err;
	if (list->count == most)
		return -E2BIG;
	/* room is doubled at every power of two */
	if ((list->count & (list->count - 1)) == 0) {
		items = reallocarray(list->items, list->count ? 2 * list->count : 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
	}
	list->items[list->count++] = prefix;
	return 0;
}

static int add_decoy(struct run_options *options, const char *value, const char *place, struct problem *problem)
{
	int err = prefix_list_add(&options->decoys, value, OTORI_MAX_PREFIXES);
	const char *why = "expected a prefix such as 198.18.0.0/16 or 2001:db8:18::/112";
	const struct prefix *added;

	if (err == -ENOMEM)
		return problem_say(problem, PROBLEM_FAILURE, err, "out of memory");
	if (err == -E2BIG)
		return problem_say(problem, PROBLEM_USAGE, err, "%s: more than %d prefixes", place, OTORI_MAX_PREFIXES);
	if (err == -ERANGE)
		why = "expected at most 32 bits for IPv4, 128 for IPv6";
	else if (err == -EDOM)
		why = "expected a prefix with nothing behind its bits";
	if (err < 0)
		return problem_say(problem, PROBLEM_USAGE, err, "%s: %s, got '%s'", place, why, value);
	/* a prefix so short would take addresses that cannot be one sensor's, and as ::/0 those of the other family too
	 */
	added = &options->decoys.items[options->decoys.count - 1];
	if (added->bits < (prefix_ipv4(added) ? 96 + 4 : 12))
		return problem_say(problem, PROBLEM_USAGE, -EINVAL,
				   "%s: expected at least 4 bits for IPv4 and 12 for IPv6, got '%s'", place, value);
	return 0;
}

static int add_port(struct run_options *options, const char *value, const char *place, struct problem *problem)
{
	unsigned long long port;

	if (read_number(value, false, &port) < 0 || port < 1 || port > 65535)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: expected ports from 1 to 65535, got '%s'",
				   place, value);
	for (uint32_t n = 0; n < options->port_count; n++)
		if (options->ports[n] == port)
			return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: port %llu is named twice", place,
					   port);
	if (options->port_count == OTORI_MAX_PORTS - 1)
		return problem_say(problem, PROBLEM_USAGE, -EINVAL, "%s: more than %d ports", place,
				   OTORI_MAX_PORTS - 1);
	options->ports[options->port_count++] = (uint16_t)port;
	return 0;
}

typedef int (*add_item)(struct run_options *options, const char *value, const char *place, struct problem *problem);

/* A list apart by commas; blanks around an item don't count. */
static int add_list(struct run_options *options, const char *value, add_item add, const char *place,
		    struct problem *problem)
{
	char *copy = strdup(value), *rest = copy, *item;
	int err = 0;

	if (!copy)
		return problem_say(problem, PROBLEM_FAILURE, -ENOMEM, "out of memory");
	while (!err && (item = strsep(&rest, ","))) {
		while (isspace((unsigned char)*item))
			item++;
		for (size_t end = strlen(item); end > 0 && isspace((unsigned char)item[end - 1]); end--)
			item[end - 1] = '\0';
		err = add(options, item, place, problem);
	}
	free(copy);
	return err;
}

int option_set(struct run_options *options, const struct option_row *row, const char *value, bool fresh,
	       const char *where, struct problem *problem)
{
	struct place place;
	const char *said = place_of(&place, row, where);
	uint32_t *number = (uint32_t *)((char *)options + row->field);

	switch (row->kind) {
	case OPTION_TEXT:
		return set_text((char **)((char *)options + row->field), value, said, problem);
	case OPTION_NUMBER:
	case OPTION_BYTES:
		return set_number(options, row, value, said, problem);
	case OPTION_SWITCH:
	case OPTION_FLAG:
		return set_switch(number, value, said, problem);
	case OPTION_WORD:
		return set_word(number, row, value, said, problem);
	case OPTION_PROBABILITY:
		return set_probability(number, value, said, problem);
	case OPTION_SENSOR:
		return set_sensor(options, value, said, problem);
	case OPTION_INTERFACES:
		options->interface_count = fresh ? 0 : options->interface_count;
		return add_list(options, value, add_interface, said, problem);
	case OPTION_PREFIXES:
		options->decoys.count = fresh ? 0 : options->decoys.count;
		return add_list(options, value, add_decoy, said, problem);
	case OPTION_PORTS:
		options->port_count = fresh ? 0 : options->port_count;
		return add_list(options, value, add_port, said, problem);
	}
	return -EINVAL;
}
