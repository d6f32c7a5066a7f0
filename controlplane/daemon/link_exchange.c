/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/link_exchange.h"

#include <stdio.h>

#include "base/log.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/link_tell.h"
#include "controlplane/host/listen_expand.h"
#include "controlplane/host/swarm.h"

static const vd_ns look_every = VD_SECONDS(30), next_address = VD_SECONDS(2);

/* ---- telling ---- */

struct message {
	size_t len;
	uint8_t bytes[LINK_ADDRESSES_BYTES];
};

/* link.listen, else what ports are bound to: as the ready line has it, wildcards expanded. */
ON_CONTROL static size_t listens(const struct node *node, struct vd_multiaddr *out)
{
	const struct config_addresses *list = &node->config.link.listen;
	struct vd_multiaddr bound[DP_PORTS_MAX];
	unsigned count = dp_port_count(node->dp);

	if (list->count)
		return listen_expand(list->at, list->count, out, LISTEN_EXPAND_MAX);
	for (unsigned i = 0; i < count && i < DP_PORTS_MAX; i++) {
		struct dp_port_view view;

		dp_port_view(node->dp, i, &view);
		vd_multiaddr_of_link(&view.bind, NULL, &bound[i]);
	}
	return listen_expand(bound, count < DP_PORTS_MAX ? count : DP_PORTS_MAX, out,
			     LISTEN_EXPAND_MAX);
}

/* Loopback is for peers on this machine: it comes last, and goes first where there is no room. */
ON_CONTROL static void own_addresses(const struct node *node, struct link_addresses *out)
{
	struct vd_multiaddr all[LISTEN_EXPAND_MAX];
	size_t count = listens(node, all);

	*out = (struct link_addresses){ 0 };
	for (unsigned loopback = 0; loopback < 2; loopback++)
		for (size_t i = 0; i < count; i++) {
			struct vd_udp_addr address;

			if ((ip_scope_of(&all[i]) == IP_LOOPBACK) == (loopback == 1) &&
			    !vd_multiaddr_to_link(&all[i], &address, NULL))
				link_addresses_add(out, &address);
		}
}

static void on_told(struct host_conn *conn, struct vd_bytes told)
{
	(void)swarm_say(conn, LINK_ADDRESSES_ID, told);
}

static void serve(struct host *host, const void *argument)
{
	const struct message *message = argument;

	(void)host_link_serve(host, vd_bytes(message->bytes, message->len), on_told);
}

/* A thread that is too far behind is told with the next change. */
ON_CONTROL static void tell(struct node *node, const struct link_addresses *own)
{
	struct message message = { 0 };
	struct vd_write w = vd_write_to(message.bytes, sizeof message.bytes);

	if (link_addresses_write(own, &node->identity.id, &w))
		return;
	message.len = vd_write_len(&w);
	node->link_exchange.own = *own;
	for (size_t i = 0; i < NODE_SWARMS; i++)
		if (node->libp2p.swarms[i])
			(void)swarm_each_host(node->libp2p.swarms[i], serve, &message,
					      sizeof message);
}

void node_tell_links(struct node *node, vd_ns now)
{
	struct link_addresses own;

	if (!node->link_exchange.book || now < node->link_exchange.next_look)
		return;
	node->link_exchange.next_look = now + look_every;
	own_addresses(node, &own);
	if (memcmp(&own, &node->link_exchange.own, sizeof own) != 0)
		tell(node, &own);
}

/* ---- being told ---- */

/* A link by told addresses that is not up is dialled by the new ones. */
ON_CONTROL static void redial(struct node *node, const struct vd_peer_id *peer,
			      const struct link_addresses *told)
{
	struct node_router *router = node_router_of(node, peer);

	if (!router || !router->told || router->up || router->held || !told->count)
		return;
	for (uint32_t i = 0; i < told->count; i++)
		if (vd_udp_addr_equal(&told->at[i], &router->address))
			return;
	(void)node_add_router(node, peer, &told->at[0]);
	node_dial_routers(node, vd_now());
	node_pump(node);
}

ON_CONTROL static void on_said(void *context, const struct swarm_conn *conn, const char *protocol,
			       struct vd_bytes bytes)
{
	struct node *node = context;
	const struct vd_peer_id *peer = &conn->info.peer;
	struct link_addresses told;

	(void)protocol; /* the only one */
	if (link_addresses_read(bytes, peer, ip_scope_of(&conn->info.remote), &told))
		return;
	link_book_set(node->link_exchange.book, peer, &told);
	redial(node, peer, &told);
}

/* ---- dialling ---- */

bool node_link_is_told(const struct node *node, const struct vd_peer_id *peer)
{
	return node->link_exchange.book && link_book_find(node->link_exchange.book, peer);
}

/* The connect's next address, while the ones before do not answer. */
ON_CONTROL static struct node_router *dial_next(struct node *node, struct node_connect *connect,
						vd_ns now)
{
	const struct link_addresses *told =
	    link_book_find(node->link_exchange.book, &connect->peer);
	struct node_router *router = NULL;

	connect->next_address = now + next_address;
	if (told)
		router = node_connect_try(node, connect,
					  &told->at[connect->addresses_tried++ % told->count]);
	if (!router)
		return NULL;
	node_dial_routers(node, now);
	return router;
}

bool node_link_by_told(struct node *node, struct node_connect *connect, vd_ns now)
{
	struct node_router *router = dial_next(node, connect, now);

	if (!router)
		return false;
	connect->linked = router->told = true;
	return true;
}

void node_link_by_next(struct node *node, struct node_connect *connect, vd_ns now)
{
	const struct node_router *router = node_router_of(node, &connect->peer);

	if (connect->linked && connect->tries && router && router->trial && !router->up &&
	    !router->held && now >= connect->next_address)
		(void)dial_next(node, connect, now);
}

static uint32_t place_of(const struct link_addresses *told, const struct vd_udp_addr *address)
{
	uint32_t i = 0;

	while (i < told->count && !vd_udp_addr_equal(&told->at[i], address))
		i++;
	return i;
}

void node_link_told_silent(struct node *node, struct node_router *router)
{
	const struct link_addresses *told = link_book_find(node->link_exchange.book, &router->peer);
	uint32_t at;

	if (!told || router->up || router->trial)
		return;
	at = place_of(told, &router->address);
	for (uint32_t i = 1; i <= told->count; i++)
		if (node_dial_router_at(node, router, &told->at[(at + i) % told->count]))
			return;
}

/* ---- life ---- */

enum vd_err node_open_link_exchange(struct node *node, char why[NODE_WHY])
{
	const struct swarm_events events = { .said = on_said, .context = node };
	bool any = false;

	for (size_t i = 0; i < NODE_SWARMS; i++) {
		enum vd_err err =
		    node->libp2p.swarms[i] ? swarm_watch(node->libp2p.swarms[i], &events) : VD_OK;

		if (err)
			return err;
		any |= node->libp2p.swarms[i] != NULL;
	}
	if (!any || dp_port_count(node->dp) == 0)
		return VD_OK; /* nobody to tell, or no links */
	if (link_book_new(LINK_BOOK_PEERS, &node->link_exchange.book)) {
		snprintf(why, NODE_WHY, "out of memory for link addresses");
		return VD_ENOMEM;
	}
	own_addresses(node, &node->link_exchange.own);
	tell(node, &node->link_exchange.own);
	node->link_exchange.next_look = vd_now() + look_every;
	return VD_OK;
}

void node_close_link_exchange(struct node *node)
{
	link_book_free(node->link_exchange.book);
	node->link_exchange.book = NULL;
}

/* ---- metrics ---- */

void node_link_exchange_metrics(const struct node *node, struct metrics *m)
{
	const struct link_book_counters *c;

	if (!node->link_exchange.book)
		return;
	c = link_book_counters(node->link_exchange.book);
	metrics_gauge(m, "viaduct_link_addresses_peers",
		      "peers whose link addresses are known by /viaduct/link/1");
	metrics_u64(m, link_book_count(node->link_exchange.book));
	metrics_counter(m, "viaduct_link_addresses_told", "messages of /viaduct/link/1 from peers");
	metrics_u64(m, c->told);
	metrics_counter(m, "viaduct_link_addresses_turned_away",
			"what was not kept of them, by why");
	metrics_u64(m, c->refused, "why", "address_refused");
	metrics_u64(m, c->displaced, "why", "peer_displaced");
}
