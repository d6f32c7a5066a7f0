/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* pnet_key: the file of a private network's key, and its fingerprint. */
#include <openssl/evp.h>
#include <sodium.h>

#include "controlplane/proto/pnet.h"

static const char CODEC[] = "/key/swarm/psk/1.0.0/";

static enum vd_err fail(const char **reason_out, const char *reason)
{
	*reason_out = reason;
	return VD_EUSER;
}

/* The line that `rest` begins with, without its end; false when none ends. */
static bool take_line(struct vd_bytes *rest, struct vd_bytes *line_out)
{
	const uint8_t *end = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->at) : 0;

	if (!end)
		return false;
	*line_out = vd_bytes(rest->at, len && end[-1] == '\r' ? len - 1 : len);
	*rest = vd_bytes(end + 1, rest->len - len - 1);
	return true;
}

static bool is_line(struct vd_bytes line, const char *text)
{
	return vd_bytes_equal(line, vd_bytes_of_text(text));
}

/* Whether all but white space was decoded. */
static bool is_whole(struct vd_bytes text, const char *end, size_t len)
{
	const char *stop = (const char *)text.at + text.len;

	while (end < stop && strchr(" \t\r\n", *end) && *end)
		end++;
	return len == PNET_KEY && end == stop;
}

static bool read_base16(struct vd_bytes text, struct pnet_key *key)
{
	const char *end;
	size_t len = 0;

	return text.len &&
	       sodium_hex2bin(key->bytes, PNET_KEY, (const char *)text.at, text.len, NULL, &len,
			      &end) == 0 &&
	       is_whole(text, end, len);
}

static bool read_base64(struct vd_bytes text, struct pnet_key *key)
{
	const char *end;
	size_t len = 0;

	return text.len &&
	       sodium_base642bin(key->bytes, PNET_KEY, (const char *)text.at, text.len, NULL, &len,
				 &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       is_whole(text, end, len);
}

static bool read_bin(struct vd_bytes bytes, struct pnet_key *key)
{
	if (bytes.len != PNET_KEY)
		return false;
	memcpy(key->bytes, bytes.at, PNET_KEY);
	return true;
}

static enum vd_err read_body(struct vd_bytes encoding, struct vd_bytes body, struct pnet_key *key,
			     const char **reason_out)
{
	if (is_line(encoding, "/base16/"))
		return read_base16(body, key)
			   ? VD_OK
			   : fail(reason_out, "does not hold 64 hex digits in its third line");
	if (is_line(encoding, "/base64/"))
		return read_base64(body, key)
			   ? VD_OK
			   : fail(reason_out,
				  "does not hold 32 bytes in padded base64 in its third "
				  "line");
	if (is_line(encoding, "/bin/"))
		return read_bin(body, key)
			   ? VD_OK
			   : fail(reason_out, "does not hold exactly 32 bytes after its second "
					      "line");
	return fail(reason_out, "has a second line that is neither /base16/, /base64/ nor /bin/");
}

enum vd_err pnet_key_read(struct vd_bytes file, struct pnet_key *key_out, const char **reason_out)
{
	struct vd_bytes codec, encoding;
	struct pnet_key key;
	enum vd_err err;

	if (file.len > PNET_FILE_MAX)
		return fail(reason_out, "is too long for a swarm key");
	if (!take_line(&file, &codec) || !is_line(codec, CODEC))
		return fail(reason_out, "does not begin with the line /key/swarm/psk/1.0.0/");
	if (!take_line(&file, &encoding))
		return fail(reason_out, "ends after its first line");
	err = read_body(encoding, file, &key, reason_out);
	if (!err)
		*key_out = key;
	pnet_key_fini(&key);
	return err;
}

void pnet_key_fini(struct pnet_key *key)
{
	sodium_memzero(key, sizeof *key);
}

enum vd_err pnet_key_fingerprint(const struct pnet_key *key, uint8_t out[PNET_FINGERPRINT])
{
	static const uint8_t nonce[crypto_stream_salsa20_NONCEBYTES] = "finprint";
	uint8_t block[64];
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool ok;

	crypto_stream_salsa20(block, sizeof block, nonce, key->bytes);
	ok = hash && EVP_DigestInit_ex(hash, EVP_shake128(), NULL) == 1 &&
	     EVP_DigestUpdate(hash, block, sizeof block) == 1 &&
	     EVP_DigestFinalXOF(hash, out, PNET_FINGERPRINT) == 1;
	sodium_memzero(block, sizeof block);
	EVP_MD_CTX_free(hash);
	return ok ? VD_OK : VD_ENOMEM;
}
