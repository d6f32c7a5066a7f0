/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/link_tell.h"

#include <stdlib.h>

#include "controlplane/host/host_state.h"
#include "controlplane/proto/link_addresses.h"

/* Of one peer; more often is turned away. */
static const vd_ns answer_every = VD_SECONDS(10), stream_until = VD_SECONDS(30);

struct host_link {
	host_link_told_fn told;
	size_t len;
	uint8_t message[LINK_ADDRESSES_BYTES];
};

/* What came on a stream. */
struct heard {
	size_t len;
	uint8_t bytes[LINK_ADDRESSES_BYTES];
};

static void end(struct host_stream *stream)
{
	free(host_stream_user(stream));
	host_stream_use(stream, NULL, NULL);
}

static void break_off(struct host_stream *stream)
{
	host_stream_conn(stream)->host->counters.peers_broke++;
	end(stream);
	host_stream_reset(stream);
}

/* False: more than there may be. */
static bool take(struct host_stream *stream, struct heard *heard)
{
	struct vd_bytes in;

	while ((in = host_stream_read(stream)).len) {
		if (in.len > sizeof heard->bytes - heard->len)
			return false;
		memcpy(heard->bytes + heard->len, in.at, in.len);
		heard->len += in.len;
		host_stream_taken(stream, in.len);
	}
	return true;
}

static void tell(struct host_conn *conn, const struct heard *heard)
{
	if (!conn->closing)
		conn->host->link->told(conn, vd_bytes(heard->bytes, heard->len));
}

static void on_readable(struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	struct heard *heard = host_stream_user(stream);
	struct link_addresses addresses;
	struct host_conn_info info;

	if (!take(stream, heard)) {
		break_off(stream);
		return;
	}
	if (!host_stream_ended(stream))
		return;
	host_conn_info(conn, &info);
	if (link_addresses_read(vd_bytes(heard->bytes, heard->len), &info.peer,
				ip_scope_of(&info.remote), &addresses)) {
		break_off(stream);
		return;
	}
	tell(conn, heard);
	end(stream);
	host_stream_release(stream);
}

static void on_closed(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	end(stream);
}

static const struct host_stream_class class = { .readable = on_readable, .closed = on_closed };

/* Ours goes at once: neither side waits for the other. */
static enum vd_err begin(struct host_stream *stream)
{
	const struct host_link *link = host_stream_conn(stream)->host->link;

	host_stream_until(stream, vd_now() + stream_until);
	enum vd_err err = host_stream_send(stream, vd_bytes(link->message, link->len));

	if (!err)
		host_stream_finish(stream);
	return err;
}

/* ---- being asked ---- */

static bool is_too_soon(struct host_conn *conn, vd_ns now)
{
	if (conn->link_answered && now < conn->link_answered + answer_every)
		return true;
	conn->link_answered = now;
	return false;
}

static void on_accept(void *context, struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	struct heard *heard = is_too_soon(conn, vd_now()) ? NULL : calloc(1, sizeof *heard);

	(void)context;
	if (!heard) {
		host_stream_reset(stream);
		return;
	}
	host_stream_use(stream, &class, heard);
	if (begin(stream)) {
		end(stream);
		host_stream_reset(stream);
	}
}

enum vd_err host_link_serve(struct host *host, struct vd_bytes message, host_link_told_fn told)
{
	bool fresh = !host->link;

	if (message.len > LINK_ADDRESSES_BYTES)
		return VD_EBUG_ROOM;
	if (fresh)
		host->link = calloc(1, sizeof *host->link);
	if (!host->link)
		return VD_ENOMEM;
	host->link->told = told;
	host->link->len = message.len;
	memcpy(host->link->message, message.at, message.len);
	if (!fresh)
		return VD_OK;
	return host_handle(host, &(struct host_protocol){ LINK_ADDRESSES_ID, on_accept, NULL });
}

void host_link_free(struct host *host)
{
	free(host->link);
}

/* ---- asking ---- */

enum vd_err host_link_ask(struct host_conn *conn)
{
	static const char *const ids[] = { LINK_ADDRESSES_ID, NULL };
	struct host_stream *stream;
	struct heard *heard;
	enum vd_err err;

	if (!conn->host->link || conn->link_asked)
		return VD_EBUG_STATE;
	heard = calloc(1, sizeof *heard);
	if (!heard)
		return VD_ENOMEM;
	err = host_open(conn, ids, &class, heard, &stream);
	if (err) {
		free(heard);
		return err;
	}
	conn->link_asked = true;
	err = begin(stream);
	if (err) {
		end(stream);
		host_stream_reset(stream);
	}
	return err;
}
