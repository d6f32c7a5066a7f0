/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_value: what is known of a peer, as a row of the peer store's file.
 *
 *	message Peer {
 *	        uint64 heard_ms = 1;
 *	        repeated Address addresses = 2;
 *	        repeated string protocols = 3;
 *	        bytes public_key = 4;
 *	        string agent = 5;
 *	        uint64 record_seq = 6;
 *	        uint64 latency_us = 7;
 *	        bytes envelope = 8;
 *	}
 *	message Address {
 *	        bytes multiaddr = 1;
 *	        uint64 source = 2;
 *	        uint64 expires_ms = 3;
 *	}
 *
 * record_seq is there if and only if a signed record was; envelope is that record's, and may be
 * missing: older daemons did not write it. Times are since 1970. Fields that are not known are
 * passed over, so that an older daemon reads a newer one's file.
 *
 * Threads: any. Memory: what is decoded is borrowed from the row.
 */
#include "controlplane/proto/peer_book.h"

enum {
	PEER_VALUE_MAX = 20480 /* of any entry */
};

struct peer_value {
	vd_ns heard, latency;
	uint64_t record_seq;
	bool has_record;
	struct vd_bytes key, agent, envelope;
	struct peer_address addresses[PEER_BOOK_ADDRESSES];
	uint32_t address_count;
	struct vd_bytes protocols[PEER_BOOK_PROTOCOLS];
	uint32_t protocol_count;
};

/* VD_EBUG_ROOM: `w` has less than PEER_VALUE_MAX. */
enum vd_err peer_value_encode(const struct peer_entry *entry, struct vd_write *w);
/* VD_EPEER_TRUNC, VD_EPEER_FORMAT, VD_EPEER_RANGE: the file is damaged there. */
enum vd_err peer_value_decode(struct vd_bytes row, struct peer_value *value_out);
