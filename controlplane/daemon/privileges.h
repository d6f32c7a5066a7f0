/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * privileges: what the daemon still may, once it opened what needs more.
 *
 *	viaductd starts as        becomes             keeps
 *	root, user: auto          viaduct, if there   NET_ADMIN, if it has a TUN or DPDK ports
 *	root, user: NAME          NAME                the same
 *	root, user: root; --dev   stays root          the same, and DAC_OVERRIDE
 *	somebody else             stays               of the same, what it was given
 *
 * NET_ADMIN changes overlay routes and the TUN, asks the kernel for neighbours, and takes the
 * XDP program off at the end. NET_BIND_SERVICE lives until the API is open. Workers, which parse
 * what strangers send, renounce even that (dataplane.c). The kernel's capabilities are a
 * thread's: setresuid takes them from those that DPDK and liburcu made before.
 *
 * Threads: control, before the others are started.
 */
#include "base/err.h"
#include "base/thread.h"
#include "controlplane/daemon/why.h"

struct node;

/* After what needs root is open. */
enum vd_err node_drop_root(struct node *node, char why[NODE_WHY]) ON_CONTROL;
/* After the rest is. */
enum vd_err node_settle(struct node *node, char why[NODE_WHY]) ON_CONTROL;
