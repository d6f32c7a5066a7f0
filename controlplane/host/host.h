/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * host: a libp2p node on one libuv loop: it listens, dials, keeps connections to peers, and
 * gives streams to protocols.
 *
 *	host_new, host_handle (each protocol), host_listen, host_dial, host_open … host_free
 *
 * A connection (socket, security, muxer) belongs to the host's loop for life. Stock protocols
 * that every node speaks (identify, ping) are the host's own: host_new adds them.
 *
 * Streams call back by their class: opened (ours: a protocol was agreed on), readable, writable,
 * and at last closed, after which the pointer is void. A callback that does not read is called
 * again when more came; what is not read holds the peer back.
 *
 * Callbacks come from the loop, but for those that say that a call is done at once: `closed` of a
 * connection's streams and its own from within host_disconnect and host_free, and host_dial's
 * `done` from within host_dial when the peer is connected, and with an error from within
 * host_free. So a caller holds nothing of its own half changed over these three.
 *
 * Threads: the loop's; one host, one loop. Memory: on the heap; limits below, and a counter for
 * what each turned away. Ranges given in are borrowed until return; host_stream_read's until the
 * next call on that stream's connection but host_stream_taken.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "base/formats/multiaddr.h"
#include "base/time.h"

enum {
	HOST_LISTEN_MAX = 16,
	HOST_PROTOCOLS_MAX = 64,
	HOST_NEGOTIATE_S = 15, /* from the socket to an open connection; a stream's protocol */
	HOST_DIAL_S = 5,       /* to a TCP connection; in a private network then to a greeting */
	HOST_IDLE_S = 60,      /* a stream of ping or perf on which nothing moves */
	/* A write of which the peer takes no byte, though it goes on talking; twice that at most.
	 * As long as one that is silent has, by Yamux's pings; and long enough for TCP to try again
	 * after half a minute without a path. */
	HOST_STALL_S = 60,
	HOST_RETIRE_S = 10,   /* a connection without streams to a peer that has a better one */
	HOST_PINGS_MAX = 256, /* asked and not answered, on a connection */
	HOST_AGENT = 64,
	HOST_NETWORK = 32, /* room for a network's name */
	HOST_WHY = 160,
	HOST_SEND_MAX = 65536, /* of one host_stream_send */
	HOST_LINE_MAX = 65536, /* of host_stream_read_line; more may not come before a read */
};

struct uv_loop_s;
struct host_limits;
struct pnet_key;
struct host;
struct host_conn;
struct host_stream;

/*
 * What a host tells of its connections; NULL for what is not wanted. From the loop; a callback
 * may open streams, and may disconnect the connection it is told of.
 */
struct host_events {
	/* Negotiated; before host_dial's `done`. */
	void (*opened)(void *context, struct host_conn *conn);
	/* The peer told of itself, asked or by push: all that came on the stream, messages of
	 * identify (libp2p/specs, identify) with their lengths before them, whole and
	 * well-formed. What it says is not verified. For host_identified_read (identified.h). */
	void (*identified)(void *context, struct host_conn *conn, struct vd_bytes told);
	void (*pinged)(void *context, struct host_conn *conn, vd_ns rtt); /* host_ping's answer */
	/* The peer takes no more streams on it; those that are open go on. Once, if at all. */
	void (*going_away)(void *context, struct host_conn *conn);
	/* Something came, for the first time since host_conn_doubt, or since the host doubted. */
	void (*heard)(void *context, struct host_conn *conn);
	/* After its streams were told. VD_OK: either side closed it in order. `why` is a text. */
	void (*closed)(void *context, struct host_conn *conn, enum vd_err err, const char *why);
	/* Somebody connected to a listener: true takes the socket, for host_adopt of this or
	 * another host; false leaves it to this one. `transport` is its kind, for host_adopt. */
	bool (*accepted)(void *context, unsigned transport, int fd);
	void *context;
};

struct host_config {
	struct uv_loop_s *loop;             /* NULL: one of its own, for host_run */
	const struct vd_identity *identity; /* kept by reference; NULL: a new one, for this run */
	const char *agent;                  /* "my-program/1.0"; copied; NULL: "viaduct/…" */
	bool no_noise, no_tls;              /* leave one secure channel out */
	struct host_events events;          /* copied */
	/*
	 * A host is in one network: the public one, or the private one that this key makes
	 * (libp2p/specs, pnet; pnet_key.h). Copied, and wiped by host_free; the name is for logs.
	 */
	const struct pnet_key *network_key; /* NULL: the public network */
	const char *network;                /* copied; NULL with the key alone */
	vd_ns negotiate_within;             /* 0: HOST_NEGOTIATE_S */
	vd_ns idle_within;                  /* 0: HOST_IDLE_S */
	vd_ns stall_within;                 /* 0: HOST_STALL_S */
	/* 0: HOST_RETIRE_S. VD_NEVER: all connections to a peer stay, until host_conn_retire. */
	vd_ns retire_after;
	/* What it may hold (limits.h), together with other hosts, also of other threads, that are
	 * given the same; kept by reference. NULL: its own, the usual ones. */
	struct host_limits *limits;
};

struct host_counters {
	uint64_t dialled, accepted;   /* connections opened */
	uint64_t dials_failed;        /* by any reason */
	uint64_t inbound_failed;      /* while negotiating */
	uint64_t connections_refused; /* above a limit */
	uint64_t accepts_put_off;     /* no descriptor, or no memory: peers that connect wait */
	uint64_t streams_in, streams_out;
	uint64_t streams_refused; /* no handler */
	uint64_t peers_broke;     /* connections and streams closed as the peer broke a protocol */
	uint64_t wrong_network;   /* of a private network's: no first line that its key opens */
	uint64_t timeouts;
	uint64_t bytes_in, bytes_out;       /* of sockets */
	uint64_t identify_in, identify_out; /* peers asked, and were told; we asked, and were */
	uint64_t pushes_in, pushes_out;     /* of identify/push */
	uint64_t pushes_refused;            /* more than a peer may send */
	uint64_t push_peers, no_push_peers; /* that take pushes, and that do not */
	uint64_t pushes_by_addresses, pushes_by_protocols; /* changes that have to be pushed */
};

/* A configuration of zeros will do. VD_ENOMEM, VD_ESYS; VD_EUSER: both secure channels are left
 * out. */
enum vd_err host_new(const struct host_config *config, struct host **host_out);
/*
 * Closes all; streams get `closed`. What was written goes out as far as sockets take it at once,
 * but nobody waits for the other side to read it. From here on host_dial, host_open and host_adopt
 * say VD_ELINK_CLOSED. Not from a callback of this host. Runs the loop until its handles are gone.
 * Handles of the caller's on a loop of the host's own are closed too: their memory must still be
 * there.
 */
void host_free(struct host *host);

/*
 * Runs the loop until host_stop, or until it has nothing to wait for. For a loop of the caller's
 * it is uv_run; the program then ignores SIGPIPE, as all programs that use libuv must, which
 * host_run and host_free do for their thread. host_stop: from the loop's thread.
 */
void host_run(struct host *host);
void host_stop(struct host *host);
struct uv_loop_s *host_loop(const struct host *host);

const struct host_counters *host_counters(const struct host *host);
void host_counters_add(struct host_counters *sum, const struct host_counters *more);
const struct vd_peer_id *host_peer(const struct host *host);
uint32_t host_connection_count(const struct host *host);

/* ---- addresses ---- */

/* /ip4|ip6/…/tcp/…, port 0 for any. `why` tells what went wrong. VD_EUSER, VD_ESYS,
 * VD_ELIMIT. */
enum vd_err host_listen(struct host *host, const struct vd_multiaddr *address, char why[HOST_WHY]);
enum vd_err host_listen_text(struct host *host, const char *address, char why[HOST_WHY]);
/* Addresses listened on, as bound, without /p2p. */
size_t host_listens(const struct host *host, struct vd_multiaddr out[HOST_LISTEN_MAX]);
/* The address number `index` of them with /p2p/…, to be given to others; NULL after the last. */
const char *host_address_text(const struct host *host, size_t index, char out[VD_MULTIADDR_TEXT]);
/* Addresses that another host listens on for this one, as host_listens gives them: this one's too
 * from now on, for whoever asks. Copied. */
void host_listens_by_another(struct host *host, const struct vd_multiaddr *listens, size_t count);
/* Before the process becomes another user: dials leave from where this process listens, and who
 * dials from a port must own its listener. VD_ESYS. */
enum vd_err host_listens_give(struct host *host, unsigned user);
/* A connected socket that another host accepted, of the kind that it was told; `fd` is taken, also
 * on failure. VD_ELIMIT, VD_ELINK_CLOSED, VD_ENOMEM; VD_EBUG_STATE: there is no such kind. */
enum vd_err host_adopt(struct host *host, unsigned transport, int fd);

/*
 * What identify tells of us from now on, to each connection what makes sense there (32 at
 * most, those that reach furthest first), and signed with `seq`, which has to rise with each change
 * (nanoseconds since 1970 do). Peers that take pushes are told within seconds; changes in quick
 * succession are one. Without it, or with NULL, the host tells what it listens on, as of when it
 * began to, wildcards expanded.
 */
void host_announce(struct host *host, const struct vd_multiaddr *addresses, size_t count,
		   uint64_t seq);

/* ---- protocols and streams ---- */

struct host_stream_class {
	void (*opened)(struct host_stream *stream);   /* NULL: not wanted */
	void (*readable)(struct host_stream *stream); /* bytes, or host_stream_ended */
	void (*writable)(struct host_stream *stream); /* NULL: not wanted */
	/* VD_ELINK_CLOSED: the peer reset it, or the connection ended; VD_ELINK_TIMEOUT: its
	 * deadline passed; VD_EPEER_REFUSED: the peer has no such protocol, VD_EPEER_…: it broke
	 * the negotiation. NULL: not wanted. */
	void (*closed)(struct host_stream *stream, enum vd_err err);
};

struct host_protocol {
	const char *id; /* static storage */
	/* A peer opened a stream; it is ours. Gives it its class and user. NULL: it gets `calls`,
	 * and `context` as its user. */
	void (*accept)(void *context, struct host_stream *stream);
	void *context;
	const struct host_stream_class *calls;
};

/* VD_ELIMIT; VD_EBUG_STATE when it is there. */
enum vd_err host_handle(struct host *host, const struct host_protocol *protocol);
void host_unhandle(struct host *host, const char *id);

/*
 * A stream on an open connection, for the first of `ids` (NULL ends them; static storage) that
 * the peer has. With one id it may be written at once. Without `calls` (NULL) nothing is told of
 * it, its end neither: the pointer is good until the loop's next turn, unless host_stream_use gives
 * it some. VD_ELIMIT, VD_ENOMEM. VD_ELINK_CLOSED: the connection ends, or takes no more streams;
 * dial anew.
 */
enum vd_err host_open(struct host_conn *conn, const char *const *ids,
		      const struct host_stream_class *calls, void *user,
		      struct host_stream **stream_out);

void host_stream_use(struct host_stream *stream, const struct host_stream_class *calls, void *user);
void *host_stream_user(const struct host_stream *stream);
struct host_conn *host_stream_conn(const struct host_stream *stream);
const char *host_stream_protocol(const struct host_stream *stream); /* NULL: not agreed on yet */

/*
 * What calls say, by what has become of the stream:
 *
 *	                           read        ended   write, send        read_line
 *	opening, one id            nothing     false   VD_OK              VD_AGAIN
 *	opening, several ids       nothing     false   VD_AGAIN           VD_AGAIN
 *	open                       what came   false   VD_OK, VD_AGAIN    VD_OK, VD_AGAIN
 *	we finished                                    VD_EBUG_STATE
 *	the peer finished          the rest    false                      VD_OK, VD_EPEER_TRUNC
 *	… and all of it is taken   nothing     true                       VD_EPEER_TRUNC
 *	it is over                 nothing     false   VD_ELINK_CLOSED    VD_ELINK_CLOSED
 *
 * It is over once it is reset, released or closed, and when `closed` is told: of either side's
 * reset, with what came and was not taken; of a deadline; of the connection's end. The pointer is
 * good until the callback in which that happened returns, and then void; until then any call may
 * be made, and does nothing. A second finish does nothing.
 */
struct vd_bytes host_stream_read(struct host_stream *stream);
void host_stream_taken(struct host_stream *stream, size_t len);
bool host_stream_ended(const struct host_stream *stream);
/* Takes what there is room for; writable follows when it was not all. VD_AGAIN, VD_ELINK_CLOSED. */
enum vd_err host_stream_write(struct host_stream *stream, struct vd_bytes bytes, size_t *took_out);
/*
 * All or nothing, for messages: VD_AGAIN when there is no room, and writable follows;
 * VD_EBUG_ROOM when there never will be (above HOST_SEND_MAX). Otherwise as host_stream_write.
 */
enum vd_err host_stream_send(struct host_stream *stream, struct vd_bytes bytes);
/*
 * Takes one line, as a text without "\n" or "\r\n". VD_AGAIN: it is not all there yet.
 * VD_EPEER_TRUNC: the peer finished, and no whole line is left. VD_EPEER_RANGE: longer than
 * `cap` - 1, or HOST_LINE_MAX; VD_EPEER_FORMAT: it has a NUL. Any other byte may be in it: look
 * before you print.
 */
enum vd_err host_stream_read_line(struct host_stream *stream, char *line_out, size_t cap);
void host_stream_finish(struct host_stream *stream); /* half-close, after what was written */
void host_stream_reset(struct host_stream *stream);  /* the pointer is void; no `closed` */
/* Ends it with VD_ELINK_TIMEOUT at `deadline`, or up to a second later; VD_NEVER: takes that back.
 * Until a protocol is agreed on, HOST_NEGOTIATE_S holds. */
void host_stream_until(struct host_stream *stream, vd_ns deadline);
/* Done with it, the pointer is void. Finished: what was written still goes out, and what the peer
 * sends is dropped. Not finished: as host_stream_reset. */
void host_stream_release(struct host_stream *stream);
void host_stream_close(struct host_stream *stream); /* finish, then release: how most streams end */

/* ---- connections ---- */

/* `conn` is NULL when it failed, and `why` says how. */
typedef void (*host_dial_fn)(void *context, struct host_conn *conn, enum vd_err err,
			     const char *why);

/*
 * Connects to an address that ends in /p2p; an open connection to that peer is taken instead,
 * and `done` called from within. `done` is given what host_connection would find: not the one that
 * was dialled, if meanwhile the peer's own dial led to a preferred one, or if only that succeeded.
 * VD_EUSER for an address that is none of ours, VD_ELINK_CLOSED when the host ends, VD_ELIMIT,
 * VD_ENOMEM: `done` is not called.
 */
enum vd_err host_dial(struct host *host, const struct vd_multiaddr *address, host_dial_fn done,
		      void *context);
enum vd_err host_dial_text(struct host *host, const char *address, host_dial_fn done,
			   void *context);

/* Of what was asked for with `done` and `context`, one dial is not answered any more. The attempt
 * ends if nobody else waits for it. */
void host_dial_cancel(struct host *host, host_dial_fn done, void *context);

/*
 * The open connection to the peer that new streams should use, NULL without one. After the peer's
 * go-away one takes no more, and those that are open go on.
 *
 * Two sides that dial each other at once get two connections. Preferred is the one whose dialer
 * has the smaller peer id, which both ends decide alike; of several by one dialer, the older. The
 * others are closed, in order, once they had no streams for `retire_after` (host_config), by
 * whichever end finds that first; of several that the peer dialled, by the peer alone. So a caller
 * that keeps a connection without a stream on it wants to hear of `closed`, and then asks again.
 *
 * When the peer opens another one, it may have vanished without a word and be back: those that are
 * there are asked for a sign of life, and until anything comes by them the other one is preferred,
 * and none is closed for them.
 */
struct host_conn *host_connection(const struct host *host, const struct vd_peer_id *peer);
/* Its streams and host_events are told from within. */
void host_disconnect(struct host_conn *conn);
/* Closes it once it had no streams for `idle`; 0 takes that back. */
void host_conn_retire(struct host_conn *conn, vd_ns idle);
/* Asks its peer for a sign of life: `heard` is told when anything comes, else it closes in time. */
void host_conn_doubt(struct host_conn *conn);
/* The caller's, for host_events. NULL at first. */
void host_conn_use(struct host_conn *conn, void *user);
void *host_conn_user(const struct host_conn *conn);

/*
 * Asks for one ping; `done` is called once. `rtt` is 0 on failure. As host_open, and VD_ELIMIT
 * above HOST_PINGS_MAX. A connection has one stream for it, on which one goes at a time: those that
 * wait when it fails fail with it.
 */
typedef void (*host_ping_fn)(void *context, enum vd_err err, vd_ns rtt);
enum vd_err host_ping(struct host_conn *conn, host_ping_fn done, void *context);

struct host_conn_info {
	struct vd_peer_id peer;
	struct vd_multiaddr remote;
	struct vd_udp_addr local; /* our end: address and TCP port */
	const char *security, *muxer;
	bool dialer;
	uint32_t streams;
	vd_ns since;
	vd_ns rtt;              /* 0: not measured */
	char agent[HOST_AGENT]; /* told by identify; printable characters alone */
	enum vd_key_type key_type;
	bool early_muxer; /* agreed on in the security handshake */
	vd_ns handshake;  /* from the socket's to the connection's open */
};
void host_conn_info(const struct host_conn *conn, struct host_conn_info *info_out);
/* Each open connection. */
void host_each(const struct host *host, void (*fn)(void *context, struct host_conn *conn),
	       void *context);
