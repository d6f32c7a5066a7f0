/* Targets: controlplane/proto/name_walk.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lines: the address asked for, then TXT records; an empty line ends a lookup's answer. */
#include <stdlib.h>

#include "controlplane/proto/name_walk.h"

static struct name_walk walk;
static unsigned found;

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static struct vd_bytes next_line(struct vd_bytes *in)
{
	const uint8_t *end = in->len ? memchr(in->at, '\n', in->len) : NULL;
	size_t len = end ? (size_t)(end - in->at) : in->len;
	struct vd_bytes line = vd_bytes(in->at, len);

	*in = end ? vd_bytes(end + 1, in->len - len - 1) : vd_bytes(NULL, 0);
	return line;
}

/* An address that comes out is one, has no name, and survives its text. */
static void check(const struct vd_multiaddr *address)
{
	char text[VD_MULTIADDR_TEXT];
	struct vd_multiaddr again;

	expect(!name_walk_needed(address));
	expect(!vd_multiaddr_of_text(vd_multiaddr_text(address, text), &again));
	expect(vd_multiaddr_equal(address, &again));
	expect(++found <= NAME_WALK_ADDRESSES);
}

static void answer(unsigned step, const struct name_lookup *lookup, struct vd_bytes *in)
{
	static const uint8_t ip[16] = { 0x20, 1 };
	struct vd_multiaddr address;
	struct vd_bytes line;

	if (lookup->kind != NAME_TXT) {
		if (name_walk_ip(&walk, step, vd_bytes(ip, lookup->kind == NAME_A ? 4 : 16),
				 &address))
			check(&address);
	} else {
		while ((line = next_line(in)).len)
			if (name_walk_txt(&walk, step, line, &address))
				check(&address);
	}
	name_walk_done(&walk, step, in->len % 3 ? VD_OK : VD_ENOTFOUND, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_bytes in = vd_bytes(data, size), line = next_line(&in);
	char text[VD_MULTIADDR_TEXT], why[NAME_WALK_WHY];
	struct vd_multiaddr asked;
	struct name_lookup lookup;
	unsigned step, steps = 0;

	if (!line.len || line.len >= sizeof text || memchr(line.at, 0, line.len))
		return 0;
	memcpy(text, line.at, line.len);
	text[line.len] = 0;
	if (vd_multiaddr_of_text(text, &asked) || name_walk_init(&walk, &asked))
		return 0;
	found = 0;
	while (name_walk_next(&walk, &step, &lookup)) {
		expect(++steps <= NAME_WALK_LOOKUPS);
		expect(strlen(lookup.name) < NAME_WALK_NAME);
		answer(step, &lookup, &in);
	}
	expect(name_walk_ended(&walk));
	expect((name_walk_err(&walk) == VD_OK) == (found > 0));
	expect(strlen(name_walk_why(&walk, why)) < NAME_WALK_WHY);
	return 0;
}
