/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * netlink: keeps a netmap equal to the kernel (rtnetlink(7), by libmnl), of the network
 * namespace the process is in, and asks the kernel for what the control thread wants.
 *
 * Follows links, addresses, routes of the main table, and neighbours. What the kernel does not
 * tell (IPv4 routes that go with a link or an address; lost messages) is found by a new
 * dump. Neighbours in use are asked for (NTF_USE), by the netmap's deadline.
 *
 * Threads: control. Calls that change something wait for the kernel's
 * acknowledgement, which rtnetlink gives before the send returns.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "controlplane/loop/loop.h"
#include "controlplane/loop/netmap.h"

struct cp_netlink;

/*
 * Fills `map` before it returns, and keeps both. `changed` (may be NULL) is called after a
 * batch of messages that moved cp_netmap_version. VD_ESYS (errno), VD_ENOMEM.
 */
enum vd_err cp_netlink_open(struct cp_loop *loop, struct cp_netmap *map, cp_loop_fn changed,
			    void *context, struct cp_netlink **netlink_out);
void cp_netlink_close(struct cp_netlink *netlink); /* NULL is allowed */

/* After cp_netmap_use: asks for what is due now, instead of at the next turn. */
void cp_netlink_poke(struct cp_netlink *netlink);

/*
 * An IPv6 host route /128 to `ip` by device; adding one that is there, and deleting one
 * that is not, is VD_OK. VD_ESYS with errno (EPERM: needs NET_ADMIN).
 */
enum vd_err cp_netlink_route_add(struct cp_netlink *netlink, uint32_t ifindex,
				 const uint8_t ip[16]);
enum vd_err cp_netlink_route_del(struct cp_netlink *netlink, uint32_t ifindex,
				 const uint8_t ip[16]);
enum vd_err cp_netlink_set_mtu(struct cp_netlink *netlink, uint32_t ifindex, uint32_t mtu);
