/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* text: addresses as people write them, lines and messages on streams: all by the other calls. */
#include "controlplane/host/host_state.h"

#include <stdio.h>

/* ---- addresses ---- */

enum vd_err host_listen_text(struct host *host, const char *address, char why[HOST_WHY])
{
	struct vd_multiaddr parsed;

	if (vd_multiaddr_of_text(address, &parsed)) {
		snprintf(why, HOST_WHY, "not a multiaddr; write /ip4/0.0.0.0/tcp/4001");
		return VD_EUSER;
	}
	return host_listen(host, &parsed, why);
}

enum vd_err host_dial_text(struct host *host, const char *address, host_dial_fn done, void *context)
{
	struct vd_multiaddr parsed;

	if (vd_multiaddr_of_text(address, &parsed))
		return VD_EUSER;
	return host_dial(host, &parsed, done, context);
}

const char *host_address_text(const struct host *host, size_t index, char out[VD_MULTIADDR_TEXT])
{
	struct vd_multiaddr listens[HOST_LISTEN_MAX];
	char id[VD_PEER_ID_TEXT];
	size_t len;

	if (index >= host_listens(host, listens))
		return NULL;
	len = strlen(vd_multiaddr_text(&listens[index], out));
	snprintf(out + len, VD_MULTIADDR_TEXT - len, "/p2p/%s",
		 vd_peer_id_text(host_peer(host), id));
	return out;
}

/* ---- messages ---- */

enum vd_err host_stream_send(struct host_stream *stream, struct vd_bytes bytes)
{
	size_t took;

	if (bytes.len > HOST_SEND_MAX)
		return VD_EBUG_ROOM;
	if (!host_stream_has_room(stream, bytes.len))
		return VD_AGAIN;
	return host_stream_write(stream, bytes, &took);
}

enum vd_err host_stream_read_line(struct host_stream *stream, char *line_out, size_t cap)
{
	struct vd_bytes in = host_stream_read(stream);
	const uint8_t *newline = in.len ? memchr(in.at, '\n', in.len) : NULL;
	size_t len = newline ? (size_t)(newline - in.at) : in.len;
	size_t taken = len + 1;

	if (host_stream_is_over(stream))
		return VD_ELINK_CLOSED;
	if (len && in.at[len - 1] == '\r') /* its "\n" may still come */
		len--;
	if (len >= cap || len > HOST_LINE_MAX)
		return VD_EPEER_RANGE;
	if (!newline)
		return host_stream_finished(stream) ? VD_EPEER_TRUNC : VD_AGAIN;
	if (memchr(in.at, '\0', len))
		return VD_EPEER_FORMAT;
	memcpy(line_out, in.at, len);
	line_out[len] = '\0';
	host_stream_taken(stream, taken);
	return VD_OK;
}

void host_stream_close(struct host_stream *stream)
{
	host_stream_finish(stream);
	host_stream_release(stream);
}
