/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/announce.h"

#include <stdio.h>
#include <stdlib.h>

#include "controlplane/proto/ip_scope.h"

enum { CODE_IPCIDR = 43, CANDIDATES = 192 };

/* ---- filters ---- */

/* Of a network, no more bits than its family has. */
static enum vd_err check_filter(const struct vd_multiaddr *filter)
{
	struct vd_multiaddr_part ip, cidr;
	size_t at = 0;

	if (!vd_multiaddr_next(filter, &at, &ip) || !vd_multiaddr_next(filter, &at, &cidr) ||
	    cidr.code != CODE_IPCIDR)
		return VD_OK;
	return cidr.value.at[0] <= 8 * ip.value.len && at == filter->len ? VD_OK : VD_EUSER;
}

enum vd_err announce_filter_of_text(const char *text, struct vd_multiaddr *filter_out)
{
	char network[80];
	const char *slash = strchr(text, '/');
	struct vd_multiaddr filter;
	int len = snprintf(network, sizeof network, "%s", text);
	enum vd_err err;

	if (slash && slash != text)
		len = snprintf(network, sizeof network, "/%s/%.*s/ipcidr/%s",
			       strchr(text, ':') ? "ip6" : "ip4", (int)(slash - text), text,
			       slash + 1);
	if (!slash || (slash != text && (size_t)len >= sizeof network))
		return VD_EUSER;
	err = vd_multiaddr_of_text(slash == text ? text : network, &filter);
	if (!err)
		err = check_filter(&filter);
	if (!err)
		*filter_out = filter;
	return err;
}

static bool has_prefix(struct vd_bytes ip, struct vd_bytes network, uint8_t bits)
{
	uint8_t whole = bits / 8, rest = bits % 8;

	if (ip.len != network.len || bits > 8 * ip.len || memcmp(ip.at, network.at, whole) != 0)
		return false;
	return !rest || !((ip.at[whole] ^ network.at[whole]) >> (8 - rest));
}

static bool is_filtered_by(const struct vd_multiaddr *address, const struct vd_multiaddr *filter)
{
	struct vd_multiaddr_part ip, network, cidr;
	size_t at = 0, filter_at = 0;

	if (!vd_multiaddr_next(filter, &filter_at, &network) ||
	    !vd_multiaddr_next(filter, &filter_at, &cidr) || cidr.code != CODE_IPCIDR)
		return vd_multiaddr_equal(address, filter);
	return vd_multiaddr_next(address, &at, &ip) && ip.code == network.code &&
	       has_prefix(ip.value, network.value, cidr.value.at[0]);
}

static bool is_filtered(const struct vd_multiaddr *address, const struct announce_rules *rules)
{
	for (size_t i = 0; i < rules->filter_count; i++)
		if (is_filtered_by(address, &rules->filters[i]))
			return true;
	return false;
}

/* ---- what others can use ---- */

bool announce_can_be_dialled(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;

	switch (ip_scope_of(address)) {
	case IP_UNSPECIFIED:
	case IP_LINK_LOCAL:
	case IP_MULTICAST: return false;
	default: break;
	}
	for (size_t at = 0; vd_multiaddr_next(address, &at, &part);) {
		if (part.code == VD_MA_VIADUCT)
			return false;
		if ((part.code == VD_MA_TCP || part.code == VD_MA_UDP) &&
		    !vd_be16_load(part.value.at))
			return false;
	}
	return address->len;
}

/* Names (IP_NONE) may reach anybody, as public addresses do. */
static unsigned reach_of(const struct vd_multiaddr *address)
{
	switch (ip_scope_of(address)) {
	case IP_LOOPBACK: return 2;
	case IP_PRIVATE:
	case IP_RESERVED: return 1;
	default: return 0;
	}
}

static int by_reach(const void *a, const void *b)
{
	const struct vd_multiaddr *const *x = a, *const *y = b;
	unsigned rx = reach_of(*x), ry = reach_of(*y);
	size_t len = (*x)->len < (*y)->len ? (*x)->len : (*y)->len;
	int order;

	if (rx != ry)
		return rx < ry ? -1 : 1;
	order = memcmp((*x)->bytes, (*y)->bytes, len);
	return order ? order : (int)(*x)->len - (int)(*y)->len;
}

/* ---- all together ---- */

struct candidates {
	const struct vd_multiaddr *at[CANDIDATES];
	size_t count;
};

static void add(struct candidates *to, const struct announce_rules *rules,
		const struct vd_multiaddr *addresses, size_t count)
{
	for (size_t i = 0; i < count && to->count < CANDIDATES; i++)
		if (announce_can_be_dialled(&addresses[i]) && !is_filtered(&addresses[i], rules))
			to->at[to->count++] = &addresses[i];
}

/* In order, each once, while there is room. */
static void take(const struct candidates *from, struct announced *out)
{
	size_t bytes = 0;

	for (size_t i = 0; i < from->count && out->count < ANNOUNCE_MAX; i++) {
		const struct vd_multiaddr *address = from->at[i];

		if (i && vd_multiaddr_equal(address, from->at[i - 1]))
			continue;
		if (bytes + address->len > ANNOUNCE_BYTES)
			continue;
		bytes += address->len;
		out->local += reach_of(address) < 2;
		out->at[out->count++] = *address;
	}
}

void announce(const struct announce_rules *rules, const struct vd_multiaddr *listens,
	      size_t listen_count, const struct vd_multiaddr *observed, size_t observed_count,
	      struct announced *out)
{
	struct candidates all;

	all.count = 0;
	out->count = out->local = 0;
	if (rules->announce_count) {
		add(&all, rules, rules->announce, rules->announce_count);
	} else {
		add(&all, rules, observed, observed_count);
		add(&all, rules, listens, listen_count);
	}
	add(&all, rules, rules->also, rules->also_count);
	qsort(all.at, all.count, sizeof *all.at, by_reach);
	take(&all, out);
}

bool announced_equal(const struct announced *a, const struct announced *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!vd_multiaddr_equal(&a->at[i], &b->at[i]))
			return false;
	return true;
}
