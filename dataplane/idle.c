/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * idle: the loop around turns, and sleep when there is nothing to do.
 *
 * Where every port has a descriptor the worker sleeps on them all, at most until
 * the next slice of keepalives. Where one has none, it naps, longer and longer up to
 * a millisecond. A worker that sleeps is offline for RCU.
 */
#include <poll.h>
#include <time.h>

#include "dataplane/worker_state.h"

enum {
	SPIN_TURNS = 128, /* empty ones before the first nap */
	FDS_MAX = DP_PORTS_MAX + 2,
};

#define NAP_FIRST (50 * VD_NS_PER_US)
#define NAP_LAST  VD_MS(1)
#define SLEEP     VD_MS(100) /* a slice of keepalives */

struct rest {
	struct pollfd fds[FDS_MAX];
	unsigned fd_count;
	bool timed; /* a port cannot wake us */
	vd_ns nap;
};

static void watch(struct rest *rest, int fd)
{
	rest->fds[rest->fd_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static struct rest rest_of(const struct dp_worker *w)
{
	struct rest rest = { .nap = NAP_FIRST };

	watch(&rest, w->plane->worker_wakes[w->number].fd);
	if (w->tun)
		watch(&rest, w->tun->fds[w->number]);
	for (unsigned i = 0; i < w->port_count; i++) {
		int fd = w->ports[i]->ops->fd(w->ports[i], w->number);
		if (fd >= 0)
			watch(&rest, fd);
		else
			rest.timed = true;
	}
	return rest;
}

/*
 * A descriptor that only fails (a TUN or interface that was deleted) would wake us at once, for
 * ever: it is left out of every other sleep. poll(2) passes over negative ones.
 */
static void leave_out_failing(struct rest *rest)
{
	for (unsigned i = 0; i < rest->fd_count; i++) {
		struct pollfd *p = &rest->fds[i];

		if (p->fd < 0 ||
		    (p->revents & (POLLERR | POLLHUP | POLLNVAL) && !(p->revents & POLLIN)))
			p->fd = ~p->fd;
	}
}

/* Announced and with one more empty turn behind it: nothing can be missed. */
static void sleep_now(struct rest *rest)
{
	vd_ns span = rest->timed ? rest->nap : SLEEP;
	struct timespec timeout = {
		.tv_sec = (time_t)(span / VD_NS_PER_S),
		.tv_nsec = (long)(span % VD_NS_PER_S),
	};

	sw_rcu_offline();
	(void)ppoll(rest->fds, rest->fd_count, &timeout, NULL);
	sw_rcu_online();
	leave_out_failing(rest);
	rest->nap = vd_ns_min(rest->nap * 2, NAP_LAST);
}

void dp_worker_run(struct dp_worker *w, const _Atomic bool *stop)
{
	struct sw_wake *wake = &w->plane->worker_wakes[w->number];
	struct rest rest = rest_of(w);
	unsigned empty = 0;

	atomic_store_explicit(&w->counters->started_ns, vd_now(), memory_order_relaxed);
	while (!atomic_load_explicit(stop, memory_order_acquire)) {
		if (dp_worker_turn(w, vd_now())) {
			empty = 0;
			rest.nap = NAP_FIRST;
			continue;
		}
		if (w->poll || ++empty < SPIN_TURNS)
			continue;
		sw_wake_announce(wake);
		if (dp_worker_turn(w, vd_now()) == 0 &&
		    !atomic_load_explicit(stop, memory_order_acquire))
			sleep_now(&rest);
		else
			empty = 0;
		sw_wake_clear(wake);
	}
	(void)dp_worker_turn(w, vd_now()); /* what was injected last goes out */
}
