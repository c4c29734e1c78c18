/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subject.h - the subject out of a mail's header block, decoded.
 *
 * In:  a header block as a stranger sent it. Out: clean UTF-8. Called by load_mail.c, in the loader only: gmime is
 * never linked into the responder.
 */
#ifndef OTORI_SUBJECT_H
#define OTORI_SUBJECT_H

#include "base/slice.h"

#define SUBJECT_RAW_MAX_BYTES 8192 /* of the field as sent; the rest is left out */
#define SUBJECT_TEXT_MAX_BYTES \
	(9 * SUBJECT_RAW_MAX_BYTES) /* a byte becomes three in UTF-8, each of which may be cleaned */

struct subject_decoder; /* opaque; gmime's settings and room for one subject */

/* NULL where memory is short. gmime is set up once a process and never taken down: glib keeps state for good. */
struct subject_decoder *subject_decoder_new(void);
void subject_decoder_free(struct subject_decoder *decoder);

/*
 * Finds the first Subject field, unfolds it and decodes it (RFC 2047; raw bytes as UTF-8, or ISO-2022-JP by its
 * escapes, else as Windows-1252). true: *text borrows the decoder's memory until the next call; false: there is no such
 * field.
 */
bool subject_decode(struct subject_decoder *decoder, struct slice header, struct slice *text);

#endif
