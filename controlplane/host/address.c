/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* address: /ip4|ip6/…/tcp/… and socket addresses. */
#include <arpa/inet.h>

#include "controlplane/host/host_state.h"
#include "controlplane/host/tcp.h"

/* ---- from a multiaddr ---- */

static bool take_ip(const struct vd_multiaddr_part *part, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){ 0 };
	if (part->code == VD_MA_IP4 && part->value.len == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, part->value.at, 4);
		return true;
	}
	if (part->code == VD_MA_IP6 && part->value.len == 16) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		in6->sin6_family = AF_INET6;
		memcpy(&in6->sin6_addr, part->value.at, 16);
		return true;
	}
	return false;
}

static void take_port(const struct vd_multiaddr_part *part, struct sockaddr_storage *out)
{
	in_port_t port = htons(vd_be16_load(part->value.at));

	if (out->ss_family == AF_INET)
		((struct sockaddr_in *)out)->sin_port = port;
	else
		((struct sockaddr_in6 *)out)->sin6_port = port;
}

enum vd_err tcp_address_parse(const struct vd_multiaddr *address, struct sockaddr_storage *out)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	if (!vd_multiaddr_next(address, &at, &part) || !take_ip(&part, out))
		return VD_EUSER;
	if (!vd_multiaddr_next(address, &at, &part) || part.code != VD_MA_TCP)
		return VD_EUSER;
	take_port(&part, out);
	return vd_multiaddr_next(address, &at, &part) ? VD_EUSER : VD_OK;
}

bool host_address_ip(const struct vd_multiaddr *address, struct sockaddr_storage *out)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	return vd_multiaddr_next(address, &at, &part) && take_ip(&part, out);
}

/* ---- to a multiaddr ---- */

static void write_ip(struct vd_write *w, uint32_t code, const void *ip, size_t len)
{
	vd_write_uvarint(w, code);
	vd_write_bytes(w, vd_bytes(ip, len));
}

void host_address_of(const struct sockaddr_storage *socket, struct vd_multiaddr *out)
{
	struct vd_write w = vd_write_to(out->bytes, sizeof out->bytes);
	in_port_t port;

	if (socket->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)socket;

		write_ip(&w, VD_MA_IP4, &in->sin_addr, 4);
		port = in->sin_port;
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)socket;
		bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		write_ip(&w, mapped ? VD_MA_IP4 : VD_MA_IP6,
			 in6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
		port = in6->sin6_port;
	}
	vd_write_uvarint(&w, VD_MA_TCP);
	vd_write_be16(&w, ntohs(port));
	out->len = (uint16_t)vd_write_len(&w);
}

void host_address_end(const struct sockaddr_storage *socket, struct vd_udp_addr *out)
{
	*out = (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff } };
	if (socket->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)socket;

		memcpy(out->ip + 12, &in->sin_addr, 4);
		out->port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)socket;

		memcpy(out->ip, &in6->sin6_addr, 16);
		out->port = ntohs(in6->sin6_port);
	}
}
