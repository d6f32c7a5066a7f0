/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/overlay.h"

#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b)
{
	const struct sw_overlay_route *x = a, *y = b;

	return memcmp(x->address, y->address, sizeof x->address);
}

struct sw_overlay *sw_overlay_new(const uint8_t self[SW_IPV6_ADDR],
				  const struct sw_overlay_route *routes, uint32_t count)
{
	struct sw_overlay *overlay = calloc(1, sizeof *overlay + count * sizeof *routes);

	if (!overlay)
		return NULL;
	memcpy(overlay->self, self, sizeof overlay->self);
	overlay->count = count;
	if (count == 0)
		return overlay;
	memcpy(overlay->routes, routes, count * sizeof *routes);
	qsort(overlay->routes, count, sizeof *routes, by_address);
	return overlay;
}

static void reclaim(struct rcu_head *head)
{
	sw_rcu_reclaiming();
	free(caa_container_of(head, struct sw_overlay, rcu));
}

void sw_overlay_retire(struct sw_overlay *overlay)
{
	if (overlay)
		sw_rcu_retire(&overlay->rcu, reclaim);
}

const struct sw_overlay_route *sw_overlay_find(const struct sw_overlay *overlay,
					       const uint8_t address[SW_IPV6_ADDR])
{
	uint32_t low = 0, high = overlay->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct sw_overlay_route *route = &overlay->routes[middle];
		int order = memcmp(address, route->address, SW_IPV6_ADDR);

		if (order == 0)
			return route;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
