/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * report: switch reports that come to this edge (switch/SPEC.md, Reports): believed only if
 * they repeat bytes of a frame that we sent lately; the others end here.
 */
#include "dataplane/worker_state.h"
#include "switch/echo.h"

enum {
	REPORT_BYTES = 16,
	AT_CODE = 1,
	AT_ECHO = 8,
	CODE_LOST = 0, /* of another form: the sessions' machine judges it */
	CODE_LAST = 5,
};

/* Takes the buffer. */
void dp_report(struct dp_worker *w, struct sw_packet *p)
{
	const uint8_t *report = p->frame + SW_AT_PAYLOAD;
	size_t len = (size_t)p->len - SW_AT_PAYLOAD;
	uint32_t session;

	if (len > AT_CODE && report[AT_CODE] == CODE_LOST) {
		(void)dp_punt_payload(w, p);
		rte_pktmbuf_free(p->buffer);
		return;
	}
	if (len != REPORT_BYTES || report[AT_CODE] > CODE_LAST) {
		dp_worker_drop(w, SW_DROP_BAD_INNER, p->buffer);
		return;
	}
	if (!sw_bucket_take(&w->reports, 1, w->now)) {
		dp_worker_drop(w, SW_DROP_DELIVERY_RATE, p->buffer);
		return;
	}
	session = sw_echo_find(&w->plane->sessions, report + AT_ECHO, w->now);
	if (!session) {
		dp_worker_drop(w, SW_DROP_REPORT_UNBELIEVED, p->buffer);
		return;
	}
	(void)dp_punt_report(w, p, session);
	rte_pktmbuf_free(p->buffer);
}
