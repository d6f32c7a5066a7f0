/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/loop.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switch/rcu.h"

static struct cp_loop *loop;

static void begin(void)
{
	cr_assert(eq(int, cp_loop_new(&loop), VD_OK));
}

static void end(void)
{
	cp_loop_free(loop);
}

TestSuite(loop, .init = begin, .fini = end, .timeout = 30);

static void count(void *context)
{
	++*(unsigned *)context;
}

static void stop(void *context)
{
	(void)context;
	cp_loop_stop(loop);
}

/* Turns until *value is `wanted`; the suite's timeout ends what never comes. */
static void turn_until(const unsigned *value, unsigned wanted)
{
	while (*value < wanted)
		cp_loop_turn(loop, vd_now() + VD_MS(20));
}

struct timed {
	struct cp_timer *timer;
	vd_ns deadline, called_at;
	unsigned calls;
};

static void note_time(void *context)
{
	struct timed *t = (struct timed *)context;

	t->called_at = vd_now();
	t->calls++;
}

Test(loop, a_timer_is_called_once_and_not_before_its_deadline)
{
	struct timed t = { 0 };

	cr_assert(eq(int, cp_timer_new(loop, note_time, &t, &t.timer), VD_OK));
	t.deadline = vd_now() + VD_NS_PER_MS * 3 / 2;
	cp_timer_at(t.timer, t.deadline);
	turn_until(&t.calls, 1);
	cr_assert(ge(u64, t.called_at, t.deadline));
	cp_loop_turn(loop, vd_now() + VD_MS(5));
	cr_assert(eq(uint, t.calls, 1));
	cp_timer_free(t.timer);
}

Test(loop, a_deadline_in_the_past_is_due_now)
{
	struct timed t = { 0 };

	cr_assert(eq(int, cp_timer_new(loop, note_time, &t, &t.timer), VD_OK));
	cp_timer_at(t.timer, 0);
	turn_until(&t.calls, 1);
	cp_timer_free(t.timer);
}

Test(loop, a_new_deadline_replaces_the_old_one_and_never_stops_it)
{
	struct timed early = { 0 }, late = { 0 };

	cr_assert(eq(int, cp_timer_new(loop, note_time, &early, &early.timer), VD_OK));
	cr_assert(eq(int, cp_timer_new(loop, note_time, &late, &late.timer), VD_OK));
	cp_timer_at(early.timer, vd_now() + VD_MS(1));
	cp_timer_at(early.timer, VD_NEVER);
	cp_timer_at(late.timer, vd_now() + VD_MS(10));
	turn_until(&late.calls, 1);
	cr_assert(eq(uint, early.calls, 0));
	cp_timer_free(early.timer);
	cp_timer_free(late.timer);
}

static void free_itself(void *context)
{
	struct timed *t = (struct timed *)context;

	t->calls++;
	cp_timer_free(t->timer);
}

Test(loop, a_timer_may_be_freed_in_its_own_callback)
{
	struct timed t = { 0 };

	cr_assert(eq(int, cp_timer_new(loop, free_itself, &t, &t.timer), VD_OK));
	cp_timer_at(t.timer, 0);
	turn_until(&t.calls, 1);
	cp_loop_turn(loop, 0);
	cr_assert(eq(uint, t.calls, 1));
}

static void drain(void *context)
{
	uint64_t n;

	++((unsigned *)context)[1];
	cr_assert(eq(int, (int)read((int)((unsigned *)context)[0], &n, sizeof n), 8));
}

Test(loop, a_readable_descriptor_is_told_also_when_watched_inside_a_turn)
{
	unsigned fd_and_calls[2] = { (unsigned)eventfd(1, EFD_NONBLOCK), 0 };
	struct cp_watch *watch;

	cr_assert(
	    eq(int, cp_watch_new(loop, (int)fd_and_calls[0], drain, fd_and_calls, &watch), VD_OK));
	turn_until(&fd_and_calls[1], 1);
	cp_loop_turn(loop, 0);
	cr_assert(eq(uint, fd_and_calls[1], 1), "drained: no further call");
	cp_watch_free(watch);
	close((int)fd_and_calls[0]);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = port,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A UDP socket on loopback at `*port`; 0: the system chooses. */
static int udp_at(uint16_t *port)
{
	struct sockaddr_in at = loopback(*port);
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	cr_assert(zero(int, bind(fd, (struct sockaddr *)&at, len)));
	cr_assert(zero(int, getsockname(fd, (struct sockaddr *)&at, &len)));
	*port = at.sin_port;
	return fd;
}

/* Sends only to `port`, and so hears when nobody is there. */
static void send_to(int fd, uint16_t port)
{
	struct sockaddr_in to = loopback(port);

	cr_assert(zero(int, connect(fd, (struct sockaddr *)&to, sizeof to)));
	cr_assert(eq(int, (int)send(fd, "x", 1, 0), 1));
}

struct receiver {
	int fd;
	unsigned errors, bytes;
};

static void receive(void *context)
{
	struct receiver *r = (struct receiver *)context;
	char byte;

	if (recv(r->fd, &byte, 1, 0) == 1)
		r->bytes++;
	else
		r->errors += errno == ECONNREFUSED;
}

Test(loop, a_descriptor_whose_error_was_read_is_watched_on)
{
	uint16_t port = 0, gone = 0;
	struct receiver r = { .fd = udp_at(&port) };
	struct cp_watch *watch;
	int other = udp_at(&gone);

	close(other);
	cr_assert(eq(int, cp_watch_new(loop, r.fd, receive, &r, &watch), VD_OK));
	send_to(r.fd, gone);
	turn_until(&r.errors, 1);
	other = udp_at(&gone);
	send_to(other, port);
	turn_until(&r.bytes, 1);
	cp_watch_free(watch);
	close(other);
	close(r.fd);
}

Test(loop, watching_something_that_cannot_be_watched_is_an_error)
{
	struct cp_watch *watch;

	cr_assert(eq(int, cp_watch_new(loop, 999, stop, NULL, &watch), VD_ESYS));
}

Test(loop, a_signal_is_told)
{
	unsigned calls = 0;
	struct cp_signal *handle;

	cr_assert(eq(int, cp_signal_new(loop, SIGHUP, count, &calls, &handle), VD_OK));
	raise(SIGHUP);
	turn_until(&calls, 1);
	cp_signal_free(handle);
}

Test(loop, run_returns_after_stop)
{
	struct cp_timer *timer;

	cr_assert(eq(int, cp_timer_new(loop, stop, NULL, &timer), VD_OK));
	cp_timer_at(timer, vd_now() + VD_MS(2));
	cp_loop_run(loop);
	cp_timer_free(timer);
}

static bool has_work(void *context)
{
	count(context);
	return false;
}

Test(loop, it_does_not_sleep_when_there_is_work_after_all)
{
	unsigned asked = 0;

	cp_loop_on_sleep(loop, has_work, NULL, &asked);
	cp_loop_turn(loop, VD_NEVER); /* would not return if it slept */
	cr_assert(eq(uint, asked, 1));
}

static unsigned online_in_callback;

static void look_at_rcu(void *context)
{
	online_in_callback += rcu_read_ongoing() != 0;
	count(context);
}

static unsigned grace_periods;

static void reclaim(struct rcu_head *head)
{
	(void)head;
	__atomic_store_n(&grace_periods, 1, __ATOMIC_RELEASE);
}

Test(loop, callbacks_run_online_and_sleep_lets_grace_periods_end)
{
	unsigned calls = 0;
	int fd = eventfd(1, 0);
	struct cp_watch *watch;
	struct rcu_head head;

	cp_loop_use_rcu(loop);
	cr_assert(eq(int, cp_watch_new(loop, fd, look_at_rcu, &calls, &watch), VD_OK));
	turn_until(&calls, 1);
	cr_assert(eq(uint, online_in_callback, calls));
	cp_watch_free(watch);
	call_rcu(&head, reclaim);
	while (!__atomic_load_n(&grace_periods, __ATOMIC_ACQUIRE))
		cp_loop_turn(loop, vd_now() + VD_MS(10));
	close(fd);
}
