/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link: the record of one key generation of a link, and the table of them.
 *
 * Records lie inline in an array; a frame's receiver index is a slot number and
 * a generation, compared whole: no hash. A record is four cache lines: what
 * receiving reads, the replay window, what sending reads, the outer headers.
 *
 * Who writes what (the owner is the worker whose packets arrive on the link):
 *
 *	index, keys, remote index    control, before publishing; never again
 *	permit, path, rates, flags   control, single aligned words, relaxed
 *	top, window, counters        the owner
 *	send template                the owner, when the control thread asks it to
 *
 * Life of a slot:  free --reserve--> reserved --publish--> live --retire-->
 *                  resting --(grace period)--> free.
 * Publishing stores the index with release, a worker loads it with acquire.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread.h"
#include "base/time.h"
#include "switch/bucket.h"
#include "switch/lane.h"
#include "switch/police.h"
#include "switch/rcu.h"
#include "switch/slot.h"
#include "switch/window.h"

enum {
	SW_TAG_KEY_BYTES = 16,
	SW_OUTER_BYTES = 48, /* IPv6 and UDP header */
};

/*
 * How to reach a neighbour: everything before the multigram, except the
 * Ethernet header, which is the neighbour table's. Lengths and checksums in
 * `outer` are those of an empty payload; the port fills them in.
 */
struct sw_template {
	uint8_t outer[SW_OUTER_BYTES]; /* IPv4 + UDP (28 bytes) or IPv6 + UDP (48) */
	uint8_t outer_len;             /* 28 or 48; 0: no way known */
	uint8_t port;                  /* the port's number */
	uint16_t payload_max;          /* largest switch payload: path MTU - IP - UDP - 33 */
	uint32_t neighbour;            /* row of the neighbour table; 0: the port needs none */
	uint64_t reserved;
};
static_assert(sizeof(struct sw_template) == 64, "one cache line");

/* Permission word: low half may_call, high half may_be_called, a bit a realm. */
static inline uint64_t sw_permit(uint32_t may_call, uint32_t may_be_called)
{
	return (uint64_t)may_be_called << 32 | may_call;
}

/* Whether one side may call and the other may be called in a common realm. */
static inline bool sw_permit_passes(uint64_t a, uint64_t b)
{
	return ((a & (b >> 32)) | (b & (a >> 32))) & UINT32_MAX;
}

enum { SW_LINK_POLICED = 1 }; /* rx_flags, tx_flags: look at the police record */

struct sw_link {
	/* line 0: receive */
	uint8_t rx_key[SW_TAG_KEY_BYTES];
	_Atomic uint32_t index;     /* ours, whole; 0: not live */
	uint32_t reverse;           /* our director of this link, bit-reversed, top 32 bits */
	_Atomic uint64_t permit;    /* writer: control; readers: workers */
	uint64_t top;               /* writer: owner; highest counter marked */
	_Atomic uint64_t rx_frames; /* writer: owner; readers: control */
	_Atomic uint64_t rx_bytes;  /* of UDP payload */
	_Atomic uint32_t path;      /* writer: control; hash of (port, address) it is bound to */
	uint8_t owner;              /* worker; written before publishing */
	_Atomic uint8_t rx_flags;   /* writer: control */
	uint8_t pad0[2];

	/* line 1 */
	struct sw_window window; /* writer: owner */

	/* line 2: send */
	uint8_t tx_key[SW_TAG_KEY_BYTES];
	uint32_t remote_index;
	uint8_t tx_owner;          /* = owner: so that sending need not read line 0 */
	_Atomic uint8_t tx_flags;  /* = rx_flags */
	_Atomic uint8_t keepalive; /* writer: control; 1: send one after silence */
	uint8_t pad2;
	_Atomic uint64_t tx_permit;  /* = permit */
	_Atomic uint64_t tx_counter; /* writer: owner; last one used; = frames sent */
	_Atomic uint64_t tx_bytes;   /* writer: owner; of UDP payload */
	_Atomic uint64_t tx_last_ns; /* writer: owner; for the keepalive */
	uint32_t police;             /* row of the police table */
	uint32_t tx_reverse;         /* = reverse: tells the link from others of its peer */

	/* line 3 */
	struct sw_template send; /* writer: owner */
};
static_assert(sizeof(struct sw_link) == 256, "four cache lines");
static_assert(offsetof(struct sw_link, window) == 64);
static_assert(offsetof(struct sw_link, tx_key) == 128);
static_assert(offsetof(struct sw_link, send) == 192);

struct sw_link_table {
	struct sw_link *links;    /* [capacity], on huge pages where there are any */
	struct sw_police *police; /* [capacity]: each slot's own, or as polices says */
	struct sw_slots slots;    /* control only */
	struct sw_slots polices;  /* control only: rows shared by the generations of a link */
	uint32_t capacity;        /* slots; at most 2^24 */
	_Atomic uint32_t high;    /* writer: control; slots [0, high) have ever been live */
	uint32_t delivery_per_s;  /* of each link published from now on; 0: unlimited */
};

/* What a link is published with. */
struct sw_link_config {
	uint8_t rx_key[SW_TAG_KEY_BYTES];
	uint8_t tx_key[SW_TAG_KEY_BYTES];
	uint32_t remote_index;
	uint32_t director; /* ours for this peer; 0: none */
	uint64_t permit;
	uint32_t path;
	uint8_t owner;
	bool keepalive;
	uint32_t police; /* of sw_link_reserve_police; 0: the slot's own, with these rates: */
	uint64_t pps;    /* 0: unlimited */
	uint64_t bps;    /* bits of UDP payload a second; 0: unlimited */
	struct sw_template send;
};

/* Memory for `capacity` slots (1 to 2^24). VD_ENOMEM. Control thread, before workers start. */
enum vd_err sw_link_table_init(struct sw_link_table *table, uint32_t capacity) ON_CONTROL;
void sw_link_table_fini(struct sw_link_table *table)
    ON_CONTROL; /* after workers stopped, and rcu_barrier */

/*
 * A new index, never 0, on a slot that is free: it is ours until published or
 * released. The generation is random and differs from the slot's last one.
 * VD_ELIMIT when every slot is taken or resting. Control thread.
 */
enum vd_err sw_link_reserve(struct sw_link_table *table, uint32_t *index_out) ON_CONTROL;
void sw_link_release(struct sw_link_table *table, uint32_t index) ON_CONTROL;

/* Fills the record of a reserved index and makes it live. Control thread. */
void sw_link_publish(struct sw_link_table *table, uint32_t index,
		     const struct sw_link_config *config, vd_ns now) ON_CONTROL;

/*
 * Takes a live index away; its slot is reused after a grace period. No director may
 * point to it any more: workers follow directors without looking at the index again.
 * Control thread.
 */
void sw_link_retire(struct sw_link_table *table, uint32_t index) ON_CONTROL;

/*
 * A record of rates for all generations of one link, so that a new one does not begin with
 * full buckets. In a table either all links have such or none. VD_ELIMIT. Released when the
 * last generation was retired: reused after a grace period. Control thread.
 */
enum vd_err sw_link_reserve_police(struct sw_link_table *table, vd_ns now,
				   uint32_t *police_out) ON_CONTROL;
void sw_link_release_police(struct sw_link_table *table, uint32_t police) ON_CONTROL;

/* Control thread, at any time; single words. */
/* Rates of the link's record; to be called for each generation of the link. */
void sw_link_set_rates(struct sw_link_table *table, uint32_t index, uint64_t pps,
		       uint64_t bps) ON_CONTROL;
void sw_link_set_permit(struct sw_link_table *table, uint32_t index, uint64_t permit) ON_CONTROL;
void sw_link_set_path(struct sw_link_table *table, uint32_t index, uint32_t path) ON_CONTROL;
void sw_link_set_keepalive(struct sw_link_table *table, uint32_t index, bool on) ON_CONTROL;

/* The record under a live index, or NULL. Any registered thread; valid until quiescent. */
struct sw_link *sw_link_find(const struct sw_link_table *table, uint32_t index);
