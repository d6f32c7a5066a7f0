/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * host_state: the insides of a host, for the files of host/ alone: its connections, their
 * streams, and what each file offers the others. Fields stand under the file that writes
 * them; where several do, under what they are for.
 *
 * Threads: the thread of the host's loop, for everything here; what other threads read is in
 *          `struct host_live`, in atomics. Hosts of other threads share nothing but limits.h.
 * Memory:  a connection is the host's, from host_conn_new until libuv let go of it; a stream is
 *          its connection's, until host_stream_reap. `user` of either is the user's.
 */
#include <signal.h>
#include <stdatomic.h>
#include <uv.h>

#include "controlplane/host/drops.h"
#include "controlplane/host/host.h"
#include "controlplane/host/limits_count.h"
#include "controlplane/host/transport.h"
#include "controlplane/proto/connection.h"
#include "controlplane/proto/identify.h"
#include "controlplane/proto/multistream.h"
#include "controlplane/proto/noise_stream.h"
#include "controlplane/proto/pnet.h"

enum {
	HOST_BUCKETS = 4096,
	HOST_READ_BYTES = 65536,
	HOST_SEALED_BYTES = 65536,
	HOST_TURN_BYTES = 1 << 20
};

struct host_dialling { /* a caller that waits for a connection */
	host_dial_fn done;
	void *context;
	/* When its carrier was up; writer: the host's loop; readers: any. NULL: nobody looks. */
	_Atomic uint64_t *up_at;
	struct host_dialling *next;
};

struct host_live { /* writer: the host's loop; readers: any thread */
	_Atomic uint32_t streams;
	_Atomic uint64_t rtt;
	_Atomic bool going_away; /* it takes no further streams of ours */
};

struct host_told {          /* of identify, on a connection */
	uint64_t version;   /* of ours, that the peer has */
	bool asked, pushes; /* it told of itself; and that it takes pushes */
	bool pushing;       /* a push of the peer is under way */
	bool telling;       /* one of ours is */
	size_t held;        /* bytes of what it tells, not all there yet */
	vd_ns pushes_full;  /* when it may push as often as at first again */
};

struct host_pings;

struct host_conn {
	struct host *host;
	struct host_conn *next, *prev; /* of the host */
	struct vd_multiaddr remote;    /* without /p2p */
	struct vd_udp_addr local;
	void *user;

	/* conn.c, tcp.c: bytes, down to the carrier */
	struct carrier *carrier; /* NULL: it failed at once, or is closed */
	struct pnet *pnet;       /* network.c: between carrier and machine, in a private network */
	struct connection machine;
	uint8_t *held; /* of the wire, not taken yet: the reader is behind */
	size_t held_len;
	uint64_t carried; /* bytes, in and out, by the carrier */
	bool established, announced, closing, reading;
	vd_ns since;
	vd_ns handshake; /* while it lasts, when it began; then how long it took */
	vd_ns until;     /* to be open by then */

	/* conn_clock.c */
	uv_timer_t timer;
	vd_ns look_at;      /* for streams that do not agree; 0: none negotiates */
	vd_ns idle_since;   /* 0: it has streams */
	enum vd_err failed; /* of a dial that failed at once */
	const char *failed_why;
	struct host_live *live; /* NULL: nobody looks */

	/* host_dial.c */
	struct host_dialling *waiting;

	/* host.c: among the others, to the same peer and of the loop's turn */
	struct host_conn *next_open, *prev_open; /* of a bucket by peer */
	struct host_conn *next_due, *prev_due;   /* of those to pump */
	bool queued;                             /* it is one of these */
	uint64_t order;                          /* in which they opened */
	bool doubted;                            /* nothing came by it since host_conn_doubt */
	bool surplus;   /* another one to this peer is preferred, and we close this one */
	vd_ns idle_for; /* to be closed once it had no streams so long; 0: stays */

	/* stream.c */
	struct host_stream *streams;
	struct host_stream *dead; /* freed with the next turn */
	unsigned timed;           /* streams that have a deadline */
	bool told_going;          /* that the peer goes away */

	/* bounds.c */
	bool arrived; /* counts for the prefix that it came from */
	/* With its other connections; NULL: not open yet, or no memory. */
	struct host_limits_peer *peer;
	/* The peer's streams that ended and count for it still: it has not taken all we wrote. */
	uint32_t ended_streams;
	uint64_t buffered; /* bytes, as the limits know it */
	/* What had gone through it when this second began, and the one before. */
	uint64_t flow_from, flow_before;
	vd_ns flow_since;

	/* stall.c */
	vd_ns stall_at;    /* when it looks at a write that waits; 0: none does */
	size_t stall_left; /* what of it had not been taken when it last did */

	/* identify.c, identify_tell.c */
	char agent[HOST_AGENT];
	struct host_told told_of_us;

	/* ping.c */
	struct host_pings *pings; /* what we ask; NULL: nothing */
	unsigned pongs;           /* streams on which the peer asks */

	/* link_tell.c */
	bool link_asked;
	vd_ns link_answered; /* 0: never */
};

struct host_stream {
	struct host_conn *conn;
	struct muxer_stream *raw;
	struct multistream select;
	const struct host_stream_class *class;
	void *user;
	vd_ns until;                          /* agreed by then; afterwards, done by then */
	vd_ns wanted;                         /* by the user, once agreed */
	bool agreed;                          /* on a protocol */
	bool inbound;                         /* the peer opened it */
	bool finishing;                       /* when what the negotiation has to say is out */
	struct host_limits_protocol *counted; /* as one of its protocol; NULL: not yet */
	struct host_stream *next, *prev, *next_dead;
};

struct host_network {
	struct pnet_key key;
	char name[HOST_NETWORK];
	uint8_t sealed[HOST_SEALED_BYTES]; /* of the connection that is being written */
};

struct host {
	/* host.c: what it was made with */
	struct vd_identity own_identity; /* when it is given none */
	const struct vd_identity *identity;
	char agent[HOST_AGENT];
	struct host_events events;
	vd_ns negotiate_within, idle_within, stall_within, retire_after;
	struct multistream_handlers handlers;
	struct host_protocol protocols[HOST_PROTOCOLS_MAX];
	struct host_limits_protocol *protocol_streams[HOST_PROTOCOLS_MAX]; /* of the same row */
	size_t protocol_count;

	/* host.c, conn.c: its connections */
	struct host_conn *conns;   /* open */
	struct host_conn *pending; /* not open yet */
	struct host_conn *open[HOST_BUCKETS];
	uint8_t secret[16];
	uint32_t conn_count, open_count;
	uint32_t handle_count; /* of transports and timers that libuv still has */
	uint64_t orders;       /* connections that opened, ever */
	bool stopping;         /* host_free is under way: nothing new begins */
	/* Pumps `due`, once a turn: a timer of 0 that its callback starts anew would run on within
	 * that turn. */
	uv_idle_t soon;
	struct host_conn *due, *due_end;
	struct host_conn *due_last; /* of this turn; NULL: none is left */

	/* run.c */
	uv_loop_t *loop;
	uv_loop_t *own_loop; /* or NULL */

	/* layers.c */
	struct security_config security;
	struct noise_stream_config noise;
	struct tls_stream_config *tls;
	struct connection_layers layers;
	const char *muxer_names[SECURITY_MUXERS + 1];

	/* transport.c, listen.c, tcp_listen.c */
	struct transport transports[HOST_TRANSPORTS_MAX];
	size_t transport_count;
	struct transport_listener *listeners[HOST_LISTEN_MAX];
	size_t listen_count;
	struct vd_multiaddr by_another[HOST_LISTEN_MAX]; /* what another host listens on for it */
	size_t by_another_count;
	vd_ns shortage_told; /* of descriptors, in the log; 0: never */

	/* bounds.c */
	struct host_limits *limits;
	bool own_limits;

	struct host_network *network; /* network.c; NULL: the public one */
	struct host_self *self;       /* identify_tell.c */
	struct host_link *link;       /* link_tell.c; NULL: not served */

	/* all of them */
	struct host_counters counters;
	struct host_drops drops;
	uint8_t read_buffer[HOST_READ_BYTES];
};

/* layers.c: the static tables of what a connection gets. */
enum vd_err host_layers_init(struct host *host, const struct host_config *config);
void host_layers_fini(struct host *host);

/* address.c */
/* The IP address that it begins with; false: with none. */
bool host_address_ip(const struct vd_multiaddr *address, struct sockaddr_storage *out);
void host_address_of(const struct sockaddr_storage *socket, struct vd_multiaddr *out);
/* Address and port; IPv4 as ::ffff:a.b.c.d. */
void host_address_end(const struct sockaddr_storage *socket, struct vd_udp_addr *out);

/* run.c: the loop; VD_ENOMEM, VD_ESYS. */
enum vd_err host_loop_init(struct host *host, uv_loop_t *given);
void host_loop_fini(struct host *host);
/* While this thread writes to sockets whose peers may be gone. */
struct host_no_pipe {
	sigset_t before;
	bool waited; /* one was pending */
};
struct host_no_pipe host_pipe_block(void);
void host_pipe_unblock(const struct host_no_pipe *no_pipe);

/* host_dial.c */
/* As host_dial; `up_at` is kept until `done` is called or canceled. */
enum vd_err host_dial_noting(struct host *host, const struct vd_multiaddr *address,
			     host_dial_fn done, void *context, _Atomic uint64_t *up_at);
/* The carrier of a dial is up, at `now`; 0: it is not, after all. */
void host_dial_note(const struct host_conn *conn, vd_ns now);
/* Dials once more, from elsewhere, for those who wait for this one; false: they still do. */
bool host_dial_again(struct host_conn *conn);

/* listen.c */
void host_listen_close(struct host *host);

/* bounds.c: a connection under the limits that all hosts share. */
enum vd_err host_bounds_init(struct host *host, const struct host_config *config);
void host_bounds_fini(struct host *host);
/* It has the address of who connected. VD_ELIMIT: close it, for `why_out`. */
enum vd_err host_bounds_arrived(struct host_conn *conn, const char **why_out);
void host_bounds_left(struct host_conn *conn);
/* Within a turn: by so much that it is to be counted now. */
bool host_bounds_grew(const struct host_conn *conn);
/* After what it holds may have changed. VD_ELIMIT: close it. */
enum vd_err host_bounds_buffer(struct host_conn *conn);
void host_bounds_freed(struct host_conn *conn);
void host_bounds_opened(struct host_conn *conn);
/* The peer opened one more. VD_ELIMIT, VD_ENOMEM: reset it. */
enum vd_err host_bounds_stream(const struct host_conn *conn);
/* It ended for us; it counts until what was written is out. */
void host_bounds_stream_ended(struct host_conn *conn);

/* stall.c: writes of which the peer takes nothing. */
/* When to look at the one that waits; VD_NEVER: none does. */
vd_ns host_stall_at(struct host_conn *conn, vd_ns now);
/* Whether nothing of it was taken since the last look, for stall_within: close it. */
bool host_stalled(struct host_conn *conn, vd_ns now);

/* network.c: what a private network changes; of a public host nothing. */
enum vd_err host_network_init(struct host *host, const struct host_config *config);
void host_network_fini(struct host *host);
enum vd_err host_network_join(struct host_conn *conn);
void host_network_leave(struct host_conn *conn);
/* Plaintext of what came, in place. */
struct vd_bytes host_network_open(struct host_conn *conn, uint8_t *wire, size_t len);
/* What goes to the socket for `out` of the machine, of which *took_out bytes then are sent. */
struct vd_bytes host_network_seal(struct host_conn *conn, struct vd_bytes out, size_t *took_out);
/* Why a connection ended: `why`, or that the other side has another key, which it counts. */
const char *host_network_why(struct host_conn *conn, enum vd_err err, const char *why);
const char *host_network_name(const struct host *host); /* "" for the public one */

/* conn.c */
struct host_conn *host_conn_new(struct host *host, bool dialer, const struct vd_peer_id *expected);
/* Its carrier, which it takes. */
void host_conn_carry(struct host_conn *conn, struct carrier *carrier);
/* That is up. */
void host_conn_established(struct host_conn *conn);
void host_conn_pump(struct host_conn *conn);
void host_conn_close(struct host_conn *conn, enum vd_err err, const char *why);
/* Closes it in order, and sends before what can be sent at once. */
void host_conn_leave(struct host_conn *conn, const char *why);

/* conn_clock.c: what it has now, to be looked at; and since when it has no streams. */
void host_conn_note_use(struct host_conn *conn, vd_ns now);
/* After anything that may have changed when it is looked at next. */
void host_conn_set_timer(struct host_conn *conn);
/* A dial that failed at once ends as others do: from the loop. */
void host_conn_fail_soon(struct host_conn *conn, enum vd_err err, const char *why);

/* host.c: to be pumped, from the loop. */
void host_conn_due(struct host_conn *conn);
void host_conn_not_due(struct host_conn *conn);

/* host.c: connections by peer. */
void host_table_add(struct host_conn *conn);
void host_table_del(struct host_conn *conn);
/* After one of the peer's came, or went, or takes no more streams: which of the others go. */
void host_settle(struct host *host, const struct vd_peer_id *peer);
/* Something came by one that was doubted. */
void host_conn_heard(struct host_conn *conn);

/* stream.c: a muxer's event for one stream. */
void host_stream_on_event(struct host_conn *conn, const struct muxer_event *event);
void host_stream_expire(struct host_conn *conn, vd_ns now);
/* The peer broke the stream's protocol: counted, and told in the log. The caller ends it. */
void host_stream_broke(const struct host_stream *stream, enum vd_err err, const char *why);
/* Something moved: as host_stream_until, idle_within from now. */
void host_stream_touch(struct host_stream *stream);
/* `closed` was told, or we gave it back: the pointer is good until the callback returns. */
bool host_stream_is_over(const struct host_stream *stream);
/* As muxer_has_room: false as long as no protocol is agreed on that may be written to. */
bool host_stream_has_room(struct host_stream *stream, size_t len);
/* As muxer_finished. */
bool host_stream_finished(const struct host_stream *stream);
void host_stream_lose_all(struct host_conn *conn, enum vd_err err);
/* Frees those that ended; when no stream's callback is under way. */
void host_stream_reap(struct host_conn *conn);

/* identify.c, ping.c: protocols that every node speaks. */
#define HOST_IDENTIFY_UNTIL VD_SECONDS(30) /* a stream of identify, to its end */
enum vd_err host_identify_init(struct host *host);
void host_identify_ask(struct host_conn *conn);

/* identify_tell.c: what we tell of ourselves, asked or by push. */
enum vd_err host_self_init(struct host *host);
void host_self_close(struct host *host); /* its timer goes with the loop's next turns */
void host_self_free(struct host *host);
void host_self_opened(struct host_conn *conn);
void host_self_tell(void *context, struct host_stream *stream);
void host_self_listens_changed(struct host *host);
void host_self_protocols_changed(struct host *host);
/* The peer told that it takes pushes. */
void host_self_push_soon(struct host_conn *conn);
/* link_tell.c */
void host_link_free(struct host *host);

enum vd_err host_ping_init(struct host *host);
