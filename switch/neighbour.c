/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/neighbour.h"

#include <stdlib.h>
#include <string.h>

struct sw_neighbours *sw_neighbours_new(const struct sw_neighbour *rows, uint32_t count)
{
	struct sw_neighbours *table = calloc(1, sizeof *table + count * sizeof *rows);

	if (!table)
		return NULL;
	table->count = count;
	if (count)
		memcpy(table->rows, rows, count * sizeof *rows);
	return table;
}

static void reclaim(struct rcu_head *head)
{
	sw_rcu_reclaiming();
	free(caa_container_of(head, struct sw_neighbours, rcu));
}

void sw_neighbours_retire(struct sw_neighbours *table)
{
	if (table)
		sw_rcu_retire(&table->rcu, reclaim);
}
