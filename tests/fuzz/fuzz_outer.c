/* Targets: dataplane/outer.c, the parse of Ethernet, IP and UDP headers */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>

#include "dataplane/outer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_udp_addr local, remote;
	struct dp_outer outer;
	size_t ip = dp_outer_guess(data, size, &remote, &local);

	if (ip && (ip + 20 > size || (data[ip] >> 4 != 4 && data[ip] >> 4 != 6)))
		abort();
	if (dp_outer_parse(data, size, 4001, &outer) != DP_OUTER_OK)
		return 0;
	/* what it says lies within the bytes */
	if (outer.len == 0 || (size_t)outer.at + outer.len > size)
		abort();
	/* and both read the same ends */
	const struct vd_udp_addr guessed = remote;
	local = dp_outer_local(data, &outer);
	remote = dp_outer_remote(data, &outer);
	if (ip != outer.l3 || memcmp(&guessed, &remote, sizeof remote) != 0)
		abort();
	if (local.port != 4001 || vd_udp_addr_is_ip4(&remote) != (outer.version == 4))
		abort();
	return 0;
}
