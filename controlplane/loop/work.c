/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/work.h"

#include <stdlib.h>
#include <uv.h>

#include "controlplane/loop/loop_state.h"

struct cp_work {
	uv_work_t uv;
	struct cp_loop *loop;
	cp_loop_fn run, done;
	void *context;
	struct cp_work *next; /* of the loop's slow ones */
};

static void on_run(uv_work_t *uv)
{
	struct cp_work *work = uv->data;

	work->run(work->context);
}

static void on_done(uv_work_t *uv, int status)
{
	struct cp_work *work = uv->data;

	(void)status; /* nothing is canceled */
	work->done(work->context);
	free(work);
}

static struct cp_work *new_work(struct cp_loop *loop, cp_loop_fn run, cp_loop_fn done,
				void *context)
{
	struct cp_work *work = calloc(1, sizeof *work);

	if (!work)
		return NULL;
	*work = (struct cp_work){ .loop = loop, .run = run, .done = done, .context = context };
	work->uv.data = work;
	return work;
}

enum vd_err cp_work(struct cp_loop *loop, cp_loop_fn run, cp_loop_fn done, void *context)
{
	struct cp_work *work = new_work(loop, run, done, context);

	if (!work)
		return VD_ENOMEM;
	if (uv_queue_work(cp_loop_uv(loop), &work->uv, on_run, on_done)) {
		free(work);
		return VD_ENOMEM;
	}
	return VD_OK;
}

/* ---- slow ones ---- */

static void begin_next(struct cp_loop *loop);

static void on_slow_done(uv_work_t *uv, int status)
{
	struct cp_work *work = uv->data;
	struct cp_loop *loop = work->loop;

	*cp_loop_slow_work(loop) = work->next;
	begin_next(loop);
	on_done(uv, status);
}

/* libuv takes any work that has a function. */
static void begin_next(struct cp_loop *loop)
{
	struct cp_work *first = *cp_loop_slow_work(loop);

	if (first)
		(void)uv_queue_work(cp_loop_uv(loop), &first->uv, on_run, on_slow_done);
}

enum vd_err cp_work_slow(struct cp_loop *loop, cp_loop_fn run, cp_loop_fn done, void *context)
{
	struct cp_work *work = new_work(loop, run, done, context);
	struct cp_work **at = cp_loop_slow_work(loop);
	bool idle = !*at;

	if (!work)
		return VD_ENOMEM;
	while (*at)
		at = &(*at)->next;
	*at = work;
	if (idle)
		begin_next(loop);
	return VD_OK;
}
