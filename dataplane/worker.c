/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "base/bytes.h"
#include "dataplane/worker_state.h"
#include "multigram/frame.h"

enum vd_err dp_worker_new(const struct dp_worker_config *config, struct dp_worker **worker_out)
{
	struct dp_worker *w = aligned_alloc(SW_CACHE_LINE, RTE_ALIGN(sizeof *w, SW_CACHE_LINE));
	double ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();

	if (!w)
		return VD_ENOMEM;
	memset(w, 0, sizeof *w);
	w->plane = config->plane;
	w->number = config->number;
	w->counters = &config->plane->counters[config->number];
	w->io = (struct dp_io){
		.pool = config->pool,
		.counters = w->counters,
		.queue = config->number,
	};
	w->ports = config->ports;
	w->port_count = config->port_count;
	w->tun = config->tun;
	w->poll = config->poll;
	w->strays = sw_bucket_of_rate(STRAYS_A_SECOND, 0);
	for (unsigned i = 0; i < SHARES; i++) {
		w->moves[i] = sw_bucket_of_rate(MOVES_A_SECOND, 0);
		w->sealed[i] = w->payloads[i] = w->inner[i] = sw_bucket_of_rate(PUNTS_A_SECOND, 0);
	}
	w->ns_per_cycle_32 = (uint64_t)(ns_per_cycle * 4294967296.0);
	w->reports = sw_bucket_of_rate(REPORTS_A_SECOND, 0);
	w->too_bigs = sw_bucket_of_rate(TOO_BIGS_A_SECOND, 0);
	w->forward = sw_forward_new(config->plane, config->number);
	if (!w->forward) {
		free(w);
		return VD_ENOMEM;
	}
	*worker_out = w;
	return VD_OK;
}

void dp_worker_free(struct dp_worker *w)
{
	if (!w)
		return;
	sw_forward_free(w->forward);
	free(w);
}

/* ---- ways out ---- */

ON_WORKER static void flush(struct dp_worker *w, unsigned port)
{
	struct dp_outbox *box = &w->outboxes[port];

	if (unlikely(w->capture))
		dp_capture_leaving(w, port, box->outs, box->count);
	if (box->count)
		w->ports[port]->ops->send(w->ports[port], &w->io, box->outs, box->count);
	box->count = 0;
}

void dp_worker_send(struct dp_worker *w, const struct dp_out *out, uint8_t port)
{
	struct dp_outbox *box = &w->outboxes[port];

	if (unlikely(port >= w->port_count || out->send->outer_len == 0)) {
		dp_worker_drop(w, SW_DROP_NO_NEIGHBOUR, out->buffer);
		return;
	}
	if (unlikely(box->count == OUTBOX))
		flush(w, port);
	box->outs[box->count++] = *out;
}

void dp_worker_cross(struct dp_worker *w, struct sw_packet *packet, unsigned to, uint8_t stage)
{
	packet->stage = stage;
	if (to >= w->plane->config.workers ||
	    !sw_lane_push_burst(sw_plane_lane(w->plane, w->number, to), packet, 1)) {
		dp_worker_drop(w, SW_DROP_LANE_FULL, packet->buffer);
		return;
	}
	w->crossed |= UINT64_C(1) << to;
	sw_count(&w->counters->crossed, 1);
}

ON_WORKER static void send_by_link(struct dp_worker *w, const struct sw_packet *p)
{
	const struct dp_out out = {
		.frame = p->frame,
		.buffer = p->buffer,
		.send = &p->egress->send,
		.len = p->len,
		.traffic_class = p->frame[SW_AT_CLASS],
	};

	dp_worker_send(w, &out, p->egress->send.port);
}

/* Does what the switch decided about packets received. Takes all buffers. */
ON_WORKER static void settle(struct dp_worker *w, struct sw_packet *packets, unsigned count)
{
	unsigned switched = 0, delivered = 0;

	for (unsigned i = 0; i < count; i++) {
		struct sw_packet *p = &packets[i];

		if (unlikely(p->flags & SW_PACKET_MOVED)) {
			dp_punt_moved(w, p);
			p->flags &= (uint8_t)~SW_PACKET_MOVED; /* told once */
		}
		switch ((enum sw_verdict)p->verdict) {
		case SW_SEND:
			switched += !(p->flags & SW_PACKET_REPORT);
			send_by_link(w, p);
			break;
		case SW_DELIVER:
			delivered++;
			dp_edge_deliver(w, p);
			break;
		case SW_CROSS: dp_worker_cross(w, p, p->worker, p->stage); break;
		case SW_DROP:
			if (unlikely(p->drop == SW_DROP_UNKNOWN_INDEX))
				dp_punt_unknown(w, p);
			dp_worker_drop(w, p->drop, p->buffer);
			break;
		case SW_ON:
		case SW_DONE: rte_pktmbuf_free(p->buffer); break;
		}
	}
	sw_count(&w->counters->switched, switched);
	sw_count(&w->counters->delivered, delivered);
}

/* ---- frames of our own ---- */

ON_WORKER static void flush_origins(struct dp_worker *w)
{
	struct sw_origin origins[SW_BURST_MAX];
	unsigned count = w->origin_count;

	if (count == 0)
		return;
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *frame = w->origins[i].frame;
		origins[i] = (struct sw_origin){
			.label = vd_be64_load(frame + SW_AT_LABEL),
			.flags = frame[SW_AT_FLAGS],
			.traffic_class = frame[SW_AT_CLASS],
		};
	}
	w->origin_count = 0;
	sw_forward_originate(w->forward, w->origins, origins, count, w->now);
	for (unsigned i = 0; i < count; i++) {
		if (w->origins[i].verdict == SW_SEND)
			send_by_link(w, &w->origins[i]);
		else
			dp_worker_drop(w, w->origins[i].drop, w->origins[i].buffer);
	}
}

/* The frame's label, flags and class are in place, the link's index in `index`. */
void dp_worker_originate(struct dp_worker *w, struct sw_packet *packet)
{
	struct sw_link *link = sw_link_find(&w->plane->links, packet->index);

	if (unlikely(!link)) {
		dp_worker_drop(w, SW_DROP_NO_LINK, packet->buffer);
		return;
	}
	if (link->owner != w->number) {
		dp_worker_cross(w, packet, link->owner, DP_STAGE_ORIGINATE);
		return;
	}
	packet->egress = link;
	packet->verdict = SW_ON;
	packet->flags = 0;
	w->origins[w->origin_count++] = *packet;
	if (w->origin_count == SW_BURST_MAX)
		flush_origins(w);
}

ON_WORKER static unsigned keepalives(struct dp_worker *w)
{
	struct sw_link *links[KEEPALIVES];
	unsigned count = sw_forward_keepalives(w->forward, w->now, links, KEEPALIVES);

	for (unsigned i = 0; i < count; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(w->io.pool);
		struct sw_packet packet = { .buffer = m, .len = SW_HEADER };

		if (!m) {
			sw_count(&w->counters->drops[SW_DROP_NO_BUFFER], 1);
			continue;
		}
		packet.frame = rte_pktmbuf_mtod(m, uint8_t *);
		packet.index = atomic_load_explicit(&links[i]->index, memory_order_relaxed);
		memset(packet.frame, 0, SW_HEADER);
		dp_worker_originate(w, &packet);
	}
	return count;
}

/* ---- ways in ---- */

/* Datagrams that are not switch frames; takes the buffer. */
ON_WORKER static void not_switch(struct dp_worker *w, const struct sw_packet *p)
{
	switch (p->frame[0]) {
	case MG_HANDSHAKE:
	case MG_SEALED:
	case MG_REPORT:
		(void)dp_punt_datagram(w, p);
		rte_pktmbuf_free(p->buffer);
		break;
	default: /* STUN, QUIC, and what has no meaning outside a sealed frame */
		dp_worker_drop(w, SW_DROP_NOT_OURS, p->buffer);
	}
}

ON_WORKER static unsigned receive(struct dp_worker *w, unsigned port)
{
	struct sw_packet *burst = w->burst;
	unsigned got = w->ports[port]->ops->recv(w->ports[port], &w->io, burst, SW_BURST_MAX);
	unsigned count = 0;

	if (got == 0)
		return 0;
	if (unlikely(w->capture))
		dp_capture_arrived(w, burst, got);
	for (unsigned i = 0; i < got; i++) {
		if (unlikely(burst[i].frame[0] != MG_SWITCH)) {
			not_switch(w, &burst[i]);
			continue;
		}
		if (count != i)
			burst[count] = burst[i];
		count++;
	}
	if (count) {
		sw_forward_burst(w->forward, burst, count, w->now);
		if (unlikely(w->capture))
			dp_capture_reported(w, burst, count);
		settle(w, burst, count);
	}
	w->head_count = 0; /* buffers are used again */
	sw_count(&w->counters->packets, got);
	return got;
}

/* Not a plaintext, nor a frame of ours, nor one that the switch is done with. */
static bool is_as_it_arrived(const struct sw_packet *packet)
{
	return packet->stage == DP_STAGE_OPEN || packet->stage == SW_STAGE_VERIFIED ||
	       packet->stage == SW_STAGE_EGRESS;
}

/* What another worker handed over: the switch's stages in one burst, ours one by one. */
ON_WORKER static unsigned cross_in(struct dp_worker *w, unsigned from)
{
	struct sw_packet *burst = w->burst;
	unsigned got =
	    sw_lane_pop_burst(sw_plane_lane(w->plane, from, w->number), burst, LANE_BURST);
	unsigned count = 0;

	w->head_count = 0;
	for (unsigned i = 0; i < got; i++) {
		struct sw_packet packet = burst[i];

		if (unlikely(w->capture) && is_as_it_arrived(&packet))
			dp_capture_crossed(w, &packet);
		switch (packet.stage) {
		case DP_STAGE_OPEN: dp_edge_open(w, &packet); break;
		case DP_STAGE_SEAL: dp_edge_seal(w, &packet); break;
		case DP_STAGE_ORIGINATE: dp_worker_originate(w, &packet); break;
		default: burst[count++] = packet;
		}
	}
	if (count) {
		sw_forward_resume(w->forward, burst, count, w->now);
		if (unlikely(w->capture))
			dp_capture_reported(w, burst, count);
		settle(w, burst, count);
	}
	w->head_count = 0;
	return got;
}

static void wake_others(struct dp_worker *w)
{
	for (uint64_t left = w->crossed; left; left &= left - 1)
		sw_wake_up(&w->plane->worker_wakes[__builtin_ctzll(left)]);
	w->crossed = 0;
	if (w->punted)
		sw_wake_up(&w->plane->control_wake);
	w->punted = false;
}

static void account(struct dp_worker *w, unsigned work, uint64_t cycles)
{
	sw_count(&w->counters->turns, 1);
	if (work == 0)
		return;
	sw_count(&w->counters->turns_busy, 1);
	sw_count(&w->counters->cycles, cycles);
	sw_count(&w->counters->busy_ns,
		 (uint64_t)((unsigned __int128)cycles * w->ns_per_cycle_32 >> 32));
}

unsigned dp_worker_turn(struct dp_worker *w, vd_ns now)
{
	uint64_t started = rte_rdtsc();
	unsigned work = 0;

	w->now = now;
	w->capture = atomic_load_explicit(&w->plane->capture, memory_order_relaxed);
	w->io.dropped =
	    sw_capture_wants(w->capture, SW_CAPTURE_DROPS) ? dp_capture_port_dropped : NULL;
	w->io.looker = w;
	w->head_count = 0;
	w->io.neighbours = sw_rcu_get(&w->plane->neighbours);
	for (unsigned i = 0; i < w->port_count; i++)
		work += receive(w, i);
	for (unsigned i = 0; i < w->plane->config.workers; i++)
		if (i != w->number)
			work += cross_in(w, i);
	work += dp_inject(w);
	if (w->tun)
		work += dp_edge_tun(w);
	work += keepalives(w);
	flush_origins(w);
	for (unsigned i = 0; i < w->port_count; i++)
		flush(w, i);
	wake_others(w);
	account(w, work, rte_rdtsc() - started);
	sw_rcu_quiescent();
	return work;
}
