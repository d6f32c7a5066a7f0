/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/local_content.h"

static vd_ns unix_now(void)
{
	return vd_unix_ms() * VD_NS_PER_MS;
}

static enum vd_err find(struct content_router *router, struct content_search *search)
{
	const struct local_content *local = (struct local_content *)router;
	struct content_provider found[DHT_PROVIDERS_KEY] = { 0 };
	struct dht_provider providers[DHT_PROVIDERS_KEY];
	size_t max = search->wanted && search->wanted < DHT_PROVIDERS_KEY ? search->wanted
									  : DHT_PROVIDERS_KEY;
	size_t count = dht_provider_table_find(local->table, vd_cid_multihash(&search->cid),
					       unix_now(), providers, max);

	for (size_t i = 0; i < count; i++)
		found[i].peer = providers[i].peer;
	if (count)
		search->found(search, found, count);
	return VD_OK;
}

static enum vd_err provide(struct content_router *router, struct content_provide *provide)
{
	const struct local_content *local = (struct local_content *)router;
	enum vd_err err = dht_provider_table_add(local->table, vd_cid_multihash(&provide->cid),
						 &local->self, unix_now() + LOCAL_CONTENT_HOLDS);

	return err == VD_EPEER_RANGE ? VD_EUSER : err;
}

static const struct content_router_class class = {
	.name = "local",
	.holds = LOCAL_CONTENT_HOLDS,
	.find = find,
	.provide = provide,
};

void local_content_init(struct local_content *local, struct dht_provider_table *table,
			const struct vd_peer_id *self)
{
	*local = (struct local_content){ { &class }, table, *self };
}
