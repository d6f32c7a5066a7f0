/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/identify_stream.h"

enum { SPLIT_ABOVE = 2048 };

/* ---- reading ---- */

static void join_one(struct vd_bytes *to, struct vd_bytes from)
{
	if (from.len)
		*to = from;
}

static void join_list(struct vd_bytes *to, size_t *count, size_t max, const struct vd_bytes *from,
		      size_t from_count)
{
	for (size_t i = 0; i < from_count && *count < max; i++)
		to[(*count)++] = from[i];
}

static void join(struct identify *to, const struct identify *from)
{
	join_one(&to->public_key, from->public_key);
	join_one(&to->observed, from->observed);
	join_one(&to->protocol_version, from->protocol_version);
	join_one(&to->agent, from->agent);
	join_one(&to->signed_record, from->signed_record);
	join_list(to->addresses, &to->addresses_count, IDENTIFY_ADDRESSES, from->addresses,
		  from->addresses_count);
	join_list(to->protocols, &to->protocols_count, IDENTIFY_PROTOCOLS, from->protocols,
		  from->protocols_count);
}

static enum vd_err read_message(struct vd_read *r, struct identify *to)
{
	struct identify message;
	uint64_t len = vd_read_uvarint(r);

	if (!r->err && len > IDENTIFY_MESSAGE_MAX)
		return VD_EPEER_RANGE;

	struct vd_bytes bytes = vd_read_bytes(r, (size_t)len);
	enum vd_err err = r->err ? r->err : identify_decode(bytes, &message);

	if (!err)
		join(to, &message);
	return err;
}

enum vd_err identify_stream_read(struct vd_bytes stream, struct identify *identify_out)
{
	struct vd_read r = vd_read_of(stream);
	struct identify all = { 0 };

	if (!stream.len)
		return VD_EPEER_TRUNC;
	for (unsigned messages = 0; vd_read_left(&r); messages++) {
		enum vd_err err =
		    messages < IDENTIFY_MESSAGES ? read_message(&r, &all) : VD_EPEER_RANGE;

		if (err)
			return err;
	}
	*identify_out = all;
	return VD_OK;
}

/* ---- writing ---- */

enum vd_err identify_stream_write(const struct identify *identify, struct vd_write *w)
{
	struct vd_write whole = *w;
	struct identify rest = *identify;
	const struct identify record = { .signed_record = identify->signed_record };
	enum vd_err err = identify_encode(identify, &whole);

	if (!identify->signed_record.len ||
	    (!err && vd_write_len(&whole) - vd_write_len(w) <= SPLIT_ABOVE)) {
		*w = whole;
		return err;
	}
	rest.signed_record = vd_bytes(NULL, 0);
	err = identify_encode(&rest, w);
	return err ? err : identify_encode(&record, w);
}
