/* Targets: controlplane/route/links.c, reservations.c, sessions.c, key_map.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <poll.h>
#include <sched.h>
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/route/sessions.h"

/*
 * A list of steps, three bytes each: what happens, to which of six peers, and more. As the
 * machines do, only indices that were installed are used and retired, in any order; a few are not.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 6, INDICES = 8 };

struct rig {
	struct sw_plane plane;
	struct route_links *links;
	struct route_sessions *sessions;
	uint32_t link_index[INDICES], session_index[INDICES]; /* 0: free */
	vd_ns now;
};

static const uint8_t key[32];

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* In place of libc's: liburcu's thread, the only caller, else rests for 10 ms after each batch. */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds;
	(void)timeout_ms;
	expect(count == 0);
	return sched_yield();
}

static struct vd_peer_id peer_of(unsigned which)
{
	return (struct vd_peer_id){ .len = 3, .bytes = { 0, 1, (uint8_t)(which % PEERS) } };
}

ON_CONTROL static void link_install(struct rig *rig, unsigned which, unsigned more)
{
	struct route_install install = {
		.peer = peer_of(which),
		.policy = { .tier = "t",
			    .realms = more,
			    .call = more & 1,
			    .reserve = more & 2,
			    .pps = more },
		.remote_index = more + 1,
		.rx_key = key,
		.tx_key = key,
	};
	uint32_t *slot = &rig->link_index[more % INDICES];

	if (*slot || sw_link_reserve(&rig->plane.links, &install.index))
		return;
	if (route_links_install(rig->links, &install, rig->now))
		route_links_retire(rig->links, install.index, rig->now);
	else
		*slot = install.index;
}

ON_CONTROL static void session_install(struct rig *rig, unsigned which, unsigned more)
{
	struct route_session_install install = {
		.peer = peer_of(which),
		.cipher = VD_CHACHA20_POLY1305,
		.remote_index = more + 1,
		.rx_key = key,
		.tx_key = key,
		.ip6 = { 16 },
	};
	uint32_t *slot = &rig->session_index[more % INDICES];

	if (*slot || sw_session_reserve(&rig->plane.sessions, &install.index))
		return;
	if (route_sessions_install(rig->sessions, &install))
		route_sessions_retire(rig->sessions, install.index);
	else
		*slot = install.index;
}

ON_CONTROL static void forget_gone(struct rig *rig)
{
	for (unsigned i = 0; i < INDICES; i++) {
		if (rig->link_index[i] && !route_links_of_index(rig->links, rig->link_index[i]))
			rig->link_index[i] = 0;
		if (rig->session_index[i] &&
		    !route_sessions_of_index(rig->sessions, rig->session_index[i]))
			rig->session_index[i] = 0;
	}
}

ON_CONTROL static void control(struct rig *rig, unsigned which, unsigned more, bool query)
{
	struct vd_peer_id peer = peer_of(which), other = peer_of(more);
	struct control_msg msg = { .kind = query ? CONTROL_QUERY : CONTROL_RESERVE }, answer;

	if (!route_links_find(rig->links, &peer))
		return;
	if (query) {
		msg.query.id = more;
		msg.query.by_overlay = more & 1;
		msg.query.malformed = more & 0x80;
		msg.query.peer = other;
		route_links_query(rig->links, &peer, &msg, rig->now, &answer);
		expect(answer.kind == CONTROL_ROUTE && answer.route.id == more);
	} else {
		msg.reserve.id = more;
		msg.reserve.ttl_s = more * 100;
		msg.reserve.realms = which;
		route_links_reserve(rig->links, &peer, &msg, rig->now, &answer);
		expect(answer.kind == CONTROL_RESERVED && answer.reserved.id == more);
		expect(answer.reserved.ttl_s <= ROUTE_TTL_MAX_S);
	}
}

ON_CONTROL static void on_link(struct rig *rig, unsigned what, unsigned which, unsigned more)
{
	struct vd_peer_id peer = peer_of(which);
	uint32_t index = rig->link_index[more % INDICES];
	struct sw_endpoint endpoint = { .port = (uint8_t)more };

	switch (what) {
	case 0: link_install(rig, which, more); break;
	case 1: (void)route_links_use(rig->links, index); break;
	case 2: route_links_retire(rig->links, index, rig->now); break;
	case 3: route_links_drop(rig->links, &peer, rig->now); break;
	case 4: route_links_up(rig->links, &peer); break;
	case 5: (void)route_links_move(rig->links, &peer, &endpoint); break;
	case 6: control(rig, which, more, false); break;
	default: control(rig, which, more, true); break;
	}
}

ON_CONTROL static void on_session(struct rig *rig, unsigned what, unsigned which, unsigned more)
{
	struct vd_peer_id peer = peer_of(which);
	uint32_t index = rig->session_index[more % INDICES];

	switch (what) {
	case 0: session_install(rig, which, more); break;
	case 1: (void)route_sessions_use(rig->sessions, index, rig->now); break;
	case 2: route_sessions_retire(rig->sessions, index); break;
	case 3: route_sessions_drop(rig->sessions, &peer); break;
	case 4: (void)route_sessions_add(rig->sessions, &peer, more & 1); break;
	case 5: route_sessions_del(rig->sessions, &peer); break;
	case 6: (void)route_sessions_reap(rig->sessions); break;
	default: (void)route_sessions_publish(rig->sessions); break;
	}
}

static void count(void *context, uint32_t index, bool received, bool sent)
{
	(void)context;
	(void)index;
	(void)received;
	(void)sent;
}

ON_CONTROL static void check(struct rig *rig)
{
	const struct route_session *session;
	const struct route_link *link;
	uint32_t at = 0, links = 0;

	while ((link = route_links_next(rig->links, &at))) {
		expect(route_links_find(rig->links, &link->peer) == link);
		expect(route_links_of_number(rig->links, link->number) == link);
		expect(!link->current || route_links_of_index(rig->links, link->current) == link);
		links++;
	}
	expect(links == route_links_count(rig->links));
	at = 0;
	while ((session = route_sessions_next(rig->sessions, &at))) {
		expect(route_sessions_find(rig->sessions, &session->peer) == session);
		expect(!session->current ||
		       route_sessions_of_index(rig->sessions, session->current) == session);
	}
}

ON_CONTROL static void step(struct rig *rig, unsigned what, unsigned which, unsigned more)
{
	if (what % 18 < 8)
		on_link(rig, what % 18, which, more);
	else if (what % 18 < 16)
		on_session(rig, what % 18 - 8, which, more);
	else
		rig->now += VD_SECONDS(which * more / 16);
	forget_gone(rig);
	if (what % 18 < 16)
		return;
	expect(route_links_poll(rig->links, rig->now, count, NULL) > rig->now);
	route_sessions_poll(rig->sessions, count, NULL, rig->now);
	while (route_sessions_lost(rig->sessions, &(uint32_t){ 0 }, rig->now))
		;
	rcu_quiescent_state();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t self[16] = { 0xfd, 0x76, 9 };
	const struct sw_plane_config config = {
		.workers = 1, .width = 8, .links_max = 16, .sessions_max = 16
	};
	struct rig rig = { .now = VD_SECONDS(1000) };

	if (vd_init())
		return 0;
	vd_role_control();
	rcu_register_thread();
	expect(sw_plane_init(&rig.plane, &config) == VD_OK);
	rig.links = route_links_new(&rig.plane, PEERS - 1, 0xfd76);
	rig.sessions = route_sessions_new(&rig.plane, PEERS - 1, 0xfd76, self);
	expect(rig.links && rig.sessions);
	for (size_t at = 0; at + 3 <= size && at < 600; at += 3) {
		step(&rig, data[at], data[at + 1], data[at + 2]);
		check(&rig);
	}
	route_sessions_free(rig.sessions);
	route_links_free(rig.links);
	rcu_unregister_thread();
	sw_plane_fini(&rig.plane);
	return 0;
}
