// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * http_parse.c - reads one HTTP request head as clients of open proxies write it, right or wrong.
 *
 * In:  a header block in one piece. Out: slices into it. Called by mimic_http.c and http_page.c. May not copy or
 * allocate.
 */
#include "protocols/http_parse.h"
#include "protocols/destination.h"

#include <strings.h>

static bool blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

static struct slice from(struct slice text, size_t offset)
{
	return slice_of(text.bytes + offset, text.length - offset);
}

static struct slice trim(struct slice text)
{
	while (text.length && (blank(text.bytes[0]) || text.bytes[0] == '\r'))
		text = from(text, 1);
	while (text.length && (blank(text.bytes[text.length - 1]) || text.bytes[text.length - 1] == '\r'))
		text.length--;
	return text;
}

/* Takes a line off *rest, with LF or CRLF; its end is not part of it. */
static bool next_line(struct slice *rest, struct slice *line)
{
	const uint8_t *end;

	if (!rest->length)
		return false;
	end = memchr(rest->bytes, '\n', rest->length);
	*line = slice_of(rest->bytes, end ? (size_t)(end - rest->bytes) : rest->length);
	*rest = from(*rest, end ? line->length + 1 : line->length);
	if (line->length && line->bytes[line->length - 1] == '\r')
		line->length--;
	return true;
}

bool http_is(struct slice text, const char *word)
{
	size_t length = strlen(word);

	return text.length == length && !strncasecmp((const char *)text.bytes, word, length);
}

bool http_list_has(struct slice value, const char *word)
{
	while (value.length) {
		const uint8_t *comma = memchr(value.bytes, ',', value.length);
		size_t length = comma ? (size_t)(comma - value.bytes) : value.length;

		if (http_is(trim(slice_of(value.bytes, length)), word))
			return true;
		value = from(value, comma ? length + 1 : length);
	}
	return false;
}

bool http_header_next(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice line;
	const uint8_t *colon;

	if (!next_line(rest, &line))
		return false;
	*name = slice_of(line.bytes, 0);
	*value = trim(line);
	if (!line.length || blank(line.bytes[0]))
		return true;
	colon = memchr(line.bytes, ':', line.length);
	if (!colon)
		return true;
	*name = trim(slice_of(line.bytes, (size_t)(colon - line.bytes)));
	*value = trim(from(line, name->length ? (size_t)(colon - line.bytes) + 1 : 0));
	return true;
}

bool http_parse_line(struct slice line, struct slice *method, struct slice *target, uint8_t *version)
{
	size_t length = 0, last;

	line = trim(line);
	*version = 9;
	while (length < line.length && !blank(line.bytes[length]))
		length++;
	*method = slice_of(line.bytes, length);
	*target = trim(from(line, length));
	for (last = target->length; last && !blank(target->bytes[last - 1]);)
		last--;
	if (target->length - last >= 5 && !strncasecmp((const char *)target->bytes + last, "HTTP/", 5)) {
		struct slice digits = from(*target, last + 5);

		*version = digits.length && digits.bytes[0] == '1' && !(digits.length == 3 && digits.bytes[2] == '0')
				   ? 11
				   : 10;
		*target = trim(slice_of(target->bytes, last));
	}
	return target->length > 0;
}

/* Length of a scheme with "://" behind it, or 0. */
static size_t scheme_bytes(struct slice target)
{
	size_t length = 0;

	while (length < target.length && length < 16 &&
	       ((target.bytes[length] | 0x20) >= 'a' && (target.bytes[length] | 0x20) <= 'z'))
		length++;
	if (!length || target.length - length < 3 || memcmp(target.bytes + length, "://", 3))
		return 0;
	return length;
}

static int32_t scheme_port(struct slice scheme)
{
	return http_is(scheme, "http") ? 80 : http_is(scheme, "https") ? 443 : http_is(scheme, "ftp") ? 21 : -1;
}

/* The part of text up to a byte of stops (or all of it). */
static struct slice until(struct slice text, const char *stops)
{
	size_t length = 0;

	while (length < text.length && !(text.bytes[length] && strchr(stops, text.bytes[length])))
		length++;
	return slice_of(text.bytes, length);
}

static void parse_target(struct http_request *request)
{
	size_t scheme = scheme_bytes(request->target);
	struct slice authority;

	request->path = request->target;
	if (http_is(request->method, "CONNECT")) {
		if (scheme)
			authority = until(from(request->target, scheme + 3), "/ \t");
		else
			authority = until(request->target, " \t/");
		if (!destination_split(authority, &request->userinfo, &request->host, &request->port))
			request->form = HTTP_AUTHORITY;
		return;
	}
	if (!scheme)
		return;
	authority = until(from(request->target, scheme + 3), "/?# \t");
	if (destination_split(authority, &request->userinfo, &request->host, &request->port))
		return;
	request->scheme = slice_of(request->target.bytes, scheme);
	request->path = from(request->target, scheme + 3 + authority.length);
	request->form = HTTP_ABSOLUTE;
	/* A port that was written but is none stays none. */
	if (request->port < 0 && request->host.bytes + request->host.length >= authority.bytes + authority.length - 1)
		request->port = scheme_port(request->scheme);
}

static bool read_length(struct slice value, uint64_t *length)
{
	*length = 0;
	if (!value.length || value.length > 18)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		if (value.bytes[i] < '0' || value.bytes[i] > '9')
			return false;
		*length = *length * 10 + (uint64_t)(value.bytes[i] - '0');
	}
	return true;
}

static void parse_header(struct http_request *request, struct slice name, struct slice value)
{
	if (http_is(name, "Host"))
		request->host_header = value;
	else if (http_is(name, "User-Agent"))
		request->user_agent = value;
	else if (http_is(name, "Content-Type"))
		request->content_type = value;
	else if (http_is(name, "Content-Length") && !request->has_length)
		request->has_length = read_length(value, &request->content_bytes);
	else if (http_is(name, "Transfer-Encoding"))
		request->chunked |= http_list_has(value, "chunked");
	else if (http_is(name, "Expect"))
		request->expect_continue = http_list_has(value, "100-continue");
	else if (http_is(name, "Connection") || http_is(name, "Proxy-Connection"))
		request->keep_alive = http_list_has(value, "close")	   ? false
				      : http_list_has(value, "keep-alive") ? true
									   : request->keep_alive;
}

void http_parse(struct slice block, struct http_request *request)
{
	struct slice name, value, rest;

	memset(request, 0, sizeof(*request));
	request->port = -1;
	rest = block;
	if (!next_line(&rest, &request->line))
		return;
	request->headers = rest;
	request->valid = http_parse_line(request->line, &request->method, &request->target, &request->version);
	parse_target(request);
	request->keep_alive = request->version == 11;
	while (http_header_next(&rest, &name, &value))
		parse_header(request, name, value);
	if (request->chunked)
		request->content_bytes = 0;
}

/* "scheme credentials": the credentials; without a blank the whole value. */
static void split_credentials(struct slice value, struct slice *scheme, struct slice *secret)
{
	*scheme = until(value, " \t");
	*secret = trim(from(value, scheme->length));
	if (!secret->length) {
		*secret = value;
		scheme->length = 0;
	}
}

/* The password in user info. */
static bool userinfo_secret(struct slice userinfo, struct slice *secret)
{
	const uint8_t *colon = userinfo.length ? memchr(userinfo.bytes, ':', userinfo.length) : NULL;

	if (!colon)
		return false;
	*secret = from(userinfo, (size_t)(colon - userinfo.bytes) + 1);
	return secret->length > 0;
}

/*
 * The same in a header: of an URL in it (Referer), or in Host, where a client copies the target's. What holds ${ is an
 * exploit and stays readable.
 */
static bool header_secret(struct slice name, struct slice value, struct slice *secret)
{
	const uint8_t *scheme = value.length ? memmem(value.bytes, value.length, "://", 3) : NULL;
	struct slice userinfo, host, authority;
	int32_t port;

	if ((!scheme && !http_is(name, "Host")) || memmem(value.bytes, value.length, "${", 2))
		return false;
	authority = until(scheme ? from(value, (size_t)(scheme - value.bytes) + 3) : value, "/?# \t");
	destination_split(authority, &userinfo, &host, &port);
	return userinfo_secret(userinfo, secret);
}

/* The password in the user info of the request line's target. */
static bool line_secret(struct slice line, struct slice *secret)
{
	struct http_request request;

	memset(&request, 0, sizeof(request));
	http_parse_line(line, &request.method, &request.target, &request.version);
	parse_target(&request);
	return userinfo_secret(request.userinfo, secret);
}

/* A header behind a blank: some servers read it, so it is no place to hide either. */
static void split_indented(struct slice *name, struct slice *value)
{
	const uint8_t *colon = value->length ? memchr(value->bytes, ':', value->length) : NULL;

	if (name->length || !colon)
		return;
	*name = trim(slice_of(value->bytes, (size_t)(colon - value->bytes)));
	*value = trim(from(*value, (size_t)(colon - value->bytes) + 1));
}

bool http_next_secret(struct slice block, size_t *position, struct slice *header, struct slice *scheme,
		      struct slice *secret)
{
	struct slice rest = from(block, *position), line;

	*header = *scheme = slice_of(block.bytes, 0);
	if (!*position && next_line(&rest, &line)) {
		*position = block.length - rest.length;
		if (line_secret(line, secret))
			return true;
	}
	while (rest.length) {
		struct slice value;

		if (!http_header_next(&rest, header, &value))
			break;
		split_indented(header, &value);
		while (rest.length && blank(rest.bytes[0]) && next_line(&rest, &line))
			value.length = (size_t)(line.bytes + line.length - value.bytes);
		*position = block.length - rest.length;
		if (http_is(*header, "Authorization") || http_is(*header, "Proxy-Authorization")) {
			if (!value.length)
				continue;
			split_credentials(value, scheme, secret);
			return true;
		}
		if (header_secret(*header, value, secret))
			return true;
	}
	return false;
}
