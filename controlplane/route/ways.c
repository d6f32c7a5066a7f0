/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/ways.h"

#include <stdlib.h>
#include <string.h>

#include "switch/outer.h"

enum {
	MTU_OF_SOCKETS = 1500,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_IP6 = 0x86dd
};

/*
 * One row of the neighbour table, from 1 on. Rows stay until the table is full; then those
 * that no link sends by, or soon will, go, so that addresses nobody proved cannot fill it for good.
 */
struct next_hop {
	uint32_t ifindex; /* 0: free */
	uint8_t ip[16];
	uint8_t source_mac[6];
	uint16_t vlan;
	bool ip4;
};

struct ways {
	struct sw_plane *plane;
	struct cp_netmap *map;
	struct route_port ports[ROUTE_PORTS_MAX];
	uint32_t port_count;
	struct next_hop hops[ROUTE_NEXT_HOPS_MAX];
	struct sw_neighbour rows[ROUTE_NEXT_HOPS_MAX + 1];
	uint32_t hop_count;
};

struct ways *ways_new(struct sw_plane *plane, struct cp_netmap *map, const struct route_port *ports,
		      uint32_t count)
{
	struct ways *ways = calloc(1, sizeof *ways);

	if (!ways || count > ROUTE_PORTS_MAX) {
		free(ways);
		return NULL;
	}
	ways->plane = plane;
	ways->map = map;
	memcpy(ways->ports, ports, count * sizeof *ports);
	ways->port_count = count;
	return ways;
}

void ways_free(struct ways *ways)
{
	if (!ways)
		return;
	for (uint32_t i = 0; i < ways->hop_count; i++)
		if (ways->hops[i].ifindex)
			cp_netmap_unuse(ways->map, ways->hops[i].ifindex, ways->hops[i].ip);
	sw_neighbours_retire(sw_rcu_swap(&ways->plane->neighbours, NULL));
	free(ways);
}

/* ---- which port ---- */

/* The address the kernel would send from. */
static enum vd_err kernel_source(const struct ways *ways, const struct vd_udp_addr *remote,
				 uint8_t ip_out[16])
{
	struct cp_way way;
	enum vd_err err = cp_netmap_way(ways->map, remote->ip, &way);

	if (err)
		return err;
	memcpy(ip_out, way.local ? remote->ip : way.source, 16);
	return vd_ip_is_any(ip_out) ? VD_ENOTFOUND : VD_OK;
}

static enum vd_err find_by_socket(const struct ways *ways, const struct route_port *port,
				  const struct vd_udp_addr *remote, struct vd_udp_addr *local_out)
{
	if (vd_udp_addr_is_ip4(&port->bind) != vd_udp_addr_is_ip4(remote))
		return VD_ENOTFOUND;
	*local_out = port->bind;
	return vd_ip_is_any(port->bind.ip) ? kernel_source(ways, remote, local_out->ip) : VD_OK;
}

static bool leaves_by(const struct cp_way *way, const struct route_port *port)
{
	return way->ifindex == port->ifindex || (way->vlan && way->parent == port->ifindex);
}

static enum vd_err find_by_interface(const struct ways *ways, const struct route_port *port,
				     const struct vd_udp_addr *remote,
				     struct vd_udp_addr *local_out)
{
	struct cp_way way;
	enum vd_err err = vd_ip_is_any(port->bind.ip)
			      ? cp_netmap_way(ways->map, remote->ip, &way)
			      : cp_netmap_way_from(ways->map, port->bind.ip, remote->ip, &way);

	if (err)
		return err;
	if (!leaves_by(&way, port) || way.local || vd_ip_is_any(way.source))
		return VD_ENOTFOUND;
	local_out->port = port->bind.port;
	memcpy(local_out->ip, vd_ip_is_any(port->bind.ip) ? way.source : port->bind.ip, 16);
	return VD_OK;
}

enum vd_err ways_find(struct ways *ways, const struct vd_udp_addr *remote,
		      struct sw_endpoint *endpoint_out)
{
	for (uint32_t i = 0; i < ways->port_count; i++) {
		const struct route_port *port = &ways->ports[i];
		struct vd_udp_addr local;
		enum vd_err err = port->socket ? find_by_socket(ways, port, remote, &local)
					       : find_by_interface(ways, port, remote, &local);

		if (err)
			continue;
		*endpoint_out =
		    (struct sw_endpoint){ .port = (uint8_t)i, .local = local, .remote = *remote };
		return VD_OK;
	}
	return VD_ENOTFOUND;
}

/* ---- neighbours ---- */

static void write_l2(const struct next_hop *hop, const uint8_t mac[6], struct sw_neighbour *row)
{
	uint16_t ethertype = hop->ip4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6;

	memcpy(row->l2, mac, 6);
	memcpy(row->l2 + 6, hop->source_mac, 6);
	if (hop->vlan) {
		vd_be16_store(row->l2 + 12, ETHERTYPE_VLAN);
		vd_be16_store(row->l2 + 14, hop->vlan);
		vd_be16_store(row->l2 + 16, ethertype);
		row->l2_len = 18;
	} else {
		vd_be16_store(row->l2 + 12, ethertype);
		row->l2_len = 14;
	}
}

/* Out of memory the old table stays; the next change publishes. */
ON_CONTROL static void publish(struct ways *ways)
{
	struct sw_neighbours *next = sw_neighbours_new(ways->rows, ways->hop_count + 1);

	if (next)
		sw_neighbours_retire(sw_rcu_swap(&ways->plane->neighbours, next));
}

/* True when the row changed. A next hop that does not answer now keeps its last address. */
static bool refresh_row(struct ways *ways, uint32_t at)
{
	const struct next_hop *hop = &ways->hops[at];
	struct sw_neighbour row = { 0 };
	uint8_t mac[6];

	if (!hop->ifindex || !cp_netmap_mac(ways->map, hop->ifindex, hop->ip, mac))
		return false;
	write_l2(hop, mac, &row);
	if (memcmp(&row, &ways->rows[at + 1], sizeof row) == 0)
		return false;
	ways->rows[at + 1] = row;
	return true;
}

void ways_refresh(struct ways *ways)
{
	bool changed = false;

	for (uint32_t i = 0; i < ways->hop_count; i++)
		changed |= refresh_row(ways, i);
	if (changed)
		publish(ways);
}

static bool has_template(const struct sw_inject *inject)
{
	return inject->kind == SW_INJECT_DATAGRAM || inject->kind == SW_INJECT_LINK_TEMPLATE;
}

/* Marks the rows of headers that workers have not taken. */
static void mark_waiting(const struct ways *ways, bool used[ROUTE_NEXT_HOPS_MAX + 1])
{
	for (unsigned i = 0; i < ways->plane->config.workers; i++) {
		const struct sw_lane *lane = &ways->plane->injects[i];

		for (uint32_t at = sw_lane_oldest(lane); at != sw_lane_mark(lane); at++) {
			const struct sw_inject *inject = sw_lane_behind(lane, at);

			if (has_template(inject) && inject->send.neighbour <= ROUTE_NEXT_HOPS_MAX)
				used[inject->send.neighbour] = true;
		}
	}
}

/* Marks the rows that live links send by. A single word each: its owner may write it now. */
static void mark_used(const struct ways *ways, bool used[ROUTE_NEXT_HOPS_MAX + 1])
{
	const struct sw_link_table *links = &ways->plane->links;
	uint32_t high = atomic_load_explicit(&links->high, memory_order_relaxed);

	for (uint32_t slot = 0; slot < high; slot++) {
		const struct sw_link *link = &links->links[slot];
		uint32_t row = __atomic_load_n(&link->send.neighbour, __ATOMIC_RELAXED);

		if (atomic_load_explicit(&link->index, memory_order_relaxed) &&
		    row <= ROUTE_NEXT_HOPS_MAX)
			used[row] = true;
	}
}

ON_CONTROL static void free_unused(struct ways *ways)
{
	bool used[ROUTE_NEXT_HOPS_MAX + 1] = { false };

	mark_waiting(ways, used); /* first: what is taken meanwhile is in a record then */
	mark_used(ways, used);
	for (uint32_t i = 0; i < ways->hop_count; i++) {
		struct next_hop *hop = &ways->hops[i];

		if (used[i + 1] || !hop->ifindex)
			continue;
		cp_netmap_unuse(ways->map, hop->ifindex, hop->ip);
		*hop = (struct next_hop){ 0 };
		ways->rows[i + 1] = (struct sw_neighbour){ 0 };
	}
	publish(ways); /* before a row is another's */
}

static bool find_free(struct ways *ways, uint32_t *at_out)
{
	for (uint32_t i = 0; i < ways->hop_count; i++) {
		if (!ways->hops[i].ifindex) {
			*at_out = i;
			return true;
		}
	}
	if (ways->hop_count == ROUTE_NEXT_HOPS_MAX)
		return false;
	*at_out = ways->hop_count++;
	return true;
}

static bool same_hop(const struct next_hop *a, const struct next_hop *b)
{
	return a->ifindex == b->ifindex && a->vlan == b->vlan && a->ip4 == b->ip4 &&
	       memcmp(a->ip, b->ip, sizeof a->ip) == 0 &&
	       memcmp(a->source_mac, b->source_mac, sizeof a->source_mac) == 0;
}

ON_CONTROL static enum vd_err row_of(struct ways *ways, const struct cp_way *way, bool ip4,
				     uint32_t *row_out)
{
	struct next_hop hop = { .ifindex = way->ifindex, .vlan = way->vlan, .ip4 = ip4 };
	uint32_t at;

	memcpy(hop.ip, way->next_hop, sizeof hop.ip);
	memcpy(hop.source_mac, way->source_mac, sizeof hop.source_mac);
	for (uint32_t i = 0; i < ways->hop_count; i++) {
		if (same_hop(&ways->hops[i], &hop)) {
			*row_out = i + 1;
			return VD_OK;
		}
	}
	if (cp_netmap_use(ways->map, hop.ifindex, hop.ip))
		return VD_ELIMIT;
	if (!find_free(ways, &at)) {
		free_unused(ways);
		if (!find_free(ways, &at)) {
			cp_netmap_unuse(ways->map, hop.ifindex, hop.ip);
			return VD_ELIMIT;
		}
	}
	ways->hops[at] = hop;
	*row_out = at + 1;
	if (refresh_row(ways, at))
		publish(ways);
	return VD_OK;
}

enum vd_err ways_template(struct ways *ways, const struct sw_endpoint *endpoint,
			  struct sw_template *template_out)
{
	const struct route_port *port = &ways->ports[endpoint->port];
	struct cp_way way;
	uint32_t row = 0, mtu;
	enum vd_err err;

	if (endpoint->port >= ways->port_count)
		return VD_EBUG_STATE;
	err = cp_netmap_way_from(ways->map, endpoint->local.ip, endpoint->remote.ip, &way);
	if (port->socket) {
		mtu = err || way.mtu == 0 ? MTU_OF_SOCKETS : way.mtu;
	} else {
		if (err)
			return err;
		if (!leaves_by(&way, port))
			return VD_ENOTFOUND;
		mtu = way.mtu && way.mtu < port->mtu ? way.mtu : port->mtu;
		err = row_of(ways, &way, vd_udp_addr_is_ip4(&endpoint->remote), &row);
		if (err)
			return err;
	}
	if (mtu > UINT16_MAX)
		mtu = UINT16_MAX;
	sw_template_build(template_out, endpoint->port, &endpoint->local, &endpoint->remote,
			  (uint16_t)mtu, row);
	return row && !ways->rows[row].l2_len ? VD_AGAIN : VD_OK;
}
