/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/listen_expand.h"

#include <uv.h>

#include "controlplane/proto/ip_scope.h"

static struct listen_ip ip_of(const uv_interface_address_t *interface)
{
	struct listen_ip ip = { .len = 4 };

	if (interface->address.address4.sin_family == AF_INET) {
		memcpy(ip.bytes, &interface->address.address4.sin_addr, 4);
		return ip;
	}
	ip.len = 16;
	memcpy(ip.bytes, &interface->address.address6.sin6_addr, 16);
	return ip;
}

static bool has_zone(const struct listen_ip *ip)
{
	return ip->len == 16 && ip_scope(vd_bytes(ip->bytes, ip->len)) == IP_LINK_LOCAL;
}

size_t listen_ips(struct listen_ip *out, size_t max)
{
	uv_interface_address_t *interfaces;
	size_t got = 0;
	int count;

	if (uv_interface_addresses(&interfaces, &count))
		return 0;
	for (int i = 0; i < count && got < max; i++) {
		struct listen_ip ip = ip_of(&interfaces[i]);

		if (!has_zone(&ip))
			out[got++] = ip;
	}
	uv_free_interface_addresses(interfaces, count);
	return got;
}

struct list {
	struct vd_multiaddr *at;
	size_t count, max;
};

static void add(struct list *list, const struct vd_multiaddr *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (vd_multiaddr_equal(&list->at[i], address))
			return;
	if (list->count < list->max)
		list->at[list->count++] = *address;
}

/* The address with this IP in place of its first component's. */
static void add_at(struct list *list, const struct vd_multiaddr *listen, const struct listen_ip *ip)
{
	struct vd_multiaddr at = *listen;
	struct vd_multiaddr_part part;
	size_t rest = 0;

	if (vd_multiaddr_next(listen, &rest, &part) && part.value.len == ip->len) {
		memcpy(at.bytes + rest - ip->len, ip->bytes, ip->len);
		add(list, &at);
	}
}

size_t listen_expand_to(const struct vd_multiaddr *listens, size_t count,
			const struct listen_ip *ips, size_t ip_count, struct vd_multiaddr *out,
			size_t max)
{
	struct list list = { out, 0, max };

	for (size_t i = 0; i < count; i++) {
		if (ip_scope_of(&listens[i]) != IP_UNSPECIFIED) {
			add(&list, &listens[i]);
			continue;
		}
		for (size_t j = 0; j < ip_count; j++)
			add_at(&list, &listens[i], &ips[j]);
	}
	return list.count;
}

size_t listen_expand(const struct vd_multiaddr *listens, size_t count, struct vd_multiaddr *out,
		     size_t max)
{
	struct listen_ip ips[LISTEN_EXPAND_MAX];

	return listen_expand_to(listens, count, ips, listen_ips(ips, LISTEN_EXPAND_MAX), out, max);
}
