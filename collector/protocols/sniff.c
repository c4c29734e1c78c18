// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sniff.c - tells a protocol by the first bytes of a layer.
 *
 * In:  the prefix that is known so far. Out: which mimic takes it. Called by conversation.c and mimics.
 * The greetings of protocols that are only named, not imitated, are the table below: a new one is one row. No row may
 * begin with '.': it would keep everybody waiting.
 */
#include "protocols/sniff.h"

#include <string.h>

/* A pattern of bytes: '.' in mask = any byte, '~' = a letter of any case, '=' = this byte. */
struct greeting {
	const char *protocol;
	const char *mask; /* its length is the pattern's */
	const char *bytes;
};

static const struct greeting greetings[] = {
	{ "proxy_protocol", "======", "PROXY " },
	{ "proxy_protocol", "============", "\r\n\r\n\0\r\nQUIT\n" },
	{ "smb", "=...====",
	  "\0\0\0\0\xff"
	  "SMB" },
	{ "smb", "=...====",
	  "\0\0\0\0\xfe"
	  "SMB" },
	{ "rdp", "==...=", "\x03\0\0\0\0\xe0" },
	{ "ssh", "====", "SSH-" },
	{ "redis", "~~~~==", "PING\r\n" },
	{ "redis", "~~~~==", "INFO\r\n" },
	{ "redis", "=.===.==", "*0\r\n$0\r\n" },
	{ "redis", "=.===..==", "*0\r\n$00\r\n" },
	{ "adb", "====", "CNXN" },
	{ "mqtt", "=.======", "\x10\0\0\x04MQTT" },
	{ "mqtt", "=..======", "\x10\0\0\0\x04MQTT" },
	{ "mqtt", "=.========", "\x10\0\0\x06MQIsdp" },
	{ "mqtt", "=..========", "\x10\0\0\0\x06MQIsdp" },
	{ "dcerpc", "====", "\x05\0\x0b\x03" },
	{ "dcerpc", "====", "\x05\0\0\x03" },
	{ "sip", "~~~~~~~~~~~~", "OPTIONS sip:" },
	{ "rtsp", "~~~~~~~~~~~~~", "OPTIONS rtsp:" },
	{ "rtsp", "~~~~~~~~~~~~~~", "DESCRIBE rtsp:" },
	{ "ldap", "=.==.=", "\x30\0\x02\x01\0\x60" },
	{ "postgresql", "========", "\0\0\0\x08\x04\xd2\x16\x2f" },
	{ "postgresql", "==..====", "\0\0\0\0\0\x03\0\0" },
	{ "mssql", "==..==", "\x12\x01\0\0\0\0" },
	{ "vnc", "====", "RFB " },
	{ "bittorrent", "====================",
	  "\x13"
	  "BitTorrent protocol" },
	{ "jrmi", "====", "JRMI" },
	{ "t3", "===", "t3 " },
	{ "ajp", "==", "\x12\x34" },
	{ "telnet", "==", "\xff\xfb" },
	{ "telnet", "==", "\xff\xfd" },
	{ "irc", "~~~~=", "NICK " },
	{ "rsync", "=========", "@RSYNCD: " },
	{ "memcached", "~~~~~==", "stats\r\n" },
};

static bool letter(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool fits(char kind, uint8_t byte, uint8_t want)
{
	return kind == '.' || byte == want || (kind == '~' && letter(want) && (byte ^ want) == 0x20);
}

static enum sniff sniff_greeting(struct slice prefix, const struct greeting *greeting)
{
	size_t i = 0;

	for (; greeting->mask[i] && i < prefix.length; i++)
		if (!fits(greeting->mask[i], prefix.bytes[i], (uint8_t)greeting->bytes[i]))
			return SNIFF_NO;
	return greeting->mask[i] ? SNIFF_MORE : SNIFF_YES;
}

enum sniff sniff_text(struct slice prefix, const char *text)
{
	size_t i = 0;

	for (; text[i] && i < prefix.length; i++)
		if (!fits('~', prefix.bytes[i], (uint8_t)text[i]))
			return SNIFF_NO;
	return text[i] ? SNIFF_MORE : SNIFF_YES;
}

bool sniff_line_ends(struct slice bytes)
{
	for (size_t i = 0; i < bytes.length; i++)
		if (bytes.bytes[i] != '\r' && bytes.bytes[i] != '\n')
			return false;
	return true;
}

bool sniff_binary(struct slice bytes)
{
	size_t length = bytes.length < 256 ? bytes.length : 256, high = 0;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = bytes.bytes[i];

		if ((byte < 0x20 && (byte < '\t' || byte > '\r')) || byte == 0x7f)
			return true;
		high += byte >= 0x80;
	}
	return high * 3 > length;
}

/*
 * The first that says YES wins, unless one before it still says MORE: then more bytes decide. So the outcome depends on
 * the bytes alone, in the order of the tables.
 */
enum sniff sniff_prefix(struct slice prefix, const struct mimic_ops **ops, const char **protocol)
{
	bool more = false;

	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		enum sniff told = sniff_greeting(prefix, &greetings[i]);

		if (told == SNIFF_YES && !more) {
			*ops = &mimic_unknown;
			*protocol = greetings[i].protocol;
			return SNIFF_YES;
		}
		more |= told != SNIFF_NO;
	}
	for (size_t i = 0; i < mimic_count; i++) {
		enum sniff told = mimics[i]->sniff ? mimics[i]->sniff(prefix) : SNIFF_NO;

		if (told == SNIFF_YES && !more) {
			*ops = mimics[i];
			*protocol = mimics[i]->name;
			return SNIFF_YES;
		}
		more |= told != SNIFF_NO;
	}
	return more ? SNIFF_MORE : SNIFF_NO;
}
