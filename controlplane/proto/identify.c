/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/identify.h"

#include "base/pb.h"

enum {
	FIELD_PUBLIC_KEY = 1,
	FIELD_ADDRESS = 2,
	FIELD_PROTOCOL = 3,
	FIELD_OBSERVED = 4,
	FIELD_PROTOCOL_VERSION = 5,
	FIELD_AGENT = 6,
	FIELD_SIGNED_RECORD = 8,
};

/* ---- decoding ---- */

static void add(struct vd_bytes *list, size_t *count, size_t max, struct vd_bytes value)
{
	if (*count < max)
		list[(*count)++] = value;
}

static void take_field(struct vd_read *r, const struct vd_pb_field *field, struct identify *to)
{
	switch (field->number) {
	case FIELD_PUBLIC_KEY: to->public_key = vd_pb_bytes(r, field); break;
	case FIELD_ADDRESS:
		add(to->addresses, &to->addresses_count, IDENTIFY_ADDRESSES, vd_pb_bytes(r, field));
		break;
	case FIELD_PROTOCOL:
		add(to->protocols, &to->protocols_count, IDENTIFY_PROTOCOLS, vd_pb_bytes(r, field));
		break;
	case FIELD_OBSERVED: to->observed = vd_pb_bytes(r, field); break;
	case FIELD_PROTOCOL_VERSION: to->protocol_version = vd_pb_bytes(r, field); break;
	case FIELD_AGENT: to->agent = vd_pb_bytes(r, field); break;
	case FIELD_SIGNED_RECORD: to->signed_record = vd_pb_bytes(r, field); break;
	default: break;
	}
}

enum vd_err identify_decode(struct vd_bytes message, struct identify *identify_out)
{
	struct vd_read r = vd_read_of(message);
	struct vd_pb_field field;

	identify_out->public_key = identify_out->observed = vd_bytes(NULL, 0);
	identify_out->protocol_version = identify_out->agent = vd_bytes(NULL, 0);
	identify_out->signed_record = vd_bytes(NULL, 0);
	identify_out->addresses_count = identify_out->protocols_count = 0;
	if (message.len > IDENTIFY_MESSAGE_MAX)
		return VD_EPEER_RANGE;
	while (vd_pb_next(&r, &field))
		take_field(&r, &field, identify_out);
	return vd_read_end(&r);
}

/* ---- encoding ---- */

static size_t one_len(uint32_t number, struct vd_bytes value)
{
	return value.len ? vd_pb_bytes_len(number, value.len) : 0;
}

static size_t list_len(uint32_t number, const struct vd_bytes *list, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += vd_pb_bytes_len(number, list[i].len);
	return len;
}

static void write_one(struct vd_write *w, uint32_t number, struct vd_bytes value)
{
	if (value.len)
		vd_pb_write_bytes(w, number, value);
}

static void write_list(struct vd_write *w, uint32_t number, const struct vd_bytes *list,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		vd_pb_write_bytes(w, number, list[i]);
}

enum vd_err identify_encode(const struct identify *from, struct vd_write *w)
{
	size_t len = one_len(FIELD_PUBLIC_KEY, from->public_key) +
		     list_len(FIELD_ADDRESS, from->addresses, from->addresses_count) +
		     list_len(FIELD_PROTOCOL, from->protocols, from->protocols_count) +
		     one_len(FIELD_OBSERVED, from->observed) +
		     one_len(FIELD_PROTOCOL_VERSION, from->protocol_version) +
		     one_len(FIELD_AGENT, from->agent) +
		     one_len(FIELD_SIGNED_RECORD, from->signed_record);

	if (len > IDENTIFY_MESSAGE_MAX)
		return VD_ELIMIT;
	vd_write_uvarint(w, len);
	write_one(w, FIELD_PUBLIC_KEY, from->public_key);
	write_list(w, FIELD_ADDRESS, from->addresses, from->addresses_count);
	write_list(w, FIELD_PROTOCOL, from->protocols, from->protocols_count);
	write_one(w, FIELD_OBSERVED, from->observed);
	write_one(w, FIELD_PROTOCOL_VERSION, from->protocol_version);
	write_one(w, FIELD_AGENT, from->agent);
	write_one(w, FIELD_SIGNED_RECORD, from->signed_record);
	return vd_write_end(w);
}
