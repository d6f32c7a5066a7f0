/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * observed_addr: by which addresses others see ours, by votes. Behind a NAT a host does not know
 * its outer address; each peer tells in identify from where it sees us. One peer may err or lie:
 * an address is ours when OBSERVED_QUORUM observers tell it of one listening address (as go-libp2p
 * has it). An observer is an IPv4 address, or an IPv6 /56.
 *
 * Votes count only from connections whose local end is an address that we listen on (accepted
 * there, or dialled from there): any other port of ours means nothing to others. An observer has
 * one vote for each listening address, the latest; it holds while that connection lives, and
 * OBSERVED_LINGER after it.
 *
 * Threads: one at a time. Memory: inline, OBSERVED_VOTES; when all are in use, a new observer
 * takes the place of one that left, or is refused and counted.
 */
#include <stdbool.h>

#include "base/formats/multiaddr.h"
#include "base/time.h"

enum {
	OBSERVED_QUORUM = 4,
	OBSERVED_EACH = 3, /* of one listening address, those with the most votes */
	OBSERVED_VOTES = 1024,
	OBSERVED_ENDPOINT = 24,
};

#define OBSERVED_LINGER VD_SECONDS(600)

struct observed_endpoint { /* /ip4|ip6/…/tcp|udp/…, as binary multiaddr */
	uint8_t len;
	uint8_t bytes[OBSERVED_ENDPOINT - 1];
};

struct observed_vote {
	struct observed_endpoint local, observed;
	uint8_t observer[16]; /* IPv4 as ::ffff:a.b.c.d; IPv6 the first 56 bits */
	uint64_t conn;
	vd_ns until; /* VD_NEVER: while the connection lives */
};

struct observed_counters {
	uint64_t votes;
	uint64_t refused_local;   /* not of a listening address */
	uint64_t refused_address; /* no address that others could see us by */
	uint64_t refused_full;
};

struct observed_addr {
	struct observed_vote votes[OBSERVED_VOTES];
	uint32_t count;
	uint64_t version; /* moves when the outcome may have */
	struct observed_counters counters;
};

void observed_addr_init(struct observed_addr *o);

/*
 * Connection `conn` (never used again), from `local` to `remote`, told `observed`; `listens` are
 * the addresses that we listen on, wildcards expanded. False: the vote does not count, for one of
 * the reasons that the counters name: a loopback, link-local, multicast or unspecified address,
 * one by a relay or NAT64, one of another kind than `local`, or a private one from a public peer.
 */
bool observed_addr_vote(struct observed_addr *o, uint64_t conn, const struct vd_multiaddr *local,
			const struct vd_multiaddr *remote, struct vd_bytes observed,
			const struct vd_multiaddr *listens, size_t listen_count, vd_ns now);
/* The connection has closed. */
void observed_addr_left(struct observed_addr *o, uint64_t conn, vd_ns now);

vd_ns observed_addr_deadline(const struct observed_addr *o);
void observed_addr_expire(struct observed_addr *o, vd_ns now);

/* The addresses that have a quorum, each once, for each listening address the most votes first. */
size_t observed_addr_list(const struct observed_addr *o, struct vd_multiaddr *out, size_t max);
