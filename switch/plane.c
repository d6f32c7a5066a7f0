/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/plane.h"

#include <stdlib.h>
#include <string.h>

#include "switch/label.h"

static void *zeroed_lines(size_t count, size_t size)
{
	size_t bytes = (count * size + SW_CACHE_LINE - 1) & ~(size_t)(SW_CACHE_LINE - 1);
	void *at = aligned_alloc(SW_CACHE_LINE, bytes);

	return at ? memset(at, 0, bytes) : NULL;
}

static bool in_range(const struct sw_plane_config *config)
{
	bool width_ok =
	    config->width == 0 || (config->width >= SW_WIDTH_MIN && config->width <= SW_WIDTH_MAX);

	return config->workers >= 1 && config->workers <= SW_WORKERS_MAX && width_ok &&
	       config->links_max >= 1 && config->links_max <= 1u << SW_SLOT_BITS &&
	       config->sessions_max <= 1u << SW_SLOT_BITS;
}

ON_CONTROL static enum vd_err init_tables(struct sw_plane *plane)
{
	const struct sw_plane_config *config = &plane->config;
	enum vd_err err = sw_link_table_init(&plane->links, config->links_max);

	plane->links.delivery_per_s = config->delivery_per_s;
	if (!err && config->width)
		err = sw_director_table_init(&plane->directors, config->width);
	if (!err)
		err = sw_session_table_init(&plane->sessions, config->sessions_max);
	return err;
}

static enum vd_err init_lanes(struct sw_plane *plane)
{
	unsigned workers = plane->config.workers;
	enum vd_err err = VD_OK;

	plane->between = zeroed_lines(workers * workers, sizeof *plane->between);
	plane->punts = zeroed_lines(workers * SW_PUNT_LANES, sizeof *plane->punts);
	plane->injects = zeroed_lines(workers, sizeof *plane->injects);
	plane->captures = zeroed_lines(workers, sizeof *plane->captures);
	if (!plane->between || !plane->punts || !plane->injects || !plane->captures)
		return VD_ENOMEM;
	for (unsigned i = 0; i < workers * workers && !err; i++)
		err = sw_lane_init(&plane->between[i], SW_LANE_PACKETS, sizeof(struct sw_packet));
	for (unsigned i = 0; i < workers * SW_PUNT_LANES && !err; i++)
		err = sw_lane_init(&plane->punts[i], SW_LANE_PUNTS, sizeof(struct sw_punt));
	for (unsigned i = 0; i < workers && !err; i++)
		err = sw_lane_init(&plane->injects[i], SW_LANE_INJECTS, sizeof(struct sw_inject));
	for (unsigned i = 0; i < workers && !err; i++)
		err =
		    sw_lane_init(&plane->captures[i], SW_LANE_CAPTURES, sizeof(struct sw_captured));
	return err;
}

static enum vd_err init_wakes(struct sw_plane *plane)
{
	unsigned workers = plane->config.workers;

	plane->control_wake.fd = -1;
	plane->worker_wakes = zeroed_lines(workers, sizeof *plane->worker_wakes);
	if (!plane->worker_wakes)
		return VD_ENOMEM;
	for (unsigned i = 0; i < workers; i++)
		plane->worker_wakes[i].fd = -1;
	enum vd_err err = sw_wake_init(&plane->control_wake);
	for (unsigned i = 0; i < workers && !err; i++)
		err = sw_wake_init(&plane->worker_wakes[i]);
	return err;
}

enum vd_err sw_plane_init(struct sw_plane *plane, const struct sw_plane_config *config)
{
	if (!in_range(config))
		return VD_EUSER;
	*plane = (struct sw_plane){ .config = *config, .control_wake.fd = -1 };
	enum vd_err err = init_tables(plane);
	if (!err)
		err = init_lanes(plane);
	if (!err)
		err = init_wakes(plane);
	if (!err) {
		plane->counters = zeroed_lines(config->workers, sizeof *plane->counters);
		err = plane->counters ? VD_OK : VD_ENOMEM;
	}
	if (err)
		sw_plane_fini(plane);
	return err;
}

static void fini_lanes(struct sw_lane *lanes, unsigned count)
{
	for (unsigned i = 0; lanes && i < count; i++)
		sw_lane_fini(&lanes[i]);
	free(lanes);
}

void sw_plane_fini(struct sw_plane *plane)
{
	unsigned workers = plane->config.workers;

	sw_rcu_barrier(); /* what was retired is wiped and freed before its table goes */
	free(sw_rcu_swap(&plane->neighbours, NULL));
	free(sw_rcu_swap(&plane->overlay, NULL));
	for (unsigned i = 0; plane->worker_wakes && i < workers; i++)
		if (plane->worker_wakes[i].fd >= 0)
			sw_wake_fini(&plane->worker_wakes[i]);
	if (plane->control_wake.fd >= 0)
		sw_wake_fini(&plane->control_wake);
	free(plane->worker_wakes);
	free(plane->counters);
	fini_lanes(plane->between, workers * workers);
	fini_lanes(plane->punts, workers * SW_PUNT_LANES);
	fini_lanes(plane->injects, workers);
	fini_lanes(plane->captures, workers);
	sw_session_table_fini(&plane->sessions);
	if (plane->directors.width)
		sw_director_table_fini(&plane->directors);
	sw_link_table_fini(&plane->links);
	*plane = (struct sw_plane){ .control_wake.fd = -1 };
}
