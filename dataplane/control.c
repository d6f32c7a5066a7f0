/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * control: the worker's side of what crosses to and from the control thread
 * (switch/exchange.h): punts up, injections down.
 */
#include <string.h>

#include "base/bytes.h"
#include "dataplane/worker_state.h"
#include "multigram/frame.h"

/* ---- up ---- */

/*
 * What one link or session sends may not cost the others: each has a share, by its slot, of the
 * lane for its like, and is a stranger beyond it.
 */
static bool has_share(const struct dp_worker *w, struct sw_bucket shares[SHARES], uint32_t index)
{
	return sw_bucket_take(&shares[sw_index_slot(index) % SHARES], 1, w->now);
}

/* The next item, all but `bytes` cleared; NULL (and counted) when the lane is full. */
static struct sw_punt *punt_new(struct dp_worker *w, enum sw_punt_kind kind, enum sw_punt_lane lane)
{
	struct sw_punt *punt = sw_lane_reserve(sw_plane_punts(w->plane, w->number, lane));

	if (!punt) {
		unsigned drop =
		    lane == SW_PUNTS_STRANGERS ? SW_DROP_PUNT_FULL : SW_DROP_CONTROL_FULL;

		sw_count(&w->counters->drops[drop], 1);
		return NULL;
	}
	memset(punt, 0, offsetof(struct sw_punt, bytes));
	punt->kind = (uint8_t)kind;
	punt->worker = (uint8_t)w->number;
	punt->lane = (uint8_t)lane;
	punt->at = w->now;
	return punt;
}

static bool punt_done(struct dp_worker *w, struct sw_punt *punt, const uint8_t *bytes, size_t len)
{
	punt->len = (uint16_t)len;
	if (len)
		memcpy(punt->bytes, bytes, len);
	sw_lane_commit(sw_plane_punts(w->plane, w->number, (enum sw_punt_lane)punt->lane));
	sw_count(&w->counters->punted, 1);
	w->punted = true;
	return true;
}

static bool fits(struct dp_worker *w, size_t len)
{
	if (len <= SW_EXCHANGE_BYTES)
		return true;
	sw_count(&w->counters->drops[SW_DROP_TOO_BIG], 1);
	return false;
}

static void set_from(const struct dp_worker *w, struct sw_punt *punt, const struct sw_packet *p)
{
	const struct dp_port *port = w->ports[p->port];

	port->ops->from(port, p, &punt->from);
}

/* What the switch header of a delivered frame says. */
static void set_header(struct sw_punt *punt, const struct sw_packet *p)
{
	punt->flags = p->frame[SW_AT_FLAGS];
	punt->used = p->frame[SW_AT_USED];
	punt->label = vd_be64_load(p->frame + SW_AT_LABEL);
	punt->link = p->index;
}

/* Only the control thread can open a sealed frame; but whose it would be can be seen. */
static enum sw_punt_lane lane_of_datagram(struct dp_worker *w, const struct sw_packet *p)
{
	enum { RECEIVER_END = 5 };
	uint32_t index;

	if (p->frame[0] != MG_SEALED || p->len < RECEIVER_END)
		return SW_PUNTS_STRANGERS;
	index = vd_be32_load(p->frame + 1);
	if (!sw_link_find(&w->plane->links, index) || !has_share(w, w->sealed, index))
		return SW_PUNTS_STRANGERS;
	return SW_PUNTS_KNOWN;
}

bool dp_punt_datagram(struct dp_worker *w, const struct sw_packet *p)
{
	struct sw_punt *punt = NULL;

	if (fits(w, p->len))
		punt = punt_new(w, SW_PUNT_DATAGRAM, lane_of_datagram(w, p));
	if (!punt)
		return false;
	set_from(w, punt, p);
	return punt_done(w, punt, p->frame, p->len);
}

void dp_punt_moved(struct dp_worker *w, const struct sw_packet *p)
{
	struct sw_punt *punt;

	if (!has_share(w, w->moves, p->index))
		return;
	punt = punt_new(w, SW_PUNT_MOVED, SW_PUNTS_KNOWN);
	if (!punt)
		return;
	punt->link = p->index;
	punt->frame_len = p->len;
	set_from(w, punt, p);
	(void)punt_done(w, punt, NULL, 0);
}

void dp_punt_unknown(struct dp_worker *w, const struct sw_packet *p)
{
	struct sw_punt *punt;

	if (!sw_bucket_take(&w->strays, 1, w->now))
		return;
	punt = punt_new(w, SW_PUNT_UNKNOWN, SW_PUNTS_STRANGERS);
	if (!punt)
		return;
	set_from(w, punt, p);
	(void)punt_done(w, punt, p->frame, SW_AT_LABEL); /* index, receiver index, counter */
}

bool dp_punt_payload(struct dp_worker *w, const struct sw_packet *p)
{
	size_t len = (size_t)p->len - SW_AT_PAYLOAD;
	struct sw_punt *punt = NULL;

	if (fits(w, len))
		punt = punt_new(w, SW_PUNT_PAYLOAD,
				has_share(w, w->payloads, p->index) ? SW_PUNTS_LINKS
								    : SW_PUNTS_STRANGERS);
	if (!punt)
		return false;
	set_header(punt, p);
	return punt_done(w, punt, p->frame + SW_AT_PAYLOAD, len);
}

bool dp_punt_inner(struct dp_worker *w, const struct sw_packet *p, uint32_t session,
		   struct vd_bytes plain)
{
	struct sw_punt *punt =
	    punt_new(w, SW_PUNT_INNER,
		     has_share(w, w->inner, session) ? SW_PUNTS_KNOWN : SW_PUNTS_STRANGERS);

	if (!punt)
		return false;
	set_header(punt, p);
	punt->session = session;
	punt->frame_len = (uint16_t)plain.len;
	/* what is longer can only be a ping's padding, which nobody looks at */
	return punt_done(w, punt, plain.at,
			 plain.len < SW_EXCHANGE_BYTES ? plain.len : SW_EXCHANGE_BYTES);
}

bool dp_punt_report(struct dp_worker *w, const struct sw_packet *p, uint32_t session)
{
	size_t len = (size_t)p->len - SW_AT_PAYLOAD;
	struct sw_punt *punt = fits(w, len) ? punt_new(w, SW_PUNT_REPORT, SW_PUNTS_KNOWN) : NULL;

	if (!punt)
		return false;
	set_header(punt, p);
	punt->session = session;
	return punt_done(w, punt, p->frame + SW_AT_PAYLOAD, len);
}

bool dp_punt_want(struct dp_worker *w, const uint8_t overlay[SW_IPV6_ADDR])
{
	struct sw_punt *punt = punt_new(w, SW_PUNT_WANT_SESSION, SW_PUNTS_KNOWN);

	if (!punt)
		return false;
	memcpy(punt->overlay, overlay, SW_IPV6_ADDR);
	return punt_done(w, punt, NULL, 0);
}

/* ---- down ---- */

/* A buffer with the item's bytes and padding behind `room` bytes; packet_out->frame has them. */
ON_WORKER static bool load(struct dp_worker *w, const struct sw_inject *inject, uint16_t room,
			   struct sw_packet *packet_out)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->io.pool);

	if (!m) {
		sw_count(&w->counters->drops[SW_DROP_NO_BUFFER], 1);
		return false;
	}
	if (inject->len > SW_EXCHANGE_BYTES || inject->pad > UINT16_MAX ||
	    inject->len + inject->pad + room + VD_AEAD_TAG_BYTES > rte_pktmbuf_tailroom(m)) {
		dp_worker_drop(w, SW_DROP_TOO_BIG, m);
		return false;
	}
	*packet_out = (struct sw_packet){
		.frame = rte_pktmbuf_mtod_offset(m, uint8_t *, room),
		.buffer = m,
		.len = (uint16_t)(inject->len + inject->pad),
	};
	memcpy(packet_out->frame, inject->bytes, inject->len);
	memset(packet_out->frame + inject->len, 0, inject->pad);
	return true;
}

ON_WORKER static void inject_datagram(struct dp_worker *w, const struct sw_inject *inject)
{
	struct sw_packet packet;
	struct sw_template *send;

	if (!load(w, inject, 0, &packet))
		return;
	send = &dp_buffer_private(packet.buffer)->send; /* the item is gone when it is sent */
	*send = inject->send;
	const struct dp_out out = { packet.frame, packet.buffer, send, packet.len, 0 };
	dp_worker_send(w, &out, send->port);
}

ON_WORKER static void inject_payload(struct dp_worker *w, const struct sw_inject *inject)
{
	struct sw_packet packet;

	if (!load(w, inject, SW_AT_PAYLOAD, &packet))
		return;
	packet.frame -= SW_AT_PAYLOAD;
	packet.len = (uint16_t)(packet.len + SW_AT_PAYLOAD);
	packet.index = inject->link;
	vd_be64_store(packet.frame + SW_AT_LABEL, inject->label);
	packet.frame[SW_AT_FLAGS] = inject->flags;
	packet.frame[SW_AT_CLASS] = 0;
	dp_worker_originate(w, &packet);
}

ON_WORKER static void inject_inner(struct dp_worker *w, const struct sw_inject *inject)
{
	struct sw_packet packet;

	if (!load(w, inject, SW_AT_PAYLOAD + SW_SEAL_HEADER, &packet))
		return;
	packet.index = inject->session;
	dp_buffer_private(packet.buffer)->plain = (struct dp_plain){ .path = inject->path };
	dp_edge_seal(w, &packet);
}

static void write_template(struct dp_worker *w, const struct sw_inject *inject)
{
	struct sw_link *link = sw_link_find(&w->plane->links, inject->link);

	if (link && link->owner == w->number)
		link->send = inject->send;
}

static void write_path(struct dp_worker *w, const struct sw_inject *inject)
{
	struct sw_session *session = sw_session_find(&w->plane->sessions, inject->session);

	if (session && session->owner == w->number)
		session->path = inject->path;
}

ON_WORKER static void inject_one(struct dp_worker *w, const struct sw_inject *inject)
{
	switch ((enum sw_inject_kind)inject->kind) {
	case SW_INJECT_DATAGRAM: inject_datagram(w, inject); break;
	case SW_INJECT_PAYLOAD: inject_payload(w, inject); break;
	case SW_INJECT_INNER: inject_inner(w, inject); break;
	case SW_INJECT_LINK_TEMPLATE: write_template(w, inject); break;
	case SW_INJECT_SESSION_PATH: write_path(w, inject); break;
	}
}

unsigned dp_inject(struct dp_worker *w)
{
	struct sw_lane *lane = &w->plane->injects[w->number];
	unsigned count = 0;

	for (const struct sw_inject *inject; count < INJECT_BURST; count++) {
		inject = sw_lane_peek(lane);
		if (!inject)
			break;
		inject_one(w, inject);
		sw_lane_release(lane);
	}
	if (count)
		sw_count(&w->counters->injected, count);
	return count;
}
