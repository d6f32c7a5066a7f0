/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/jobs.h"

#include <stdlib.h>

#include "controlplane/daemon/node.h"
#include "controlplane/loop/work.h"

struct work {
	struct node *node;
	struct peering *peering;
	struct peering_job *job;
	uint8_t worker; /* whose punt it was: owner of what it makes */
};

static void on_run(void *context)
{
	const struct work *work = (const struct work *)context;

	peering_job_run(work->job);
}

ON_CONTROL static void on_done(void *context)
{
	struct work *work = (struct work *)context;
	struct node *node = work->node;

	node->jobs_out--;
	if (!node->stopping) { /* else its peer is not answered, and the machine wipes it */
		node->worker_now = work->worker;
		/* What is wrong with it, the machine counts. */
		(void)peering_job_done(work->peering, work->job, vd_now());
		node_pump(node);
		node->worker_now = 0;
	}
	free(work);
}

void node_do_job(struct node *node, struct peering *peering, struct peering_job *job)
{
	struct work *work = (struct work *)malloc(sizeof *work);

	if (work) {
		*work = (struct work){ node, peering, job, node->worker_now };
		if (!cp_work(node->loop, on_run, on_done, work)) {
			node->jobs_out++;
			return;
		}
	}
	free(work); /* memory is short: here and now, then */
	peering_job_run(job);
	(void)peering_job_done(peering, job, vd_now());
}

void node_finish_jobs(struct node *node)
{
	while (node->jobs_out)
		cp_loop_turn(node->loop, vd_now() + VD_MS(10));
}
