/* Targets: controlplane/proto/seek.c, controlplane/proto/reserve.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/init.h"
#include "controlplane/proto/reserve.h"
#include "controlplane/proto/seek.h"

/*
 * A list of steps, three bytes each: what happens, to which peer or router, and more. Routes
 * and Reserved messages answer what was asked, or something that was not.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 6, ROUTERS = SEEK_ROUTERS_MAX + 2, ASKED = 32 };

struct rig {
	struct seek *seek;
	struct reserve reserve;
	struct control_msg asked[ASKED]; /* the last queries, and whom */
	uint32_t asked_of[ASKED];
	unsigned asked_count;
	struct control_msg reserved; /* the last Reserve */
	vd_ns now;
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct vd_peer_id peer_of(unsigned which)
{
	return (struct vd_peer_id){ .len = 3, .bytes = { 0, 1, (uint8_t)(which % PEERS) } };
}

static void drain(struct rig *rig)
{
	struct seek_event event;
	struct control_msg msg;

	for (unsigned events = 0;; events++) {
		event = seek_next(rig->seek, rig->now);
		if (event.kind == SEEK_NONE)
			break;
		expect(events < 4 * PEERS * ROUTERS);
		if (event.kind == SEEK_ASK) {
			expect(event.msg.kind == CONTROL_QUERY);
			rig->asked_of[rig->asked_count % ASKED] = event.router;
			rig->asked[rig->asked_count++ % ASKED] = event.msg;
		} else {
			expect(event.msg.kind == CONTROL_ROUTE &&
			       event.msg.route.status == CONTROL_OK);
		}
	}
	expect(seek_deadline(rig->seek) > rig->now);
	for (unsigned sent = 0; reserve_send(&rig->reserve, &msg, rig->now); sent++) {
		expect(sent < 2 && msg.kind == CONTROL_RESERVE);
		rig->reserved = msg;
	}
	expect(reserve_deadline(&rig->reserve) > rig->now);
}

static void route(struct rig *rig, unsigned which, unsigned more)
{
	const struct control_msg *query = &rig->asked[which % ASKED];
	struct control_msg msg = { .kind = CONTROL_ROUTE };

	msg.route.id = more & 0x80 ? more : query->query.id;
	msg.route.status = (enum control_status)(more % 6);
	msg.route.peer = more & 0x40 ? peer_of(more) : query->query.peer;
	msg.route.label = more;
	msg.route.bits = (uint8_t)(more % 61);
	msg.route.mtu = 1400;
	(void)seek_recv(rig->seek, more & 0x20 ? more % ROUTERS : rig->asked_of[which % ASKED],
			&msg, rig->now);
}

static void reserved(struct rig *rig, unsigned which, unsigned more)
{
	struct control_msg msg = { .kind = CONTROL_RESERVED };

	msg.reserved.id = which & 1 ? rig->reserved.reserve.id : which;
	msg.reserved.status = (enum control_status)(more % 6);
	msg.reserved.ttl_s = more * more * more * 300;
	msg.reserved.realms = more;
	(void)reserve_recv(&rig->reserve, &msg, rig->now);
	expect(rig->reserve.state != RESERVE_HELD || rig->reserve.held_until >= rig->now);
}

static void step(struct rig *rig, unsigned what, unsigned which, unsigned more)
{
	struct vd_peer_id peer = peer_of(which);

	switch (what % 9) {
	case 0: (void)seek_router_up(rig->seek, which % ROUTERS, rig->now); break;
	case 1: seek_router_down(rig->seek, which % ROUTERS); break;
	case 2: (void)seek_want(rig->seek, &peer, rig->now); break;
	case 3: seek_unwant(rig->seek, &peer); break;
	case 4: route(rig, which, more); break;
	case 5: reserve_begin(&rig->reserve, rig->now); break;
	case 6: reserve_end(&rig->reserve); break;
	case 7: reserved(rig, which, more); break;
	default: rig->now += VD_MS(which * more); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = { .now = VD_SECONDS(1000) };

	if (vd_init())
		return 0;
	rig.seek = seek_new(PEERS - 1); /* one too few */
	expect(rig.seek != NULL);
	reserve_init(&rig.reserve, 0);
	for (size_t at = 0; at + 3 <= size && at < 600; at += 3) {
		step(&rig, data[at], data[at + 1], data[at + 2]);
		drain(&rig);
	}
	seek_free(rig.seek);
	return 0;
}
