/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/seal.h"

#include <sodium.h>

#include "multigram/frame.h"

void seal_init(struct seal *seal, enum vd_cipher cipher, const uint8_t tx_key[VD_AEAD_KEY_BYTES],
	       const uint8_t rx_key[VD_AEAD_KEY_BYTES], uint32_t remote_index)
{
	*seal = (struct seal){ .cipher = cipher, .remote_index = remote_index };
	memcpy(seal->tx_key, tx_key, sizeof seal->tx_key);
	memcpy(seal->rx_key, rx_key, sizeof seal->rx_key);
}

void seal_fini(struct seal *seal)
{
	sodium_memzero(seal, sizeof *seal);
}

enum vd_err seal_index(struct vd_bytes frame, uint32_t *index_out)
{
	if (frame.len < SEAL_OVERHEAD)
		return VD_EPEER_TRUNC;
	if (frame.at[0] != MG_SEALED)
		return VD_EPEER_FORMAT;
	*index_out = vd_be32_load(frame.at + 1);
	return VD_OK;
}

enum vd_err seal_create(struct seal *seal, struct vd_bytes plain, uint8_t *out, size_t cap,
			size_t *len_out)
{
	struct vd_write w = vd_write_to(out, cap);
	struct vd_aead aead;

	if (cap < SEAL_OVERHEAD || cap - SEAL_OVERHEAD < plain.len)
		return VD_EBUG_ROOM;
	seal->tx_counter++;
	vd_write_u8(&w, MG_SEALED);
	vd_write_be32(&w, seal->remote_index);
	vd_write_be64(&w, seal->tx_counter);
	vd_aead_init(&aead, seal->cipher, seal->tx_key);
	vd_aead_seal(&aead, seal->tx_counter, vd_bytes(out, SEAL_HEADER), plain, out + SEAL_HEADER);
	vd_aead_fini(&aead);
	*len_out = plain.len + SEAL_OVERHEAD;
	return VD_OK;
}

enum vd_err seal_consume(struct seal *seal, struct vd_bytes frame, uint8_t *plain_out,
			 size_t *len_out)
{
	uint32_t index;
	enum vd_err err = seal_index(frame, &index);

	if (err)
		return err;

	uint64_t counter = vd_be64_load(frame.at + 5);
	struct vd_bytes sealed = vd_bytes(frame.at + SEAL_HEADER, frame.len - SEAL_HEADER);
	struct vd_aead aead;

	if (!sw_window_is_new(&seal->window, seal->top, counter))
		return VD_EPEER_REPLAY;
	vd_aead_init(&aead, seal->cipher, seal->rx_key);
	err = vd_aead_open(&aead, counter, vd_bytes(frame.at, SEAL_HEADER), sealed, plain_out);
	vd_aead_fini(&aead);
	if (err)
		return err;
	sw_window_mark(&seal->window, &seal->top, counter);
	*len_out = frame.len - SEAL_OVERHEAD;
	return VD_OK;
}
