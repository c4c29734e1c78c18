// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * secrets.c - keyed hashes, and base64 as clients send it.
 *
 * In:  a key and bytes. Out: 64 or 256 bits; decoded bytes. Called by mimics and turn.c. May not allocate or keep
 * anything.
 */
#include "protocols/secrets.h"

#include <errno.h>

static uint64_t rotate(uint64_t value, unsigned int bits)
{
	return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t little_endian(const uint8_t *bytes, size_t length)
{
	uint64_t value = 0;

	for (size_t i = 0; i < length; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

uint64_t keyed_hash(const uint64_t key[2], struct slice bytes)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
			  key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull };
	size_t whole = bytes.length & ~(size_t)7;
	uint64_t word;

	for (size_t i = 0; i < whole; i += 8) {
		word = little_endian(bytes.bytes + i, 8);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)(bytes.length & 0xff) << 56;
	if (bytes.length > whole)
		word |= little_endian(bytes.bytes + whole, bytes.length - whole);
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void secret_hash(const uint64_t key[2], struct slice secret, uint8_t hash[32])
{
	for (uint8_t part = 0; part < 4; part++) {
		const uint8_t left[] = { 's', 'e', 'c', 'r', 'e', 't', '0', part };
		const uint8_t right[] = { 's', 'e', 'c', 'r', 'e', 't', '1', part };
		uint64_t derived[2] = { keyed_hash(key, slice_of(left, sizeof(left))),
					keyed_hash(key, slice_of(right, sizeof(right))) };
		uint64_t value = keyed_hash(derived, secret);

		for (unsigned int i = 0; i < 8; i++)
			hash[part * 8 + i] = (uint8_t)(value >> (8 * i));
	}
}

static int base64_value(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

int base64_decode(struct slice text, uint8_t *to, size_t size)
{
	uint32_t bits = 0;
	unsigned int held = 0;
	size_t length = 0;

	while (text.length && text.bytes[text.length - 1] == '=')
		text.length--;
	for (size_t i = 0; i < text.length; i++) {
		int value = base64_value(text.bytes[i]);

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (length == size)
			return -EINVAL;
		to[length++] = (uint8_t)(bits >> held);
	}
	return (int)length;
}
