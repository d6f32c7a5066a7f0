/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* When a router that drains says so, and to which peers; what it would call is here
 * (switch/SPEC.md, 12.6). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>

#include "controlplane/daemon/drain.h"
#include "controlplane/daemon/link_events.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_paths.h"
#include "controlplane/daemon/status.h"

enum { LINKS = 2, BY = 7 };

static struct node node;
static struct route_link links[LINKS]; /* those of a router, with its edges */
static struct route_link by = { .number = BY };
static unsigned sent, ended, left;
static bool sessions_leave, is_edge;
static uint64_t switched;

static void setup(void)
{
	for (unsigned i = 0; i < LINKS; i++)
		links[i] = (struct route_link){ .up = true,
						.may_be_called = 1,
						.peer = { .len = 1, .bytes = { (uint8_t)i } } };
}

TestSuite(drain, .init = setup);

/* ---- in place of what drain calls ---- */

bool peering_each(const struct peering *peering, size_t *at, struct peering_view *view_out)
{
	(void)peering;
	if (*at == LINKS)
		return false;
	*view_out =
	    (struct peering_view){ .up = true, .peer = { .len = 1, .bytes = { (uint8_t)*at } } };
	++*at;
	return true;
}

void node_send_control(struct node *n, const struct vd_peer_id *peer, const struct control_msg *msg,
		       vd_ns now)
{
	(void)n, (void)peer, (void)now;
	cr_assert(eq(int, msg->kind, CONTROL_DRAINING));
	ended += msg->draining.ended;
	left += msg->draining.left;
	sent++;
}

struct node_router *node_router_of(struct node *n, const struct vd_peer_id *peer)
{
	(void)peer;
	return is_edge ? &n->routers.rows[0] : NULL;
}

uint64_t node_switched(const struct node *n)
{
	(void)n;
	return switched;
}

const struct route_link *route_links_next(const struct route_links *all, uint32_t *at)
{
	(void)all;
	return *at < LINKS ? &links[(*at)++] : NULL;
}

bool route_links_left(struct route_links *all, const struct vd_peer_id *peer)
{
	(void)all;
	bool news = !links[peer->bytes[0]].left;

	links[peer->bytes[0]].left = true;
	return news;
}

bool node_leaves(const struct node *n, uint64_t link)
{
	(void)n;
	cr_assert(eq(u64, link, BY));
	return sessions_leave;
}

void peering_set_draining(struct peering *peering, bool draining)
{
	(void)peering, (void)draining;
}

void route_links_set_draining(struct route_links *all, bool draining)
{
	(void)all, (void)draining;
}

const struct route_link *route_links_find(const struct route_links *all,
					  const struct vd_peer_id *peer)
{
	(void)all, (void)peer;
	return is_edge ? &by : NULL;
}

void node_pump_events(struct node *n, vd_ns now)
{
	(void)n, (void)now;
}

void node_pump(struct node *n)
{
	(void)n;
}

void node_leave_link(struct node *n, uint64_t link, vd_ns now)
{
	(void)n, (void)link, (void)now;
}

void seek_router_down(struct seek *seek, uint32_t number)
{
	(void)seek, (void)number;
}

enum vd_err seek_router_up(struct seek *seek, uint32_t number, vd_ns now)
{
	(void)seek, (void)number, (void)now;
	return VD_OK;
}

void node_stay(struct node *n, uint64_t link)
{
	(void)n, (void)link;
}

void cp_loop_stop(struct cp_loop *loop)
{
	(void)loop;
}

void api_reply_ok(struct api_reply *reply, json_t *data)
{
	(void)reply;
	json_decref(data);
}

void api_reply_error(struct api_reply *reply, const char *text)
{
	(void)reply;
	cr_fail("%s", text);
}

/* ---- */

/* When it was told to drain. */
static vd_ns drain(const char *word)
{
	json_t *args = json_array();

	if (word)
		json_array_append_new(args, json_string(word));
	node_action_drain(&node, args, NULL);
	json_decref(args);
	return node.draining.quiet_since;
}

Test(drain, every_link_is_told_at_once_and_after_half_1_5_3_5_and_7_5_s)
{
	static const unsigned at_ms[] = { 500, 1500, 3500, 7500 };
	vd_ns began = drain(NULL);
	unsigned repeats = 0;

	cr_assert(eq(uint, sent, LINKS));
	for (unsigned ms = 0; ms < 20000; ms += 10) {
		unsigned before = sent;

		node_pump_drain(&node, began + VD_MS(ms));
		if (sent == before)
			continue;
		cr_assert(lt(uint, repeats, 4));
		cr_assert(eq(uint, ms, at_ms[repeats++]));
		cr_assert(eq(uint, sent, before + LINKS));
	}
	cr_assert(eq(uint, repeats, 4));
	cr_assert(eq(uint, ended, 0));
}

Test(drain, a_link_that_comes_up_is_told)
{
	vd_ns began = drain(NULL);

	sent = 0;
	node_drain_link_up(&node, &(struct vd_peer_id){ .len = 1 }, began + VD_SECONDS(9));
	cr_assert(eq(uint, sent, 1));
}

Test(drain, nobody_is_told_while_it_does_not_drain)
{
	node_drain_link_up(&node, &(struct vd_peer_id){ .len = 1 }, VD_SECONDS(9));
	cr_assert(eq(uint, sent, 0));
}

Test(drain, its_end_is_told_too)
{
	(void)drain(NULL);
	(void)drain("cancel");
	cr_assert(eq(uint, ended, LINKS));
}

/* ---- a router that stops ---- */

static const struct control_msg has_left = { .kind = CONTROL_DRAINING, .draining.left = true };

static vd_ns stop(void)
{
	node_drain_and_stop(&node);
	return node.draining.quiet_since;
}

static void leaves(unsigned who, vd_ns now)
{
	node_on_draining(&node, &links[who].peer, &has_left, now);
}

/* Until `until`, 10 ms at a time: whether it stops before. */
static bool stops(vd_ns from, vd_ns until)
{
	for (vd_ns now = from; now < until && !node.stopping; now += VD_MS(10))
		node_pump_drain(&node, now);
	return node.stopping;
}

Test(drain, a_stop_waits_for_all_who_reserved_though_all_is_quiet)
{
	vd_ns began = stop();

	leaves(0, began + VD_MS(20));
	cr_assert(not(stops(began, began + VD_MS(2000))));
	leaves(1, began + VD_MS(2000));
	cr_assert(not(stops(began + VD_MS(2000), began + VD_MS(2490))), "what it sent comes first");
	cr_assert(stops(began + VD_MS(2490), began + VD_MS(2520)));
}

Test(drain, a_stop_waits_while_frames_are_switched)
{
	vd_ns began = stop();

	leaves(0, began);
	leaves(1, began);
	for (unsigned ms = 0; ms < 1500; ms += 100) {
		switched++;
		cr_assert(not(stops(began + VD_MS(ms), began + VD_MS(ms + 100))));
	}
	cr_assert(stops(began + VD_MS(1500), began + VD_MS(2100)));
}

Test(drain, a_stop_does_not_wait_for_who_has_no_reservation_or_is_our_router)
{
	vd_ns began = stop();

	links[0].may_be_called = 0;
	links[1].up = false;
	cr_assert(stops(began, began + VD_MS(520)));
}

Test(drain, a_stop_waits_two_and_a_half_seconds_at_most)
{
	vd_ns began = stop();

	cr_assert(not(stops(began, began + VD_MS(2490))), "nobody has left");
	cr_assert(stops(began + VD_MS(2490), began + VD_MS(2600)));
}

/* ---- an edge ---- */

static void is_told(bool over)
{
	const struct control_msg msg = { .kind = CONTROL_DRAINING, .draining.ended = over };

	is_edge = true;
	node.routers.rows[0].up = true;
	node.routers.count = 1;
	node_on_draining(&node, &node.routers.rows[0].peer, &msg, VD_SECONDS(1));
}

Test(drain, an_edge_with_nothing_to_move_says_at_once_that_it_left)
{
	is_told(false);
	cr_assert(eq(uint, left, 1));
	is_told(false);
	cr_assert(eq(uint, left, 2), "and again, for the first may be lost");
	is_told(true);
	cr_assert(eq(uint, left, 2));
}

Test(drain, an_edge_says_that_it_left_when_its_last_session_moved)
{
	sessions_leave = true;
	is_told(false);
	is_told(false);
	node_drain_moved(&node, BY, VD_SECONDS(2));
	cr_assert(eq(uint, left, 0));
	sessions_leave = false;
	node_drain_moved(&node, BY + 1, VD_SECONDS(2));
	cr_assert(eq(uint, left, 0), "it did not go by this one");
	node_drain_moved(&node, BY, VD_SECONDS(2));
	cr_assert(eq(uint, left, 1));
	is_told(true);
	node_drain_moved(&node, BY, VD_SECONDS(3));
	cr_assert(eq(uint, left, 1));
}
