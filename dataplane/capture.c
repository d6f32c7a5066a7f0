/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * capture: the worker's side of switch/capture.h. Called only while somebody looks.
 *
 * A drop is told with the frame as it arrived. Switching, opening and reporting change
 * frames in place, so the heads of a burst are kept before it is worked on, and a drop
 * finds its head by its buffer. What never was a frame of ours (a packet from the TUN that
 * has no session, a plaintext on its way to its seal) has no head, and is not captured. What a
 * port drops it tells itself: on the way out the frame, on the way in the datagram, or what of an
 * IP packet is headers (it may be another program's).
 */
#include <string.h>

#include "dataplane/worker_state.h"
#include "switch/outer.h"

static uint16_t kept_of(uint16_t len)
{
	return len < SW_CAPTURE_BYTES ? len : SW_CAPTURE_BYTES;
}

static void push(struct dp_worker *w, const struct dp_head *head, unsigned kind, unsigned drop,
		 uint32_t link)
{
	struct sw_captured *item = sw_lane_reserve(&w->plane->captures[w->number]);

	w->punted = true; /* control is to look */
	if (!item) {
		sw_count(&w->counters->capture_full, 1);
		return;
	}
	*item = (struct sw_captured){
		.at = w->now,
		.way = head->way,
		.link = link,
		.len = head->len,
		.kept = head->kept,
		.kind = (uint8_t)kind,
		.drop = (uint8_t)drop,
		.worker = (uint8_t)w->number,
		.round = sw_capture_round(w->capture),
	};
	memcpy(item->bytes, head->bytes, item->kept);
	sw_lane_commit(&w->plane->captures[w->number]);
	sw_count(&w->counters->captured, 1);
}

static void keep(struct dp_worker *w, struct dp_head *head, const struct sw_packet *p)
{
	struct dp_port *port = w->ports[p->port];

	head->buffer = p->buffer;
	head->len = p->len;
	port->ops->from(port, p, &head->way);
	head->kept = kept_of(p->len);
	memcpy(head->bytes, p->frame, head->kept);
}

void dp_capture_arrived(struct dp_worker *w, const struct sw_packet *burst, unsigned count)
{
	bool arrivals = sw_capture_wants(w->capture, SW_CAPTURE_IN);
	bool drops = sw_capture_wants(w->capture, SW_CAPTURE_DROPS);

	w->head_count = 0;
	for (unsigned i = 0; (arrivals || drops) && i < count; i++) {
		struct dp_head *head = &w->heads[w->head_count];

		if (!sw_capture_wants_path(w->capture, burst[i].path))
			continue;
		keep(w, head, &burst[i]);
		if (arrivals)
			push(w, head, SW_CAPTURE_IN, 0, 0);
		w->head_count += drops;
	}
}

void dp_capture_crossed(struct dp_worker *w, const struct sw_packet *packet)
{
	if (!sw_capture_wants(w->capture, SW_CAPTURE_DROPS) || w->head_count == SW_BURST_MAX ||
	    !sw_capture_wants_path(w->capture, packet->path))
		return;
	keep(w, &w->heads[w->head_count++], packet);
}

void dp_capture_dropped(struct dp_worker *w, unsigned drop, const void *buffer)
{
	if (!sw_capture_wants_drop(w->capture, drop))
		return;
	for (unsigned i = 0; i < w->head_count; i++) {
		if (w->heads[i].buffer != buffer)
			continue;
		push(w, &w->heads[i], SW_CAPTURE_DROPS, drop, 0);
		w->heads[i].buffer = NULL; /* told once */
		return;
	}
}

void dp_capture_reported(struct dp_worker *w, const struct sw_packet *packets, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct sw_packet *p = &packets[i];

		if ((p->verdict == SW_SEND && p->flags & SW_PACKET_REPORT) ||
		    (p->verdict == SW_CROSS && p->stage == SW_STAGE_REPORT))
			dp_capture_dropped(w, p->drop, p->buffer);
	}
}

enum { RAW_KEPT = 64 };

/* The link whose template this is; 0: an injected datagram's own. */
static uint32_t link_of(const struct dp_worker *w, const struct sw_template *send)
{
	const char *at = (const char *)send, *first = (const char *)w->plane->links.links;
	size_t slot = (size_t)(at - first) / sizeof(struct sw_link);

	if (at < first || slot >= w->plane->links.capacity)
		return 0;
	return atomic_load_explicit(&w->plane->links.links[slot].index, memory_order_relaxed);
}

void dp_capture_leaving(struct dp_worker *w, unsigned port, const struct dp_out *outs,
			unsigned count)
{
	struct dp_head head = { 0 };

	if (!sw_capture_wants(w->capture, SW_CAPTURE_OUT))
		return;
	for (unsigned i = 0; i < count; i++) {
		struct sw_endpoint *way = &head.way;

		way->port = (uint8_t)port;
		sw_template_ends(outs[i].send, &way->local, &way->remote);
		if (!sw_capture_wants_path(w->capture, sw_path_hash(way->port, &way->remote)))
			continue;
		head.len = outs[i].len;
		head.kept = kept_of(head.len);
		memcpy(head.bytes, outs[i].frame, head.kept);
		push(w, &head, SW_CAPTURE_OUT, 0, link_of(w, outs[i].send));
	}
}

void dp_capture_port_dropped(void *worker, const struct dp_dropped *dropped)
{
	struct dp_worker *w = worker;
	struct dp_head head = { .way = dropped->way, .len = dropped->len };
	unsigned kind = SW_CAPTURE_DROPS | (dropped->out ? SW_CAPTURE_OUT : 0) |
			(dropped->raw ? SW_CAPTURE_RAW : 0);
	uint16_t kept = kept_of(dropped->kept);

	if (!sw_capture_wants_drop(w->capture, dropped->drop))
		return;
	if (dropped->out)
		sw_template_ends(dropped->send, &head.way.local, &head.way.remote);
	if (dropped->out)
		head.way.port = dropped->send->port;
	if (!sw_capture_wants_path(w->capture, sw_path_hash(head.way.port, &head.way.remote)))
		return;
	head.kept = dropped->raw && kept > RAW_KEPT ? RAW_KEPT : kept;
	memcpy(head.bytes, dropped->bytes, head.kept);
	push(w, &head, kind, dropped->drop, dropped->out ? link_of(w, dropped->send) : 0);
}
