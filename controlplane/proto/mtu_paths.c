/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/mtu_paths.h"

#include <string.h>

static struct mtu_path *find(struct mtu_paths *mps, const struct peering_path *path)
{
	for (unsigned i = 0; i < MTU_PATHS; i++)
		if (mps->at[i].probe.state != MTU_DISABLED &&
		    memcmp(&mps->at[i].path, path, sizeof *path) == 0)
			return &mps->at[i];
	return NULL;
}

/* A free row, or the one in use longest ago. */
static struct mtu_path *take(struct mtu_paths *mps)
{
	struct mtu_path *oldest = &mps->at[0];

	for (unsigned i = 0; i < MTU_PATHS; i++) {
		if (mps->at[i].probe.state == MTU_DISABLED)
			return &mps->at[i];
		if (mps->at[i].used < oldest->used)
			oldest = &mps->at[i];
	}
	return oldest;
}

struct mtu_probe *mtu_paths_find(struct mtu_paths *mps, const struct peering_path *path)
{
	struct mtu_path *row = find(mps, path);

	return row ? &row->probe : NULL;
}

struct mtu_probe *mtu_paths_use(struct mtu_paths *mps, const struct peering_path *path,
				uint32_t max, vd_ns now)
{
	struct mtu_path *row = find(mps, path);
	bool again = row && !(mps->any && row == &mps->at[mps->current]);

	if (!row) {
		row = take(mps);
		*row = (struct mtu_path){ .path = *path };
		mtu_probe_begin(&row->probe, max, now);
	}
	mtu_probe_limit(&row->probe, max, now);
	if (again)
		mtu_probe_resume(&row->probe, now);
	row->used = now;
	mps->current = (uint8_t)(row - mps->at);
	mps->any = true;
	return &row->probe;
}

struct mtu_probe *mtu_paths_current(struct mtu_paths *mps)
{
	return mps->any ? &mps->at[mps->current].probe : NULL;
}
