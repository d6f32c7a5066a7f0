/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/identified.h"

#include "controlplane/host/host_state.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/peer_record.h"

static_assert((int)HOST_IDENTIFIED_ADDRESSES == (int)IDENTIFY_ADDRESSES);
static_assert((int)HOST_IDENTIFIED_ADDRESSES == (int)PEER_RECORD_ADDRESSES);
static_assert((int)HOST_IDENTIFIED_PROTOCOLS == (int)IDENTIFY_PROTOCOLS);

/* Whether there is a record that the connection's peer signed. */
static bool read_record(const struct host_conn *conn, struct vd_bytes envelope,
			struct peer_record *record_out)
{
	return envelope.len && !peer_record_read(envelope, record_out) &&
	       vd_peer_id_equal(&record_out->peer, &conn->machine.security->peer);
}

static void take_addresses(struct host_identified *out, const struct vd_bytes *addresses,
			   size_t count)
{
	struct vd_multiaddr address;

	for (size_t i = 0; i < count; i++)
		if (!vd_multiaddr_of_bytes(addresses[i], &address))
			out->addresses[out->address_count++] = addresses[i];
}

enum vd_err host_identified_read(const struct host_conn *conn, struct vd_bytes told,
				 struct host_identified *identified_out)
{
	struct identify message;
	struct peer_record record = { 0 };
	enum vd_err err = identify_stream_read(told, &message);

	if (err)
		return err;
	*identified_out = (struct host_identified){
		.agent = message.agent,
		.protocol_version = message.protocol_version,
		.observed = message.observed,
		.is_signed = read_record(conn, message.signed_record, &record),
		.protocol_count = message.protocols_count,
	};
	memcpy(identified_out->protocols, message.protocols,
	       message.protocols_count * sizeof *message.protocols);
	if (identified_out->is_signed) {
		identified_out->envelope = record.envelope;
		take_addresses(identified_out, record.addresses, record.address_count);
	} else {
		take_addresses(identified_out, message.addresses, message.addresses_count);
	}
	return VD_OK;
}

bool host_identified_speaks(const struct host_identified *identified, const char *protocol)
{
	for (size_t i = 0; i < identified->protocol_count; i++)
		if (vd_bytes_equal(identified->protocols[i], vd_bytes_of_text(protocol)))
			return true;
	return false;
}
