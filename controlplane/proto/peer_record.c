/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peer_record.h"

#include "base/pb.h"

enum { FIELD_PEER_ID = 1, FIELD_SEQ = 2, FIELD_ADDRESSES = 3 };
enum { FIELD_MULTIADDR = 1 };

static const struct form {
	const char *domain, *type;
} forms[] = {
	{ "libp2p-peer-record", "\x03\x01" },
	{ "libp2p-routing-state", "/libp2p/routing-state-record" },
}, *const ours = &forms[0];

/* NULL: it is in none. */
static const struct form *form_of(struct vd_bytes envelope)
{
	struct vd_bytes type = envelope_type(envelope);

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (vd_bytes_equal(type, vd_bytes_of_text(forms[i].type)))
			return &forms[i];
	return NULL;
}

static enum vd_err read_address(struct vd_bytes in, struct peer_record *record)
{
	struct vd_read r = vd_read_of(in);
	struct vd_bytes address = { 0 };
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f))
		if (f.number == FIELD_MULTIADDR)
			address = vd_pb_bytes(&r, &f);
	if (address.len && record->address_count < PEER_RECORD_ADDRESSES)
		record->addresses[record->address_count++] = address;
	return vd_read_end(&r);
}

static enum vd_err decode(struct vd_bytes in, struct peer_record *record)
{
	struct vd_read r = vd_read_of(in);
	struct vd_bytes peer = { 0 };
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f)) {
		if (f.number == FIELD_PEER_ID)
			peer = vd_pb_bytes(&r, &f);
		else if (f.number == FIELD_SEQ)
			record->seq = vd_pb_uint(&r, &f, UINT64_MAX);
		else if (f.number == FIELD_ADDRESSES)
			vd_read_fail(&r, read_address(vd_pb_bytes(&r, &f), record));
	}
	return vd_read_end(&r) ? vd_read_end(&r) : vd_peer_id_of_bytes(peer, &record->peer);
}

enum vd_err peer_record_read(struct vd_bytes in, struct peer_record *record_out)
{
	const struct form *form = form_of(in);
	struct envelope envelope;
	struct peer_record record = { .envelope = in };
	enum vd_err err = envelope_read(in, form ? form->domain : ours->domain, &envelope);

	if (err)
		return err;
	if (!form)
		return VD_EPEER_UNSUPPORTED;
	err = decode(envelope.payload, &record);
	if (!err && !vd_peer_id_equal(&record.peer, &envelope.signer))
		err = VD_EPEER_AUTH;
	if (!err)
		*record_out = record;
	return err;
}

static void write_address(struct vd_write *w, struct vd_bytes address)
{
	vd_pb_write_head(w, FIELD_ADDRESSES, vd_pb_bytes_len(FIELD_MULTIADDR, address.len));
	vd_pb_write_bytes(w, FIELD_MULTIADDR, address);
}

enum vd_err peer_record_write(struct vd_write *w, const struct vd_identity *identity,
			      const struct peer_record *record)
{
	uint8_t payload[ENVELOPE_PAYLOAD_MAX];
	struct vd_write p = vd_write_to(payload, sizeof payload);

	vd_pb_write_bytes(&p, FIELD_PEER_ID, vd_peer_id_bytes(&record->peer));
	vd_pb_write_uint(&p, FIELD_SEQ, record->seq);
	for (uint32_t i = 0; i < record->address_count; i++)
		write_address(&p, record->addresses[i]);
	if (vd_write_end(&p))
		return VD_EBUG_ROOM;
	return envelope_write(w, identity, ours->domain, vd_bytes_of_text(ours->type),
			      vd_write_done(&p));
}
