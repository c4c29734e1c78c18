// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * books.c - see books.h: three files with a line a fact, columns apart by tabs, \N where there is nothing.
 *
 * In:  facts. Out: files. May not draw a number.
 */
#include "books.h"
#include "say.h"

struct books {
	FILE *accesses, *mails, *syns;
};

static FILE *create(const char *folder, const char *name, const char *head)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file)
		say_failed(path);
	fprintf(file, "%s\n", head);
	return file;
}

struct books *books_open(const char *folder)
{
	struct books *books = must_have(sizeof(*books));

	books->accesses = create(folder, "accesses.tsv",
				 "started_ns\tsource\tsource_port\tdecoy\tdecoy_port\tprotocol\trelay_host\trelay_"
				 "port\tclass\tdepth\texploit\tbytes_in\tchain\tsmtp_kind");
	books->mails = create(
		folder, "mails.tsv",
		"received_ns\tsource\tsource_port\tdecoy\tdecoy_port\trelay_host\trelay_port\tdirect\tcomplete\tmail_"
		"from\tsubject\tsize_bytes\trecipients\tsuspect\tfound_in\tencoding");
	books->syns = create(folder, "syns.tsv", "time_ns\tsource\tdecoy\tdecoy_port");
	return books;
}

static const char *or_null(const char *text)
{
	return text ? text : "\\N";
}

static void put_endpoints(FILE *file, int64_t time_ns, const struct endpoint *client, const struct endpoint *server)
{
	char source[IP_TEXT_BYTES], decoy[IP_TEXT_BYTES];

	fprintf(file, "%lld\t%s\t%u\t%s\t%u", (long long)time_ns, ip_text(&client->ip, source), client->port,
		ip_text(&server->ip, decoy), server->port);
}

static void put_port(FILE *file, int port)
{
	if (port < 0)
		fprintf(file, "\t\\N");
	else
		fprintf(file, "\t%d", port);
}

void books_access(struct books *books, const struct access_fact *fact)
{
	FILE *file = books->accesses;

	put_endpoints(file, fact->started_ns, &fact->client, &fact->server);
	fprintf(file, "\t%s\t%s", or_null(fact->protocol), or_null(fact->relay_host));
	put_port(file, fact->relay_port);
	fprintf(file, "\t%s\t%s\t%d\t%llu\t%s\t%s\n", fact->class, fact->depth, fact->exploit,
		(unsigned long long)fact->bytes_in, or_null(fact->chain), or_null(fact->smtp_kind));
}

void books_mail(struct books *books, const struct mail_fact *fact)
{
	FILE *file = books->mails;

	put_endpoints(file, fact->received_ns, &fact->client, &fact->server);
	fprintf(file, "\t%s", or_null(fact->relay_host));
	put_port(file, fact->relay_port);
	fprintf(file, "\t%d\t%d\t%s\t%s\t%llu\t", fact->direct, fact->complete, fact->mail_from, or_null(fact->subject),
		(unsigned long long)fact->size_bytes);
	for (size_t i = 0; i < fact->recipient_count; i++)
		fprintf(file, "%s%s", i ? " " : "", fact->recipients[i]);
	fputc('\t', file);
	for (size_t i = 0; i < fact->recipient_count; i++)
		fprintf(file, "%d", fact->suspect[i]);
	fprintf(file, "\t%s\t%s\n", or_null(fact->found_in), or_null(fact->encoding));
}

void books_syn(struct books *books, int64_t time_ns, const struct endpoint *from, const struct endpoint *to)
{
	char source[IP_TEXT_BYTES], decoy[IP_TEXT_BYTES];

	fprintf(books->syns, "%lld\t%s\t%s\t%u\n", (long long)time_ns, ip_text(&from->ip, source),
		ip_text(&to->ip, decoy), to->port);
}

void books_close(struct books *books)
{
	if (fclose(books->accesses) || fclose(books->mails) || fclose(books->syns))
		say_failed("generate: books");
	free(books);
}
