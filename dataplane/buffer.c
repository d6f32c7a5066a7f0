/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/buffer.h"

#include <string.h>

enum {
	/* of one queue of an ethdev: receive and send rings; af_xdp's are fixed */
	QUEUE_BUFFERS = 2048,
	AF_XDP_BUFFERS = 3 * 2048,
	SOCKET_BUFFERS = 256,
	SPARE_BUFFERS = 512,
	MBUF_AND_HEADERS = 320, /* mbuf, mempool object header and padding, private area */
};

static unsigned of_port(const struct dp_port_config *port)
{
	if (port->driver != DP_DRIVER_DPDK)
		return SOCKET_BUFFERS;
	return strncmp(port->devargs, "net_af_xdp", 10) == 0 ? AF_XDP_BUFFERS : QUEUE_BUFFERS;
}

unsigned dp_buffers_needed(const struct dp_config *config)
{
	unsigned workers = config->workers, each = SPARE_BUFFERS + 2 * DP_BUFFERS_CACHE;

	for (unsigned i = 0; i < config->port_count; i++)
		each += of_port(&config->ports[i]);
	if (config->tun)
		each += SOCKET_BUFFERS;
	return workers * each + workers * (workers - 1) * SW_LANE_PACKETS;
}

unsigned dp_buffers_mb(unsigned count, uint16_t room)
{
	size_t each = MBUF_AND_HEADERS + RTE_PKTMBUF_HEADROOM + (size_t)room;

	return (unsigned)((count * each >> 20) + 1);
}

struct rte_mempool *dp_buffers_new(const char *name, unsigned count, uint16_t room)
{
	return rte_pktmbuf_pool_create(name, count, DP_BUFFERS_CACHE,
				       RTE_ALIGN(sizeof(union dp_private), RTE_MBUF_PRIV_ALIGN),
				       (uint16_t)(RTE_PKTMBUF_HEADROOM + room), SOCKET_ID_ANY);
}
