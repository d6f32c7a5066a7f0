/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * identify_tell: what we tell of ourselves (libp2p/specs, identify): our addresses, signed, and our
 * protocols, to whoever asks, and by push to those that were told something else before.
 *
 *	changed -> (PUSH_DELAY; PUSH_EVERY after the last)
 *	        -> round: PUSH_BATCH pushes, each PUSH_TICK
 *
 * A push is written whole into its stream, which then waits for the peer's end: let go before that,
 * the peer's answer to the negotiation would have it reset.
 */
#include "controlplane/host/host_state.h"

#include <stdlib.h>

#include "controlplane/host/listen_expand.h"
#include "controlplane/proto/announce.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/ip_scope.h"
#include "controlplane/proto/peer_record.h"

/* The family of protocols that we speak, in the words of kubo and its like. */
#define PROTOCOL_VERSION "ipfs/0.1.0"

enum {
	RECORD_MAX = 4096, /* of our signed record; rust-libp2p reads messages of at most this */
	PUSH_BATCH = 32,
	PUSH_TICK_MS = 20,
	PUSH_DELAY_MS = 200,
};
static const vd_ns push_every = VD_SECONDS(2);

struct host_self {
	struct announced addresses;
	bool given; /* by host_announce; else they are what the host listens on */
	uint64_t seq;
	uint64_t version; /* of addresses and protocols */
	struct vd_bytes record;
	uint8_t record_bytes[RECORD_MAX];
	uv_timer_t timer;
	bool waiting; /* for a round, or in one */
	vd_ns last;   /* round's begin */
};

/* ---- what we tell ---- */

static struct vd_bytes bytes_of(const struct vd_multiaddr *address)
{
	return vd_bytes(address->bytes, address->len);
}

/* Signed once for each change; nothing, if there is no address, or too many to sign. */
static void sign(struct host *host)
{
	struct host_self *self = host->self;
	struct vd_write w = vd_write_to(self->record_bytes, sizeof self->record_bytes);
	struct peer_record record = { .peer = host->identity->id,
				      .seq = self->seq,
				      .address_count = announced_signed(&self->addresses) };

	static_assert((int)ANNOUNCE_MAX <= (int)PEER_RECORD_ADDRESSES);
	for (uint32_t i = 0; i < record.address_count; i++)
		record.addresses[i] = bytes_of(&self->addresses.at[i]);
	self->record = vd_bytes(NULL, 0);
	if (record.address_count && !peer_record_write(&w, host->identity, &record))
		self->record = vd_write_done(&w);
}

/* Told of loopback addresses: a peer that is here, too. */
static bool is_local(const struct host_conn *conn)
{
	return ip_scope_of(&conn->remote) == IP_LOOPBACK;
}

static void describe(const struct host *host, const struct host_conn *conn,
		     struct identify *message)
{
	const struct host_self *self = host->self;

	*message = (struct identify){
		.public_key = vd_bytes(host->identity->public_key, VD_PUBLIC_KEY_BYTES),
		.observed = bytes_of(&conn->remote),
		.protocol_version = vd_bytes_of_text(PROTOCOL_VERSION),
		.agent = vd_bytes_of_text(host->agent),
		.signed_record = self->record,
		.addresses_count = announced_to(&self->addresses, is_local(conn)),
		.protocols_count = host->protocol_count,
	};
	static_assert((int)ANNOUNCE_MAX <= (int)IDENTIFY_ADDRESSES &&
		      (int)HOST_PROTOCOLS_MAX <= (int)IDENTIFY_PROTOCOLS);
	for (size_t i = 0; i < message->addresses_count; i++)
		message->addresses[i] = bytes_of(&self->addresses.at[i]);
	for (size_t i = 0; i < message->protocols_count; i++)
		message->protocols[i] = vd_bytes_of_text(host->protocols[i].id);
}

/* False: it was not, and the stream is gone. */
static bool tell(struct host_stream *stream)
{
	struct host_conn *conn = host_stream_conn(stream);
	uint8_t out[2 * IDENTIFY_MESSAGE_MAX];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct identify message;
	size_t took = 0;

	describe(conn->host, conn, &message);
	if (identify_stream_write(&message, &w) ||
	    host_stream_write(stream, vd_write_done(&w), &took) || took < vd_write_len(&w)) {
		host_stream_reset(stream);
		return false;
	}
	conn->told_of_us.version = conn->host->self->version;
	host_stream_finish(stream);
	return true;
}

void host_self_tell(void *context, struct host_stream *stream)
{
	struct host *host = context;

	if (!tell(stream))
		return;
	host->counters.identify_in++;
	host_stream_release(stream);
}

/* ---- pushes ---- */

static void on_answer(struct host_stream *stream)
{
	host_stream_taken(stream, host_stream_read(stream).len);
	if (!host_stream_ended(stream))
		return;
	host_stream_conn(stream)->told_of_us.telling = false;
	host_self_push_soon(host_stream_conn(stream)); /* what changed meanwhile */
	host_stream_release(stream);
}

static void on_lost(struct host_stream *stream, enum vd_err err)
{
	(void)err;
	host_stream_conn(stream)->told_of_us.telling = false;
}

static const struct host_stream_class push_class = { .readable = on_answer, .closed = on_lost };

static void push(struct host_conn *conn)
{
	static const char *const ids[] = { IDENTIFY_PUSH_ID, NULL };
	struct host *host = conn->host;
	struct host_stream *stream;

	conn->told_of_us.version = host->self->version; /* also when it fails: no second try */
	if (host_open(conn, ids, &push_class, NULL, &stream))
		return;
	host_stream_until(stream, vd_now() + HOST_IDENTIFY_UNTIL);
	conn->told_of_us.telling = tell(stream);
	host->counters.pushes_out += conn->told_of_us.telling;
}

static bool is_behind(const struct host_conn *conn)
{
	return conn->announced && !conn->closing && conn->told_of_us.pushes &&
	       !conn->told_of_us.telling && conn->told_of_us.version != conn->host->self->version;
}

static void on_timer(uv_timer_t *timer)
{
	struct host *host = timer->data;
	struct host_conn *conn, *next;
	unsigned pushed = 0;

	host->self->last = vd_now();
	for (conn = host->conns; conn && pushed < PUSH_BATCH; conn = next) {
		next = conn->next;
		if (!is_behind(conn))
			continue;
		push(conn);
		pushed++;
	}
	host->self->waiting = pushed == PUSH_BATCH;
	if (host->self->waiting)
		uv_timer_start(timer, on_timer, PUSH_TICK_MS, 0);
}

static void push_soon(struct host *host)
{
	struct host_self *self = host->self;
	vd_ns now = vd_now(), at = now + VD_MS(PUSH_DELAY_MS);

	if (self->waiting)
		return;
	self->waiting = true;
	if (self->last && at < self->last + push_every)
		at = self->last + push_every;
	uv_timer_start(&self->timer, on_timer, (at - now) / VD_NS_PER_MS, 0);
}

void host_self_push_soon(struct host_conn *conn)
{
	if (is_behind(conn))
		push_soon(conn->host);
}

/* A connection that is new has what it will ask for. */
void host_self_opened(struct host_conn *conn)
{
	conn->told_of_us.version = conn->host->self->version;
}

/* ---- changes ---- */

static void take(struct host *host, const struct announced *addresses, uint64_t seq)
{
	struct host_self *self = host->self;

	if (self->version && announced_equal(&self->addresses, addresses))
		return;
	self->addresses = *addresses;
	self->seq = seq;
	self->version++;
	sign(host);
	host->counters.pushes_by_addresses += host->open_count != 0;
	push_soon(host);
}

static uint64_t next_seq(const struct host_self *self)
{
	uint64_t now = vd_unix_ms() * VD_NS_PER_MS;

	return now > self->seq ? now : self->seq + 1;
}

static void tell_these(struct host *host, const struct vd_multiaddr *addresses, size_t count,
		       uint64_t seq)
{
	static const struct announce_rules none = { 0 };
	struct announced announced;

	announce(&none, addresses, count, NULL, 0, &announced);
	take(host, &announced, seq);
}

void host_self_listens_changed(struct host *host)
{
	struct vd_multiaddr listens[HOST_LISTEN_MAX], expanded[ANNOUNCE_MAX];
	size_t count = host_listens(host, listens);

	if (!host->self || host->self->given)
		return;
	count = listen_expand(listens, count, expanded, ANNOUNCE_MAX);
	tell_these(host, expanded, count, next_seq(host->self));
}

void host_announce(struct host *host, const struct vd_multiaddr *addresses, size_t count,
		   uint64_t seq)
{
	host->self->given = addresses != NULL;
	if (addresses)
		tell_these(host, addresses, count, seq);
	else
		host_self_listens_changed(host);
}

void host_self_protocols_changed(struct host *host)
{
	if (!host->self)
		return;
	host->self->version++;
	host->counters.pushes_by_protocols += host->open_count != 0;
	push_soon(host);
}

/* ---- life ---- */

enum vd_err host_self_init(struct host *host)
{
	host->self = calloc(1, sizeof *host->self);
	if (!host->self)
		return VD_ENOMEM;
	uv_timer_init(host->loop, &host->self->timer);
	host->self->timer.data = host;
	host->handle_count++;
	return VD_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	((struct host *)handle->data)->handle_count--;
}

void host_self_close(struct host *host)
{
	if (host->self)
		uv_close((uv_handle_t *)&host->self->timer, on_timer_closed);
}

void host_self_free(struct host *host)
{
	free(host->self);
}
