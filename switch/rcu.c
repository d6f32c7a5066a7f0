/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/rcu.h"

#ifdef SW_TSAN
void __tsan_acquire(void *at);
void __tsan_release(void *at);
static char grace_period; /* stands for the order that liburcu makes */
#define TSAN_ACQUIRE() __tsan_acquire(&grace_period)
#define TSAN_RELEASE() __tsan_release(&grace_period)
#else
#define TSAN_ACQUIRE() ((void)0)
#define TSAN_RELEASE() ((void)0)
#endif

void sw_rcu_quiescent(void)
{
	TSAN_RELEASE();
	rcu_quiescent_state();
}

void sw_rcu_offline(void)
{
	TSAN_RELEASE();
	rcu_thread_offline();
}

void sw_rcu_online(void)
{
	rcu_thread_online();
}

void sw_rcu_retire(struct rcu_head *head, void (*reclaim)(struct rcu_head *head))
{
	TSAN_RELEASE();
	call_rcu(head, reclaim);
}

void sw_rcu_reclaiming(void)
{
	TSAN_ACQUIRE();
}

#ifdef SW_TSAN
/* Runs after every reclaim that was asked for before: its release is theirs. */
static void reclaimed(struct rcu_head *head)
{
	(void)head;
	TSAN_RELEASE();
}
#endif

void sw_rcu_barrier(void)
{
#ifdef SW_TSAN
	static struct rcu_head last;
	call_rcu(&last, reclaimed);
#endif
	rcu_barrier();
	TSAN_ACQUIRE();
}
