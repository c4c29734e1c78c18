/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.c - the command `otori run`.
 *
 * In:  argv. Out: the exit status, one line where something is wrong. The work is supervisor/'s.
 */
#include <stdio.h>

#include "base/log.h"
#include "command.h"
#include "options.h"
#include "supervisor/supervisor.h"

int command_run(int argc, char **argv)
{
	struct run_options options;
	struct problem problem;
	int err = options_read(&options, argc, argv, &problem);

	if (!err && options.help) {
		options_help(stdout);
	} else if (!err && options.unload) {
		err = supervisor_unload(&problem);
		if (err >= 0)
			puts(err ? "otori: detached, pins removed" : "otori: nothing was attached");
		err = err < 0 ? err : 0;
	} else if (!err && options.check) {
		err = supervisor_check(&options, &problem);
		if (!err)
			puts("otori: the configuration is in order");
	} else if (!err) {
		err = supervisor_run(&options, &problem);
	}
	if (err)
		log_error("%s", problem.text);
	options_close(&options);
	return err ? (int)problem.status : COMMAND_OK;
}
