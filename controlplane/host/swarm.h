/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * swarm: all libp2p connections of this node, as the control thread sees and rules them, and the
 * stream threads that own them.
 *
 *	swarm_new, swarm_watch, swarm_handle, swarm_listen, swarm_dial, swarm_submit … swarm_free
 *
 *	  control thread                          stream thread 1..N, or the control thread itself
 *	  listeners, one row a connection         a loop, a host (host.h), its connections
 *	        | letters: adopt, dial, tasks          |
 *	        +------------- mailbox --------------->+
 *	        +<------------ mailbox ----------------+
 *	             letters: opened, identified, pinged, closed; tasks that are done
 *
 * Every connection belongs to one host for life. With `threads` 0 there is one host, on the
 * control thread's loop, and everything takes the same way: by letter, a turn later. So no
 * callback comes from within a swarm_ call, with threads or without.
 *
 * Listening: the control thread accepts, and hands each socket to the place with the fewest
 * connections. SO_REUSEPORT would have the kernel hash them, blind to what a thread has: of 8
 * long connections on 2 threads, 3 times in 10 one thread gets 6 or more. Accepting costs
 * microseconds beside a handshake's hundreds.
 *
 * One connection a peer, by the rule of a host (host.h, host_connection), over all places: the
 * control thread decides, so the places' hosts close none of their own accord.
 *
 * Threads:  control, but for what says otherwise. Memory: on the heap, until swarm_free.
 * Errors:   VD_ELIMIT: a mailbox is full (SWARM_LETTERS_MAX), or too many connections; counted.
 */
#include "base/thread.h"
#include "controlplane/host/host.h"
#include "controlplane/host/letter.h"

enum {
	SWARM_THREADS_MAX = 64,
	SWARM_WATCHES_MAX = 8,
	SWARM_PROTOCOLS_MAX = HOST_PROTOCOLS_MAX - 8, /* added here */
	SWARM_LETTERS_MAX = 4096, /* that wait for one thread; what they are about has no limit */
};

struct swarm;

/* A connection, as of the last letter about it. The pointer is good until its `closed`. */
struct swarm_conn {
	uint64_t id;     /* never used again */
	unsigned thread; /* 1..N; 0: the control thread */
	bool retiring;   /* another one to this peer is preferred (host.h, host_connection) */
	struct host_conn_info info;
};

/* What a watch is told; NULL for what is not wanted. A callback may call anything of the swarm but
 * swarm_free. */
struct swarm_events {
	void (*opened)(void *context, const struct swarm_conn *conn);
	/* As host_events.identified: the peer's word, for identify_stream_read. */
	void (*identified)(void *context, const struct swarm_conn *conn, struct vd_bytes told);
	void (*pinged)(void *context, const struct swarm_conn *conn, vd_ns rtt);
	/* By swarm_say, under a name of the protocol's. */
	void (*said)(void *context, const struct swarm_conn *conn, const char *protocol,
		     struct vd_bytes bytes);
	/* Its last. The row is not found any more. */
	void (*closed)(void *context, const struct swarm_conn *conn, enum vd_err err,
		       const char *why);
	void *context;
};

struct swarm_config {
	struct host_config host; /* of each of its hosts; the loop is control's, events are ours */
	unsigned threads;        /* 0 to SWARM_THREADS_MAX */
};

/* VD_ENOMEM, VD_ESYS: no thread. */
enum vd_err swarm_new(const struct swarm_config *config, struct swarm **swarm_out) ON_CONTROL;
/*
 * Closes all connections, joins the threads, and calls what is still owed: closed, and each
 * dial's and task's `done`. Runs the loop until its handles are gone.
 */
void swarm_free(struct swarm *swarm) ON_CONTROL;

/* VD_ELIMIT. A copy is kept; watches are told in the order in which they came. */
enum vd_err swarm_watch(struct swarm *swarm, const struct swarm_events *events) ON_CONTROL;

/* ---- hosts ---- */

/* As host_listen, host_listens, host_listens_give. All hosts dial from where the swarm listens. */
enum vd_err swarm_listen(struct swarm *swarm, const struct vd_multiaddr *address,
			 char why[HOST_WHY]) ON_CONTROL;
size_t swarm_listens(const struct swarm *swarm,
		     struct vd_multiaddr out[HOST_LISTEN_MAX]) ON_CONTROL;
enum vd_err swarm_listens_give(struct swarm *swarm, unsigned user) ON_CONTROL;

/*
 * Calls `fn` once for every host, on its thread, with a copy of `len` bytes at `argument`: for
 * what all that own connections have to know. In order with all that is asked before and after.
 * VD_ELIMIT, VD_ENOMEM: no host is called.
 */
typedef void (*swarm_host_fn)(struct host *host, const void *argument);
enum vd_err swarm_each_host(struct swarm *swarm, swarm_host_fn fn, const void *argument,
			    size_t len) ON_CONTROL;

/*
 * As host_handle on every host, before or after connections are there: `accept` is called on the
 * connection's thread. VD_EBUG_STATE: it is there; VD_ELIMIT, VD_ENOMEM.
 */
enum vd_err swarm_handle(struct swarm *swarm, const struct host_protocol *protocol) ON_CONTROL;
enum vd_err swarm_unhandle(struct swarm *swarm, const char *id) ON_CONTROL;

/* ---- connections ---- */

/* `conn` is NULL when it failed, and `why` says how. */
typedef void (*swarm_dial_fn)(void *context, const struct swarm_conn *conn, enum vd_err err,
			      const char *why);

/*
 * One attempt at one address that ends in /p2p, on the thread with the fewest connections. An open
 * connection to that peer is taken instead, and an attempt at this address that is under way is
 * shared. `done` is called once, unless it is canceled. VD_EUSER for an address that is none of
 * ours or our own, VD_ELIMIT, VD_ENOMEM: not called. `dial_out` may be NULL.
 */
enum vd_err swarm_dial(struct swarm *swarm, const struct vd_multiaddr *address, swarm_dial_fn done,
		       void *context, uint64_t *dial_out) ON_CONTROL;
/* `done` is not called any more. The attempt ends if nobody else waits for it. */
void swarm_dial_cancel(struct swarm *swarm, uint64_t dial) ON_CONTROL;

/* When the dial got its TCP connection, on which it negotiates since; 0: not yet, or it is over. */
vd_ns swarm_dial_up_at(const struct swarm *swarm, uint64_t dial) ON_CONTROL;

/* The connection to the peer that new streams use, NULL without one: as host_connection. */
const struct swarm_conn *swarm_find(const struct swarm *swarm,
				    const struct vd_peer_id *peer) ON_CONTROL;
/* NULL: it is closed. */
const struct swarm_conn *swarm_conn(const struct swarm *swarm, uint64_t id) ON_CONTROL;
/* Each open connection; streams and rtt are as of now. */
void swarm_each(const struct swarm *swarm, void (*fn)(void *context, const struct swarm_conn *conn),
		void *context) ON_CONTROL;
uint32_t swarm_connection_count(const struct swarm *swarm) ON_CONTROL;

/* Whether a transport has the address, with the peer at its end or without. */
bool swarm_takes(const struct swarm *swarm, const struct vd_multiaddr *address) ON_CONTROL;

/* Its `closed` follows. */
void swarm_disconnect(struct swarm *swarm, uint64_t id) ON_CONTROL;
/* All connections to the peer; how many there are. */
unsigned swarm_disconnect_peer(struct swarm *swarm, const struct vd_peer_id *peer) ON_CONTROL;

/* ---- work on a connection's thread ---- */

/*
 * Embedded in what a caller has on the heap. The swarm has it from swarm_submit until `done`:
 *
 *	run   on the connection's thread; conn is NULL when it is closed. It opens streams …
 *	      and whoever finishes, then or later on that thread, calls swarm_task_done once.
 *	done  on the control thread; may free it.
 */
struct swarm_task {
	void (*run)(struct swarm_task *task, struct host_conn *conn);
	void (*done)(struct swarm_task *task);
	/* The swarm's. */
	struct letter letter;
	struct swarm_place *place;
	struct swarm_row *row;
};

/* VD_ELINK_CLOSED: no such connection; VD_ELIMIT: neither is called. */
enum vd_err swarm_submit(struct swarm *swarm, uint64_t id, struct swarm_task *task) ON_CONTROL;
/* From the connection's thread. */
void swarm_task_done(struct swarm_task *task);

/* One ping: host_ping as a task. As swarm_submit; VD_ENOMEM. */
enum vd_err swarm_ping(struct swarm *swarm, uint64_t id, host_ping_fn done,
		       void *context) ON_CONTROL;
/* As host_perf (perf.h). */
typedef void (*swarm_perf_fn)(void *context, enum vd_err err);
enum vd_err swarm_perf(struct swarm *swarm, uint64_t id, uint64_t upload_bytes,
		       uint64_t download_bytes, swarm_perf_fn done, void *context) ON_CONTROL;

/*
 * From the connection's thread, by a protocol that a peer speaks to without having been asked:
 * watches are told `said`. `protocol` has static storage; the bytes are copied, and share a limit
 * with what identify tells. False: there is no room, counted.
 */
bool swarm_say(struct host_conn *conn, const char *protocol, struct vd_bytes bytes);

/* ---- counters ---- */

struct swarm_counters {
	struct host_counters hosts; /* of all hosts together */
	uint64_t letters_refused;   /* to threads whose mailbox was full */
	uint64_t events_refused;    /* from threads: connections and words of identify dropped */
	uint64_t retired;           /* closed for a preferred one */
	uint64_t protocols;         /* that identify tells of now; the most of any host */
};
struct swarm_counters swarm_counters(const struct swarm *swarm) ON_CONTROL;
