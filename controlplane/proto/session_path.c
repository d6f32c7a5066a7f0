/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/session_path.h"

#include <sodium.h>
#include <string.h>

#define SUSPECT_AFTER VD_MS(1000)
#define SEEK_AFTER    VD_MS(2000)
#define SEEK_EVERY    VD_SECONDS(4)
#define DIAL_AFTER    VD_MS(1500)
#define REPEAT        VD_MS(500)
#define REPEAT_FOR    VD_SECONDS(4)
#define COUNTS_FOR    VD_SECONDS(10)

enum { CHALLENGES = SESSION_FALLBACKS + 1, NOT_THERE = -1 };

static bool same(const struct peering_path *a, const struct peering_path *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static bool is_current(const struct session_path *sp, const struct peering_path *path)
{
	return sp->used && same(&sp->current, path);
}

/* ---- fallbacks ---- */

static int find(const struct session_path *sp, const struct peering_path *path)
{
	for (int i = 0; i < sp->count; i++)
		if (same(&sp->fallbacks[i], path))
			return i;
	return NOT_THERE;
}

static void take_out(struct session_path *sp, int at)
{
	sp->count--;
	memmove(&sp->fallbacks[at], &sp->fallbacks[at + 1],
		(size_t)(sp->count - at) * sizeof sp->fallbacks[0]);
}

static void put_first(struct session_path *sp, const struct peering_path *path)
{
	int at = find(sp, path);

	if (at != NOT_THERE)
		take_out(sp, at);
	else if (sp->count == SESSION_FALLBACKS)
		sp->count--;
	memmove(&sp->fallbacks[1], &sp->fallbacks[0], sp->count * sizeof sp->fallbacks[0]);
	sp->fallbacks[0] = *path;
	sp->count++;
}

static void change_to(struct session_path *sp, const struct peering_path *path)
{
	const struct peering_path next = *path; /* may be one of the fallbacks */
	int at = find(sp, &next);

	if (at != NOT_THERE)
		take_out(sp, at);
	if (sp->used && !same(&sp->current, &next))
		put_first(sp, &sp->current);
	sp->current = next;
	sp->used = true;
}

/* ---- challenges ---- */

static struct session_challenge *challenge_of(struct session_path *sp,
					      const struct peering_path *path)
{
	for (int i = 0; i < CHALLENGES; i++)
		if (sp->challenges[i].began && same(&sp->challenges[i].path, path))
			return &sp->challenges[i];
	return NULL;
}

/* A free one, or the oldest. */
static struct session_challenge *challenge_take(struct session_path *sp)
{
	struct session_challenge *oldest = &sp->challenges[0];

	for (int i = 1; i < CHALLENGES; i++)
		if (sp->challenges[i].began < oldest->began)
			oldest = &sp->challenges[i];
	return oldest;
}

/* One that is repeated still goes on. */
static struct session_challenge *challenge(struct session_path *sp, const struct peering_path *path,
					   vd_ns now)
{
	struct session_challenge *c = challenge_of(sp, path);

	if (c && c->next != VD_NEVER)
		return c;
	if (!c)
		c = challenge_take(sp);
	*c = (struct session_challenge){ .path = *path, .began = now ? now : 1, .next = now };
	randombytes_buf(c->data, sizeof c->data);
	return c;
}

static void challenge_all(struct session_path *sp, vd_ns now)
{
	sp->round = now;
	sp->dialled = false;
	(void)challenge(sp, &sp->current, now);
	for (int i = 0; i < sp->count; i++)
		(void)challenge(sp, &sp->fallbacks[i], now);
}

/* But those of a race: the peer may be heard although our own way to it is dead. */
static void repeat_no_more(struct session_path *sp)
{
	for (int i = 0; i < CHALLENGES; i++) {
		struct session_challenge *c = &sp->challenges[i];

		if (c->race || c->next == VD_NEVER)
			continue;
		c->next = VD_NEVER;
		c->stopped = true;
	}
}

static void be_quiet(struct session_path *sp)
{
	sp->unanswered = 0;
	sp->round = 0;
	sp->suspect = false;
	sp->dialled = false;
}

static void forget_challenges(struct session_path *sp)
{
	memset(sp->challenges, 0, sizeof sp->challenges);
}

/* ---- paths come and go ---- */

void session_path_use(struct session_path *sp, const struct peering_path *path)
{
	if (!is_current(sp, path))
		sp->leaving = 0;
	change_to(sp, path);
	be_quiet(sp);
	forget_challenges(sp);
}

void session_path_add(struct session_path *sp, const struct peering_path *path, vd_ns now)
{
	if (is_current(sp, path))
		return;
	if (find(sp, path) == NOT_THERE)
		put_first(sp, path);
	if (sp->round)
		(void)challenge(sp, path, now);
	if (sp->leaving)
		challenge(sp, path, now)->race = true;
}

void session_path_del(struct session_path *sp, const struct peering_path *path)
{
	struct session_challenge *c = challenge_of(sp, path);
	int at = find(sp, path);

	if (at == NOT_THERE)
		return;
	take_out(sp, at);
	if (c)
		*c = (struct session_challenge){ .began = 0 };
}

void session_path_doubt(struct session_path *sp, vd_ns now)
{
	if (!sp->used)
		return;
	sp->unanswered = now > SEEK_AFTER ? now - SEEK_AFTER : 1;
	sp->sent = now;
	sp->suspect = true;
	challenge_all(sp, now);
}

void session_path_try(struct session_path *sp, const struct peering_path *path, vd_ns now)
{
	if (find(sp, path) != NOT_THERE)
		challenge(sp, path, now)->race = true;
}

void session_path_leave(struct session_path *sp, vd_ns now)
{
	if (!sp->used)
		return;
	sp->leaving = now ? now : 1;
	for (int i = 0; i < sp->count; i++)
		challenge(sp, &sp->fallbacks[i], now)->race = true;
}

void session_path_stay(struct session_path *sp)
{
	sp->leaving = 0;
}

/* ---- what is heard ---- */

void session_path_traffic(struct session_path *sp, uint64_t sent, bool heard, vd_ns now)
{
	uint64_t own = sp->own < sent ? sp->own : sent;
	vd_ns before = sp->looked ? sp->looked : now;

	sp->own -= (uint32_t)own;
	sp->looked = now;
	if (sent > own)
		sp->sent = now;
	if (heard && sp->unanswered) {
		be_quiet(sp);
		repeat_no_more(sp); /* answers on their way count still */
	} else if (!heard && sent > own && !sp->unanswered && sp->used) {
		sp->unanswered = before ? before : 1;
	}
}

/* Nothing has answered yet: one more way may be the one that does. */
static bool is_racing(const struct session_path *sp)
{
	for (int i = 0; i < CHALLENGES; i++)
		if (sp->challenges[i].race && sp->challenges[i].next != VD_NEVER)
			return true;
	return false;
}

/*
 * The peer looks for a way, too: that it is heard says nothing of our own ways to it. What it sent
 * may have been counted before it is read here: so also those that just stopped go on.
 */
static void seek_on(struct session_path *sp, vd_ns now)
{
	for (int i = 0; i < CHALLENGES; i++) {
		struct session_challenge *c = &sp->challenges[i];

		if (!c->began || now >= vd_ns_add(c->began, REPEAT_FOR))
			continue;
		c->race = true;
		if (c->stopped)
			c->next = now;
		c->stopped = false;
	}
}

void session_path_challenged(struct session_path *sp, const struct peering_path *path, vd_ns now)
{
	if (!sp->used)
		return;
	seek_on(sp, now);
	if (is_current(sp, path))
		return;
	put_first(sp, path);
	if (sp->leaving) {
		challenge(sp, path, now)->race = true;
		return;
	}
	/* Else our challenge over the slower path makes the peer race, and so on for ever. */
	if (sp->raced && now < vd_ns_add(sp->raced, SEEK_EVERY) && !is_racing(sp))
		return;
	sp->raced = now;
	challenge(sp, &sp->current, now)->race = true;
	challenge(sp, path, now)->race = true;
}

enum vd_err session_path_answered(struct session_path *sp, const struct peering_path *path,
				  const uint8_t data[SESSION_CHALLENGE_BYTES], vd_ns now)
{
	struct session_challenge *c = challenge_of(sp, path);

	if (!c || now >= vd_ns_add(c->began, COUNTS_FOR) ||
	    sodium_memcmp(c->data, data, SESSION_CHALLENGE_BYTES) != 0)
		return VD_EPEER_STATE;
	if (sp->leaving && is_current(sp, path)) {
		be_quiet(sp);
		c->began = 0;
		return VD_OK;
	}
	sp->moved = !is_current(sp, path);
	sp->leaving = 0;
	if (sp->moved)
		sp->raced = now;
	change_to(sp, path);
	be_quiet(sp);
	forget_challenges(sp);
	return VD_OK;
}

/* ---- time ---- */

/* When the silence asks for the next step; VD_NEVER. */
static vd_ns step_at(const struct session_path *sp)
{
	vd_ns since = sp->unanswered;

	if (!since)
		return VD_NEVER;
	if (!sp->suspect)
		return vd_ns_add(since, SUSPECT_AFTER);
	if (!sp->round)
		return vd_ns_add(since, SEEK_AFTER);
	/* again only if it still sends */
	return sp->sent > sp->round ? vd_ns_add(sp->round, SEEK_EVERY) : VD_NEVER;
}

static vd_ns leave_at(const struct session_path *sp)
{
	return sp->leaving && sp->count ? vd_ns_add(sp->leaving, SEEK_EVERY) : VD_NEVER;
}

static vd_ns dial_at(const struct session_path *sp)
{
	bool any = sp->round && !sp->dialled && sp->count > 0;

	return any ? vd_ns_add(sp->round, DIAL_AFTER) : VD_NEVER;
}

static void step(struct session_path *sp, vd_ns now)
{
	if (sp->suspect) {
		challenge_all(sp, now);
		return;
	}
	sp->suspect = true;
	(void)challenge(sp, &sp->current, now);
}

static struct session_path_event send(struct session_path *sp, struct session_challenge *c,
				      vd_ns now)
{
	struct session_path_event event = { .kind = SESSION_PATH_CHALLENGE, .path = c->path };

	memcpy(event.data, c->data, sizeof event.data);
	c->next = vd_ns_add(now, REPEAT);
	if (c->next >= vd_ns_add(c->began, REPEAT_FOR))
		c->next = VD_NEVER;
	sp->own++;
	return event;
}

struct session_path_event session_path_next(struct session_path *sp, vd_ns now)
{
	if (sp->moved) {
		sp->moved = false;
		return (struct session_path_event){ .kind = SESSION_PATH_MOVE,
						    .path = sp->current };
	}
	while (step_at(sp) <= now) /* the second may be due at once */
		step(sp, now);
	if (leave_at(sp) <= now)
		session_path_leave(sp, now);
	if (dial_at(sp) <= now) {
		sp->dialled = true;
		return (struct session_path_event){ .kind = SESSION_PATH_DIAL,
						    .path = sp->fallbacks[0] };
	}
	for (int i = 0; i < CHALLENGES; i++)
		if (sp->challenges[i].began && sp->challenges[i].next <= now)
			return send(sp, &sp->challenges[i], now);
	return (struct session_path_event){ .kind = SESSION_PATH_NONE };
}

vd_ns session_path_deadline(const struct session_path *sp)
{
	vd_ns at = vd_ns_min(vd_ns_min(step_at(sp), leave_at(sp)), dial_at(sp));

	if (sp->moved)
		return 0;
	for (int i = 0; i < CHALLENGES; i++)
		if (sp->challenges[i].began)
			at = vd_ns_min(at, sp->challenges[i].next);
	return at;
}
