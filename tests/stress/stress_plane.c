/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stress_plane: two workers switch frames, over lanes between them, and look up
 * sessions, overlay routes and neighbours, while the control thread publishes and
 * retires all of these as fast as grace periods allow.
 *
 *	stress_plane [early | late]
 *
 * Planted bugs, which ThreadSanitizer has to see: `early` writes a record without
 * waiting for the grace period; with `late` a worker looks at a record that it found
 * before it was quiescent.
 */
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "switch/forward.h"
#include "switch/plane.h"

enum {
	WORKERS = 2,
	LIVE = 16, /* links at a time; slots 0, 2, … of worker 0, the others of worker
		      1 */
	SLOTS = 3 * LIVE,
	ROUNDS = 1500,
	BURST = 16,
	FRAME = SW_HEADER + 32,
	WIDTH = 8,
};

static struct sw_plane plane;
static _Atomic uint32_t current[LIVE]; /* indices, as a neighbour would know them */
static _Atomic bool stop;
static _Atomic uint64_t sent;
static _Atomic uint32_t progress; /* links published so far */
static bool early, late;

/* Every link has these keys, so that any frame is valid on any link. */
static const uint8_t key[SW_TAG_KEY_BYTES] = { 3, 1, 4, 1, 5, 9, 2, 6 };

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "stress_plane: %s\n", what);
	exit(1);
}

/* ---- workers ---- */

struct worker {
	unsigned id;
	struct sw_forward *forward;
	uint64_t counter;
	uint32_t state;
	struct sw_link *held; /* with `late`: found in the turn before */
	struct sw_packet packets[BURST];
};

static uint32_t draw(struct worker *w, uint32_t below)
{
	w->state = w->state * 1664525u + 1013904223u;
	return (w->state >> 12) % below;
}

static void make_frame(struct worker *w, struct sw_packet *p)
{
	uint8_t *frame = calloc(1, FRAME);
	uint32_t index = atomic_load_explicit(&current[draw(w, LIVE)], memory_order_relaxed);

	if (!frame)
		fail("no memory");
	frame[0] = 6;
	vd_be32_store(frame + SW_AT_RECEIVER, index);
	vd_be64_store(frame + SW_AT_COUNTER, ++w->counter * WORKERS + w->id);
	vd_be64_store(frame + SW_AT_LABEL, 1 + draw(w, LIVE));
	uint64_t tag = sw_tag(key, frame, FRAME);
	memcpy(frame + SW_AT_TAG, &tag, sizeof tag);
	*p = (struct sw_packet){ .frame = frame, .buffer = frame, .len = FRAME, .path = 1 };
}

static void check_sent(const struct sw_packet *p)
{
	uint64_t tag;

	memcpy(&tag, p->frame + SW_AT_TAG, sizeof tag);
	if (tag != sw_tag(key, p->frame, p->len))
		fail("a frame was sent with a wrong tag");
	if (vd_be32_load(p->frame + SW_AT_RECEIVER) != p->egress->remote_index)
		fail("a frame was sent to another receiver than its link's");
	atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed);
}

static void check_drop(const struct sw_packet *p)
{
	switch (p->drop) {
	case SW_DROP_UNKNOWN_INDEX:
	case SW_DROP_UNKNOWN_DIRECTOR:
	case SW_DROP_SAME_LINK:
	case SW_DROP_NO_LINK:
	case SW_DROP_REPLAYED: return; /* links come and go; two workers share counters */
	default: fail(sw_drop_name((enum sw_drop)p->drop));
	}
}

static void settle(struct worker *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct sw_packet *p = &w->packets[i];

		if (p->verdict == SW_CROSS &&
		    sw_lane_push_burst(sw_plane_lane(&plane, w->id, p->worker), p, 1) == 1)
			continue;
		if (p->verdict == SW_SEND)
			check_sent(p);
		else if (p->verdict == SW_DROP)
			check_drop(p);
		free(p->buffer);
	}
}

/* What a worker reads besides links. */
static void look_around(struct worker *w)
{
	const struct sw_neighbours *neighbours = sw_rcu_get(&plane.neighbours);
	const struct sw_overlay *overlay = sw_rcu_get(&plane.overlay);

	if (neighbours && neighbours->rows[1].l2[0] != neighbours->rows[1].l2[5])
		fail("half a neighbour");
	if (!overlay)
		return;
	const struct sw_overlay_route *route = sw_overlay_find(overlay, overlay->self);
	if (!route)
		fail("an overlay without its route");
	struct sw_session *session = sw_session_find(&plane.sessions, route->session);
	if (session && session->owner == w->id && session->remote_index != 99)
		fail("half a session");
}

/* The planted bug: looks at a link after all slots have had other links. */
static void linger(const struct sw_link *held)
{
	uint32_t until = atomic_load_explicit(&progress, memory_order_relaxed) + 2 * SLOTS;

	sw_rcu_offline();
	while (atomic_load_explicit(&progress, memory_order_relaxed) < until &&
	       !atomic_load_explicit(&stop, memory_order_relaxed))
		sched_yield();
	/* A field that fills its 8 bytes: ThreadSanitizer remembers four accesses of each 8. */
	if (held && memcmp(held->tx_key, key, sizeof held->tx_key) != 0)
		fail("cannot be");
	sw_rcu_online();
}

static void turn(struct worker *w, vd_ns now)
{
	if (late && w->id == 0)
		linger(w->held);
	for (unsigned i = 0; i < BURST; i++)
		make_frame(w, &w->packets[i]);
	sw_forward_burst(w->forward, w->packets, BURST, now);
	settle(w, BURST);
	unsigned popped =
	    sw_lane_pop_burst(sw_plane_lane(&plane, 1 - w->id, w->id), w->packets, BURST);
	sw_forward_resume(w->forward, w->packets, popped, now);
	settle(w, popped);
	look_around(w);
	w->held =
	    sw_link_find(&plane.links, atomic_load_explicit(&current[w->id], memory_order_relaxed));
	sw_rcu_quiescent();
}

static void *work(void *at)
{
	struct worker *w = at;
	vd_ns now = 0;

	rcu_register_thread();
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		turn(w, now += VD_NS_PER_MS);
	rcu_unregister_thread();
	return NULL;
}

/* ---- control ---- */

static void publish_link(unsigned place)
{
	struct sw_link_config config = {
		.remote_index = 0xbeef00 + place,
		.director = place + 1,
		.permit = sw_permit(1, 1),
		.path = 1,
		.owner = (uint8_t)(place % WORKERS),
		.send = { .outer_len = 28, .payload_max = 100 },
	};
	uint32_t index;

	memcpy(config.rx_key, key, sizeof key);
	memcpy(config.tx_key, key, sizeof key);
	while (sw_link_reserve(&plane.links, &index) != VD_OK)
		sched_yield(); /* all slots rest: the workers are a grace period behind */
	sw_link_publish(&plane.links, index, &config, 0);
	uint32_t older = atomic_load_explicit(&current[place], memory_order_relaxed);
	sw_director_set(&plane.directors, place + 1, index);
	atomic_store_explicit(&current[place], index, memory_order_relaxed);
	if (!older)
		return;
	sw_link_retire(&plane.links, older);
	if (early) /* with what is there, so that nothing else can notice */
		memcpy(plane.links.links[sw_index_slot(older)].tx_key, key, SW_TAG_KEY_BYTES);
}

static void publish_tables(uint8_t mark)
{
	static uint32_t session;
	struct sw_session_config config = { .remote_index = 99, .owner = mark % WORKERS };
	struct sw_neighbour rows[2] = { { .l2_len = 0 } };
	struct sw_overlay_route route = { 0 };
	uint8_t self[SW_IPV6_ADDR] = { 0xfd, mark };
	uint32_t next = 0;

	memset(rows[1].l2, mark, sizeof rows[1].l2);
	sw_neighbours_retire(sw_rcu_swap(&plane.neighbours, sw_neighbours_new(rows, 2)));
	if (sw_session_reserve(&plane.sessions, &next) == VD_OK)
		sw_session_publish(&plane.sessions, next, &config);
	memcpy(route.address, self, sizeof self);
	route.session = next;
	sw_overlay_retire(sw_rcu_swap(&plane.overlay, sw_overlay_new(self, &route, 1)));
	if (session)
		sw_session_retire(&plane.sessions, session);
	session = next;
}

static void control(void)
{
	rcu_register_thread();
	sw_rcu_offline();
	for (unsigned round = 0; round < ROUNDS; round++) {
		publish_link(round % LIVE);
		atomic_fetch_add_explicit(&progress, 1, memory_order_relaxed);
		if (round % 4 == 0)
			publish_tables((uint8_t)round);
		if (round % 3 == 0)
			sw_link_set_permit(&plane.links, current[round % LIVE], sw_permit(3, 3));
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void drain(struct worker *w)
{
	unsigned popped;

	do {
		popped =
		    sw_lane_pop_burst(sw_plane_lane(&plane, 1 - w->id, w->id), w->packets, BURST);
		for (unsigned i = 0; i < popped; i++)
			free(w->packets[i].buffer);
	} while (popped);
}

int main(int argc, char **argv)
{
	const struct sw_plane_config config = {
		.workers = WORKERS, .width = WIDTH, .links_max = SLOTS, .sessions_max = 8
	};
	static struct worker workers[WORKERS];
	pthread_t threads[WORKERS];

	early = argc > 1 && strcmp(argv[1], "early") == 0;
	late = argc > 1 && strcmp(argv[1], "late") == 0;
	if (sodium_init() < 0 || sw_plane_init(&plane, &config))
		fail("set-up");
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .id = i, .state = i + 1 };
		workers[i].forward = sw_forward_new(&plane, i);
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			fail("no thread");
	}
	control();
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		drain(&workers[i]);
		sw_forward_free(workers[i].forward);
	}
	sw_plane_fini(&plane);
	rcu_unregister_thread();
	printf("stress_plane: %u links in turn, %lu frames sent\n", ROUNDS, (unsigned long)sent);
	return sent > 0 ? 0 : 1;
}
