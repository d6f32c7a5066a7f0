/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * drop: why a packet stopped, one name per reason.
 *
 * Each reason is a per-worker counter, a row of `viaduct stats`, a label of
 * viaduct_drops_total and a paragraph of docs/drops.md: the table below is the
 * only place that lists them.
 */
#include <stddef.h>

/* X(symbol, name, what happened and what to look at) */
#define SW_DROPS(X)                                                                                \
	/* outer headers (dataplane) */                                                            \
	X(NOT_OURS, "not_ours", "no UDP datagram to one of our ports")                             \
	X(BAD_HEADER, "bad_header", "Ethernet, VLAN, IP or UDP header malformed")                  \
	X(BAD_CHECKSUM, "bad_checksum", "IP or UDP checksum does not match")                       \
	X(FRAGMENT, "fragment", "outer IP fragment; lower the MTU of the sending edge")            \
	X(NO_NEIGHBOUR, "no_neighbour", "the next hop's Ethernet address is not known yet")        \
	X(TX_FULL, "tx_full", "the port took no more packets; it is the bottleneck")               \
	X(NO_BUFFER, "no_buffer", "the packet pool is empty")                                      \
	/* frames (switch) */                                                                      \
	X(TRUNCATED, "truncated", "shorter than its header")                                       \
	X(UNKNOWN_INDEX, "unknown_index", "receiver index is not in use: a stale or forged frame") \
	X(BAD_TAG, "bad_tag", "tag does not verify: corrupted, or forged")                         \
	X(REPLAYED, "replayed", "counter seen before, or older than the window")                   \
	X(UNKNOWN_DIRECTOR, "unknown_director", "the label names no link here: a stale route")     \
	X(EXHAUSTED, "exhausted", "the label's 60 bits are used up")                               \
	X(SAME_LINK, "same_link", "would leave by the link it came from")                          \
	X(NOT_PERMITTED, "not_permitted", "no realm in which one side may call the other")         \
	X(OVER_RATE, "over_rate", "above the rate of the link's tier")                             \
	X(DELIVERY_RATE, "delivery_rate", "too many frames to this node itself on one link")       \
	X(TOO_BIG, "too_big", "larger than the egress link carries")                               \
	X(CE_NOT_ECT, "ce_not_ect",                                                                \
	  "congestion was marked on the way, and the packet cannot carry the mark (RFC 6040)")     \
	X(NOT_A_SWITCH, "not_a_switch", "this node does not switch (link.width: 0)")               \
	X(LANE_FULL, "lane_full", "another worker's queue was full")                               \
	X(PUNT_FULL, "punt_full", "the control thread's queue for strangers was full")             \
	X(CONTROL_FULL, "control_full",                                                            \
	  "the control thread's queue for links and sessions was full")                            \
	/* sessions (edges) */                                                                     \
	X(UNKNOWN_SESSION, "unknown_session", "session index is not in use")                       \
	X(BAD_SEAL, "bad_seal", "a sealed frame does not open")                                    \
	X(BAD_INNER, "bad_inner", "an unknown index or malformed packet inside a session")         \
	X(REPORT_UNBELIEVED, "report_unbelieved",                                                  \
	  "a report about no frame that was sent lately: late, or forged")                         \
	X(WRONG_SOURCE, "wrong_source", "overlay source address is not the sender's")              \
	X(WRONG_DESTINATION, "wrong_destination", "overlay destination address is not ours")       \
	X(NO_SESSION, "no_session", "no session to the overlay destination")                       \
	X(NO_LINK, "no_link", "the link that the packet should leave by is gone")                  \
	X(TUN_BAD, "tun_bad", "the TUN handed over something that is not an IPv6 packet")

enum sw_drop {
#define X(symbol, name, text) SW_DROP_##symbol,
	SW_DROPS(X)
#undef X
	    SW_DROP_COUNT,
};

/* "not_ours", …; static storage. */
const char *sw_drop_name(enum sw_drop drop);

/* One sentence for people; static storage. */
const char *sw_drop_text(enum sw_drop drop);
