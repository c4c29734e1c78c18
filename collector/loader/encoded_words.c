// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * encoded_words.c - neighbouring encoded words (RFC 2047) in base64 and one charset made into one word, without NULs.
 *
 * In:  an unfolded header field. Out: the same field, decodable by gmime. Called by subject.c. Of charsets it knows but
 * which ones have NUL bytes in their characters.
 */
#include "loader/encoded_words.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* "=?charset?B?text?=", or Q */
struct word {
	const char *charset, *text;
	size_t charset_length, text_length;
	const char *end; /* behind it */
};

/* True where a word in that encoding (B or Q) begins at this place. No blanks are in base64; broken encoders leave them
 * in quoted text. */
static bool read_word(const char *at, char encoding, struct word *word)
{
	const char *mark, *stops = encoding == 'B' ? "? " : "?";

	if (strncmp(at, "=?", 2))
		return false;
	word->charset = at + 2;
	word->charset_length = strcspn(word->charset, "? ");
	mark = word->charset + word->charset_length;
	if (!word->charset_length || mark[0] != '?' || g_ascii_toupper(mark[1]) != encoding || mark[2] != '?')
		return false;
	word->text = mark + 3;
	word->text_length = strcspn(word->text, stops);
	word->end = word->text + word->text_length + 2;
	return !strncmp(word->text + word->text_length, "?=", 2);
}

/* The next word, where it is in the same charset and nothing but blanks stands between. */
static bool read_neighbour(const struct word *word, struct word *next)
{
	const char *at = word->end + strspn(word->end, " \t");

	return read_word(at, 'B', next) && next->charset_length == word->charset_length &&
	       !strncasecmp(next->charset, word->charset, word->charset_length);
}

/* Is a NUL byte no more than a part of a character in the word's charset? */
static bool is_wide(const struct word *word)
{
	static const char *const wide[] = { "utf-16", "utf16", "utf-32", "utf32", "ucs", "unicode", "iso-10646" };

	for (size_t i = 0; i < G_N_ELEMENTS(wide); i++)
		if (!g_ascii_strncasecmp(word->charset, wide[i], strlen(wide[i])))
			return true;
	return false;
}

static size_t decode(const struct word *word, guchar *to)
{
	gint state = 0;
	guint save = 0;

	return g_base64_decode_step(word->text, word->text_length, to, &state, &save);
}

/* Makes NULs blanks; false where there were none. */
static bool blank_nuls(guchar *content, size_t length)
{
	bool found = false;

	for (size_t i = 0; i < length; i++) {
		if (!content[i]) {
			content[i] = ' ';
			found = true;
		}
	}
	return found;
}

static size_t copy_word(const struct word *word, char *to)
{
	const char *begin = word->charset - 2;

	memcpy(to, begin, (size_t)(word->end - begin));
	return (size_t)(word->end - begin);
}

/* Writes the run of words that begins with word as one; *end is where it ended. Returns the bytes written. */
static size_t join_run(struct word word, char *to, size_t room, const char **end)
{
	const struct word first = word;
	struct word next;
	guchar *content = g_malloc(room); /* decoded is shorter than encoded */
	size_t length = decode(&word, content), written;
	bool changed = false;

	while (read_neighbour(&word, &next)) {
		length += decode(&next, content + length);
		word = next;
		changed = true;
	}
	*end = word.end;
	if (!is_wide(&word))
		changed |= blank_nuls(content, length);
	if (changed) {
		char *text = g_base64_encode(content, length);

		written = (size_t)g_snprintf(to, room, "=?%.*s?B?%s?=", (int)word.charset_length, word.charset, text);
		g_free(text);
	} else {
		written = copy_word(&first, to);
	}
	g_free(content);
	return written;
}

/* Writes a word of quoted text. Returns the bytes written. */
static size_t copy_quoted(const struct word *word, char *to)
{
	char *text = to + (word->text - (word->charset - 2)), *const text_end = text + word->text_length;
	size_t written = copy_word(word, to);

	for (; !is_wide(word) && text + 3 <= text_end; text++)
		if (!memcmp(text, "=00", 3))
			text[1] = '2';
	return written;
}

void encoded_words_join(const char *field, char *to, size_t room)
{
	struct word word;

	while (*field) {
		size_t written;

		if (read_word(field, 'B', &word)) {
			written = join_run(word, to, room, &field);

			to += written;
			room -= written;
		} else if (read_word(field, 'Q', &word)) {
			written = copy_quoted(&word, to);
			to += written;
			room -= written;
			field = word.end;
		} else {
			*to++ = *field++;
			room--;
		}
	}
	*to = 0;
}
