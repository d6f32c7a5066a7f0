/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * too_big: tells this host that the way to a packet's destination does not carry it, at a rate.
 * The host remembers it for that destination.
 */
#include "dataplane/inner.h"
#include "dataplane/worker_state.h"

void dp_too_big(struct dp_worker *w, const uint8_t *packet, size_t len, uint32_t mtu)
{
	uint8_t answer[DP_MTU_MIN];
	size_t answer_len = dp_inner_too_big(packet, len, mtu, answer);

	if (!w->tun || !answer_len || !sw_bucket_take(&w->too_bigs, 1, w->now))
		return;
	if (dp_tun_send(w->tun, w->number, answer, answer_len))
		sw_count(&w->counters->too_big_told, 1);
}
