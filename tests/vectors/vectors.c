/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * vectors: writes multigram/vectors.json and switch/vectors.json, from the code with fixed
 * keys and a counter for random numbers.
 *
 *	vectors multigram|switch >FILE
 *
 * The suite compares what this writes with the committed files, so nothing on the wire
 * changes unseen. Single-threaded.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/init.h"
#include "controlplane/proto/control_msg.h"
#include "controlplane/proto/handshake.h"
#include "controlplane/proto/link_addresses.h"
#include "controlplane/proto/ping.h"
#include "controlplane/proto/seal.h"
#include "multigram/frame.h"
#include "multigram/setup.h"
#include "multigram/setup_op.h"
#include "switch/forward.h"
#include "switch/label.h"

enum { TEXT_MAX = 8192 };

/* Not every CPU has both ciphers: made once, and compared where they can be made. */
#define SEALED_CHACHA20                                                                            \
	"05010203040000000000000001795c7ddb320ebd7c2a790e46dd731bf90cce6e7d639bafac246b4691e512"
#define SEALED_AES                                                                                 \
	"0501020304000000000000000105d6befe47f035180926215082c173d8273ee3dc6850435dd7d61351c930"

static void must(enum vd_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "vectors: %s: %s\n", what, vd_err_text(err));
	exit(1);
}

/* ---- random numbers that are the same each time: SHA-256 of a counter ---- */

static uint32_t drawn;

static const char *random_name(void)
{
	return "vectors";
}

static void random_bytes(void *const out, const size_t len)
{
	uint8_t *at = out;

	for (size_t done = 0; done < len; done += 32) {
		uint8_t counter[4], block[32];

		vd_be32_store(counter, drawn++);
		crypto_hash_sha256(block, counter, sizeof counter);
		memcpy(at + done, block, len - done < 32 ? len - done : 32);
	}
}

static uint32_t random_word(void)
{
	uint32_t word;

	random_bytes(&word, sizeof word);
	return word;
}

/* ---- JSON ---- */

static json_t *hex(const void *bytes, size_t len)
{
	char text[TEXT_MAX];

	if (2 * len + 1 > sizeof text)
		exit(2);
	sodium_bin2hex(text, sizeof text, bytes, len);
	return json_string(text);
}

static void add(json_t *vectors, const char *name, const char *description, json_t *fields)
{
	json_t *vector = json_pack("{s:s, s:s}", "name", name, "description", description);

	json_object_update(vector, fields);
	json_decref(fields);
	json_array_append_new(vectors, vector);
}

/* ---- multigram ---- */

static void add_op(json_t *vectors, const char *name, const char *description,
		   const struct mg_op *op)
{
	uint8_t bytes[MG_OP_BYTES];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	must(mg_op_write(&w, op), name);
	add(vectors, name, description,
	    json_pack("{s:o}", "operation", hex(bytes, vd_write_len(&w))));
}

static void add_ops(json_t *vectors)
{
	static const char ping[] = "/viaduct/ping/1", ip6[] = "/viaduct/ip6/1";
	struct mg_op op = {
		.kind = MG_OP_OFFER,
		.id = { 0, 1, 2, 3, 4, 5, 6, 7 },
		.count = 2,
		.entries = { { 0x10, vd_bytes(ip6, sizeof ip6 - 1) },
			     { 0x0100, vd_bytes(ping, sizeof ping - 1) } },
	};

	add_op(vectors, "offer", "offer of ip6 at 16 and ping at 256, id 0001020304050607", &op);
	op.kind = MG_OP_ANSWER;
	op.count = 1;
	add_op(vectors, "answer", "the answer of a side that grants ip6 and not ping", &op);
	op.count = 0;
	add_op(vectors, "answer-nothing", "the answer of a side that grants nothing", &op);
	op.kind = MG_OP_OFFER;
	add_op(vectors, "list", "an offer without entries asks for the table", &op);
	op = (struct mg_op){ .kind = MG_OP_ERROR, .err_index = 99 };
	add_op(vectors, "error", "index 99 is not in the sender's table", &op);
}

static void add_codecs(json_t *vectors)
{
	static const char ping[] = "/viaduct/ping/1", odd[] = "/\"\\/1";
	struct mg_op op = {
		.kind = MG_OP_OFFER,
		.codec = MG_CODEC_JSON,
		.id = { 0, 1, 2, 3, 4, 5, 6, 7 },
		.count = 2,
		.entries = { { 0x10, vd_bytes(ping, sizeof ping - 1) },
			     { 0x0100, vd_bytes(odd, sizeof odd - 1) } },
	};
	struct mg_op error = { .kind = MG_OP_ERROR, .codec = MG_CODEC_JSON, .err_index = 99 };

	add_op(vectors, "json-offer",
	       "JSON: ping at 16, and a name with quotation mark and backslash", &op);
	add_op(vectors, "json-error", "JSON: index 99 is not in the sender's table", &error);
	op.codec = error.codec = MG_CODEC_PROTOBUF;
	add_op(vectors, "protobuf-offer", "protobuf: the same two entries", &op);
	op.kind = MG_OP_ANSWER;
	op.count = 1;
	add_op(vectors, "protobuf-answer", "protobuf: ping at 16 is granted", &op);
	add_op(vectors, "protobuf-error", "protobuf: index 99 is not in the sender's table",
	       &error);
}

static void add_refusal(json_t *vectors, const char *name, const char *description,
			const char *text)
{
	uint8_t bytes[MG_OP_BYTES];
	struct mg_op_text names;
	struct vd_bytes rest;
	struct mg_op op;
	size_t len;

	if (sodium_hex2bin(bytes, sizeof bytes, text, strlen(text), " ", &len, NULL) ||
	    !mg_op_read_authenticated(vd_bytes(bytes, len), &names, &op, &rest))
		must(VD_EBUG_STATE, name);
	add(vectors, name, description,
	    json_pack("{s:o, s:b}", "operation", hex(bytes, len), "refused", true));
}

static void add_refusals(json_t *vectors)
{
	add_refusal(vectors, "refused-indefinite", "a map of indefinite length",
		    "51 bf 6269644800010203040506 07ff");
	add_refusal(vectors, "refused-long-head", "a head that is not the shortest",
		    "51 a1 62 6964 5808 0001020304050607");
	add_refusal(vectors, "refused-order", "keys that do not ascend",
		    "51 a2 64 30783130 6f 2f766961647563742f70696e672f31 62 6964 48 "
		    "0001020304050607");
	add_refusal(vectors, "refused-entry", "an index with a leading zero byte",
		    "51 a2 62 6964 48 0001020304050607 66 307830303130 6f "
		    "2f766961647563742f70696e672f31");
	add_refusal(vectors, "refused-two", "both id and re",
		    "51 a2 62 6964 48 0001020304050607 62 7265 48 0001020304050607");
	add_refusal(vectors, "refused-json-empty", "JSON: none of id, re and err", "8004 7b7d");
	add_refusal(vectors, "refused-json-twice", "JSON: err twice",
		    "8004 7b22657272223a312c22657272223a327d");
	add_refusal(vectors, "refused-protobuf-two", "protobuf: both id and err",
		    "50 0c 0a08 0001020304050607 1801");
	add_refusal(vectors, "refused-protobuf-trunc", "protobuf: shorter than its length",
		    "50 03 1863");
}

/* ---- multigram: exchanges between two setup machines ---- */

struct setup_side {
	const char *name;
	struct mg_table table;
	struct mg_setup setup;
};

struct exchange {
	struct setup_side sides[2];
	json_t *packets;
};

static const char *const exchange_names[] = { "/viaduct/ping/1", "/viaduct/ip6/1" };

static void exchange_begin(struct exchange *x, bool bare)
{
	x->packets = json_array();
	for (unsigned i = 0; i < 2; i++) {
		struct setup_side *side = &x->sides[i];

		side->name = bare ? (i ? "b" : "a") : (i ? "responder" : "initiator");
		mg_table_init(&side->table, bare ? MG_TABLE_BARE : MG_TABLE_VIADUCT);
		must(mg_setup_init(&side->setup, &side->table,
				   bare ? MG_ROLE_BARE
				   : i  ? MG_ROLE_RESPONDER
					: MG_ROLE_INITIATOR,
				   exchange_names, 2),
		     "setup");
	}
}

static void propose(struct exchange *x, unsigned side, unsigned name, vd_ns now)
{
	must(mg_setup_propose(&x->sides[side].setup, exchange_names[name], now), "propose");
}

/* What `from` sends now; empty: nothing. */
static struct vd_bytes exchange_send(struct exchange *x, unsigned from, vd_ns now, bool lost,
				     uint8_t bytes[MG_SETUP_PACKET])
{
	struct vd_write w = vd_write_to(bytes, MG_SETUP_PACKET);

	if (mg_setup_send(&x->sides[from].setup, &w, now) != VD_OK)
		return vd_bytes(bytes, 0);
	json_array_append_new(x->packets,
			      json_pack("{s:s, s:I, s:o, s:b}", "from", x->sides[from].name,
					"at_ms", (json_int_t)(now / VD_MS(1)), "multigram",
					hex(bytes, vd_write_len(&w)), "lost", (int)lost));
	return vd_write_done(&w);
}

static void exchange_recv(struct exchange *x, unsigned to, struct vd_bytes packet, vd_ns now)
{
	struct vd_bytes rest;

	must(
	    mg_setup_recv(&x->sides[to].setup, vd_bytes(packet.at + 1, packet.len - 1), &rest, now),
	    "packet");
}

/* All that both have to say, none of it lost. */
static void exchange_run(struct exchange *x, vd_ns now)
{
	uint8_t bytes[MG_SETUP_PACKET];

	for (unsigned quiet = 0, from = 0; quiet < 2; from = 1 - from) {
		struct vd_bytes packet = exchange_send(x, from, now, false, bytes);

		quiet = packet.len ? 0 : quiet + 1;
		if (packet.len)
			exchange_recv(x, 1 - from, packet, now);
	}
}

static void exchange_end(struct exchange *x, json_t *vectors, const char *name,
			 const char *description)
{
	json_t *table = json_object();

	if (x->sides[0].table.count != x->sides[1].table.count)
		must(VD_EBUG_STATE, name);
	for (const struct mg_entry *at = mg_table_from(&x->sides[0].table, MG_FIRST_NEGOTIATED); at;
	     at = mg_table_from(&x->sides[0].table, at->index + 1)) {
		const struct mg_entry *other = mg_table_find(&x->sides[1].table, at->index);
		char index[24];

		if (!other || strcmp(other->name, at->name) != 0)
			must(VD_EBUG_STATE, name);
		snprintf(index, sizeof index, "%llu", (unsigned long long)at->index);
		json_object_set_new(table, index, json_string(at->name));
	}
	add(vectors, name, description,
	    json_pack("{s:o, s:o}", "exchange", x->packets, "negotiated", table));
}

static void add_exchange_lost(json_t *vectors)
{
	struct exchange x;
	uint8_t bytes[MG_SETUP_PACKET];

	exchange_begin(&x, false);
	propose(&x, 0, 0, 0);
	exchange_recv(&x, 1, exchange_send(&x, 0, 0, false, bytes), 0);
	(void)exchange_send(&x, 1, 0, true, bytes);
	exchange_run(&x, VD_SECONDS(1));
	exchange_end(&x, vectors, "exchange-lost-answer",
		     "an offer whose answer is lost is repeated after a second, and answered alike "
		     "(6.1, 6.2)");
}

static void add_exchange_both(json_t *vectors)
{
	struct exchange x;

	exchange_begin(&x, false);
	propose(&x, 0, 0, 0);
	propose(&x, 1, 1, 0);
	exchange_run(&x, 0);
	mg_setup_list(&x.sides[1].setup, VD_SECONDS(5));
	exchange_run(&x, VD_SECONDS(5));
	exchange_end(&x, vectors, "exchange-both",
		     "both sides propose, the initiator even indices, the responder odd ones; then "
		     "the responder asks for the table (6.1, 6.2)");
}

static void add_exchange_error(json_t *vectors)
{
	struct exchange x;
	uint8_t bytes[MG_SETUP_PACKET];

	exchange_begin(&x, false);
	propose(&x, 0, 0, 0);
	exchange_recv(&x, 1, exchange_send(&x, 0, 0, false, bytes), 0);
	(void)exchange_send(&x, 1, 0, true, bytes);
	mg_setup_unknown(&x.sides[0].setup, 16, VD_MS(100)); /* the responder used it */
	exchange_run(&x, VD_MS(100));
	exchange_end(&x, vectors, "exchange-error",
		     "the answer is lost, the responder uses the index, an error brings it: the "
		     "responder offers the entry again, under another id (6.4)");
}

static void add_exchange_bare(json_t *vectors)
{
	struct exchange x;
	uint8_t bytes[2][MG_SETUP_PACKET];
	struct vd_bytes packets[2];

	exchange_begin(&x, true);
	for (unsigned i = 0; i < 2; i++) {
		propose(&x, i, i, 0);
		packets[i] = exchange_send(&x, i, 0, false, bytes[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		exchange_recv(&x, 1 - i, packets[i], VD_MS(10));
	exchange_run(&x, VD_MS(10));
	exchange_end(&x, vectors, "exchange-bare",
		     "bare, both sides propose index 16 under different names at once: the smaller "
		     "id stands, the other side proposes anew under 17 (6.2)");
}

static void add_exchanges(json_t *vectors)
{
	add_exchange_lost(vectors);
	add_exchange_both(vectors);
	add_exchange_error(vectors);
	add_exchange_bare(vectors);
}

static json_t *multigram(void)
{
	json_t *vectors = json_array();

	add_ops(vectors);
	add_codecs(vectors);
	add_refusals(vectors);
	add_exchanges(vectors);
	return vectors;
}

/* ---- switch: labels ---- */

struct hop {
	unsigned width;
	uint32_t in, out;
};

static json_t *word(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
	return json_string(text);
}

/* Each switch's label and used, from where `label` is sent to where it is delivered. */
static json_t *walk(const struct hop *hops, size_t count, uint64_t *label, uint8_t *used)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct hop *hop = &hops[i];

		if ((*label & ((UINT64_C(1) << hop->width) - 1)) != hop->out)
			must(VD_EBUG_STATE, "a label leads elsewhere");
		*label = sw_label_step(*label, hop->width, sw_label_reverse_of(hop->in));
		*used = (uint8_t)(*used + hop->width);
		json_array_append_new(steps, json_pack("{s:i, s:i, s:i, s:o, s:i}", "width",
						       (int)hop->width, "ingress", (int)hop->in,
						       "egress", (int)hop->out, "label",
						       word(*label), "used", (int)*used));
	}
	return steps;
}

static void add_labels(json_t *vectors)
{
	static const struct hop there[] = { { 4, 0x3, 0x9 },
					    { 8, 0x51, 0x7e },
					    { 12, 0xc04, 0x05a } };
	static const struct hop back[] = { { 12, 0x05a, 0xc04 },
					   { 8, 0x7e, 0x51 },
					   { 4, 0x9, 0x3 } };
	uint64_t label = 0x05a7e9;
	uint8_t used = 0;
	json_t *out = walk(there, 3, &label, &used), *home;
	struct sw_route route = sw_label_way_back(label, used);

	label = route.label;
	used = 0;
	home = walk(back, 3, &label, &used);
	add(vectors, "label",
	    "a label over three switches of widths 4, 8 and 12, and the way back (section 7)",
	    json_pack("{s:o, s:o, s:o, s:i, s:o, s:o}", "sent", word(0x05a7e9), "steps", out,
		      "way_back", word(route.label), "bits", (int)route.bits, "steps_back", home,
		      "way_back_again", word(sw_label_way_back(label, used).label)));
}

/* ---- switch: tags and reports ---- */

static void add_frame(json_t *vectors, const char *name, const char *description, uint64_t label,
		      uint8_t flags, const void *payload, size_t len)
{
	static const uint8_t key[SW_TAG_KEY_BYTES] = { 0, 1, 2,  3,  4,  5,  6,  7,
						       8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t frame[SW_HEADER + 64] = { 6, 1, 2, 3, 4 };
	uint64_t tag;

	vd_be64_store(frame + SW_AT_COUNTER, 1);
	vd_be64_store(frame + SW_AT_LABEL, label);
	frame[SW_AT_FLAGS] = flags;
	frame[SW_AT_CLASS] = flags ? 0 : 0xb8;
	memcpy(frame + SW_HEADER, payload, len);
	tag = sw_tag(key, frame, (uint16_t)(SW_HEADER + len));
	memcpy(frame + SW_AT_TAG, &tag, sizeof tag);
	add(vectors, name, description,
	    json_pack("{s:o, s:o}", "key", hex(key, sizeof key), "frame",
		      hex(frame, SW_HEADER + len)));
}

static void add_frames(json_t *vectors)
{
	static const struct {
		uint8_t code;
		const char *name;
	} reasons[] = { { 1, "report-unknown-director" },
			{ 3, "report-not-permitted" },
			{ 4, "report-over-rate" } };
	static const uint8_t report[] = { 7, 5, 5, 0, 16, 0, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8 };

	add_frame(vectors, "tag-hello", "a switch frame with a payload of 5 bytes (6.1)", 0x05a7e9,
		  0, "hello", 5);
	add_frame(vectors, "tag-keepalive", "a keepalive: label 0, no payload", 0, 0, "", 0);
	add_frame(vectors, "tag-long", "a payload longer than the 16 bytes that the tag covers",
		  0x05a7e9, 0, "0123456789abcdefghijklmnopqrstuvwxyz", 36);
	add_frame(vectors, "report-too-big",
		  "report 5: limit 1280, used 16, director 0x1234, echo 0102030405060708 (10)",
		  0x1234, 0x80, report, sizeof report);
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		uint8_t other[16];

		memcpy(other, report, sizeof other);
		other[1] = reasons[i].code;
		memset(other + 2, 0, 2);
		add_frame(vectors, reasons[i].name, "the same for another reason: limit 0 (10)",
			  0x1234, 0x80, other, sizeof other);
	}
	add(vectors, "report-lost",
	    "report 0, outside a switch frame: index 0x01020304, counter 9 (4)",
	    json_pack("{s:s}", "datagram", "0700010203040000000000000009"));
}

/* ---- switch: handshakes ---- */

struct side {
	struct vd_identity identity;
	struct handshake_self self;
	struct handshake hs;
	struct handshake_result result;
};

static void make_side(struct side *side, enum handshake_kind kind, uint64_t boot, uint32_t width)
{
	static const char *const link[] = { "/viaduct/ping/1" };
	static const char *const session[] = { "/viaduct/ip6/1", "/viaduct/ping/1" };

	vd_identity_generate(&side->identity);
	handshake_self_init(&side->self, kind, &side->identity, boot, width,
			    1u << VD_CHACHA20_POLY1305);
	side->self.offer_count = kind == HANDSHAKE_LINK ? 1 : 2;
	memcpy(side->self.offer, kind == HANDSHAKE_LINK ? link : session,
	       side->self.offer_count * sizeof side->self.offer[0]);
}

/* What the vectors tell as e's secret is what message 1 or 2 was made with. */
static void check_ephemeral(const struct side *side, const struct handshake *hs)
{
	uint8_t e[NOISE_KEY_BYTES];

	crypto_scalarmult_base(e, side->hs.noise.e.secret);
	if (memcmp(hs->sent + HANDSHAKE_HEADER, e, sizeof e) != 0)
		must(VD_EBUG_STATE, "ephemeral key");
}

static json_t *frame_json(const struct handshake *hs)
{
	return hex(hs->sent, hs->sent_len);
}

static struct handshake_frame sent_by(const struct handshake *hs)
{
	struct handshake_frame frame;

	must(handshake_frame_read(vd_bytes(hs->sent, hs->sent_len), &frame), "frame");
	return frame;
}

static json_t *side_json(const struct side *side, uint32_t index)
{
	char peer[VD_PEER_ID_TEXT];

	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:i, s:i}", "peer",
			 vd_peer_id_text(&side->identity.id, peer), "identity_secret",
			 hex(side->identity.secret, sizeof side->identity.secret), "static_secret",
			 hex(side->self.static_key.secret, NOISE_KEY_BYTES), "ephemeral_secret",
			 hex(side->hs.noise.e.secret, NOISE_KEY_BYTES), "boot",
			 (json_int_t)side->self.boot, "width", (int)side->self.width, "index",
			 (int)index);
}

static json_t *keys_json(const struct handshake_result *result, enum handshake_kind kind)
{
	const struct handshake_keys *keys = &result->keys;

	if (kind == HANDSHAKE_SESSION)
		return json_pack("{s:o, s:o}", "aead_initiator", hex(keys->tx_aead, 32),
				 "aead_responder", hex(keys->rx_aead, 32));
	return json_pack("{s:o, s:o, s:o, s:o}", "tag_initiator", hex(keys->tx_tag, 16),
			 "tag_responder", hex(keys->rx_tag, 16), "control_initiator",
			 hex(keys->tx_control, 32), "control_responder", hex(keys->rx_control, 32));
}

static json_t *seal_json(const uint8_t key[32], uint32_t index, struct vd_bytes plain)
{
	static const uint8_t unused[32];
	struct seal seal;
	uint8_t frame[256];
	size_t len;

	seal_init(&seal, VD_CHACHA20_POLY1305, key, unused, index);
	must(seal_create(&seal, plain, frame, sizeof frame, &len), "seal");
	seal_fini(&seal);
	return json_pack("{s:o, s:o}", "plaintext", hex(plain.at, plain.len), "frame",
			 hex(frame, len));
}

/* With a key that counts up, index 0x01020304, counter 1; the frame as it must be. */
static void add_sealed(json_t *vectors, const char *name, enum vd_cipher cipher,
		       const char *expected)
{
	static const uint8_t plain[] = "\x10\x00\1\2\3\4\5\6\7\x08ping";
	uint8_t key[VD_AEAD_KEY_BYTES], frame[64];
	char text[2 * sizeof frame + 1];
	struct seal seal;
	size_t len;

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	if (vd_cipher_available(cipher)) { /* else what other machines made stands */
		seal_init(&seal, cipher, key, key, 0x01020304);
		must(seal_create(&seal, vd_bytes(plain, sizeof plain - 1), frame, sizeof frame,
				 &len),
		     name);
		sodium_bin2hex(text, sizeof text, frame, len);
		if (strcmp(text, expected) != 0) {
			fprintf(stderr, "vectors: %s: %s\n", name, text);
			must(VD_EBUG_STATE, name);
		}
	}
	add(vectors, name,
	    "a sealed frame: index 0x01020304, counter 1, a padded ping request under inner index "
	    "16 (5)",
	    json_pack("{s:s, s:o, s:o, s:s}", "cipher", vd_cipher_name(cipher), "key",
		      hex(key, sizeof key), "plaintext", hex(plain, sizeof plain - 1), "frame",
		      expected));
}

static void add_control(json_t *vectors, const char *name, const char *description,
			const struct control_msg *msg)
{
	uint8_t plain[1 + CONTROL_MSG_MAX] = { MG_CONTROL };

	add(vectors, name, description,
	    json_pack("{s:o}", "plaintext", hex(plain, 1 + control_msg_encode(msg, plain + 1))));
}

static void add_controls(json_t *vectors)
{
	struct control_msg observed = { .kind = CONTROL_OBSERVED, .observed = { .len = 8 } };
	struct control_msg reserve = { .kind = CONTROL_RESERVE, .reserve = { 7, 600, 6 } };
	struct control_msg reserved = { .kind = CONTROL_RESERVED,
					.reserved = { 7, CONTROL_OK, 600, 2 } };
	struct control_msg query = { .kind = CONTROL_QUERY, .query = { .id = 8 } };
	struct control_msg by_overlay = { .kind = CONTROL_QUERY,
					  .query = { .id = 9, .by_overlay = true } };
	struct control_msg route = { .kind = CONTROL_ROUTE,
				     .route = {
					 .id = 8, .label = 0xbeef, .bits = 16, .mtu = 1439 } };
	struct control_msg not_found = { .kind = CONTROL_ROUTE,
					 .route = { .id = 9, .status = CONTROL_NOT_FOUND } };
	struct control_msg challenge = { .kind = CONTROL_CHALLENGE,
					 .challenge = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	struct control_msg close = { .kind = CONTROL_CLOSE,
				     .close = { CONTROL_SHUTDOWN, "going down" } };
	struct control_msg draining = { .kind = CONTROL_DRAINING };
	uint8_t hash[crypto_hash_sha256_BYTES];
	struct vd_identity identity;
	char peer[VD_PEER_ID_TEXT];

	vd_identity_generate(&identity);
	memcpy(observed.observed.address, "\x04\xc6\x12\x01\x02\x91\x02\x0f\xa1", 9);
	observed.observed.len = 9;
	query.query.peer = route.route.peer = identity.id;
	crypto_hash_sha256(hash, identity.id.bytes, identity.id.len);
	memcpy(by_overlay.query.overlay, "\xfd\x76", 2);
	memcpy(by_overlay.query.overlay + 2, hash, 14);
	add_control(vectors, "control-observed", "observed: /ip4/198.18.1.2/udp/4001 (12.1)",
		    &observed);
	add_control(vectors, "control-reserve", "reserve: id 7, 600 s, realms 1 and 2 (12.2)",
		    &reserve);
	add_control(vectors, "control-reserved", "reserved: id 7, OK, 600 s, realm 1 (12.2)",
		    &reserved);
	add_control(vectors, "control-query", "query by peer id: id 8 (12.3)", &query);
	add_control(vectors, "control-query-overlay", "the same by overlay address: id 9 (12.3)",
		    &by_overlay);
	add_control(vectors, "control-route",
		    "route: id 8, OK, label 0xbeef of 16 bits, payloads up to 1439 (12.3)", &route);
	add_control(vectors, "control-route-not-found", "route: id 9, NOT_FOUND (12.3)",
		    &not_found);
	add_control(vectors, "control-challenge", "challenge 0102030405060708 (12.5)", &challenge);
	challenge.kind = CONTROL_ANSWER;
	add_control(vectors, "control-answer", "its answer (12.5)", &challenge);
	add_control(vectors, "control-draining", "draining (12.6)", &draining);
	draining.draining.ended = true;
	add_control(vectors, "control-draining-ended", "draining, ended (12.6)", &draining);
	draining.draining.ended = false;
	draining.draining.left = true;
	add_control(vectors, "control-draining-left", "draining, left: an edge's answer (12.6)",
		    &draining);
	add_control(vectors, "control-close", "close: SHUTDOWN, with a text (12.4)", &close);
	add(vectors, "overlay-address", "a peer id, and its address in the overlay fd76 (11.2)",
	    json_pack("{s:s, s:o, s:o}", "peer", vd_peer_id_text(&identity.id, peer), "binary",
		      hex(identity.id.bytes, identity.id.len), "address",
		      hex(by_overlay.query.overlay, sizeof by_overlay.query.overlay)));
}

static void add_link_addresses(json_t *vectors)
{
	struct link_addresses both = { .count = 2 };
	struct vd_identity identity;
	uint8_t bytes[LINK_ADDRESSES_BYTES];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	char peer[VD_PEER_ID_TEXT];

	vd_identity_generate(&identity);
	both.at[0] =
	    (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 198, 18, 1, 1 }, .port = 4001 };
	both.at[1] = (struct vd_udp_addr){ .ip = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, .port = 4002 };
	must(link_addresses_write(&both, &identity.id, &w), "link addresses");
	add(vectors, "link-addresses",
	    "a message of /viaduct/link/1, its length before it: /ip4/198.18.1.1/udp/4001 and "
	    "/ip6/2001:db8::1/udp/4002 of this peer (4.1)",
	    json_pack("{s:s, s:o}", "peer", vd_peer_id_text(&identity.id, peer), "stream",
		      hex(bytes, vd_write_len(&w))));
	vd_identity_fini(&identity);
}

static void add_pings(json_t *vectors)
{
	struct ping ping = { PING_REQUEST, UINT64_C(0x0102030405060708), 20 };
	uint8_t bytes[32];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	ping_write(&w, &ping);
	add(vectors, "ping-request", "a request padded to 20 bytes, without its inner index (11.4)",
	    json_pack("{s:o}", "payload", hex(bytes, vd_write_len(&w))));
	ping.kind = PING_REPLY;
	w = vd_write_to(bytes, sizeof bytes);
	ping_write(&w, &ping);
	add(vectors, "ping-reply", "its reply (11.4)",
	    json_pack("{s:o}", "payload", hex(bytes, vd_write_len(&w))));
}

static void add_cookie(json_t *vectors, const struct handshake *first)
{
	static const uint8_t mac[HANDSHAKE_COOKIE_BYTES] = "sixteen bytes..";
	struct handshake retry = *first;
	uint8_t cookie[HANDSHAKE_COOKIE_FRAME];
	struct handshake_frame frame = sent_by(first), read;

	handshake_cookie_write(&frame, mac, cookie);
	must(handshake_frame_read(vd_bytes(cookie, sizeof cookie), &read), "cookie");
	must(handshake_take_cookie(&retry, &read), "cookie");
	add(vectors, "cookie",
	    "a responder under load answers message 1 of the vector `link`, and the retry (3.4); "
	    "the "
	    "MAC is any",
	    json_pack("{s:o, s:o}", "cookie", hex(cookie, sizeof cookie), "retry_last_16_bytes",
		      hex(retry.sent + retry.sent_len - 16, 16)));
}

static void add_handshake(json_t *vectors, enum handshake_kind kind)
{
	static const uint8_t answer[] = { 8, 0x3a, 10, 0x0a, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct side a, b;
	struct handshake_frame frame;
	json_t *messages = json_array(), *sealed;
	bool link = kind == HANDSHAKE_LINK;

	make_side(&a, kind, 77, link ? 8 : 0);
	make_side(&b, kind, 78, link ? 16 : 0);
	must(handshake_start(&a.hs, &a.self, 0x0a0b0c0d), "start");
	json_array_append_new(messages, frame_json(&a.hs));
	check_ephemeral(&a, &a.hs);
	if (link)
		add_cookie(vectors, &a.hs);
	frame = sent_by(&a.hs);
	must(handshake_answer(&b.hs, &b.self, &frame, 0x01020304), "answer");
	json_array_append_new(messages, frame_json(&b.hs));
	check_ephemeral(&b, &b.hs);
	frame = sent_by(&b.hs);
	must(handshake_finish(&a.hs, &a.self, &frame, &b.identity.id, &a.result), "finish");
	json_array_append_new(messages, frame_json(&a.hs));
	frame = sent_by(&a.hs);
	must(handshake_conclude(&b.hs, &b.self, &frame, &b.result), "conclude");
	sealed = seal_json(link ? a.result.keys.rx_control : a.result.keys.rx_aead, 0x0a0b0c0d,
			   link ? vd_bytes(answer, sizeof answer) : vd_bytes("", 0));
	add(vectors, link ? "link" : "session",
	    link ? "a whole handshake of a link, its keys, and the responder's first sealed frame: "
		   "a "
		   "challenge's answer (3, 5, 12)"
		 : "a whole handshake of a session, its keys, and the responder's confirmation: an "
		   "empty plaintext (3, 5, 11)",
	    json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "prologue",
		      link ? "viaduct link 1" : "viaduct session 1", "initiator",
		      side_json(&a, 0x0a0b0c0d), "responder", side_json(&b, 0x01020304), "messages",
		      messages, "keys", keys_json(&a.result, kind), "sealed", sealed));
}

static json_t *switching(void)
{
	json_t *vectors = json_array();

	add_labels(vectors);
	add_frames(vectors);
	add_handshake(vectors, HANDSHAKE_LINK);
	add_handshake(vectors, HANDSHAKE_SESSION);
	add_sealed(vectors, "sealed-chacha20", VD_CHACHA20_POLY1305, SEALED_CHACHA20);
	add_sealed(vectors, "sealed-aes", VD_AES_256_GCM, SEALED_AES);
	add_controls(vectors);
	add_pings(vectors);
	add_link_addresses(vectors);
	return vectors;
}

int main(int argc, char **argv)
{
	static struct randombytes_implementation counter = {
		.implementation_name = random_name,
		.random = random_word,
		.buf = random_bytes,
	};
	bool of_switch = argc == 2 && strcmp(argv[1], "switch") == 0;
	json_t *file;

	if (argc != 2 || (!of_switch && strcmp(argv[1], "multigram") != 0)) {
		fprintf(stderr, "usage: vectors multigram|switch\n");
		return 2;
	}
	if (randombytes_set_implementation(&counter) || vd_init())
		return 1;
	file = json_pack(
	    "{s:s, s:s, s:o}", "specification", of_switch ? "switch/SPEC.md" : "multigram/SPEC.md",
	    "description",
	    of_switch ? "Known answers, made by tests/vectors. Bytes are hexadecimal; labels "
			"are 64-bit numbers, in hexadecimal; other numbers are decimal. "
			"identity_secret is Ed25519's seed and public key; a key with "
			"_initiator in its name is the one that the initiator sends with."
		      : "Known answers, made by tests/vectors: setup operations, from the "
			"codec on, in hexadecimal; `refused`: a receiver drops it whole. "
			"`exchange`: multigrams in the order in which they are sent, those "
			"that are not lost received before the next one of the other side; "
			"`negotiated`: what is in both tables in the end, from index 16 on.",
	    "vectors", of_switch ? switching() : multigram());
	json_dumpf(file, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(file);
	return 0;
}
