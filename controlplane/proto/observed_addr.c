/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/observed_addr.h"

#include <stdlib.h>

#include "controlplane/proto/ip_scope.h"

enum { OBSERVER_PREFIX = 7 }; /* bytes of an IPv6 address: a /56 */

void observed_addr_init(struct observed_addr *o)
{
	o->count = 0;
	o->version = 0;
	o->counters = (struct observed_counters){ 0 };
}

/* ---- what may count ---- */

/* The whole of an address has to be one endpoint. */
static bool endpoint_of(const struct vd_multiaddr *address, struct observed_endpoint *out)
{
	struct vd_multiaddr_part ip, port, more;
	size_t at = 0;

	if (!vd_multiaddr_next(address, &at, &ip) || !vd_multiaddr_next(address, &at, &port) ||
	    vd_multiaddr_next(address, &at, &more))
		return false;
	if ((ip.code != VD_MA_IP4 && ip.code != VD_MA_IP6) ||
	    (port.code != VD_MA_TCP && port.code != VD_MA_UDP) || !vd_be16_load(port.value.at))
		return false;
	*out = (struct observed_endpoint){ .len = (uint8_t)address->len };
	memcpy(out->bytes, address->bytes, address->len);
	return true;
}

static bool is_same(const struct observed_endpoint *a, const struct observed_endpoint *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Lengths tell the kinds apart: of 4 or 16 bytes of IP, and codes of one byte (tcp) or two. */
static bool is_same_kind(const struct observed_endpoint *a, const struct observed_endpoint *b)
{
	return a->len == b->len && a->bytes[0] == b->bytes[0];
}

static bool is_nat64(const struct vd_multiaddr *address)
{
	static const uint8_t prefix[] = {
		VD_MA_IP6, 0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0
	}; /* RFC 6052 */

	return address->len > sizeof prefix && memcmp(address->bytes, prefix, sizeof prefix) == 0;
}

static bool can_be_seen(enum ip_scope observed, enum ip_scope remote)
{
	switch (observed) {
	case IP_PUBLIC: return true;
	case IP_PRIVATE:
	case IP_RESERVED: return remote != IP_PUBLIC;
	default: return false;
	}
}

static bool is_listened_on(const struct vd_multiaddr *local, const struct vd_multiaddr *listens,
			   size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vd_multiaddr_equal(local, &listens[i]))
			return true;
	return false;
}

static bool observer_of(const struct vd_multiaddr *remote, uint8_t out[16])
{
	struct vd_multiaddr_part ip;
	size_t at = 0;

	memset(out, 0, 16);
	if (!vd_multiaddr_next(remote, &at, &ip))
		return false;
	if (ip.code == VD_MA_IP4) {
		out[10] = out[11] = 0xff;
		memcpy(out + 12, ip.value.at, 4);
	} else if (ip.code == VD_MA_IP6) {
		memcpy(out, ip.value.at, OBSERVER_PREFIX);
	} else {
		return false;
	}
	return true;
}

/* ---- votes ---- */

static struct observed_vote *vote_of(struct observed_addr *o, const struct observed_vote *like)
{
	for (uint32_t i = 0; i < o->count; i++)
		if (memcmp(o->votes[i].observer, like->observer, sizeof like->observer) == 0 &&
		    is_same(&o->votes[i].local, &like->local))
			return &o->votes[i];
	return NULL;
}

/* A free one, or that of the observer that left first; NULL: all are still here. */
static struct observed_vote *new_vote(struct observed_addr *o)
{
	struct observed_vote *first = NULL;

	if (o->count < OBSERVED_VOTES)
		return &o->votes[o->count++];
	for (uint32_t i = 0; i < o->count; i++)
		if (o->votes[i].until != VD_NEVER && (!first || o->votes[i].until < first->until))
			first = &o->votes[i];
	return first;
}

static bool count_vote(struct observed_addr *o, const struct observed_vote *vote)
{
	struct observed_vote *old = vote_of(o, vote);
	bool same = old && is_same(&old->observed, &vote->observed);

	if (!old)
		old = new_vote(o);
	if (!old) {
		o->counters.refused_full++;
		return false;
	}
	*old = *vote;
	o->counters.votes++;
	o->version += !same;
	return true;
}

bool observed_addr_vote(struct observed_addr *o, uint64_t conn, const struct vd_multiaddr *local,
			const struct vd_multiaddr *remote, struct vd_bytes observed,
			const struct vd_multiaddr *listens, size_t listen_count, vd_ns now)
{
	struct observed_vote vote = { .conn = conn, .until = VD_NEVER };
	struct vd_multiaddr address;

	observed_addr_expire(o, now);
	if (!is_listened_on(local, listens, listen_count) || !endpoint_of(local, &vote.local)) {
		o->counters.refused_local++;
		return false;
	}
	if (vd_multiaddr_of_bytes(observed, &address) || !endpoint_of(&address, &vote.observed) ||
	    !is_same_kind(&vote.local, &vote.observed) || is_nat64(&address) ||
	    !can_be_seen(ip_scope_of(&address), ip_scope_of(remote)) ||
	    !observer_of(remote, vote.observer)) {
		o->counters.refused_address++;
		return false;
	}
	return count_vote(o, &vote);
}

void observed_addr_left(struct observed_addr *o, uint64_t conn, vd_ns now)
{
	for (uint32_t i = 0; i < o->count; i++)
		if (o->votes[i].conn == conn && o->votes[i].until == VD_NEVER)
			o->votes[i].until = vd_ns_add(now, OBSERVED_LINGER);
}

vd_ns observed_addr_deadline(const struct observed_addr *o)
{
	vd_ns at = VD_NEVER;

	for (uint32_t i = 0; i < o->count; i++)
		at = vd_ns_min(at, o->votes[i].until);
	return at;
}

void observed_addr_expire(struct observed_addr *o, vd_ns now)
{
	for (uint32_t i = o->count; i-- > 0;)
		if (o->votes[i].until <= now) {
			o->votes[i] = o->votes[--o->count];
			o->version++;
		}
}

/* ---- the outcome ---- */

struct tally {
	const struct observed_vote *vote; /* any of them */
	unsigned count;
};

static int compare_endpoints(const struct observed_endpoint *a, const struct observed_endpoint *b)
{
	return a->len != b->len ? (int)a->len - (int)b->len : memcmp(a->bytes, b->bytes, a->len);
}

static int by_pair(const void *a, const void *b)
{
	const struct observed_vote *x = ((const struct tally *)a)->vote;
	const struct observed_vote *y = ((const struct tally *)b)->vote;
	int order = compare_endpoints(&x->local, &y->local);

	return order ? order : compare_endpoints(&x->observed, &y->observed);
}

/* Of one listening address together, those with the most votes first. */
static int by_votes(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;
	int order = compare_endpoints(&x->vote->local, &y->vote->local);

	if (!order)
		order = (x->count < y->count) - (x->count > y->count);
	return order ? order : compare_endpoints(&x->vote->observed, &y->vote->observed);
}

/* An observer has one vote a listening address, so votes of a pair are observers. */
static size_t count_pairs(const struct observed_addr *o, struct tally *tallies)
{
	size_t pairs = 0;

	for (uint32_t i = 0; i < o->count; i++)
		tallies[i] = (struct tally){ &o->votes[i], 1 };
	qsort(tallies, o->count, sizeof *tallies, by_pair);
	for (uint32_t i = 0; i < o->count; i++) {
		if (pairs && by_pair(&tallies[pairs - 1], &tallies[i]) == 0)
			tallies[pairs - 1].count++;
		else
			tallies[pairs++] = tallies[i];
	}
	qsort(tallies, pairs, sizeof *tallies, by_votes);
	return pairs;
}

static void add(const struct observed_endpoint *endpoint, struct vd_multiaddr *out, size_t *count)
{
	struct vd_multiaddr address = { .len = endpoint->len };

	memcpy(address.bytes, endpoint->bytes, endpoint->len);
	for (size_t i = 0; i < *count; i++)
		if (vd_multiaddr_equal(&out[i], &address))
			return;
	out[(*count)++] = address;
}

size_t observed_addr_list(const struct observed_addr *o, struct vd_multiaddr *out, size_t max)
{
	struct tally tallies[OBSERVED_VOTES];
	size_t pairs = count_pairs(o, tallies), count = 0;
	unsigned of_this = 0;

	for (size_t i = 0; i < pairs && count < max; i++) {
		if (!i || !is_same(&tallies[i].vote->local, &tallies[i - 1].vote->local))
			of_this = 0;
		if (tallies[i].count >= OBSERVED_QUORUM && of_this++ < OBSERVED_EACH)
			add(&tallies[i].vote->observed, out, &count);
	}
	return count;
}
