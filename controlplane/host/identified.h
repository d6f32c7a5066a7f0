/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * identified: what a peer told of itself, as host_events.identified hands it out, taken apart:
 * which protocols it speaks, where it listens, how it sees us.
 *
 *	static void on_identified(void *context, struct host_conn *conn, struct vd_bytes told)
 *	{
 *		struct host_identified peer;
 *
 *		if (!host_identified_read(conn, told, &peer) &&
 *		    host_identified_speaks(&peer, "/example/chat/1.0.0"))
 *			… host_open(conn, …)
 *	}
 *
 * All of it is the peer's word. Of addresses it can be proved that the peer itself said so: when
 * it sent a signed record (libp2p RFC 0003) that is its own, they are of that, and the unsigned
 * list is passed over. That they lead to the peer is not proved by that either: only a dial does.
 *
 * Threads: the loop's. Memory: ranges are borrowed from `told`, so copy what is to stay.
 */
#include "base/bytes.h"
#include "base/err.h"
#include "controlplane/host/host.h"

enum { HOST_IDENTIFIED_ADDRESSES = 64, HOST_IDENTIFIED_PROTOCOLS = 128 }; /* more is left out */

struct host_identified {
	/* Texts without NUL, with any bytes in them: look before you print. Empty: not told, and so
	 * it is with all that follows. */
	struct vd_bytes agent, protocol_version;
	struct vd_bytes observed; /* our address as it sees it, for vd_multiaddr_of_bytes */
	bool is_signed;           /* the addresses, by the peer */
	struct vd_bytes envelope; /* of them, if so: others can verify it, too (RFC 0002) */
	size_t address_count, protocol_count;
	/* For vd_multiaddr_of_bytes; each is one. */
	struct vd_bytes addresses[HOST_IDENTIFIED_ADDRESSES];
	struct vd_bytes protocols[HOST_IDENTIFIED_PROTOCOLS]; /* texts, as the agent */
};

/*
 * `told` came on `conn`. A push may tell only what is new (libp2p/specs, identify/push): of what is
 * empty the last word still holds. VD_EPEER_…: it does not read, which is not so with what
 * host_events.identified is given; `identified_out` is untouched.
 */
enum vd_err host_identified_read(const struct host_conn *conn, struct vd_bytes told,
				 struct host_identified *identified_out);
bool host_identified_speaks(const struct host_identified *identified, const char *protocol);
