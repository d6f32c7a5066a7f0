/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Two setup machines over a channel that loses, repeats and reorders, in virtual time.
 *
 *	   propose                                            propose
 *	      |                                                  |
 *	   side 0  --->  loss 0 to 30 %, copies, 1 ms to 4 s  --->  side 1
 *	           <---                                       <---
 *
 * Each seed draws loss, copies, delays (with stragglers of minutes), an outage, roles, the
 * room in the tables, what each side supports, and when each name is proposed, mostly by both
 * at once. A side heals what 9 sends could not agree on in one of two ways, drawn too: its
 * application proposes again, or data flows, which makes the other side report unknown
 * indices.
 *
 * In the end, always: both tables hold the same entries; no index ever had two names;
 * what one side proposed and the other supports is in the tables; packets sent stay
 * within the bound that the repeats allow (invariants 3, 4, 6 and 7 of multigram/README.md).
 *
 *	sim_multigram [--seeds N [FIRST] | SEED]
 *
 * Without arguments: seeds 1 to 5000; with a seed only: that one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "multigram/setup.h"
#include "tests/sim/seeds.h"

#define STRAGGLER VD_SECONDS(150)

enum { PACKETS = 512, NAMES = 12, PACKET_BYTES = MG_SETUP_PACKET + 16 };

struct packet {
	vd_ns at; /* VD_NEVER: free */
	unsigned to;
	size_t len;
	uint8_t bytes[PACKET_BYTES];
};

struct side {
	struct mg_table table;
	struct mg_setup setup;
	const char *names[NAMES];
	size_t count;
	bool wants[NAMES]; /* to propose names[i] … */
	vd_ns when[NAMES]; /* … then */
	bool done[NAMES];  /* has */
	vd_ns talk_at;     /* sends data under one of its entries */
	size_t talked;
	uint64_t offers; /* begun: each may be sent MG_SETUP_SENDS times */
	uint64_t data_sent;
};

struct sim {
	uint64_t seed, random;
	vd_ns now;
	unsigned loss, copies; /* percent */
	vd_ns delay;           /* at most; a straggler takes up to STRAGGLER */
	unsigned stragglers;   /* percent */
	vd_ns down, up;        /* an outage, one way or both */
	bool down_from[2];
	bool by_data; /* heals by data, else by proposing again */
	bool tight;   /* tables with little room */
	struct side sides[2];
	struct packet packets[PACKETS];
	uint64_t delivered;
};

static struct sim sim;

static const char *const all_names[NAMES] = {
	"/a/1",
	"/b/1",
	"/c/1",
	"/d/1",
	"/viaduct/ping/1",
	"/viaduct/ip6/1",
	"/multigram/0.1.0",
	"/e/1",
	"/long/name/that/takes/a/two/byte/head/in/cbor",
	"/f/1",
	"/g/1",
	"/sixty-four/bytes/is/the/longest/name/that/is/taken/0123456789ab",
};

/* ---- random numbers, ours and the machines': splitmix64 ---- */

static uint64_t draw(void)
{
	uint64_t z = sim.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t below(uint64_t n)
{
	return draw() % n;
}

static const char *random_name(void)
{
	return "sim";
}

static uint32_t random_word(void)
{
	return (uint32_t)draw();
}

static void random_bytes(void *const out, const size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)draw();
}

static struct randombytes_implementation seeded = {
	.implementation_name = random_name,
	.random = random_word,
	.buf = random_bytes,
};

static void fail(const char *what)
{
	printf("seed %" PRIu64 ": %s (virtual time %.3f s, loss %u %%, copies %u %%, %s)\n",
	       sim.seed, what, (double)sim.now / 1e9, sim.loss, sim.copies,
	       sim.by_data ? "data" : "proposing again");
	for (unsigned s = 0; s < 2; s++)
		for (size_t i = 0; i < sim.sides[s].table.count; i++)
			printf("  side %u: %3" PRIu64 " %s\n", s,
			       sim.sides[s].table.entries[i].index,
			       sim.sides[s].table.entries[i].name);
	printf("again with: sim_multigram %" PRIu64 "\n", sim.seed);
	exit(1);
}

/* ---- the channel ---- */

static void put(unsigned to, struct vd_bytes bytes)
{
	for (size_t i = 0; i < PACKETS; i++) {
		struct packet *p = &sim.packets[i];

		if (p->at != VD_NEVER)
			continue;
		p->at =
		    sim.now + VD_MS(1) + below(below(100) < sim.stragglers ? STRAGGLER : sim.delay);
		p->to = to;
		p->len = bytes.len;
		memcpy(p->bytes, bytes.at, bytes.len);
		return;
	}
	fail("more packets under way than the bound allows");
}

static void transmit(unsigned from, struct vd_bytes bytes)
{
	unsigned times = below(100) < sim.copies ? 2 + (unsigned)below(2) : 1;

	if (sim.down_from[from] && sim.now >= sim.down && sim.now < sim.up)
		return;
	while (times--)
		if (below(100) >= sim.loss)
			put(1 - from, bytes);
}

static void flush(unsigned s)
{
	uint8_t bytes[PACKET_BYTES];

	for (;;) {
		struct vd_write w = vd_write_to(bytes, sizeof bytes);
		enum vd_err err = mg_setup_send(&sim.sides[s].setup, &w, sim.now);

		if (err == VD_AGAIN)
			return;
		if (err)
			fail("send failed");
		if (below(4) == 0) {
			mg_frame_write(&w, 99); /* a multigram that trails the operation */
			vd_write_u8(&w, 0xaa);
		}
		transmit(s, vd_write_done(&w));
	}
}

/* ---- a side ---- */

static void deliver(struct side *side, struct vd_bytes in)
{
	uint64_t index;
	struct vd_bytes payload, rest;

	while (in.len) {
		if (mg_frame_read(in, &index, &payload))
			fail("a frame does not read");
		if (index != MG_SETUP) {
			if (index != 99 && !mg_table_find(&side->table, index))
				mg_setup_unknown(&side->setup, index, sim.now);
			return;
		}
		if (mg_setup_recv(&side->setup, payload, &rest, sim.now))
			fail("an operation does not read");
		in = rest;
	}
}

static void propose(struct side *side, const char *name)
{
	enum vd_err err = mg_setup_propose(&side->setup, name, sim.now);

	if (err && !(err == VD_ELIMIT && sim.tight))
		fail("a proposal is refused by our own side");
	side->offers++;
}

static void take_events(unsigned s)
{
	struct side *side = &sim.sides[s];
	const struct mg_entry *other;

	for (;;) {
		struct mg_event event = mg_setup_next(&side->setup);

		switch (event.kind) {
		case MG_EVENT_NONE: return;
		case MG_EVENT_ENTRY:
			other = mg_table_find(&sim.sides[1 - s].table, event.index);
			if (other && strcmp(other->name, event.name) != 0)
				fail("an index has two names");
			break;
		case MG_EVENT_FAILED:
			if (event.name && !sim.by_data)
				propose(side, event.name);
			break;
		default: break;
		}
	}
}

/* Each entry of one in the other; both ways this is equality. */
static bool includes(const struct mg_table *a, const struct mg_table *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct mg_entry *entry = mg_table_find(a, b->entries[i].index);

		if (!entry || strcmp(entry->name, b->entries[i].name) != 0)
			return false;
	}
	return true;
}

static bool equal(void)
{
	return includes(&sim.sides[0].table, &sim.sides[1].table) &&
	       includes(&sim.sides[1].table, &sim.sides[0].table);
}

/* Data under each negotiated entry in turn. */
static void talk(unsigned s)
{
	struct side *side = &sim.sides[s];
	uint8_t bytes[10];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	size_t first = side->table.kind == MG_TABLE_BARE ? 1 : 6;

	side->talk_at = sim.now + VD_SECONDS(2);
	if (side->table.count == first || equal())
		return;
	mg_frame_write(
	    &w, side->table.entries[first + side->talked++ % (side->table.count - first)].index);
	transmit(s, vd_write_done(&w));
	side->data_sent++;
}

static void turn(unsigned s)
{
	struct side *side = &sim.sides[s];

	mg_setup_expire(&side->setup, sim.now);
	for (size_t i = 0; i < side->count; i++) {
		if (!side->wants[i] || side->done[i] || side->when[i] > sim.now)
			continue;
		side->done[i] = true;
		propose(side, side->names[i]);
	}
	if (side->talk_at <= sim.now)
		talk(s);
	take_events(s);
	flush(s);
}

static vd_ns side_deadline(const struct side *side)
{
	vd_ns at = vd_ns_min(mg_setup_deadline(&side->setup), side->talk_at);

	for (size_t i = 0; i < side->count; i++)
		if (side->wants[i] && !side->done[i])
			at = vd_ns_min(at, side->when[i]);
	return at;
}

/* ---- a run ---- */

static void set_up_side(unsigned s, bool bare, uint64_t common)
{
	struct side *side = &sim.sides[s];
	bool at_once = below(2);
	enum mg_role role = bare ? MG_ROLE_BARE : s ? MG_ROLE_RESPONDER : MG_ROLE_INITIATOR;

	*side = (struct side){ .talk_at =
				   sim.by_data ? VD_SECONDS(2) + below(VD_SECONDS(2)) : VD_NEVER };
	for (size_t i = 0; i < NAMES; i++) {
		if (below(4) == 0)
			continue;
		side->names[side->count] = all_names[i];
		side->wants[side->count] = below(3) != 0;
		side->when[side->count++] = at_once ? 0 : below(VD_SECONDS(30));
	}
	mg_table_init(&side->table, bare ? MG_TABLE_BARE : MG_TABLE_VIADUCT);
	for (uint64_t i = 0; i < common; i++)
		if (mg_table_add(&side->table, 1000 + i, vd_bytes_of_text("/common")))
			fail("no room for what they have in common");
	if (mg_setup_init(&side->setup, &side->table, role, side->names, side->count))
		fail("init");
}

static void set_up(uint64_t seed)
{
	sim.seed = sim.random = seed;
	sim.now = 0;
	sim.delivered = 0;
	sim.loss = (unsigned)below(31);
	sim.copies = (unsigned)below(31);
	sim.delay = below(3) ? VD_MS(50) + 1 : VD_SECONDS(4);
	sim.stragglers = below(2) ? (unsigned)below(6) : 0;
	sim.down = below(VD_SECONDS(5));
	sim.up = sim.down + (below(3) ? 0 : below(VD_SECONDS(150)));
	sim.down_from[0] = below(3) != 0;
	sim.down_from[1] = below(3) != 0;
	sim.by_data = below(2);
	for (size_t i = 0; i < PACKETS; i++)
		sim.packets[i].at = VD_NEVER;
	bool bare = below(2);
	sim.tight = below(4) == 0;
	uint64_t common = sim.tight ? 48 + below(11) : 0;
	set_up_side(0, bare, common);
	set_up_side(1, bare, common);
}

static struct packet *next_packet(void)
{
	struct packet *next = sim.packets;

	for (size_t i = 1; i < PACKETS; i++)
		if (sim.packets[i].at < next->at)
			next = &sim.packets[i];
	return next;
}

static bool settled(const struct mg_setup *setup)
{
	for (size_t i = 0; i < MG_SETUP_PROPOSALS; i++)
		if (setup->proposals[i].state == MG_PROPOSAL_OUT)
			return false;
	return setup->answer_count == 0;
}

static bool over(void)
{
	for (unsigned s = 0; s < 2; s++) {
		const struct side *side = &sim.sides[s];

		for (size_t i = 0; i < side->count; i++)
			if (side->wants[i] && !side->done[i])
				return false;
		if (!settled(&side->setup))
			return false;
	}
	/* What data has to heal takes as long as it takes; without it, settled must be equal. */
	return next_packet()->at == VD_NEVER && (!sim.by_data || equal());
}

static bool supports(const struct side *side, const char *name)
{
	for (size_t i = 0; i < side->count; i++)
		if (strcmp(side->names[i], name) == 0)
			return true;
	return false;
}

static void check_wishes(unsigned s)
{
	const struct side *side = &sim.sides[s], *other = &sim.sides[1 - s];

	for (size_t i = 0; i < side->count; i++) {
		const struct vd_bytes name = vd_bytes_of_text(side->names[i]);

		if (mg_table_find_name(&side->table, name) && !supports(other, side->names[i]))
			fail("an entry that one side does not support");
		if (side->wants[i] && supports(other, side->names[i]) && !sim.by_data &&
		    !sim.tight && !mg_table_find_name(&side->table, name))
			fail("proposed and supported, but not in the table");
	}
}

/*
 * Of each begun offer 9, for each yielded one (at most one for every index the other
 * side proposed) 9 more; an answer to each packet that came; errors and repeated
 * entries once a second.
 */
static void check_packets(unsigned s)
{
	const struct side *side = &sim.sides[s];
	uint64_t yielded = 0;
	uint64_t seconds = sim.now / VD_NS_PER_S + 1;

	for (size_t i = 0; i < MG_SETUP_INDEX_END; i++)
		yielded += side->setup.taken[i / 64] >> i % 64 & 1;
	if (side->setup.stats.sent >
	    MG_SETUP_SENDS * (side->offers + yielded) + side->setup.stats.received + 2 * seconds)
		fail("more packets than the bound");
	if (side->setup.stats.malformed || side->setup.stats.contradicting ||
	    side->setup.stats.reflected)
		fail("an honest side is counted as a liar");
}

static void run(uint64_t seed)
{
	set_up(seed);
	while (!over()) {
		struct packet *p = next_packet();
		vd_ns at = vd_ns_min(side_deadline(&sim.sides[0]), side_deadline(&sim.sides[1]));

		at = vd_ns_min(at, p->at);
		if (at == VD_NEVER)
			break;
		if (at > VD_SECONDS(3600))
			fail("not settled after an hour");
		if (at > sim.now)
			sim.now = at;
		if (p->at <= sim.now) {
			p->at = VD_NEVER;
			deliver(&sim.sides[p->to], vd_bytes(p->bytes, p->len));
			sim.delivered++;
		}
		turn(0);
		turn(1);
	}
	if (!equal())
		fail("the tables differ");
	for (unsigned s = 0; s < 2; s++) {
		check_wishes(s);
		check_packets(s);
	}
}

int main(int argc, char **argv)
{
	const struct seeds seeds = seeds_of(argc, argv, 5000);
	uint64_t packets = 0, entries = 0;

	if (randombytes_set_implementation(&seeded) || sodium_init() < 0)
		return 1;
	for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
		run(seed);
		packets += sim.sides[0].setup.stats.sent + sim.sides[1].setup.stats.sent;
		entries += sim.sides[0].table.count;
	}
	printf("%" PRIu64 " seeds from %" PRIu64
	       ": tables equal, %.1f entries and %.1f packets each\n",
	       seeds.count, seeds.first, (double)entries / (double)seeds.count,
	       (double)packets / (double)seeds.count);
	return 0;
}
