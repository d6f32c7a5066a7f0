/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/exchange.h"

#include <sys/eventfd.h>
#include <unistd.h>

#if defined(SW_TSAN) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan" /* nothing here relies on what a fence synchronises */
#endif

enum vd_err sw_wake_init(struct sw_wake *wake)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		return VD_ESYS;
	*wake = (struct sw_wake){ .fd = fd };
	return VD_OK;
}

void sw_wake_fini(struct sw_wake *wake)
{
	close(wake->fd);
	wake->fd = -1;
}

void sw_wake_announce(struct sw_wake *wake)
{
	atomic_store_explicit(&wake->asleep, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst); /* pairs with the one in sw_wake_up */
}

void sw_wake_clear(struct sw_wake *wake)
{
	uint64_t count;

	atomic_store_explicit(&wake->asleep, 0, memory_order_relaxed);
	(void)!read(wake->fd, &count, sizeof count); /* EAGAIN: nobody woke us */
}

void sw_wake_up(struct sw_wake *wake)
{
	const uint64_t one = 1;

	/* pairs with announce: either it sees our push, or we see it asleep */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&wake->asleep, memory_order_relaxed))
		return;
	if (atomic_exchange_explicit(&wake->asleep, 0, memory_order_relaxed))
		(void)!write(wake->fd, &one, sizeof one);
}
