/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/stream_ping.h"

#include <sodium.h>

size_t stream_pong_receive(struct stream_pong *pong, struct vd_bytes in)
{
	size_t lacks = STREAM_PING_BYTES - (size_t)pong->got;
	size_t len = in.len < lacks ? in.len : lacks;

	if (len)
		memcpy(pong->bytes + pong->got, in.at, len);
	pong->got = (uint8_t)(pong->got + len);
	return len;
}

struct vd_bytes stream_pong_next_output(const struct stream_pong *pong)
{
	if (pong->got < STREAM_PING_BYTES)
		return vd_bytes(NULL, 0);
	return vd_bytes(pong->bytes + pong->sent, STREAM_PING_BYTES - (size_t)pong->sent);
}

void stream_pong_sent(struct stream_pong *pong, size_t len)
{
	pong->sent = (uint8_t)(pong->sent + len);
	if (pong->sent >= STREAM_PING_BYTES)
		*pong = (struct stream_pong){ 0 };
}

enum vd_err stream_ping_begin(struct stream_ping *ping, vd_ns now)
{
	if (ping->under_way)
		return VD_EBUG_STATE;
	randombytes_buf(ping->bytes, sizeof ping->bytes);
	ping->sent = ping->got = 0;
	ping->under_way = true;
	ping->since = now;
	return VD_OK;
}

struct vd_bytes stream_ping_next_output(const struct stream_ping *ping)
{
	if (!ping->under_way)
		return vd_bytes(NULL, 0);
	return vd_bytes(ping->bytes + ping->sent, STREAM_PING_BYTES - (size_t)ping->sent);
}

void stream_ping_sent(struct stream_ping *ping, size_t len)
{
	ping->sent = (uint8_t)(ping->sent + len);
}

enum vd_err stream_ping_receive(struct stream_ping *ping, struct vd_bytes in, vd_ns now)
{
	/* What has not gone out yet cannot come back. */
	if (!ping->under_way || in.len > (size_t)(ping->sent - ping->got))
		return VD_EPEER_STATE;
	if (in.len && memcmp(ping->bytes + ping->got, in.at, in.len) != 0)
		return VD_EPEER_AUTH;
	ping->got = (uint8_t)(ping->got + in.len);
	if (ping->got < STREAM_PING_BYTES)
		return VD_AGAIN;
	ping->under_way = false;
	ping->rtt = now > ping->since ? now - ping->since : 1;
	return VD_OK;
}

vd_ns stream_ping_deadline(const struct stream_ping *ping)
{
	return ping->under_way ? vd_ns_add(ping->since, STREAM_PING_TIMEOUT) : VD_NEVER;
}
