/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * identify: /ipfs/id/1.0.0 and its push (libp2p/specs, identify). We ask on every new connection,
 * and answer whoever asks, with our addresses signed.
 */
#include "controlplane/host/parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/peer_record.h"

#define PROTOCOL_VERSION "viaduct/1"

/* ---- telling ---- */

static struct vd_bytes bytes_of(const struct vd_multiaddr *address)
{
	return vd_bytes(address->bytes, address->len);
}

/* Our addresses, signed; nothing without any. */
static void write_record(const struct host *host, const struct identify *message,
			 struct vd_write *w)
{
	struct peer_record record = { .peer = host->identity->id,
				      .seq = (uint64_t)time(NULL),
				      .address_count = (uint32_t)message->addresses_count };

	memcpy(record.addresses, message->addresses,
	       message->addresses_count * sizeof *message->addresses);
	if (message->addresses_count && peer_record_write(w, host->identity, &record))
		*w = vd_write_to(w->start, 0); /* too many to sign: told unsigned */
}

static void tell(void *context, struct host_stream *stream)
{
	struct host *host = context;
	struct host_conn *conn = host_stream_conn(stream);
	struct vd_multiaddr listens[HOST_LISTEN_MAX];
	struct identify message = {
		.public_key = vd_bytes(host->identity->public_key, VD_PUBLIC_KEY_BYTES),
		.observed = bytes_of(&conn->remote),
		.protocol_version = vd_bytes_of_text(PROTOCOL_VERSION),
		.agent = vd_bytes_of_text(host->agent),
		.addresses_count = host_listens(host, listens),
		.protocols_count = host->protocol_count,
	};
	uint8_t signed_record[2048], out[2 * IDENTIFY_MESSAGE_MAX];
	struct vd_write record = vd_write_to(signed_record, sizeof signed_record);
	struct vd_write w = vd_write_to(out, sizeof out);
	size_t took = 0;

	for (size_t i = 0; i < message.addresses_count; i++)
		message.addresses[i] = bytes_of(&listens[i]);
	for (size_t i = 0; i < message.protocols_count; i++)
		message.protocols[i] = vd_bytes_of_text(host->protocols[i].id);
	write_record(host, &message, &record);
	message.signed_record = vd_write_done(&record);
	if (identify_stream_write(&message, &w) ||
	    host_stream_write(stream, vd_write_done(&w), &took) || took < vd_write_len(&w)) {
		host_stream_reset(stream);
		return;
	}
	host_stream_finish(stream);
	host_stream_release(stream);
}

/* ---- being told ---- */

/* Of a text that a peer chose, what may stand in a log. */
static void copy_printable(struct vd_bytes from, char *to, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < from.len && len + 1 < cap; i++)
		if (isprint(from.at[i]))
			to[len++] = (char)from.at[i];
	to[len] = '\0';
}

static enum vd_err take_message(struct host_conn *conn, struct vd_bytes in)
{
	struct identify told;
	enum vd_err err = identify_stream_read(in, &told);

	if (!err)
		copy_printable(told.agent, conn->agent, sizeof conn->agent);
	return err;
}

static void tell_identified(struct host_conn *conn, struct vd_bytes told)
{
	const struct host_events *events = &conn->host->events;

	if (events->identified && !conn->closing)
		events->identified(events->context, conn, told);
}

static void free_told(struct byte_queue *told)
{
	byte_queue_fini(told);
	free(told);
}

static void forget(struct host_stream *stream)
{
	free_told(host_stream_user(stream));
	host_stream_use(stream, NULL, NULL);
}

static void on_told(struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	struct byte_queue *told = host_stream_user(stream);
	struct vd_bytes in;
	enum vd_err err = VD_OK;

	while (!err && (in = host_stream_read(stream)).len) {
		err = told->len + in.len > IDENTIFY_STREAM_MAX ? VD_EPEER_RANGE
							       : byte_queue_push(told, in);
		host_stream_taken(stream, in.len);
	}
	if (!err && !host_stream_ended(stream))
		return;
	if (!err)
		err = take_message(conn, byte_queue_bytes(told));
	if (err) {
		conn->host->counters.peers_broke += vd_err_class(err) == VD_CLASS_PEER;
		forget(stream);
		host_stream_reset(stream);
		return;
	}
	host_stream_use(stream, NULL, NULL);
	host_stream_finish(stream);
	host_stream_release(stream);
	tell_identified(conn, byte_queue_bytes(told));
	free_told(told);
}

static void on_lost(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	forget(stream);
}

static const struct host_stream_class being_told = { .readable = on_told, .closed = on_lost };

static void be_told(void *context, struct host_stream *stream)
{
	struct byte_queue *told = calloc(1, sizeof *told);

	(void)context;
	if (told)
		host_stream_use(stream, &being_told, told);
	else
		host_stream_reset(stream);
}

void host_identify_ask(struct host_conn *conn)
{
	static const char *const ids[] = { IDENTIFY_ID, NULL };
	struct byte_queue *told = calloc(1, sizeof *told);
	struct host_stream *stream;

	if (!told || host_open(conn, ids, &being_told, told, &stream))
		free(told);
}

enum vd_err host_identify_init(struct host *host)
{
	enum vd_err err = host_handle(host, &(struct host_protocol){ IDENTIFY_ID, tell, host });

	return err ? err
		   : host_handle(host, &(struct host_protocol){ IDENTIFY_PUSH_ID, be_told, NULL });
}
