/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * pipeline: the worker's whole path under EAL, beside l3fwd with as many flows.
 *
 * The port is a real one (port_dpdk on net_null), but what its driver does is replaced
 * by a source, which copies pre-made Ethernet frames into fresh mbufs as net_pcap does
 * for l3fwd, and by a sink, which counts and frees as net_null does.
 */
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "base/time.h"
#include "bench/bench.h"
#include "bench/machine.h"
#include "bench/population.h"
#include "bench/rival_l3fwd.h"
#include "dataplane/buffer.h"
#include "dataplane/eal.h"
#include "dataplane/outer.h"
#include "dataplane/port.h"
#include "dataplane/room.h"
#include "dataplane/worker.h"
#include "switch/outer.h"
#include "switch/siphash.h"

enum {
	LEAD = 14 + SW_IP4_BYTES + SW_UDP_BYTES, /* Ethernet, IPv4, UDP */
	NEIGHBOUR = 1,
	FRAMES_MIN = 4096, /* the capture of the rival holds as many */
	REGION = 4096,     /* frames of a timed region: short, as a region in which we lost
			    * the core does not count */
	BYTES = 64,
	LINKS_GOAL = 1000,
	IDLE_TURNS = 1000, /* without a packet before one counts as lost */
	EAL_PAGES = 64,
	MEMORY_MB = 64,
};

#define GOAL    0.3
#define DEVICE  "net_null0"
#define BIND_ON 4001

/* What the replaced driver functions work on; they are given no context of ours. */
static struct {
	const struct population *population;
	struct rte_mempool *pool;
	uint16_t burst;      /* frames handed out at once, at most */
	uint32_t next, left; /* frames not handed out yet */
	uint64_t arrived;
	bool whole; /* the sink looks at every byte */
} io;

/* Once in a process: EAL cannot be restarted. */
struct ground {
	struct dp_config config;
	struct dp_port *port;
	bool huge;
};

struct run {
	const struct bench_options *options;
	const struct ground *ground;
	struct sw_plane plane;
	struct population population;
	struct dp_worker *worker;
	uint64_t offered;
};

/* ---- source and sink ---- */

static uint16_t source(void *queue, struct rte_mbuf **mbufs, uint16_t max)
{
	uint16_t len = (uint16_t)(LEAD + io.population->frame_len);
	uint16_t count = max < io.burst ? max : io.burst;

	(void)queue;
	count = io.left < count ? (uint16_t)io.left : count;
	if (count == 0 || rte_pktmbuf_alloc_bulk(io.pool, mbufs, count) != 0)
		return 0;
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = mbufs[i];

		memcpy(rte_pktmbuf_mtod(m, void *), population_frame(io.population, io.next) - LEAD,
		       len);
		m->data_len = len;
		m->pkt_len = len;
		m->hash.usr = io.next++;
	}
	io.left -= count;
	return count;
}

/* Whether the bytes are frame `i` on its way to the peer of its egress link. */
static bool is_sent(uint32_t i, const uint8_t *bytes, uint16_t len)
{
	const struct population *p = io.population;
	struct vd_udp_addr remote = population_remote(p->egress[i]), got;
	struct dp_outer outer;

	if (dp_outer_parse(bytes, len, remote.port, &outer) != DP_OUTER_OK || outer.at != LEAD)
		return false;
	got = dp_outer_local(bytes, &outer);
	return memcmp(&got.ip, &remote.ip, sizeof got.ip) == 0 &&
	       population_is_sent(p, i, bytes + LEAD, outer.len);
}

static uint16_t sink(void *queue, struct rte_mbuf **mbufs, uint16_t count)
{
	uint64_t good = count;

	(void)queue;
	for (uint16_t i = 0; unlikely(io.whole) && i < count; i++)
		good -= !is_sent(mbufs[i]->hash.usr, rte_pktmbuf_mtod(mbufs[i], uint8_t *),
				 mbufs[i]->data_len);
	for (uint16_t i = 0; i < count; i++)
		rte_pktmbuf_free(mbufs[i]);
	io.arrived += good;
	return count;
}

/* ---- the ground: EAL, pool, port ---- */

static struct dp_config config_of(bool huge)
{
	return (struct dp_config){
		.workers = 1,
		.poll = true,
		.no_huge = !huge,
		.port_count = 1,
		.ports[0] = {
			.name = "bench0",
			.driver = DP_DRIVER_DPDK,
			.devargs = DEVICE,
			.bind.port = BIND_ON,
		},
	};
}

ON_CONTROL static enum vd_err open_port(struct ground *ground, char why[DP_WHY])
{
	struct dp_port_setup setup = {
		.config = &ground->config,
		.port = &ground->config.ports[0],
		.pool = io.pool,
	};
	enum vd_err err = dp_port_dpdk_open(&setup, &ground->port, why);
	uint16_t device;

	if (err)
		return err;
	if (rte_eth_dev_get_port_by_name(DEVICE, &device) != 0)
		return VD_ENOTFOUND;
	rte_eth_fp_ops[device].rx_pkt_burst = source;
	rte_eth_fp_ops[device].tx_pkt_burst = sink;
	return VD_OK;
}

ON_CONTROL static bool open_ground(struct ground *ground, unsigned pages)
{
	char why[DP_WHY] = "out of memory";
	unsigned buffers;
	enum vd_err err;

	ground->huge = machine_pages_take(pages);
	ground->config = config_of(ground->huge);
	buffers = dp_buffers_needed(&ground->config);
	err = dp_eal_open(&ground->config, dp_buffers_mb(buffers, DP_ROOM_SMALL) + MEMORY_MB, why);
	if (!err)
		io.pool = dp_buffers_new("bench", buffers, DP_ROOM_SMALL);
	if (!err)
		err = io.pool ? open_port(ground, why) : VD_ENOMEM;
	if (err)
		bench_cannot("pipeline", why);
	return !err;
}

static void close_ground(struct ground *ground)
{
	if (ground->port)
		ground->port->ops->close(ground->port);
	rte_mempool_free(io.pool);
	io.pool = NULL;
}

/* ---- one population ---- */

static struct sw_neighbour neighbour_row(void)
{
	return (struct sw_neighbour){
		.l2 = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00 },
		.l2_len = 14,
	};
}

/* Each frame as its peer sends it: from the ingress link's address to ours. */
static void write_headers(const struct population *p)
{
	struct sw_neighbour row = neighbour_row();
	struct vd_udp_addr self = population_self();

	for (uint32_t i = 0; i < p->config.frames; i++) {
		struct vd_udp_addr from = population_remote(p->ingress[i]);
		struct sw_template template;

		sw_template_build(&template, 0, &from, &self, 1500, NEIGHBOUR);
		(void)dp_outer_build(population_frame(p, i), p->frame_len, 0, &template, &row);
	}
}

static struct population_config population_config_of(const struct bench_options *options,
						     uint32_t links)
{
	return (struct population_config){
		.links = links,
		.frames = links < FRAMES_MIN ? FRAMES_MIN : links,
		.bytes = (uint16_t)(options->bytes ? options->bytes : BYTES),
		.lead = LEAD,
		.neighbour = NEIGHBOUR,
	};
}

ON_CONTROL static enum vd_err publish_neighbours(struct sw_plane *plane)
{
	struct sw_neighbour rows[] = { { .l2_len = 0 }, neighbour_row() };
	struct sw_neighbours *table = sw_neighbours_new(rows, 2);

	if (!table)
		return VD_ENOMEM;
	sw_neighbours_retire(sw_rcu_swap(&plane->neighbours, table));
	return VD_OK;
}

ON_CONTROL static enum vd_err prepare(struct run *run, uint32_t links)
{
	struct population_config config = population_config_of(run->options, links);
	struct sw_plane_config plane = population_plane(&config);
	enum vd_err err = sw_plane_init(&run->plane, &plane);
	struct dp_worker_config worker = {
		.plane = &run->plane,
		.pool = io.pool,
		.ports = &run->ground->port,
		.port_count = 1,
		.poll = true,
	};

	if (!err)
		err = population_init(&run->population, &run->plane, &config);
	if (!err)
		err = publish_neighbours(&run->plane);
	if (!err)
		err = dp_worker_new(&worker, &run->worker);
	if (!err)
		write_headers(&run->population);
	return err;
}

ON_CONTROL static void clear(struct run *run)
{
	dp_worker_free(run->worker);
	population_fini(&run->population);
	sw_plane_fini(&run->plane);
}

/* ---- ours ---- */

/* Turns until every frame handed out has arrived, or none comes any more. */
static void turns(struct run *run, uint64_t expected)
{
	unsigned idle = 0;

	vd_role_worker();
	while (io.arrived < expected && idle < IDLE_TURNS)
		idle = dp_worker_turn(run->worker, vd_now()) ? 0 : idle + 1;
}

/* Hands out the next frames and turns until they have arrived: a timed region. */
static void region(struct run *run, uint32_t frames, struct bench_timer *timer)
{
	uint64_t before = io.arrived;

	io.left = frames;
	bench_timer_start(timer);
	turns(run, before + frames);
	bench_timer_stop(timer, io.arrived - before);
}

/* One pass over all frames; false when not all were verified and arrived. */
static bool pass(struct run *run, bool whole, struct bench_timer *timer)
{
	uint32_t frames = run->population.config.frames;
	uint64_t verified;
	char why[BENCH_WHY];

	population_rewind(&run->population);
	io.next = 0;
	io.arrived = 0;
	io.whole = whole;
	for (uint32_t done = 0; done < frames; done += REGION)
		region(run, frames - done < REGION ? frames - done : REGION, timer);
	verified = population_verified(&run->population);
	if (verified == frames && io.arrived == frames)
		return true;
	snprintf(why, sizeof why, "offered %u frames, verified %llu, arrived %llu", frames,
		 (unsigned long long)verified, (unsigned long long)io.arrived);
	bench_cannot("pipeline", why);
	return false;
}

/* Cycles a packet of one round. The first looks at every byte. False when frames were lost. */
static bool measure_ours(struct run *run, bool first, double *cycles_out)
{
	vd_ns until = vd_now() + (vd_ns)(run->options->seconds * (double)VD_NS_PER_S);
	struct bench_timer timer = { 0 };
	bool ok;

	io.population = &run->population;
	io.burst = (uint16_t)(run->options->burst ? run->options->burst : DP_BURST);
	do
		ok = pass(run, first, &timer);
	while (ok && (vd_now() < until || timer.units == 0));
	*cycles_out = bench_timer_mean(&timer);
	return ok;
}

/* ---- rounds ---- */

struct figures {
	struct bench_series cycles, mpps, rival_cycles, rival_mpps, ratio;
};

static bool measure(struct run *run, bool rival, struct figures *figures)
{
	char why[BENCH_WHY];

	for (unsigned round = 0; round <= run->options->rounds; round++) {
		double ours = 0, per_s = 0;

		if (!measure_ours(run, round == 0, &ours))
			return false;
		if (rival && !rival_l3fwd_measure(run->options->seconds, &per_s, why)) {
			bench_cannot("pipeline", why);
			return false;
		}
		if (round == 0)
			continue;
		bench_series_add(&figures->cycles, ours);
		bench_series_add(&figures->mpps, machine_hz() / ours / 1e6);
		if (!rival)
			continue;
		bench_series_add(&figures->rival_cycles, machine_hz() / per_s);
		bench_series_add(&figures->rival_mpps, per_s / 1e6);
		bench_series_add(&figures->ratio, machine_hz() / per_s / ours);
	}
	return true;
}

static bool start_rival(const struct run *run)
{
	const struct population *p = &run->population;
	struct rival_l3fwd_config config = {
		.flows = p->config.links,
		.frame_bytes = (uint16_t)(LEAD + p->frame_len),
		.core = run->options->core,
		.huge = run->ground->huge,
	};
	char why[BENCH_WHY];

	if (!run->options->rival)
		return false;
	if (rival_l3fwd_start(&config, why))
		return true;
	bench_cannot("pipeline", why);
	return false;
}

static void report(const struct run *run, bool rival, const struct figures *figures)
{
	struct bench_result result = bench_result("pipeline", "eal");
	char flags[64];

	bench_parameter(&result, "links", run->population.config.links);
	bench_parameter(&result, "bytes", run->population.config.bytes);
	bench_parameter(&result, "frame_bytes", LEAD + run->population.frame_len);
	bench_parameter(&result, "burst", io.burst);
	bench_figure(&result, "cycles_per_packet", &figures->cycles);
	bench_figure(&result, "mpps", &figures->mpps);
	if (rival) {
		bench_figure(&result, "rival_cycles_per_packet", &figures->rival_cycles);
		bench_figure(&result, "rival_mpps", &figures->rival_mpps);
		result.rival = "l3fwd exact match";
		result.rival_version = rival_l3fwd_version();
	}
	result.ratio = figures->ratio;
	result.rounds = figures->cycles.count;
	if (run->options->rival && run->population.config.links == LINKS_GOAL)
		result.goal = GOAL;
	snprintf(flags, sizeof flags, "isa=%s pages=%s", sw_siphash_choose().isa,
		 run->ground->huge ? "2M" : "normal");
	result.flags = flags;
	bench_result_print(&result, run->options);
}

ON_CONTROL static bool measure_links(const struct bench_options *options,
				     const struct ground *ground, uint32_t links)
{
	struct figures figures = { 0 };
	struct run *run = calloc(1, sizeof *run);
	enum vd_err err;
	bool ok, rival;

	if (!run)
		return false;
	run->options = options;
	run->ground = ground;
	err = prepare(run, links);
	if (err)
		bench_cannot("pipeline", vd_err_text(err));
	rival = !err && start_rival(run);
	ok = !err && measure(run, rival, &figures);
	if (ok)
		report(run, rival, &figures);
	if (rival)
		rival_l3fwd_end();
	clear(run);
	free(run);
	return ok;
}

ON_CONTROL static bool run_pipeline(const struct bench_options *options)
{
	static const uint32_t list[] = { 1000, 100000 };
	const uint32_t *links = options->links ? &options->links : list;
	size_t count = options->links ? 1 : sizeof list / sizeof list[0];
	struct population_config most = population_config_of(options, links[count - 1]);
	unsigned pages = EAL_PAGES + population_pages(&most);
	struct ground ground = { 0 };
	bool ok;

	if (options->rival)
		pages += rival_l3fwd_pages(links[count - 1]);
	urcu_qsbr_register_thread();
	ok = open_ground(&ground, pages);
	for (size_t i = 0; ok && i < count; i++)
		ok = measure_links(options, &ground, links[i]);
	close_ground(&ground);
	urcu_qsbr_unregister_thread();
	return ok;
}

const struct bench bench_pipeline = {
	.name = "pipeline",
	.what = "the worker's whole path under EAL, beside DPDK's l3fwd in exact-match mode",
	.run = run_pipeline,
};
