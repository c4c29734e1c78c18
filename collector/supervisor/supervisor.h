/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * supervisor.h - the small process that keeps everything else: datapath, guard, responder, loader, database, journal's
 * folder.
 *
 * In:  struct run_options. Out: an exit status, when a signal ended it. Called by run.c. It parses nothing that
 * strangers sent: what it reads are counters, messages of fixed size from its children, and netlink.
 *
 * Files, in the order of a start: users.c, datapath/, page_file.c, own_segment.c, transmit_socket.c + start_block.c +
 * responder_process.c, database_process.c, loader_process.c; while it runs: guard_keeper.c, module_keeper.c, ticks.c,
 * state_file.c, notify.c.
 */
#ifndef OTORI_SUPERVISOR_SUPERVISOR_H
#define OTORI_SUPERVISOR_SUPERVISOR_H

#include <sys/types.h>

#include "datapath/datapath.h"
#include "datapath/guard.h"
#include "datapath/guard_module.h"
#include "journal/journal.h"
#include "ledger/ledger.h"
#include "options.h"
#include "record/record.h"
#include "responder/contract.h"
#include "responder/page.h"

#define SUPERVISOR_RUN_DIRECTORY "/run/otori"
#define SUPERVISOR_STATE_FILE SUPERVISOR_RUN_DIRECTORY "/state"
#define SUPERVISOR_PAGE_FILE SUPERVISOR_RUN_DIRECTORY "/page"
#define SUPERVISOR_WRITER 255 /* of the supervisor's own journal segments */
#define SUPERVISOR_SEGMENTS 4 /* of one worker that can be under way at once */

/* A user that a child becomes. */
struct child_user {
	uid_t uid;
	gid_t gid;
};

/* A process that is kept alive. */
struct child {
	pid_t pid;	     /* 0 = does not run */
	uint64_t started_ns; /* monotonic */
	uint64_t due_ns;     /* monotonic: when to start it (again); 0 = not wanted */
	uint64_t backoff_ns;
	uint32_t failures; /* ends since it last was of use */
};

/* Records of a minute that died with a responder: given up, too, but no sign of a full disk. */
struct buried_minute {
	uint32_t minute; /* since 1970; 0 = none */
	uint64_t records;
};

/* What responder_watch.c saw at its last turn. */
struct responder_watch {
	uint64_t beat[OTORI_MAX_RINGS];	 /* each worker's heartbeat */
	uint32_t turns[OTORI_MAX_RINGS]; /* for how many turns it has been the same */
	bool told;			 /* that it stands still and is left alone */
};

struct responder_process {
	struct child child;
	int binary; /* descriptor of otori-responder, opened at the start */
	int notify; /* socket; -1 = none */
	bool ready, was_ready;
	struct responder_watch watch;
	bool wants[OTORI_MAX_RINGS];				/* a segment that could not be made yet */
	uint64_t segment[OTORI_MAX_RINGS][SUPERVISOR_SEGMENTS]; /* handed out and not done */
};

struct database_process {
	struct child child;
	int channel; /* pipe from it; -1 = none */
	bool ready;
	char conninfo[1024];
	char trouble[PROBLEM_TEXT_BYTES]; /* what it said last */
};

/* The supervisor's own records: ledger, observation, violations. */
struct own_segment {
	struct journal_writer *writer;
	struct record_buffer records;
	struct ledger *ledger;
	uint64_t segment;    /* 0 = none open */
	uint64_t started_ns; /* UTC */
	uint64_t shed;	     /* records that found no room or no disk */
};

struct supervisor {
	const struct run_options *options;
	struct datapath datapath;
	struct datapath_decoy *decoys;
	uint32_t decoy_count;
	struct child_user responder_user, loader_user;
	struct responder_page *page;
	uint8_t *rules;	   /* owned: text of the operator's exploit rules, ends in a NUL; NULL = none */
	int page_fd, self; /* self: our own binary, for the loader */
	struct journal_directory *journal;
	struct own_segment own;
	struct responder_process responder;
	struct database_process database;
	struct child loader;
	struct guard_watch *watch;
	struct guard_module *module;	     /* NULL = the kernel module is not loaded */
	int module_watch;		     /* of its violations; the descriptor is the module's */
	uint32_t module_state;		     /* OTORI_STATE_*, as last seen */
	bool module_admits;		     /* it knows who wrote first: XDP tells it */
	uint32_t guard_program;		     /* id of the program that must be in place */
	bool transmitting;		     /* what was last told to the responder and to XDP */
	bool announced;			     /* "otori: answering" was printed */
	uint64_t guard_counted[16];	     /* verdicts as last seen */
	uint64_t dropped[OTORI_MAX_DEVICES]; /* by the device, as last seen */
	bool shedding;			     /* that records are given up was said */
	struct buried_minute buried[RESPONDER_MINUTES];
	uint64_t secret[4];
	uint64_t began_at_ns, observed_ns; /* UTC: start; last observation row */
	int epoll, signals, timer;
	bool stop, failed;  /* failed: end with status 1 */
	struct problem why; /* of failed */
};

/* Runs until a signal. 0, or a negative errno with the problem filled. */
int supervisor_run(const struct run_options *options, struct problem *problem);
/* The checks of a start without starting. */
int supervisor_check(const struct run_options *options, struct problem *problem);
/* Takes away what a run left: links, guard, pins, the files in /run. 0, 1 = something was there, negative errno. */
int supervisor_unload(struct problem *problem);

/* --- what the files of supervisor/ offer each other ------------------------------------------------------------- */

/* users.c */
int users_find(const char *key, const char *name, struct child_user *user, struct problem *problem);
/* In a child: becomes the user for good, dies with the parent by this signal. 0 or negative errno. */
int users_become(const struct child_user *user, int death_signal, pid_t parent);
/* In a child: default signals, everything above stderr closed but `keep` (-1 = none), which then is KEPT_FD. */
#define USERS_KEPT_FD 3
void users_clean_child(int keep);

/* page_file.c */
int page_file_open(struct supervisor *supervisor, struct problem *problem);
void page_file_fresh(struct supervisor *supervisor);
/*
 * What the workers of a dead responder had open, or made and not written, is lost: says so in the page. Returns how
 * many conversations; *records = how many records.
 */
uint64_t page_file_bury(struct supervisor *supervisor, uint64_t *records);
/* Once, before the earlier run is buried: what it gave up is nothing that this one has to tell of its disk. */
void page_file_inherit(struct supervisor *supervisor);

/* own_segment.c */
int own_segment_open(struct supervisor *supervisor, struct problem *problem);
/* Collects the ledger and writes what is in the buffer. final: also of the running minute, and finishes the segment. */
void own_segment_turn(struct supervisor *supervisor, bool final);
void own_segment_close(struct supervisor *supervisor);

/* transmit_socket.c: an AF_PACKET socket for sending alone; the descriptor or negative errno. */
int transmit_socket_open(const struct datapath_device *device);

/* start_block.c: a sealed memfd with struct responder_start, open for reading; the descriptor or negative errno. */
int start_block_make(const struct supervisor *supervisor);
int start_block_secrets(struct supervisor *supervisor, struct problem *problem);

/* responder_process.c */
int responder_find(struct supervisor *supervisor, struct problem *problem);
int responder_start(struct supervisor *supervisor);
void responder_read(struct supervisor *supervisor);
void responder_ended(struct supervisor *supervisor, int status);
void responder_tell(struct supervisor *supervisor, enum responder_message_kind kind, uint64_t value);
void responder_retry_segments(struct supervisor *supervisor);
/* A sign of life of every worker within the last seconds. */
bool responder_alive(const struct supervisor *supervisor);

/* responder_watch.c: once a second. Ends a responder of which a worker has not moved for restart-grace. */
void responder_watch(struct supervisor *supervisor);

/* database_process.c */
int database_process_start(struct supervisor *supervisor);
void database_process_read(struct supervisor *supervisor);
void database_process_ended(struct supervisor *supervisor, int status);

/* loader_process.c */
int loader_process_start(struct supervisor *supervisor);
void loader_process_ended(struct supervisor *supervisor, int status);
/* The life of the loader after exec, loader_process_main, is in command.h. */

/* guard_keeper.c */
int guard_keeper_open(struct supervisor *supervisor, struct problem *problem);
/* Looks at every device; stops transmission where the guard is away, puts it back, goes on. */
void guard_keeper_look(struct supervisor *supervisor);
/* Records what the guard has refused since the last time. */
void guard_keeper_count(struct supervisor *supervisor);

/* module_keeper.c: the kernel module, where there is one. */
int module_keeper_open(struct supervisor *supervisor, struct problem *problem);
/* Where the operator wants it: last of a start, since it can't be taken back. */
int module_keeper_seal(struct supervisor *supervisor, struct problem *problem);
void module_keeper_read(struct supervisor *supervisor);
void module_keeper_look(struct supervisor *supervisor);
/* Its state as a word, "absent" where it is not loaded. */
const char *module_keeper_word(const struct supervisor *supervisor);
/* Disarms it, unless it is sealed. */
int module_keeper_unload(struct problem *problem);

/* ticks.c: what is due every second. */
void ticks_second(struct supervisor *supervisor);
/* A row of when this sensor observed what. */
void ticks_observe(struct supervisor *supervisor, uint64_t now_ns);

/* child.c */
/* After an end: when to start again. useful: it had done its work for a while. */
void child_ended(struct child *child, bool useful);
/* true where it is to be started now. */
bool child_due(const struct child *child);

/* state_file.c: what `otori status` wants to know and the maps don't hold. */
void state_file_write(const struct supervisor *supervisor);

/* notify.c: tells the service manager, where there is one. */
void notify_say(const char *text);

#endif
