/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <uv.h>

#include "base/log.h"
#include "controlplane/loop/loop_state.h"
#include "switch/rcu.h"

struct cp_loop {
	uv_loop_t uv;
	cp_loop_sleep_fn sleeping;
	cp_loop_fn awake;
	void *context;
	struct cp_work *slow_work;
	bool rcu;
	bool stopped;
};

/* What every handle begins with, so that one closing callback frees them all. */
struct handle {
	cp_loop_fn fn; /* NULL once freed */
	void *context;
};

struct cp_timer {
	struct handle base;
	vd_ns deadline;
	uv_timer_t uv;
};

struct cp_watch {
	struct handle base;
	uv_poll_t uv;
};

struct cp_signal {
	struct handle base;
	uv_signal_t uv;
};

/* libuv gives negative errno values. */
static enum vd_err failed(int uv_err)
{
	if (!uv_err)
		return VD_OK;
	errno = -uv_err;
	return uv_err == UV_ENOMEM ? VD_ENOMEM : VD_ESYS;
}

enum vd_err cp_loop_new(struct cp_loop **loop_out)
{
	struct cp_loop *loop = (struct cp_loop *)calloc(1, sizeof *loop);
	enum vd_err err;

	if (!loop)
		return VD_ENOMEM;
	err = failed(uv_loop_init(&loop->uv));
	if (err) {
		free(loop);
		return err;
	}
	*loop_out = loop;
	return VD_OK;
}

static void close_left_over(uv_handle_t *handle, void *context)
{
	(void)context;
	if (uv_is_closing(handle))
		return;
	vd_log(VD_LOG_WARN, VD_SUB_DAEMON, "handle left open at the end of its loop",
	       VD_STR("type", uv_handle_type_name(uv_handle_get_type(handle))));
	uv_close(handle, NULL);
}

void cp_loop_free(struct cp_loop *loop)
{
	if (!loop)
		return;
	uv_walk(&loop->uv, close_left_over, NULL);
	while (uv_run(&loop->uv, UV_RUN_DEFAULT))
		; /* closing callbacks free the handles */
	uv_loop_close(&loop->uv);
	if (loop->rcu)
		rcu_unregister_thread();
	free(loop);
}

void cp_loop_use_rcu(struct cp_loop *loop)
{
	if (!loop->rcu)
		rcu_register_thread();
	loop->rcu = true;
}

void cp_loop_on_sleep(struct cp_loop *loop, cp_loop_sleep_fn sleeping, cp_loop_fn awake,
		      void *context)
{
	loop->sleeping = sleeping;
	loop->awake = awake;
	loop->context = context;
}

struct uv_loop_s *cp_loop_uv(struct cp_loop *loop)
{
	return &loop->uv;
}

struct cp_work **cp_loop_slow_work(struct cp_loop *loop)
{
	return &loop->slow_work;
}

void cp_loop_stop(struct cp_loop *loop)
{
	loop->stopped = true;
}

/* Milliseconds until `deadline`, rounded up: -1 never, else at most a day. */
static int ms_until(vd_ns deadline)
{
	vd_ns now, ms;

	if (deadline == VD_NEVER)
		return -1;
	now = vd_now();
	if (deadline <= now)
		return 0;
	ms = (deadline - now + VD_NS_PER_MS - 1) / VD_NS_PER_MS;
	return ms > 86400000 ? 86400000 : (int)ms;
}

static int least_ms(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Waits on libuv's own descriptor, offline, so that its callbacks run online afterwards. */
static void sleep_ms(struct cp_loop *loop, int ms)
{
	struct pollfd poll_fd = { .fd = uv_backend_fd(&loop->uv), .events = POLLIN };

	if (loop->rcu) {
		sw_rcu_quiescent();
		sw_rcu_offline();
	}
	(void)poll(&poll_fd, 1, ms); /* EINTR: a turn with nothing to do */
	if (loop->rcu)
		sw_rcu_online();
}

void cp_loop_turn(struct cp_loop *loop, vd_ns until)
{
	int ms;

	uv_update_time(&loop->uv);
	ms = uv_loop_alive(&loop->uv) ? uv_backend_timeout(&loop->uv) : -1;
	ms = least_ms(ms, ms_until(until));
	if (ms != 0 && loop->sleeping && !loop->sleeping(loop->context))
		ms = 0;
	sleep_ms(loop, ms);
	if (loop->awake)
		loop->awake(loop->context);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
}

void cp_loop_run(struct cp_loop *loop)
{
	loop->stopped = false;
	while (!loop->stopped)
		cp_loop_turn(loop, VD_NEVER);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* No callback from here on; the memory goes when libuv has let go of the handle. */
static void close_handle(struct handle *base, uv_handle_t *handle)
{
	base->fn = NULL;
	uv_close(handle, on_closed);
}

static void call(const struct handle *base)
{
	if (base->fn)
		base->fn(base->context);
}

/* ---- timers ---- */

static void on_timer(uv_timer_t *uv)
{
	struct cp_timer *timer = (struct cp_timer *)uv->data;

	if (vd_now() < timer->deadline) { /* libuv counts milliseconds, cut off */
		cp_timer_at(timer, timer->deadline);
		return;
	}
	timer->deadline = VD_NEVER;
	call(&timer->base);
}

enum vd_err cp_timer_new(struct cp_loop *loop, cp_loop_fn fn, void *context,
			 struct cp_timer **timer_out)
{
	struct cp_timer *timer = (struct cp_timer *)calloc(1, sizeof *timer);

	if (!timer)
		return VD_ENOMEM;
	timer->base = (struct handle){ .fn = fn, .context = context };
	timer->deadline = VD_NEVER;
	uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	*timer_out = timer;
	return VD_OK;
}

void cp_timer_at(struct cp_timer *timer, vd_ns deadline)
{
	int ms = ms_until(deadline);

	timer->deadline = deadline;
	if (ms < 0) {
		uv_timer_stop(&timer->uv);
		return;
	}
	uv_update_time(timer->uv.loop);
	uv_timer_start(&timer->uv, on_timer, (uint64_t)ms, 0);
}

void cp_timer_free(struct cp_timer *timer)
{
	if (timer)
		close_handle(&timer->base, (uv_handle_t *)&timer->uv);
}

/* ---- descriptors ---- */

/* An error, too, is for the reader to find; libuv stopped watching when it saw it. */
static void on_readable(uv_poll_t *uv, int status, int events)
{
	(void)events;
	if (status < 0)
		(void)uv_poll_start(uv, UV_READABLE, on_readable); /* starts as it did before */
	call(&((struct cp_watch *)uv->data)->base);
}

enum vd_err cp_watch_new(struct cp_loop *loop, int fd, cp_loop_fn fn, void *context,
			 struct cp_watch **watch_out)
{
	struct cp_watch *watch = (struct cp_watch *)calloc(1, sizeof *watch);
	enum vd_err err;

	if (!watch)
		return VD_ENOMEM;
	err = failed(uv_poll_init(&loop->uv, &watch->uv, fd));
	if (err) {
		free(watch);
		return err;
	}
	watch->base = (struct handle){ .fn = fn, .context = context };
	watch->uv.data = watch;
	err = failed(uv_poll_start(&watch->uv, UV_READABLE, on_readable));
	if (err) {
		cp_watch_free(watch);
		return err;
	}
	*watch_out = watch;
	return VD_OK;
}

void cp_watch_free(struct cp_watch *watch)
{
	if (watch)
		close_handle(&watch->base, (uv_handle_t *)&watch->uv);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *uv, int number)
{
	(void)number;
	call(&((struct cp_signal *)uv->data)->base);
}

enum vd_err cp_signal_new(struct cp_loop *loop, int number, cp_loop_fn fn, void *context,
			  struct cp_signal **signal_out)
{
	struct cp_signal *s = (struct cp_signal *)calloc(1, sizeof *s);
	enum vd_err err;

	if (!s)
		return VD_ENOMEM;
	err = failed(uv_signal_init(&loop->uv, &s->uv));
	if (err) {
		free(s);
		return err;
	}
	s->base = (struct handle){ .fn = fn, .context = context };
	s->uv.data = s;
	err = failed(uv_signal_start(&s->uv, on_signal, number));
	if (err) {
		cp_signal_free(s);
		return err;
	}
	*signal_out = s;
	return VD_OK;
}

void cp_signal_free(struct cp_signal *signal)
{
	if (signal)
		close_handle(&signal->base, (uv_handle_t *)&signal->uv);
}
