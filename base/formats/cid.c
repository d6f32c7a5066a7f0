/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/cid.h"

#include "base/formats/multibase.h"

/* The longest of ours is base32: 8 characters for 5 bytes, prefix and NUL. */
static_assert((VD_CID_MAX * 8 + 4) / 5 + 2 <= VD_CID_TEXT, "room");
static_assert(VD_MULTIHASH_MAX <= UINT8_MAX, "len");

static const uint8_t v0_head[] = { VD_MH_SHA2_256, 32 };

enum { V0_BYTES = 34, V0_TEXT = 46 };

static bool is_v0(struct vd_bytes bytes)
{
	return bytes.len >= V0_BYTES && memcmp(bytes.at, v0_head, sizeof v0_head) == 0;
}

static void set_multihash(struct vd_cid *cid, struct vd_bytes multihash)
{
	memset(cid->multihash, 0, sizeof cid->multihash);
	memcpy(cid->multihash, multihash.at, multihash.len);
	cid->len = (uint8_t)multihash.len;
}

static void read_v1(struct vd_read *r, struct vd_cid *cid)
{
	if (vd_read_uvarint(r) != 1)
		vd_read_fail(r, VD_EPEER_FORMAT);
	cid->codec = vd_read_uvarint(r);

	const uint8_t *start = r->at;
	(void)vd_multihash_read(r);
	if (!r->err)
		set_multihash(cid, vd_bytes(start, (size_t)(r->at - start)));
}

void vd_cid_read(struct vd_read *r, struct vd_cid *cid_out)
{
	struct vd_cid cid = { .version = 1 };

	if (is_v0(vd_bytes(r->at, vd_read_left(r)))) {
		cid.version = 0;
		cid.codec = VD_CODEC_DAG_PB;
		set_multihash(&cid, vd_read_bytes(r, V0_BYTES));
	} else {
		read_v1(r, &cid);
	}
	if (!r->err)
		*cid_out = cid;
}

enum vd_err vd_cid_of_bytes(struct vd_bytes bytes, struct vd_cid *cid_out)
{
	struct vd_read r = vd_read_of(bytes);
	struct vd_cid cid = { 0 };

	vd_cid_read(&r, &cid);

	enum vd_err err = vd_read_end(&r);
	if (!err)
		*cid_out = cid;
	return err;
}

void vd_cid_write(struct vd_write *w, const struct vd_cid *cid)
{
	if (cid->version == 1) {
		vd_write_uvarint(w, 1);
		vd_write_uvarint(w, cid->codec);
	}
	vd_write_bytes(w, vd_cid_multihash(cid));
}

enum vd_err vd_cid_of_text(struct vd_bytes text, struct vd_cid *cid_out)
{
	uint8_t bytes[VD_CID_MAX];
	size_t len;
	struct vd_cid cid;
	bool v0 = text.len == V0_TEXT && text.at[0] == 'Q' && text.at[1] == 'm';
	enum vd_err err = v0 ? vd_base_decode(VD_BASE58BTC, text, bytes, sizeof bytes, &len)
			     : vd_multibase_decode(text, bytes, sizeof bytes, &len);

	if (err || vd_cid_of_bytes(vd_bytes(bytes, len), &cid))
		return VD_EUSER;
	/* Version 0 has no multibase form (CID specification, decoding algorithm). */
	if ((cid.version == 0) != v0)
		return VD_EUSER;
	*cid_out = cid;
	return VD_OK;
}

const char *vd_cid_text(const struct vd_cid *cid, char out[VD_CID_TEXT])
{
	uint8_t bytes[VD_CID_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);

	vd_cid_write(&w, cid);

	enum vd_err err = cid->version == 0
			      ? vd_base_encode(VD_BASE58BTC, vd_write_done(&w), out, VD_CID_TEXT)
			      : vd_multibase_encode(VD_BASE32, vd_write_done(&w), out, VD_CID_TEXT);
	if (err)
		out[0] = 0;
	return out;
}

struct vd_cid vd_cid_make(uint64_t codec, struct vd_bytes multihash)
{
	struct vd_cid cid = { .version = 1, .codec = codec };

	set_multihash(&cid, multihash);
	return cid;
}

bool vd_cid_equal(const struct vd_cid *a, const struct vd_cid *b)
{
	return a->version == b->version && a->codec == b->codec &&
	       vd_bytes_equal(vd_cid_multihash(a), vd_cid_multihash(b));
}
