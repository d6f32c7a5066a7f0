/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * local_content: the content router that asks nobody: the table of providers (dht/provider_table.h)
 * that this node keeps, itself among them once it provides. It answers within the call.
 *
 * Threads: the table's. Memory: the caller's; the table is kept until the last call.
 */
#include "controlplane/host/content_router.h"
#include "dht/provider_table.h"

#define LOCAL_CONTENT_HOLDS VD_SECONDS(48 * 3600) /* as kad-dht's provider records */

struct local_content {
	struct content_router router;
	struct dht_provider_table *table;
	struct vd_peer_id self;
};

void local_content_init(struct local_content *local, struct dht_provider_table *table,
			const struct vd_peer_id *self);
