/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sim_switch: random networks of switches of mixed widths and workers, in one process.
 *
 *	edge - switch - switch - edge       a random tree and some more links; each
 *	          \      /   \              link is a pair of records with crossed keys
 *	           switch    switch - ...
 *
 * For many seeds: every route arrives, its way back arrives, and the way back of the
 * way back is the route; routes spliced from routes arrive; refusals are reported to
 * who sent; and whatever label is crafted, no frame makes more than 15 hops.
 *
 *	sim_switch [--seeds N [FIRST] | SEED]
 */
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "switch/forward.h"
#include "switch/label.h"
#include "switch/plane.h"
#include "switch/report.h"
#include "tests/sim/seeds.h"

enum { NODES = 12, LINKS = 12, WORKERS = 3, HOPS_MAX = 15, PAYLOAD = 40, SEEDS = 150 };

struct end {
	unsigned node; /* the neighbour */
	unsigned link; /* its number of this link */
	uint32_t index;
	uint32_t director;
};

struct node {
	struct sw_plane plane;
	struct sw_forward *forwards[WORKERS];
	struct end links[LINKS];
	unsigned link_count;
};

/* A walk through the network: links[i] is the one taken at nodes[i]. */
struct walk {
	unsigned nodes[HOPS_MAX + 3];
	unsigned links[HOPS_MAX + 3];
	unsigned steps;
	struct sw_route route;
};

/* A frame under way, at `node`, which it reached by its link `link`. */
struct flight {
	struct sw_packet packet;
	unsigned node, link;
	unsigned hops; /* switches that sent it on */
	uint8_t room[SW_HEADROOM + 256];
};

static struct node nodes[NODES];
static unsigned node_count;
static uint64_t seed, state;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % below;
}

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	fprintf(stderr, "sim_switch: seed %lu: ", (unsigned long)seed);
	vfprintf(stderr, what, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void must(enum vd_err err)
{
	if (err)
		fail("set-up: %s", vd_err_text(err));
}

/* ---- the network ---- */

static void make_node(struct node *node)
{
	static const unsigned widths[] = { 4, 4, 5, 6, 8, 8, 12, 16, 24, 0 };
	const struct sw_plane_config config = {
		.workers = 1 + draw(WORKERS),
		.width = widths[draw(sizeof widths / sizeof widths[0])],
		.links_max = LINKS,
	};

	memset(node, 0, sizeof *node);
	must(sw_plane_init(&node->plane, &config));
	for (unsigned i = 0; i < config.workers; i++)
		if (!(node->forwards[i] = sw_forward_new(&node->plane, i)))
			fail("no memory");
}

static void free_node(struct node *node)
{
	for (unsigned i = 0; i < node->plane.config.workers; i++)
		sw_forward_free(node->forwards[i]);
	sw_plane_fini(&node->plane);
}

/* Reserves one end; the keys come when both ends have an index. */
static struct end *make_end(struct node *node)
{
	struct end *end = &node->links[node->link_count++];

	must(sw_link_reserve(&node->plane.links, &end->index));
	if (node->plane.config.width)
		must(sw_director_draw(&node->plane.directors, 0, &end->director));
	return end;
}

static void publish_end(struct node *node, const struct end *end, const uint8_t *keys, bool first,
			uint32_t remote_index)
{
	struct sw_link_config config = {
		.remote_index = remote_index,
		.director = end->director,
		.permit = sw_permit(1, 1),
		.path = 1,
		.owner = (uint8_t)draw(node->plane.config.workers),
		.send = { .outer_len = 28, .payload_max = 200 },
	};

	memcpy(config.rx_key, first ? keys : keys + 16, 16);
	memcpy(config.tx_key, first ? keys + 16 : keys, 16);
	sw_link_publish(&node->plane.links, end->index, &config, 0);
	if (node->plane.config.width)
		sw_director_set(&node->plane.directors, end->director, end->index);
}

static void connect_nodes(unsigned a, unsigned b)
{
	uint8_t keys[32];

	if (nodes[a].link_count == LINKS || nodes[b].link_count == LINKS)
		return;
	struct end *x = make_end(&nodes[a]), *y = make_end(&nodes[b]);
	*x = (struct end){ b, nodes[b].link_count - 1, x->index, x->director };
	*y = (struct end){ a, nodes[a].link_count - 1, y->index, y->director };
	randombytes_buf(keys, sizeof keys);
	publish_end(&nodes[a], x, keys, true, y->index);
	publish_end(&nodes[b], y, keys, false, x->index);
}

static void make_network(void)
{
	node_count = 3 + draw(NODES - 2);
	for (unsigned i = 0; i < node_count; i++)
		make_node(&nodes[i]);
	for (unsigned i = 1; i < node_count; i++)
		connect_nodes(i, draw(i));
	for (unsigned i = 0; i < node_count; i++) {
		unsigned a = draw(node_count), b = draw(node_count);

		if (a != b)
			connect_nodes(a, b); /* two links between two nodes are fine */
	}
}

static void free_network(void)
{
	for (unsigned i = 0; i < node_count; i++)
		free_node(&nodes[i]);
}

/* ---- frames ---- */

/* From `node` by its link, as node's own; false if the node refused it. */
static bool launch(struct flight *f, unsigned node, unsigned link, struct sw_origin origin)
{
	struct node *from = &nodes[node];
	struct sw_link *record = sw_link_find(&from->plane.links, from->links[link].index);

	memset(f, 0, sizeof *f);
	f->packet.frame = f->room + SW_HEADROOM;
	f->packet.len = SW_HEADER + PAYLOAD;
	f->packet.egress = record;
	for (unsigned i = 0; i < PAYLOAD; i++)
		f->packet.frame[SW_AT_PAYLOAD + i] = (uint8_t)(i * 3 + node);
	sw_forward_originate(from->forwards[record->owner], &f->packet, &origin, 1, 0);
	if (f->packet.verdict != SW_SEND)
		return false;
	f->node = from->links[link].node;
	f->link = from->links[link].link;
	return true;
}

static unsigned link_of(const struct node *node, const struct sw_link *record)
{
	for (unsigned i = 0; i < node->link_count; i++)
		if (sw_link_find(&node->plane.links, node->links[i].index) == record)
			return i;
	fail("left by a link that is none");
}

/* One node's turn: arrives at any worker, crosses as told; moves on if it is sent. */
static enum sw_verdict hop(struct flight *f)
{
	struct node *node = &nodes[f->node];
	unsigned workers = node->plane.config.workers;
	unsigned crossings = 0;

	f->packet.path = 1;
	sw_forward_burst(node->forwards[draw(workers)], &f->packet, 1, 0);
	while (f->packet.verdict == SW_CROSS) {
		if (++crossings > 3 || f->packet.worker >= workers)
			fail("crosses from worker to worker without end");
		sw_forward_resume(node->forwards[f->packet.worker], &f->packet, 1, 0);
	}
	if (f->packet.verdict != SW_SEND)
		return f->packet.verdict;
	unsigned link = link_of(node, f->packet.egress);
	if (!(f->packet.flags & SW_PACKET_REPORT))
		f->hops++;
	f->node = node->links[link].node;
	f->link = node->links[link].link;
	return SW_SEND;
}

/* On until it stops; 15 hops there and 15 for a report's way back. */
static enum sw_verdict fly(struct flight *f)
{
	bool reported = false;
	unsigned before = 0;

	for (;;) {
		unsigned at = f->node;
		enum sw_verdict verdict = hop(f);

		if (verdict != SW_SEND)
			return verdict;
		if (f->packet.flags & SW_PACKET_REPORT) {
			if (reported)
				fail("a report about a report at node %u", at);
			reported = true;
			before = f->hops;
		}
		if (f->hops - before > HOPS_MAX)
			fail("%u hops", f->hops - before);
	}
}

static uint8_t used_of(const struct flight *f)
{
	return f->packet.frame[SW_AT_USED];
}

static uint64_t label_of(const struct flight *f)
{
	return vd_be64_load(f->packet.frame + SW_AT_LABEL);
}

/* ---- properties ---- */

/* A random walk from `start` that any label can express: never back by the same link. */
static struct walk random_walk(unsigned start, unsigned most)
{
	struct walk w = { .nodes = { start } };
	unsigned came_by = LINKS;

	while (w.steps < most) {
		const struct node *node = &nodes[w.nodes[w.steps]];
		unsigned link = draw(node->link_count);

		if (w.steps > 0) { /* this node has to switch */
			struct sw_route next = { node->links[link].director,
						 (uint8_t)node->plane.config.width };
			struct sw_route longer;

			if (next.bits == 0 || link == came_by ||
			    sw_route_splice(w.route, next, &longer) != VD_OK)
				break;
			w.route = longer;
		}
		w.links[w.steps] = link;
		came_by = node->links[link].link;
		w.nodes[++w.steps] = node->links[link].node;
	}
	return w;
}

static void assert_arrives(struct flight *f, unsigned node, const char *what)
{
	enum sw_verdict verdict = fly(f);

	if (verdict != SW_DELIVER)
		fail("%s: stopped at node %u with verdict %d, drop %s", what, f->node, verdict,
		     sw_drop_name((enum sw_drop)f->packet.drop));
	if (f->node != node)
		fail("%s: arrived at node %u, not %u", what, f->node, node);
}

static void check_payload(const struct flight *f, unsigned source)
{
	for (unsigned i = 0; i < PAYLOAD; i++)
		if (f->packet.frame[SW_AT_PAYLOAD + i] != (uint8_t)(i * 3 + source))
			fail("payload changed at byte %u", i);
}

/* There, and back by what the receiver sees, which gives the route again. */
static unsigned there_and_back(const struct walk *w)
{
	unsigned start = w->nodes[0], goal = w->nodes[w->steps];
	struct flight f, back;

	if (!launch(&f, start, w->links[0], (struct sw_origin){ .label = w->route.label }))
		fail("could not start");
	assert_arrives(&f, goal, "route");
	check_payload(&f, start);
	if (used_of(&f) != w->route.bits || f.hops != w->steps - 1)
		fail("used %u of %u bits in %u hops", used_of(&f), w->route.bits, f.hops);
	struct sw_route way_back = sw_label_way_back(label_of(&f), used_of(&f));
	if (!launch(&back, goal, f.link, (struct sw_origin){ .label = way_back.label }))
		fail("could not start back");
	assert_arrives(&back, start, "way back");
	struct sw_route again = sw_label_way_back(label_of(&back), used_of(&back));
	if (again.label != w->route.label || again.bits != w->route.bits)
		fail("back of back is not the route");
	return f.hops;
}

/* start -> middle, and on from middle as a switch: one label. */
static void spliced(unsigned start)
{
	struct walk first = random_walk(start, 1 + draw(3));
	unsigned middle = first.nodes[first.steps];
	struct walk then = random_walk(middle, 1 + draw(3));
	const struct node *node = &nodes[middle];
	struct sw_route turn = { node->links[then.links[0]].director,
				 (uint8_t)node->plane.config.width };
	struct sw_route route;
	struct flight f;

	if (first.steps == 0 || then.steps == 0 || turn.bits == 0 ||
	    then.links[0] ==
		nodes[first.nodes[first.steps - 1]].links[first.links[first.steps - 1]].link)
		return;
	if (sw_route_splice(first.route, turn, &route) ||
	    sw_route_splice(route, then.route, &route))
		return;
	if (!launch(&f, start, first.links[0], (struct sw_origin){ .label = route.label }))
		fail("could not start");
	assert_arrives(&f, then.nodes[then.steps], "spliced route");
}

/* The last switch on the walk does not permit it: the sender is told, over the way back. */
static void refused(const struct walk *w)
{
	if (w->steps < 2 || w->route.bits > SW_REPORT_USED_MAX)
		return;
	unsigned last = w->nodes[w->steps - 1];
	const struct end *egress = &nodes[last].links[w->links[w->steps - 1]];
	struct sw_link_table *table = &nodes[last].plane.links;
	struct flight f;

	sw_link_set_permit(table, egress->index, 0);
	if (!launch(&f, w->nodes[0], w->links[0], (struct sw_origin){ .label = w->route.label }))
		fail("could not start");
	/* the walk may use that link before its end: then it is refused there */
	assert_arrives(&f, w->nodes[0], "report");
	const uint8_t *report = f.packet.frame + SW_AT_PAYLOAD;
	if (f.packet.frame[SW_AT_FLAGS] != SW_FLAG_ERROR || report[0] != 7 || report[1] != 3)
		fail("what came back is not a report");
	for (unsigned i = 8; i < 16; i++)
		if (report[i] != (uint8_t)(i * 3 + w->nodes[0]))
			fail("the echo is not of the frame sent");
	sw_link_set_permit(table, egress->index, sw_permit(1, 1));
}

/* Any label, any flags: what leaves comes to an end. `fly` checks. */
static unsigned crafted(unsigned start)
{
	struct flight f;
	uint64_t label = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
	struct sw_origin origin = { .label = label, .flags = (uint8_t)draw(256) };

	if (nodes[start].link_count == 0 ||
	    !launch(&f, start, draw(nodes[start].link_count), origin))
		return 0;
	(void)fly(&f);
	return f.hops;
}

/* Two switches of width 4 that send a frame to and fro, over two links, until it ends. */
static void longest(void)
{
	struct flight f;
	unsigned hops;

	node_count = 2;
	do {
		for (unsigned i = 0; i < 2; i++)
			make_node(&nodes[i]);
		if (nodes[0].plane.config.width == 4 && nodes[1].plane.config.width == 4)
			break;
		free_network();
	} while (true);
	connect_nodes(0, 1);
	connect_nodes(0, 1);
	uint64_t label = 0;
	for (unsigned i = 0; i < 16; i++) /* at node 1 first, by the link it did not come by */
		label |= (uint64_t)nodes[(i + 1) % 2].links[(i + 1) % 2].director << 4 * i;
	if (!launch(&f, 0, 0, (struct sw_origin){ .label = label }))
		fail("could not start");
	enum sw_verdict verdict = fly(&f);
	hops = f.hops;
	if (verdict != SW_DROP || f.packet.drop != SW_DROP_EXHAUSTED || hops != HOPS_MAX)
		fail("the longest label: verdict %d, %u hops", verdict, hops);
	free_network();
}

static unsigned run_seed(void)
{
	unsigned most = 0;

	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	make_network();
	for (unsigned i = 0; i < 60; i++) {
		struct walk w = random_walk(draw(node_count), HOPS_MAX + 1);

		unsigned hops = there_and_back(&w);
		most = hops > most ? hops : most;
		spliced(draw(node_count));
		if (i % 4 == 0)
			refused(&w);
		hops = crafted(draw(node_count));
		most = hops > most ? hops : most;
	}
	free_network();
	return most;
}

int main(int argc, char **argv)
{
	const struct seeds seeds = seeds_of(argc, argv, SEEDS);
	unsigned most = 0;

	if (sodium_init() < 0)
		return 1;
	rcu_register_thread();
	for (seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
		unsigned hops = run_seed();

		most = hops > most ? hops : most;
	}
	state = 1;
	longest();
	rcu_unregister_thread();
	printf("sim_switch: %lu seeds, at most %u hops in random networks, 15 at all\n",
	       (unsigned long)seeds.count, most);
	return most >= 4 ? 0 : 1; /* routes that were never long prove nothing */
}
