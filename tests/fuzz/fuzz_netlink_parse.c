/* Targets: controlplane/loop/netlink_parse.c, and netmap's answers after it */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/loop/netlink_parse.h"

/*
 * Messages one after the other, each of a byte that chooses its type, a flag, a length and its
 * body: the kernel is trusted, but a message that is cut or of a later kernel must not crash.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static const uint16_t types[] = { RTM_NEWLINK,  RTM_DELLINK,  RTM_NEWADDR,  RTM_DELADDR,
				  RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEIGH, RTM_DELNEIGH };

/* An exact allocation, so that a byte read behind it is found. */
static void apply(struct cp_netmap *map, uint16_t type, bool replace, const uint8_t *body,
		  size_t len)
{
	struct nlmsghdr *message = (struct nlmsghdr *)calloc(1, sizeof *message + len);
	bool stale = false;
	enum vd_err err;

	expect(message != NULL);
	message->nlmsg_len = (uint32_t)(sizeof *message + len);
	message->nlmsg_type = type;
	message->nlmsg_flags = replace ? NLM_F_REPLACE : 0;
	memcpy(message + 1, body, len);
	err = cp_netlink_apply(map, message, &stale);
	expect(err == VD_OK || err == VD_EPEER_FORMAT || err == VD_ELIMIT);
	free(message);
}

static void ask(const struct cp_netmap *map)
{
	static const uint8_t remotes[][16] = { { [10] = 0xff, 0xff, 198, 18, 0, 2 },
					       { 0xfd, [15] = 2 },
					       { 0 } };
	struct cp_way way;

	for (unsigned i = 0; i < sizeof remotes / sizeof remotes[0]; i++) {
		if (cp_netmap_way(map, remotes[i], &way) == VD_OK)
			expect(way.ifindex != 0 || way.local);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cp_netmap *map;
	size_t at = 0;

	expect(cp_netmap_new(&map) == VD_OK);
	while (at + 2 <= size) {
		unsigned what = data[at], len = data[at + 1];

		at += 2;
		len = len < size - at ? len : (unsigned)(size - at);
		apply(map, types[what % 8], what & 0x80, data + at, len);
		at += len;
	}
	ask(map);
	cp_netmap_free(map);
	return 0;
}
