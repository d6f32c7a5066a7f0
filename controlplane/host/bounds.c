/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* bounds: where a host's connections meet the limits that all hosts share. */
#include "controlplane/host/host_state.h"

enum { STEP_BYTES = 65536 }; /* what is counted later, at the turn's end */

enum vd_err host_bounds_init(struct host *host, const struct host_config *config)
{
	host->limits = config->limits;
	host->own_limits = !config->limits;
	return host->own_limits ? host_limits_new(NULL, &host->limits) : VD_OK;
}

void host_bounds_fini(struct host *host)
{
	if (host->own_limits)
		host_limits_free(host->limits);
	host->limits = NULL;
}

enum vd_err host_bounds_arrived(struct host_conn *conn, const char **why_out)
{
	struct sockaddr_storage remote;
	enum vd_err err;

	if (!host_address_ip(&conn->remote, &remote))
		return VD_OK; /* it came by a relay, say */
	err = host_limits_arrive(conn->host->limits, &remote, vd_now(), why_out);
	conn->arrived = !err;
	conn->host->counters.connections_refused += err != VD_OK;
	return err;
}

/* Those that ended count no more, but for as many as the muxer has something of. */
static void settle_streams(struct host_conn *conn)
{
	const struct muxer *muxer = conn->closing ? NULL : conn->machine.muxer;
	uint32_t leaving = muxer ? muxer->leaving : 0;

	for (; conn->ended_streams > leaving; conn->ended_streams--)
		host_limits_peer_stream_ended(conn->peer);
}

void host_bounds_left(struct host_conn *conn)
{
	struct sockaddr_storage remote;

	settle_streams(conn);
	host_limits_leave(conn->host->limits, conn->machine.dialer, conn->announced);
	if (conn->peer)
		host_limits_peer_left(conn->host->limits, conn->peer);
	conn->peer = NULL;
	if (conn->arrived && host_address_ip(&conn->remote, &remote))
		host_limits_depart(conn->host->limits, &remote);
	conn->arrived = false;
}

static uint64_t held_by(const struct host_conn *conn)
{
	const struct muxer *muxer = conn->machine.muxer;
	const struct security *security = conn->machine.security;
	size_t waiting = conn->carrier ? conn->carrier->waiting : 0;

	return (muxer ? muxer_buffered(muxer) : 0) + (security ? security_buffered(security) : 0) +
	       conn->held_len + waiting + conn->told_of_us.held;
}

bool host_bounds_grew(const struct host_conn *conn)
{
	return held_by(conn) > conn->buffered + STEP_BYTES;
}

/* Whether as much went through it, this second and the last, as it holds. */
static bool flows(struct host_conn *conn)
{
	uint64_t through = conn->carried > conn->buffered ? conn->carried - conn->buffered : 0;
	vd_ns now = vd_now();

	if (now >= vd_ns_add(conn->flow_since, VD_SECONDS(1))) {
		bool idle = now >= vd_ns_add(conn->flow_since, VD_SECONDS(2));

		conn->flow_before = idle ? through : conn->flow_from;
		conn->flow_from = through;
		conn->flow_since = now;
	}
	return through > conn->flow_before && through - conn->flow_before >= conn->buffered;
}

enum vd_err host_bounds_buffer(struct host_conn *conn)
{
	uint64_t before = conn->buffered;

	settle_streams(conn);
	conn->buffered = held_by(conn);
	return host_limits_buffer(conn->host->limits, before, conn->buffered, flows(conn));
}

void host_bounds_freed(struct host_conn *conn)
{
	(void)host_limits_buffer(conn->host->limits, conn->buffered, 0, false);
	conn->buffered = 0;
}

void host_bounds_opened(struct host_conn *conn)
{
	host_limits_opened(conn->host->limits, conn->machine.dialer);
	conn->peer = host_limits_peer(conn->host->limits, &conn->machine.security->peer);
}

enum vd_err host_bounds_stream(const struct host_conn *conn)
{
	return conn->peer ? host_limits_peer_stream(conn->host->limits, conn->peer) : VD_ENOMEM;
}

void host_bounds_stream_ended(struct host_conn *conn)
{
	conn->ended_streams++;
	settle_streams(conn);
}
