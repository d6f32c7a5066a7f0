/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * port_dpdk: a port on any DPDK ethdev, named by its devargs.
 *
 * On kernel interfaces (af_xdp, af_packet) the kernel keeps everything but UDP to our
 * port: see xdp/filter.bpf.c and guard.h.
 */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dataplane/buffer.h"
#include "dataplane/devargs.h"
#include "dataplane/eal.h"
#include "dataplane/guard.h"
#include "dataplane/outer.h"
#include "dataplane/port.h"
#include "dataplane/room.h"
#include "dataplane/xdp.h"

enum { RING = 1024, ARGS_BYTES = DP_DEVARGS + 64, FDS_LOOKED_AT = 1024 };

struct port {
	struct dp_port head;
	uint16_t id; /* ethdev's */
	uint16_t udp_port;
	uint16_t mtu;
	bool probed;   /* there is an ethdev to close */
	bool sees_all; /* af_packet: every frame of the interface, also other hosts' */
	struct rte_ether_addr mac;
	unsigned ifindex;
	char iface[IF_NAMESIZE]; /* "": not on a kernel interface */
	char device[RTE_DEV_NAME_MAX_LEN];
	char driver[32];
	unsigned queues;
	struct vd_udp_addr bind;
	struct dp_guard guard;
	int fds[SW_WORKERS_MAX]; /* sockets of the driver, to sleep on; -1: not known */
};

static const struct port *port_of(const struct dp_port *head)
{
	return (const struct port *)head;
}

/* ---- packets ---- */

static bool is_for_another_host(const struct port *port, const uint8_t *bytes)
{
	const struct rte_ether_addr *to = (const struct rte_ether_addr *)bytes;

	return port->sees_all && rte_is_unicast_ether_addr(to) &&
	       !rte_is_same_ether_addr(to, &port->mac);
}

static unsigned judge(const struct port *port, const struct rte_mbuf *m, struct dp_outer *outer)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned result = dp_outer_parse(bytes, m->data_len, port->udp_port, outer);

	if (result == DP_OUTER_OK && is_for_another_host(port, bytes))
		return SW_DROP_NOT_OURS;
	return result;
}

/* Malformed, or not for us: with its addresses, as far as there are any. Without IP it is not told.
 */
static void tell_dropped(const struct dp_port *head, const struct dp_io *io, unsigned drop,
			 const struct rte_mbuf *m)
{
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	struct dp_dropped dropped = { .drop = drop, .raw = true, .way.port = head->number };
	size_t at = dp_outer_guess(bytes, m->data_len, &dropped.way.remote, &dropped.way.local);

	if (!at)
		return;
	dropped.bytes = bytes + at;
	dropped.kept = dropped.len = (uint16_t)(m->data_len - at);
	io->dropped(io->looker, &dropped);
}

static unsigned recv_burst(struct dp_port *head, const struct dp_io *io,
			   struct sw_packet *packets_out, unsigned max)
{
	const struct port *port = port_of(head);
	struct rte_mbuf *mbufs[DP_BURST];
	unsigned got, count = 0;

	if (max > DP_BURST)
		max = DP_BURST;
	got = rte_eth_rx_burst(port->id, (uint16_t)io->queue, mbufs, (uint16_t)max);
	for (unsigned i = 0; i < got; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	for (unsigned i = 0; i < got; i++) {
		uint8_t *bytes = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
		struct dp_outer outer;
		unsigned result = judge(port, mbufs[i], &outer);

		if (result != DP_OUTER_OK) {
			if (unlikely(io->dropped != NULL))
				tell_dropped(head, io, result, mbufs[i]);
			dp_drop(io->counters, result, mbufs[i]);
			continue;
		}
		struct vd_udp_addr remote = dp_outer_remote(bytes, &outer);
		packets_out[count++] = (struct sw_packet){
			.frame = bytes + outer.at,
			.buffer = mbufs[i],
			.path = sw_path_hash(head->number, &remote),
			.len = outer.len,
			.port = head->number,
			.flags = (uint8_t)(outer.ecn << SW_PACKET_ECN_SHIFT),
		};
	}
	return count;
}

static const struct sw_neighbour *find_neighbour(const struct dp_io *io, uint32_t row)
{
	if (row == 0 || !io->neighbours || row >= io->neighbours->count ||
	    io->neighbours->rows[row].l2_len == 0)
		return NULL;
	return &io->neighbours->rows[row];
}

static void wrap(const struct dp_out *out, const struct sw_neighbour *neighbour)
{
	uint8_t *start =
	    dp_outer_build(out->frame, out->len, out->traffic_class, out->send, neighbour);
	struct rte_mbuf *m = out->buffer;

	m->data_off = (uint16_t)(start - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(out->frame + out->len - start);
	m->pkt_len = m->data_len;
	m->ol_flags = 0;
}

/* Those of `outs` behind the first `sent` that had a neighbour. */
static void tell_lost(const struct dp_io *io, const struct dp_out *outs, unsigned count,
		      unsigned sent)
{
	for (unsigned i = 0, ready = 0; io->dropped && i < count; i++)
		if (find_neighbour(io, outs[i].send->neighbour) && ready++ >= sent)
			dp_port_lost(io, SW_DROP_TX_FULL, &outs[i]);
}

static void send_burst(struct dp_port *head, const struct dp_io *io, const struct dp_out *outs,
		       unsigned count)
{
	const struct port *port = port_of(head);
	struct rte_mbuf *mbufs[SW_BURST_MAX];

	while (count) {
		unsigned batch = count < SW_BURST_MAX ? count : SW_BURST_MAX, ready = 0, sent;

		for (unsigned i = 0; i < batch; i++) {
			const struct sw_neighbour *to = find_neighbour(io, outs[i].send->neighbour);
			if (!to) {
				dp_port_lost(io, SW_DROP_NO_NEIGHBOUR, &outs[i]);
				dp_drop(io->counters, SW_DROP_NO_NEIGHBOUR, outs[i].buffer);
				continue;
			}
			wrap(&outs[i], to);
			mbufs[ready++] = outs[i].buffer;
		}
		sent = rte_eth_tx_burst(port->id, (uint16_t)io->queue, mbufs, (uint16_t)ready);
		if (sent < ready) {
			tell_lost(io, outs, batch, sent);
			sw_count(&io->counters->drops[SW_DROP_TX_FULL], ready - sent);
			rte_pktmbuf_free_bulk(mbufs + sent, ready - sent);
		}
		outs += batch;
		count -= batch;
	}
}

/* The headers are still before the frame: read once more, for the few that ask. */
static void from(const struct dp_port *head, const struct sw_packet *packet,
		 struct sw_endpoint *from_out)
{
	const struct rte_mbuf *m = packet->buffer;
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	struct dp_outer outer;

	*from_out = (struct sw_endpoint){ .port = head->number };
	if (dp_outer_parse(bytes, m->data_len, port_of(head)->udp_port, &outer) != DP_OUTER_OK)
		return;
	from_out->local = dp_outer_local(bytes, &outer);
	from_out->remote = dp_outer_remote(bytes, &outer);
}

static int fd_of(const struct dp_port *head, unsigned queue)
{
	return port_of(head)->fds[queue];
}

static void view(const struct dp_port *head, struct dp_port_view *view_out)
{
	const struct port *port = port_of(head);
	struct rte_eth_stats stats;

	view_out->driver = port->driver;
	view_out->ifindex = port->ifindex;
	memcpy(view_out->mac, port->mac.addr_bytes, sizeof view_out->mac);
	view_out->mtu = port->mtu;
	view_out->rx_queues = view_out->tx_queues = (uint16_t)port->queues;
	view_out->bind = port->bind;
	if (rte_eth_stats_get(port->id, &stats) == 0) {
		view_out->rx_packets = stats.ipackets;
		view_out->tx_packets = stats.opackets;
		view_out->rx_missed = stats.imissed + stats.rx_nombuf;
		view_out->tx_errors = stats.oerrors;
	}
}

/* ---- opening ---- */

static bool driver_is(const char *devargs, const char *driver)
{
	return strncmp(devargs, driver, strlen(driver)) == 0;
}

/* Which of our descriptors are sockets of `domain`. */
static void mark_sockets(int domain, bool marks[FDS_LOOKED_AT])
{
	for (int fd = 0; fd < FDS_LOOKED_AT; fd++) {
		int of = 0;
		socklen_t len = sizeof of;
		marks[fd] = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &of, &len) == 0 && of == domain;
	}
}

/*
 * A driver does not tell the sockets behind its queues. They are those that opening the
 * port made, lowest first, if there is exactly one for each queue.
 */
static void find_fds(struct port *port, int domain, const bool before[FDS_LOOKED_AT])
{
	bool after[FDS_LOOKED_AT];
	int found[SW_WORKERS_MAX];
	unsigned count = 0;

	mark_sockets(domain, after);
	for (int fd = 0; fd < FDS_LOOKED_AT; fd++) {
		if (!after[fd] || before[fd])
			continue;
		if (count == port->queues)
			return;
		found[count++] = fd;
	}
	if (count == port->queues)
		memcpy(port->fds, found, count * sizeof found[0]);
}

/* The family of the sockets behind a port on a kernel interface; 0: it is on none. */
static int domain_of(const char *devargs)
{
	if (driver_is(devargs, "net_af_xdp"))
		return AF_XDP;
	return driver_is(devargs, "net_af_packet") ? AF_PACKET : 0;
}

/* What the drivers of kernel interfaces need, told before they fail without a word. */
static enum vd_err check_kernel_port(const struct dp_port_config *config, char why[DP_WHY])
{
	char iface[IF_NAMESIZE];
	int fd;

	if (!dp_devargs_find(config->devargs, "iface", iface, sizeof iface)) {
		snprintf(why, DP_WHY,
			 "port %s: its devargs must name an interface: iface=", config->name);
		return VD_EUSER;
	}
	if (!if_nametoindex(iface)) {
		snprintf(why, DP_WHY, "port %s: there is no interface %s; ip link tells the names",
			 config->name, iface);
		return VD_EUSER;
	}
	fd = socket(domain_of(config->devargs), SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(why, DP_WHY,
			 "port %s: cannot open a packet socket: %s; run as root "
			 "(CAP_NET_RAW, CAP_NET_ADMIN, for af_xdp also CAP_BPF), or use "
			 "driver: udp",
			 config->name, strerror(errno));
		return VD_ESYS;
	}
	close(fd);
	return VD_OK;
}

static enum vd_err check_config(const struct dp_port_config *config, char why[DP_WHY])
{
	if (config->bind.port == 0) {
		snprintf(why, DP_WHY, "port %s: a DPDK port needs the UDP port to listen on (bind)",
			 config->name);
		return VD_EUSER;
	}
	return domain_of(config->devargs) ? check_kernel_port(config, why) : VD_OK;
}

/*
 * Frames of af_packet's ring. The driver takes them to lie one behind the other, so blocks are
 * whole pages and whole frames. HEADER: tpacket2_hdr, sockaddr_ll and alignment before the data.
 */
enum { PACKET_FRAME = 2048, PACKET_JUMBO = 9216, PACKET_BLOCK = 4 * 9216, PACKET_HEADER = 66 };
static_assert(PACKET_BLOCK % 4096 == 0);

/* Bytes that a frame may have, with its Ethernet header. */
static unsigned frame_room(const struct dp_port_setup *setup)
{
	unsigned room = dp_buffers_room(setup->pool), frame;
	char text[16];

	if (!driver_is(setup->port->devargs, "net_af_packet"))
		return room;
	if (dp_devargs_find(setup->port->devargs, "framesz", text, sizeof text))
		frame = (unsigned)strtoul(text, NULL, 10);
	else
		frame = room > DP_ROOM_SMALL ? PACKET_JUMBO : PACKET_FRAME;
	return frame > PACKET_HEADER && frame - PACKET_HEADER < room ? frame - PACKET_HEADER : room;
}

/*
 * Makes the ethdev; with af_xdp and no program of the operator's, with ours, which
 * the driver reads from *program_out when the queues are made.
 */
ON_CONTROL static enum vd_err probe(struct port *port, const struct dp_port_setup *setup,
				    int *program_out, char why[DP_WHY])
{
	const char *devargs = setup->port->devargs;
	char args[ARGS_BYTES], given[DP_DEVARGS], what[DP_WHY / 2];
	enum vd_err err;
	int failed;

	snprintf(args, sizeof args, "%s", devargs);
	if (driver_is(devargs, "net_af_xdp") &&
	    !dp_devargs_find(devargs, "xdp_prog", given, sizeof given)) {
		err = dp_xdp_clear(port->ifindex, port->iface, why);
		if (!err)
			err = dp_xdp_program(setup->config->xdp_program, port->udp_port,
					     program_out, why);
		if (err)
			return err;
		snprintf(args, sizeof args, "%s,xdp_prog=/proc/self/fd/%d", devargs, *program_out);
	} else if (driver_is(devargs, "net_af_packet") &&
		   dp_buffers_room(setup->pool) > DP_ROOM_SMALL &&
		   !dp_devargs_find(devargs, "framesz", given, sizeof given)) {
		snprintf(args, sizeof args, "%s,blocksz=%d,framesz=%d", devargs, PACKET_BLOCK,
			 PACKET_JUMBO);
	}
	dp_eal_listen();
	failed = rte_dev_probe(args);
	snprintf(port->device, sizeof port->device, "%.*s", (int)strcspn(devargs, ","), devargs);
	if (!failed && rte_eth_dev_get_port_by_name(port->device, &port->id)) {
		(void)rte_vdev_uninit(port->device);
		failed = 1;
	}
	if (failed) {
		snprintf(what, sizeof what, "port %s (%.60s) does not open", setup->port->name,
			 devargs);
		dp_eal_why(what, why);
	}
	return failed ? VD_ESYS : VD_OK;
}

static enum vd_err check_queues(const struct port *port, const struct rte_eth_dev_info *info,
				char why[DP_WHY])
{
	unsigned rx = info->max_rx_queues, tx = info->max_tx_queues, offered = RTE_MIN(rx, tx);
	const char *cure = "use fewer workers";

	if (offered >= port->queues)
		return VD_OK;
	if (driver_is(port->device, "net_af_packet"))
		cure = "add qpairs= to its devargs, one for each worker";
	else if (driver_is(port->device, "net_af_xdp"))
		cure = "add queue_count= to its devargs if the interface has so many channels "
		       "(ethtool -l), or use fewer workers";
	snprintf(why, DP_WHY, "port %s has %u queues, %u workers need one each: %s",
		 port->head.name, offered, port->queues, cure);
	return VD_EUSER;
}

static struct rte_eth_conf conf_for(const struct port *port, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = { 0 };

	/* all buffers are of one pool and referred to once */
	conf.txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	conf.rx_adv_conf.rss_conf.rss_hf =
	    (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) & info->flow_type_rss_offloads;
	if (port->queues > 1 && conf.rx_adv_conf.rss_conf.rss_hf)
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	return conf;
}

static int make_queues(const struct port *port, struct rte_mempool *pool)
{
	uint16_t rx = RING, tx = RING;
	int failed = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	for (unsigned i = 0; i < port->queues && !failed; i++)
		failed = rte_eth_rx_queue_setup(port->id, (uint16_t)i, rx, (unsigned)SOCKET_ID_ANY,
						NULL, pool);
	for (unsigned i = 0; i < port->queues && !failed; i++)
		failed = rte_eth_tx_queue_setup(port->id, (uint16_t)i, tx, (unsigned)SOCKET_ID_ANY,
						NULL);
	return failed;
}

ON_CONTROL static enum vd_err configure(struct port *port, const struct dp_port_setup *setup,
					char why[DP_WHY])
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	char what[DP_WHY / 2];
	enum vd_err err;
	int failed = rte_eth_dev_info_get(port->id, &info);

	if (!failed) {
		err = check_queues(port, &info, why);
		if (err)
			return err;
		conf = conf_for(port, &info);
		failed = rte_eth_dev_configure(port->id, (uint16_t)port->queues,
					       (uint16_t)port->queues, &conf);
	}
	if (!failed)
		failed = make_queues(port, setup->pool);
	if (!failed)
		failed = rte_eth_dev_start(port->id);
	if (failed) {
		snprintf(what, sizeof what, "port %s (%.60s) does not start", port->head.name,
			 setup->port->devargs);
		dp_eal_why(what, why);
		return failed == -ENOMEM ? VD_ENOMEM : VD_ESYS;
	}
	snprintf(port->driver, sizeof port->driver, "%s", info.driver_name);
	return VD_OK;
}

static void learn(struct port *port, const struct dp_port_setup *setup)
{
	unsigned mtu = *port->iface ? dp_room_mtu_of_interface(port->iface) : 0,
		 room = frame_room(setup) - SW_L2_MAX;
	uint16_t of_driver;

	(void)rte_eth_macaddr_get(port->id, &port->mac);
	if (mtu == 0)
		mtu = rte_eth_dev_get_mtu(port->id, &of_driver) ? RTE_ETHER_MTU : of_driver;
	port->mtu = (uint16_t)RTE_MIN(mtu, room);
}

ON_CONTROL static void close_port(struct dp_port *head)
{
	struct port *port = (struct port *)head;

	if (port->probed) {
		(void)rte_eth_dev_stop(port->id);
		(void)rte_eth_dev_close(port->id);
	}
	if (port->probed && driver_is(port->device, "net_"))
		(void)rte_vdev_uninit(port->device);
	dp_guard_close(&port->guard);
	free(port);
}

static const struct dp_port_ops ops = {
	.driver = "dpdk",
	.recv = recv_burst,
	.send = send_burst,
	.from = from,
	.fd = fd_of,
	.view = view,
	.close = close_port,
};

/* Everything that makes sockets; what is open when it fails, the caller closes. */
ON_CONTROL static enum vd_err set_up(struct port *port, const struct dp_port_setup *setup,
				     char why[DP_WHY])
{
	int domain = domain_of(setup->port->devargs);
	bool before[FDS_LOOKED_AT];
	int program = -1;
	enum vd_err err = VD_OK;

	if (domain)
		err = dp_guard_open(&port->guard, port->iface, port->udp_port, why);
	if (err)
		return err;
	mark_sockets(domain, before);
	err = probe(port, setup, &program, why);
	if (!err) {
		port->probed = true;
		err = configure(port, setup, why);
	}
	if (program >= 0)
		close(program);
	if (err)
		return err;
	learn(port, setup);
	if (domain)
		find_fds(port, domain, before);
	return VD_OK;
}

enum vd_err dp_port_dpdk_open(const struct dp_port_setup *setup, struct dp_port **port_out,
			      char why[DP_WHY])
{
	const char *devargs = setup->port->devargs;
	struct port *port;
	enum vd_err err = check_config(setup->port, why);

	if (err)
		return err;
	port = calloc(1, sizeof *port);
	if (!port)
		return VD_ENOMEM;
	*port = (struct port){
		.head = { .ops = &ops, .number = setup->number },
		.udp_port = setup->port->bind.port,
		.bind = setup->port->bind,
		.queues = setup->config->workers,
		.sees_all = driver_is(devargs, "net_af_packet"),
		.guard = { .fds = { -1, -1 } },
	};
	memset(port->fds, -1, sizeof port->fds);
	snprintf(port->head.name, sizeof port->head.name, "%s", setup->port->name);
	if (dp_devargs_find(devargs, "iface", port->iface, sizeof port->iface))
		port->ifindex = if_nametoindex(port->iface);
	err = set_up(port, setup, why);
	if (err) {
		close_port(&port->head);
		return err;
	}
	*port_out = &port->head;
	return VD_OK;
}
