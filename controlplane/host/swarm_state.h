/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * swarm_state: what the files of swarm share.
 *
 *	swarm.c        life, listening, what all hosts are told
 *	swarm_rows.c   the control thread's rows of connections, and which of two is preferred
 *	swarm_dial.c   attempts
 *	swarm_task.c   work on a connection's thread
 *	place.c        the other side: a loop and its host
 *
 * Threads: control, but for what is marked as the place's, which its own thread has; with no
 *          stream threads control is that, too.
 * Memory:  rows and attempts are on the heap; whose one is, is said with it.
 */
#include <stdatomic.h>
#include <uv.h>

#include "controlplane/host/host_state.h"
#include "controlplane/host/mailbox.h"
#include "controlplane/host/swarm.h"

enum {
	SWARM_BUCKETS = 4096,
	SWARM_COUNTERS = sizeof(struct host_counters) / sizeof(uint64_t),
	SWARM_TOLD_BYTES = 4 << 20, /* of identify and swarm_say, on their way from one place */
};

static_assert(SWARM_COUNTERS * sizeof(uint64_t) == sizeof(struct host_counters));

struct swarm_attempt;

/* What a place tells without letters: it stores once a turn, before it sleeps. */
struct swarm_page { /* writer: the place; readers: control. On a cache line of its own */
	_Alignas(64) _Atomic uint64_t connections; /* also those that are not open yet */
	_Atomic uint64_t taken;                    /* sockets and dials that it began with */
	_Atomic uint64_t events_refused;
	_Atomic uint64_t protocols;
	_Atomic uint64_t counters[SWARM_COUNTERS];
};

/* A loop with a host: a stream thread, or the control thread itself. */
struct swarm_place {
	struct swarm *swarm;
	unsigned thread; /* 0: the control thread */
	uv_loop_t *loop;
	struct host *host;
	struct mailbox down; /* writer: control; reader: the place */
	struct mailbox up;   /* writer: the place; reader: control */
	struct swarm_page page;

	/* Control's. */
	uint64_t handed; /* sockets and dials, ever */
	uv_thread_t id;
	bool has_loop, has_down, has_up, has_prepare, running;

	/* The place's. */
	uv_loop_t own_loop;
	uv_prepare_t prepare;
	uint64_t serial, taken, events_refused;
	struct swarm_attempt *attempts; /* under way */
	struct letter stop;
	_Atomic size_t told_bytes; /* writers: the place adds, control takes away */
};

/*
 * A connection. Its place makes it and posts `opened`; control lists it, and sends it back as
 * `forgotten` once it read `closed`: letters to the place that came before are read by then.
 */
struct swarm_row {
	struct swarm_conn conn; /* writer: the place, until `opened` is posted; then control */
	struct swarm_place *place;
	struct letter opened, going, heard, closed; /* up; heard once a doubt, the others once */
	struct letter hang_up, review, forgotten;   /* down */

	/* Control's. */
	struct swarm_row *next, *prev; /* of all */
	struct swarm_row *next_id, *next_peer;
	uint64_t order; /* in which they opened */
	bool hanging_up;
	bool doubted; /* the peer opened another one, and nothing came by this one since */

	/* The place's; err and why until `closed` is posted. */
	struct host_conn *host_conn; /* NULL: closed */
	enum vd_err err;
	char why[HOST_WHY];

	struct host_live live;
	_Atomic bool retire;    /* writer: control; reader: the place, when it reads `review` */
	_Atomic bool doubt;     /* the same; cleared by the place */
	_Atomic bool reviewing; /* `review` is on its way: set by control, cleared by the place */
};

struct swarm {
	uv_loop_t *loop;
	const struct vd_identity *identity;
	vd_ns retire_after;
	bool stopping, has_own;
	struct mailbox own; /* from the control thread to itself: answers that are known at once */
	struct host *front; /* listens; with no threads, the only host */
	struct swarm_place *places;
	unsigned place_count, next_place;

	struct swarm_events watches[SWARM_WATCHES_MAX];
	unsigned watch_count;
	const char *protocols[SWARM_PROTOCOLS_MAX]; /* that were added here */
	unsigned protocol_count;

	struct swarm_row *rows;
	struct swarm_row *by_id[SWARM_BUCKETS], *by_peer[SWARM_BUCKETS];
	uint8_t secret[16];
	uint32_t row_count;
	uint64_t orders, retired;

	struct swarm_attempt *attempts;
	uint64_t dials, attempt_count; /* ever: the last one's number */
};

/* ---- place.c, from control ---- */

/*
 * A loop, mailboxes and a host; then `start` runs a thread for it, if it is to have one.
 * VD_ENOMEM, VD_ESYS. fini after a failure, too.
 */
enum vd_err swarm_place_init(struct swarm_place *place,
			     const struct host_config *config) ON_CONTROL;
enum vd_err swarm_place_start(struct swarm_place *place) ON_CONTROL;
/* Ends its host and joins its thread; what it still had to say is in `up`. To stop several in the
 * time of one, ask all of them first. */
void swarm_place_ask_stop(struct swarm_place *place) ON_CONTROL;
void swarm_place_stop(struct swarm_place *place) ON_CONTROL;
void swarm_place_fini(struct swarm_place *place) ON_CONTROL;

/* `fd` is taken. VD_ELIMIT, VD_ENOMEM. */
enum vd_err swarm_place_adopt(struct swarm_place *place, unsigned transport, int fd) ON_CONTROL;
/* Ends the attempt of that number, if it is still under way. */
void swarm_place_cancel(struct swarm_place *place, uint64_t number) ON_CONTROL;

/* ---- place.c, on the place's thread: how it reads control's letters ---- */

void swarm_place_begin_attempt(struct letter *letter);
void swarm_place_run_task(struct letter *letter);
void swarm_place_hang_up(struct letter *letter);
void swarm_place_review(struct letter *letter);
void swarm_place_forget(struct letter *letter);

/* ---- control's ---- */

/* The place that has least to do. */
struct swarm_place *swarm_least_place(struct swarm *swarm) ON_CONTROL;
void swarm_read_opened(struct letter *letter) ON_CONTROL;
void swarm_read_going(struct letter *letter) ON_CONTROL;
void swarm_read_heard(struct letter *letter) ON_CONTROL;
void swarm_read_closed(struct letter *letter) ON_CONTROL;
void swarm_tell_identified(struct swarm_row *row, struct vd_bytes told) ON_CONTROL;
void swarm_tell_pinged(struct swarm_row *row, vd_ns rtt) ON_CONTROL;
void swarm_tell_said(struct swarm_row *row, const char *protocol, struct vd_bytes bytes) ON_CONTROL;
struct swarm_row *swarm_row(const struct swarm *swarm, uint64_t id) ON_CONTROL;
struct swarm_row *swarm_preferred(const struct swarm *swarm,
				  const struct vd_peer_id *peer) ON_CONTROL;
/* With streams and rtt as they are now. */
const struct swarm_conn *swarm_look(struct swarm_row *row) ON_CONTROL;

/* One try at one address; control makes and frees it, in between it is the place's. */
struct swarm_waiter {
	uint64_t dial;
	swarm_dial_fn done;
	void *context;
	struct swarm_waiter *next;
};

struct swarm_attempt {
	struct letter begin, ended; /* down; up */
	struct swarm_place *place;
	struct vd_multiaddr address;

	/* Control's. */
	struct swarm_waiter *waiting;
	struct swarm_attempt *next;
	bool answered;

	_Atomic uint64_t up_at; /* writer: the place; reader: control */

	/* The place's, until `ended` is posted. */
	struct swarm_attempt *next_begun;
	uint64_t number;
	uint64_t conn; /* id; 0: failed */
	enum vd_err err;
	char why[HOST_WHY];
};

void swarm_read_ended(struct letter *letter) ON_CONTROL;
