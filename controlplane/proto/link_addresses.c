/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/link_addresses.h"

#include "base/pb.h"

enum { FIELD_ADDRESS = 1 };

static struct vd_bytes bytes_of(const struct vd_multiaddr *address)
{
	return vd_bytes(address->bytes, address->len);
}

static bool leads_somewhere(const struct vd_udp_addr *address)
{
	enum ip_scope scope = ip_scope(vd_bytes(address->ip, sizeof address->ip));

	return address->port && scope != IP_UNSPECIFIED && scope != IP_MULTICAST;
}

void link_addresses_add(struct link_addresses *addresses, const struct vd_udp_addr *address)
{
	for (uint32_t i = 0; i < addresses->count; i++)
		if (vd_udp_addr_equal(&addresses->at[i], address))
			return;
	if (addresses->count == LINK_ADDRESSES || !leads_somewhere(address))
		addresses->refused++;
	else
		addresses->at[addresses->count++] = *address;
}

/* ---- reading ---- */

/* In the one form that there is (SW-4.1-2), and the sender's own. */
static bool is_link_of(struct vd_bytes bytes, const struct vd_peer_id *peer,
		       struct vd_udp_addr *address_out)
{
	struct vd_multiaddr address, canonical;

	if (vd_multiaddr_of_bytes(bytes, &address) ||
	    vd_multiaddr_to_link(&address, address_out, NULL))
		return false;
	vd_multiaddr_of_link(address_out, peer, &canonical);
	return vd_multiaddr_equal(&address, &canonical);
}

static void take(struct vd_bytes bytes, const struct vd_peer_id *peer, enum ip_scope remote,
		 struct link_addresses *to)
{
	struct vd_udp_addr address = { 0 };

	if (!is_link_of(bytes, peer, &address) ||
	    !ip_scope_leads(ip_scope(vd_bytes(address.ip, sizeof address.ip)), remote))
		to->refused++;
	else
		link_addresses_add(to, &address);
}

static enum vd_err read_message(struct vd_bytes message, const struct vd_peer_id *peer,
				enum ip_scope remote, struct link_addresses *to)
{
	struct vd_read r = vd_read_of(message);
	struct vd_pb_field field;

	while (vd_pb_next(&r, &field))
		if (field.number == FIELD_ADDRESS)
			take(vd_pb_bytes(&r, &field), peer, remote, to);
	return vd_read_end(&r);
}

enum vd_err link_addresses_read(struct vd_bytes stream, const struct vd_peer_id *peer,
				enum ip_scope remote, struct link_addresses *out)
{
	struct vd_read r = vd_read_of(stream);
	struct link_addresses read = { 0 };
	uint64_t len = vd_read_uvarint(&r);
	struct vd_bytes message;
	enum vd_err err;

	if (!r.err && len > LINK_ADDRESSES_MAX)
		return VD_EPEER_RANGE;
	message = vd_read_bytes(&r, (size_t)len);
	err = vd_read_end(&r);
	if (!err)
		err = read_message(message, peer, remote, &read);
	if (!err)
		*out = read;
	return err;
}

/* ---- writing ---- */

enum vd_err link_addresses_write(const struct link_addresses *addresses,
				 const struct vd_peer_id *self, struct vd_write *w)
{
	struct vd_multiaddr all[LINK_ADDRESSES];
	size_t len = 0;

	for (uint32_t i = 0; i < addresses->count; i++) {
		vd_multiaddr_of_link(&addresses->at[i], self, &all[i]);
		len += vd_pb_bytes_len(FIELD_ADDRESS, all[i].len);
	}
	vd_write_uvarint(w, len);
	for (uint32_t i = 0; i < addresses->count; i++)
		vd_pb_write_bytes(w, FIELD_ADDRESS, bytes_of(&all[i]));
	return vd_write_end(w);
}
