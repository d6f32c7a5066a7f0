/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * listen_expand: from the addresses that we listen on to those that others can dial: a wildcard
 * (0.0.0.0, ::) stands for each address of its family that an interface has, loopback too. Who
 * tells them to others leaves out what does not reach there (proto/ip_scope.h).
 *
 * Any thread; asks the kernel each time.
 */
#include "base/formats/multiaddr.h"

enum { LISTEN_EXPAND_MAX = 64 };

struct listen_ip {
	uint8_t len; /* 4 or 16 */
	uint8_t bytes[16];
};

/* Addresses of interfaces that are up; IPv6 link-local ones, which have no zone here, left out. */
size_t listen_ips(struct listen_ip *out, size_t max);

/* At most `max` addresses, each once, wildcards at `ips`. */
size_t listen_expand_to(const struct vd_multiaddr *listens, size_t count,
			const struct listen_ip *ips, size_t ip_count, struct vd_multiaddr *out,
			size_t max);
/* At all of listen_ips. */
size_t listen_expand(const struct vd_multiaddr *listens, size_t count, struct vd_multiaddr *out,
		     size_t max);
