/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * identify: what peers tell of themselves (libp2p/specs, identify, "The Identify Message"):
 * the message of /ipfs/id/1.0.0 and /ipfs/id/push/1.0.0, a varint of length before it.
 *
 * Nothing in it is verified here: the key has to match the connection's peer, addresses have to
 * be multiaddrs, and only the signed record's addresses are the peer's word.
 *
 * Threads: any. Memory: decoded fields are borrowed from the message.
 */
#include "base/bytes.h"
#include "base/err.h"

#define IDENTIFY_ID      "/ipfs/id/1.0.0"
#define IDENTIFY_PUSH_ID "/ipfs/id/push/1.0.0"

enum {
	IDENTIFY_MESSAGE_MAX = 8192, /* of a message, without its length; go-libp2p's limit too */
	IDENTIFY_ADDRESSES = 64,     /* of each list, what is beyond is left out */
	IDENTIFY_PROTOCOLS = 128,
};

struct identify {
	struct vd_bytes public_key;       /* protobuf of base/formats/key.h; empty: not told */
	struct vd_bytes observed;         /* multiaddr by which the sender sees the receiver */
	struct vd_bytes protocol_version; /* texts, without NUL */
	struct vd_bytes agent;
	struct vd_bytes signed_record; /* envelope (RFC 0002) of a peer record (RFC 0003) */
	size_t addresses_count, protocols_count;
	struct vd_bytes addresses[IDENTIFY_ADDRESSES]; /* multiaddrs */
	struct vd_bytes protocols[IDENTIFY_PROTOCOLS];
};

/*
 * From a message without its length. VD_EPEER_TRUNC, VD_EPEER_FORMAT, VD_EPEER_RANGE when it is
 * above the limit. A field of one value that comes again replaces the one before, as protobuf has
 * it.
 */
enum vd_err identify_decode(struct vd_bytes message, struct identify *identify_out);

/*
 * With its length before it. VD_EBUG_ROOM when `w` has no room, VD_ELIMIT when the message is
 * above the limit.
 */
enum vd_err identify_encode(const struct identify *identify, struct vd_write *w);
