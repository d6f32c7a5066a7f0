/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multihash.h"

#include <sodium.h>

enum { TRUNCATED_MIN = 10 };

/* multiformats/multicodec table.csv, tag multihash: those with status permanent, and
 * what IPFS programs write besides. Lengths in bytes. */
static const struct function {
	uint32_t code;
	uint8_t min, max;
	const char *name;
} functions[] = {
	{ VD_MH_IDENTITY, 0, VD_MULTIHASH_DIGEST_MAX, "identity" },
	{ VD_MH_SHA1, TRUNCATED_MIN, 20, "sha1" },
	{ VD_MH_SHA2_256, TRUNCATED_MIN, 32, "sha2-256" },
	{ VD_MH_SHA2_512, TRUNCATED_MIN, 64, "sha2-512" },
	{ 0x14, TRUNCATED_MIN, 64, "sha3-512" },
	{ 0x15, TRUNCATED_MIN, 48, "sha3-384" },
	{ 0x16, TRUNCATED_MIN, 32, "sha3-256" },
	{ 0x17, TRUNCATED_MIN, 28, "sha3-224" },
	{ 0x18, TRUNCATED_MIN, VD_MULTIHASH_DIGEST_MAX, "shake-128" },
	{ 0x19, TRUNCATED_MIN, VD_MULTIHASH_DIGEST_MAX, "shake-256" },
	{ 0x1a, TRUNCATED_MIN, 28, "keccak-224" },
	{ 0x1b, TRUNCATED_MIN, 32, "keccak-256" },
	{ 0x1c, TRUNCATED_MIN, 48, "keccak-384" },
	{ 0x1d, TRUNCATED_MIN, 64, "keccak-512" },
	{ VD_MH_BLAKE3, TRUNCATED_MIN, VD_MULTIHASH_DIGEST_MAX, "blake3" },
	{ 0x20, TRUNCATED_MIN, 48, "sha2-384" },
	{ 0x56, TRUNCATED_MIN, 32, "dbl-sha2-256" },
	{ 0xd5, TRUNCATED_MIN, 16, "md5" },
	{ 0x1012, TRUNCATED_MIN, 32, "sha2-256-trunc254-padded" },
	{ 0x1013, TRUNCATED_MIN, 28, "sha2-224" },
	{ 0x1014, TRUNCATED_MIN, 28, "sha2-512-224" },
	{ 0x1015, TRUNCATED_MIN, 32, "sha2-512-256" },
	{ 0x1053, TRUNCATED_MIN, 20, "ripemd-160" },
	{ 0xb214, TRUNCATED_MIN, 20, "blake2b-160" },
	{ VD_MH_BLAKE2B_256, TRUNCATED_MIN, 32, "blake2b-256" },
	{ 0xb230, TRUNCATED_MIN, 48, "blake2b-384" },
	{ 0xb240, TRUNCATED_MIN, 64, "blake2b-512" },
	{ 0xb260, TRUNCATED_MIN, 32, "blake2s-256" },
	{ 0xb401, TRUNCATED_MIN, 32, "poseidon-bls12_381-a2-fc1" },
};

static const struct function *function_of(uint64_t code)
{
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (functions[i].code == code)
			return &functions[i];
	return NULL;
}

const char *vd_multihash_name(uint64_t code)
{
	const struct function *function = function_of(code);

	return function ? function->name : NULL;
}

static bool length_is_allowed(uint64_t code, uint64_t len)
{
	const struct function *function = function_of(code);

	if (!function)
		return len <= VD_MULTIHASH_DIGEST_MAX;
	return len >= function->min && len <= function->max;
}

struct vd_multihash vd_multihash_read(struct vd_read *r)
{
	uint64_t code = vd_read_uvarint(r);
	uint64_t len = vd_read_uvarint(r);

	if (!r->err && !length_is_allowed(code, len))
		vd_read_fail(r, VD_EPEER_RANGE);

	struct vd_bytes digest = vd_read_bytes(r, r->err ? 0 : (size_t)len);
	return r->err ? (struct vd_multihash){ 0 }
		      : (struct vd_multihash){ .code = code, .digest = digest };
}

void vd_multihash_write(struct vd_write *w, const struct vd_multihash *multihash)
{
	vd_write_uvarint(w, multihash->code);
	vd_write_uvarint(w, multihash->digest.len);
	vd_write_bytes(w, multihash->digest);
}

enum vd_err vd_multihash_of_bytes(struct vd_bytes bytes, struct vd_multihash *multihash_out)
{
	struct vd_read r = vd_read_of(bytes);
	struct vd_multihash got = vd_multihash_read(&r);
	enum vd_err err = vd_read_end(&r);

	if (!err)
		*multihash_out = got;
	return err;
}

enum vd_err vd_multihash_make(uint64_t code, struct vd_bytes data, struct vd_write *w)
{
	uint8_t digest[crypto_hash_sha512_BYTES];
	struct vd_multihash made = { .code = code, .digest = vd_bytes(digest, 0) };

	switch (code) {
	case VD_MH_IDENTITY:
		if (data.len > VD_MULTIHASH_DIGEST_MAX)
			return VD_EBUG_ROOM;
		made.digest = data;
		break;
	case VD_MH_SHA2_256:
		crypto_hash_sha256(digest, data.at, data.len);
		made.digest.len = crypto_hash_sha256_BYTES;
		break;
	case VD_MH_SHA2_512:
		crypto_hash_sha512(digest, data.at, data.len);
		made.digest.len = crypto_hash_sha512_BYTES;
		break;
	default: return VD_ENOTFOUND;
	}
	vd_multihash_write(w, &made);
	return vd_write_end(w);
}
