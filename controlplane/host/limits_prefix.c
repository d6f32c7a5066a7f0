/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/limits_prefix.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>

enum { SIZE_V4 = 4, SIZE_56 = 7, SIZE_48 = 6, SIZES = 2 };

/* ---- life ---- */

enum vd_err limits_prefixes_init(struct limits_prefixes *prefixes, uint32_t connections)
{
	uint32_t slots = connections * SIZES;

	randombytes_buf(prefixes->hash_key, sizeof prefixes->hash_key);
	prefixes->at = calloc(slots, sizeof *prefixes->at);
	if (!prefixes->at || slot_pool_init(&prefixes->pool, slots) ||
	    slot_chains_init(&prefixes->by_prefix, slots))
		return VD_ENOMEM;
	return prefix_limit_init(&prefixes->rate);
}

void limits_prefixes_fini(struct limits_prefixes *prefixes)
{
	prefix_limit_fini(&prefixes->rate);
	slot_pool_fini(&prefixes->pool);
	slot_chains_fini(&prefixes->by_prefix);
	free(prefixes->at);
	prefixes->at = NULL;
}

/* ---- addresses ---- */

static struct limits_prefix prefix_of(const void *ip, size_t size)
{
	struct limits_prefix prefix = { .bytes = { [7] = (uint8_t)size } };

	memcpy(prefix.bytes, ip, size);
	return prefix;
}

/* The prefixes that an address is in, the narrowest first; 0: it is exempt. */
static size_t prefixes_of(const struct sockaddr_storage *remote, struct limits_prefix out[SIZES])
{
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)remote)->sin6_addr;
	const uint8_t *v4 = NULL;

	if (remote->ss_family == AF_INET)
		v4 = (const uint8_t *)&((const struct sockaddr_in *)remote)->sin_addr;
	else if (remote->ss_family != AF_INET6)
		return 0;
	else if (IN6_IS_ADDR_V4MAPPED(in6))
		v4 = in6->s6_addr + 12;
	else if (IN6_IS_ADDR_LOOPBACK(in6))
		return 0;
	if (v4) {
		out[0] = prefix_of(v4, SIZE_V4);
		return v4[0] != 127;
	}
	out[0] = prefix_of(in6, SIZE_56);
	out[1] = prefix_of(in6, SIZE_48);
	return 2;
}

/* ---- the table ---- */

static uint64_t hash_of(const struct limits_prefixes *prefixes, const struct limits_prefix *prefix)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, prefix->bytes, sizeof prefix->bytes, prefixes->hash_key);
	return hash;
}

static uint32_t find(const struct limits_prefixes *prefixes, const struct limits_prefix *prefix)
{
	uint32_t slot = slot_chain_first(&prefixes->by_prefix, hash_of(prefixes, prefix));

	while (slot != SLOT_NONE &&
	       memcmp(prefixes->at[slot].bytes, prefix->bytes, sizeof prefix->bytes) != 0)
		slot = slot_chain_next(&prefixes->by_prefix, slot);
	return slot;
}

static uint32_t count_of(const struct limits_prefixes *prefixes, const struct limits_prefix *prefix)
{
	uint32_t slot = find(prefixes, prefix);

	return slot == SLOT_NONE ? 0 : prefixes->at[slot].count;
}

/* There are as many slots as connections have prefixes; false: more than those came. */
static bool add(struct limits_prefixes *prefixes, const struct limits_prefix *prefix)
{
	uint32_t slot = find(prefixes, prefix);

	if (slot == SLOT_NONE) {
		slot = slot_take(&prefixes->pool);
		if (slot == SLOT_NONE)
			return false;
		prefixes->at[slot] = *prefix;
		slot_chain_add(&prefixes->by_prefix, hash_of(prefixes, prefix), slot);
	}
	prefixes->at[slot].count++;
	return true;
}

static void del(struct limits_prefixes *prefixes, const struct limits_prefix *prefix)
{
	uint32_t slot = find(prefixes, prefix);

	if (slot == SLOT_NONE || --prefixes->at[slot].count)
		return;
	slot_chain_del(&prefixes->by_prefix, hash_of(prefixes, prefix), slot);
	slot_give(&prefixes->pool, slot);
}

enum limits_prefix_verdict limits_prefix_arrive(struct limits_prefixes *prefixes,
						const struct sockaddr_storage *remote, uint32_t max,
						vd_ns now)
{
	struct limits_prefix in[SIZES];
	size_t count = prefixes_of(remote, in);

	for (size_t i = 0; i < count; i++)
		if (count_of(prefixes, &in[i]) >= (i ? max * LIMITS_PREFIX_48 : max))
			return LIMITS_PREFIX_MANY;
	if (count && prefix_limit_take(&prefixes->rate, vd_bytes(in[0].bytes, in[0].bytes[7]), now))
		return LIMITS_PREFIX_FAST;
	for (size_t i = 0; i < count; i++)
		if (!add(prefixes, &in[i])) {
			while (i--)
				del(prefixes, &in[i]);
			return LIMITS_PREFIX_MANY;
		}
	return LIMITS_PREFIX_OK;
}

void limits_prefix_depart(struct limits_prefixes *prefixes, const struct sockaddr_storage *remote)
{
	struct limits_prefix in[SIZES];
	size_t count = prefixes_of(remote, in);

	for (size_t i = 0; i < count; i++)
		del(prefixes, &in[i]);
}
