/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * handshake: link handshakes a second on one core. Both sides' machines, back to back in
 * memory, from the first message to both sides up with the same keys. Beside it the
 * public-key operations alone, as libsodium does them.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/formats/key.h"
#include "base/time.h"
#include "bench/bench.h"
#include "bench/machine.h"
#include "controlplane/proto/peering.h"

enum { PAIRS = 16, STEPS_MAX = 64, SIDES = 2 };

struct side {
	struct vd_identity identity;
	uint32_t last_index;
};

/* One handshake's two ends; made before the timed region, as a daemon is before its first link. */
struct pair {
	struct peering *ends[SIDES];
	uint8_t tx_key[SIDES][16], rx_key[SIDES][16];
	bool up[SIDES];
};

struct run {
	const struct bench_options *options;
	struct side sides[SIDES];
	struct pair pairs[PAIRS];
};

/* ---- what a machine asks of its host ---- */

static bool admit(void *context, const struct peering_claim *claim)
{
	(void)context;
	(void)claim;
	return true;
}

static enum vd_err index_reserve(void *context, uint32_t *index_out)
{
	struct side *side = context;

	*index_out = ++side->last_index;
	return VD_OK;
}

static void index_release(void *context, uint32_t index)
{
	(void)context;
	(void)index;
}

/* /ip4/198.18.0.1/udp/4001 */
static size_t observed(void *context, const struct peering_path *path, uint8_t *out, size_t cap)
{
	static const uint8_t address[] = { 4, 198, 18, 0, 1, 0x91, 2, 0x0f, 0xa1 };

	(void)context;
	(void)path;
	if (cap < sizeof address)
		return 0;
	memcpy(out, address, sizeof address);
	return sizeof address;
}

static enum vd_err make_end(struct side *side, struct peering **end_out)
{
	struct peering_config config = {
		.kind = PEERING_LINK,
		.identity = &side->identity,
		.boot = 1,
		.width = 16,
		.peers_max = 2,
		.offer = { "/viaduct/ping/1" },
		.context = side,
		.admit = admit,
		.index_reserve = index_reserve,
		.index_release = index_release,
		.observed = observed,
	};

	return peering_new(&config, end_out);
}

static enum vd_err make_pairs(struct run *run)
{
	enum vd_err err = VD_OK;

	memset(run->pairs, 0, sizeof run->pairs);
	for (unsigned i = 0; !err && i < PAIRS * SIDES; i++)
		err = make_end(&run->sides[i % SIDES], &run->pairs[i / SIDES].ends[i % SIDES]);
	return err;
}

static void free_pairs(struct run *run)
{
	for (unsigned i = 0; i < PAIRS * SIDES; i++) {
		struct peering **end = &run->pairs[i / SIDES].ends[i % SIDES];
		if (*end)
			peering_free(*end);
		*end = NULL;
	}
}

/* ---- ours ---- */

/* Carries what one side has to say to the other; returns how many frames that were. */
static unsigned carry(struct pair *pair, unsigned from, vd_ns now)
{
	static const struct peering_path path = { .bytes = { 1 } };
	uint8_t copy[PEERING_FRAME_MAX];
	unsigned frames = 0;

	for (;;) {
		struct peering_event event = peering_next(pair->ends[from]);

		if (event.kind == PEERING_NONE)
			return frames;
		if (event.kind == PEERING_INSTALL) {
			memcpy(pair->tx_key[from], event.keys->tx_tag_key, 16);
			memcpy(pair->rx_key[from], event.keys->rx_tag_key, 16);
		}
		pair->up[from] = pair->up[from] || event.kind == PEERING_UP;
		if (event.kind == PEERING_JOB) {
			peering_job_run(event.job);
			(void)peering_job_done(pair->ends[from], event.job, now);
		}
		if (event.kind != PEERING_SEND || event.frame.len > sizeof copy)
			continue;
		memcpy(copy, event.frame.at, event.frame.len);
		(void)peering_recv(pair->ends[1 - from], &path, vd_bytes(copy, event.frame.len),
				   now);
		frames++;
	}
}

static void shake(struct run *run, struct pair *pair, vd_ns now)
{
	static const struct peering_path path = { .bytes = { 1 } };
	unsigned silent = 0;

	if (peering_dial(pair->ends[0], &run->sides[1].identity.id, &path, now))
		return;
	for (unsigned step = 0; step < STEPS_MAX && silent < SIDES; step++)
		silent = carry(pair, step % SIDES, now) ? 0 : silent + 1;
}

static bool is_done(const struct pair *pair)
{
	return pair->up[0] && pair->up[1] && memcmp(pair->tx_key[0], pair->rx_key[1], 16) == 0 &&
	       memcmp(pair->tx_key[1], pair->rx_key[0], 16) == 0;
}

/* Cycles of one handshake, both sides; 0 when one did not come to its end. */
static double measure_ours(struct run *run)
{
	vd_ns until = vd_now() + (vd_ns)(run->options->seconds * (double)VD_NS_PER_S);
	struct bench_timer timer = { 0 };
	bool ok = true;

	while (ok && (vd_now() < until || timer.units == 0)) {
		ok = make_pairs(run) == VD_OK;
		for (unsigned i = 0; ok && i < PAIRS; i++) {
			bench_timer_start(&timer);
			shake(run, &run->pairs[i], VD_SECONDS(1000));
			bench_timer_stop(&timer, 1);
			ok = is_done(&run->pairs[i]);
		}
		free_pairs(run);
	}
	return ok ? bench_timer_mean(&timer) : 0;
}

/* ---- the rival: public-key operations alone ---- */

struct keys {
	uint8_t secret[32], public_key[32], shared[32], other[32];
	uint8_t signing[64], verifying[32], signature[64];
};

/* One side's: make e; ee, es, se; sign the static key; verify the other's signature. */
static bool operations(struct keys *keys)
{
	bool ok = crypto_scalarmult_base(keys->public_key, keys->secret) == 0;

	for (int i = 0; i < 3; i++)
		ok = crypto_scalarmult(keys->shared, keys->secret, keys->other) == 0 && ok;
	ok =
	    crypto_sign_detached(keys->signature, NULL, keys->public_key, 32, keys->signing) == 0 &&
	    ok;
	return crypto_sign_verify_detached(keys->signature, keys->public_key, 32,
					   keys->verifying) == 0 &&
	       ok;
}

static double measure_raw(const struct run *run)
{
	vd_ns until = vd_now() + (vd_ns)(run->options->seconds * (double)VD_NS_PER_S);
	struct bench_timer timer = { 0 };
	struct keys keys;
	bool ok = true;

	randombytes_buf(keys.secret, sizeof keys.secret);
	randombytes_buf(keys.signature, sizeof keys.signature);
	crypto_scalarmult_base(keys.other, keys.secret);
	crypto_sign_keypair(keys.verifying, keys.signing);
	while (ok && (vd_now() < until || timer.units == 0)) {
		bench_timer_start(&timer);
		for (unsigned side = 0; ok && side < SIDES; side++)
			ok = operations(&keys);
		bench_timer_stop(&timer, 1);
	}
	return ok ? bench_timer_mean(&timer) : 0;
}

/* ---- rounds ---- */

struct figures {
	struct bench_series per_s, cycles, raw_per_s, raw_cycles, ratio;
};

static bool measure(struct run *run, struct figures *figures)
{
	for (unsigned round = 0; round <= run->options->rounds; round++) {
		double ours = measure_ours(run), raw = run->options->rival ? measure_raw(run) : 0;

		if (ours <= 0) {
			bench_cannot("handshake", "one did not come to its end with equal keys");
			return false;
		}
		if (round == 0)
			continue;
		bench_series_add(&figures->per_s, machine_hz() / ours);
		bench_series_add(&figures->cycles, ours / SIDES);
		if (raw <= 0)
			continue;
		bench_series_add(&figures->raw_per_s, machine_hz() / raw);
		bench_series_add(&figures->raw_cycles, raw / SIDES);
		bench_series_add(&figures->ratio, raw / ours);
	}
	return true;
}

static void report(const struct bench_options *options, const struct figures *figures)
{
	struct bench_result result = bench_result("handshake", "link");

	bench_figure(&result, "handshakes_per_s", &figures->per_s);
	bench_figure(&result, "cycles_per_side", &figures->cycles);
	if (options->rival) {
		bench_figure(&result, "rival_handshakes_per_s", &figures->raw_per_s);
		bench_figure(&result, "rival_cycles_per_side", &figures->raw_cycles);
		result.rival = "libsodium: 4 X25519, sign, verify a side";
		result.rival_version = sodium_version_string();
	}
	result.ratio = figures->ratio;
	result.rounds = figures->per_s.count;
	bench_result_print(&result, options);
}

static bool run_handshake(const struct bench_options *options)
{
	struct figures figures = { 0 };
	struct run *run = calloc(1, sizeof *run);
	bool ok;

	if (!run || sodium_init() < 0) {
		bench_cannot("handshake", "out of memory");
		free(run);
		return false;
	}
	run->options = options;
	for (unsigned i = 0; i < SIDES; i++)
		vd_identity_generate(&run->sides[i].identity);
	ok = measure(run, &figures);
	if (ok)
		report(options, &figures);
	for (unsigned i = 0; i < SIDES; i++)
		vd_identity_fini(&run->sides[i].identity);
	free(run);
	return ok;
}

const struct bench bench_handshake = {
	.name = "handshake",
	.what = "link handshakes, both sides in memory, beside their public-key operations alone",
	.run = run_handshake,
};
