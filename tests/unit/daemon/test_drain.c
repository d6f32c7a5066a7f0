/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* When a router that drains says so, and to whom; what it would call is here
 * (switch/SPEC.md, 12.6). */
#include "controlplane/daemon/drain.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>

#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/node.h"

enum { LINKS = 2 };

static struct node node;
static unsigned sent, ended;

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

enum vd_err peering_send_control(struct peering *peering, const struct vd_peer_id *peer,
				 struct vd_bytes message, vd_ns now)
{
	struct control_msg msg;

	(void)peering, (void)peer, (void)now;
	cr_assert(eq(int, control_msg_decode(message, &msg), VD_OK));
	cr_assert(eq(int, msg.kind, CONTROL_DRAINING));
	ended += msg.draining.ended;
	sent++;
	return VD_OK;
}

struct node_router *node_router_of(struct node *n, const struct vd_peer_id *peer)
{
	(void)n, (void)peer;
	return NULL;
}

uint64_t node_switched(const struct node *n)
{
	(void)n;
	return 0;
}

void peering_set_draining(struct peering *peering, bool draining)
{
	(void)peering, (void)draining;
}

void route_links_set_draining(struct route_links *links, bool draining)
{
	(void)links, (void)draining;
}

const struct route_link *route_links_find(const struct route_links *links,
					  const struct vd_peer_id *peer)
{
	(void)links, (void)peer;
	return NULL;
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
	node_drain(&node, args, NULL);
	json_decref(args);
	return node.drain.quiet_since;
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
