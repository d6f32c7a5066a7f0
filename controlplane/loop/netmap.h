/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * netmap: a mirror of the kernel's links, addresses, routes and neighbours, which
 * answers how a datagram leaves for an address.
 *
 * Sans-IO: netlink.h feeds it, tests too. Addresses are 16 bytes; IPv4 is ::ffff:a.b.c.d, and
 * a prefix length then counts from 96. Longest prefix match over the main table;
 * unicast routes on links that are up; then the lowest metric; then the first one set, so
 * that of several next hops, each a route here, one is taken. IPv4 and IPv6 do not mix.
 *
 * Neighbours in use (cp_netmap_use) are kept resolved: those without a hardware address are
 * to be asked for every second, stale ones every 30 s, since traffic that
 * does not pass the kernel does not tell it that a neighbour lives. A neighbour that the
 * kernel forgets keeps its last address until the kernel says that it failed.
 *
 * Resynchronising: set all between sync_begin and sync_end; what was not set goes.
 *
 * Threads: control. Memory: allocated; within the limits below, VD_ELIMIT above.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/time.h"

enum {
	CP_NETMAP_LINKS_MAX = 4096,
	CP_NETMAP_ADDRS_MAX = 16384,
	CP_NETMAP_ROUTES_MAX = 1 << 20,
	CP_NETMAP_NEIGHBOURS_MAX = 16384,
	CP_NET_NAME = 16,
};

struct cp_net_link {
	uint32_t ifindex;
	uint32_t parent; /* of a VLAN device: the device below; else 0 */
	uint16_t vlan;   /* of a VLAN device: its id; else 0 */
	bool up;         /* administratively, and has carrier */
	bool ethernet;   /* needs neighbours; else (loopback, TUN, point-to-point) it does not */
	uint8_t mac[6];
	uint32_t mtu;
	char name[CP_NET_NAME];
};

struct cp_net_addr {
	uint32_t ifindex;
	uint8_t ip[16];
	uint8_t prefix_len; /* 0 to 128 */
	bool unusable;      /* as a source: tentative, failed duplicate detection, deprecated */
};

enum cp_route_kind { CP_ROUTE_UNICAST, CP_ROUTE_REFUSED /* unreachable, blackhole, … */ };

struct cp_net_route {
	uint8_t ip[16];
	uint8_t prefix_len;
	uint8_t kind;        /* enum cp_route_kind */
	bool has_gateway;    /* else on link */
	bool has_source;     /* the route names our address to use */
	uint32_t ifindex;    /* 0 where refused */
	uint32_t metric;     /* lower is better */
	uint32_t mtu;        /* of the route; 0: the link's */
	uint8_t gateway[16]; /* may be IPv6 for an IPv4 route (RFC 5549) */
	uint8_t source[16];
};

enum cp_neighbour_state {
	CP_NEIGHBOUR_UNKNOWN, /* being asked for */
	CP_NEIGHBOUR_FAILED,  /* asked for, no answer */
	CP_NEIGHBOUR_STALE,   /* known, to be confirmed */
	CP_NEIGHBOUR_KNOWN,
};

struct cp_net_neighbour {
	uint32_t ifindex;
	uint8_t ip[16];
	uint8_t mac[6]; /* STALE and KNOWN */
	uint8_t state;  /* enum cp_neighbour_state */
};

/* How a datagram leaves for an address. */
struct cp_way {
	uint32_t ifindex;     /* out; 0: there is none */
	uint32_t parent;      /* as in the link: the device that a port sits on, for VLANs */
	uint16_t vlan;        /* 0: none */
	bool local;           /* the address is our own */
	bool needs_neighbour; /* an Ethernet header is needed: mac */
	bool mac_known;
	uint8_t mac[6];        /* of the next hop */
	uint8_t source_mac[6]; /* of the device out */
	uint32_t mtu;
	uint8_t source[16]; /* our address; all zero: none fits */
	uint8_t next_hop[16];
};

struct cp_netmap;

enum vd_err cp_netmap_new(struct cp_netmap **map_out); /* VD_ENOMEM */
void cp_netmap_free(struct cp_netmap *map);

/* Set adds or changes; del of what is not there does nothing. VD_ENOMEM, VD_ELIMIT. */
enum vd_err cp_netmap_set_link(struct cp_netmap *map, const struct cp_net_link *link);
void cp_netmap_del_link(struct cp_netmap *map, uint32_t ifindex); /* and all that is on it */
enum vd_err cp_netmap_set_addr(struct cp_netmap *map, const struct cp_net_addr *addr);
void cp_netmap_del_addr(struct cp_netmap *map, const struct cp_net_addr *addr);
/* `replace`: routes with the same prefix and metric go (NLM_F_REPLACE). */
enum vd_err cp_netmap_set_route(struct cp_netmap *map, const struct cp_net_route *route,
				bool replace);
void cp_netmap_del_route(struct cp_netmap *map, const struct cp_net_route *route);
enum vd_err cp_netmap_set_neighbour(struct cp_netmap *map, const struct cp_net_neighbour *n);
void cp_netmap_del_neighbour(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16]);

void cp_netmap_sync_begin(struct cp_netmap *map);
void cp_netmap_sync_end(struct cp_netmap *map);

/* Grows with each change that may change a way: what to compare to skip work. */
uint64_t cp_netmap_version(const struct cp_netmap *map);

/* VD_ENOTFOUND: no route, or one that refuses. */
enum vd_err cp_netmap_way(const struct cp_netmap *map, const uint8_t remote[16],
			  struct cp_way *way_out);

/* The same, with the source address given: routes out of other links are taken only if
 * none leaves by a link that has it. */
enum vd_err cp_netmap_way_from(const struct cp_netmap *map, const uint8_t source[16],
			       const uint8_t remote[16], struct cp_way *way_out);

/* Borrowed until the next change, or NULL. */
const struct cp_net_link *cp_netmap_link(const struct cp_netmap *map, uint32_t ifindex);
const struct cp_net_link *cp_netmap_link_by_name(const struct cp_netmap *map, const char *name);
/* Iterates our addresses: `*at` starts at 0; NULL at the end. */
const struct cp_net_addr *cp_netmap_next_addr(const struct cp_netmap *map, uint32_t *at);

/* Counted: keeps a next hop resolved until as many unuse. VD_ENOMEM, VD_ELIMIT. */
enum vd_err cp_netmap_use(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16]);
void cp_netmap_unuse(struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16]);
/* False: not known (now). */
bool cp_netmap_mac(const struct cp_netmap *map, uint32_t ifindex, const uint8_t ip[16],
		   uint8_t mac_out[6]);

/* The next neighbour to ask the kernel for; false when none is due. Drain at the deadline. */
bool cp_netmap_ask(struct cp_netmap *map, vd_ns now, uint32_t *ifindex_out, uint8_t ip_out[16]);
vd_ns cp_netmap_deadline(const struct cp_netmap *map);
