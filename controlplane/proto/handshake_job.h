/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * handshake_job: the public-key work that one handshake message asks for, as a plain struct:
 * inputs, run, outputs. So that it can be done on another thread than the machine's, and its
 * result be taken, or thrown away, when it comes.
 *
 *	frame   run is                what `hs` is before, and after
 *	type 1  handshake_answer      nothing; message 2 is in `sent`
 *	type 2  handshake_finish      sent message 1; message 3 is in `sent`
 *	type 3  handshake_conclude    sent message 2; done
 *
 * Threads:  run: any, one at a time for a job; it touches the job alone, and reads `self`.
 * Memory:   the caller's; everything is copied in; holds secrets, wiped by fini.
 */
#include "controlplane/proto/handshake.h"

struct handshake_job {
	const struct handshake_self *self; /* borrows, until run has returned */
	struct handshake hs;               /* type 1: only its index is read */
	struct vd_peer_id expected;        /* type 2 */
	struct handshake_result result;    /* out, types 2 and 3 */
	enum vd_err err;                   /* out: as the function above returns it */
	uint16_t frame_len;
	uint8_t frame[HANDSHAKE_RECV_MAX]; /* as it came; handshake_frame_read has taken it */
};

void handshake_job_run(struct handshake_job *job);
void handshake_job_fini(struct handshake_job *job);
