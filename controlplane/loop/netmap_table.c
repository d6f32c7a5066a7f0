/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netmap_table.h"

#include <stdlib.h>
#include <string.h>

enum { CHAINS_MIN = 64 };

void net_array_init(struct net_array *array, uint32_t item_bytes, uint32_t max)
{
	*array = (struct net_array){ .item_bytes = item_bytes, .max = max };
}

void net_array_fini(struct net_array *array)
{
	free(array->items);
}

enum vd_err net_array_add(struct net_array *array, void **item_out)
{
	if (array->count == array->max)
		return VD_ELIMIT;
	if (array->count == array->cap) {
		uint32_t cap = array->cap ? array->cap * 2 : 16;
		char *items = (char *)reallocarray(array->items, cap, array->item_bytes);

		if (!items)
			return VD_ENOMEM;
		array->items = items;
		array->cap = cap;
	}
	*item_out = net_array_at(array, array->count++);
	memset(*item_out, 0, array->item_bytes);
	return VD_OK;
}

void net_array_del(struct net_array *array, uint32_t at)
{
	array->count--;
	if (at != array->count)
		memcpy(net_array_at(array, at), net_array_at(array, array->count),
		       array->item_bytes);
}

unsigned net_common_bits(const uint8_t a[16], const uint8_t b[16])
{
	for (unsigned i = 0; i < 16; i++)
		if (a[i] != b[i])
			return i * 8 + (unsigned)__builtin_clz((unsigned)(a[i] ^ b[i])) - 24;
	return 128;
}

static void mask(uint8_t ip[16], unsigned len)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = len > i * 8 ? len - i * 8 : 0;

		if (bits < 8)
			ip[i] &= (uint8_t)(0xff00 >> bits);
	}
}

/* FNV-1a: prefixes come from our own kernel. */
static uint32_t chain_of(const struct net_routes *routes, const uint8_t ip[16], unsigned len)
{
	uint32_t h = 2166136261u ^ len;

	for (unsigned i = 0; i < 16; i++)
		h = (h ^ ip[i]) * 16777619u;
	return (h ^ h >> 15) & (routes->chain_count - 1);
}

static bool same_prefix(const struct cp_net_route *a, const struct cp_net_route *b)
{
	return a->prefix_len == b->prefix_len && memcmp(a->ip, b->ip, 16) == 0;
}

/* What makes two routes one: the kernel keeps several of a prefix that differ in these. */
static bool same_route(const struct cp_net_route *a, const struct cp_net_route *b)
{
	return same_prefix(a, b) && a->metric == b->metric && a->ifindex == b->ifindex &&
	       a->has_gateway == b->has_gateway &&
	       (!a->has_gateway || memcmp(a->gateway, b->gateway, 16) == 0);
}

static bool same_rest(const struct cp_net_route *a, const struct cp_net_route *b)
{
	return a->kind == b->kind && a->mtu == b->mtu && a->has_source == b->has_source &&
	       (!a->has_source || memcmp(a->source, b->source, 16) == 0);
}

static struct net_route **chain_for(struct net_routes *routes, struct cp_net_route *route)
{
	if (route->prefix_len > 128)
		route->prefix_len = 128;
	mask(route->ip, route->prefix_len);
	return &routes->chains[chain_of(routes, route->ip, route->prefix_len)];
}

/* To the end of its chain: of equal routes the first one set is found. */
static void append(struct net_routes *routes, struct net_route *node)
{
	struct net_route **at = chain_for(routes, &node->route);

	while (*at)
		at = &(*at)->next;
	node->next = NULL;
	*at = node;
}

/* Without memory the chains that there are get longer. */
static enum vd_err grow(struct net_routes *routes)
{
	struct net_route **old = routes->chains, *node;
	uint32_t old_count = routes->chain_count, count = old ? 2 * old_count : CHAINS_MIN;
	struct net_route **chains = (struct net_route **)calloc(count, sizeof *chains);

	if (!chains)
		return old ? VD_OK : VD_ENOMEM;
	routes->chains = chains;
	routes->chain_count = count;
	for (uint32_t c = 0; old && c < old_count; c++)
		while ((node = old[c]) != NULL) {
			old[c] = node->next;
			append(routes, node);
		}
	free((void *)old);
	return VD_OK;
}

static void unlink_route(struct net_routes *routes, struct net_route **at)
{
	struct net_route *gone = *at;

	*at = gone->next;
	routes->of_length[gone->route.prefix_len]--;
	routes->count--;
	free(gone);
}

void net_routes_fini(struct net_routes *routes)
{
	for (uint32_t c = 0; c < routes->chain_count; c++)
		while (routes->chains[c])
			unlink_route(routes, &routes->chains[c]);
	free((void *)routes->chains);
}

/* Takes away other routes of the same prefix and metric. */
static bool remove_replaced(struct net_routes *routes, struct net_route **chain,
			    const struct cp_net_route *route)
{
	bool any = false;

	while (*chain) {
		const struct cp_net_route *r = &(*chain)->route;

		if (same_prefix(r, route) && r->metric == route->metric && !same_route(r, route)) {
			unlink_route(routes, chain);
			any = true;
		} else {
			chain = &(*chain)->next;
		}
	}
	return any;
}

enum vd_err net_routes_set(struct net_routes *routes, const struct cp_net_route *in, bool replace,
			   uint32_t sync, bool *changed_out)
{
	struct cp_net_route route = *in;
	struct net_route **at, *node;
	enum vd_err err = routes->count >= routes->chain_count ? grow(routes) : VD_OK;

	*changed_out = false;
	if (err)
		return err;
	at = chain_for(routes, &route);
	*changed_out = replace && remove_replaced(routes, at, &route);
	while (*at && !same_route(&(*at)->route, &route))
		at = &(*at)->next;
	node = *at;
	if (!node) {
		if (routes->count == CP_NETMAP_ROUTES_MAX)
			return VD_ELIMIT;
		node = (struct net_route *)calloc(1, sizeof *node);
		if (!node)
			return VD_ENOMEM;
		*at = node; /* the end of the chain, as in append */
		routes->count++;
		routes->of_length[route.prefix_len]++;
		*changed_out = true;
	} else if (!same_rest(&node->route, &route)) {
		*changed_out = true;
	}
	node->route = route;
	node->sync = sync;
	return VD_OK;
}

bool net_routes_del(struct net_routes *routes, const struct cp_net_route *in)
{
	struct cp_net_route route = *in;
	struct net_route **at;

	if (!routes->count)
		return false;
	at = chain_for(routes, &route);
	while (*at && !same_route(&(*at)->route, &route))
		at = &(*at)->next;
	if (!*at)
		return false;
	unlink_route(routes, at);
	return true;
}

uint32_t net_routes_remove(struct net_routes *routes,
			   bool (*match)(const struct net_route *route, const void *context),
			   const void *context)
{
	uint32_t before = routes->count;

	for (uint32_t c = 0; c < routes->chain_count; c++) {
		struct net_route **at = &routes->chains[c];

		while (*at) {
			if (match(*at, context))
				unlink_route(routes, at);
			else
				at = &(*at)->next;
		}
	}
	return before - routes->count;
}

const struct cp_net_route *net_routes_find(
    const struct net_routes *routes, const uint8_t ip[16], unsigned shortest,
    bool (*usable)(const struct cp_net_route *route, const void *context), const void *context)
{
	for (unsigned len = 129; len-- > shortest;) {
		struct cp_net_route want = { .prefix_len = (uint8_t)len };
		const struct cp_net_route *best = NULL;

		if (!routes->of_length[len])
			continue;
		memcpy(want.ip, ip, 16);
		mask(want.ip, len);
		for (const struct net_route *r = routes->chains[chain_of(routes, want.ip, len)]; r;
		     r = r->next)
			if (same_prefix(&r->route, &want) &&
			    (!best || r->route.metric < best->metric) && usable(&r->route, context))
				best = &r->route;
		if (best)
			return best;
	}
	return NULL;
}
