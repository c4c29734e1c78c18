// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * journal_directory.c - the files of the journal folder: their numbers, names and durability.
 *
 * In:  the folder's path. Out: new files to write to, finished ones renamed, damaged ones set aside.
 * Called by supervisor/ and replay/ (everything), loader/ (list, remove, set aside). May not look into a segment.
 *
 * The folder is its own state: a crash at any moment leaves files whose names say what they are. A number is written to
 * the file `number` before it is used. Where that file and all segments are gone, numbers begin elsewhere, since
 * the database remembers the segments that it has loaded and would take a reused number for one of them.
 */
#include "journal/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_BYTES 32
#define SUFFIX_OPEN ".open"
#define SUFFIX_FINISHED ".otj"
#define NUMBER_FILE "number"
#define NUMBER_PARTIAL "number.partial"
#define BAD_FOLDER "bad"
/*
 * A fresh folder counts from now_ns >> 24 (60 numbers a second) and a random number of 36 bits: several journals of one
 * sensor may be begun at once (replays), or one after the other in the place of a deleted one. That stays below the
 * limit until 2225.
 */
#define CLOCK_SHIFT 24
#define SCATTER_BITS 36

struct journal_directory {
	int fd;
	uint64_t number; /* highest number ever used */
	uid_t uid;	 /* the folder's owner and group own its files, so that the loader may read them */
	gid_t gid;
};

static void segment_name(char name[NAME_BYTES], uint64_t segment, const char *suffix)
{
	snprintf(name, NAME_BYTES, "%016" PRIx64 "%s", segment, suffix);
}

/* The number in a file's name with that suffix (any suffix where it is NULL); 0 = another file. */
static uint64_t segment_of(const char *name, const char *suffix)
{
	uint64_t segment = 0;

	for (int i = 0; i < 16; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = name[i] ? strchr(digits, name[i]) : NULL;

		if (!digit)
			return 0;
		segment = segment << 4 | (uint64_t)(digit - digits);
	}
	if (suffix ? strcmp(name + 16, suffix) : strcmp(name + 16, SUFFIX_OPEN) && strcmp(name + 16, SUFFIX_FINISHED))
		return 0;
	return segment <= JOURNAL_SEGMENT_MAX ? segment : 0;
}

/* Calls visit for each segment file of the folder at (folder, path) until one gives an error. */
static int each_segment(int folder, const char *path, const char *suffix,
			int (*visit)(void *context, int fd, uint64_t segment), void *context)
{
	int result = 0, fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		result = -errno;
		close(fd);
		return result;
	}
	while (!result && (errno = 0, entry = readdir(dir)) != NULL) {
		uint64_t segment = segment_of(entry->d_name, suffix);

		if (segment)
			result = visit(context, fd, segment);
	}
	if (!result && !entry && errno)
		result = -errno;
	closedir(dir);
	return result;
}

static int visit_highest(void *context, int fd, uint64_t segment)
{
	uint64_t *highest = context;

	(void)fd;
	if (segment > *highest)
		*highest = segment;
	return 0;
}

static int write_number(struct journal_directory *directory, uint64_t number)
{
	int result = 0,
	    fd = openat(directory->fd, NUMBER_PARTIAL, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	char text[NAME_BYTES];

	if (fd < 0)
		return -errno;
	segment_name(text, number, "\n");
	if (write(fd, text, 17) != 17)
		result = errno ? -errno : -EIO;
	else if (fsync(fd) || renameat(directory->fd, NUMBER_PARTIAL, directory->fd, NUMBER_FILE) ||
		 fsync(directory->fd))
		result = -errno;
	close(fd);
	return result;
}

/* The number in the file, 0 where there is none or it is not to be read. */
static int read_number(const struct journal_directory *directory, uint64_t *number)
{
	char text[NAME_BYTES] = "";
	int fd = openat(directory->fd, NUMBER_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got;

	*number = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got == 17)
		*number = segment_of(text, "\n");
	return 0;
}

/* Where a folder begins that knows of no number. */
static uint64_t first_number(void)
{
	struct timespec now;
	uint64_t scatter = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(&scatter, sizeof(scatter), 0) != sizeof(scatter))
		scatter = (uint64_t)now.tv_nsec << 8 ^ (uint64_t)getpid();
	return (((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) >> CLOCK_SHIFT) +
	       (scatter & ((UINT64_C(1) << SCATTER_BITS) - 1));
}

/* The highest number that this folder, or a former one in its place, can have used. */
static int find_number(struct journal_directory *directory)
{
	uint64_t highest = 0;
	int result = read_number(directory, &directory->number);

	if (!result)
		result = each_segment(directory->fd, ".", NULL, visit_highest, &highest);
	if (!result) {
		result = each_segment(directory->fd, BAD_FOLDER, NULL, visit_highest, &highest);
		if (result == -ENOENT)
			result = 0;
	}
	if (result)
		return result;
	if (!directory->number)
		directory->number = first_number();
	if (highest > directory->number)
		directory->number = highest;
	return 0;
}

int journal_directory_open(const char *path, struct journal_directory **directory)
{
	struct journal_directory *new = calloc(1, sizeof(*new));
	struct stat status;
	int result;

	if (!new)
		return -ENOMEM;
	new->fd = -1;
	if (mkdir(path, 0750) && errno != EEXIST) {
		result = -errno;
		goto fail;
	}
	new->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new->fd < 0 || fstat(new->fd, &status) || flock(new->fd, LOCK_EX | LOCK_NB)) {
		result = errno == EWOULDBLOCK ? -EBUSY : -errno;
		goto fail;
	}
	new->uid = status.st_uid;
	new->gid = status.st_gid;
	result = find_number(new);
	if (result)
		goto fail;
	*directory = new;
	return 0;
fail:
	journal_directory_close(new);
	return result;
}

void journal_directory_close(struct journal_directory *directory)
{
	if (!directory)
		return;
	if (directory->fd >= 0)
		close(directory->fd);
	free(directory);
}

int journal_directory_create(struct journal_directory *directory, uint64_t *segment)
{
	uint64_t number = directory->number + 1;
	char name[NAME_BYTES];
	int fd, result;

	if (number > JOURNAL_SEGMENT_MAX)
		return -EOVERFLOW;
	result = write_number(directory, number);
	if (result)
		return result;
	directory->number = number;
	segment_name(name, number, SUFFIX_OPEN);
	fd = openat(directory->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	/* Not root: the file is the caller's, as is the folder. */
	if (geteuid() == 0 && fchown(fd, directory->uid, directory->gid)) {
		result = -errno;
		goto fail;
	}
	if (fsync(directory->fd)) {
		result = -errno;
		goto fail;
	}
	*segment = number;
	return fd;
fail:
	unlinkat(directory->fd, name, 0);
	close(fd);
	return result;
}

int journal_directory_finish(struct journal_directory *directory, uint64_t segment)
{
	char open_name[NAME_BYTES], name[NAME_BYTES];
	struct stat status;
	int fd, result = 0;

	segment_name(open_name, segment, SUFFIX_OPEN);
	segment_name(name, segment, SUFFIX_FINISHED);
	fd = openat(directory->fd, open_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status)) {
		result = -errno;
	} else if (status.st_size <= JOURNAL_HEADER_BYTES) {
		if (unlinkat(directory->fd, open_name, 0))
			result = -errno;
	} else if (fsync(fd) || renameat(directory->fd, open_name, directory->fd, name) || fsync(directory->fd)) {
		result = -errno;
	}
	close(fd);
	return result;
}

struct recovery {
	struct journal_directory *directory;
	int finished;
};

static int visit_finish(void *context, int fd, uint64_t segment)
{
	struct recovery *recovery = context;
	int result = journal_directory_finish(recovery->directory, segment);

	(void)fd;
	if (!result)
		recovery->finished++;
	return result;
}

int journal_directory_recover(struct journal_directory *directory)
{
	struct recovery recovery = { .directory = directory };
	int result = each_segment(directory->fd, ".", SUFFIX_OPEN, visit_finish, &recovery);

	return result ? result : recovery.finished;
}

struct backlog {
	uint64_t *files, *bytes;
};

static int visit_backlog(void *context, int fd, uint64_t segment)
{
	struct backlog *backlog = context;
	char name[NAME_BYTES];
	struct stat status;

	segment_name(name, segment, SUFFIX_FINISHED);
	if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno; /* the loader was quicker */
	++*backlog->files;
	*backlog->bytes += (uint64_t)status.st_size;
	return 0;
}

int journal_directory_backlog(const char *path, uint64_t *files, uint64_t *bytes)
{
	struct backlog backlog = { files, bytes };

	*files = 0;
	*bytes = 0;
	return each_segment(AT_FDCWD, path, SUFFIX_FINISHED, visit_backlog, &backlog);
}

int journal_directory_aside(const char *path, uint64_t *files)
{
	char folder[4096];
	uint64_t bytes;
	int length = snprintf(folder, sizeof(folder), "%s/" BAD_FOLDER, path), result;

	*files = 0;
	if (length < 0 || (size_t)length >= sizeof(folder))
		return -ENAMETOOLONG;
	result = journal_directory_backlog(folder, files, &bytes);
	return result == -ENOENT ? 0 : result;
}

struct list {
	uint64_t *segments;
	size_t count, capacity;
};

static int visit_list(void *context, int fd, uint64_t segment)
{
	struct list *list = context;

	(void)fd;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		uint64_t *grown = reallocarray(list->segments, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->segments = grown;
		list->capacity = capacity;
	}
	list->segments[list->count++] = segment;
	return 0;
}

static int compare_segments(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

int journal_directory_list(const char *path, uint64_t **segments, size_t *count)
{
	struct list list = { 0 };
	int result = each_segment(AT_FDCWD, path, SUFFIX_FINISHED, visit_list, &list);

	if (result) {
		free(list.segments);
		return result;
	}
	if (list.count)
		qsort(list.segments, list.count, sizeof(*list.segments), compare_segments);
	*segments = list.segments;
	*count = list.count;
	return 0;
}

int journal_segment_path(const char *path, uint64_t segment, char *text, size_t bytes)
{
	char name[NAME_BYTES];
	int length;

	segment_name(name, segment, SUFFIX_FINISHED);
	length = snprintf(text, bytes, "%s/%s", path, name);
	return length < 0 || (size_t)length >= bytes ? -ENAMETOOLONG : 0;
}

int journal_segment_remove(const char *path, uint64_t segment)
{
	char text[4096];
	int result = journal_segment_path(path, segment, text, sizeof(text));

	if (result)
		return result;
	return unlink(text) && errno != ENOENT ? -errno : 0;
}

int journal_segment_set_aside(const char *path, uint64_t segment)
{
	int result = 0, bad = -1, folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_BYTES];

	if (folder < 0)
		return -errno;
	if (mkdirat(folder, BAD_FOLDER, 0750) && errno != EEXIST) {
		result = -errno;
		goto out;
	}
	bad = openat(folder, BAD_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	segment_name(name, segment, SUFFIX_FINISHED);
	/* New name first, so that a power cut leaves the file at least once. */
	if (bad < 0 || renameat(folder, name, bad, name) || fsync(bad) || fsync(folder))
		result = -errno;
out:
	if (bad >= 0)
		close(bad);
	close(folder);
	return result;
}
