/* Targets: dataplane/outer.c, the parse of Ethernet, IP and UDP headers */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "dataplane/outer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dp_outer outer;

	if (dp_outer_parse(data, size, 4001, &outer) != DP_OUTER_OK)
		return 0;
	/* what it says lies within the bytes */
	if (outer.len == 0 || (size_t)outer.at + outer.len > size)
		abort();
	struct vd_udp_addr local = dp_outer_local(data, &outer);
	struct vd_udp_addr remote = dp_outer_remote(data, &outer);
	if (local.port != 4001 || vd_udp_addr_is_ip4(&remote) != (outer.version == 4))
		abort();
	return 0;
}
