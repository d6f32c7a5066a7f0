/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/mtu_probe.h"

#include <sodium.h>
#include <string.h>

/* From one turn's begin to the next one's. */
#define TURN_MIN VD_MS(100)
/* What was sent before an answered ping may come this much later. */
#define LATE        VD_MS(250)
#define ERROR_S     5
#define ERROR_S_MAX 60

enum { QUIET_DOUBLES = 4, QUIET_WAITS = 6 };

const char *mtu_state_name(enum mtu_state state)
{
	static const char *const names[MTU_STATES] = { "disabled", "base", "searching", "complete",
						       "error" };

	return names[state];
}

uint16_t mtu_probe_mtu(const struct mtu_probe *mp)
{
	return mp->known ? mp->good : mp->max;
}

/* ---- states ---- */

static void enter(struct mtu_probe *mp, enum mtu_state state, vd_ns now)
{
	mp->state = state;
	mp->fails = 0;
	mp->changed = true;
	mp->next = now;
	mp->in_turn = false;
}

/* `bad` and `good` are set. */
static void search(struct mtu_probe *mp, vd_ns now)
{
	mp->turns = 0;
	mp->recheck = false;
	mp->fails_of_good = 0;
	enter(mp, MTU_SEARCHING, now);
}

static void complete(struct mtu_probe *mp, vd_ns now)
{
	mp->known = true;
	mp->raise = vd_ns_add(now, MTU_RAISE_TIMER);
	enter(mp, MTU_COMPLETE, vd_ns_add(now, MTU_CONFIRMATION_TIMER));
}

static void begin_at_base(struct mtu_probe *mp, vd_ns now)
{
	mp->good = MTU_PROBE_BASE;
	mp->bad = (uint16_t)(mp->max + 1);
	mp->hint = 0;
	enter(mp, MTU_BASE, now);
}

static void fall_to_base(struct mtu_probe *mp, vd_ns now)
{
	mp->known = true;
	mp->black_hole = true;
	begin_at_base(mp, now);
}

static void fail(struct mtu_probe *mp, vd_ns now)
{
	bool first = mp->state != MTU_ERROR;

	enter(mp, MTU_ERROR, now);
	mp->known = true;
	mp->too_small = first;
	mp->pause_s = first ? ERROR_S : 2 * mp->pause_s;
	if (mp->pause_s > ERROR_S_MAX)
		mp->pause_s = ERROR_S_MAX;
	mp->next = vd_ns_add(now, VD_SECONDS(mp->pause_s));
}

/* ---- a turn ---- */

static void put(struct mtu_probe *mp, unsigned *count, uint32_t size)
{
	struct mtu_one *ones = mp->ones[mp->half];

	for (unsigned i = 0; i < *count; i++)
		if (ones[i].size == size)
			return;
	if (*count == MTU_PROBES_A_TURN)
		return;
	ones[*count] = (struct mtu_one){ .size = (uint16_t)size };
	do
		randombytes_buf(&ones[*count].id, sizeof ones[*count].id);
	while (ones[*count].id == 0);
	++*count;
}

/* Sizes between good and bad, at equal distances; with nothing bad, the limit is the last. */
static void put_fan(struct mtu_probe *mp, unsigned *count)
{
	bool open = mp->bad > mp->max;
	uint32_t span = (uint32_t)mp->bad - mp->good - (open ? 1 : 0);
	uint32_t parts = open ? MTU_PROBE_FAN : MTU_PROBE_FAN + 1;

	if (mp->hint > mp->good && mp->hint < mp->bad)
		put(mp, count, mp->hint);
	for (uint32_t i = 1; i <= MTU_PROBE_FAN; i++) {
		uint32_t size = mp->good + (span * i + parts / 2) / parts;

		if (size > mp->good && size < mp->bad && *count < MTU_PROBE_FAN)
			put(mp, count, size);
	}
	if (!open)
		put(mp, count, mp->bad);
	mp->hint = 0;
}

static void begin_turn(struct mtu_probe *mp, vd_ns now)
{
	vd_ns timer = 3 * mp->rtt;
	unsigned count = 0;

	mp->half ^= 1;
	memset(mp->ones[mp->half], 0, sizeof mp->ones[mp->half]);
	if (mp->state == MTU_SEARCHING)
		put_fan(mp, &count);
	if (mp->state != MTU_SEARCHING || mp->recheck)
		put(mp, &count, mp->good);
	put(mp, &count, 0); /* the last: what was before it came first, if it came */
	if (timer < MTU_PROBE_TIMER)
		timer = MTU_PROBE_TIMER;
	mp->began = now;
	mp->until = vd_ns_add(now, timer < MTU_PROBE_TIMER_MAX ? timer : MTU_PROBE_TIMER_MAX);
	mp->in_turn = true;
	mp->traffic = false;
}

static bool all_over(const struct mtu_probe *mp)
{
	for (unsigned i = 0; i < MTU_PROBES_A_TURN; i++)
		if (mp->ones[mp->half][i].id && !mp->ones[mp->half][i].over)
			return false;
	return true;
}

/* Whether the size was answered in this turn; not asked for: false. */
static bool passed(const struct mtu_probe *mp, uint16_t size)
{
	for (unsigned i = 0; i < MTU_PROBES_A_TURN; i++)
		if (mp->ones[mp->half][i].id && mp->ones[mp->half][i].size == size)
			return mp->ones[mp->half][i].answered;
	return false;
}

static bool anything_passed(const struct mtu_probe *mp)
{
	for (unsigned i = 0; i < MTU_PROBES_A_TURN; i++)
		if (mp->ones[mp->half][i].answered)
			return true;
	return false;
}

/* The least size above `good` that was sent and not answered; 0: none. */
static uint16_t least_failure(const struct mtu_probe *mp)
{
	uint16_t least = 0;

	for (unsigned i = 0; i < MTU_PROBES_A_TURN; i++) {
		const struct mtu_one *one = &mp->ones[mp->half][i];

		if (one->id && !one->answered && one->size > mp->good &&
		    (!least || one->size < least))
			least = one->size;
	}
	return least;
}

/* False: what is good is not; the search is over. */
static bool good_holds(struct mtu_probe *mp)
{
	if (!mp->recheck)
		return true;
	if (passed(mp, mp->good)) {
		mp->recheck = false;
		return true;
	}
	return ++mp->fails_of_good < MTU_MAX_PROBES;
}

static void end_search_turn(struct mtu_probe *mp, vd_ns now)
{
	uint16_t failed = least_failure(mp);

	if (!good_holds(mp)) {
		fall_to_base(mp, now);
		return;
	}
	if (failed && failed < mp->bad) {
		mp->bad = failed;
		mp->fails = 1;
		mp->changed |= !mp->known;
		mp->known = true;
	} else if (failed && failed == mp->bad) {
		mp->fails++;
	}
	mp->turns++;
	if (mp->recheck && mp->turns < MTU_TURNS_MAX)
		return;
	if (mp->good == mp->max || mp->turns >= MTU_TURNS_MAX ||
	    (mp->bad == mp->good + 1 && mp->fails >= MTU_MAX_PROBES))
		complete(mp, now);
}

/* Base, complete and error look at one size. */
static void end_other_turn(struct mtu_probe *mp, vd_ns now)
{
	if (passed(mp, mp->good)) {
		if (mp->state == MTU_COMPLETE) {
			mp->fails = 0;
			mp->next = vd_ns_add(now, MTU_CONFIRMATION_TIMER);
			return;
		}
		mp->bad = (uint16_t)(mp->max + 1);
		search(mp, now);
		return;
	}
	if (mp->state == MTU_ERROR) {
		fail(mp, now);
		return;
	}
	if (++mp->fails < MTU_MAX_PROBES)
		return;
	if (mp->state == MTU_COMPLETE && mp->good > MTU_PROBE_BASE)
		fall_to_base(mp, now);
	else
		fail(mp, now);
}

static void end_turn(struct mtu_probe *mp, vd_ns now)
{
	mp->in_turn = false;
	mp->next = vd_ns_add(mp->began, TURN_MIN);
	if (mp->next < now)
		mp->next = now;
	if (!anything_passed(mp)) {
		unsigned doubles = mp->quiet < QUIET_DOUBLES ? mp->quiet : QUIET_DOUBLES;

		mp->next = vd_ns_add(now, MTU_PROBE_TIMER << doubles);
		if (mp->quiet < QUIET_WAITS)
			mp->quiet++;
		return;
	}
	mp->quiet = 0;
	if (mp->state == MTU_SEARCHING)
		end_search_turn(mp, now);
	else
		end_other_turn(mp, now);
}

/* Whether turns wait for traffic: a session that nobody uses may end. */
static bool waits(const struct mtu_probe *mp)
{
	bool settled = (mp->state == MTU_COMPLETE && mp->fails == 0) || mp->state == MTU_ERROR;

	return (settled || mp->quiet >= QUIET_WAITS) && !mp->traffic;
}

/* ---- calls ---- */

static uint16_t within(uint32_t max)
{
	if (max < MTU_PROBE_BASE)
		return MTU_PROBE_BASE;
	return (uint16_t)(max < MTU_PROBE_MAX ? max : MTU_PROBE_MAX);
}

void mtu_probe_begin(struct mtu_probe *mp, uint32_t max, vd_ns now)
{
	*mp = (struct mtu_probe){ .max = within(max) };
	begin_at_base(mp, now);
}

void mtu_probe_resume(struct mtu_probe *mp, vd_ns now)
{
	mp->in_turn = false;
	mp->next = now;
	mp->quiet = 0;
	mp->traffic = true;
}

void mtu_probe_limit(struct mtu_probe *mp, uint32_t max, vd_ns now)
{
	uint16_t before = mp->max;

	if (mp->state == MTU_DISABLED || within(max) == before)
		return;
	mp->max = within(max);
	mp->changed = true;
	if (mp->bad > before || mp->bad > mp->max)
		mp->bad = (uint16_t)(mp->max + 1);
	if (mp->good > mp->max)
		mp->good = mp->max;
	if (mp->state == MTU_COMPLETE || mp->state == MTU_SEARCHING)
		search(mp, now);
}

void mtu_probe_traffic(struct mtu_probe *mp)
{
	mp->traffic = true;
}

static struct mtu_one *one_of(struct mtu_probe *mp, uint64_t id)
{
	for (unsigned i = 0; i < 2 * MTU_PROBES_A_TURN && id; i++) {
		struct mtu_one *one = &mp->ones[i / MTU_PROBES_A_TURN][i % MTU_PROBES_A_TURN];

		if (one->sent && one->id == id)
			return one;
	}
	return NULL;
}

static void raise_to(struct mtu_probe *mp, uint16_t size)
{
	if (mp->state != MTU_SEARCHING || size <= mp->good || size > mp->max)
		return;
	mp->good = size;
	mp->changed |= mp->known;
	mp->recheck = false;
	if (size < mp->bad)
		return;
	mp->bad = (uint16_t)(mp->max + 1); /* it was lost, not too large */
	mp->fails = 0;
}

bool mtu_probe_answered(struct mtu_probe *mp, uint64_t id, uint32_t size, vd_ns now)
{
	struct mtu_one *one = one_of(mp, id);
	bool this_turn = one >= mp->ones[mp->half] && one < mp->ones[mp->half] + MTU_PROBES_A_TURN;

	if (!one || one->size != size)
		return false;
	if (one->answered)
		return true;
	one->over = one->answered = true;
	mp->rtt = now - one->at;
	raise_to(mp, one->size);
	if (!mp->in_turn || !this_turn)
		return true;
	if (one->size == 0)
		mp->until =
		    vd_ns_min(mp->until, vd_ns_add(now, 2 * mp->rtt > LATE ? 2 * mp->rtt : LATE));
	return true;
}

/* Nobody waits for what a router has dropped. */
static void give_up_above(struct mtu_probe *mp, uint32_t limit)
{
	for (unsigned i = 0; i < MTU_PROBES_A_TURN; i++)
		if (mp->ones[mp->half][i].size > limit)
			mp->ones[mp->half][i].over = true;
}

void mtu_probe_reported(struct mtu_probe *mp, uint32_t limit, vd_ns now)
{
	uint16_t size = (uint16_t)(limit > MTU_PROBE_BASE ? limit : MTU_PROBE_BASE);

	if (mp->state == MTU_DISABLED || limit >= mp->max)
		return;
	give_up_above(mp, limit);
	if (mp->state == MTU_BASE || mp->state == MTU_ERROR)
		return;
	if (limit < mp->good && mp->good > MTU_PROBE_BASE) { /* it is lowered, and looked at */
		mp->good = size;
		mp->known = true;
		mp->bad = (uint16_t)(size + 1);
		search(mp, now);
		mp->recheck = true;
		if (mp->next <
		    vd_ns_add(mp->began, TURN_MIN)) /* reports cause no flood of probes */
			mp->next = vd_ns_add(mp->began, TURN_MIN);
	} else if (mp->state == MTU_SEARCHING && limit > mp->good && limit + 1 < mp->bad) {
		mp->bad = (uint16_t)(size + 1);
		mp->fails = 0;
		mp->hint = size;
		mp->changed |= !mp->known;
		mp->known = true;
	}
}

/* ---- what comes of it ---- */

static bool take(bool *flag)
{
	bool was = *flag;

	*flag = false;
	return was;
}

static void raise_if_due(struct mtu_probe *mp, vd_ns now)
{
	if (mp->state != MTU_COMPLETE || mp->in_turn || mp->fails || now < mp->raise ||
	    mp->good == mp->max)
		return;
	mp->bad = (uint16_t)(mp->max + 1);
	search(mp, now);
}

static struct mtu_event send_one(struct mtu_probe *mp)
{
	for (unsigned i = 0; mp->in_turn && i < MTU_PROBES_A_TURN; i++) {
		struct mtu_one *one = &mp->ones[mp->half][i];

		if (!one->id || one->sent)
			continue;
		one->sent = true;
		one->at = mp->began;
		return (struct mtu_event){ .kind = MTU_SEND, .id = one->id, .size = one->size };
	}
	return (struct mtu_event){ .kind = MTU_NONE };
}

struct mtu_event mtu_probe_next(struct mtu_probe *mp, vd_ns now)
{
	if (mp->state == MTU_DISABLED)
		return (struct mtu_event){ .kind = MTU_NONE };
	if (mp->in_turn && (now >= mp->until || all_over(mp)))
		end_turn(mp, now);
	if (take(&mp->black_hole))
		return (struct mtu_event){ .kind = MTU_BLACK_HOLE };
	if (take(&mp->too_small))
		return (struct mtu_event){ .kind = MTU_TOO_SMALL };
	if (take(&mp->changed))
		return (struct mtu_event){ .kind = MTU_CHANGED };
	if (!mp->in_turn && now >= mp->next && !waits(mp)) {
		raise_if_due(mp, now);
		begin_turn(mp, now);
	}
	return send_one(mp);
}

vd_ns mtu_probe_deadline(const struct mtu_probe *mp)
{
	if (mp->state == MTU_DISABLED)
		return VD_NEVER;
	if (mp->changed || mp->black_hole || mp->too_small)
		return 0;
	if (!mp->in_turn)
		return waits(mp) ? VD_NEVER : mp->next;
	return all_over(mp) ? 0 : mp->until;
}
