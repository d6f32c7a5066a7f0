/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peer_value.h"

#include "base/pb.h"

enum {
	FIELD_HEARD = 1,
	FIELD_ADDRESS = 2,
	FIELD_PROTOCOL = 3,
	FIELD_KEY = 4,
	FIELD_AGENT = 5,
	FIELD_RECORD_SEQ = 6,
	FIELD_LATENCY = 7,
	FIELD_ENVELOPE = 8,
};
enum { FIELD_MULTIADDR = 1, FIELD_SOURCE = 2, FIELD_EXPIRES = 3 };

#define MS_MAX (UINT64_MAX / VD_NS_PER_MS)
#define US_MAX (UINT64_MAX / VD_NS_PER_US)

/* ---- encoding ---- */

static void write_address(struct vd_write *w, const struct peer_address *address)
{
	uint64_t expires_ms = address->expires / VD_NS_PER_MS;

	vd_pb_write_head(w, FIELD_ADDRESS,
			 vd_pb_bytes_len(FIELD_MULTIADDR, address->bytes.len) +
			     vd_pb_uint_len(FIELD_SOURCE, address->source) +
			     vd_pb_uint_len(FIELD_EXPIRES, expires_ms));
	vd_pb_write_bytes(w, FIELD_MULTIADDR, address->bytes);
	vd_pb_write_uint(w, FIELD_SOURCE, address->source);
	vd_pb_write_uint(w, FIELD_EXPIRES, expires_ms);
}

enum vd_err peer_value_encode(const struct peer_entry *entry, struct vd_write *w)
{
	const char *protocol = NULL;

	vd_pb_write_uint(w, FIELD_HEARD, entry->heard / VD_NS_PER_MS);
	for (uint32_t i = 0; i < entry->address_count; i++)
		write_address(w, &entry->addresses[i]);
	while ((protocol = peer_entry_next_protocol(entry, protocol)))
		vd_pb_write_bytes(w, FIELD_PROTOCOL, vd_bytes_of_text(protocol));
	if (entry->key.len)
		vd_pb_write_bytes(w, FIELD_KEY, entry->key);
	if (entry->agent[0])
		vd_pb_write_bytes(w, FIELD_AGENT, vd_bytes_of_text(entry->agent));
	if (entry->has_record)
		vd_pb_write_uint(w, FIELD_RECORD_SEQ, entry->record_seq);
	if (entry->latency)
		vd_pb_write_uint(w, FIELD_LATENCY, entry->latency / VD_NS_PER_US);
	if (entry->envelope.len)
		vd_pb_write_bytes(w, FIELD_ENVELOPE, entry->envelope);
	return vd_write_end(w);
}

/* ---- decoding ---- */

static enum vd_err read_address(struct vd_bytes in, struct peer_address *out)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	*out = (struct peer_address){ 0 };
	while (vd_pb_next(&r, &f)) {
		if (f.number == FIELD_MULTIADDR)
			out->bytes = vd_pb_bytes(&r, &f);
		else if (f.number == FIELD_SOURCE)
			out->source = (enum peer_source)vd_pb_uint(&r, &f, PEER_SIGNED);
		else if (f.number == FIELD_EXPIRES)
			out->expires = vd_pb_uint(&r, &f, MS_MAX) * VD_NS_PER_MS;
	}
	return vd_read_end(&r);
}

static void add_address(struct vd_read *r, struct vd_bytes in, struct peer_value *value)
{
	if (value->address_count == PEER_BOOK_ADDRESSES)
		vd_read_fail(r, VD_EPEER_RANGE);
	else
		vd_read_fail(r, read_address(in, &value->addresses[value->address_count++]));
}

static void add_protocol(struct vd_read *r, struct vd_bytes in, struct peer_value *value)
{
	if (value->protocol_count == PEER_BOOK_PROTOCOLS)
		vd_read_fail(r, VD_EPEER_RANGE);
	else
		value->protocols[value->protocol_count++] = in;
}

static void take(struct vd_read *r, const struct vd_pb_field *f, struct peer_value *value)
{
	switch (f->number) {
	case FIELD_HEARD: value->heard = vd_pb_uint(r, f, MS_MAX) * VD_NS_PER_MS; break;
	case FIELD_ADDRESS: add_address(r, vd_pb_bytes(r, f), value); break;
	case FIELD_PROTOCOL: add_protocol(r, vd_pb_bytes(r, f), value); break;
	case FIELD_KEY: value->key = vd_pb_bytes(r, f); break;
	case FIELD_AGENT: value->agent = vd_pb_bytes(r, f); break;
	case FIELD_RECORD_SEQ:
		value->has_record = true;
		value->record_seq = vd_pb_uint(r, f, UINT64_MAX);
		break;
	case FIELD_ENVELOPE: value->envelope = vd_pb_bytes(r, f); break;
	case FIELD_LATENCY: value->latency = vd_pb_uint(r, f, US_MAX) * VD_NS_PER_US; break;
	default: break;
	}
}

enum vd_err peer_value_decode(struct vd_bytes row, struct peer_value *value_out)
{
	struct vd_read r = vd_read_of(row);
	struct peer_value value = { 0 };
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f))
		take(&r, &f, &value);
	if (!vd_read_end(&r))
		*value_out = value;
	return vd_read_end(&r);
}
