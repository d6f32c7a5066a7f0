/* Targets: controlplane/proto/session_path.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/init.h"
#include "controlplane/proto/session_path.h"

/*
 * A list of steps, two bytes each: what happens, and to which of eight paths (or how long it
 * takes). Answers are to challenges that were sent, or made up; each may come over any path.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS = 8, SENT = 16 };

struct rig {
	struct session_path sp;
	struct session_path_event sent[SENT]; /* the last challenges */
	unsigned sent_count;
	vd_ns now;
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct peering_path path_of(unsigned which)
{
	return (struct peering_path){ .bytes = { (uint8_t)(1 + which % PATHS) } };
}

static bool is_known(const struct session_path *sp, const struct peering_path *path)
{
	bool known = sp->used && memcmp(&sp->current, path, sizeof *path) == 0;

	for (unsigned i = 0; i < sp->count; i++)
		known |= memcmp(&sp->fallbacks[i], path, sizeof *path) == 0;
	return known;
}

/* No path twice among the one in use and the fallbacks; events are of paths that are known. */
static void check(const struct session_path *sp)
{
	expect(sp->count <= SESSION_FALLBACKS);
	for (unsigned i = 0; i < sp->count; i++) {
		expect(!sp->used || memcmp(&sp->fallbacks[i], &sp->current, sizeof sp->current));
		for (unsigned k = 0; k < i; k++)
			expect(memcmp(&sp->fallbacks[i], &sp->fallbacks[k], sizeof sp->current) !=
			       0);
	}
}

static void drain(struct rig *rig)
{
	struct session_path_event event;

	for (unsigned events = 0;; events++) {
		event = session_path_next(&rig->sp, rig->now);
		if (event.kind == SESSION_PATH_NONE)
			break;
		expect(events < 64);
		if (event.kind == SESSION_PATH_CHALLENGE)
			rig->sent[rig->sent_count++ % SENT] = event;
		if (event.kind == SESSION_PATH_MOVE)
			expect(rig->sp.used && is_known(&rig->sp, &event.path));
	}
	expect(session_path_deadline(&rig->sp) > rig->now);
	check(&rig->sp);
}

static void answer(struct rig *rig, unsigned which)
{
	const struct session_path_event *sent = &rig->sent[which % SENT];
	struct peering_path path = which & 0x80 ? path_of(which) : sent->path;
	bool same = memcmp(&path, &sent->path, sizeof path) == 0;
	enum vd_err err = session_path_answered(&rig->sp, &path, sent->data, rig->now);

	expect(err || (same && sent->kind == SESSION_PATH_CHALLENGE));
}

static void step(struct rig *rig, unsigned what, unsigned which)
{
	struct peering_path path = path_of(which);

	switch (what % 10) {
	case 0: session_path_use(&rig->sp, &path); break;
	case 1: session_path_add(&rig->sp, &path, rig->now); break;
	case 2: session_path_del(&rig->sp, &path); break;
	case 3: session_path_doubt(&rig->sp, rig->now); break;
	case 4: session_path_leave(&rig->sp, rig->now); break;
	case 5: session_path_stay(&rig->sp); break;
	case 6: session_path_traffic(&rig->sp, which & 7, which & 8, rig->now); break;
	case 7: session_path_challenged(&rig->sp, &path, rig->now); break;
	case 8: answer(rig, which); break;
	default: rig->now += VD_MS(which * which); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = { .now = VD_SECONDS(1000) };

	if (vd_init())
		return 0;
	for (size_t at = 0; at + 2 <= size && at < 512; at += 2) {
		step(&rig, data[at], data[at + 1]);
		drain(&rig);
	}
	return 0;
}
