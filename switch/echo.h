/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * echo: what an edge remembers of the frames it sent, to tell a report about one of them from
 * a forged one (switch/SPEC.md, section 10): for each session the last 1,024.
 *
 * A report repeats bytes 8 to 15 of the payload dropped. In a sealed frame those are the
 * low 5 bytes of its counter and the first 3 of its ciphertext; so the counter tells
 * where in the session's ring to look.
 *
 * Threads:  note: the session's owner. find: any worker.
 * Memory:   8 KiB a slot of the session table, touched when it is first used.
 * Ordering: none needed. An entry is one relaxed word; one that is overwritten meanwhile does
 *           not match, and that is right, since its frame is among the last 1,024 no more.
 */
#include "base/thread.h"
#include "base/time.h"
#include "switch/report.h"
#include "switch/session.h"

enum { SW_ECHO_BYTES = 8, SW_ECHO_AT = SW_REPORT_AT_ECHO, SW_ECHO_S = 10 };

/* `frame`: sealed a moment ago under `session` (index byte first). */
void sw_echo_note(struct sw_session_table *table, const struct sw_session *session,
		  const uint8_t *frame, vd_ns now) ON_WORKER;

/*
 * The index of the session that a frame with this echo was sent under, within 10 s and its
 * last 1,024 frames; 0: none. Looks at each session: the caller limits the rate.
 */
uint32_t sw_echo_find(const struct sw_session_table *table, const uint8_t echo[SW_ECHO_BYTES],
		      vd_ns now) ON_WORKER;
