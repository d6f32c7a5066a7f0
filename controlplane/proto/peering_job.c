/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peering_job: public-key work on its way out and back. A job holds a copy of all that it
 * needs, and names the half-open handshake that it is for by slot and serial number: so
 * the handshake may end, and its slot be another one's, before the result comes.
 */
#include <sodium.h>

#include "controlplane/proto/peering_state.h"

/*
 * Message 1 is anybody's, message 3 that of somebody who has a message 2 of ours, message 2
 * that of whom we dial: the earlier ones leave jobs to the later ones.
 */
static uint32_t most_jobs(enum handshake_type type)
{
	switch (type) {
	case HANDSHAKE_1: return PEERING_JOBS - JOBS_KEPT;
	case HANDSHAKE_3: return PEERING_JOBS - JOBS_OURS;
	case HANDSHAKE_2:
	case HANDSHAKE_COOKIE: break;
	}
	return PEERING_JOBS;
}

struct peering_job *peering_job_take(struct peering *p, enum handshake_type type)
{
	uint32_t most = most_jobs(type);
	uint32_t slot = p->job_pool.count < most ? slot_take(&p->job_pool) : SLOT_NONE;

	if (slot == SLOT_NONE) {
		peering_limit_hit(p, PEERING_LIMIT_JOBS);
		return NULL;
	}
	p->jobs[slot].type = type;
	return &p->jobs[slot];
}

void peering_job_give(struct peering *p, struct peering_job *job)
{
	sodium_memzero(job, sizeof *job);
	slot_give(&p->job_pool, (uint32_t)(job - p->jobs));
}

void peering_job_begin(struct peering *p, struct peering_job *job, uint32_t slot,
		       struct vd_bytes frame)
{
	const struct peering_half_open *half_open = &p->half_opens[slot];

	job->half_open = slot;
	job->serial = half_open->serial;
	job->work.self = &p->self;
	job->work.hs = half_open->hs;
	job->work.frame_len = (uint16_t)frame.len;
	memcpy(job->work.frame, frame.at, frame.len);
	peering_event_push(p, PEERING_JOB, NULL)->event.job = job;
}

void peering_job_run(struct peering_job *job)
{
	handshake_job_run(&job->work);
}

/* Whether its handshake still waits for it: a slot may have a new one by now. */
static bool is_wanted(const struct peering *p, const struct peering_job *job)
{
	const struct peering_half_open *half_open = &p->half_opens[job->half_open];

	if (half_open->serial != job->serial)
		return false;
	return half_open->state == (job->type == HANDSHAKE_2 ? HALF_OPEN_SENT_1 : HALF_OPEN_SENT_2);
}

enum vd_err peering_job_done(struct peering *p, struct peering_job *job, vd_ns now)
{
	enum vd_err err = VD_ENOTFOUND;

	if (!is_wanted(p, job)) {
		p->stats.jobs_late++;
	} else if (!peering_events_have_room(p)) {
		peering_limit_hit(p, PEERING_LIMIT_EVENT);
		peering_half_open_lost(p, job);
		err = VD_AGAIN;
	} else {
		err = peering_half_open_done(p, job, now);
	}
	peering_job_give(p, job);
	return err;
}
