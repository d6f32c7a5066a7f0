/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/ip_scope.h"

#include "base/udp_addr.h"

struct row {
	uint8_t prefix[16];
	uint8_t bits;
	enum ip_scope scope;
};

/* The first row that holds the address counts. */
static const struct row ip4_rows[] = {
	{ { 0, 0, 0, 0 }, 32, IP_UNSPECIFIED },
	{ { 0 }, 8, IP_RESERVED },             /* RFC 791, "this network" */
	{ { 10 }, 8, IP_PRIVATE },             /* RFC 1918 */
	{ { 100, 64 }, 10, IP_PRIVATE },       /* RFC 6598, carriers' NATs */
	{ { 127 }, 8, IP_LOOPBACK },           /* RFC 1122 */
	{ { 169, 254 }, 16, IP_LINK_LOCAL },   /* RFC 3927 */
	{ { 172, 16 }, 12, IP_PRIVATE },       /* RFC 1918 */
	{ { 192, 0, 0 }, 24, IP_RESERVED },    /* RFC 6890 */
	{ { 192, 0, 2 }, 24, IP_RESERVED },    /* RFC 5737, documentation */
	{ { 192, 88, 99 }, 24, IP_RESERVED },  /* RFC 7526 */
	{ { 192, 168 }, 16, IP_PRIVATE },      /* RFC 1918 */
	{ { 198, 18 }, 15, IP_RESERVED },      /* RFC 2544, benchmarks */
	{ { 198, 51, 100 }, 24, IP_RESERVED }, /* RFC 5737 */
	{ { 203, 0, 113 }, 24, IP_RESERVED },  /* RFC 5737 */
	{ { 224 }, 4, IP_MULTICAST },          /* RFC 5771 */
	{ { 255, 255, 255, 255 }, 32, IP_MULTICAST },
	{ { 240 }, 4, IP_RESERVED }, /* RFC 1112 */
	{ { 0 }, 0, IP_PUBLIC },
};

static const struct row ip6_rows[] = {
	{ { 0 }, 128, IP_UNSPECIFIED },
	{ { [15] = 1 }, 128, IP_LOOPBACK },
	{ { 0xfc }, 7, IP_PRIVATE },                     /* RFC 4193 */
	{ { 0xfe, 0x80 }, 10, IP_LINK_LOCAL },           /* RFC 4291 */
	{ { 0xff }, 8, IP_MULTICAST },                   /* RFC 4291 */
	{ { 0x01 }, 64, IP_RESERVED },                   /* RFC 6666, discard */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, IP_RESERVED }, /* RFC 3849, documentation */
	{ { 0 }, 0, IP_PUBLIC },
};

static bool holds(const struct row *row, const uint8_t *ip)
{
	uint8_t whole = row->bits / 8, rest = row->bits % 8;

	if (memcmp(row->prefix, ip, whole) != 0)
		return false;
	return !rest || !((row->prefix[whole] ^ ip[whole]) >> (8 - rest));
}

static enum ip_scope look_up(const struct row *row, const uint8_t *ip)
{
	while (!holds(row, ip)) /* the last row holds every address */
		row++;
	return row->scope;
}

enum ip_scope ip_scope(struct vd_bytes ip)
{
	if (ip.len == 4)
		return look_up(ip4_rows, ip.at);
	if (ip.len != 16)
		return IP_NONE;
	if (vd_ip_is_ip4(ip.at))
		return look_up(ip4_rows, ip.at + 12);
	return look_up(ip6_rows, ip.at);
}

enum ip_scope ip_scope_of(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	if (!vd_multiaddr_next(address, &at, &part) ||
	    (part.code != VD_MA_IP4 && part.code != VD_MA_IP6))
		return IP_NONE;
	return ip_scope(part.value);
}

bool ip_scope_leads(enum ip_scope scope, enum ip_scope remote)
{
	if (remote == IP_LOOPBACK || scope == IP_NONE)
		return true;
	if (remote == IP_PUBLIC)
		return scope == IP_PUBLIC;
	return scope != IP_LOOPBACK;
}

bool ip_scope_is_private(enum ip_scope scope)
{
	return scope == IP_LOOPBACK || scope == IP_LINK_LOCAL || scope == IP_PRIVATE;
}
