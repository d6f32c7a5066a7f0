/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/path_rank.h"

#include <sodium.h>
#include <string.h>

#define ROUND    VD_SECONDS(1)
#define BUSY_FOR VD_SECONDS(10) /* traffic this lately */
#define LEAST    VD_MS(4)

enum {
	ONE = 1024, /* of loss */
	WINS = 3,
	SAMPLES_MIN = 3,
	LOSS_COST_NS = 200000000, /* all lost; so 2 ms a percent */
};

static bool same(const struct peering_path *a, const struct peering_path *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

const struct rank_path *path_rank_find(const struct path_rank *rank,
				       const struct peering_path *path)
{
	for (int i = 0; i < rank->count; i++)
		if (same(&rank->at[i].path, path))
			return &rank->at[i];
	return NULL;
}

/* ---- the paths ---- */

/* What was measured of a path stays with it while the session keeps it. */
static void adopt(struct path_rank *rank, const struct session_path *paths)
{
	struct path_rank next = *rank;

	next.count = 0;
	for (int i = -1; i < paths->count; i++) {
		const struct peering_path *path = i < 0 ? &paths->current : &paths->fallbacks[i];
		const struct rank_path *known = path_rank_find(rank, path);

		next.at[next.count++] = known ? *known : (struct rank_path){ .path = *path };
	}
	if (!same(&next.at[0].path, &rank->at[0].path))
		next.wins = 0;
	*rank = next;
}

/* ---- measuring ---- */

static void count_sample(struct rank_path *p, bool lost)
{
	p->loss = (7 * p->loss + (lost ? ONE : 0)) / 8;
	p->samples++;
	p->id = 0;
}

static vd_ns cost(const struct rank_path *p)
{
	return p->rtt + (vd_ns)LOSS_COST_NS * p->loss / ONE;
}

static bool is_known(const struct rank_path *p)
{
	return p->samples >= SAMPLES_MIN && p->rtt;
}

/* The path in use when none is better. */
static const struct rank_path *best_of(const struct path_rank *rank)
{
	const struct rank_path *used = &rank->at[0], *best = used;
	vd_ns margin = cost(used) / 5 > LEAST ? cost(used) / 5 : LEAST;

	if (!is_known(used))
		return used;
	for (int i = 1; i < rank->count; i++)
		if (is_known(&rank->at[i]) && cost(&rank->at[i]) + margin < cost(used) &&
		    cost(&rank->at[i]) < cost(best))
			best = &rank->at[i];
	return best;
}

static void judge(struct path_rank *rank)
{
	const struct rank_path *best = best_of(rank);

	if (best == &rank->at[0] || !same(&best->path, &rank->best))
		rank->wins = 0;
	rank->best = best->path;
	if (best == &rank->at[0] || ++rank->wins < WINS)
		return;
	rank->wins = 0;
	rank->tell = true;
}

static void begin_round(struct path_rank *rank, vd_ns now)
{
	for (int i = 0; i < rank->count; i++)
		if (rank->at[i].id)
			count_sample(&rank->at[i], true);
	judge(rank);
	for (int i = 0; i < rank->count; i++)
		rank->at[i].due = true;
	rank->next = vd_ns_add(now, ROUND);
}

void path_rank_look(struct path_rank *rank, const struct session_path *paths, vd_ns sent, vd_ns now)
{
	bool busy = paths->used && paths->count && sent && now < vd_ns_add(sent, BUSY_FOR);

	if (!busy) {
		for (int i = 0; i < rank->count; i++)
			rank->at[i].id = 0; /* no loss: the peer may be gone for good */
		rank->next = 0;
		return;
	}
	adopt(rank, paths);
	if (now >= rank->next)
		begin_round(rank, now);
}

/* One outlier is to move nothing: it counts as twice the usual at most, or as 20 ms more. */
static vd_ns most(vd_ns usual)
{
	return usual > VD_MS(20) ? 2 * usual : usual + VD_MS(20);
}

bool path_rank_answered(struct path_rank *rank, uint64_t id, vd_ns now)
{
	for (int i = 0; i < rank->count; i++) {
		struct rank_path *p = &rank->at[i];
		vd_ns rtt = now > p->sent ? now - p->sent : 1;

		if (!id || p->id != id)
			continue;
		p->rtt = p->rtt ? (3 * p->rtt + vd_ns_min(rtt, most(p->rtt))) / 4 : rtt;
		count_sample(p, false);
		return true;
	}
	return false;
}

struct path_rank_event path_rank_next(struct path_rank *rank, vd_ns now)
{
	if (rank->tell) {
		rank->tell = false;
		return (struct path_rank_event){ .kind = PATH_RANK_BETTER, .path = rank->best };
	}
	for (int i = 0; i < rank->count; i++) {
		struct rank_path *p = &rank->at[i];

		if (!p->due)
			continue;
		p->due = false;
		p->sent = now;
		do
			randombytes_buf(&p->id, sizeof p->id);
		while (!p->id);
		return (
		    struct path_rank_event){ .kind = PATH_RANK_PING, .path = p->path, .id = p->id };
	}
	return (struct path_rank_event){ .kind = PATH_RANK_NONE };
}
