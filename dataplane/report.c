/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * report: switch reports that come to this edge (switch/SPEC.md, section 10): believed only if
 * they repeat bytes of a frame that we sent lately; the others end here.
 */
#include "switch/report.h"
#include "dataplane/inner.h"
#include "dataplane/worker_state.h"
#include "switch/echo.h"

/* Takes the buffer. */
void dp_report(struct dp_worker *w, struct sw_packet *p)
{
	const uint8_t *report = p->frame + SW_AT_PAYLOAD;
	size_t len = (size_t)p->len - SW_AT_PAYLOAD;
	uint32_t session;

	switch (dp_inner_report(report, len)) {
	case DP_REPORT_LOST:
		(void)dp_punt_payload(w, p);
		rte_pktmbuf_free(p->buffer);
		return;
	case DP_REPORT_BAD: dp_worker_drop(w, SW_DROP_BAD_INNER, p->buffer); return;
	case DP_REPORT_ECHO: break;
	}
	if (!sw_bucket_take(&w->reports, 1, w->now)) {
		dp_worker_drop(w, SW_DROP_DELIVERY_RATE, p->buffer);
		return;
	}
	session = sw_echo_find(&w->plane->sessions, report + SW_REPORT_AT_ECHO, w->now);
	if (!session) {
		dp_worker_drop(w, SW_DROP_REPORT_UNBELIEVED, p->buffer);
		return;
	}
	(void)dp_punt_report(w, p, session);
	rte_pktmbuf_free(p->buffer);
}
