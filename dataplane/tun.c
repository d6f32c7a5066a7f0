/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/buffer.h"
#include "dataplane/inner.h"
#include "dataplane/room.h"
#include "switch/ecn.h"

static_assert(DP_TUN_HEADROOM + VD_AEAD_TAG_BYTES <= RTE_PKTMBUF_HEADROOM + DP_ROOM_OVERHEAD);

static const char *cure_of(int error)
{
	switch (error) {
	case EPERM:
	case EACCES: return ": it needs CAP_NET_ADMIN; run as root";
	case ENOENT:
	case ENODEV:
	case ENXIO: return ": the kernel has no TUN; modprobe tun";
	case EBUSY: return ": another program has this device; choose another tun.name";
	default: return "";
	}
}

static enum vd_err failed(const char *what, const char *name, char why[DP_WHY])
{
	snprintf(why, DP_WHY, "TUN %s: cannot %s: %s%s", name, what, strerror(errno),
		 cure_of(errno));
	return VD_ESYS;
}

/* One queue's descriptor, or -1. The first makes the device, and learns its name. */
static int open_queue(char name[DP_NAME], bool many)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int kept, fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (many)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(request.ifr_name, sizeof request.ifr_name, "%.15s", name);
	if (ioctl(fd, TUNSETIFF, &request) == 0) {
		snprintf(name, DP_NAME, "%s", request.ifr_name);
		return fd;
	}
	kept = errno;
	close(fd);
	errno = kept;
	return -1;
}

static int add_address(int fd, unsigned ifindex, const uint8_t address[16])
{
	struct in6_ifreq request = { .ifr6_ifindex = (int)ifindex, .ifr6_prefixlen = 128 };

	memcpy(&request.ifr6_addr, address, 16);
	return ioctl(fd, SIOCSIFADDR, &request) == 0 || errno == EEXIST ? 0 : -1;
}

static int bring_up(int fd, struct ifreq *request)
{
	if (ioctl(fd, SIOCGIFFLAGS, request))
		return -1;
	if (request->ifr_flags & IFF_UP)
		return 0;
	request->ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, request);
}

/* MTU, address and up, in an order in which no packet leaves without the address. */
static enum vd_err set_up(struct dp_tun *tun, const struct dp_config *config, char why[DP_WHY])
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	enum vd_err err = VD_OK;

	if (fd < 0)
		return failed("use IPv6 on this machine", tun->name, why);
	snprintf(request.ifr_name, sizeof request.ifr_name, "%.15s", tun->name);
	if (ioctl(fd, SIOCGIFINDEX, &request))
		err = failed("find the device", tun->name, why);
	tun->ifindex = (unsigned)request.ifr_ifindex;
	request.ifr_mtu = (int)config->tun_mtu;
	if (!err && ioctl(fd, SIOCSIFMTU, &request))
		err = failed("set the MTU", tun->name, why);
	if (!err && bring_up(fd, &request))
		err = failed("bring the device up", tun->name, why);
	if (!err && add_address(fd, tun->ifindex, config->tun_address))
		err = failed("add the overlay address", tun->name, why);
	close(fd);
	return err;
}

static enum vd_err mtu_is_wrong(uint32_t mtu, uint16_t max, char why[DP_WHY])
{
	if (mtu >= DP_MTU_MIN && max < 9000)
		snprintf(why, DP_WHY,
			 "tun.mtu %u is out of range: %d to %u, since AF_XDP takes no larger "
			 "frames than a page; use net_af_packet or driver: udp for more",
			 mtu, DP_MTU_MIN, max);
	else
		snprintf(why, DP_WHY, "tun.mtu %u is out of range: %d to %u", mtu, DP_MTU_MIN, max);
	return VD_EUSER;
}

enum vd_err dp_tun_open(struct dp_tun *tun, const struct dp_config *config, uint16_t mtu_max,
			char why[DP_WHY])
{
	enum vd_err err;

	if (config->tun_mtu < DP_MTU_MIN || config->tun_mtu > mtu_max)
		return mtu_is_wrong(config->tun_mtu, mtu_max, why);
	*tun = (struct dp_tun){ .class_mask = config->tun_hides_dscp ? SW_ECN_MASK : UINT8_MAX };
	snprintf(tun->name, sizeof tun->name, "%s", config->tun_name);
	for (; tun->queues < config->workers; tun->queues++) {
		tun->fds[tun->queues] = open_queue(tun->name, config->workers > 1);
		if (tun->fds[tun->queues] < 0) {
			err = failed("open the device", tun->name, why);
			dp_tun_close(tun);
			return err;
		}
	}
	err = set_up(tun, config, why);
	if (err)
		dp_tun_close(tun);
	return err;
}

void dp_tun_close(struct dp_tun *tun)
{
	for (unsigned i = 0; i < tun->queues; i++) {
		close(tun->fds[i]);
		rte_pktmbuf_free(tun->spare[i]);
	}
	tun->queues = 0;
}

uint64_t dp_tun_dropped(const struct dp_tun *tun)
{
	struct ifaddrs *all;
	uint64_t dropped = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		struct rtnl_link_stats stats;

		/* rows of links have them, getifaddrs(3); a TUN's has no address */
		if (!at->ifa_data || strcmp(at->ifa_name, tun->name) != 0)
			continue;
		memcpy(&stats, at->ifa_data, sizeof stats);
		dropped = stats.tx_dropped;
	}
	freeifaddrs(all);
	return dropped;
}

struct rte_mbuf *dp_tun_recv(struct dp_tun *tun, unsigned queue, struct rte_mempool *pool)
{
	struct rte_mbuf *m = tun->spare[queue];
	ssize_t got;

	if (!m)
		m = tun->spare[queue] = rte_pktmbuf_alloc(pool);
	if (!m)
		return NULL;
	m->data_off = DP_TUN_HEADROOM;
	got = read(tun->fds[queue], rte_pktmbuf_mtod(m, void *),
		   (size_t)(m->buf_len - DP_TUN_HEADROOM - VD_AEAD_TAG_BYTES));
	if (got <= 0)
		return NULL;
	tun->spare[queue] = NULL;
	m->data_len = (uint16_t)got;
	m->pkt_len = m->data_len;
	return m;
}

bool dp_tun_send(const struct dp_tun *tun, unsigned queue, const uint8_t *packet, size_t len)
{
	return write(tun->fds[queue], packet, len) == (ssize_t)len;
}
