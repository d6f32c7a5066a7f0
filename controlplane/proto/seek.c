/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/seek.h"

#include <sodium.h>
#include <stdlib.h>

enum { SENDS_A_ROUND = 4 };
static const vd_ns wait_first = VD_SECONDS(1), wait_max = VD_SECONDS(30);

enum target_state { RESTING, ASKING, WAITING };

struct target {
	struct vd_peer_id peer;
	enum target_state state;
	uint32_t id;         /* of this round's query */
	unsigned sends;      /* made this round */
	uint32_t to_send;    /* routers (bits) that this send still goes to */
	uint32_t unanswered; /* routers (bits) asked that have not said no */
	vd_ns due;           /* next send, end of round or next round */
	vd_ns back_off;      /* before the next round */
	uint32_t have;       /* routers (bits) that said OK since it was wanted */
	bool found;
	struct seek_event answer; /* while found */
};

struct seek {
	uint32_t routers[SEEK_ROUTERS_MAX];
	uint32_t routers_up; /* bits of `routers` */
	uint32_t count, max;
	struct target targets[];
};

struct seek *seek_new(uint32_t peers_max)
{
	struct seek *seek = calloc(1, sizeof *seek + peers_max * sizeof seek->targets[0]);

	if (seek)
		seek->max = peers_max;
	return seek;
}

void seek_free(struct seek *seek)
{
	free(seek);
}

static struct target *find(struct seek *seek, const struct vd_peer_id *peer)
{
	for (uint32_t i = 0; i < seek->count; i++)
		if (vd_peer_id_equal(&seek->targets[i].peer, peer))
			return &seek->targets[i];
	return NULL;
}

static void send_to(struct target *t, uint32_t routers, vd_ns now)
{
	t->to_send = routers;
	t->due = vd_ns_add(now, VD_SECONDS(UINT64_C(1) << t->sends));
	t->sends++;
}

/* The routers without a way so far are asked again later. */
static void end_round(const struct seek *seek, struct target *t, vd_ns now)
{
	t->to_send = t->unanswered = 0;
	t->state = t->have && !(seek->routers_up & ~t->have) ? RESTING : WAITING;
	if (t->state == RESTING)
		return;
	t->due = vd_ns_add(now, t->back_off);
	t->back_off = vd_ns_min(2 * t->back_off, wait_max);
}

/* Asks those of which no way is known. */
static void start_round(const struct seek *seek, struct target *t, vd_ns now)
{
	uint32_t routers = seek->routers_up & ~t->have;

	if (!routers) {
		t->state = WAITING;
		t->due = VD_NEVER; /* a router that comes up starts the round */
		return;
	}
	t->state = ASKING;
	t->id = randombytes_random();
	t->sends = 0;
	t->unanswered = routers;
	send_to(t, routers, now);
}

enum vd_err seek_router_up(struct seek *seek, uint32_t router, vd_ns now)
{
	uint32_t free_bits = ~seek->routers_up & ((1u << SEEK_ROUTERS_MAX) - 1);
	int place;

	seek_router_down(seek, router);
	if (!free_bits)
		return VD_ELIMIT;
	place = __builtin_ctz(free_bits);
	seek->routers[place] = router;
	seek->routers_up |= 1u << place;
	for (uint32_t i = 0; i < seek->count; i++) {
		seek->targets[i].back_off = wait_first;
		start_round(seek, &seek->targets[i], now);
	}
	return VD_OK;
}

void seek_router_down(struct seek *seek, uint32_t router)
{
	for (unsigned i = 0; i < SEEK_ROUTERS_MAX; i++) {
		if (!(seek->routers_up >> i & 1) || seek->routers[i] != router)
			continue;
		seek->routers_up &= ~(1u << i);
		for (uint32_t t = 0; t < seek->count; t++) {
			seek->targets[t].to_send &= ~(1u << i);
			seek->targets[t].unanswered &= ~(1u << i);
			seek->targets[t].have &= ~(1u << i);
		}
	}
}

enum vd_err seek_want(struct seek *seek, const struct vd_peer_id *peer, vd_ns now)
{
	struct target *t = find(seek, peer);

	if (!t) {
		if (seek->count == seek->max)
			return VD_ELIMIT;
		t = &seek->targets[seek->count++];
		*t = (struct target){ .peer = *peer };
	}
	if (t->state != RESTING && !t->have)
		return VD_OK;
	t->have = 0;
	t->back_off = wait_first;
	start_round(seek, t, now);
	return VD_OK;
}

void seek_unwant(struct seek *seek, const struct vd_peer_id *peer)
{
	struct target *t = find(seek, peer);

	if (t)
		*t = seek->targets[--seek->count];
}

static struct target *find_asked(struct seek *seek, uint32_t id)
{
	for (uint32_t i = 0; i < seek->count; i++)
		if (seek->targets[i].state == ASKING && seek->targets[i].id == id)
			return &seek->targets[i];
	return NULL;
}

static uint32_t router_bit(const struct seek *seek, uint32_t router)
{
	for (unsigned i = 0; i < SEEK_ROUTERS_MAX; i++)
		if (seek->routers_up >> i & 1 && seek->routers[i] == router)
			return 1u << i;
	return 0;
}

enum vd_err seek_recv(struct seek *seek, uint32_t router, const struct control_msg *msg, vd_ns now)
{
	struct target *t = find_asked(seek, msg->route.id);
	uint32_t bit = router_bit(seek, router);

	if (!t || !(t->unanswered & bit))
		return VD_EPEER_STATE;
	if (msg->route.status == CONTROL_LIMIT)
		return VD_OK;
	if (msg->route.status == CONTROL_OK) {
		if (!vd_peer_id_equal(&msg->route.peer, &t->peer))
			return VD_EPEER_STATE;
		t->answer = (struct seek_event){ SEEK_FOUND, router, !t->have, *msg };
		t->found = true;
		t->have |= bit;
	}
	t->unanswered &= ~bit;
	t->to_send &= ~bit;
	if (!t->unanswered)
		end_round(seek, t, now);
	return VD_OK;
}

static void advance(struct seek *seek, struct target *t, vd_ns now)
{
	if (t->state == RESTING || now < t->due || t->to_send)
		return;
	if (t->state == WAITING)
		start_round(seek, t, now);
	else if (t->sends < SENDS_A_ROUND && t->unanswered)
		send_to(t, t->unanswered, now);
	else
		end_round(seek, t, now);
}

static struct seek_event ask_next(const struct seek *seek, struct target *t)
{
	int place = __builtin_ctz(t->to_send);

	t->to_send &= t->to_send - 1;
	return (struct seek_event){
		.kind = SEEK_ASK,
		.router = seek->routers[place],
		.msg = { .kind = CONTROL_QUERY, .query = { .id = t->id, .peer = t->peer } },
	};
}

struct seek_event seek_next(struct seek *seek, vd_ns now)
{
	for (uint32_t i = 0; i < seek->count; i++) {
		struct target *t = &seek->targets[i];

		if (t->found) {
			t->found = false;
			return t->answer;
		}
		advance(seek, t, now);
		if (t->to_send)
			return ask_next(seek, t);
	}
	return (struct seek_event){ .kind = SEEK_NONE };
}

vd_ns seek_deadline(const struct seek *seek)
{
	vd_ns deadline = VD_NEVER;

	for (uint32_t i = 0; i < seek->count; i++) {
		const struct target *t = &seek->targets[i];

		if (t->found || t->to_send)
			return 0;
		if (t->state != RESTING)
			deadline = vd_ns_min(deadline, t->due);
	}
	return deadline;
}
