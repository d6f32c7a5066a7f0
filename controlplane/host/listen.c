/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* listen: where a host listens, and what becomes of who connects. */
#include "controlplane/host/host_state.h"

#include <stdio.h>
#include <unistd.h>

/* ---- arrivals ---- */

/* The carrier is up. */
static enum vd_err begin_arrived(struct host_conn *conn, struct carrier *carrier)
{
	const char *why;

	host_conn_carry(conn, carrier);
	if (host_bounds_arrived(conn, &why)) {
		host_conn_close(conn, VD_ELIMIT, why);
		return VD_ELIMIT;
	}
	host_conn_established(conn);
	return VD_OK;
}

enum vd_err host_arrived(struct transport *transport, struct carrier *carrier,
			 const struct vd_multiaddr *remote)
{
	struct host_conn *conn = host_conn_new(transport->host, false, NULL);

	if (!conn) {
		carrier_close(carrier);
		return VD_ELIMIT;
	}
	conn->remote = *remote;
	return begin_arrived(conn, carrier);
}

enum vd_err host_adopt(struct host *host, unsigned number, int fd)
{
	struct transport *transport =
	    number < host->transport_count ? &host->transports[number] : NULL;
	struct carrier *carrier;
	struct host_conn *conn;
	enum vd_err err;

	if (!transport || !transport->class->adopt) {
		close(fd);
		return VD_EBUG_STATE;
	}
	conn = host_conn_new(host, false, NULL);
	if (!conn) {
		close(fd);
		return host->stopping ? VD_ELINK_CLOSED : VD_ELIMIT;
	}
	err = transport->class->adopt(transport, fd, &conn->remote, &carrier);
	if (!err)
		return begin_arrived(conn, carrier);
	host_conn_close(conn, err, "gone before it was accepted");
	return err;
}

/* To whoever the events' owner chooses. */
void host_accepted(struct transport *transport, int fd)
{
	struct host *host = transport->host;
	unsigned number = (unsigned)(transport - host->transports);

	if (!host->events.accepted || !host->events.accepted(host->events.context, number, fd))
		(void)host_adopt(host, number, fd);
}

/* ---- listeners ---- */

static struct transport *listens_by(struct host *host, const struct vd_multiaddr *address)
{
	struct vd_multiaddr bare;
	struct transport *transport;
	struct vd_peer_id peer;

	if (transport_split(address, &bare, &peer) || peer.len)
		return NULL;
	transport = host_transport_of(host, address);
	return transport && transport->class->listen ? transport : NULL;
}

enum vd_err host_listen(struct host *host, const struct vd_multiaddr *address, char why[HOST_WHY])
{
	struct transport *transport = listens_by(host, address);
	enum vd_err err;

	if (!transport) {
		snprintf(why, HOST_WHY, "wants /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT");
		return VD_EUSER;
	}
	if (host->listen_count == HOST_LISTEN_MAX) {
		snprintf(why, HOST_WHY, "more than %d addresses; leave some out", HOST_LISTEN_MAX);
		return VD_ELIMIT;
	}
	err =
	    transport->class->listen(transport, address, &host->listeners[host->listen_count], why);
	if (err)
		return err;
	host->listen_count++;
	host_self_listens_changed(host);
	return VD_OK;
}

void host_listen_close(struct host *host)
{
	while (host->listen_count) {
		struct transport_listener *listener = host->listeners[--host->listen_count];

		listener->transport->class->unlisten(listener);
	}
}

enum vd_err host_listens_give(struct host *host, unsigned user)
{
	enum vd_err err = VD_OK;

	for (size_t i = 0; !err && i < host->listen_count; i++) {
		struct transport_listener *listener = host->listeners[i];

		if (listener->transport->class->give)
			err = listener->transport->class->give(listener, user);
	}
	return err;
}

size_t host_listens(const struct host *host, struct vd_multiaddr out[HOST_LISTEN_MAX])
{
	size_t count = host->listen_count;

	for (size_t i = 0; i < count; i++)
		out[i] = host->listeners[i]->address;
	for (size_t i = 0; i < host->by_another_count && count < HOST_LISTEN_MAX; i++)
		out[count++] = host->by_another[i];
	return count;
}

void host_listens_by_another(struct host *host, const struct vd_multiaddr *listens, size_t count)
{
	host->by_another_count = count < HOST_LISTEN_MAX ? count : HOST_LISTEN_MAX;
	memcpy(host->by_another, listens, host->by_another_count * sizeof *listens);
	host_self_listens_changed(host);
}
