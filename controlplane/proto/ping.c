/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/ping.h"

enum vd_err ping_read(struct vd_bytes in, struct ping *ping_out)
{
	struct vd_read r = vd_read_of(in);
	uint8_t kind = vd_read_u8(&r);
	uint64_t id = vd_read_be64(&r);
	size_t received = in.len;

	if (r.err)
		return r.err;
	if (kind == PING_REQUEST)
		(void)vd_read_rest(&r);
	else if (kind == PING_REPLY)
		received = vd_read_be16(&r);
	else
		return VD_EPEER_FORMAT;

	enum vd_err err = vd_read_end(&r);

	if (err)
		return err;
	if (received > UINT16_MAX)
		return VD_EPEER_RANGE;
	*ping_out =
	    (struct ping){ .kind = (enum ping_kind)kind, .id = id, .received = (uint16_t)received };
	return VD_OK;
}

void ping_write(struct vd_write *w, const struct ping *ping)
{
	vd_write_u8(w, (uint8_t)ping->kind);
	vd_write_be64(w, ping->id);
	if (ping->kind == PING_REPLY)
		vd_write_be16(w, ping->received);
	else if (ping->received > PING_REQUEST_BYTES)
		vd_write_zeros(w, (size_t)ping->received - PING_REQUEST_BYTES);
}
