/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * switch: sw_forward_burst in memory, without EAL or I/O. Frames are copied to the
 * burst's buffers outside the timed region, as a port would have them in the cache.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "base/time.h"
#include "bench/bench.h"
#include "bench/machine.h"
#include "bench/population.h"
#include "switch/siphash.h"

enum {
	REGION = SW_BURST_MAX, /* packets of one timed region: whole bursts */
	FRAMES_MIN = 1 << 16,
	FRAMES_MAX = 1 << 20,
	ROOM = 2048, /* of a packet's buffer, headroom included */
	BYTES = 64,
};

struct run {
	const struct bench_options *options;
	struct sw_plane plane;
	struct population population;
	struct sw_forward *forward;
	uint8_t *buffers; /* [REGION * ROOM] */
	struct sw_packet packets[REGION];
	bool huge; /* tables on 2 MB pages */
	uint64_t offered, arrived;
};

static void load_region(struct run *run, uint32_t first)
{
	const struct population *p = &run->population;

	for (uint32_t i = 0; i < REGION; i++) {
		const struct sw_link *in = p->records[p->ingress[first + i]];
		uint8_t *frame = run->buffers + (size_t)i * ROOM + SW_HEADROOM;

		memcpy(frame, population_frame(p, first + i), p->frame_len);
		run->packets[i] = (struct sw_packet){
			.frame = frame,
			.path = atomic_load_explicit(&in->path, memory_order_relaxed),
			.len = p->frame_len,
		};
	}
}

ON_WORKER static void switch_region(struct run *run, unsigned burst, struct bench_timer *timer)
{
	vd_ns now = vd_now();

	bench_timer_start(timer);
	for (unsigned i = 0; i < REGION; i += burst)
		sw_forward_burst(run->forward, run->packets + i,
				 i + burst <= REGION ? burst : REGION - i, now);
	bench_timer_stop(timer, REGION);
}

/* What left by the right link; with `whole`, every byte of it is looked at. */
static void count_region(struct run *run, uint32_t first, bool whole)
{
	const struct population *p = &run->population;

	for (uint32_t i = 0; i < REGION; i++) {
		const struct sw_packet *packet = &run->packets[i];
		bool ok = packet->verdict == SW_SEND &&
			  packet->egress == p->records[p->egress[first + i]];

		if (ok && whole)
			ok = population_is_sent(p, first + i, packet->frame, packet->len);
		run->arrived += ok;
	}
	run->offered += REGION;
}

/* One pass over all frames. Ends early when time is up. */
ON_WORKER static void pass(struct run *run, unsigned burst, bool whole, vd_ns until,
			   struct bench_timer *timer)
{
	uint32_t frames = run->population.config.frames;

	population_rewind(&run->population);
	for (uint32_t first = 0; first < frames; first += REGION) {
		load_region(run, first);
		switch_region(run, burst, timer);
		count_region(run, first, whole);
		if (!whole && vd_now() >= until)
			break;
	}
	sw_rcu_quiescent();
}

/* Frames offered, verified and arrived must be the same number; else nothing was measured. */
static bool all_arrived(struct run *run, uint64_t verified)
{
	char why[BENCH_WHY];

	if (run->arrived == run->offered && verified == run->offered)
		return true;
	snprintf(why, sizeof why, "offered %llu frames, verified %llu, arrived %llu",
		 (unsigned long long)run->offered, (unsigned long long)verified,
		 (unsigned long long)run->arrived);
	bench_cannot("switch", why);
	return false;
}

/* Cycles a packet of one round. The first looks at every byte. False when frames were lost. */
ON_WORKER static bool measure(struct run *run, unsigned burst, bool first, double *cycles_out)
{
	vd_ns until = vd_now() + (vd_ns)(run->options->seconds * (double)VD_NS_PER_S);
	struct bench_timer timer = { 0 };

	do {
		run->offered = run->arrived = 0;
		pass(run, burst, first, until, &timer);
		if (!all_arrived(run, population_verified(&run->population)))
			return false;
	} while (!first && (vd_now() < until || timer.units == 0));
	*cycles_out = bench_timer_mean(&timer);
	return true;
}

static bool measure_burst(struct run *run, unsigned burst)
{
	struct bench_result result = bench_result("switch", "memory");
	struct bench_series cycles = { 0 }, mpps = { 0 };
	char flags[64];
	bool ok = true;

	vd_role_worker();
	for (unsigned round = 0; ok && round <= run->options->rounds; round++) {
		double value = 0;

		ok = measure(run, burst, round == 0, &value);
		if (round == 0 || !ok)
			continue;
		bench_series_add(&cycles, value);
		bench_series_add(&mpps, machine_hz() / value / 1e6);
	}
	bench_parameter(&result, "links", run->population.config.links);
	bench_parameter(&result, "bytes", run->population.config.bytes);
	bench_parameter(&result, "burst", burst);
	bench_figure(&result, "cycles_per_packet", &cycles);
	bench_figure(&result, "mpps", &mpps);
	result.rounds = cycles.count;
	snprintf(flags, sizeof flags, "isa=%s pages=%s", sw_siphash_choose().isa,
		 run->huge ? "2M" : "normal");
	result.flags = flags;
	if (ok)
		bench_result_print(&result, run->options);
	else
		bench_result_drop(&result);
	return ok;
}

ON_CONTROL static enum vd_err prepare(struct run *run, uint32_t links)
{
	struct population_config config = {
		.links = links,
		.frames = links < FRAMES_MIN ? FRAMES_MIN : FRAMES_MAX,
		.bytes = (uint16_t)(run->options->bytes ? run->options->bytes : BYTES),
	};
	struct sw_plane_config plane = population_plane(&config);
	enum vd_err err;

	run->huge = machine_pages_take(population_pages(&config));
	err = sw_plane_init(&run->plane, &plane);
	if (err)
		return err;
	err = population_init(&run->population, &run->plane, &config);
	run->forward = err ? NULL : sw_forward_new(&run->plane, 0);
	run->buffers = aligned_alloc(64, (size_t)REGION * ROOM);
	if (!err && (!run->forward || !run->buffers))
		err = VD_ENOMEM;
	return err;
}

ON_CONTROL static bool measure_links(const struct bench_options *options, uint32_t links)
{
	static const unsigned bursts[] = { 1, 8, 32, 256 };
	struct run *run = calloc(1, sizeof *run);
	enum vd_err err = VD_ENOMEM;
	bool ok = false;

	if (run) {
		run->options = options;
		err = prepare(run, links);
		ok = !err;
	}
	if (err)
		bench_cannot("switch", vd_err_text(err));
	if (ok && options->burst)
		ok = measure_burst(run, options->burst);
	for (size_t i = 0; ok && !options->burst && i < sizeof bursts / sizeof bursts[0]; i++)
		ok = measure_burst(run, bursts[i]);
	if (run) {
		sw_forward_free(run->forward);
		population_fini(&run->population);
		sw_plane_fini(&run->plane);
		free(run->buffers);
	}
	free(run);
	return ok;
}

ON_CONTROL static bool run_switch(const struct bench_options *options)
{
	static const uint32_t links[] = { 1, 1000, 100000, 1000000 };
	bool ok = true;

	urcu_qsbr_register_thread();
	if (options->links)
		ok = measure_links(options, options->links);
	for (size_t i = 0; ok && !options->links && i < sizeof links / sizeof links[0]; i++)
		ok = measure_links(options, links[i]);
	urcu_qsbr_unregister_thread();
	return ok;
}

const struct bench bench_switch = {
	.name = "switch",
	.what = "sw_forward_burst in memory: cycles a packet by links and burst",
	.run = run_switch,
};
