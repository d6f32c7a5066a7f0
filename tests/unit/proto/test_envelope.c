/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/envelope.h"

#include "base/pb.h"
#include "controlplane/proto/peer_record.h"
#include "tests/unit/base/vectors.h"

/* libp2p/specs 7740c07, peer-ids, "Test vectors": Ed25519. */
#define PRIVATE                                                                                    \
	"080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144" \
	"b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"

static const uint8_t address[] = { 4, 127, 0, 0, 1, 6, 0x0f, 0xa1 };

static struct vd_identity identity;
static uint8_t bytes[16384];

static void set_up(void)
{
	struct hex key = hex_of(PRIVATE);

	cr_assert(eq(int, vd_identity_of_protobuf(hex_bytes(&key), &identity), VD_OK));
}

TestSuite(envelope, .init = set_up);
TestSuite(peer_record, .init = set_up);

static struct vd_bytes sealed(const char *domain, const char *type, const char *payload)
{
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	cr_assert(eq(int,
		     envelope_write(&w, &identity, domain, vd_bytes_of_text(type),
				    vd_bytes_of_text(payload)),
		     VD_OK));
	return vd_write_done(&w);
}

Test(envelope, what_was_signed_is_read)
{
	struct vd_bytes in = sealed("domain", "type", "payload");
	struct envelope got;

	cr_assert(eq(int, envelope_read(in, "domain", &got), VD_OK));
	assert_bytes(got.payload_type, vd_bytes("type", 4));
	assert_bytes(got.payload, vd_bytes("payload", 7));
	cr_assert(vd_peer_id_equal(&got.signer, &identity.id));
}

/* RFC 0002, "Signature Production / Verification", by hand; Ed25519 signs the same each time. */
Test(envelope, its_bytes_are_as_the_specification_says)
{
	static const char text[] = "\6domain\4type\7payload";
	struct vd_bytes in = sealed("domain", "type", "payload");
	uint8_t signature[VD_SIGNATURE_BYTES], want[256];
	struct vd_write w = vd_write_to(want, sizeof want);

	vd_identity_sign(&identity, vd_bytes(text, sizeof text - 1), signature);
	vd_write_bytes(&w, vd_bytes("\x0a\x24", 2));
	vd_write_bytes(&w, vd_bytes(identity.public_key, VD_PUBLIC_KEY_BYTES));
	vd_write_bytes(&w, vd_bytes("\x12\4type\x1a\7payload\x2a\x40", 17));
	vd_write_bytes(&w, vd_bytes(signature, sizeof signature));
	assert_bytes(in, vd_write_done(&w));
}

Test(envelope, another_domain_type_payload_or_key_does_not_verify)
{
	struct envelope got;
	struct vd_bytes in = sealed("domain", "type", "payload");

	cr_assert(eq(int, envelope_read(in, "domain2", &got), VD_EPEER_AUTH));
	cr_assert(eq(int, envelope_read(in, "", &got), VD_EPEER_AUTH));
	for (size_t i = 0; i < in.len; i++) {
		bytes[i] ^= 1;
		cr_assert(ne(int, envelope_read(in, "domain", &got), VD_OK), "byte %zu", i);
		bytes[i] ^= 1;
	}
}

Test(envelope, bytes_cannot_move_between_type_and_payload)
{
	struct vd_bytes in = sealed("domain", "type", "payload");
	struct envelope got, moved;
	uint8_t out[256];
	struct vd_write w = vd_write_to(out, sizeof out);

	cr_assert(eq(int, envelope_read(in, "domain", &got), VD_OK));
	vd_pb_write_bytes(&w, 1, got.public_key);
	vd_pb_write_bytes(&w, 2, vd_bytes("typep", 5));
	vd_pb_write_bytes(&w, 3, vd_bytes("ayload", 6));
	vd_pb_write_bytes(&w, 5, got.signature);
	cr_assert(eq(int, envelope_read(vd_write_done(&w), "domain", &moved), VD_EPEER_AUTH));
}

Test(envelope, a_cut_one_is_refused)
{
	struct vd_bytes in = sealed("domain", "type", "payload");
	struct envelope got;

	for (size_t len = 0; len < in.len; len++)
		cr_assert(ne(int, envelope_read(vd_bytes(in.at, len), "domain", &got), VD_OK));
}

Test(envelope, limits_hold_for_reading_and_writing)
{
	static char payload[ENVELOPE_PAYLOAD_MAX + 2], type[ENVELOPE_TYPE_MAX + 2];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct envelope got;

	memset(payload, 'p', sizeof payload - 1);
	memset(type, 't', sizeof type - 1);
	cr_assert(eq(int,
		     envelope_write(&w, &identity, "d", vd_bytes(type, ENVELOPE_TYPE_MAX),
				    vd_bytes(payload, ENVELOPE_PAYLOAD_MAX)),
		     VD_OK));
	cr_assert(eq(int, envelope_read(vd_write_done(&w), "d", &got), VD_OK));
	w = vd_write_to(bytes, sizeof bytes);
	vd_pb_write_bytes(&w, 1, vd_bytes(identity.public_key, VD_PUBLIC_KEY_BYTES));
	vd_pb_write_bytes(&w, 2, vd_bytes("t", 1));
	vd_pb_write_bytes(&w, 3, vd_bytes(payload, ENVELOPE_PAYLOAD_MAX + 1));
	cr_assert(eq(int, envelope_read(vd_write_done(&w), "d", &got), VD_EPEER_RANGE));
	w = vd_write_to(bytes, 100);
	cr_assert(eq(int,
		     envelope_write(&w, &identity, "d", vd_bytes("t", 1), vd_bytes(payload, 1)),
		     VD_EBUG_ROOM));
}

/* ---- peer records ---- */

static struct vd_bytes record(uint64_t seq, uint32_t addresses)
{
	struct peer_record own = { .peer = identity.id, .seq = seq, .address_count = addresses };
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	for (uint32_t i = 0; i < addresses; i++)
		own.addresses[i] = vd_bytes(address, sizeof address);
	cr_assert(eq(int, peer_record_write(&w, &identity, &own), VD_OK));
	return vd_write_done(&w);
}

Test(peer_record, ours_is_read_again)
{
	struct peer_record got;

	cr_assert(eq(int, peer_record_read(record(UINT64_MAX, 3), &got), VD_OK));
	cr_assert(vd_peer_id_equal(&got.peer, &identity.id));
	cr_assert(eq(u64, got.seq, UINT64_MAX));
	cr_assert(eq(u32, got.address_count, 3));
	assert_bytes(got.addresses[2], vd_bytes(address, sizeof address));
}

/* The payload by hand, and the domain and type that implementations use. */
Test(peer_record, its_envelope_is_as_implementations_write_it)
{
	struct vd_bytes in = record(5, 1);
	struct envelope got;
	uint8_t want[128];
	struct vd_write w = vd_write_to(want, sizeof want);

	cr_assert(eq(int, envelope_read(in, "libp2p-peer-record", &got), VD_OK));
	assert_bytes(got.payload_type, vd_bytes("\x03\x01", 2));
	vd_write_bytes(&w, vd_bytes("\x0a\x26", 2));
	vd_write_bytes(&w, vd_peer_id_bytes(&identity.id));
	vd_write_bytes(&w, vd_bytes("\x10\x05\x1a\x0a\x0a\x08", 6));
	vd_write_bytes(&w, vd_bytes(address, sizeof address));
	assert_bytes(got.payload, vd_write_done(&w));
}

static enum vd_err of_payload(const char *domain, struct vd_bytes type, struct vd_bytes payload)
{
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct peer_record got;

	cr_assert(eq(int, envelope_write(&w, &identity, domain, type, payload), VD_OK));
	return peer_record_read(vd_write_done(&w), &got);
}

Test(peer_record, of_another_peer_domain_or_type_it_is_refused)
{
	struct vd_bytes type = vd_bytes("\x03\x01", 2);
	struct vd_identity other;
	uint8_t payload[64];
	struct vd_write w = vd_write_to(payload, sizeof payload), v;

	vd_identity_generate(&other);
	vd_pb_write_bytes(&w, 1, vd_peer_id_bytes(&identity.id));
	cr_assert(eq(int, of_payload("libp2p-peer-record", type, vd_write_done(&w)), VD_OK));
	cr_assert(
	    eq(int, of_payload("libp2p-routing-state", type, vd_write_done(&w)), VD_EPEER_AUTH));
	cr_assert(eq(int,
		     of_payload("libp2p-peer-record", vd_bytes("\x03\x02", 2), vd_write_done(&w)),
		     VD_EPEER_UNSUPPORTED));
	v = vd_write_to(payload, sizeof payload);
	vd_pb_write_bytes(&v, 1, vd_peer_id_bytes(&other.id));
	cr_assert(
	    eq(int, of_payload("libp2p-peer-record", type, vd_write_done(&v)), VD_EPEER_AUTH));
}

Test(peer_record, one_in_the_words_of_the_rfc_is_read_and_no_mixture)
{
	struct vd_bytes type = vd_bytes_of_text("/libp2p/routing-state-record");
	uint8_t payload[64];
	struct vd_write w = vd_write_to(payload, sizeof payload);

	vd_pb_write_bytes(&w, 1, vd_peer_id_bytes(&identity.id));
	cr_assert(eq(int, of_payload("libp2p-routing-state", type, vd_write_done(&w)), VD_OK));
	cr_assert(
	    eq(int, of_payload("libp2p-peer-record", type, vd_write_done(&w)), VD_EPEER_AUTH));
}

Test(peer_record, malformed_payloads_are_refused)
{
	static const struct {
		const char *at;
		size_t len;
	} payloads[] = { { "", 0 },
			 { "\x0a\x00", 2 },
			 { "\x0a\x7f", 2 },
			 { "\x10\x05", 2 },
			 { "\x0a\x02\x12\x00", 4 },
			 { "\x08\x01", 2 },
			 { "\x1a\x02\x0a\x09", 4 } };

	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
		cr_assert(eq(int,
			     vd_err_class(of_payload("libp2p-peer-record", vd_bytes("\x03\x01", 2),
						     vd_bytes(payloads[i].at, payloads[i].len))),
			     VD_CLASS_PEER),
			  "row %zu", i);
}

Test(peer_record, further_addresses_are_passed_over)
{
	uint8_t payload[4096];
	struct vd_write w = vd_write_to(payload, sizeof payload),
			e = vd_write_to(bytes, sizeof bytes);
	struct peer_record got;

	vd_pb_write_bytes(&w, 1, vd_peer_id_bytes(&identity.id));
	for (unsigned i = 0; i < 2 * PEER_RECORD_ADDRESSES; i++)
		vd_pb_write_bytes(&w, 3, vd_bytes("\x0a\x01x", 3));
	cr_assert(eq(int,
		     envelope_write(&e, &identity, "libp2p-peer-record", vd_bytes("\x03\x01", 2),
				    vd_write_done(&w)),
		     VD_OK));
	cr_assert(eq(int, peer_record_read(vd_write_done(&e), &got), VD_OK));
	cr_assert(eq(u32, got.address_count, PEER_RECORD_ADDRESSES));
}
