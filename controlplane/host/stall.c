/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stall: a peer that goes on talking and takes nothing of what we send. What it asks for would wait
 * for ever: its frames keep the connection alive, and what we are done with has no other deadline.
 *
 * While a write waits, nothing is added to what is on its way (conn.c), so that only shrinks. How
 * much it is, is looked at once in HOST_STALL_S: a peer that took a byte meanwhile stays, however
 * slow.
 */
#include "controlplane/host/host_state.h"

static void look(struct host_conn *conn, vd_ns now)
{
	conn->stall_left = carrier_left(conn->carrier);
	conn->stall_at = vd_ns_add(now, conn->host->stall_within);
}

vd_ns host_stall_at(struct host_conn *conn, vd_ns now)
{
	if (!conn->carrier || !conn->carrier->waiting)
		return VD_NEVER;
	if (!conn->stall_at)
		look(conn, now);
	return conn->stall_at;
}

bool host_stalled(struct host_conn *conn, vd_ns now)
{
	size_t before = conn->stall_left;

	if (!conn->stall_at || now < conn->stall_at)
		return false;
	look(conn, now);
	return conn->stall_left >= before;
}
