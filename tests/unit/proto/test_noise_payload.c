/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_payload.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/init.h"
#include "base/pb.h"

static const uint8_t KEY[] = { 1, 2, 3 };
static const uint8_t SIG[] = { 4, 5 };
static const uint8_t SETUP[] = { 6 };
static const uint8_t TOKEN[] = { 7, 8 };

static struct noise_payload full(void)
{
	return (struct noise_payload){
		.identity_key = vd_bytes(KEY, sizeof KEY),
		.identity_sig = vd_bytes(SIG, sizeof SIG),
		.setup = vd_bytes(SETUP, sizeof SETUP),
		.width = 16,
		.boot = UINT64_C(0x0102030405060708),
		.token = vd_bytes(TOKEN, sizeof TOKEN),
		.cipher_count = 2,
		.ciphers = { vd_bytes_of_text("AES"), vd_bytes_of_text("ChaCha") },
	};
}

static struct vd_bytes write(uint8_t *out, size_t cap, const struct noise_payload *payload,
			     size_t padded_len)
{
	struct vd_write w = vd_write_to(out, cap);

	cr_assert(eq(int, noise_payload_write(&w, payload, padded_len), VD_OK));
	return vd_write_done(&w);
}

Test(noise_payload, what_is_written_is_read_again)
{
	uint8_t out[256];
	struct noise_payload in = full(), got;

	cr_assert(eq(int, noise_payload_read(write(out, sizeof out, &in, 0), &got), VD_OK));
	cr_assert(vd_bytes_equal(got.identity_key, in.identity_key));
	cr_assert(vd_bytes_equal(got.identity_sig, in.identity_sig));
	cr_assert(vd_bytes_equal(got.setup, in.setup));
	cr_assert(eq(u32, got.width, 16));
	cr_assert(eq(u64, got.boot, in.boot));
	cr_assert(vd_bytes_equal(got.token, in.token));
	cr_assert(eq(u32, got.cipher_count, 2));
	cr_assert(vd_bytes_equal(got.ciphers[1], in.ciphers[1]));
	cr_assert(got.has_viaduct);
}

/* Written by hand from the .proto (switch/SPEC.md, 3.2). */
Test(noise_payload, the_bytes_are_those_of_the_protobuf)
{
	static const uint8_t expected[] = {
		0x0a, 3,  1,    2,   3,                     /* identity_key */
		0x12, 2,  4,    5,                          /* identity_sig */
		0x22, 34, 0x92, 65,  31,                    /* extensions, 1042 */
		0x0a, 1,  6,                                /* setup */
		0x10, 16,                                   /* width */
		0x1a, 3,  'A',  'E', 'S',                   /* ciphers */
		0x1a, 6,  'C',  'h', 'a', 'C', 'h', 'a',    /* */
		0x21, 8,  7,    6,   5,   4,   3,   2,   1, /* boot, little-endian */
		0x2a, 2,  7,    8,                          /* token */
	};
	uint8_t out[256];
	struct noise_payload in = full();

	cr_assert(
	    vd_bytes_equal(write(out, sizeof out, &in, 0), vd_bytes(expected, sizeof expected)));
}

Test(noise_payload, padding_reaches_any_length_asked_for)
{
	uint8_t out[1200];
	struct noise_payload in = { .setup = vd_bytes(SETUP, sizeof SETUP) }, got;

	for (size_t len = 0; len < 1100; len++) {
		struct vd_bytes written = write(out, sizeof out, &in, len);

		cr_assert(ge(sz, written.len, len));
		cr_assert(le(sz, written.len, len < 12 ? 12 : len + 3));
		cr_assert(eq(int, noise_payload_read(written, &got), VD_OK));
		cr_assert(vd_bytes_equal(got.setup, in.setup));
	}
}

Test(noise_payload, a_payload_cut_at_any_length_is_no_crash_and_mostly_an_error)
{
	uint8_t out[256];
	struct noise_payload in = full(), got;
	struct vd_bytes written = write(out, sizeof out, &in, 0);
	unsigned accepted = 0;

	for (size_t len = 0; len < written.len; len++) {
		uint8_t exact[256];

		memcpy(exact, out, len);
		accepted += noise_payload_read(vd_bytes(exact, len), &got) == VD_OK;
	}
	cr_assert(eq(u32, accepted, 3), "nothing, the key, key and signature: whole messages");
}

Test(noise_payload, libp2p_payloads_without_our_extension_are_read)
{
	/* extensions { webtransport_certhashes = 1; stream_muxers = 2 } */
	static const uint8_t in[] = { 0x0a, 1, 9, 0x12, 1, 8, 0x22, 6, 0x0a, 1, 7, 0x12, 1, 'y' };
	struct noise_payload got;

	cr_assert(eq(int, noise_payload_read(vd_bytes(in, sizeof in), &got), VD_OK));
	cr_assert(not(got.has_viaduct));
	cr_assert(eq(u8, got.identity_key.at[0], 9));
	cr_assert(zero(u64, got.boot));
}

Test(noise_payload, unknown_fields_are_skipped_and_the_last_of_a_field_counts)
{
	static const uint8_t in[] = { 0x0a, 1, 1, 0x0a, 1, 2, 0x78, 0x05, 0x7d, 0, 0, 0, 0 };
	struct noise_payload got;

	cr_assert(eq(int, noise_payload_read(vd_bytes(in, sizeof in), &got), VD_OK));
	cr_assert(eq(u8, got.identity_key.at[0], 2));
}

Test(noise_payload, more_ciphers_than_we_keep_are_passed_over)
{
	uint8_t out[256];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct noise_payload got;

	vd_pb_write_head(&w, 4, 3 + 20 * 3);
	vd_pb_write_head(&w, 1042, 20 * 3);
	for (unsigned i = 0; i < 20; i++)
		vd_pb_write_bytes(&w, 3, vd_bytes_of_text("x"));
	cr_assert(eq(int, noise_payload_read(vd_write_done(&w), &got), VD_OK));
	cr_assert(eq(u32, got.cipher_count, NOISE_PAYLOAD_CIPHERS));
}

static enum vd_err read_extension(struct vd_bytes extension)
{
	uint8_t out[128];
	struct vd_write w = vd_write_to(out, sizeof out);
	struct noise_payload got;

	vd_pb_write_head(&w, 4, vd_pb_bytes_len(1042, extension.len));
	vd_pb_write_bytes(&w, 1042, extension);
	return noise_payload_read(vd_write_done(&w), &got);
}

Test(noise_payload, values_out_of_bounds_and_of_wrong_types_are_refused)
{
	static const uint8_t wide[] = { 0x10, 25 };
	static const uint8_t text_width[] = { 0x12, 1, 'x' };
	static const uint8_t varint_boot[] = { 0x20, 1 };
	static const uint8_t varint_setup[] = { 0x08, 1 };
	static const uint8_t group[] = { 0x0b, 0x0c };
	static const uint8_t long_token[2 + 65] = { 0x2a, 65 };
	static const uint8_t varint_token[] = { 0x28, 1 };

	cr_assert(eq(int, read_extension(vd_bytes(wide, 2)), VD_EPEER_RANGE));
	cr_assert(eq(int, read_extension(vd_bytes(text_width, 3)), VD_EPEER_FORMAT));
	cr_assert(eq(int, read_extension(vd_bytes(varint_boot, 2)), VD_EPEER_FORMAT));
	cr_assert(eq(int, read_extension(vd_bytes(varint_setup, 2)), VD_EPEER_FORMAT));
	cr_assert(eq(int, read_extension(vd_bytes(group, 2)), VD_EPEER_FORMAT));
	cr_assert(eq(int, read_extension(vd_bytes(long_token, 67)), VD_EPEER_RANGE));
	cr_assert(eq(int, read_extension(vd_bytes(varint_token, 2)), VD_EPEER_FORMAT));
}

Test(noise_payload, an_identity_signs_its_static_key_and_no_other)
{
	struct vd_identity identity;
	struct vd_peer_id peer;
	uint8_t static_key[NOISE_KEY_BYTES] = { 7 }, signature[VD_SIGNATURE_BYTES];
	struct noise_payload payload = { 0 };

	cr_assert(eq(int, vd_init(), VD_OK));
	vd_identity_generate(&identity);
	noise_payload_sign(&identity, static_key, signature);
	payload.identity_key = vd_bytes(identity.public_key, sizeof identity.public_key);
	payload.identity_sig = vd_bytes(signature, sizeof signature);
	cr_assert(eq(int, noise_payload_verify(&payload, static_key, &peer), VD_OK));
	cr_assert(vd_peer_id_equal(&peer, &identity.id));
	static_key[0]++;
	cr_assert(eq(int, noise_payload_verify(&payload, static_key, &peer), VD_EPEER_AUTH));
	payload.identity_sig.len--;
	cr_assert(ne(int, noise_payload_verify(&payload, static_key, &peer), VD_OK));
	payload.identity_key.len = 0;
	cr_assert(ne(int, noise_payload_verify(&payload, static_key, &peer), VD_OK));
}
