/* Targets: controlplane/proto/path_rank.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "controlplane/proto/path_rank.h"

/*
 * A list of steps, two bytes each: time passes, a path comes, goes or is moved to, pings are
 * answered or forged.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS = 6, PINGS = 8 };

struct rig {
	struct path_rank rank;
	struct session_path paths;
	uint64_t pings[PINGS];
	unsigned ping_count;
	vd_ns now, sent;
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

static bool has(const struct session_path *paths, const struct peering_path *path)
{
	bool found = memcmp(&paths->current, path, sizeof *path) == 0;

	for (unsigned i = 0; i < paths->count; i++)
		found |= memcmp(&paths->fallbacks[i], path, sizeof *path) == 0;
	return found;
}

static void drain(struct rig *rig)
{
	struct path_rank_event event;

	for (unsigned events = 0;; events++) {
		event = path_rank_next(&rig->rank, rig->now);
		if (event.kind == PATH_RANK_NONE)
			return;
		expect(events < 2 * RANK_PATHS); /* it ends */
		expect(has(&rig->paths, &event.path));
		if (event.kind == PATH_RANK_PING) {
			expect(event.id != 0);
			rig->pings[rig->ping_count++ % PINGS] = event.id;
		} else {
			expect(memcmp(&rig->paths.current, &event.path, sizeof event.path) != 0);
		}
	}
}

/* As session_path would have it: no path twice. */
static void change(struct rig *rig, unsigned which)
{
	struct session_path *paths = &rig->paths;
	struct peering_path path = path_of(which);

	if (which & 0x80) {
		paths->count = paths->count > 0 ? paths->count - 1 : 0;
	} else if (which & 0x40 && paths->count > 0) {
		path = paths->fallbacks[0];
		paths->fallbacks[0] = paths->current;
		paths->current = path;
	} else if (!has(paths, &path) && paths->count < SESSION_FALLBACKS) {
		paths->fallbacks[paths->count++] = path;
	}
}

static void step(struct rig *rig, unsigned what, unsigned more)
{
	switch (what % 4) {
	case 0: rig->now += VD_MS(more * 20); break;
	case 1: change(rig, more); break;
	case 2: (void)path_rank_answered(&rig->rank, rig->pings[more % PINGS], rig->now); break;
	default: expect(more == 0 || !path_rank_answered(&rig->rank, ~(uint64_t)more, rig->now));
	}
	if (what & 0x40)
		rig->sent = rig->now;
	path_rank_look(&rig->rank, &rig->paths, rig->sent, rig->now);
	drain(rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = { .now = VD_SECONDS(100),
			   .paths = { .used = true, .current = path_of(0) } };

	for (size_t at = 0; at + 2 <= size && at < 2000; at += 2)
		step(&rig, data[at], data[at + 1]);
	return 0;
}
