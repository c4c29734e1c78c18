/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vocabulary.c - see vocabulary.h.
 *
 * In:  a list. Out: words. Touches nothing.
 */
#include "report/vocabulary.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *word;
	struct phrase said;
} vocabulary[] = {
	/* class, and what stands beside it in tables by relay port */
	{ "exploit", PHRASE("exploits", "脆弱性を突く攻撃") },
	{ "none", PHRASE("no relay", "中継要求なし") },
	{ "others", PHRASE("others", "その他") },
	/* kinds of mails and of direct mail */
	{ "probe", PHRASE("probe", "探索行為") },
	{ "mail", PHRASE("mail", "メール") },
	{ "relay_test", PHRASE("relay test", "オープンリレーの探索行為") },
	{ "other", PHRASE("other", "その他") },
	/* lines */
	{ "residential", PHRASE("residential", "一般利用者回線") },
	{ "hosting", PHRASE("hosting", "ホスティング") },
	{ "unknown", PHRASE("unknown", "不明") },
	/* where a probe carries the decoy's address, and how */
	{ "subject", PHRASE("subject", "件名") },
	{ "body", PHRASE("body", "本文") },
	{ "message_id", PHRASE("Message-ID", "Message-ID") },
	{ "helo", PHRASE("HELO", "HELO") },
	{ "mail_from", PHRASE("MAIL FROM", "MAIL FROM") },
	{ "rcpt_to", PHRASE("RCPT TO", "RCPT TO") },
	{ "header", PHRASE("header", "ヘッダ") },
	{ "dotted", PHRASE("dotted", "ドット区切り") },
	{ "reversed", PHRASE("reversed", "逆順") },
	{ "decimal", PHRASE("decimal", "10進数") },
	{ "hex", PHRASE("hex", "16進数") },
	{ "base64", PHRASE("base64", "base64") },
};

const char *vocabulary_word(const char *word, enum language language)
{
	for (size_t i = 0; i < sizeof vocabulary / sizeof *vocabulary; i++) {
		if (!strcmp(vocabulary[i].word, word))
			return vocabulary[i].said.in[language];
	}
	return word;
}
