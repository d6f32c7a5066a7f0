/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * keeper: what a node learns from its libp2p connections in one network, and what it tells of
 * itself there.
 *
 *	opened, identified, pinged, closed -> book (proto/peer_book.h): who others are
 *	                                   -> votes (proto/observed_addr.h): how others see us
 *	listening + votes + rules -> announce (proto/announce.h) -> `tell`: to every host
 *
 * Of identify it takes only what can be believed: the key if it is the peer's, the signed record
 * if the peer itself signed it (the book keeps it as it was signed, to be handed on), and if there
 * is no signed record, the unsigned addresses, with source TOLD. Left out are addresses that do not
 * reach to where the peer is: of a public peer all that are not public, of a private one loopback
 * (go-libp2p does so too). A message without a field changes nothing of it (libp2p/specs,
 * identify/push).
 *
 * Threads: control. Memory: on the heap; the book's and the votes' limits.
 */
#include "base/thread.h"
#include "controlplane/host/host.h"
#include "controlplane/proto/announce.h"
#include "controlplane/proto/observed_addr.h"
#include "controlplane/proto/peer_book.h"

enum {
	KEEPER_LISTENS_MAX = 64,
	KEEPER_BUCKETS = 37, /* 1 to 20, then 25 to 100 by 5, then more: go-libp2p's */
};

struct keeper;

struct keeper_config {
	struct peer_book *book; /* kept */
	/* The addresses that the node listens on, wildcards expanded. */
	size_t (*listens)(void *context, struct vd_multiaddr *out, size_t max);
	/* What identify is to tell from now on: host_announce of every host. */
	void (*tell)(void *context, const struct announced *addresses, uint64_t seq);
	void *context;
};

/* VD_ENOMEM. */
enum vd_err keeper_new(const struct keeper_config *config, struct keeper **keeper_out) ON_CONTROL;
void keeper_free(struct keeper *keeper) ON_CONTROL; /* NULL is allowed */

/* What the operator says; kept, as are its lists, until the next call. Takes effect at once. */
void keeper_rules(struct keeper *keeper, const struct announce_rules *rules) ON_CONTROL;

/* Connections by a number that no other connection has while it lives. */
void keeper_opened(struct keeper *keeper, uint64_t number,
		   const struct host_conn_info *conn) ON_CONTROL;
/* `told`: a stream of identify, as host_events.identified has it. */
void keeper_identified(struct keeper *keeper, uint64_t number, const struct host_conn_info *conn,
		       struct vd_bytes told) ON_CONTROL;
void keeper_pinged(struct keeper *keeper, const struct host_conn_info *conn, vd_ns rtt) ON_CONTROL;
void keeper_closed(struct keeper *keeper, uint64_t number,
		   const struct host_conn_info *conn) ON_CONTROL;

/* Once a second: looks whether addresses changed; `tell` follows if they did. */
void keeper_poll(struct keeper *keeper, vd_ns now) ON_CONTROL;

const struct announced *keeper_announced(const struct keeper *keeper) ON_CONTROL;
const struct observed_addr *keeper_votes(const struct keeper *keeper) ON_CONTROL;

struct keeper_histogram {
	uint64_t counts[KEEPER_BUCKETS], sum;
};

struct keeper_counters {
	uint64_t records_bad;  /* not signed by the peer, or not to be read */
	uint64_t keys_bad;     /* not the peer's */
	uint64_t out_of_reach; /* addresses */
	struct keeper_histogram protocols, addresses; /* told by peers */
};
const struct keeper_counters *keeper_counters(const struct keeper *keeper) ON_CONTROL;
/* The upper end of a bucket; 0: the last one has none. */
unsigned keeper_bucket_end(unsigned bucket);
