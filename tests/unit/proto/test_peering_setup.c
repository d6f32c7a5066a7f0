/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Setup inside sealed frames: what is granted later, and what is told of unknown indices. */

#include "multigram/frame.h"
#include "multigram/setup_op.h"
#include "tests/unit/proto/peering_two.h"

/* A plaintext of the peer's data plane arrives at node 0 (sessions). */
static enum vd_err hear(struct net *net, const void *plain, size_t len)
{
	uint32_t index = net_current(net, 0, 1)->index;
	enum vd_err err =
	    peering_recv_inner(net->nodes[0].peering, index, NULL, vd_bytes(plain, len), net->now);

	return err;
}

static struct mg_op setup_answer(struct net *net, uint8_t bytes[1400])
{
	struct peering_event event = peering_next(net->nodes[0].peering);
	struct vd_bytes rest;
	struct mg_op op;

	if (event.kind == PEERING_GRANTED)
		event = peering_next(net->nodes[0].peering);

	cr_assert(eq(int, event.kind, PEERING_SEND_INNER));
	memcpy(bytes, event.frame.at, event.frame.len);
	cr_assert(zero(u8, bytes[0]));
	cr_assert(eq(int, mg_op_read(vd_bytes(bytes + 1, event.frame.len - 1), &op, &rest), VD_OK));
	cr_assert(eq(int, op.kind, MG_OP_ANSWER));
	return op;
}

static size_t offer(uint8_t out[512], uint64_t index, const char *name)
{
	struct vd_write w = vd_write_to(out, 512);
	struct mg_op op = { .kind = MG_OP_OFFER, .id = { 1, 2, 3, 4, 5, 6, 7, 8 } };

	if (name)
		op.entries[op.count++] = (struct mg_op_entry){ index, vd_bytes_of_text(name) };
	vd_write_u8(&w, MG_SETUP);
	cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
	return vd_write_len(&w);
}

Test(peering_setup, an_offer_inside_a_sealed_frame_is_answered_with_what_stands)
{
	struct net *net = two_up(PEERING_SESSION);
	uint8_t in[512], out[1400];
	struct mg_op answer;

	cr_assert(eq(int, hear(net, in, offer(in, 16, "/viaduct/ping/1")), VD_OK));
	answer = setup_answer(net, out);
	cr_assert(eq(sz, answer.count, 1));
	cr_assert(eq(u8, answer.id[7], 8));
	cr_assert(eq(int, hear(net, in, offer(in, 16, "/other")), VD_OK));
	cr_assert(eq(sz, setup_answer(net, out).count, 0), "16 is another's");
	cr_assert(eq(int, hear(net, in, offer(in, 17, "/viaduct/ip6/1")), VD_OK));
	cr_assert(eq(sz, setup_answer(net, out).count, 0), "we do not speak it");
	cr_assert(eq(int, hear(net, in, offer(in, 0, NULL)), VD_OK));
	answer = setup_answer(net, out);
	cr_assert(eq(sz, answer.count, 7), "an offer of nothing lists the table");
	cr_assert(eq(u64, answer.entries[6].index, 16));
	net_drain(net, 0);
	end(net);
}

Test(peering_setup, ping_can_be_agreed_on_later)
{
	struct net *net = net_new(PEERING_SESSION, 1);
	uint8_t in[512], out[1400];
	size_t len;

	net->nodes[1].config.offer[0] = NULL;
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cr_assert(eq(int, hear(net, in, offer(in, 18, "/viaduct/ping/1")), VD_OK));
	cr_assert(eq(sz, setup_answer(net, out).count, 0), "18 is the initiator's to assign");
	len = offer(in, 17, "/viaduct/ping/1");
	memset(in + len, 0, 11);
	in[len] = 17; /* a ping request trails the offer */
	cr_assert(eq(int, hear(net, in, len + 10), VD_OK));
	cr_assert(eq(sz, setup_answer(net, out).count, 1));
	cr_assert(eq(u8, peering_next(net->nodes[0].peering).frame.at[1], 1), "its reply");
	net_drain(net, 0);
	end(net);
}

/* A session whose sides speak /viaduct/ip6/1, too; node 0 initiated. */
static struct net *two_up_with_ip6(void)
{
	struct net *net = net_new(PEERING_SESSION, 1);

	for (unsigned i = 0; i < 2; i++) {
		net->nodes[i].config.offer[0] = "/viaduct/ip6/1";
		net->nodes[i].config.offer[1] = "/viaduct/ping/1";
	}
	net_start(net, 0);
	net_start(net, 1);
	net_dial(net, 0, 1);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	return net;
}

Test(peering_setup, what_is_registered_is_granted_later_under_more_indices)
{
	static const uint8_t granted[] = { 17, 19, 16, 255 };
	struct net *net = two_up_with_ip6();
	uint8_t in[512], out[1400];

	for (unsigned i = 0; i < 4; i++) {
		struct peering_event event;

		cr_assert(eq(int, hear(net, in, offer(in, granted[i], "/viaduct/ip6/1")), VD_OK));
		if (granted[i] != 16) { /* which is there already */
			event = peering_next(net->nodes[0].peering);
			cr_assert(eq(int, event.kind, PEERING_GRANTED),
				  "the data plane hears first");
			cr_assert(eq(u32, event.index, net_current(net, 0, 1)->index));
			cr_assert(eq(u8, event.keys->inner[0][0], 16));
		}
		cr_assert(eq(sz, setup_answer(net, out).count, 1), "%u", granted[i]);
	}
	cr_assert(eq(int, hear(net, in, offer(in, 21, "/viaduct/ip6/1")), VD_OK));
	cr_assert(eq(sz, setup_answer(net, out).count, 0),
		  "four of a name are all there is room for");
	cr_assert(eq(int, hear(net, in, offer(in, 257, "/viaduct/ping/1")), VD_OK));
	cr_assert(eq(sz, setup_answer(net, out).count, 0), "an index has one byte");
	net_drain(net, 0);
	end(net);
}

/* The operation that node 0 sends next, sealed by its data plane; count 99: none. */
static struct mg_op setup_sent(struct net *net, uint8_t bytes[1400])
{
	struct peering_event event = peering_next(net->nodes[0].peering);
	struct mg_op op = { .count = 99 };
	struct vd_bytes rest;

	if (event.kind != PEERING_SEND_INNER)
		return op;
	memcpy(bytes, event.frame.at, event.frame.len);
	cr_assert(zero(u8, bytes[0]));
	cr_assert(eq(int, mg_op_read(vd_bytes(bytes + 1, event.frame.len - 1), &op, &rest), VD_OK));
	return op;
}

Test(peering_setup, an_unknown_inner_index_gets_one_error_a_second)
{
	struct net *net = two_up(PEERING_SESSION);
	uint8_t out[1400];
	struct mg_op op;

	cr_assert(eq(int, hear(net, "\x63\x01", 2), VD_ENOTFOUND));
	op = setup_sent(net, out);
	cr_assert(eq(int, op.kind, MG_OP_ERROR));
	cr_assert(eq(u64, op.err_index, 0x63));
	cr_assert(eq(int, hear(net, "\x64\x01", 2), VD_ENOTFOUND));
	cr_assert(eq(sz, setup_sent(net, out).count, 99), "at most one a second");
	cr_assert(eq(u64, stats(net, 0)->limits[PEERING_LIMIT_SETUP], 1));
	net->now += VD_SECONDS(1);
	cr_assert(eq(int, hear(net, "\x80\x04\x01", 3), VD_ENOTFOUND));
	cr_assert(eq(u64, setup_sent(net, out).err_index, 512), "any index, whole");
	net_drain(net, 0);
	end(net);
}

static size_t error_of(uint8_t out[512], uint64_t index)
{
	struct vd_write w = vd_write_to(out, 512);

	vd_write_u8(&w, MG_SETUP);
	cr_assert(eq(int,
		     mg_op_write(&w, &(struct mg_op){ .kind = MG_OP_ERROR, .err_index = index }),
		     VD_OK));
	return vd_write_len(&w);
}

Test(peering_setup, what_the_peer_lacks_is_offered_again_once_a_second)
{
	struct net *net = two_up(PEERING_SESSION);
	uint8_t in[512], out[1400];
	struct mg_op op;

	cr_assert(eq(int, hear(net, in, error_of(in, 16)), VD_OK));
	op = setup_sent(net, out);
	cr_assert(eq(int, op.kind, MG_OP_OFFER));
	cr_assert(eq(sz, op.count, 1));
	cr_assert(eq(u64, op.entries[0].index, 16));
	cr_assert(vd_bytes_equal(op.entries[0].name, vd_bytes_of_text("/viaduct/ping/1")));
	cr_assert(eq(int, hear(net, in, error_of(in, 16)), VD_OK));
	cr_assert(eq(sz, setup_sent(net, out).count, 99), "at most one a second");
	net->now += VD_SECONDS(1);
	cr_assert(eq(int, hear(net, in, error_of(in, 18)), VD_OK));
	cr_assert(eq(int, hear(net, in, error_of(in, 8)), VD_OK));
	cr_assert(eq(sz, setup_sent(net, out).count, 99), "not ours to offer");
	net_drain(net, 0);
	end(net);
}

Test(peering_setup, an_offer_in_json_or_protobuf_is_answered_in_the_same)
{
	static const enum mg_codec codecs[] = { MG_CODEC_JSON, MG_CODEC_PROTOBUF };

	for (size_t i = 0; i < 2; i++) {
		struct net *net = two_up(PEERING_SESSION);
		struct mg_op op = { .kind = MG_OP_OFFER, .codec = codecs[i], .count = 1 };
		struct mg_op_text text;
		struct peering_event event;
		struct vd_bytes rest;
		uint8_t in[512];
		struct vd_write w = vd_write_to(in, sizeof in);

		op.entries[0] = (struct mg_op_entry){ 17, vd_bytes_of_text("/viaduct/ping/1") };
		vd_write_u8(&w, MG_SETUP);
		cr_assert(eq(int, mg_op_write(&w, &op), VD_OK));
		cr_assert(eq(int, hear(net, in, vd_write_len(&w)), VD_OK));
		cr_assert(eq(int, peering_next(net->nodes[0].peering).kind, PEERING_GRANTED));
		event = peering_next(net->nodes[0].peering);
		cr_assert(eq(int, event.kind, PEERING_SEND_INNER));
		cr_assert(
		    eq(int,
		       mg_op_read_authenticated(vd_bytes(event.frame.at + 1, event.frame.len - 1),
						&text, &op, &rest),
		       VD_OK));
		cr_assert(eq(int, op.kind, MG_OP_ANSWER));
		cr_assert(eq(int, op.codec, codecs[i]));
		cr_assert(eq(u64, op.entries[0].index, 17));
		net_drain(net, 0);
		end(net);
	}
}
