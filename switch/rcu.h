/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * rcu: pointers that the control thread publishes and workers read.
 *
 * liburcu's QSBR flavour only. A worker is registered, and quiescent once a
 * turn as its last statement; what it read through sw_rcu_get is valid until
 * then. The control thread is the only publisher; it is offline while it
 * sleeps, and never waits for a grace period: it hands what it replaced to
 * call_rcu, whose head is embedded in the object.
 *
 *	get  (acquire/consume)  pairs with  swap (release)
 *
 * ThreadSanitizer: liburcu 0.13 carries no annotations, so under it the macros
 * are compiler atomics, and sw_rcu_quiescent and sw_rcu_retire tell it of the
 * order that a grace period makes.
 */
#if defined(__SANITIZE_THREAD__)
#define SW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SW_TSAN 1
#endif
#endif

#ifndef SW_TSAN
#define _LGPL_SOURCE /* inline; under ThreadSanitizer all of liburcu stays outside */
#endif
#include <urcu-qsbr.h>
#include <urcu/call-rcu.h>

#include "base/thread.h"

/* The field of a published pointer: a bare dereference does not compile. */
#define SW_RCU(type)                                                                               \
	struct {                                                                                   \
		type *rcu_only;                                                                    \
	}

#ifdef SW_TSAN
#define sw_rcu_get(slot)        __atomic_load_n(&(slot)->rcu_only, __ATOMIC_ACQUIRE)
#define sw_rcu_swap(slot, next) __atomic_exchange_n(&(slot)->rcu_only, (next), __ATOMIC_ACQ_REL)
#else
#define sw_rcu_get(slot)        rcu_dereference((slot)->rcu_only)
#define sw_rcu_swap(slot, next) rcu_xchg_pointer(&(slot)->rcu_only, (next))
#endif

/* The calling worker holds nothing that it read before. Its turn's last statement. */
void sw_rcu_quiescent(void);

/* The same, until online again: no grace period waits for a thread that sleeps. */
void sw_rcu_offline(void);
void sw_rcu_online(void);

/*
 * Runs `reclaim` on liburcu's thread once no worker can hold what was swapped
 * out before. Never blocks, never fails. Control thread only.
 */
void sw_rcu_retire(struct rcu_head *head, void (*reclaim)(struct rcu_head *head)) ON_CONTROL;

/* First statement of every reclaim function. */
void sw_rcu_reclaiming(void);

/* Waits until all that was retired is reclaimed. At the end, workers stopped. */
void sw_rcu_barrier(void);
