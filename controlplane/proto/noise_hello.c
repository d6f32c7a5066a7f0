/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_hello.h"

#include "base/pb.h"
#include "controlplane/proto/public_key.h"

enum { FIELD_IDENTITY_KEY = 1, FIELD_IDENTITY_SIG = 2, FIELD_EXTENSIONS = 4 };
enum { FIELD_STREAM_MUXERS = 2 };

static const char SIGNED_PREFIX[] = "noise-libp2p-static-key:";
enum { SIGNED_BYTES = sizeof SIGNED_PREFIX - 1 + NOISE_KEY_BYTES };

static enum vd_err read_extensions(struct vd_bytes in, struct noise_hello *hello)
{
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f)) {
		if (f.number != FIELD_STREAM_MUXERS)
			continue;

		struct vd_bytes name = vd_pb_bytes(&r, &f);

		if (hello->muxer_count < SECURITY_MUXERS)
			hello->muxers[hello->muxer_count++] = name;
	}
	return vd_read_end(&r);
}

enum vd_err noise_hello_read(struct vd_bytes in, struct noise_hello *hello_out)
{
	struct noise_hello hello = { 0 };
	struct vd_read r = vd_read_of(in);
	struct vd_pb_field f;

	while (vd_pb_next(&r, &f)) {
		if (f.number == FIELD_IDENTITY_KEY)
			hello.identity_key = vd_pb_bytes(&r, &f);
		else if (f.number == FIELD_IDENTITY_SIG)
			hello.identity_sig = vd_pb_bytes(&r, &f);
		else if (f.number == FIELD_EXTENSIONS)
			vd_read_fail(&r, read_extensions(vd_pb_bytes(&r, &f), &hello));
	}

	enum vd_err err = vd_read_end(&r);

	if (!err)
		*hello_out = hello;
	return err;
}

enum vd_err noise_hello_write(struct vd_write *w, const struct security_config *config,
			      const uint8_t signature[VD_SIGNATURE_BYTES])
{
	size_t extensions = 0;

	for (const char *const *muxer = config->muxers; *muxer; muxer++)
		extensions += vd_pb_bytes_len(FIELD_STREAM_MUXERS, strlen(*muxer));
	vd_pb_write_bytes(w, FIELD_IDENTITY_KEY,
			  vd_bytes(config->identity->public_key, VD_PUBLIC_KEY_BYTES));
	vd_pb_write_bytes(w, FIELD_IDENTITY_SIG, vd_bytes(signature, VD_SIGNATURE_BYTES));
	if (extensions)
		vd_pb_write_head(w, FIELD_EXTENSIONS, extensions);
	for (const char *const *muxer = config->muxers; *muxer; muxer++)
		vd_pb_write_bytes(w, FIELD_STREAM_MUXERS, vd_bytes_of_text(*muxer));
	return vd_write_end(w);
}

static void signed_text(const uint8_t static_key[NOISE_KEY_BYTES], uint8_t out[SIGNED_BYTES])
{
	memcpy(out, SIGNED_PREFIX, sizeof SIGNED_PREFIX - 1);
	memcpy(out + sizeof SIGNED_PREFIX - 1, static_key, NOISE_KEY_BYTES);
}

void noise_hello_sign(const struct vd_identity *identity, const uint8_t static_key[NOISE_KEY_BYTES],
		      uint8_t signature_out[VD_SIGNATURE_BYTES])
{
	uint8_t text[SIGNED_BYTES];

	signed_text(static_key, text);
	vd_identity_sign(identity, vd_bytes(text, sizeof text), signature_out);
}

enum vd_err noise_hello_verify(const struct noise_hello *hello,
			       const uint8_t static_key[NOISE_KEY_BYTES],
			       struct vd_peer_id *peer_out)
{
	uint8_t text[SIGNED_BYTES];

	signed_text(static_key, text);

	enum vd_err err = public_key_verify(hello->identity_key, vd_bytes(text, sizeof text),
					    hello->identity_sig);

	return err ? err : vd_peer_id_of_public_key(hello->identity_key, peer_out);
}

const char *noise_hello_first_of_ours(const char *const *ours, const struct noise_hello *theirs)
{
	for (; *ours; ours++)
		for (uint32_t i = 0; i < theirs->muxer_count; i++)
			if (vd_bytes_equal(vd_bytes_of_text(*ours), theirs->muxers[i]))
				return *ours;
	return NULL;
}

const char *noise_hello_first_of_theirs(const char *const *ours, const struct noise_hello *theirs)
{
	for (uint32_t i = 0; i < theirs->muxer_count; i++)
		for (const char *const *own = ours; *own; own++)
			if (vd_bytes_equal(vd_bytes_of_text(*own), theirs->muxers[i]))
				return *own;
	return NULL;
}
