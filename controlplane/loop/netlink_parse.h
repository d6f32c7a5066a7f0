/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * netlink_parse: rtnetlink messages into a netmap. Private to netlink; a function of
 * its own so that it is tested without sockets.
 *
 * Threads: control. Memory: borrows the message.
 */
#include <linux/netlink.h>
#include <stdbool.h>

#include "base/err.h"
#include "controlplane/loop/netmap.h"

/*
 * Applies one message. Others than links, addresses, routes of the main table and
 * neighbours are ignored. *stale_out is set (never cleared) when the kernel may have changed
 * routes without telling, so that a new dump is due. Of a malformed route with several next
 * hops those before the malformed one are applied. VD_EPEER_FORMAT for a malformed
 * message; VD_ENOMEM, VD_ELIMIT.
 */
enum vd_err cp_netlink_apply(struct cp_netmap *map, const struct nlmsghdr *message,
			     bool *stale_out);
