/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What `viaduct peers --known` tells: how long ago, and where an answer does not take all. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/init.h"
#include "controlplane/daemon/dials.h"
#include "controlplane/host/peer_store.h"
#include "tests/unit/daemon/told.h"

enum { TOLD = 10000, ROOM = TOLD + 10 };

static struct node node;
static vd_ns now;

/* ---- in place of what it calls ---- */

json_t *node_rtt_json(vd_ns rtt)
{
	(void)rtt;
	return json_null();
}

enum vd_err node_open_dialer(struct node *n, size_t network, char why[NODE_WHY])
{
	(void)n, (void)network, (void)why;
	return VD_OK;
}

/* ---- a book of peers ---- */

static void setup(void)
{
	char why[PEER_STORE_WHY] = "";

	cr_assert(eq(int, (int)vd_init(), VD_OK));
	cr_assert(eq(int, (int)cp_loop_new(&node.loop), VD_OK));
	cr_assert(eq(int,
		     (int)peer_store_open(node.loop, NULL, vd_bytes(NULL, 0), ROOM,
					  &node.libp2p.known[0].store, why),
		     VD_OK),
		  "%s", why);
	now = vd_unix_ms() * VD_NS_PER_MS;
}

static void teardown(void)
{
	json_decref(answer);
	peer_store_close(node.libp2p.known[0].store);
	cp_loop_free(node.loop);
}

TestSuite(known, .init = setup, .fini = teardown, .timeout = 60);

static void hear_of(uint32_t number, vd_ns at)
{
	static const uint8_t address[] = { 4, 198, 18, 0, 1, 6, 0x0f, 0xa1 }; /* /ip4/…/tcp/4001 */
	struct vd_peer_id id = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };

	vd_be32_store(id.bytes + 6, number);
	cr_assert(eq(int,
		     (int)peer_book_add(peer_store_book(node.libp2p.known[0].store), &id,
					vd_bytes(address, sizeof address), PEER_TOLD,
					VD_SECONDS(7200), at),
		     VD_OK));
}

static json_int_t heard_s(size_t row)
{
	return json_integer_value(
	    json_object_get(json_array_get(json_object_get(answer, "known"), row), "heard_s"));
}

Test(known, an_answer_tells_how_many_it_left_out)
{
	for (uint32_t i = 0; i < TOLD + 3; i++)
		hear_of(i, now);
	node_action_known(&node, NULL, NULL);
	cr_assert(eq(sz, json_array_size(json_object_get(answer, "known")), TOLD));
	cr_assert(eq(i64, json_integer_value(json_object_get(answer, "left_out")), 3));
}

Test(known, who_was_heard_of_before_the_clock_went_back_was_heard_of_just_now)
{
	hear_of(1, now - VD_SECONDS(3600));
	hear_of(2, now + VD_SECONDS(3600));
	node_action_known(&node, NULL, NULL);
	cr_assert(zero(i64, json_integer_value(json_object_get(answer, "left_out"))));
	cr_assert(zero(i64, heard_s(0)), "the latest comes first");
	cr_assert(ge(i64, heard_s(1), 3600));
}
