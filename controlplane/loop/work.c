/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/work.h"

#include <stdlib.h>
#include <uv.h>

struct work {
	uv_work_t uv;
	cp_loop_fn run, done;
	void *context;
};

static void on_run(uv_work_t *uv)
{
	struct work *work = uv->data;

	work->run(work->context);
}

static void on_done(uv_work_t *uv, int status)
{
	struct work *work = uv->data;

	(void)status; /* nothing is cancelled */
	work->done(work->context);
	free(work);
}

enum vd_err cp_work(struct cp_loop *loop, cp_loop_fn run, cp_loop_fn done, void *context)
{
	struct work *work = calloc(1, sizeof *work);

	if (!work)
		return VD_ENOMEM;
	*work = (struct work){ .run = run, .done = done, .context = context };
	work->uv.data = work;
	if (uv_queue_work(cp_loop_uv(loop), &work->uv, on_run, on_done)) {
		free(work);
		return VD_ENOMEM;
	}
	return VD_OK;
}
