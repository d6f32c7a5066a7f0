/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/peer_id.h"

#include "base/formats/cid.h"
#include "base/formats/multibase.h"
#include "base/formats/multihash.h"

enum { IDENTITY_MAX = 42 };

static_assert(VD_PEER_ID_MAX == IDENTITY_MAX + 2, "code and length are a byte each");

enum vd_err vd_peer_id_of_bytes(struct vd_bytes bytes, struct vd_peer_id *id_out)
{
	struct vd_multihash hash;

	if (vd_multihash_of_bytes(bytes, &hash))
		return VD_EPEER_FORMAT;

	bool inlined =
	    hash.code == VD_MH_IDENTITY && hash.digest.len > 0 && hash.digest.len <= IDENTITY_MAX;
	bool hashed = hash.code == VD_MH_SHA2_256 && hash.digest.len == 32;
	if (!inlined && !hashed)
		return VD_EPEER_FORMAT;
	memmove(id_out->bytes, bytes.at, bytes.len); /* it may be the same id */
	memset(id_out->bytes + bytes.len, 0, VD_PEER_ID_MAX - bytes.len);
	id_out->len = (uint8_t)bytes.len;
	return VD_OK;
}

enum vd_err vd_peer_id_of_public_key(struct vd_bytes key_protobuf, struct vd_peer_id *id_out)
{
	uint8_t bytes[VD_PEER_ID_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	bool inlined = key_protobuf.len <= IDENTITY_MAX;
	enum vd_err err =
	    vd_multihash_make(inlined ? VD_MH_IDENTITY : VD_MH_SHA2_256, key_protobuf, &w);

	return err ? err : vd_peer_id_of_bytes(vd_write_done(&w), id_out);
}

/* libp2p/specs, peer-ids, "Decoding". */
enum vd_err vd_peer_id_of_text(const char *text, struct vd_peer_id *id_out)
{
	uint8_t bytes[VD_PEER_ID_MAX];
	struct vd_bytes in = vd_bytes(text, strnlen(text, VD_CID_TEXT));
	size_t len;
	struct vd_cid cid;
	enum vd_err err;

	if (text[0] == '1' || strncmp(text, "Qm", 2) == 0) {
		err = vd_base_decode(VD_BASE58BTC, in, bytes, sizeof bytes, &len);
		if (!err)
			err = vd_peer_id_of_bytes(vd_bytes(bytes, len), id_out);
	} else {
		err = vd_cid_of_text(in, &cid);
		if (!err)
			err = cid.codec == VD_CODEC_LIBP2P_KEY
				  ? vd_peer_id_of_bytes(vd_cid_multihash(&cid), id_out)
				  : VD_EUSER;
	}
	return err ? VD_EUSER : VD_OK;
}

const char *vd_peer_id_text(const struct vd_peer_id *id, char out[VD_PEER_ID_TEXT])
{
	if (vd_base_encode(VD_BASE58BTC, vd_peer_id_bytes(id), out, VD_PEER_ID_TEXT))
		out[0] = 0;
	return out;
}

int vd_peer_id_compare(const struct vd_peer_id *a, const struct vd_peer_id *b)
{
	size_t common = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->bytes, b->bytes, common);

	return order ? order : (int)a->len - (int)b->len;
}
