/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * loop: the control thread's event loop, on libuv: timers by deadline for sans-IO
 * machines, descriptors to watch, signals, and what is done before and after sleep.
 *
 * A turn: sleep until a descriptor or a deadline is due, then run all that is due.
 * The sleep is ours and not libuv's, which runs callbacks between its prepare
 * and check hooks: so every callback runs while the thread is an online RCU reader, and
 * only the sleep is offline.
 *
 * Threads: control; all callbacks run in cp_loop_run.
 * Memory:  handles are made and freed by their functions; freeing one in its own callback
 *          is allowed. A freed handle is never called again.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/time.h"

struct cp_loop;
struct cp_timer;
struct cp_watch;
struct cp_signal;
struct uv_loop_s;

typedef void (*cp_loop_fn)(void *context);
/* Before sleep: false when there is work after all, so that the loop does not sleep. */
typedef bool (*cp_loop_sleep_fn)(void *context);

enum vd_err cp_loop_new(struct cp_loop **loop_out); /* VD_ENOMEM, VD_ESYS */
/* Every handle made from it must have been freed; those that were not are, and are logged. */
void cp_loop_free(struct cp_loop *loop);

/*
 * Registers the calling thread with liburcu until cp_loop_free, and has the loop go
 * quiescent and offline while it sleeps.
 */
void cp_loop_use_rcu(struct cp_loop *loop);

/*
 * `sleeping` is called before each sleep (announce the wake-up, look at the lanes once more),
 * `awake` after it, also when `sleeping` said no. Either may be NULL.
 */
void cp_loop_on_sleep(struct cp_loop *loop, cp_loop_sleep_fn sleeping, cp_loop_fn awake,
		      void *context);

void cp_loop_run(struct cp_loop *loop);  /* until stopped */
void cp_loop_stop(struct cp_loop *loop); /* after the current turn; from a callback */
/* One turn, sleeping at most until `until`; for tests and for draining at the end. */
void cp_loop_turn(struct cp_loop *loop, vd_ns until);

/* For parts that bring their own libuv handles (api/). They close them before cp_loop_free. */
struct uv_loop_s *cp_loop_uv(struct cp_loop *loop);

/* A timer that is not running. VD_ENOMEM. */
enum vd_err cp_timer_new(struct cp_loop *loop, cp_loop_fn fn, void *context,
			 struct cp_timer **timer_out);
/*
 * Calls back once at `deadline` (of vd_now), never before it, at most some milliseconds after
 * it; VD_NEVER: stops. What was set before is replaced.
 */
void cp_timer_at(struct cp_timer *timer, vd_ns deadline);
void cp_timer_free(struct cp_timer *timer); /* NULL is allowed, as below */

/*
 * Calls back while `fd` is readable or has an error, which reading it tells; one that reading
 * does not clear wants the watch freed. The descriptor stays the caller's. VD_ENOMEM, VD_ESYS.
 */
enum vd_err cp_watch_new(struct cp_loop *loop, int fd, cp_loop_fn fn, void *context,
			 struct cp_watch **watch_out);
void cp_watch_free(struct cp_watch *watch);

/* Calls back when the process gets the signal. VD_ENOMEM, VD_ESYS. */
enum vd_err cp_signal_new(struct cp_loop *loop, int number, cp_loop_fn fn, void *context,
			  struct cp_signal **signal_out);
void cp_signal_free(struct cp_signal *signal);
