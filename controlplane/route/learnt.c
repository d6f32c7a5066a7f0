/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/learnt.h"

#include <sodium.h>
#include <stdlib.h>

#include "controlplane/proto/slots.h"

struct learnt_routes {
	struct learnt_route *rows; /* [pool.capacity]; peer.len 0: free */
	struct slot_pool pool;
	struct slot_chains by_peer;
	uint8_t secret[crypto_shorthash_KEYBYTES];
};

struct learnt_routes *learnt_routes_new(uint32_t routes_max)
{
	struct learnt_routes *routes = calloc(1, sizeof *routes);

	if (!routes)
		return NULL;
	randombytes_buf(routes->secret, sizeof routes->secret);
	routes->rows = calloc(routes_max ? routes_max : 1, sizeof *routes->rows);
	if (!routes->rows || slot_pool_init(&routes->pool, routes_max) ||
	    slot_chains_init(&routes->by_peer, routes_max)) {
		learnt_routes_free(routes);
		return NULL;
	}
	return routes;
}

void learnt_routes_free(struct learnt_routes *routes)
{
	if (!routes)
		return;
	slot_chains_fini(&routes->by_peer);
	slot_pool_fini(&routes->pool);
	free(routes->rows);
	free(routes);
}

static uint64_t hash_of(const struct learnt_routes *routes, const struct vd_peer_id *peer)
{
	uint8_t hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, peer->bytes, peer->len, routes->secret);
	return vd_be64_load(hash);
}

/* SLOT_NONE: none. */
static uint32_t row_of(const struct learnt_routes *routes, const struct vd_peer_id *peer,
		       const struct vd_peer_id *via)
{
	uint32_t row = slot_chain_first(&routes->by_peer, hash_of(routes, peer));

	while (row != SLOT_NONE && !(vd_peer_id_equal(&routes->rows[row].peer, peer) &&
				     vd_peer_id_equal(&routes->rows[row].via, via)))
		row = slot_chain_next(&routes->by_peer, row);
	return row;
}

static bool is_same(const struct learnt_route *a, const struct learnt_route *b)
{
	return a->label == b->label && a->bits == b->bits && a->mtu == b->mtu;
}

bool learnt_routes_set(struct learnt_routes *routes, const struct learnt_route *route)
{
	uint32_t row = routes ? row_of(routes, &route->peer, &route->via) : SLOT_NONE;

	if (row != SLOT_NONE && is_same(&routes->rows[row], route))
		return false;
	if (row == SLOT_NONE && routes) {
		row = slot_take(&routes->pool);
		if (row != SLOT_NONE)
			slot_chain_add(&routes->by_peer, hash_of(routes, &route->peer), row);
	}
	if (row != SLOT_NONE)
		routes->rows[row] = *route;
	return true;
}

const struct learnt_route *learnt_routes_find(const struct learnt_routes *routes,
					      const struct vd_peer_id *peer,
					      const struct vd_peer_id *via)
{
	uint32_t row = routes ? row_of(routes, peer, via) : SLOT_NONE;

	return row == SLOT_NONE ? NULL : &routes->rows[row];
}

static void forget(struct learnt_routes *routes, uint32_t row)
{
	slot_chain_del(&routes->by_peer, hash_of(routes, &routes->rows[row].peer), row);
	slot_give(&routes->pool, row);
	routes->rows[row] = (struct learnt_route){ 0 };
}

void learnt_routes_forget_to(struct learnt_routes *routes, const struct vd_peer_id *peer)
{
	uint32_t row =
	    routes ? slot_chain_first(&routes->by_peer, hash_of(routes, peer)) : SLOT_NONE;

	while (row != SLOT_NONE) {
		uint32_t next = slot_chain_next(&routes->by_peer, row);

		if (vd_peer_id_equal(&routes->rows[row].peer, peer))
			forget(routes, row);
		row = next;
	}
}

void learnt_routes_forget_by(struct learnt_routes *routes, const struct vd_peer_id *via)
{
	for (uint32_t row = 0; routes && row < routes->pool.high; row++)
		if (routes->rows[row].peer.len && vd_peer_id_equal(&routes->rows[row].via, via))
			forget(routes, row);
}

const struct learnt_route *learnt_routes_next(const struct learnt_routes *routes, uint32_t *at)
{
	while (routes && *at < routes->pool.high) {
		const struct learnt_route *row = &routes->rows[(*at)++];

		if (row->peer.len)
			return row;
	}
	return NULL;
}
