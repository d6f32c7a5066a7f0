/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * advice: for each drop reason, what it usually means and what to look at.
 *
 * Shown by `viaduct stats --explain` and in docs/drops.md (tests/lint/drops.py --write);
 * a test holds it against the table of switch/drop.h. Nothing but strings: the data
 * plane does not include this.
 */
#include "switch/drop.h"

/* X(symbol of SW_DROPS, a paragraph for the operator) */
#define SW_ADVICE(X)                                                                               \
	X(NOT_OURS,                                                                                \
	  "A few are normal: with af_packet every packet of the interface passes by, and STUN or " \
	  "QUIC may share the port. Many at a UDP port mean that something else sends there: "     \
	  "capture them with --drop not_ours and look at the sender.")                             \
	X(BAD_HEADER,                                                                              \
	  "The outer headers contradict each other. On a clean network that is a broken driver "   \
	  "or tunnel on the way, or somebody probing. Compare with a capture of the interface.")   \
	X(BAD_CHECKSUM,                                                                            \
	  "Bits were damaged on the way, or the sender's offload left the sum unmade, which "      \
	  "veths between containers do: switch tx offload off there (ethtool -K). IPv6 "           \
	  "datagrams without a UDP checksum count here, too.")                                     \
	X(FRAGMENT,                                                                                \
	  "Frames are sent with DF, so a fragment comes from a tunnel that fragments anyway, or "  \
	  "is forged. Lower tun.mtu of the edge that sends them. UDP sockets count a datagram "    \
	  "once that the kernel put together; packet sockets with IPv4 cannot tell one.")          \
	X(NO_NEIGHBOUR,                                                                            \
	  "A few are normal when a link begins: the kernel is asked for the Ethernet address and " \
	  "the packet is lost. If it goes on, look at `ip neighbour` and `ip route get` for the "  \
	  "neighbour's address, on the interface of the port.")                                    \
	X(TX_FULL,                                                                                 \
	  "The port (or the TUN) took no more. It is the bottleneck: look at its speed, at a "     \
	  "larger socket buffer (net.core.wmem_max), or at a rate in the tiers.")                  \
	X(NO_BUFFER,                                                                               \
	  "All buffers are in flight, which a healthy worker never sees for long. Give more "      \
	  "memory (dataplane.memory_mb or huge pages); if it stays, it is a leak: report it.")     \
	X(TRUNCATED,                                                                               \
	  "Shorter than the header that its first byte promises. No Viaduct node sends such: "     \
	  "somebody probes, or something on the way cuts packets.")                                \
	X(UNKNOWN_INDEX,                                                                           \
	  "Normal for seconds after this node restarted, and half a minute after a rekey: the "    \
	  "neighbour still uses the old keys. If it goes on, a neighbour does not learn that its " \
	  "link is gone (are our reports blocked?), or frames are forged.")                        \
	X(BAD_TAG,                                                                                 \
	  "The frame names a link of ours but was not made with its key: damaged on the way, or "  \
	  "forged. It costs one SipHash and nothing else. Capture with --drop bad_tag and see "    \
	  "whether the source is the neighbour's address.")                                        \
	X(REPLAYED,                                                                                \
	  "A copy of a frame that came before, or one over 512 frames late. Duplication and deep " \
	  "reordering on the way do it, several paths of unequal length too; else somebody "       \
	  "replays a recording, without effect.")                                                  \
	X(UNKNOWN_DIRECTOR,                                                                        \
	  "The sender's route leads over a link that is not there any more. It is told by a "      \
	  "report and asks anew; so a steady count means a sender that does not get or believe "   \
	  "reports, or guesses labels.")                                                           \
	X(EXHAUSTED,                                                                               \
	  "A route longer than 60 bits: too many hops for the widths of the routers, or a label "  \
	  "crafted to loop, which ends here.")                                                     \
	X(SAME_LINK,                                                                               \
	  "A route that sends a frame back to where it came from. Routers never hand out such: a " \
	  "stale or crafted label.")                                                               \
	X(NOT_PERMITTED,                                                                           \
	  "The two links share no realm in which one may call and the other may be called. Look "  \
	  "at link.tiers here (realms, call), and whether the callee has a reservation: "          \
	  "`viaduct links -o json` tells it.")                                                     \
	X(OVER_RATE,                                                                               \
	  "The tier's pps or bps of the ingress or the egress link is used up. Raise it, or tell " \
	  "the peer to send less; `viaduct links` shows who sends most.")                          \
	X(DELIVERY_RATE,                                                                           \
	  "One link sends this node itself more than link.delivery_pps frames a second that "      \
	  "belong to no session: handshakes, reports, junk. Somebody behind that link floods us.") \
	X(TOO_BIG,                                                                                 \
	  "Larger than the way out carries. The sender is told the limit by a report; an edge "    \
	  "whose tun.mtu was set by hand above the path must lower it, or set auto.")              \
	X(CE_NOT_ECT,                                                                              \
	  "A router on the way marked congestion, but the packet inside came from a sender that "  \
	  "does not take such marks, so dropping it is the only way to tell it. Rare; if it "      \
	  "grows, something on the path marks what it must not, or rewrites ECN bits.")            \
	X(NOT_A_SWITCH,                                                                            \
	  "A frame for somebody else came to an edge. Set link.width if this node is to be a "     \
	  "router; else the sender's route is stale or crafted.")                                  \
	X(LANE_FULL,                                                                               \
	  "Another worker owns the link that the frame goes on by, and is too busy to take it. "   \
	  "Look at BUSY in `viaduct stats`; spread the links, or add workers.")                    \
	X(PUNT_FULL,                                                                               \
	  "Handshakes and frames under unknown indices came faster than the control thread "       \
	  "reads: a flood. Links and sessions that are up have queues of their own.")              \
	X(CONTROL_FULL,                                                                            \
	  "Control messages of links and sessions, each within its share, came faster than the "   \
	  "control thread reads: it is starved, or very many peers came up at once. They repeat.") \
	X(UNKNOWN_SESSION,                                                                         \
	  "The other edge uses keys that this one does not have: normal for seconds after a "      \
	  "restart. If it goes on, that edge does not get our answers.")                           \
	X(BAD_SEAL,                                                                                \
	  "Made with another key, or changed on the way behind the first 16 bytes, which the "     \
	  "switches do not check. If it grows with traffic, something on the path damages "        \
	  "packets: compare the links' paths one by one.")                                         \
	X(BAD_INNER,                                                                               \
	  "It opened, but is nothing that we speak inside a session: a peer of another version, "  \
	  "or IPv6 for a node without a TUN.")                                                     \
	X(REPORT_UNBELIEVED,                                                                       \
	  "A router on the way says that it dropped a frame that this edge does not remember. A "  \
	  "few come late; many are forged by somebody who cannot see our frames, without effect.") \
	X(WRONG_SOURCE,                                                                            \
	  "A packet whose source is not the overlay address of the session's peer (or, from our "  \
	  "TUN, not our own): a program bound to another address, forwarding behind an edge, "     \
	  "or a forgery.")                                                                         \
	X(WRONG_DESTINATION,                                                                       \
	  "A packet from a session for an address that is not this edge's: edges do not route "    \
	  "for others. The sender's routing table is wrong.")                                      \
	X(NO_SESSION,                                                                              \
	  "The first packets to a peer are lost while the session is made. If it goes on: is the " \
	  "peer in session.connect, does it allow us, has it a reservation? See "                  \
	  "`viaduct sessions`, and both logs. What the host multicasts counts here, too: a few "   \
	  "when the TUN comes up.")                                                                \
	X(NO_LINK, "The path's link went down under the session. It looks for another way within " \
		   "seconds; see `viaduct links`.")                                                \
	X(TUN_BAD,                                                                                 \
	  "The host sent something else than IPv6 to the TUN, mostly IPv4 or a broken raw "        \
	  "socket. Harmless; look at routes to the TUN's name.")
