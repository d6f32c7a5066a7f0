/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * work: slow things done off the control thread, on libuv's pool.
 *
 * Threads: control; `run` is called on a thread of the pool, `done` on the control thread.
 * Memory:  `context` is borrowed until `done` has returned.
 */
#include "controlplane/loop/loop.h"

/* VD_ENOMEM: neither is called. */
enum vd_err cp_work(struct cp_loop *loop, cp_loop_fn run, cp_loop_fn done, void *context);
/*
 * The same for what may wait long, for a disk: one at a time of a loop, in order, so that the
 * pool's other threads stay free.
 */
enum vd_err cp_work_slow(struct cp_loop *loop, cp_loop_fn run, cp_loop_fn done, void *context);
