/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.c - see output.h.
 *
 * In:  paths. Out: files. Touches nothing but path, and path.part-PID beside it.
 */
#include "report/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct problem *problem, const char *path)
{
	return problem_say(problem, PROBLEM_FAILURE, -errno, "cannot write %s: %s", path, strerror(errno));
}

/* Sets path, behind whatever links it is, without slashes at its end, and the temporary name beside it. */
static int set_names(struct output *output, const char *path, struct problem *problem)
{
	char resolved[PATH_MAX];
	size_t length;

	if (realpath(path, resolved))
		path = resolved;
	length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (!length || length + 32 > sizeof output->path) {
		errno = length ? ENAMETOOLONG : ENOENT;
		return refuse(problem, path);
	}
	snprintf(output->path, sizeof output->path, "%.*s", (int)length, path);
	snprintf(output->temporary, sizeof output->temporary, "%.*s.part-%d", (int)length, path, (int)getpid());
	return 0;
}

int output_file(struct output *output, const char *path, struct problem *problem)
{
	const char *at = output->temporary;
	struct stat status;
	int error;

	if (!path) {
		/* without a place for that, a report that breaks off is half written: its status says so */
		output->file = tmpfile();
		if (!output->file)
			output->file = stdout;
		return 0;
	}
	error = set_names(output, path, problem);
	if (error)
		return error;
	if (!stat(output->path, &status) && !S_ISREG(status.st_mode)) {
		output->temporary[0] = '\0';
		at = output->path;
	}
	output->file = fopen(at, *output->temporary ? "wxe" : "we");
	return output->file ? 0 : refuse(problem, output->path);
}

/* 0 where the folder is empty or isn't there. */
static int check_empty(const char *path, struct problem *problem)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int error = 0;

	if (!folder)
		return errno == ENOENT ? 0 : refuse(problem, path);
	while (!error && (entry = readdir(folder))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = problem_say(problem, PROBLEM_FAILURE, -ENOTEMPTY,
					    "cannot write %s: expected a folder that is empty or not there yet", path);
	}
	closedir(folder);
	return error;
}

int output_folder(struct output *output, const char *path, struct problem *problem)
{
	int error = set_names(output, path, problem);

	if (!error)
		error = check_empty(output->path, problem);
	if (!error && mkdir(output->temporary, 0777))
		error = refuse(problem, output->path);
	if (error)
		output->temporary[0] = '\0';
	return error;
}

/* Removes the folder and the files in it; there are no folders in it. */
static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(path);
}

/* Copies what was written to stdout. */
static int pass_on(FILE *from)
{
	char bytes[65536];
	size_t count;

	rewind(from);
	while ((count = fread(bytes, 1, sizeof bytes, from)) > 0)
		fwrite(bytes, 1, count, stdout);
	return ferror(from) || fflush(stdout) || ferror(stdout) ? -1 : 0;
}

/* What is only in a buffer or in memory may still fail to reach the disk. */
static int flush(struct output *output)
{
	if (fflush(output->file) || ferror(output->file))
		return -1;
	if (!*output->path)
		return output->file == stdout ? 0 : pass_on(output->file);
	return *output->temporary && fsync(fileno(output->file)) ? -1 : 0;
}

int output_end(struct output *output, int error, struct problem *problem)
{
	const char *path = *output->path ? output->path : "the report";
	bool folder = !output->file;

	if (output->file && !error && flush(output))
		error = refuse(problem, path);
	if (output->file && output->file != stdout && fclose(output->file) && !error)
		error = refuse(problem, path);
	if (*output->temporary && !error && rename(output->temporary, output->path))
		error = refuse(problem, path);
	if (*output->temporary && error && folder)
		remove_folder(output->temporary);
	else if (*output->temporary && error)
		unlink(output->temporary);
	memset(output, 0, sizeof *output);
	return error;
}
