/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * edge: what an edge does with frames for itself and packets from its TUN: sessions
 * opened and sealed by their owner, /ip6 between session and TUN, the rest punted.
 */
#include <string.h>

#include "dataplane/inner.h"
#include "dataplane/worker_state.h"
#include "multigram/frame.h"
#include "switch/echo.h"
#include "switch/ecn.h"

enum {
	REPLACED_MAX = 4, /* generations of a session at once (SW-4.2-8) */
};

/* ---- in ---- */

ON_WORKER static void punt_payload(struct dp_worker *w, struct sw_packet *p)
{
	(void)dp_punt_payload(w, p);
	rte_pktmbuf_free(p->buffer);
}

ON_WORKER static void to_tun(struct dp_worker *w, struct rte_mbuf *buffer,
			     const struct sw_session *session, uint8_t *packet, size_t len,
			     uint8_t traffic_class)
{
	const struct sw_overlay *overlay = sw_rcu_get(&w->plane->overlay);
	unsigned drop = SW_DROP_COUNT;

	if (!w->tun || !dp_inner_is_ip6(packet, len))
		drop = SW_DROP_BAD_INNER;
	else if (memcmp(packet + DP_IP6_SOURCE, session->overlay, SW_IPV6_ADDR) != 0)
		drop = SW_DROP_WRONG_SOURCE;
	else if (!overlay || memcmp(packet + DP_IP6_DESTINATION, overlay->self, SW_IPV6_ADDR) != 0)
		drop = SW_DROP_WRONG_DESTINATION;
	else if (!dp_inner_take_ecn(packet, traffic_class))
		drop = SW_DROP_CE_NOT_ECT;
	else if (!dp_tun_send(w->tun, w->number, packet, len))
		drop = SW_DROP_TX_FULL;
	if (drop != SW_DROP_COUNT) {
		dp_worker_drop(w, drop, buffer);
		return;
	}
	sw_count(&w->counters->tun_tx, 1);
	rte_pktmbuf_free(buffer);
}

/* Length of the inner index when it is that of /ip6, else 0. */
static size_t ip6_index_len(const struct sw_session *session, struct vd_bytes plain)
{
	size_t len;

	if (plain.len == 0 || !sw_session_is_ip6(session, plain.at[0]))
		return 0;
	len = plain.at[0] < 0x80 ? 1 : 2; /* a varint of at most 255 */
	return len == 1 || (plain.len >= 2 && plain.at[1] == 1) ? len : 0;
}

static unsigned drop_of(enum vd_err err)
{
	switch (err) {
	case VD_EPEER_TRUNC: return SW_DROP_TRUNCATED;
	case VD_EPEER_REPLAY: return SW_DROP_REPLAYED;
	default: return SW_DROP_BAD_SEAL;
	}
}

/* Sealed under an index that is of no session: the peer is to be told, at a rate. */
ON_WORKER static void stray(struct dp_worker *w, struct sw_packet *p)
{
	if (sw_bucket_take(&w->strays, 1, w->now))
		(void)dp_punt_payload(w, p);
	dp_worker_drop(w, SW_DROP_UNKNOWN_SESSION, p->buffer);
}

/* A delivered sealed frame; the worker owns its session, unless it is unknown. */
void dp_edge_open(struct dp_worker *w, struct sw_packet *p)
{
	uint8_t *frame = p->frame + SW_AT_PAYLOAD;
	size_t len = (size_t)p->len - SW_AT_PAYLOAD, inner;
	uint32_t index = vd_be32_load(frame + 1);
	struct sw_session *session = sw_session_find(&w->plane->sessions, index);
	struct vd_bytes plain;
	enum vd_err err;

	if (!session) {
		stray(w, p);
		return;
	}
	if (session->owner != w->number) {
		dp_worker_cross(w, p, session->owner, DP_STAGE_OPEN);
		return;
	}
	err = sw_session_open(session, frame, len, &plain);
	if (err) {
		dp_worker_drop(w, drop_of(err), p->buffer);
		return;
	}
	inner = ip6_index_len(session, plain);
	if (inner) {
		to_tun(w, p->buffer, session, frame + SW_SEAL_HEADER + inner, plain.len - inner,
		       p->frame[SW_AT_CLASS]);
		return;
	}
	(void)dp_punt_inner(w, p, index, plain);
	rte_pktmbuf_free(p->buffer);
}

void dp_edge_deliver(struct dp_worker *w, struct sw_packet *p)
{
	const uint8_t *payload = p->frame + SW_AT_PAYLOAD;
	bool error = p->frame[SW_AT_FLAGS] & SW_FLAG_ERROR;

	if (p->len <= SW_AT_PAYLOAD) { /* a keepalive */
		rte_pktmbuf_free(p->buffer);
		return;
	}
	if (error != (payload[0] == MG_REPORT)) { /* SW-10-16: neither without the other */
		dp_worker_drop(w, SW_DROP_BAD_INNER, p->buffer);
		return;
	}
	switch (payload[0]) {
	case MG_SEALED:
		if (p->len < SW_AT_PAYLOAD + SW_SEAL_OVERHEAD)
			dp_worker_drop(w, SW_DROP_TRUNCATED, p->buffer);
		else
			dp_edge_open(w, p);
		break;
	case MG_HANDSHAKE: punt_payload(w, p); break;
	case MG_REPORT: dp_report(w, p); break;
	default: dp_worker_drop(w, SW_DROP_BAD_INNER, p->buffer);
	}
}

/* ---- out ---- */

ON_WORKER static void tell_too_big(struct dp_worker *w, const struct sw_packet *p, size_t packet_at,
				   uint16_t payload_max)
{
	size_t overhead = SW_SEAL_OVERHEAD + packet_at;

	if (packet_at)
		dp_too_big(w, p->frame + packet_at, p->len - packet_at,
			   payload_max > overhead ? (uint32_t)(payload_max - overhead) : 0);
}

/* frame: plaintext, index: session, private area: struct dp_plain. */
void dp_edge_seal(struct dp_worker *w, struct sw_packet *p)
{
	struct sw_session *session = sw_session_find(&w->plane->sessions, p->index);
	const struct dp_plain *plain = &dp_buffer_private(p->buffer)->plain;
	struct sw_path path = plain->path;
	size_t payload = (size_t)p->len + SW_SEAL_OVERHEAD;

	if (!session) {
		dp_worker_drop(w, SW_DROP_NO_SESSION, p->buffer);
		return;
	}
	if (session->owner != w->number) {
		dp_worker_cross(w, p, session->owner, DP_STAGE_SEAL);
		return;
	}
	if (path.link == 0)
		path = session->path;
	if (path.payload_max && payload > path.payload_max) {
		tell_too_big(w, p, plain->packet_at, path.payload_max);
		dp_worker_drop(w, SW_DROP_TOO_BIG, p->buffer);
		return;
	}
	sw_session_seal(session, p->frame, p->len);
	sw_echo_note(&w->plane->sessions, session, p->frame - SW_SEAL_HEADER, w->now);
	p->frame -= SW_SEAL_HEADER + SW_AT_PAYLOAD;
	p->len = (uint16_t)(payload + SW_AT_PAYLOAD);
	p->index = path.link;
	vd_be64_store(p->frame + SW_AT_LABEL, path.label);
	p->frame[SW_AT_FLAGS] = 0;
	p->frame[SW_AT_CLASS] = plain->traffic_class;
	dp_worker_originate(w, p);
}

/* The newest generation of a session that a route leads to; *index is followed. */
static struct sw_session *newest(const struct dp_worker *w, uint32_t *index)
{
	struct sw_session *session = sw_session_find(&w->plane->sessions, *index);

	for (unsigned i = 0; session && i < REPLACED_MAX; i++) {
		uint32_t next = atomic_load_explicit(&session->replaced_by, memory_order_relaxed);
		struct sw_session *newer = sw_session_find(&w->plane->sessions, next);

		if (!newer)
			break;
		session = newer;
		*index = next;
	}
	return session;
}

/* A known peer without session: ask for one, at most once a second for each destination. */
ON_WORKER static void want(struct dp_worker *w, const uint8_t *destination)
{
	vd_ns *last = &w->wants[destination[SW_IPV6_ADDR - 1] % WANTS];

	if (*last && w->now - *last < VD_NS_PER_S)
		return;
	if (dp_punt_want(w, destination))
		*last = w->now;
}

/* Which session a packet from the TUN goes by: SW_DROP_COUNT; else why it goes by none. */
ON_WORKER static unsigned route(struct dp_worker *w, const uint8_t *packet, size_t len,
				uint32_t *index_out, uint8_t *inner_out)
{
	const struct sw_overlay *overlay = sw_rcu_get(&w->plane->overlay);
	const struct sw_overlay_route *found;
	struct sw_session *session;

	if (!dp_inner_is_ip6(packet, len))
		return SW_DROP_TUN_BAD;
	if (!overlay)
		return SW_DROP_NO_SESSION;
	found = sw_overlay_find(overlay, packet + DP_IP6_DESTINATION);
	if (!found)
		return SW_DROP_NO_SESSION;
	if (memcmp(packet + DP_IP6_SOURCE, overlay->self, SW_IPV6_ADDR) != 0)
		return SW_DROP_WRONG_SOURCE; /* the peer would not take it */
	*index_out = found->session;
	session = newest(w, index_out);
	if (session)
		*inner_out = atomic_load_explicit(&session->ip6_tx, memory_order_relaxed);
	if (!session || !*inner_out) {
		if (!session)
			want(w, packet + DP_IP6_DESTINATION);
		return SW_DROP_NO_SESSION;
	}
	return SW_DROP_COUNT;
}

ON_WORKER static void from_tun(struct dp_worker *w, struct rte_mbuf *m)
{
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *), inner = 0;
	uint8_t traffic_class = sw_ecn_class_of_ip6(at) & w->tun->class_mask;
	struct sw_packet packet = { .buffer = m, .len = m->data_len };
	unsigned drop = route(w, at, m->data_len, &packet.index, &inner);

	if (drop != SW_DROP_COUNT) {
		dp_worker_drop(w, drop, m);
		return;
	}
	if (inner >= 0x80) { /* a varint of two bytes */
		*--at = 1;
		packet.len++;
	}
	*--at = inner;
	packet.len++;
	packet.frame = at;
	dp_buffer_private(m)->plain = (struct dp_plain){
		.traffic_class = traffic_class,
		.packet_at = inner >= 0x80 ? 2 : 1,
	};
	dp_edge_seal(w, &packet);
}

unsigned dp_edge_tun(struct dp_worker *w)
{
	unsigned count = 0;

	for (struct rte_mbuf *m; count < TUN_BURST; count++) {
		m = dp_tun_recv(w->tun, w->number, w->io.pool);
		if (!m)
			break;
		from_tun(w, m);
	}
	if (count)
		sw_count(&w->counters->tun_rx, count);
	return count;
}
