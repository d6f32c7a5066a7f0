/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Peers that had reserved, dialled after a restart (switch/SPEC.md, 4.6), with all else faked. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/permits.h"
#include "controlplane/daemon/resume.h"
#include "controlplane/daemon/routers.h"

enum { PEERS = 4, NO_WAY = 3 };

static struct node node;
static struct node_resume_peer known[PEERS];
static unsigned dials[PEERS], refused;
static bool linked[PEERS], no_way;

static struct route_link link_up = { .current = 1, .endpoint = { .remote = { .port = 77 } } };
static uint16_t stored_port; /* 0: none */
static unsigned puts_made;

/* ---- in place of what resume calls ---- */

const struct route_link *route_links_find(const struct route_links *links,
					  const struct vd_peer_id *id)
{
	(void)links;
	return linked[id->bytes[0]] ? &link_up : NULL;
}

enum vd_err ways_find(struct ways *ways, const struct vd_udp_addr *remote,
		      struct sw_endpoint *endpoint_out)
{
	(void)ways;
	*endpoint_out = (struct sw_endpoint){ .remote = *remote };
	return no_way && remote->port == NO_WAY ? VD_ENOTFOUND : VD_OK;
}

struct peering_path node_path_of_endpoint(const struct sw_endpoint *endpoint)
{
	return (struct peering_path){ .bytes = { (uint8_t)endpoint->remote.port } };
}

enum vd_err peering_dial(struct peering *p, const struct vd_peer_id *peer,
			 const struct peering_path *path, vd_ns now)
{
	(void)p;
	(void)now;
	if (refused) {
		refused--;
		return VD_AGAIN;
	}
	cr_assert(eq(u8, path->bytes[0], peer->bytes[0]), "at its own address");
	dials[peer->bytes[0]]++;
	return VD_OK;
}

void route_store_put(struct route_store *store, const struct vd_peer_id *peer,
		     const struct vd_udp_addr *address)
{
	(void)store;
	(void)peer;
	stored_port = address ? address->port : 0;
	puts_made++;
}

struct node_router *node_router_of(struct node *of, const struct vd_peer_id *peer)
{
	(void)of;
	(void)peer;
	return NULL;
}

struct route_policy node_policy_of(const struct node *of, const struct tier_claim *claim)
{
	(void)of;
	(void)claim;
	return (struct route_policy){ 0 };
}

enum vd_err route_store_open(struct cp_loop *loop, const char *path, struct route_store **store_out,
			     char why[ROUTE_STORE_WHY])
{
	(void)loop;
	(void)path;
	(void)store_out;
	(void)why;
	return VD_ESYS;
}

enum vd_err route_store_each(struct route_store *store, route_known_fn peer_known, void *context)
{
	(void)store;
	(void)peer_known;
	(void)context;
	return VD_OK;
}

void route_store_close(struct route_store *store)
{
	(void)store;
}

enum vd_err accounts_open(struct cp_loop *loop, struct route_store *store,
			  struct accounts **accounts_out)
{
	(void)loop;
	(void)store;
	(void)accounts_out;
	return VD_OK;
}

void accounts_close(struct accounts *accounts, struct route_links *links)
{
	(void)accounts;
	(void)links;
}

/* ---- dialling ---- */

static void setup(void)
{
	node.resume =
	    (struct node_resume){ .known = known, .count = PEERS, .began = VD_SECONDS(100) };
	for (unsigned i = 0; i < PEERS; i++)
		known[i] = (struct node_resume_peer){ .peer = { .len = 1, .bytes = { (uint8_t)i } },
						      .address = { .port = (uint16_t)i } };
}

TestSuite(resume, .init = setup);

/* At `ms` after the start. */
static unsigned dialled_by(unsigned ms)
{
	unsigned sum = 0;

	node_resume(&node, VD_SECONDS(100) + VD_MS(ms));
	for (unsigned i = 0; i < PEERS; i++)
		sum += dials[i];
	return sum;
}

Test(resume, each_is_dialled_once_spread_over_two_seconds)
{
	cr_assert(eq(uint, dialled_by(0), 1));
	cr_assert(eq(uint, dialled_by(499), 1));
	cr_assert(eq(u64, node_resume_deadline(&node), VD_SECONDS(100) + VD_MS(500)));
	cr_assert(eq(uint, dialled_by(500), 2));
	cr_assert(eq(uint, dialled_by(1000), 3));
	cr_assert(eq(uint, dialled_by(1499), 3));
	cr_assert(eq(uint, dialled_by(1500), 4));
	cr_assert(eq(uint, dialled_by(60000), 4));
	for (unsigned i = 0; i < PEERS; i++)
		cr_assert(eq(uint, dials[i], 1));
	cr_assert(eq(u64, node_resume_deadline(&node), VD_NEVER));
}

Test(resume, who_was_faster_is_not_dialled)
{
	linked[1] = true;
	cr_assert(eq(uint, dialled_by(2000), 3));
	cr_assert(zero(uint, dials[1]));
}

Test(resume, where_there_is_no_way_yet_it_is_tried_again)
{
	no_way = true;
	cr_assert(eq(uint, dialled_by(2000), 3));
	no_way = false;
	cr_assert(eq(uint, dialled_by(2999), 3));
	cr_assert(eq(uint, dialled_by(3000), 4));
	cr_assert(eq(uint, dials[NO_WAY], 1));
	cr_assert(eq(u64, node_resume_deadline(&node), VD_NEVER));
}

Test(resume, where_there_never_is_a_way_it_gives_up)
{
	no_way = true;
	for (unsigned ms = 0; ms < 60000; ms += 100)
		(void)dialled_by(ms);
	cr_assert(zero(uint, dials[NO_WAY]));
	cr_assert(eq(u64, node_resume_deadline(&node), VD_NEVER));
}

Test(resume, while_the_machine_is_full_none_is_lost)
{
	refused = 1;
	cr_assert(zero(uint, dialled_by(2000)));
	cr_assert(eq(uint, dialled_by(2000), 4));
}

/* ---- remembering ---- */

Test(resume, only_who_may_be_called_is_remembered_where_its_link_goes)
{
	static uint8_t file;
	const struct vd_peer_id peer = { .len = 1, .bytes = { 1 } };

	node.store = (struct route_store *)&file;
	node_remember(&node, &peer);
	cr_assert(zero(uint, puts_made), "no link");
	linked[1] = true;
	node_remember(&node, &peer);
	cr_assert(zero(uint, puts_made), "no reservation");
	link_up.may_be_called = 1;
	node_remember(&node, &peer);
	cr_assert(eq(u16, stored_port, 77));
	node_forget(&node, &peer);
	cr_assert(all(zero(u16, stored_port), eq(uint, puts_made, 2)));
}

Test(resume, a_node_that_stops_dials_nobody)
{
	node.stopping = true;
	cr_assert(zero(uint, dialled_by(2000)));
	cr_assert(eq(u64, node_resume_deadline(&node), VD_NEVER));
}
