// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * marks.c - see marks.h.
 *
 * In:  a decoy, an encoding. Out: text.
 */
#include "marks.h"
#include "say.h"

static uint32_t number_of(const struct ip *ip)
{
	return (uint32_t)ip->bytes[0] << 24 | (uint32_t)ip->bytes[1] << 16 | (uint32_t)ip->bytes[2] << 8 | ip->bytes[3];
}

static struct ip ip_of(uint32_t number)
{
	struct ip ip = { .bytes = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				    (uint8_t)number } };

	return ip;
}

void base64_text(const void *bytes, size_t length, char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = bytes;

	for (; length; at += length < 3 ? length : 3, length -= length < 3 ? length : 3) {
		uint32_t three =
			(uint32_t)at[0] << 16 | (length > 1 ? (uint32_t)at[1] << 8 : 0) | (length > 2 ? at[2] : 0);

		*text++ = digits[three >> 18];
		*text++ = digits[three >> 12 & 63];
		*text++ = length > 1 ? digits[three >> 6 & 63] : '=';
		*text++ = length > 2 ? digits[three & 63] : '=';
	}
	*text = 0;
}

static const char *separator(struct random *random)
{
	static const char *const separators[] = { ":", ":", ":", "/", "-", "_", "." };

	return separators[random_below(random, 7)];
}

static void in_digits(struct random *random, const char *encoding, const struct endpoint *decoy, char *mark,
		      size_t size)
{
	const uint8_t *b = decoy->ip.bytes;
	const char *apart = separator(random);

	if (!strcmp(encoding, "dotted"))
		snprintf(mark, size, "%u.%u.%u.%u%s%u", b[0], b[1], b[2], b[3], apart, decoy->port);
	else if (!strcmp(encoding, "reversed"))
		snprintf(mark, size, "%u.%u.%u.%u%s%u", b[3], b[2], b[1], b[0], apart, decoy->port);
	else if (!strcmp(encoding, "decimal"))
		snprintf(mark, size, "%u%s%u", number_of(&decoy->ip), apart, decoy->port);
	else if (!strcmp(encoding, "hex"))
		snprintf(mark, size, random_chance(random, 500) ? "%s%08X%s%u" : "%s%08x%s%u",
			 random_chance(random, 400) ? "1" : "", number_of(&decoy->ip), apart, decoy->port);
	else
		say_bad("plan", 0, "no such encoding of a probe: %s", encoding);
}

void mark_make(struct random *random, const char *encoding, const struct endpoint *decoy, char mark[MARK_BYTES])
{
	static const char *const plain[] = { "dotted", "reversed", "decimal", "hex" };
	char inner[64];

	if (strcmp(encoding, "base64")) {
		in_digits(random, encoding, decoy, mark, MARK_BYTES);
		return;
	}
	in_digits(random, plain[random_below(random, 4)], decoy, inner, sizeof(inner));
	base64_text(inner, strlen(inner), mark);
}

void mark_near(struct random *random, const struct endpoint *decoy, char mark[MARK_BYTES])
{
	static const char *const encodings[] = { "dotted", "reversed", "decimal", "hex", "base64" };
	uint32_t number = number_of(&decoy->ip);
	struct endpoint other = *decoy;
	const uint8_t *b = decoy->ip.bytes;
	char inner[MARK_BYTES];

	switch (random_below(random, 8)) {
	case 0: /* a neighbour */
		other.ip = ip_of(number + (random_chance(random, 500) ? 1 : (uint32_t)-1));
		mark_make(random, encodings[random_below(random, 5)], &other, mark);
		break;
	case 1: /* another port */
		other.port = (uint16_t)(decoy->port == 8080 ? 3128 : decoy->port + 1);
		mark_make(random, encodings[random_below(random, 5)], &other, mark);
		break;
	case 2: /* a digit touches */
		snprintf(mark, MARK_BYTES, "1%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], decoy->port);
		break;
	case 3:
		snprintf(mark, MARK_BYTES, "%u.%u.%u.%u:%u7", b[0], b[1], b[2], b[3], decoy->port);
		break;
	case 4: /* two hex digits too many */
		snprintf(mark, MARK_BYTES, "a1%08x:%u", number, decoy->port);
		break;
	case 5: /* the address alone */
		snprintf(mark, MARK_BYTES, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
		break;
	case 6: /* base64 twice */
		snprintf(mark, MARK_BYTES, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], decoy->port);
		base64_text(mark, strlen(mark), inner);
		base64_text(inner, strlen(inner), mark);
		break;
	default: /* both, but not in one token */
		snprintf(mark, MARK_BYTES, "%u of %u.%u.%u.%u", decoy->port, b[0], b[1], b[2], b[3]);
		break;
	}
}
