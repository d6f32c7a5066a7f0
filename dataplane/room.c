/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/room.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/devargs.h"

enum { TUN_MTU_MAX = 9000, ETHERNET = 22 };

/* ---- what the kernel says ---- */

static unsigned ask(int fd, const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	return fd < 0 || ioctl(fd, SIOCGIFMTU, &request) ? 0 : (unsigned)request.ifr_mtu;
}

unsigned dp_room_mtu_of_interface(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned mtu = ask(fd, name);

	if (fd >= 0)
		close(fd);
	return mtu;
}

static bool same_ip(const struct sockaddr *a, const struct vd_udp_addr *b)
{
	if (a && a->sa_family == AF_INET)
		return vd_udp_addr_is_ip4(b) &&
		       memcmp(&((const struct sockaddr_in *)a)->sin_addr, b->ip + 12, 4) == 0;
	return a && a->sa_family == AF_INET6 && !vd_udp_addr_is_ip4(b) &&
	       memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, b->ip, 16) == 0;
}

unsigned dp_room_mtu_of_address(const struct vd_udp_addr *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool any = vd_udp_addr_is_any(address);
	struct ifaddrs *all = NULL;
	unsigned largest = 0;

	if (fd >= 0 && getifaddrs(&all) == 0) {
		for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
			bool counts = any ? i->ifa_flags & IFF_UP && !(i->ifa_flags & IFF_LOOPBACK)
					  : same_ip(i->ifa_addr, address);
			unsigned mtu = counts ? ask(fd, i->ifa_name) : 0;

			if (mtu > largest)
				largest = mtu;
		}
		freeifaddrs(all);
	}
	if (fd >= 0)
		close(fd);
	return largest;
}

/* ---- what that asks for ---- */

static unsigned mtu_of(const struct dp_port_config *port)
{
	char iface[IF_NAMESIZE];

	if (port->driver == DP_DRIVER_UDP)
		return dp_room_mtu_of_address(&port->bind);
	return dp_devargs_find(port->devargs, "iface", iface, sizeof iface)
		   ? dp_room_mtu_of_interface(iface)
		   : 0;
}

uint16_t dp_room_needed(const struct dp_config *config)
{
	unsigned needed = config->tun ? config->tun_mtu + DP_ROOM_OVERHEAD : 0;

	for (unsigned i = 0; i < config->port_count; i++) {
		const struct dp_port_config *port = &config->ports[i];
		unsigned of_port = mtu_of(port) + ETHERNET;

		/* the kernel takes no AF_XDP frames above a page */
		if (port->driver == DP_DRIVER_DPDK && strncmp(port->devargs, "net_af_xdp", 10) == 0)
			return DP_ROOM_SMALL;
		if (of_port > needed)
			needed = of_port;
	}
	return needed > DP_ROOM_SMALL ? DP_ROOM_JUMBO : DP_ROOM_SMALL;
}

uint16_t dp_room_tun_mtu(uint16_t room)
{
	unsigned mtu = (unsigned)room - DP_ROOM_OVERHEAD;

	return (uint16_t)(mtu < TUN_MTU_MAX ? mtu : TUN_MTU_MAX);
}
