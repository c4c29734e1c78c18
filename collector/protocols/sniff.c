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
	/* The whole of it, so it cannot wait until others that begin with 0 are told. */
	{ "epmd", "===", "\0\x01n" },
	{ "proxy_protocol", "======", "PROXY " },
	{ "proxy_protocol", "============", "\r\n\r\n\0\r\nQUIT\n" },
	{ "smb", "=...====",
	  "\0\0\0\0\xff"
	  "SMB" },
	{ "smb", "=...====",
	  "\0\0\0\0\xfe"
	  "SMB" },
	/* Siemens S7 opens TPKT as RDP does; its parameters tell (calling TSAP). */
	{ "s7", "==..=====..===", "\x03\0\0\0\x11\xe0\0\0\0\0\0\xc1\x02\x01" },
	{ "rdp", "==...=", "\x03\0\0\0\0\xe0" },
	{ "h323", "==..==", "\x03\0\0\0\x08\x02" },
	{ "ssh", "====", "SSH-" },
	{ "redis", "~~~~==", "PING\r\n" },
	{ "redis", "~~~~==", "INFO\r\n" },
	{ "redis", "~~~~~~=", "CONFIG " },
	{ "redis", "~~~~~~~=", "SLAVEOF " },
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
	{ "sip", "~~~~~~~~~~~~~", "REGISTER sip:" },
	{ "sip", "~~~~~~~~~~~", "INVITE sip:" },
	{ "rtsp", "~~~~~~~~~~~~~", "OPTIONS rtsp:" },
	{ "rtsp", "~~~~~~~~~~~~~~", "DESCRIBE rtsp:" },
	{ "ldap", "=.==.=", "\x30\0\x02\x01\0\x60" },
	{ "ldap", "=.==.=", "\x30\0\x02\x01\0\x63" },
	{ "ldap", "=====.=", "\x30\x84\0\0\0\0\x02" },
	{ "postgresql", "========", "\0\0\0\x08\x04\xd2\x16\x2f" },
	{ "postgresql", "==..====", "\0\0\0\0\0\x03\0\0" },
	{ "kafka", "===.==", "\0\0\0\0\0\x12" },
	{ "oracle", "=.======", "\0\0\0\0\x01\0\0\0" },
	{ "pptp", "========", "\0\x9c\0\x01\x1a\x2b\x3c\x4d" },
	{ "dns", "=...========", "\0\0\0\0\x01\0\0\x01\0\0\0\0" },
	{ "dns", "=...========", "\0\0\0\0\0\0\0\x01\0\0\0\0" },
	{ "dns", "=...========", "\0\0\0\0\x01\x20\0\x01\0\0\0\0" },
	{ "modbus", "=====...", "\x13\x37\0\0\0\0\0\0" },
	{ "modbus", "======.=", "\0\0\0\0\0\x02\0\x11" },
	{ "modbus", "=====..==", "\0\0\0\0\0\0\0\x2b\x0e" },
	{ "openvpn", "=.=", "\0\0\x38" },
	{ "mssql", "==..==", "\x12\x01\0\0\0\0" },
	{ "mssql", "==..====", "\x10\x01\0\0\0\0\x01\0" },
	{ "mongodb", "====....========", "\x3a\0\0\0\0\0\0\0\0\0\0\0\xd4\x07\0\0" },
	{ "mongodb", "====....========", "\x3f\0\0\0\0\0\0\0\0\0\0\0\xd4\x07\0\0" },
	{ "mongodb", "====....========", "\x41\0\0\0\0\0\0\0\xff\xff\xff\xff\xd4\x07\0\0" },
	{ "cassandra", "=========", "\x04\0\0\0\x05\0\0\0\0" },
	{ "cassandra", "=========", "\x03\0\0\0\x05\0\0\0\0" },
	{ "dicom", "==....==", "\x01\0\0\0\0\0\0\x01" },
	{ "radmin", "==========", "\x01\0\0\0\x01\0\0\0\x08\x08" },
	{ "fastcgi", "========", "\x01\x01\0\x01\0\x08\0\0" },
	{ "enip", "========", "\x63\0\0\0\0\0\0\0" },
	{ "dnp3", "====", "\x05\x64\x05\xc9" },
	{ "iec104", "======", "\x68\x04\x07\0\0\0" },
	{ "fox", "======", "fox a " },
	{ "x11", "======", "l\0\x0b\0\0\0" },
	{ "x11", "======", "B\0\0\x0b\0\0" },
	{ "sunrpc", "===.....========", "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02" },
	{ "netbios", "====", "\x81\0\0\x44" },
	{ "iscsi", "===.", "\x43\x87\0\0" },
	{ "edonkey", "=....=", "\xe3\0\0\0\0\x01" },
	{ "minecraft", "===", "\xfe\x01\xfa" },
	{ "java_object", "====", "\xac\xed\0\x05" },
	{ "giop", "====", "GIOP" },
	{ "amqp", "====", "AMQP" },
	{ "xmpp", "========", "<stream:" },
	{ "svn", "====", "( 2 " },
	{ "git", "==..========", "0000git-uplo" },
	{ "pjl", "====", "@PJL" },
	{ "pjl", "=========", "\x1b%-12345X" },
	{ "gh0st", "=====", "Gh0st" },
	{ "gnutella", "========", "GNUTELLA" },
	{ "stratum", "=========================", "{\"id\":1,\"method\":\"mining." },
	{ "stratum", "============================", "{\"id\": 1, \"method\": \"mining." },
	{ "zookeeper", "====", "ruok" },
	{ "pop3", "~~~~=", "CAPA\r" },
	{ "nntp", "~~~~=~~~~~~", "MODE READER" },
	{ "vnc", "====", "RFB " },
	{ "bittorrent", "====================",
	  "\x13"
	  "BitTorrent protocol" },
	{ "jrmi", "====", "JRMI" },
	{ "t3", "===", "t3 " },
	{ "t3", "====", "t3s " },
	{ "ajp", "==", "\x12\x34" },
	{ "telnet", "==", "\xff\xfb" },
	{ "telnet", "==", "\xff\xfd" },
	{ "irc", "~~~~=", "NICK " },
	{ "irc", "~~~=~~", "CAP LS" },
	{ "rsync", "=========", "@RSYNCD: " },
	{ "memcached", "~~~~~==", "stats\r\n" },
	{ "memcached", "~~~~~~~==", "version\r\n" },
	{ "memcached", "========", "\x80\x0b\0\0\0\0\0\0" },
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
