/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/limits_peers.h"

#include <sodium.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 64, BUCKETS_MAX = 1 << 18, A_BUCKET = 4 };

enum vd_err limits_peers_init(struct limits_peers *peers, uint32_t connections)
{
	uint32_t count = BUCKETS_MIN;

	while (count < BUCKETS_MAX && count < connections / A_BUCKET)
		count *= 2;
	randombytes_buf(peers->hash_key, sizeof peers->hash_key);
	peers->bucket_count = count;
	peers->buckets = calloc(count, sizeof *peers->buckets);
	return peers->buckets ? VD_OK : VD_ENOMEM;
}

void limits_peers_fini(struct limits_peers *peers)
{
	for (uint32_t i = 0; peers->buckets && i < peers->bucket_count; i++)
		while (peers->buckets[i]) {
			struct host_limits_peer *peer = peers->buckets[i];

			peers->buckets[i] = peer->next;
			free(peer);
		}
	free(peers->buckets);
	peers->buckets = NULL;
}

static struct host_limits_peer **bucket_of(const struct limits_peers *peers,
					   const struct vd_peer_id *peer)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, peer->bytes, peer->len, peers->hash_key);
	return &peers->buckets[hash & (peers->bucket_count - 1)];
}

struct host_limits_peer *limits_peers_enter(struct limits_peers *peers,
					    const struct vd_peer_id *peer)
{
	struct host_limits_peer **bucket = bucket_of(peers, peer), *entry = *bucket;

	while (entry && !vd_peer_id_equal(&entry->peer, peer))
		entry = entry->next;
	if (!entry) {
		entry = calloc(1, sizeof *entry);
		if (!entry)
			return NULL;
		entry->peer = *peer;
		entry->next = *bucket;
		*bucket = entry;
	}
	entry->connections++;
	return entry;
}

void limits_peers_leave(struct limits_peers *peers, struct host_limits_peer *peer)
{
	struct host_limits_peer **at;

	if (--peer->connections)
		return;
	at = bucket_of(peers, &peer->peer);
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	free(peer);
}
