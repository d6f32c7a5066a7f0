/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/handshake_job.h"

#include <sodium.h>

void handshake_job_run(struct handshake_job *job)
{
	struct handshake_frame frame;
	uint32_t index = job->hs.index;

	job->err = handshake_frame_read(vd_bytes(job->frame, job->frame_len), &frame);
	if (job->err)
		return;
	switch (frame.type) {
	case HANDSHAKE_1: job->err = handshake_answer(&job->hs, job->self, &frame, index); return;
	case HANDSHAKE_2:
		job->err =
		    handshake_finish(&job->hs, job->self, &frame, &job->expected, &job->result);
		return;
	case HANDSHAKE_3:
		job->err = handshake_conclude(&job->hs, job->self, &frame, &job->result);
		return;
	case HANDSHAKE_COOKIE: job->err = VD_EBUG_STATE; return;
	}
}

void handshake_job_fini(struct handshake_job *job)
{
	sodium_memzero(job, sizeof *job);
}
