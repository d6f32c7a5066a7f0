/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/host/memory.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "controlplane/host/host.h"
#include "controlplane/proto/security.h"
#include "controlplane/proto/yamux.h"

enum { LISTENERS_MAX = 4, WS_CODE = 477, QUIC_CODE = 461 };

struct memory memory;

struct end {
	struct carrier carrier;
	struct host *host;
	struct end *other;                   /* NULL: none yet, or it is closed */
	struct transport_listener *listener; /* that the dial goes to; NULL: it went */
	uv_timer_t timer;                    /* all events come from it */
	bool up, wanted, had_other, was_full, closing;
	uint8_t in[MEMORY_ROOM]; /* bytes: on their way to this end */
	size_t in_len;
	uint8_t *out; /* bytes: what the other one had no room for */
};

static struct transport_listener *listeners[LISTENERS_MAX];

static void turn(uv_timer_t *timer);

static void schedule(struct end *end)
{
	if (end && !end->closing)
		uv_timer_start(&end->timer, turn, 0, 0);
}

/* ---- life ---- */

static struct end *new_end(struct host *host, const struct carrier_class *class)
{
	struct end *end = calloc(1, sizeof *end);

	end->carrier.class = class;
	end->host = host;
	uv_timer_init(host_loop(host), &end->timer);
	end->timer.data = end;
	host_hold(host);
	memory.carriers++;
	return end;
}

static void on_closed(uv_handle_t *handle)
{
	struct end *end = handle->data;

	host_let_go(end->host);
	memory.carriers--;
	free(end->out);
	free(end);
}

static void close_end(struct carrier *carrier)
{
	struct end *end = (struct end *)carrier;

	end->closing = true;
	if (end->other) {
		end->other->other = NULL;
		schedule(end->other);
	}
	uv_close((uv_handle_t *)&end->timer, on_closed);
}

/* ---- bytes ---- */

/* As much as the other end has room for; the rest waits. */
static void move(struct end *end, struct vd_bytes bytes)
{
	struct end *to = end->other;
	size_t room = to ? sizeof to->in - to->in_len : bytes.len;
	size_t now = bytes.len < room ? bytes.len : room;
	uint8_t *rest = NULL;

	if (to && now)
		memcpy(to->in + to->in_len, bytes.at, now);
	if (to)
		to->in_len += now;
	if (now < bytes.len) {
		rest = malloc(bytes.len - now);
		memcpy(rest, bytes.at + now, bytes.len - now);
	}
	free(end->out);
	end->out = rest;
	end->carrier.waiting = bytes.len - now;
	schedule(to);
}

static enum vd_err write_bytes(struct carrier *carrier, struct vd_bytes bytes)
{
	struct end *end = (struct end *)carrier;

	if (!end->other)
		return VD_ELINK_CLOSED;
	move(end, bytes);
	end->was_full = carrier->waiting;
	return end->was_full ? VD_AGAIN : VD_OK;
}

static void read_bytes(struct carrier *carrier, bool wanted)
{
	struct end *end = (struct end *)carrier;

	end->wanted = wanted;
	schedule(end);
}

static void turn_bytes(struct end *end)
{
	uint8_t got[MEMORY_ROOM];
	size_t len = end->in_len;

	if (end->carrier.waiting)
		move(end, vd_bytes(end->out, end->carrier.waiting));
	if (end->wanted && len) {
		memcpy(got, end->in, len);
		end->in_len = 0;
		schedule(end->other);
		end->carrier.events->received(&end->carrier, got, len);
	}
	if (!end->closing && end->was_full && !end->carrier.waiting) {
		end->was_full = false;
		end->carrier.events->ready(&end->carrier);
	}
}

static const struct carrier_class bytes_class = { .write = write_bytes,
						  .read = read_bytes,
						  .close = close_end };

/* ---- streams: yamux by itself, as if it were QUIC ---- */

static void free_proof(struct security *security)
{
	free(security);
}

static size_t nothing_buffered(const struct security *security)
{
	(void)security;
	return 0;
}

static const struct security_class proof_class = { .protocol = "/memory",
						   .buffered = nothing_buffered,
						   .free = free_proof };

static void flush_streams(struct carrier *carrier)
{
	struct end *end = (struct end *)carrier;

	schedule(end);
	schedule(end->other); /* what was read here makes room for what waits there */
}

static void turn_streams(struct end *end)
{
	struct vd_bytes out;
	bool moved = false;
	size_t used = 1;

	while (end->other && used && (out = muxer_next_output(end->carrier.muxer, vd_now())).len) {
		if (muxer_receive(end->other->carrier.muxer, out, &used, vd_now()))
			abort();
		muxer_sent(end->carrier.muxer, used);
		moved = moved || used;
	}
	if (moved && end->other)
		end->other->carrier.events->ready(&end->other->carrier);
}

static const struct carrier_class streams_class = { .flush = flush_streams, .close = close_end };

static void prove(struct end *end, const struct vd_peer_id *peer, bool dialer)
{
	struct security *proof = calloc(1, sizeof *proof);

	proof->class = &proof_class;
	proof->state = SECURITY_OPEN;
	proof->peer = *peer;
	end->carrier.security = proof;
	end->carrier.muxer =
	    yamux_new(&yamux_defaults, dialer ? YAMUX_CLIENT : YAMUX_SERVER, vd_now());
}

/* ---- a turn ---- */

static bool has_streams(const struct end *end)
{
	return end->carrier.class == &streams_class;
}

/* At the listener, and then here. */
static void go_up(struct end *end)
{
	struct transport_listener *listener = end->listener;
	struct vd_multiaddr from = listener->address;
	struct end *other = new_end(listener->transport->host, end->carrier.class);

	end->up = other->up = true;
	end->other = other;
	other->other = end;
	end->had_other = other->had_other = true;
	end->carrier.local.port = 1;
	other->carrier.local.port = 2;
	if (has_streams(end)) {
		prove(end, memory.prove ? memory.prove : host_peer(other->host), true);
		prove(other, host_peer(end->host), false);
	}
	if (end->carrier.may_cross)
		close_end(&other->carrier);
	else
		(void)host_arrived(listener->transport, &other->carrier, &from);
	end->carrier.events->up(&end->carrier);
}

static void turn(uv_timer_t *timer)
{
	struct end *end = timer->data;

	if (!end->up) {
		if (!memory.silent)
			go_up(end);
		return;
	}
	if (!end->other && !end->in_len) {
		end->carrier.events->ended(&end->carrier, VD_OK, "the other end is gone");
		return;
	}
	if (has_streams(end))
		turn_streams(end);
	else
		turn_bytes(end);
}

/* ---- the transports ---- */

static bool ends_in(const struct vd_multiaddr *address, uint32_t code)
{
	struct vd_multiaddr_part part = { .code = 0 };
	size_t at = 0;

	while (vd_multiaddr_next(address, &at, &part))
		;
	return part.code == code;
}

static bool takes_ws(const struct vd_multiaddr *address)
{
	return ends_in(address, WS_CODE);
}

static bool takes_quic(const struct vd_multiaddr *address)
{
	return ends_in(address, QUIC_CODE);
}

static enum vd_err open_transport(struct transport *transport)
{
	transport->state = &memory;
	memory.opened++;
	return VD_OK;
}

static void close_transport(struct transport *transport)
{
	transport->state = NULL;
	memory.closed++;
}

static enum vd_err listen_at(struct transport *transport, const struct vd_multiaddr *address,
			     struct transport_listener **listener_out, char *why)
{
	struct transport_listener *listener = calloc(1, sizeof *listener);

	(void)why;
	*listener = (struct transport_listener){ transport, *address };
	listeners[memory.listeners++] = *listener_out = listener;
	return VD_OK;
}

static void unlisten(struct transport_listener *listener)
{
	memory.listeners--;
	free(listener);
}

static enum vd_err dial(struct transport *transport, const struct transport_dial *what,
			struct carrier **carrier_out, const char **why_out)
{
	bool streams = transport->class == &memory_streams;
	struct end *end;

	memory.dials++;
	memory.last_apart = what->apart;
	if (memory.dial_err) {
		*why_out = "told to fail";
		return memory.dial_err;
	}
	end = new_end(transport->host, streams ? &streams_class : &bytes_class);
	for (unsigned i = 0; i < memory.listeners; i++)
		if (vd_multiaddr_equal(&listeners[i]->address, what->address))
			end->listener = listeners[i];
	end->carrier.may_cross = memory.crossing;
	memory.crossing = false;
	schedule(end);
	*carrier_out = &end->carrier;
	return VD_OK;
}

const struct transport_class memory_bytes = {
	.name = "memory-bytes",
	.brings = TRANSPORT_BYTES,
	.takes = takes_ws,
	.open = open_transport,
	.close = close_transport,
	.listen = listen_at,
	.unlisten = unlisten,
	.dial = dial,
};

const struct transport_class memory_streams = {
	.name = "memory-streams",
	.brings = TRANSPORT_STREAMS,
	.takes = takes_quic,
	.open = open_transport,
	.close = close_transport,
	.listen = listen_at,
	.unlisten = unlisten,
	.dial = dial,
};
