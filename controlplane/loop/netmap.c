/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/udp_addr.h"
#include "controlplane/loop/netmap_table.h"

#define ASK_UNKNOWN VD_SECONDS(1)  /* between two questions for one without an address */
#define ASK_STALE   VD_SECONDS(30) /* to confirm one */

struct link {
	struct cp_net_link link;
	uint32_t sync;
};

struct addr {
	struct cp_net_addr addr;
	uint32_t sync;
};

struct neighbour {
	struct cp_net_neighbour n;
	bool has_mac;  /* n.mac is the last one known */
	bool present;  /* in the kernel */
	uint32_t uses; /* row kept while > 0 */
	uint32_t sync;
	vd_ns ask_at;
};

struct cp_netmap {
	struct net_array links;      /* struct link */
	struct net_array addrs;      /* struct addr */
	struct net_array neighbours; /* struct neighbour */
	struct net_routes routes;
	uint64_t version;
	uint32_t sync; /* number of the current synchronisation */
};

enum vd_err cp_netmap_new(struct cp_netmap **map_out)
{
	struct cp_netmap *map = (struct cp_netmap *)calloc(1, sizeof *map);

	if (!map)
		return VD_ENOMEM;
	net_array_init(&map->links, sizeof(struct link), CP_NETMAP_LINKS_MAX);
	net_array_init(&map->addrs, sizeof(struct addr), CP_NETMAP_ADDRS_MAX);
	net_array_init(&map->neighbours, sizeof(struct neighbour), CP_NETMAP_NEIGHBOURS_MAX);
	map->version = 1;
	*map_out = map;
	return VD_OK;
}

void cp_netmap_free(struct cp_netmap *map)
{
	if (!map)
		return;
	net_array_fini(&map->links);
	net_array_fini(&map->addrs);
	net_array_fini(&map->neighbours);
	net_routes_fini(&map->routes);
	free(map);
}

uint64_t cp_netmap_version(const struct cp_netmap *map)
{
	return map->version;
}

static struct link *link_at(const struct cp_netmap *map, uint32_t i)
{
	return (struct link *)net_array_at(&map->links, i);
}

static struct addr *addr_at(const struct cp_netmap *map, uint32_t i)
{
	return (struct addr *)net_array_at(&map->addrs, i);
}

static struct neighbour *neighbour_at(const struct cp_netmap *map, uint32_t i)
{
	return (struct neighbour *)net_array_at(&map->neighbours, i);
}

/* ---- links ---- */

static struct link *find_link(const struct cp_netmap *map, uint32_t ifindex)
{
	for (uint32_t i = 0; i < map->links.count; i++)
		if (link_at(map, i)->link.ifindex == ifindex)
			return link_at(map, i);
	return NULL;
}

const struct cp_net_link *cp_netmap_link(const struct cp_netmap *map, uint32_t ifindex)
{
	const struct link *l = find_link(map, ifindex);

	return l ? &l->link : NULL;
}

const struct cp_net_link *cp_netmap_link_by_name(const struct cp_netmap *map, const char *name)
{
	for (uint32_t i = 0; i < map->links.count; i++)
		if (strcmp(link_at(map, i)->link.name, name) == 0)
			return &link_at(map, i)->link;
	return NULL;
}

static bool links_equal(const struct cp_net_link *a, const struct cp_net_link *b)
{
	return a->ifindex == b->ifindex && a->parent == b->parent && a->vlan == b->vlan &&
	       a->up == b->up && a->ethernet == b->ethernet && a->mtu == b->mtu &&
	       memcmp(a->mac, b->mac, 6) == 0 && strcmp(a->name, b->name) == 0;
}

enum vd_err cp_netmap_set_link(struct cp_netmap *map, const struct cp_net_link *link)
{
	struct link *l = find_link(map, link->ifindex);
	enum vd_err err = l ? VD_OK : net_array_add(&map->links, (void **)&l);

	if (err)
		return err;
	l->sync = map->sync;
	if (links_equal(&l->link, link))
		return VD_OK;
	l->link = *link;
	map->version++;
	return VD_OK;
}

/* The kernel has no such neighbour now. Its row stays while it is used, to be asked for. */
static void drop_neighbour(struct cp_netmap *map, uint32_t i)
{
	struct neighbour *n = neighbour_at(map, i);

	if (!n->uses) {
		map->version += n->has_mac;
		net_array_del(&map->neighbours, i);
		return;
	}
	if (n->present)
		n->ask_at = 0;
	n->present = false;
	n->n.state = CP_NEIGHBOUR_UNKNOWN;
}

static void forget_neighbours_on(struct cp_netmap *map, uint32_t ifindex)
{
	for (uint32_t i = map->neighbours.count; i-- > 0;) {
		struct neighbour *n = neighbour_at(map, i);

		if (n->n.ifindex != ifindex)
			continue;
		n->has_mac = false;
		drop_neighbour(map, i);
	}
}

static bool route_is_on(const struct net_route *route, const void *ifindex)
{
	return route->route.ifindex == *(const uint32_t *)ifindex;
}

static void remove_link_at(struct cp_netmap *map, uint32_t i)
{
	uint32_t ifindex = link_at(map, i)->link.ifindex;

	net_array_del(&map->links, i);
	for (uint32_t j = map->addrs.count; j-- > 0;)
		if (addr_at(map, j)->addr.ifindex == ifindex)
			net_array_del(&map->addrs, j);
	net_routes_remove(&map->routes, route_is_on, &ifindex);
	forget_neighbours_on(map, ifindex);
	map->version++;
}

void cp_netmap_del_link(struct cp_netmap *map, uint32_t ifindex)
{
	for (uint32_t i = 0; i < map->links.count; i++)
		if (link_at(map, i)->link.ifindex == ifindex) {
			remove_link_at(map, i);
			return;
		}
}

/* ---- addresses ---- */

static struct addr *find_addr(const struct cp_netmap *map, const struct cp_net_addr *addr,
			      uint32_t *at_out)
{
	for (uint32_t i = 0; i < map->addrs.count; i++) {
		struct addr *a = addr_at(map, i);

		if (a->addr.ifindex == addr->ifindex && a->addr.prefix_len == addr->prefix_len &&
		    memcmp(a->addr.ip, addr->ip, 16) == 0) {
			*at_out = i;
			return a;
		}
	}
	return NULL;
}

enum vd_err cp_netmap_set_addr(struct cp_netmap *map, const struct cp_net_addr *addr)
{
	uint32_t at;
	struct addr *a = find_addr(map, addr, &at);
	enum vd_err err;

	if (a) {
		a->sync = map->sync;
		map->version += a->addr.unusable != addr->unusable;
		a->addr.unusable = addr->unusable;
		return VD_OK;
	}
	err = net_array_add(&map->addrs, (void **)&a);
	if (err)
		return err;
	*a = (struct addr){ .addr = *addr, .sync = map->sync };
	map->version++;
	return VD_OK;
}

void cp_netmap_del_addr(struct cp_netmap *map, const struct cp_net_addr *addr)
{
	uint32_t at;

	if (!find_addr(map, addr, &at))
		return;
	net_array_del(&map->addrs, at);
	map->version++;
}

const struct cp_net_addr *cp_netmap_next_addr(const struct cp_netmap *map, uint32_t *at)
{
	return *at < map->addrs.count ? &addr_at(map, (*at)++)->addr : NULL;
}

/* ---- routes ---- */

enum vd_err cp_netmap_set_route(struct cp_netmap *map, const struct cp_net_route *route,
				bool replace)
{
	bool changed = false;
	enum vd_err err = net_routes_set(&map->routes, route, replace, map->sync, &changed);

	map->version += changed;
	return err;
}

void cp_netmap_del_route(struct cp_netmap *map, const struct cp_net_route *route)
{
	map->version += net_routes_del(&map->routes, route);
}

/* ---- neighbours ---- */

static struct neighbour *find_neighbour(const struct cp_netmap *map, uint32_t ifindex,
					const uint8_t ip[16], uint32_t *at_out)
{
	for (uint32_t i = 0; i < map->neighbours.count; i++) {
		struct neighbour *n = neighbour_at(map, i);

		if (n->n.ifindex == ifindex && memcmp(n->n.ip, ip, 16) == 0) {
			*at_out = i;
			return n;
		}
	}
	return NULL;
}

static enum vd_err add_neighbour(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16],
				 struct neighbour **n_out)
{
	enum vd_err err = net_array_add(&map->neighbours, (void **)n_out);

	if (err)
		return err;
	**n_out = (struct neighbour){ .n.ifindex = ifindex, .sync = map->sync };
	memcpy((*n_out)->n.ip, ip, 16);
	return VD_OK;
}

static bool state_has_mac(uint8_t state)
{
	return state == CP_NEIGHBOUR_STALE || state == CP_NEIGHBOUR_KNOWN;
}

enum vd_err cp_netmap_set_neighbour(struct cp_netmap *map, const struct cp_net_neighbour *in)
{
	uint32_t at;
	struct neighbour *n = find_neighbour(map, in->ifindex, in->ip, &at);
	enum vd_err err = n ? VD_OK : add_neighbour(map, in->ifindex, in->ip, &n);
	bool has_mac;

	if (err)
		return err;
	/* while it is asked for again, the last address still serves; once it failed, not */
	has_mac = state_has_mac(in->state) || (n->has_mac && in->state != CP_NEIGHBOUR_FAILED);
	if (has_mac != n->has_mac ||
	    (state_has_mac(in->state) && memcmp(n->n.mac, in->mac, 6) != 0))
		map->version++;
	if (in->state == CP_NEIGHBOUR_STALE && n->n.state == CP_NEIGHBOUR_KNOWN)
		n->ask_at = 0;
	n->has_mac = has_mac;
	n->present = true;
	n->sync = map->sync;
	n->n.state = in->state;
	if (state_has_mac(in->state))
		memcpy(n->n.mac, in->mac, 6);
	return VD_OK;
}

void cp_netmap_del_neighbour(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16])
{
	uint32_t at;

	if (find_neighbour(map, ifindex, ip, &at))
		drop_neighbour(map, at);
}

enum vd_err cp_netmap_use(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16])
{
	uint32_t at;
	struct neighbour *n = find_neighbour(map, ifindex, ip, &at);
	enum vd_err err = n ? VD_OK : add_neighbour(map, ifindex, ip, &n);

	if (!err)
		n->uses++;
	return err;
}

void cp_netmap_unuse(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16])
{
	uint32_t at;
	struct neighbour *n = find_neighbour(map, ifindex, ip, &at);

	if (!n || !n->uses)
		return;
	n->uses--;
	if (!n->uses && !n->present)
		net_array_del(&map->neighbours, at);
}

bool cp_netmap_mac(const struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16],
		   uint8_t mac_out[6])
{
	uint32_t at;
	const struct neighbour *n = find_neighbour(map, ifindex, ip, &at);

	if (!n || !n->has_mac)
		return false;
	memcpy(mac_out, n->n.mac, 6);
	return true;
}

/* When this neighbour is to be asked for. */
static vd_ns ask_time(const struct cp_netmap *map, const struct neighbour *n)
{
	const struct cp_net_link *link = cp_netmap_link(map, n->n.ifindex);

	if (!n->uses || n->n.state == CP_NEIGHBOUR_KNOWN || !link || !link->up || !link->ethernet)
		return VD_NEVER;
	return n->ask_at;
}

bool cp_netmap_ask(struct cp_netmap *map, vd_ns now, uint32_t *ifindex_out, uint8_t ip_out[16])
{
	for (uint32_t i = 0; i < map->neighbours.count; i++) {
		struct neighbour *n = neighbour_at(map, i);
		bool stale = n->n.state == CP_NEIGHBOUR_STALE;

		if (ask_time(map, n) > now)
			continue;
		n->ask_at = vd_ns_add(now, stale ? ASK_STALE : ASK_UNKNOWN);
		*ifindex_out = n->n.ifindex;
		memcpy(ip_out, n->n.ip, 16);
		return true;
	}
	return false;
}

vd_ns cp_netmap_deadline(const struct cp_netmap *map)
{
	vd_ns deadline = VD_NEVER;

	for (uint32_t i = 0; i < map->neighbours.count; i++)
		deadline = vd_ns_min(deadline, ask_time(map, neighbour_at(map, i)));
	return deadline;
}

/* ---- synchronising ---- */

void cp_netmap_sync_begin(struct cp_netmap *map)
{
	map->sync++;
}

static bool route_is_old(const struct net_route *route, const void *sync)
{
	return route->sync != *(const uint32_t *)sync;
}

void cp_netmap_sync_end(struct cp_netmap *map)
{
	for (uint32_t i = map->links.count; i-- > 0;)
		if (link_at(map, i)->sync != map->sync)
			remove_link_at(map, i);
	for (uint32_t i = map->addrs.count; i-- > 0;)
		if (addr_at(map, i)->sync != map->sync) {
			net_array_del(&map->addrs, i);
			map->version++;
		}
	map->version += net_routes_remove(&map->routes, route_is_old, &map->sync) > 0;
	for (uint32_t i = map->neighbours.count; i-- > 0;)
		if (neighbour_at(map, i)->sync != map->sync)
			drop_neighbour(map, i);
}

/* ---- ways ---- */

static bool is_link_local(const uint8_t ip[16])
{
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static const struct cp_net_addr *own_addr(const struct cp_netmap *map, const uint8_t ip[16])
{
	for (uint32_t i = 0; i < map->addrs.count; i++)
		if (memcmp(addr_at(map, i)->addr.ip, ip, 16) == 0)
			return &addr_at(map, i)->addr;
	return NULL;
}

/*
 * How well an address of ours serves as the source towards `to` out of `ifindex`; 0: not at all.
 * In the spirit of RFC 6724: scope, then the outgoing interface, then the longest common prefix.
 */
static unsigned source_fitness(const struct cp_net_addr *a, uint32_t ifindex, const uint8_t to[16])
{
	unsigned common = net_common_bits(a->ip, to);

	if (a->unusable || vd_ip_is_ip4(a->ip) != vd_ip_is_ip4(to) ||
	    is_link_local(a->ip) != is_link_local(to))
		return 0;
	if (a->ifindex != ifindex && is_link_local(to))
		return 0;
	return 1 + (a->ifindex == ifindex ? 1024u : 0u) + (common >= a->prefix_len ? 512u : 0u) +
	       common;
}

static bool is_loopback(const uint8_t ip[16])
{
	static const uint8_t one[16] = { [15] = 1 };

	return vd_ip_is_ip4(ip) ? ip[12] == 127 : memcmp(ip, one, 16) == 0;
}

static void choose_source(const struct cp_netmap *map, uint32_t ifindex, const uint8_t to[16],
			  uint8_t source_out[16])
{
	unsigned best = 0;

	memset(source_out, 0, 16);
	for (uint32_t i = 0; i < map->addrs.count; i++) {
		const struct cp_net_addr *a = &addr_at(map, i)->addr;
		unsigned fitness =
		    is_loopback(a->ip) != is_loopback(to) ? 0 : source_fitness(a, ifindex, to);

		if (fitness > best) {
			best = fitness;
			memcpy(source_out, a->ip, 16);
		}
	}
}

static void fill_link(struct cp_way *way, const struct cp_net_link *link)
{
	way->ifindex = link->ifindex;
	way->parent = link->parent;
	way->vlan = link->vlan;
	way->needs_neighbour = link->ethernet;
	way->mtu = link->mtu;
	memcpy(way->source_mac, link->mac, 6);
}

static bool way_to_self(const struct cp_netmap *map, const uint8_t remote[16],
			struct cp_way *way_out)
{
	const struct cp_net_addr *own = own_addr(map, remote);
	const struct cp_net_link *lo = cp_netmap_link_by_name(map, "lo");

	if (!own)
		return false;
	*way_out = (struct cp_way){ .local = true, .ifindex = own->ifindex };
	if (lo)
		fill_link(way_out, lo);
	memcpy(way_out->source, remote, 16);
	memcpy(way_out->next_hop, remote, 16);
	return true;
}

static void fill_way(const struct cp_netmap *map, const struct cp_net_route *route,
		     const uint8_t *source, const uint8_t remote[16], struct cp_way *way_out)
{
	struct cp_way way = { 0 };

	fill_link(&way, cp_netmap_link(map, route->ifindex));
	if (route->mtu && route->mtu < way.mtu)
		way.mtu = route->mtu;
	memcpy(way.next_hop, route->has_gateway ? route->gateway : remote, 16);
	if (source)
		memcpy(way.source, source, 16);
	else if (route->has_source)
		memcpy(way.source, route->source, 16);
	else
		choose_source(map, route->ifindex, remote, way.source);
	if (way.needs_neighbour)
		way.mac_known = cp_netmap_mac(map, way.ifindex, way.next_hop, way.mac);
	*way_out = way;
}

/* What a route must be to be taken. */
struct wanted {
	const struct cp_netmap *map;
	const uint8_t *source; /* NULL: any link */
};

static bool route_is_usable(const struct cp_net_route *route, const void *context)
{
	const struct wanted *wanted = (const struct wanted *)context;
	const struct cp_net_link *link = cp_netmap_link(wanted->map, route->ifindex);

	if (route->kind == CP_ROUTE_REFUSED)
		return !wanted->source; /* with a source: other links come first */
	if (!link || !link->up)
		return false;
	if (!wanted->source)
		return true;
	for (uint32_t i = 0; i < wanted->map->addrs.count; i++) {
		const struct cp_net_addr *a = &addr_at(wanted->map, i)->addr;

		if (a->ifindex == route->ifindex && memcmp(a->ip, wanted->source, 16) == 0)
			return true;
	}
	return false;
}

static const struct cp_net_route *find_route(const struct cp_netmap *map, const uint8_t *source,
					     const uint8_t remote[16])
{
	const struct wanted wanted = { .map = map, .source = source };
	unsigned shortest = vd_ip_is_ip4(remote) ? 96 : 0; /* an IPv6 default is not IPv4's */

	return net_routes_find(&map->routes, remote, shortest, route_is_usable, &wanted);
}

enum vd_err cp_netmap_way(const struct cp_netmap *map, const uint8_t remote[16],
			  struct cp_way *way_out)
{
	const struct cp_net_route *route;

	if (way_to_self(map, remote, way_out))
		return VD_OK;
	route = find_route(map, NULL, remote);
	if (!route || route->kind == CP_ROUTE_REFUSED)
		return VD_ENOTFOUND;
	fill_way(map, route, NULL, remote, way_out);
	return VD_OK;
}

enum vd_err cp_netmap_way_from(const struct cp_netmap *map, const uint8_t source[16],
			       const uint8_t remote[16], struct cp_way *way_out)
{
	const struct cp_net_route *route;

	if (way_to_self(map, remote, way_out))
		return VD_OK;
	route = find_route(map, source, remote);
	if (!route)
		route = find_route(map, NULL, remote);
	if (!route || route->kind == CP_ROUTE_REFUSED)
		return VD_ENOTFOUND;
	fill_way(map, route, source, remote, way_out);
	return VD_OK;
}
