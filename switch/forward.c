/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/forward.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "multigram/frame.h"
#include "switch/bucket.h"
#include "switch/ecn.h"
#include "switch/label.h"
#include "switch/report.h"
#include "switch/siphash.h"
#include "switch/window.h"

enum {
	CHUNK = 64,           /* packets a pass: their scratch stays in the first cache */
	KEEPALIVE_S = 15,     /* of silence */
	VISIT_S = 5,          /* in which each slot is visited once */
	VISITS_A_CALL = 1024, /* at most */
	SETTLE_ROUNDS = 1024, /* once in as many rounds, rates are settled: about 85 minutes */
};

struct sw_forward {
	/* what does not change; copied here, one line */
	_Alignas(SW_CACHE_LINE) struct sw_link *links;
	const _Atomic uint32_t *directors;
	uint64_t director_mask;
	uint32_t capacity;
	uint16_t worker;
	uint16_t width;
	struct sw_plane *plane;
	sw_siphash_fn *siphash;
	struct sw_counters *counters;

	/* keepalives: where the next visit is, and since when this round runs */
	uint32_t cursor;
	uint32_t visited;
	uint32_t rounds;
	vd_ns round_start;

	/* the packets that are still on, densely; out lanes overwrite in lanes behind them */
	struct sw_siphash lanes;
	struct sw_packet *packet[SW_SIPHASH_LANES];
	struct sw_link *ingress[SW_SIPHASH_LANES];
	unsigned out_count;
	struct sw_packet *out[SW_SIPHASH_LANES];
};

/* A node that does not switch has one director, 0, which leads nowhere. */
static const _Atomic uint32_t no_directors[1];

struct sw_forward *sw_forward_new(struct sw_plane *plane, unsigned worker)
{
	struct sw_forward *f = aligned_alloc(_Alignof(struct sw_forward), sizeof *f);

	if (!f)
		return NULL;
	memset(f, 0, sizeof *f);
	f->plane = plane;
	f->links = plane->links.links;
	f->capacity = plane->links.capacity;
	f->worker = (uint16_t)worker;
	f->width = (uint16_t)plane->config.width;
	f->directors = f->width ? plane->directors.words : no_directors;
	f->director_mask = (UINT64_C(1) << f->width) - 1;
	f->siphash = sw_siphash_choose().burst;
	f->counters = &plane->counters[worker];
	return f;
}

void sw_forward_free(struct sw_forward *f)
{
	if (!f)
		return;
	sodium_memzero(f, sizeof *f); /* scratch holds keys */
	free(f);
}

/* ---- words: the header as three little-endian words, and back ---- */

static inline uint64_t word_load(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline void word_store(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof v);
}

/* flags, used, class, zero: bytes 21 to 24 of the frame, the first one lowest. */
static inline uint8_t rest_flags(uint32_t rest)
{
	return (uint8_t)rest;
}

static inline uint8_t rest_used(uint32_t rest)
{
	return (uint8_t)(rest >> 8);
}

/* A 64-bit big-endian value that starts in the middle of word `a`. */
static inline uint64_t straddle(uint64_t a, uint64_t b)
{
	return __builtin_bswap64(a >> 32 | b << 32);
}

struct head {
	uint64_t label;
	uint32_t rest;
};

static inline struct head head_of(const struct sw_siphash *lanes, unsigned lane)
{
	uint64_t w1 = lanes->words[1][lane], w2 = lanes->words[2][lane];

	return (struct head){ .label = straddle(w1, w2), .rest = (uint32_t)(w2 >> 32) };
}

static inline uint64_t counter_of(const struct sw_siphash *lanes, unsigned lane)
{
	return straddle(lanes->words[0][lane], lanes->words[1][lane]);
}

/* The words of a payload's start, zero-padded. */
static inline void load_payload(struct sw_siphash *lanes, unsigned lane, const uint8_t *frame,
				uint16_t len)
{
	const uint8_t *payload = frame + SW_AT_PAYLOAD;
	uint8_t padded[16] = { 0 };

	if (__builtin_expect(len < SW_HEADER + 16, 0)) {
		memcpy(padded, payload, len - SW_HEADER);
		payload = padded;
	}
	lanes->words[3][lane] = word_load(payload);
	lanes->words[4][lane] = word_load(payload + 8);
	lanes->words[5][lane] = sw_siphash_last((uint16_t)(len - SW_HEADER));
}

static inline void load_frame(struct sw_siphash *lanes, unsigned lane, const uint8_t *frame,
			      uint16_t len)
{
	lanes->words[0][lane] = word_load(frame + SW_AT_RECEIVER);
	lanes->words[1][lane] = word_load(frame + SW_AT_RECEIVER + 8);
	lanes->words[2][lane] = word_load(frame + SW_AT_RECEIVER + 16);
	load_payload(lanes, lane, frame, len);
}

static inline void set_key(struct sw_siphash *lanes, unsigned lane, const uint8_t *key)
{
	lanes->k0[lane] = word_load(key);
	lanes->k1[lane] = word_load(key + 8);
}

/* ---- verdicts ---- */

static inline void drop(struct sw_packet *p, enum sw_drop reason)
{
	p->verdict = SW_DROP;
	p->drop = (uint8_t)reason;
}

static inline void cross(struct sw_packet *p, unsigned worker, enum sw_stage stage)
{
	p->verdict = SW_CROSS;
	p->worker = (uint8_t)worker;
	p->stage = (uint8_t)stage;
}

static inline struct sw_police *police_of(const struct sw_forward *f, const struct sw_link *link)
{
	return &f->plane->links.police[link->police];
}

static inline bool is_policed(const _Atomic uint8_t *flags)
{
	return atomic_load_explicit(flags, memory_order_relaxed) & SW_LINK_POLICED;
}

/*
 * The packet leaves by `out`, whose owner we are: its header for that link, into the
 * next out lane and the frame. The tag follows in seal_burst.
 */
static inline void leave(struct sw_forward *f, struct sw_packet *p, unsigned lane,
			 struct sw_link *out, struct head head, vd_ns now)
{
	struct sw_siphash *s = &f->lanes;
	unsigned k = f->out_count++;
	uint64_t counter = atomic_load_explicit(&out->tx_counter, memory_order_relaxed) + 1;
	uint64_t counter_be = __builtin_bswap64(counter);
	uint64_t label_be = __builtin_bswap64(head.label);
	uint64_t w0 = __builtin_bswap32(out->remote_index) | counter_be << 32;
	uint64_t w1 = counter_be >> 32 | label_be << 32;
	uint64_t w2 = label_be >> 32 | (uint64_t)head.rest << 32;

	atomic_store_explicit(&out->tx_counter, counter, memory_order_relaxed);
	sw_count(&out->tx_bytes, p->len);
	atomic_store_explicit(&out->tx_last_ns, now, memory_order_relaxed);
	s->words[0][k] = w0;
	s->words[1][k] = w1;
	s->words[2][k] = w2;
	s->words[3][k] = s->words[3][lane];
	s->words[4][k] = s->words[4][lane];
	s->words[5][k] = s->words[5][lane];
	set_key(s, k, out->tx_key);
	word_store(p->frame + SW_AT_RECEIVER, w0);
	word_store(p->frame + SW_AT_RECEIVER + 8, w1);
	word_store(p->frame + SW_AT_RECEIVER + 16, w2);
	p->egress = out;
	p->verdict = SW_SEND;
	f->out[k] = p;
}

/* Tags of all out lanes, into their frames. */
static void seal_burst(struct sw_forward *f)
{
	f->siphash(&f->lanes, f->out_count);
	for (unsigned k = 0; k < f->out_count; k++)
		word_store(f->out[k]->frame + SW_AT_TAG, f->lanes.tags[k]);
	f->out_count = 0;
}

/* ---- drops that are reported ---- */

static unsigned report_code(enum sw_drop reason)
{
	switch (reason) {
	case SW_DROP_UNKNOWN_DIRECTOR: return SW_REPORT_DIRECTOR;
	case SW_DROP_NOT_PERMITTED: return SW_REPORT_PERMISSION;
	case SW_DROP_OVER_RATE: return SW_REPORT_RATE;
	case SW_DROP_TOO_BIG: return SW_REPORT_TOO_BIG;
	default: return 0; /* the others are not reported */
	}
}

/* Never about an error, a short payload, or a route whose label would not fit. */
static bool may_report(const struct sw_packet *p, struct head head)
{
	return !(rest_flags(head.rest) & SW_FLAG_ERROR) && p->len >= SW_HEADER + SW_REPORT_BYTES &&
	       rest_used(head.rest) <= SW_REPORT_USED_MAX;
}

/*
 * Turns the frame into the report about its own drop, back by the link it came by,
 * whose owner we are. False when it may not; the frame is then as it was.
 */
static bool report(struct sw_forward *f, struct sw_packet *p, unsigned lane, struct sw_link *in,
		   struct head head, uint16_t limit, vd_ns now)
{
	uint8_t used = rest_used(head.rest);
	uint32_t director = (uint32_t)(head.label & f->director_mask);
	struct head back = { .rest = SW_FLAG_ERROR };

	if (!may_report(p, head) || in->send.outer_len == 0 ||
	    !sw_bucket_take(&police_of(f, in)->reports, 1, now))
		return false;
	back.label = sw_label_way_back(head.label, used).label;
	/* the echo is where it was */
	f->lanes.words[3][lane] = MG_REPORT | report_code(p->drop) << 8 * SW_REPORT_AT_CODE |
				  (uint32_t)__builtin_bswap16(limit) << 8 * SW_REPORT_AT_LIMIT |
				  (uint64_t)used << 8 * SW_REPORT_AT_USED |
				  (uint64_t)(__builtin_bswap32(director) >> 8)
				      << 8 * SW_REPORT_AT_DIRECTOR;
	f->lanes.words[5][lane] = sw_siphash_last(SW_REPORT_BYTES);
	word_store(p->frame + SW_AT_PAYLOAD, f->lanes.words[3][lane]);
	p->len = SW_HEADER + SW_REPORT_BYTES;
	p->flags |= SW_PACKET_REPORT;
	leave(f, p, lane, in, back, now);
	return true;
}

/* Drops at the ingress owner, with a report where one is due. */
static __attribute__((noinline, cold)) void refuse(struct sw_forward *f, struct sw_packet *p,
						   unsigned lane, struct sw_link *in,
						   struct head head, enum sw_drop reason,
						   uint16_t limit, vd_ns now)
{
	drop(p, reason);
	if (report(f, p, lane, in, head, limit, now))
		sw_count(&f->counters->drops[reason], 1);
}

/* Drops at the egress owner, when the ingress link may be another worker's. */
static __attribute__((noinline, cold)) void refuse_here(struct sw_forward *f, struct sw_packet *p,
							unsigned lane, struct head head,
							enum sw_drop reason, uint16_t limit,
							vd_ns now)
{
	struct sw_link *in = sw_link_find(&f->plane->links, p->index);

	if (in && in->owner == f->worker) {
		refuse(f, p, lane, in, head, reason, limit, now);
		return;
	}
	drop(p, reason);
	if (!in || !may_report(p, head))
		return;
	sw_count(&f->counters->drops[reason], 1);
	p->egress_index = 0;
	p->reverse = limit;
	cross(p, in->owner, SW_STAGE_REPORT);
}

/* ---- egress ---- */

/* `head` as received; `reverse` of the ingress link. We own `out`. */
ON_WORKER static inline void at_egress(struct sw_forward *f, struct sw_packet *p, unsigned lane,
				       struct sw_link *out, struct head head, uint32_t reverse,
				       vd_ns now)
{
	uint16_t payload_max = out->send.payload_max;

	if (__builtin_expect(is_policed(&out->tx_flags), 0) &&
	    !sw_police_tx(police_of(f, out), reverse, p->len, now)) {
		refuse_here(f, p, lane, head, SW_DROP_OVER_RATE, 0, now);
		return;
	}
	if (__builtin_expect(p->len - SW_HEADER > payload_max, 0)) {
		refuse_here(f, p, lane, head, SW_DROP_TOO_BIG, payload_max, now);
		return;
	}
	if (__builtin_expect(out->send.outer_len == 0, 0)) {
		drop(p, SW_DROP_NO_LINK);
		return;
	}
	head.label = sw_label_step(head.label, f->width, (uint64_t)reverse << 32);
	head.rest += (uint32_t)f->width << 8; /* used: at most 60, no carry */
	leave(f, p, lane, out, head, now);
}

/* ---- ingress ---- */

/* Sealed under the index of a session of ours: its key, not the bucket, turns others away. */
static bool is_of_a_session(const struct sw_forward *f, const struct sw_packet *p)
{
	const uint8_t *payload = p->frame + SW_AT_PAYLOAD;

	return p->len >= SW_HEADER + SW_SEAL_OVERHEAD && payload[0] == MG_SEALED &&
	       sw_session_find(&f->plane->sessions, vd_be32_load(payload + 1));
}

static inline void deliver(struct sw_forward *f, struct sw_packet *p, const struct sw_link *in,
			   vd_ns now)
{
	if (p->len == SW_HEADER)
		p->verdict = SW_DONE; /* a keepalive: it has said what it had to */
	else if (is_of_a_session(f, p) || sw_bucket_take(&police_of(f, in)->delivery, 1, now))
		p->verdict = SW_DELIVER;
	else
		drop(p, SW_DROP_DELIVERY_RATE);
}

/* A verified frame that is not for this node, at the ingress owner. */
ON_WORKER static inline void pass_on(struct sw_forward *f, struct sw_packet *p, unsigned lane,
				     struct sw_link *in, struct head head, vd_ns now)
{
	const _Atomic uint32_t *word = &f->directors[head.label & f->director_mask];
	/* pairs with the release in sw_director_set: the record was published before */
	uint32_t index = atomic_load_explicit(word, memory_order_acquire);
	struct sw_link *out = &f->links[sw_index_slot(index)];

	if (__builtin_expect(index == 0, 0)) {
		refuse(f, p, lane, in, head, SW_DROP_UNKNOWN_DIRECTOR, 0, now);
		return;
	}
	if (__builtin_expect(out->tx_reverse == in->reverse, 0)) {
		drop(p, SW_DROP_SAME_LINK);
		return;
	}
	if (__builtin_expect(
		!sw_permit_passes(atomic_load_explicit(&in->permit, memory_order_relaxed),
				  atomic_load_explicit(&out->tx_permit, memory_order_relaxed)),
		0)) {
		refuse(f, p, lane, in, head, SW_DROP_NOT_PERMITTED, 0, now);
		return;
	}
	if (__builtin_expect(is_policed(&in->rx_flags), 0) &&
	    !sw_police_rx(police_of(f, in), p->len, now)) {
		refuse(f, p, lane, in, head, SW_DROP_OVER_RATE, 0, now);
		return;
	}
	if (__builtin_expect(out->tx_owner != f->worker, 0)) {
		p->egress_index = index;
		p->reverse = in->reverse;
		cross(p, out->tx_owner, SW_STAGE_EGRESS);
		return;
	}
	at_egress(f, p, lane, out, head, in->reverse, now);
}

/*
 * What the outer IP header tells of congestion, into the switch header (RFC 6040): the
 * frame's byte, for who reads it later, and the lane's. False: dropped.
 */
static __attribute__((noinline, cold)) bool take_ecn(struct sw_forward *f, struct sw_packet *p,
						     unsigned lane)
{
	uint8_t *class = p->frame + SW_AT_CLASS;
	unsigned told = p->flags >> SW_PACKET_ECN_SHIFT;
	enum sw_ecn ecn = sw_ecn_combine(*class & SW_ECN_MASK, told);

	if (ecn == SW_ECN_DROP) {
		drop(p, SW_DROP_CE_NOT_ECT);
		return false;
	}
	*class = (uint8_t)((*class & ~(unsigned)SW_ECN_MASK) | ecn);
	f->lanes.words[2][lane] = word_load(p->frame + SW_AT_RECEIVER + 16);
	return true;
}

ON_WORKER static inline void route(struct sw_forward *f, struct sw_packet *p, unsigned lane,
				   struct sw_link *in, vd_ns now)
{
	if (__builtin_expect(sw_ecn_tells(p->flags >> SW_PACKET_ECN_SHIFT), 0) &&
	    !take_ecn(f, p, lane))
		return;

	struct head head = head_of(&f->lanes, lane);
	unsigned used = rest_used(head.rest);

	if (__builtin_expect(used > SW_LABEL_BITS_MAX, 0))
		drop(p, SW_DROP_EXHAUSTED);
	else if (head.label << used == 0)
		deliver(f, p, in, now);
	else if (__builtin_expect(f->width == 0, 0))
		drop(p, SW_DROP_NOT_A_SWITCH);
	else if (__builtin_expect(used + f->width > SW_LABEL_BITS_MAX, 0))
		drop(p, SW_DROP_EXHAUSTED);
	else
		pass_on(f, p, lane, in, head, now);
}

/* At the ingress owner: window, tag, then mark; and on. */
ON_WORKER static inline __attribute__((always_inline)) void accept(struct sw_forward *f,
								   struct sw_packet *p,
								   unsigned lane,
								   struct sw_link *in,
								   bool verified, vd_ns now)
{
	uint64_t counter = counter_of(&f->lanes, lane);

	if (__builtin_expect(!sw_window_is_new(&in->window, in->top, counter), 0)) {
		drop(p, SW_DROP_REPLAYED);
		return;
	}
	if (__builtin_expect(!verified, 0)) {
		drop(p, SW_DROP_BAD_TAG);
		return;
	}
	if (__builtin_expect(p->path != atomic_load_explicit(&in->path, memory_order_relaxed), 0) &&
	    counter > in->top)
		p->flags |= SW_PACKET_MOVED;
	sw_window_mark(&in->window, &in->top, counter);
	sw_count(&in->rx_frames, 1);
	sw_count(&in->rx_bytes, p->len);
	route(f, p, lane, in, now);
}

/* ---- the burst ---- */

static inline bool well_formed(const struct sw_packet *p)
{
	return p->len >= SW_HEADER && p->frame[SW_AT_INDEX] == MG_SWITCH;
}

/* Stage 1: frames into lanes; what each will look at is on its way to the cache. */
static unsigned parse_burst(struct sw_forward *f, struct sw_packet *packets, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		struct sw_packet *p = &packets[i];

		p->index = 0;
		p->flags &= SW_PACKET_ECN;
		if (__builtin_expect(!well_formed(p), 0)) {
			drop(p, SW_DROP_TRUNCATED);
			continue;
		}
		load_frame(&f->lanes, n, p->frame, p->len);
		uint32_t index = __builtin_bswap32((uint32_t)f->lanes.words[0][n]);
		if (__builtin_expect(index == 0 || sw_index_slot(index) >= f->capacity, 0)) {
			drop(p, SW_DROP_UNKNOWN_INDEX);
			continue;
		}
		struct sw_link *in = &f->links[sw_index_slot(index)];
		__builtin_prefetch(in, 1);
		uint64_t label = head_of(&f->lanes, n).label;
		__builtin_prefetch((const void *)&f->directors[label & f->director_mask]);
		p->index = index;
		f->packet[n] = p;
		f->ingress[n] = in;
		n++;
	}
	return n;
}

/* Stage 2: records; those not live leave a hole (ingress NULL). Egress lines are fetched. */
static void look_up_burst(struct sw_forward *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct sw_link *in = f->ingress[i];
		uint64_t label = head_of(&f->lanes, i).label;
		uint32_t next = atomic_load_explicit(&f->directors[label & f->director_mask],
						     memory_order_relaxed);
		const struct sw_link *out = &f->links[sw_index_slot(next)];

		__builtin_prefetch(&in->window, 1);
		__builtin_prefetch(&out->tx_key, 1);
		__builtin_prefetch(&out->send);
		/* pairs with the release in sw_link_publish */
		if (__builtin_expect(atomic_load_explicit(&in->index, memory_order_acquire) !=
					 f->packet[i]->index,
				     0)) {
			drop(f->packet[i], SW_DROP_UNKNOWN_INDEX);
			f->packet[i]->index = 0;
			f->ingress[i] = NULL;
			continue;
		}
		set_key(&f->lanes, i, in->rx_key);
	}
}

/* Stage 4: by owner; window, label, permit, police, and the header on the way out. */
ON_WORKER static void switch_burst(struct sw_forward *f, unsigned n, vd_ns now)
{
	for (unsigned i = 0; i < n; i++) {
		struct sw_packet *p = f->packet[i];
		struct sw_link *in = f->ingress[i];

		if (__builtin_expect(!in, 0))
			continue;
		bool verified = word_load(p->frame + SW_AT_TAG) == f->lanes.tags[i];
		if (__builtin_expect(in->owner == f->worker, 1))
			accept(f, p, i, in, verified, now);
		else if (verified)
			cross(p, in->owner, SW_STAGE_VERIFIED);
		else
			drop(p, SW_DROP_BAD_TAG);
		if (p->verdict == SW_DROP &&
		    (p->drop == SW_DROP_BAD_TAG || p->drop == SW_DROP_REPLAYED))
			p->index = 0;
	}
}

void sw_forward_burst(struct sw_forward *f, struct sw_packet *packets, unsigned count, vd_ns now)
{
	while (count > 0) {
		unsigned chunk = count < CHUNK ? count : CHUNK;
		unsigned n = parse_burst(f, packets, chunk);

		look_up_burst(f, n);
		f->siphash(&f->lanes, n);
		switch_burst(f, n, now);
		seal_burst(f);
		packets += chunk;
		count -= chunk;
	}
}

/* ---- packets that came over a lane ---- */

ON_WORKER static __attribute__((noinline)) void resume_verified(struct sw_forward *f,
								struct sw_packet *p, unsigned lane,
								struct sw_link *in, vd_ns now)
{
	if (in)
		accept(f, p, lane, in, true, now);
	else
		drop(p, SW_DROP_UNKNOWN_INDEX); /* retired meanwhile */
}

ON_WORKER static void resume_egress(struct sw_forward *f, struct sw_packet *p, unsigned lane,
				    vd_ns now)
{
	uint32_t reverse = p->reverse;
	struct sw_link *out = sw_link_find(&f->plane->links, p->egress_index);

	if (out && out->tx_owner == f->worker)
		at_egress(f, p, lane, out, head_of(&f->lanes, lane), reverse, now);
	else
		drop(p, SW_DROP_NO_LINK);
}

static void resume_report(struct sw_forward *f, struct sw_packet *p, unsigned lane,
			  struct sw_link *in, vd_ns now)
{
	uint16_t limit = (uint16_t)p->reverse;

	p->verdict = SW_DONE; /* counted where it was dropped */
	if (in)
		(void)report(f, p, lane, in, head_of(&f->lanes, lane), limit, now);
}

ON_WORKER static void resume(struct sw_forward *f, struct sw_packet *p, unsigned lane, vd_ns now)
{
	struct sw_link *in = sw_link_find(&f->plane->links, p->index);

	if (in && in->owner != f->worker)
		in = NULL;
	load_frame(&f->lanes, lane, p->frame, p->len);
	switch ((enum sw_stage)p->stage) {
	case SW_STAGE_VERIFIED: resume_verified(f, p, lane, in, now); break;
	case SW_STAGE_EGRESS: resume_egress(f, p, lane, now); break;
	case SW_STAGE_REPORT: resume_report(f, p, lane, in, now); break;
	}
}

void sw_forward_resume(struct sw_forward *f, struct sw_packet *packets, unsigned count, vd_ns now)
{
	while (count > 0) {
		unsigned chunk = count < CHUNK ? count : CHUNK;

		for (unsigned i = 0; i < chunk; i++)
			resume(f, &packets[i], i, now);
		seal_burst(f);
		packets += chunk;
		count -= chunk;
	}
}

/* ---- frames of our own ---- */

static void originate(struct sw_forward *f, struct sw_packet *p, const struct sw_origin *origin,
		      unsigned lane, vd_ns now)
{
	struct sw_link *out = p->egress;
	struct head head = {
		.label = origin->label,
		.rest = origin->flags | (uint32_t)origin->traffic_class << 16,
	};

	if (!out || out->send.outer_len == 0) {
		drop(p, SW_DROP_NO_LINK);
		return;
	}
	if (p->len < SW_HEADER) {
		drop(p, SW_DROP_TRUNCATED);
		return;
	}
	if (p->len - SW_HEADER > out->send.payload_max) {
		drop(p, SW_DROP_TOO_BIG);
		return;
	}
	p->frame[SW_AT_INDEX] = MG_SWITCH;
	load_payload(&f->lanes, lane, p->frame, p->len);
	leave(f, p, lane, out, head, now);
}

void sw_forward_originate(struct sw_forward *f, struct sw_packet *packets,
			  const struct sw_origin *origins, unsigned count, vd_ns now)
{
	while (count > 0) {
		unsigned chunk = count < CHUNK ? count : CHUNK;

		for (unsigned i = 0; i < chunk; i++)
			originate(f, &packets[i], &origins[i], i, now);
		seal_burst(f);
		packets += chunk;
		origins += chunk;
		count -= chunk;
	}
}

/* ---- keepalives ---- */

static bool keepalive_due(const struct sw_link *link, vd_ns now)
{
	vd_ns last = atomic_load_explicit(&link->tx_last_ns, memory_order_relaxed);

	return now >= last && now - last >= VD_SECONDS(KEEPALIVE_S) &&
	       atomic_load_explicit(&link->keepalive, memory_order_relaxed);
}

/* What is due on a slot from time to time; true: a keepalive is. */
ON_WORKER static bool visit(const struct sw_forward *f, const struct sw_link *link, vd_ns now)
{
	/* pairs with the release in sw_link_publish */
	if (atomic_load_explicit(&link->index, memory_order_acquire) == 0 ||
	    link->tx_owner != f->worker)
		return false;
	if (f->rounds % SETTLE_ROUNDS == 0)
		sw_police_settle(police_of(f, link), now);
	return keepalive_due(link, now);
}

/* How many of `high` slots should have been visited in this round by now. */
static uint32_t visits_owed(struct sw_forward *f, uint32_t high, vd_ns now)
{
	vd_ns passed = now - f->round_start;

	if (f->visited >= high || f->cursor >= high) {
		if (passed < VD_SECONDS(VISIT_S))
			return 0;
		f->round_start = now;
		f->rounds++;
		f->visited = f->cursor = 0;
		passed = 0;
	}
	uint64_t share = passed >= VD_SECONDS(VISIT_S)
			     ? high
			     : high * (passed / VD_NS_PER_US) / (VISIT_S * 1000000);
	return share > f->visited ? (uint32_t)share - f->visited : 0;
}

unsigned sw_forward_keepalives(struct sw_forward *f, vd_ns now, struct sw_link **links_out,
			       unsigned max)
{
	uint32_t high = atomic_load_explicit(&f->plane->links.high, memory_order_acquire);
	uint32_t owed = visits_owed(f, high, now);
	unsigned found = 0;

	if (owed > VISITS_A_CALL)
		owed = VISITS_A_CALL;
	for (; owed > 0 && found < max && f->cursor < high; owed--) {
		struct sw_link *link = &f->links[f->cursor++];

		f->visited++;
		if (visit(f, link, now))
			links_out[found++] = link;
	}
	return found;
}

uint64_t sw_tag(const uint8_t key[SW_TAG_KEY_BYTES], const uint8_t *frame, uint16_t len)
{
	uint8_t input[43] = { 0 };
	size_t payload_len = len > SW_HEADER ? len - (size_t)SW_HEADER : 0;
	uint8_t tag[crypto_shorthash_BYTES];

	memcpy(input, frame + SW_AT_RECEIVER, 24);
	memcpy(input + 24, frame + SW_AT_PAYLOAD, payload_len < 16 ? payload_len : 16);
	vd_be16_store(input + 40, (uint16_t)payload_len);
	input[42] = MG_SWITCH;
	crypto_shorthash(tag, input, sizeof input, key);
	return word_load(tag);
}
