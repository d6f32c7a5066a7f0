/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/eal/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/init.h"
#include "dataplane/outer.h"
#include "dataplane/room.h"

enum { PORT = 4001, BUFFERS = 8191, JUMBO_BUFFERS = 1023, LINKS = 64, IP6_INDEX = 16 };

static uint16_t mtu = 1500;

static void die(const char *what)
{
	fprintf(stderr, "rig: %s\n", what);
	abort();
}

/* ---- the memory port ---- */

static struct rig_port *memory_of(struct dp_port *head)
{
	return (struct rig_port *)head;
}

/* Queue 0 receives; the others have nothing. */
static unsigned memory_recv(struct dp_port *head, const struct dp_io *io,
			    struct sw_packet *packets_out, unsigned max)
{
	struct rig_port *port = memory_of(head);
	unsigned count = 0;

	if (io->queue != 0)
		return 0;
	for (; count < max && count < port->in_count; count++) {
		const struct rig_datagram *in = &port->in[count];
		struct rte_mbuf *m = rte_pktmbuf_alloc(io->pool);
		if (!m)
			break;
		memcpy(rte_pktmbuf_append(m, in->len), in->bytes, in->len);
		dp_buffer_private(m)->from = (struct sw_endpoint){
			.port = head->number,
			.local = in->local,
			.remote = in->remote,
		};
		packets_out[count] = (struct sw_packet){
			.frame = rte_pktmbuf_mtod(m, uint8_t *),
			.buffer = m,
			.path = sw_path_hash(head->number, &in->remote),
			.len = in->len,
			.port = head->number,
			.flags = (uint8_t)((in->traffic_class & 3) << SW_PACKET_ECN_SHIFT),
		};
	}
	port->in_count -= count;
	memmove(port->in, port->in + count, port->in_count * sizeof port->in[0]);
	return count;
}

static void memory_send(struct dp_port *head, const struct dp_io *io, const struct dp_out *outs,
			unsigned count)
{
	struct rig_port *port = memory_of(head);

	for (unsigned i = 0; i < count; i++) {
		if (port->out_count == RIG_QUEUE || outs[i].len > RIG_BYTES) {
			dp_drop(io->counters, SW_DROP_TX_FULL, outs[i].buffer);
			continue;
		}
		struct rig_datagram *out = &port->out[port->out_count++];
		out->len = outs[i].len;
		out->traffic_class = outs[i].traffic_class;
		sw_template_ends(outs[i].send, &out->local, &out->remote);
		memcpy(out->bytes, outs[i].frame, outs[i].len);
		rte_pktmbuf_free(outs[i].buffer);
	}
}

static void memory_from(const struct dp_port *head, const struct sw_packet *packet,
			struct sw_endpoint *from_out)
{
	(void)head;
	*from_out = dp_buffer_private(packet->buffer)->from;
}

static int memory_fd(const struct dp_port *head, unsigned queue)
{
	(void)head;
	(void)queue;
	return -1;
}

static void memory_view(const struct dp_port *head, struct dp_port_view *view_out)
{
	(void)head;
	view_out->mtu = mtu;
}

static void memory_close(struct dp_port *head)
{
	free(head);
}

static const struct dp_port_ops memory_ops = {
	.driver = "memory",
	.recv = memory_recv,
	.send = memory_send,
	.from = memory_from,
	.fd = memory_fd,
	.view = memory_view,
	.close = memory_close,
};

/* ---- up and down ---- */

void rig_use_jumbo(void)
{
	mtu = 9200;
}

struct rte_mempool *rig_pool(void)
{
	static struct rte_mempool *pool;
	struct dp_config config = { .workers = 1, .no_huge = true };
	char why[DP_WHY];

	if (pool)
		return pool;
	if (vd_init() || dp_eal_open(&config, 64, why))
		die(why);
	rcu_register_thread();
	pool = mtu > 1500 ? dp_buffers_new("rig", JUMBO_BUFFERS, DP_ROOM_JUMBO)
			  : dp_buffers_new("rig", BUFFERS, DP_ROOM_SMALL);
	if (!pool)
		die("no pool");
	return pool;
}

static void make_tun(struct rig *rig, unsigned workers)
{
	rig->tun.queues = workers;
	rig->tun.class_mask = UINT8_MAX;
	for (unsigned i = 0; i < workers; i++) {
		int ends[2];
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
			die("no socketpair");
		rig->tun.fds[i] = ends[0];
		rig->tun_ends[i] = ends[1];
	}
}

static struct rig *make(struct dp_port *port, unsigned workers, unsigned width, bool tun)
{
	struct rig *rig = calloc(1, sizeof *rig);
	const struct sw_plane_config config = {
		.workers = workers,
		.width = width,
		.links_max = LINKS,
		.sessions_max = LINKS,
	};

	if (!rig || sw_plane_init(&rig->plane, &config))
		die("no plane");
	rig->pool = rig_pool();
	rig->now = VD_SECONDS(100);
	rig->ports[rig->port_count++] = port;
	if (tun)
		make_tun(rig, workers);
	for (unsigned i = 0; i < workers; i++) {
		const struct dp_worker_config worker = {
			.plane = &rig->plane,
			.number = i,
			.pool = rig->pool,
			.ports = rig->ports,
			.port_count = rig->port_count,
			.tun = tun ? &rig->tun : NULL,
		};
		if (dp_worker_new(&worker, &rig->workers[i]))
			die("no worker");
	}
	return rig;
}

struct rig *rig_new(unsigned workers, unsigned width, bool tun)
{
	struct rig_port *port = calloc(1, sizeof *port);
	struct rig *rig;

	if (!port)
		die("no memory");
	port->head = (struct dp_port){ .ops = &memory_ops, .name = "memory" };
	(void)rig_pool();
	rig = make(&port->head, workers, width, tun);
	rig->memory = port;
	return rig;
}

struct rig *rig_new_on(struct dp_port *port, unsigned workers)
{
	return make(port, workers, 16, false);
}

void rig_free(struct rig *rig)
{
	for (unsigned i = 0; i < rig->plane.config.workers; i++)
		dp_worker_free(rig->workers[i]);
	for (unsigned i = 0; i < rig->port_count; i++)
		rig->ports[i]->ops->close(rig->ports[i]);
	for (unsigned i = 0; i < rig->tun.queues; i++)
		close(rig->tun_ends[i]);
	dp_tun_close(&rig->tun);
	sw_plane_fini(&rig->plane);
	free(rig);
}

unsigned rig_turns(struct rig *rig, unsigned times)
{
	unsigned work = 0;

	vd_role_worker();
	for (unsigned t = 0; t < times; t++)
		for (unsigned i = 0; i < rig->plane.config.workers; i++)
			work += dp_worker_turn(rig->workers[i], rig->now);
	return work;
}

/* ---- packets ---- */

struct vd_udp_addr rig_addr(uint8_t last, uint16_t port)
{
	return (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 198, 18, 0, last }, .port = port };
}

void rig_arrive(struct rig *rig, const struct vd_udp_addr *from, const void *bytes, size_t len)
{
	struct rig_datagram *in = &rig->memory->in[rig->memory->in_count++];

	if (rig->memory->in_count > RIG_QUEUE || len > RIG_BYTES)
		die("too much arrives");
	in->len = (uint16_t)len;
	in->local = rig_addr(0, PORT);
	in->remote = *from;
	in->traffic_class = 0;
	memcpy(in->bytes, bytes, len);
}

const struct rig_datagram *rig_sent(struct rig *rig)
{
	struct rig_port *port = rig->memory;

	if (port->out_read == port->out_count) {
		port->out_read = port->out_count = 0;
		return NULL;
	}
	return &port->out[port->out_read++];
}

unsigned rig_wire(struct rig *from, struct rig *to, const struct vd_udp_addr *as)
{
	unsigned count = 0;

	for (const struct rig_datagram *d; (d = rig_sent(from)); count++) {
		rig_arrive(to, as, d->bytes, d->len);
		to->memory->in[to->memory->in_count - 1].traffic_class = d->traffic_class;
	}
	return count;
}

bool rig_punt(struct rig *rig, struct sw_punt *punt_out)
{
	for (unsigned i = 0; i < rig->plane.config.workers * SW_PUNT_LANES; i++)
		if (sw_lane_pop_burst(&rig->plane.punts[i], punt_out, 1))
			return true;
	return false;
}

void rig_inject(struct rig *rig, unsigned worker, const struct sw_inject *inject, const void *bytes,
		size_t len)
{
	struct sw_inject item = *inject;

	item.len = (uint16_t)len;
	if (len)
		memcpy(item.bytes, bytes, len);
	if (!sw_lane_push_burst(&rig->plane.injects[worker], &item, 1))
		die("the lane is full");
	sw_wake_up(&rig->plane.worker_wakes[worker]);
}

/* ---- links and sessions ---- */

static struct sw_link_config half(uint8_t owner, uint32_t remote_index, uint32_t director, bool a)
{
	struct vd_udp_addr local = rig_addr(a ? 1 : 2, PORT), remote = rig_addr(a ? 2 : 1, PORT);
	struct sw_link_config config = {
		.remote_index = remote_index,
		.director = director,
		.permit = sw_permit(1, 1),
		.path = sw_path_hash(0, &remote),
		.owner = owner,
		.keepalive = true,
	};

	memset(config.rx_key, a ? 1 : 2, sizeof config.rx_key);
	memset(config.tx_key, a ? 2 : 1, sizeof config.tx_key);
	sw_template_build(&config.send, 0, &local, &remote, mtu, 0);
	return config;
}

struct rig_pair rig_link(struct rig *a, uint8_t owner_a, struct rig *b, uint8_t owner_b,
			 uint32_t director_a, uint32_t director_b)
{
	struct rig_pair pair;

	if (sw_link_reserve(&a->plane.links, &pair.a) || sw_link_reserve(&b->plane.links, &pair.b))
		die("no link");
	struct sw_link_config end_a = half(owner_a, pair.b, director_a, true);
	struct sw_link_config end_b = half(owner_b, pair.a, director_b, false);
	sw_link_publish(&a->plane.links, pair.a, &end_a, a->now);
	sw_link_publish(&b->plane.links, pair.b, &end_b, b->now);
	if (director_a)
		sw_director_set(&a->plane.directors, director_a, pair.a);
	if (director_b)
		sw_director_set(&b->plane.directors, director_b, pair.b);
	return pair;
}

struct rig_pair rig_session(struct rig *a, uint8_t owner_a, struct rig *b, uint8_t owner_b,
			    struct rig_pair links)
{
	struct sw_session_config end_a = { .cipher = VD_CHACHA20_POLY1305 }, end_b;
	struct rig_pair pair;

	if (sw_session_reserve(&a->plane.sessions, &pair.a) ||
	    sw_session_reserve(&b->plane.sessions, &pair.b))
		die("no session");
	end_a.ip6[0] = IP6_INDEX;
	end_b = end_a;
	memset(end_a.rx_key, 3, sizeof end_a.rx_key);
	memset(end_a.tx_key, 4, sizeof end_a.tx_key);
	memset(end_b.rx_key, 4, sizeof end_b.rx_key);
	memset(end_b.tx_key, 3, sizeof end_b.tx_key);
	end_a.remote_index = pair.b;
	end_b.remote_index = pair.a;
	end_a.owner = owner_a;
	end_b.owner = owner_b;
	rig_overlay(2, end_a.overlay);
	rig_overlay(1, end_b.overlay);
	end_a.path = (struct sw_path){ .link = links.a, .payload_max = (uint16_t)(mtu - 100) };
	end_b.path = (struct sw_path){ .link = links.b, .payload_max = (uint16_t)(mtu - 100) };
	sw_session_publish(&a->plane.sessions, pair.a, &end_a);
	sw_session_publish(&b->plane.sessions, pair.b, &end_b);
	return pair;
}

void rig_overlay(uint8_t last, uint8_t out[SW_IPV6_ADDR])
{
	memset(out, 0, SW_IPV6_ADDR);
	out[0] = 0xfd;
	out[1] = 0x76;
	out[SW_IPV6_ADDR - 1] = last;
}

void rig_route(struct rig *rig, uint8_t self, uint8_t peer, uint32_t session)
{
	struct sw_overlay_route route = { .session = session };
	uint8_t own[SW_IPV6_ADDR];

	rig_overlay(self, own);
	rig_overlay(peer, route.address);
	sw_overlay_retire(sw_rcu_swap(&rig->plane.overlay, sw_overlay_new(own, &route, 1)));
}

size_t rig_ip6(uint8_t source, uint8_t destination, uint8_t out[64])
{
	enum { BODY = 8 };

	memset(out, 0, 64);
	out[0] = 0x60;
	vd_be16_store(out + 4, BODY);
	out[6] = 17;
	out[7] = 64;
	rig_overlay(source, out + 8);
	rig_overlay(destination, out + 24);
	return SW_IP6_BYTES + BODY;
}

uint64_t rig_drops(const struct rig *rig, enum sw_drop drop)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rig->plane.config.workers; i++)
		sum +=
		    atomic_load_explicit(&rig->plane.counters[i].drops[drop], memory_order_relaxed);
	return sum;
}
