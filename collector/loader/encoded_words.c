// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * encoded_words.c - neighbouring encoded words (RFC 2047) in base64 and one charset made into one word.
 *
 * In:  an unfolded header field. Out: the same field, decodable by gmime. Called by subject.c. May not know charsets.
 */
#include "loader/encoded_words.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* "=?charset?B?text?=" */
struct word {
	const char *charset, *text;
	size_t charset_length, text_length;
	const char *end; /* behind it */
};

/* True where a word in base64 begins at this place. */
static bool read_word(const char *at, struct word *word)
{
	const char *mark;

	if (strncmp(at, "=?", 2))
		return false;
	word->charset = at + 2;
	word->charset_length = strcspn(word->charset, "? ");
	mark = word->charset + word->charset_length;
	if (!word->charset_length || mark[0] != '?' || (mark[1] != 'B' && mark[1] != 'b') || mark[2] != '?')
		return false;
	word->text = mark + 3;
	word->text_length = strcspn(word->text, "? ");
	word->end = word->text + word->text_length + 2;
	return !strncmp(word->text + word->text_length, "?=", 2);
}

/* The next word, where it is in the same charset and nothing but blanks stands between. */
static bool read_neighbour(const struct word *word, struct word *next)
{
	const char *at = word->end + strspn(word->end, " \t");

	return read_word(at, next) && next->charset_length == word->charset_length &&
	       !strncasecmp(next->charset, word->charset, word->charset_length);
}

static size_t decode(const struct word *word, guchar *to)
{
	gint state = 0;
	guint save = 0;

	return g_base64_decode_step(word->text, word->text_length, to, &state, &save);
}

/* Writes the run of words that begins with word as one; *end is where it ended. Returns the bytes written. */
static size_t join_run(struct word word, char *to, size_t room, const char **end)
{
	struct word next;
	size_t length = 0, written;
	guchar *content;
	char *text;
	const char *begin = word.charset - 2;

	if (!read_neighbour(&word, &next)) {
		*end = word.end;
		memcpy(to, begin, (size_t)(word.end - begin));
		return (size_t)(word.end - begin);
	}
	content = g_malloc(room); /* decoded is shorter than encoded */
	length = decode(&word, content);
	while (read_neighbour(&word, &next)) {
		length += decode(&next, content + length);
		word = next;
	}
	*end = word.end;
	text = g_base64_encode(content, length);
	written = (size_t)g_snprintf(to, room, "=?%.*s?B?%s?=", (int)word.charset_length, word.charset, text);
	g_free(text);
	g_free(content);
	return written;
}

void encoded_words_join(const char *field, char *to, size_t room)
{
	struct word word;

	while (*field) {
		if (read_word(field, &word)) {
			size_t written = join_run(word, to, room, &field);

			to += written;
			room -= written;
		} else {
			*to++ = *field++;
			room--;
		}
	}
	*to = 0;
}
