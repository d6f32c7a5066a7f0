/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * port_udp: a port on plain UDP sockets, one for each worker (SO_REUSEPORT: the
 * kernel keeps each remote end on one of them). Needs no privilege.
 *
 * DF is set and the kernel's own path MTU is ignored (IP_PMTUDISC_PROBE): the edges
 * probe. The address a datagram was sent to is asked for and used as source of
 * what goes back, so a wildcard bind answers from the right address. So is the traffic
 * class, which goes both ways for each datagram (RFC 6040), and whether the kernel put
 * a datagram together from fragments: such are dropped (switch/SPEC.md 11.5).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/buffer.h"
#include "dataplane/port.h"
#include "dataplane/room.h"
#include "switch/ecn.h"
#include "switch/outer.h"

enum {
	BATCH = 64,
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)),
	SOCKET_BYTES = 4 << 20, /* asked for; the kernel gives what rmem_max allows */
	MTU_DEFAULT = 1500,
};

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

/* One worker's socket. writer: that worker. */
struct queue {
	int fd;
	unsigned stocked; /* buffers[0..stocked) wait for datagrams */
	struct rte_mbuf *buffers[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	union address addresses[BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[BATCH][CONTROL_BYTES];
	_Atomic uint64_t rx_packets, tx_packets, tx_errors;
};

struct port {
	struct dp_port head;
	struct vd_udp_addr bind; /* as bound */
	bool ip4;
	bool wildcard;
	uint16_t mtu;
	unsigned queue_count;
	struct queue *queues;
};

static const struct port *port_of(const struct dp_port *head)
{
	return (const struct port *)head;
}

/* ---- addresses ---- */

static socklen_t to_sockaddr(const struct vd_udp_addr *from, bool ip4, union address *to)
{
	memset(to, 0, sizeof *to);
	if (ip4) {
		to->ip4.sin_family = AF_INET;
		to->ip4.sin_port = htons(from->port);
		memcpy(&to->ip4.sin_addr, from->ip + 12, 4);
		return sizeof to->ip4;
	}
	to->ip6.sin6_family = AF_INET6;
	to->ip6.sin6_port = htons(from->port);
	memcpy(&to->ip6.sin6_addr, from->ip, 16);
	return sizeof to->ip6;
}

static void set_ip4(struct vd_udp_addr *to, const void *ip)
{
	memset(to->ip, 0, 10);
	to->ip[10] = to->ip[11] = 0xff;
	memcpy(to->ip + 12, ip, 4);
}

static struct vd_udp_addr of_sockaddr(const union address *from)
{
	struct vd_udp_addr to = { 0 };

	if (from->any.sa_family == AF_INET) {
		set_ip4(&to, &from->ip4.sin_addr);
		to.port = ntohs(from->ip4.sin_port);
	} else {
		memcpy(to.ip, &from->ip6.sin6_addr, 16);
		to.port = ntohs(from->ip6.sin6_port);
	}
	return to;
}

/* ---- receiving ---- */

static void stock(struct queue *q, const struct dp_io *io)
{
	unsigned want = BATCH - q->stocked;

	if (want == 0 || rte_pktmbuf_alloc_bulk(io->pool, q->buffers + q->stocked, want))
		return; /* what is stocked has to do; the rest waits in the socket */
	for (unsigned i = q->stocked; i < BATCH; i++) {
		q->vectors[i].iov_base = rte_pktmbuf_mtod(q->buffers[i], void *);
		q->vectors[i].iov_len = rte_pktmbuf_tailroom(q->buffers[i]);
	}
	q->stocked = BATCH;
}

/* What the kernel tells of a datagram beside its bytes and its sender. */
struct told {
	struct vd_udp_addr local; /* that it was sent to */
	uint8_t ecn;
	bool fragmented; /* it came in pieces */
};

static struct told read_control(struct msghdr *message, const struct vd_udp_addr *bind)
{
	struct told told = { .local = *bind, .ecn = SW_ECN_NOT_ECT };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			set_ip4(&told.local, &info.ipi_addr);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			memcpy(told.local.ip, &info.ipi6_addr, 16);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			told.ecn = *CMSG_DATA(c) & SW_ECN_MASK;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			int class;
			memcpy(&class, CMSG_DATA(c), sizeof class);
			told.ecn = (uint8_t)(class & SW_ECN_MASK);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVFRAGSIZE) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVFRAGSIZE)) {
			told.fragmented = true;
		}
	}
	return told;
}

static void refuse(const struct port *port, const struct dp_io *io, const struct queue *q,
		   unsigned i, enum sw_drop drop)
{
	size_t len = q->messages[i].msg_len;
	const struct dp_dropped dropped = {
		.drop = drop,
		.bytes = q->vectors[i].iov_base,
		.kept = (uint16_t)(len < q->vectors[i].iov_len ? len : q->vectors[i].iov_len),
		.len = (uint16_t)len,
		.way = { .port = port->head.number,
			 .local = port->bind,
			 .remote = of_sockaddr(&q->addresses[i]) },
	};

	if (unlikely(io->dropped != NULL))
		io->dropped(io->looker, &dropped);
	dp_drop(io->counters, drop, q->buffers[i]);
}

/* A drop reason, or SW_DROP_COUNT: it can be had. */
static enum sw_drop judge(const struct mmsghdr *message, const struct told *told)
{
	if (told->fragmented)
		return SW_DROP_FRAGMENT;
	if (message->msg_hdr.msg_flags & MSG_TRUNC)
		return SW_DROP_TOO_BIG;
	return message->msg_len == 0 ? SW_DROP_TRUNCATED : SW_DROP_COUNT;
}

static bool take(const struct port *port, const struct dp_io *io, struct queue *q, unsigned i,
		 struct sw_packet *packet_out)
{
	struct rte_mbuf *m = q->buffers[i];
	struct sw_endpoint *from = &dp_buffer_private(m)->from;
	struct told told = read_control(&q->messages[i].msg_hdr, &port->bind);
	enum sw_drop drop = judge(&q->messages[i], &told);

	if (unlikely(drop != SW_DROP_COUNT)) {
		refuse(port, io, q, i, drop);
		return false;
	}
	*from = (struct sw_endpoint){
		.port = port->head.number,
		.local = port->wildcard ? told.local : port->bind,
		.remote = of_sockaddr(&q->addresses[i]),
	};
	m->data_len = (uint16_t)q->messages[i].msg_len;
	m->pkt_len = m->data_len;
	*packet_out = (struct sw_packet){
		.frame = rte_pktmbuf_mtod(m, uint8_t *),
		.buffer = m,
		.path = sw_path_hash(port->head.number, &from->remote),
		.len = m->data_len,
		.port = port->head.number,
		.flags = (uint8_t)(told.ecn << SW_PACKET_ECN_SHIFT),
	};
	return true;
}

/* What recvmmsg reads and overwrites. */
static void prepare(struct queue *q, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		q->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &q->addresses[i],
			.msg_namelen = sizeof q->addresses[i],
			.msg_iov = &q->vectors[i],
			.msg_iovlen = 1,
			.msg_control = q->controls[i],
			.msg_controllen = CONTROL_BYTES,
		};
	}
}

static unsigned recv_burst(struct dp_port *head, const struct dp_io *io,
			   struct sw_packet *packets_out, unsigned max)
{
	const struct port *port = port_of(head);
	struct queue *q = &port->queues[io->queue];
	unsigned count = 0;
	int got;

	stock(q, io);
	if (max > q->stocked)
		max = q->stocked;
	if (max == 0)
		return 0;
	prepare(q, max);
	got = recvmmsg(q->fd, q->messages, max, MSG_DONTWAIT, NULL);
	if (got <= 0)
		return 0;
	for (unsigned i = 0; i < (unsigned)got; i++)
		count += take(port, io, q, i, &packets_out[count]);
	sw_count(&q->rx_packets, (uint64_t)got);
	q->stocked -= (unsigned)got;
	for (unsigned i = 0; i < q->stocked; i++) {
		q->buffers[i] = q->buffers[i + (unsigned)got];
		q->vectors[i] = q->vectors[i + (unsigned)got];
	}
	return count;
}

static void from(const struct dp_port *head, const struct sw_packet *packet,
		 struct sw_endpoint *from_out)
{
	(void)head;
	*from_out = dp_buffer_private(packet->buffer)->from;
}

/* ---- sending ---- */

/* What one burst needs beside the packets; on the sender's stack. */
struct sending {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	union address addresses[BATCH];
	_Alignas(struct cmsghdr) uint8_t controls[BATCH][CONTROL_BYTES];
};

static size_t write_source(uint8_t *control, const struct vd_udp_addr *local, bool ip4)
{
	struct cmsghdr *c = (struct cmsghdr *)control;

	if (ip4) {
		struct in_pktinfo info = { 0 };
		memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	struct in6_pktinfo info = { 0 };
	memcpy(&info.ipi6_addr, local->ip, 16);
	*c = (struct cmsghdr){ CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO };
	memcpy(CMSG_DATA(c), &info, sizeof info);
	return CMSG_SPACE(sizeof info);
}

static size_t write_class(uint8_t *control, int traffic_class, bool ip4)
{
	struct cmsghdr *c = (struct cmsghdr *)control;

	*c = (struct cmsghdr){ CMSG_LEN(sizeof traffic_class), ip4 ? IPPROTO_IP : IPPROTO_IPV6,
			       ip4 ? IP_TOS : IPV6_TCLASS };
	memcpy(CMSG_DATA(c), &traffic_class, sizeof traffic_class);
	return CMSG_SPACE(sizeof traffic_class);
}

static void address(const struct port *port, struct sending *s, unsigned i,
		    const struct dp_out *out)
{
	struct msghdr *h = &s->messages[i].msg_hdr;
	struct vd_udp_addr local, remote;

	sw_template_ends(out->send, &local, &remote);
	*h = (struct msghdr){
		.msg_name = &s->addresses[i],
		.msg_namelen = to_sockaddr(&remote, port->ip4, &s->addresses[i]),
		.msg_iov = &s->vectors[i],
		.msg_iovlen = 1,
	};
	s->vectors[i] = (struct iovec){ out->frame, out->len };
	if (port->wildcard && !vd_udp_addr_is_any(&local))
		h->msg_controllen = write_source(s->controls[i], &local, port->ip4);
	if (out->traffic_class)
		h->msg_controllen +=
		    write_class(s->controls[i] + h->msg_controllen, out->traffic_class, port->ip4);
	if (h->msg_controllen)
		h->msg_control = s->controls[i];
}

/* Why the kernel did not take a datagram, in our words. */
static enum sw_drop drop_of(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS: return SW_DROP_TX_FULL;
	case EMSGSIZE: return SW_DROP_TOO_BIG;
	default: return SW_DROP_NO_NEIGHBOUR; /* no route, unreachable, filtered */
	}
}

static void send_batch(const struct port *port, const struct dp_io *io, const struct dp_out *outs,
		       unsigned count)
{
	struct queue *q = &port->queues[io->queue];
	struct rte_mbuf *done[BATCH];
	struct sending s;
	unsigned at = 0;

	for (unsigned i = 0; i < count; i++) {
		address(port, &s, i, &outs[i]);
		done[i] = outs[i].buffer;
	}
	while (at < count) {
		int sent = sendmmsg(q->fd, s.messages + at, count - at, MSG_DONTWAIT);
		if (sent > 0) {
			sw_count(&q->tx_packets, (uint64_t)sent);
			at += (unsigned)sent;
			continue;
		}
		enum sw_drop drop = drop_of(errno);
		unsigned lost = drop == SW_DROP_TX_FULL ? count - at : 1;
		for (unsigned i = at; i < at + lost; i++)
			dp_port_lost(io, drop, &outs[i]);
		sw_count(&io->counters->drops[drop], lost);
		sw_count(&q->tx_errors, lost);
		at += lost;
	}
	rte_pktmbuf_free_bulk(done, count);
}

static void send_burst(struct dp_port *head, const struct dp_io *io, const struct dp_out *outs,
		       unsigned count)
{
	while (count) {
		unsigned batch = count < BATCH ? count : BATCH;
		send_batch(port_of(head), io, outs, batch);
		outs += batch;
		count -= batch;
	}
}

static int fd_of(const struct dp_port *head, unsigned queue)
{
	return port_of(head)->queues[queue].fd;
}

static void view(const struct dp_port *head, struct dp_port_view *view_out)
{
	const struct port *port = port_of(head);

	view_out->mtu = port->mtu;
	view_out->rx_queues = view_out->tx_queues = (uint16_t)port->queue_count;
	view_out->bind = port->bind;
	for (unsigned i = 0; i < port->queue_count; i++) {
		struct queue *q = &port->queues[i];
		view_out->rx_packets += atomic_load_explicit(&q->rx_packets, memory_order_relaxed);
		view_out->tx_packets += atomic_load_explicit(&q->tx_packets, memory_order_relaxed);
		view_out->tx_errors += atomic_load_explicit(&q->tx_errors, memory_order_relaxed);
	}
}

/* ---- opening ---- */

static int set_options(int fd, bool ip4)
{
	int one = 1, size = SOCKET_BYTES;
	int probe = ip4 ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE;
	int level = ip4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (!ip4 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one))
		return -1;
	if (setsockopt(fd, level, ip4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &probe, sizeof probe))
		return -1;
	if (setsockopt(fd, level, ip4 ? IP_RECVTOS : IPV6_RECVTCLASS, &one, sizeof one))
		return -1;
	/* a kernel that cannot tell (before Linux 4.11) is no reason to do without the port */
	(void)setsockopt(fd, level, ip4 ? IP_RECVFRAGSIZE : IPV6_RECVFRAGSIZE, &one, sizeof one);
	return setsockopt(fd, level, ip4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &one, sizeof one);
}

/*
 * A bound socket, or -1 with errno. The first is bound without SO_REUSEPORT, so that a
 * second daemon on the port is refused instead of sharing our traffic.
 */
static int open_socket(struct port *port, bool first, bool shared)
{
	union address bind_to;
	socklen_t len = to_sockaddr(&port->bind, port->ip4, &bind_to);
	int one = 1, kept;
	int fd =
	    socket(port->ip4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (set_options(fd, port->ip4) == 0 &&
	    (first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
	    bind(fd, &bind_to.any, len) == 0 &&
	    (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
	    getsockname(fd, &bind_to.any, &len) == 0) {
		port->bind = of_sockaddr(&bind_to);
		return fd;
	}
	kept = errno;
	close(fd);
	errno = kept;
	return -1;
}

/* That of the interface with the address bound, within a buffer; wildcard: Ethernet's. */
static uint16_t find_mtu(const struct port *port, uint16_t room)
{
	unsigned mtu = port->wildcard ? MTU_DEFAULT : dp_room_mtu_of_address(&port->bind);

	return (uint16_t)RTE_MIN(mtu ? mtu : MTU_DEFAULT, room);
}

static void close_port(struct dp_port *head)
{
	struct port *port = (struct port *)head;

	for (unsigned i = 0; i < port->queue_count; i++) {
		struct queue *q = &port->queues[i];
		if (q->fd >= 0)
			close(q->fd);
		rte_pktmbuf_free_bulk(q->buffers, q->stocked);
	}
	free(port->queues);
	free(port);
}

static const struct dp_port_ops ops = {
	.driver = "udp",
	.recv = recv_burst,
	.send = send_burst,
	.from = from,
	.fd = fd_of,
	.view = view,
	.close = close_port,
};

static const char *cure_of(int error)
{
	switch (error) {
	case EADDRINUSE: return "; another program has it: stop it, or choose another port";
	case EADDRNOTAVAIL: return "; no interface here has this address";
	case EACCES: return "; ports below 1024 need root";
	default: return "";
	}
}

static enum vd_err open_sockets(struct port *port, char why[DP_WHY])
{
	for (unsigned i = 0; i < port->queue_count; i++)
		port->queues[i].fd = -1;
	for (unsigned i = 0; i < port->queue_count; i++) {
		int fd = open_socket(port, i == 0, port->queue_count > 1);
		if (fd < 0) {
			snprintf(why, DP_WHY, "port %s: cannot bind UDP port %u: %s%s",
				 port->head.name, port->bind.port, strerror(errno), cure_of(errno));
			return VD_ESYS;
		}
		port->queues[i].fd = fd;
	}
	return VD_OK;
}

enum vd_err dp_port_udp_open(const struct dp_port_setup *setup, struct dp_port **port_out,
			     char why[DP_WHY])
{
	struct port *port = calloc(1, sizeof *port);
	enum vd_err err;

	if (!port)
		return VD_ENOMEM;
	*port = (struct port){
		.head = { .ops = &ops, .number = setup->number },
		.bind = setup->port->bind,
		.ip4 = vd_udp_addr_is_ip4(&setup->port->bind),
		.wildcard = vd_udp_addr_is_any(&setup->port->bind),
		.queue_count = setup->config->workers,
		.queues = calloc(setup->config->workers, sizeof(struct queue)),
	};
	snprintf(port->head.name, sizeof port->head.name, "%s", setup->port->name);
	if (!port->queues) {
		free(port);
		return VD_ENOMEM;
	}
	err = open_sockets(port, why);
	if (err) {
		close_port(&port->head);
		return err;
	}
	port->mtu = find_mtu(port, dp_buffers_room(setup->pool));
	*port_out = &port->head;
	return VD_OK;
}
