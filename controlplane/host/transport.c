/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* transport: which of its transports a host takes for an address. */
#include "controlplane/host/host_state.h"

void host_hold(struct host *host)
{
	host->handle_count++;
}

void host_let_go(struct host *host)
{
	host->handle_count--;
}

enum vd_err host_transport_add(struct host *host, const struct transport_class *class)
{
	struct transport *transport = &host->transports[host->transport_count];
	enum vd_err err;

	if (host->transport_count == HOST_TRANSPORTS_MAX)
		return VD_ELIMIT;
	*transport = (struct transport){ .class = class, .host = host };
	err = class->open ? class->open(transport) : VD_OK;
	if (!err)
		host->transport_count++;
	return err;
}

/* A private network is a cipher around bytes. */
static bool may_take(const struct host *host, const struct transport_class *class)
{
	return !host->network || class->brings == TRANSPORT_BYTES;
}

struct transport *host_transport_of(struct host *host, const struct vd_multiaddr *address)
{
	for (size_t i = 0; i < host->transport_count; i++) {
		struct transport *transport = &host->transports[i];

		if (may_take(host, transport->class) && transport->class->takes(address))
			return transport;
	}
	return NULL;
}

void host_transports_close(struct host *host)
{
	while (host->transport_count) {
		struct transport *transport = &host->transports[--host->transport_count];

		if (transport->class->close)
			transport->class->close(transport);
	}
}

enum vd_err transport_split(const struct vd_multiaddr *address, struct vd_multiaddr *bare_out,
			    struct vd_peer_id *peer_out)
{
	struct vd_multiaddr_part part = { .code = 0 };
	struct vd_peer_id peer = { 0 };
	size_t at = 0, last = 0, len = 0;

	while (vd_multiaddr_next(address, &at, &part)) {
		last = len;
		len = at;
	}
	if (part.code == VD_MA_P2P && vd_peer_id_of_bytes(part.value, &peer))
		return VD_EUSER;
	*bare_out = (struct vd_multiaddr){ .len = (uint16_t)(peer.len ? last : len) };
	memcpy(bare_out->bytes, address->bytes, bare_out->len);
	*peer_out = peer;
	return VD_OK;
}
