/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * thread: which thread may call a function, checked by clang's analysis
 * (-Wthread-safety); nothing at run time.
 *
 * A function that belongs to one kind of thread says so after its parameters:
 *
 *	void route_add(struct route *r) ON_CONTROL;
 *	ON_CONTROL static void refresh(struct route *r) { … }
 *
 * and a thread's entry function declares what it is with vd_role_control(),
 * vd_role_stream() or vd_role_worker(), once.
 *
 * A role is the kind: of which worker, a header says in words ("the owner"). So do the headers
 * of stream threads (controlplane/host): without any, the control thread does their work.
 */
#if defined(__clang__)
#define VD_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define VD_THREAD_ATTRIBUTE(x)
#endif

struct VD_THREAD_ATTRIBUTE(capability("role")) vd_role {
	char unused;
};

extern struct vd_role vd_control_role, vd_stream_role, vd_worker_role;

#define ON_CONTROL VD_THREAD_ATTRIBUTE(requires_capability(vd_control_role))
#define ON_STREAM  VD_THREAD_ATTRIBUTE(requires_capability(vd_stream_role))
#define ON_WORKER  VD_THREAD_ATTRIBUTE(requires_capability(vd_worker_role))

static inline void vd_role_control(void) VD_THREAD_ATTRIBUTE(assert_capability(vd_control_role))
{
}

static inline void vd_role_stream(void) VD_THREAD_ATTRIBUTE(assert_capability(vd_stream_role))
{
}

static inline void vd_role_worker(void) VD_THREAD_ATTRIBUTE(assert_capability(vd_worker_role))
{
}
