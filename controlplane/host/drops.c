/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/drops.h"

#include <stdio.h>
#include <string.h>

/* The row of `why`; of none, the one told longest ago. */
static size_t row_of(const struct host_drops *drops, const char *why)
{
	size_t oldest = 0;

	for (size_t i = 0; i < HOST_DROP_REASONS; i++) {
		if (strncmp(drops->rows[i].why, why, HOST_DROP_WHY - 1) == 0)
			return i;
		if (drops->rows[i].told < drops->rows[oldest].told)
			oldest = i;
	}
	return oldest;
}

bool host_drops_is_news(struct host_drops *drops, const char *why, vd_ns now, uint64_t *since_out)
{
	size_t i = row_of(drops, why);
	bool known =
	    drops->rows[i].told && strncmp(drops->rows[i].why, why, HOST_DROP_WHY - 1) == 0;

	if (known && now < drops->rows[i].told + VD_SECONDS(HOST_DROP_S)) {
		drops->rows[i].since++;
		return false;
	}
	*since_out = known ? drops->rows[i].since : 0;
	snprintf(drops->rows[i].why, HOST_DROP_WHY, "%s", why);
	drops->rows[i].told = now;
	drops->rows[i].since = 0;
	return true;
}
