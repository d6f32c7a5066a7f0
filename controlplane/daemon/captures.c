/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/captures.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"

enum { BATCH = 512 };
static const vd_ns lease = VD_SECONDS(5), wait_max = VD_SECONDS(1);

static void want(struct node *node, uint64_t word)
{
	atomic_store_explicit(&node->plane.capture, word, memory_order_relaxed);
}

static uint64_t missed(const struct node *node)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < node->plane.config.workers; i++)
		sum += atomic_load_explicit(&node->plane.counters[i].capture_full,
					    memory_order_relaxed);
	return sum;
}

/* ---- telling packets ---- */

static json_t *address_json(const struct vd_udp_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (vd_udp_addr_is_ip4(addr))
		return json_string(inet_ntop(AF_INET, addr->ip + 12, text, sizeof text));
	return json_string(inet_ntop(AF_INET6, addr->ip, text, sizeof text));
}

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * SW_CAPTURE_BYTES];

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return json_stringn(text, 2 * len);
}

/* Whose link it is of, by our receiver index in it, or the index it left by; NULL: not known. */
ON_CONTROL static const struct vd_peer_id *peer_of(const struct node *node,
						   const struct sw_captured *item)
{
	const struct route_link *link = NULL;
	uint32_t index = item->link;

	if (item->kind & SW_CAPTURE_RAW)
		return NULL;
	if (!index && item->kept >= 5 && (item->bytes[0] == 5 || item->bytes[0] == 6))
		index = vd_be32_load(item->bytes + 1);
	if (index)
		link = route_links_of_index(node->links, index);
	return link ? &link->peer : NULL;
}

ON_CONTROL static json_t *packet_json(const struct node *node, const struct sw_captured *item,
				      uint64_t wall_offset)
{
	const struct vd_peer_id *peer = peer_of(node, item);
	char text[VD_PEER_ID_TEXT];

	return json_pack(
	    "{s:I, s:s, s:i, s:i, s:o, s:i, s:o, s:i, s:i, s:s?, s:s?, s:b, s:o}", "at_ns",
	    (json_int_t)item->at + (json_int_t)wall_offset, "direction",
	    item->kind & SW_CAPTURE_OUT ? "out" : "in", "port", (int)item->way.port, "worker",
	    (int)item->worker, "local", address_json(&item->way.local), "local_port",
	    (int)item->way.local.port, "remote", address_json(&item->way.remote), "remote_port",
	    (int)item->way.remote.port, "len", (int)item->len, "peer",
	    peer ? vd_peer_id_text(peer, text) : NULL, "drop",
	    item->kind & SW_CAPTURE_DROPS ? sw_drop_name((enum sw_drop)item->drop) : NULL, "raw",
	    (item->kind & SW_CAPTURE_RAW) != 0, "bytes", hex_json(item->bytes, item->kept));
}

/* The hash that workers compare may be another neighbour's, too. */
static bool is_wanted(const struct node_capture *capture, const struct sw_captured *item)
{
	unsigned direction = item->kind & SW_CAPTURE_OUT ? SW_CAPTURE_OUT : SW_CAPTURE_IN;

	return item->round == capture->round && (capture->directions & direction) &&
	       (capture->peer.len == 0 || vd_udp_addr_equal(&item->way.remote, &capture->remote));
}

/* The oldest packet of a worker; false: it has none. */
ON_CONTROL static bool take_one(struct node *node, unsigned worker, uint64_t wall_offset,
				json_t *packets)
{
	struct sw_lane *lane = &node->plane.captures[worker];
	const struct sw_captured *item = sw_lane_peek(lane);

	if (!item)
		return false;
	if (is_wanted(&node->capture, item))
		json_array_append_new(packets, packet_json(node, item, wall_offset));
	sw_lane_release(lane);
	return true;
}

/* Up to BATCH packets, one of each worker in turn; NULL when there are none. */
ON_CONTROL static json_t *take(struct node *node)
{
	struct timespec wall;
	json_t *packets = json_array();
	uint64_t offset;
	unsigned taken = 0, before;

	clock_gettime(CLOCK_REALTIME, &wall);
	offset = (uint64_t)wall.tv_sec * VD_NS_PER_S + (uint64_t)wall.tv_nsec - vd_now();
	do {
		before = taken;
		for (unsigned i = 0; i < node->plane.config.workers && taken < BATCH; i++)
			taken += take_one(node, i, offset, packets);
	} while (taken > before);
	if (json_array_size(packets))
		return packets;
	json_decref(packets);
	return NULL;
}

static void answer(struct node *node, json_t *packets)
{
	struct api_reply *reply = node->capture.reply;

	node->capture.reply = NULL;
	node->capture.until = vd_now() + lease;
	api_reply_ok(reply,
		     json_pack("{s:o, s:I}", "packets", packets ? packets : json_array(), "missed",
			       (json_int_t)(missed(node) - node->capture.missed_before)));
}

void node_take_captures(struct node *node)
{
	json_t *packets = node->capture.reply ? take(node) : NULL;

	if (packets)
		answer(node, packets);
}

/* ---- start, next, stop ---- */

static void stop(struct node *node)
{
	want(node, 0);
	if (node->capture.reply)
		answer(node, NULL);
	node->capture =
	    (struct node_capture){ .id = node->capture.id, .round = node->capture.round };
}

/* Where the peer is now; it may have moved. False: it has no link. */
ON_CONTROL static bool aim(struct node *node)
{
	struct node_capture *capture = &node->capture;
	uint32_t path = 0;

	if (capture->peer.len) {
		const struct route_link *link = route_links_find(node->links, &capture->peer);

		if (!link)
			return false;
		capture->remote = link->endpoint.remote;
		path = sw_path_hash(link->endpoint.port, &capture->remote);
	}
	want(node, sw_capture_word(capture->kinds, capture->drop, path, capture->round));
	return true;
}

void node_tick_capture(struct node *node, vd_ns now)
{
	struct node_capture *capture = &node->capture;

	if (!capture->kinds)
		return;
	if (capture->reply && now >= capture->asked + wait_max)
		answer(node, NULL);
	if (!capture->reply && now >= capture->until)
		stop(node);
	else
		(void)aim(node); /* without a link it stays where the peer was */
}

/* NULL: fine; else what is wrong. */
static const char *read_kinds(const json_t *filter, struct node_capture *capture)
{
	const char *drop = json_string_value(json_object_get(filter, "drop"));
	const char *direction = json_string_value(json_object_get(filter, "direction"));

	capture->kinds = SW_CAPTURE_IN | SW_CAPTURE_OUT;
	if (direction && strcmp(direction, "in") != 0 && strcmp(direction, "out") != 0)
		return "--direction is in or out";
	if (direction)
		capture->kinds = direction[0] == 'i' ? SW_CAPTURE_IN : SW_CAPTURE_OUT;
	capture->directions = capture->kinds;
	if (!drop)
		return NULL;
	capture->kinds = SW_CAPTURE_DROPS;
	capture->drop = SW_CAPTURE_ANY_DROP;
	if (strcmp(drop, "any") == 0)
		return NULL;
	for (int i = 0; i < SW_DROP_COUNT; i++)
		if (strcmp(sw_drop_name((enum sw_drop)i), drop) == 0)
			capture->drop = (uint8_t)i;
	return capture->drop == SW_CAPTURE_ANY_DROP
		   ? "no such drop reason; `viaduct stats --all` lists them"
		   : NULL;
}

ON_CONTROL static json_t *ports_json(const struct node *node)
{
	json_t *ports = json_array();
	struct dp_port_view view;

	for (unsigned i = 0; i < dp_port_count(node->dp); i++) {
		dp_port_view(node->dp, i, &view);
		json_array_append_new(ports, json_string(view.name));
	}
	return ports;
}

ON_CONTROL static void start(struct node *node, const json_t *filter, struct api_reply *reply)
{
	const char *peer = json_string_value(json_object_get(filter, "peer"));
	struct node_capture capture = { .id = node->capture.id + 1,
					.round = (uint8_t)(node->capture.round + 1),
					.until = vd_now() + lease,
					.missed_before = missed(node) };
	const char *wrong = read_kinds(filter, &capture);

	if (!wrong && peer && !node_target(node, peer, &capture.peer))
		wrong = "--link takes a peer id, a name or an overlay address; see `viaduct links`";
	if (!wrong && node->capture.kinds)
		wrong = "another capture is under way; end that one first";
	if (wrong) {
		api_reply_error(reply, wrong);
		return;
	}
	node->capture = capture;
	if (!aim(node)) {
		stop(node);
		api_reply_error(reply, "no link to this peer; see `viaduct links`");
		return;
	}
	api_reply_ok(reply, json_pack("{s:I, s:o, s:i}", "id", (json_int_t)capture.id, "ports",
				      ports_json(node), "kept", (int)SW_CAPTURE_BYTES));
}

void node_action_capture(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const char *verb = json_string_value(json_array_get(args, 0));
	const json_t *what = json_array_get(args, 1);
	bool own = json_is_integer(what) && node->capture.kinds &&
		   (uint64_t)json_integer_value(what) == node->capture.id;

	if (verb && strcmp(verb, "start") == 0) {
		start(node, what, reply);
	} else if (verb && strcmp(verb, "next") == 0 && own && !node->capture.reply) {
		node->capture.reply = reply;
		node->capture.asked = vd_now();
		node_take_captures(node);
	} else if (verb && strcmp(verb, "stop") == 0 && own) {
		stop(node);
		api_reply_ok(reply, json_object());
	} else {
		api_reply_error(reply,
				"no such capture; it ended, or start one with capture start");
	}
}
