/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* swarm_task: work on a connection's thread: asked for here, done there, answered here. */
#include <stdlib.h>

#include "controlplane/host/perf.h"
#include "controlplane/host/swarm_state.h"

static void read_done(struct letter *letter)
{
	struct swarm_task *task = LETTER_IN(letter, struct swarm_task, letter);

	task->done(task);
}

enum vd_err swarm_submit(struct swarm *swarm, uint64_t id, struct swarm_task *task)
{
	struct swarm_row *row = swarm_row(swarm, id);

	if (!row || row->hanging_up || swarm->stopping)
		return VD_ELINK_CLOSED;
	task->place = row->place;
	task->row = row;
	task->letter.read = swarm_place_run_task;
	return mailbox_post(&row->place->down, &task->letter) ? VD_OK : VD_ELIMIT;
}

void swarm_task_done(struct swarm_task *task)
{
	task->letter.read = read_done;
	mailbox_post_always(&task->place->up, &task->letter);
}

/* ---- ping ---- */

struct ping {
	struct swarm_task task;
	enum vd_err err;
	vd_ns rtt;
	host_ping_fn done;
	void *context;
};

static void end_ping(void *context, enum vd_err err, vd_ns rtt)
{
	struct ping *ping = context;

	ping->err = err;
	ping->rtt = rtt;
	swarm_task_done(&ping->task);
}

static void run_ping(struct swarm_task *task, struct host_conn *conn)
{
	enum vd_err err = conn ? host_ping(conn, end_ping, task) : VD_ELINK_CLOSED;

	if (err)
		end_ping(task, err, 0);
}

static void answer_ping(struct swarm_task *task)
{
	struct ping *ping = LETTER_IN(task, struct ping, task);

	ping->done(ping->context, ping->err, ping->err ? 0 : ping->rtt);
	free(ping);
}

enum vd_err swarm_ping(struct swarm *swarm, uint64_t id, host_ping_fn done, void *context)
{
	struct ping *ping = calloc(1, sizeof *ping);
	enum vd_err err;

	if (!ping)
		return VD_ENOMEM;
	ping->task.run = run_ping;
	ping->task.done = answer_ping;
	ping->done = done;
	ping->context = context;
	err = swarm_submit(swarm, id, &ping->task);
	if (err)
		free(ping);
	return err;
}

/* ---- perf ---- */

struct measured {
	struct swarm_task task;
	uint64_t upload_bytes, download_bytes;
	enum vd_err err;
	swarm_perf_fn done;
	void *context;
};

static void end_perf(void *context, enum vd_err err)
{
	struct measured *measured = context;

	measured->err = err;
	swarm_task_done(&measured->task);
}

static void run_perf(struct swarm_task *task, struct host_conn *conn)
{
	struct measured *measured = LETTER_IN(task, struct measured, task);
	enum vd_err err = conn ? host_perf(conn, measured->upload_bytes, measured->download_bytes,
					   end_perf, measured)
			       : VD_ELINK_CLOSED;

	if (err)
		end_perf(measured, err);
}

static void answer_perf(struct swarm_task *task)
{
	struct measured *measured = LETTER_IN(task, struct measured, task);

	measured->done(measured->context, measured->err);
	free(measured);
}

enum vd_err swarm_perf(struct swarm *swarm, uint64_t id, uint64_t upload_bytes,
		       uint64_t download_bytes, swarm_perf_fn done, void *context)
{
	struct measured *measured = calloc(1, sizeof *measured);
	enum vd_err err;

	if (!measured)
		return VD_ENOMEM;
	*measured = (struct measured){
		.task = { .run = run_perf, .done = answer_perf },
		.upload_bytes = upload_bytes,
		.download_bytes = download_bytes,
		.done = done,
		.context = context,
	};
	err = swarm_submit(swarm, id, &measured->task);
	if (err)
		free(measured);
	return err;
}
