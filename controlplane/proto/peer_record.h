/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_record: a peer's addresses, signed by itself (libp2p RFC 0003), in an envelope.
 *
 *	message PeerRecord { bytes peer_id = 1; uint64 seq = 2; repeated AddressInfo addresses = 3;
 *} message AddressInfo { bytes multiaddr = 1; }
 *
 * Domain and payload type of ours are those of go- and js-libp2p, `libp2p-peer-record` and the
 * bytes 03 01 (the multicodec of that name, not as a varint). The RFC's text has others, which
 * identify of rust-libp2p (0.57) writes and reads alone: those are read, too.
 *
 * Threads: any. Memory: borrows.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "controlplane/proto/envelope.h"

enum { PEER_RECORD_ADDRESSES = 64 }; /* further ones are passed over */

struct peer_record {
	struct vd_peer_id peer;
	uint64_t seq; /* a newer record has a greater one */
	uint32_t address_count;
	struct vd_bytes addresses[PEER_RECORD_ADDRESSES]; /* multiaddrs; not looked into */
	struct vd_bytes envelope; /* all that was read: what others can verify, too */
};

/*
 * Reads an envelope with a peer record, and verifies that the peer itself signed it. The errors of
 * envelope_read; VD_EPEER_UNSUPPORTED for another payload, VD_EPEER_AUTH for another's record.
 */
enum vd_err peer_record_read(struct vd_bytes in, struct peer_record *record_out);

/* Signs one of ours: `record->peer` has to be the identity's. VD_EBUG_ROOM. */
enum vd_err peer_record_write(struct vd_write *w, const struct vd_identity *identity,
			      const struct peer_record *record);
