/* Targets: controlplane/proto/peering*.c, seal_consume, ping_read */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "multigram/frame.h"
#include "switch/packet.h"
#include "tests/unit/proto/peering_net.h"

/*
 * Two machines that are up; the input is a list of steps, each of them one byte of what and
 * two bytes of length, then that many bytes:
 *
 *	0  a frame from the network        3  a plaintext inside a sealed frame of the peer
 *	1  the same, to our index          4  time passes: length / 64 seconds
 *	2  the same, over another path      5  something the host does (`calls`), to which node, how
 *
 * The first byte of all chooses links or sessions, and (2) whether the first machine is under
 * load, so that it asks for cookies, and (4) whether public-key work takes time.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void raw(struct net *net, unsigned what, struct vd_bytes bytes)
{
	uint8_t frame[2100];
	struct peering_path path = net_path(1);
	const struct net_generation *current = net_current(net, 0, 1);

	if (bytes.len > sizeof frame)
		return;
	memcpy(frame, bytes.at, bytes.len);
	if (what == 2)
		path.bytes[0] = 9;
	if (what == 1 && bytes.len >= 10 && current)
		vd_be32_store(frame + (frame[0] == MG_HANDSHAKE ? 6 : 1), current->index);
	(void)net_inject(net, 0, path, vd_bytes(frame, bytes.len));
}

static void inner(struct net *net, struct vd_bytes plain)
{
	const struct net_generation *current = net_current(net, 1, 0);

	if (!current)
		return;
	if (net->nodes[0].config.kind == PEERING_SESSION) {
		(void)peering_recv_inner(net->nodes[0].peering, current->keys.remote_index, NULL,
					 plain, net->now);
		net_drain(net, 0);
	} else if (plain.len > 0 && plain.at[0] == MG_CONTROL) {
		(void)peering_send_control(net->nodes[1].peering, &net->nodes[0].identity.id,
					   vd_bytes(plain.at + 1, plain.len - 1), net->now);
		net_drain(net, 1);
		net_run(net, VD_MS(50));
	}
}

/* A data frame of the peer's as this host may see it: under an index, over a path. */
static void data_plane(struct net *net, unsigned node, unsigned how)
{
	struct peering *peering = net->nodes[node].peering;
	const struct net_generation *current = net_current(net, node, !node);
	uint32_t index = how & 0x40 || !current ? how : current->index;
	struct peering_path path = { .bytes = { how & 1 ? 9 : (uint8_t)(!node + 1),
						how >> 1 & 1 } };
	uint8_t head[PEERING_HEAD_BYTES] = { MG_SWITCH };

	vd_be32_store(head + 1, index);
	vd_be64_store(head + 5, how);
	switch (how >> 2 & 7) {
	case 0:
		net->nodes[node].rx_bytes[path.bytes[0]] += SW_HEADER; /* what it is about */
		(void)peering_unknown(peering, &path, head, net->now);
		break;
	case 1:
	case 2:
		if (net->nodes[node].config.kind == PEERING_SESSION)
			break;
		net->nodes[node].rx_bytes[path.bytes[0]] += how + 42; /* and the first challenge */
		peering_moved(peering, index, &path, how, net->now);
		break;
	case 3: peering_verified(peering, index, net->now); break;
	case 4: peering_carried(peering, index, net->now); break;
	case 5: (void)peering_rekey(peering, index, net->now); break;
	default: (void)net_data(net, node, !node); break;
	}
}

static void calls(struct net *net, unsigned node, unsigned what, unsigned how)
{
	struct peering *peering = net->nodes[node].peering;
	const struct vd_peer_id *peer = &net->nodes[!node].identity.id;
	struct peering_path path = { .bytes = { (uint8_t)(!node + 1), how & 1 } };

	switch (what % 8) {
	case 0:
	case 1: data_plane(net, node, how); break;
	case 2: (void)peering_dial(peering, peer, &path, net->now); break;
	case 3: peering_undial(peering, peer, net->now); break;
	case 4: (void)peering_move(peering, peer, &path); break;
	case 5: (void)peering_ping(peering, peer, net->now); break;
	case 6:
		peering_close(peering, peer, (enum control_status)(how % 6), "fuzz", net->now);
		break;
	default: net->nodes[node].refuses = how & 1; break;
	}
	net_drain(net, node);
}

static void run(struct net *net, struct vd_read *r)
{
	for (unsigned steps = 0; steps < 64 && vd_read_left(r) >= 3; steps++) {
		unsigned what = vd_read_u8(r) % 6;
		size_t len = vd_read_be16(r), left = vd_read_left(r);

		if (what == 4) {
			net_run(net, VD_SECONDS(len / 64));
			continue;
		}
		if (what == 5) {
			calls(net, (unsigned)len >> 15, (unsigned)len >> 8, len & 0xff);
			continue;
		}

		struct vd_bytes bytes = vd_read_bytes(r, len < left ? len : left);

		if (what == 3)
			inner(net, bytes);
		else
			raw(net, what, bytes);
	}
}

/* Its own message 1 of before, with another e each time, from many strangers. */
static void load(struct net *net, const struct net_frame *first)
{
	enum { LOAD = 64, E_AT = 10 };
	struct net_frame frame = *first;

	for (unsigned i = 0; i < LOAD; i++) {
		struct peering_path path = { .bytes = { NET_NOBODY, (uint8_t)i } };

		frame.bytes[E_AT]++;
		(void)net_inject(net, 0, path, vd_bytes(frame.bytes, frame.len));
	}
	expect(net->nodes[0].indices_out >= LOAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_frame first;
	unsigned how;
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	struct net *net;

	if (size < 1 || vd_init())
		return 0;
	net_seed(1);
	how = vd_read_u8(&r);
	net = net_new(how & 1 ? PEERING_SESSION : PEERING_LINK, 1);
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	first = net->frames[0];
	expect(net_run_until(net, net_both_up, VD_SECONDS(1)));
	if (how & 2)
		load(net, &first);
	if (how & 4)
		net->job_delay = VD_MS(1500);
	run(net, &r);
	for (unsigned i = 0; i < 2; i++)
		expect(net->nodes[i].broken == NULL);
	expect(net->nodes[0].tx_bytes[9] <= net->nodes[0].rx_bytes[9]);
	net_free(net);
	return 0;
}
