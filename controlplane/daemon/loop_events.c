/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/loop_events.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "controlplane/daemon/captures.h"
#include "controlplane/daemon/drain.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/punts.h"
#include "controlplane/daemon/reload.h"
#include "controlplane/daemon/why.h"

ON_CONTROL static void on_timer(void *context)
{
	node_pump(context);
}

ON_CONTROL static void on_wake(void *context)
{
	struct node *node = context;

	sw_wake_clear(&node->plane.control_wake);
	/* One turn, since signals and sockets wait, too; before_sleep sees what is left. */
	(void)node_take_punts(node);
	node_take_captures(node);
	node_pump(node);
}

/* Before the loop sleeps: workers wake us from here on, so look once more. */
ON_CONTROL static bool before_sleep(void *context)
{
	struct node *node = context;

	sw_wake_announce(&node->plane.control_wake);
	node_take_captures(node);
	for (unsigned i = 0; i < node->plane.config.workers * SW_PUNT_LANES; i++)
		if (sw_lane_peek(&node->plane.punts[i]))
			return false;
	return true;
}

ON_CONTROL static void after_sleep(void *context)
{
	on_wake(context);
}

ON_CONTROL static void on_stop(void *context)
{
	struct node *node = context;

	if (!node->deaf)
		node_drain_and_stop(node);
}

ON_CONTROL static void on_reload(void *context)
{
	struct node *node = context;

	if (!node->deaf)
		node_reload(node);
}

enum vd_err node_open_loop(struct node *node, char why[NODE_WHY])
{
	if (cp_loop_new(&node->loop))
		return NODE_FAIL(why, "cannot make the event loop: %s", strerror(errno));
	cp_loop_use_rcu(node->loop);
	if (cp_timer_new(node->loop, on_timer, node, &node->timer) ||
	    cp_watch_new(node->loop, node->plane.control_wake.fd, on_wake, node, &node->wake) ||
	    cp_signal_new(node->loop, SIGTERM, on_stop, node, &node->sigterm) ||
	    cp_signal_new(node->loop, SIGINT, on_stop, node, &node->sigint) ||
	    cp_signal_new(node->loop, SIGHUP, on_reload, node, &node->sighup))
		return NODE_FAIL(why, "cannot watch events: %s", strerror(errno));
	cp_loop_on_sleep(node->loop, before_sleep, after_sleep, node);
	return VD_OK;
}
