/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/init.h"
#include "base/log.h"
#include "base/pb.h"

static_assert(crypto_sign_SECRETKEYBYTES == sizeof((struct vd_identity){ 0 }.secret), "secret");
static_assert(crypto_sign_BYTES == VD_SIGNATURE_BYTES, "signature");

/* libp2p/specs, peer-ids, "Keys": the encoding is deterministic, so the head is fixed. */
static const uint8_t private_head[] = { 0x08, VD_KEY_ED25519, 0x12, 64 };
static const uint8_t public_head[] = { 0x08, VD_KEY_ED25519, 0x12, 32 };

enum { HEAD = 4 };

/* ---- identities ---- */

static void derive_public(struct vd_identity *identity)
{
	memcpy(identity->public_key, public_head, HEAD);
	memcpy(identity->public_key + HEAD, identity->secret + 32, 32);
	/* 36 bytes are always an identity multihash. */
	if (vd_peer_id_of_public_key(vd_bytes(identity->public_key, VD_PUBLIC_KEY_BYTES),
				     &identity->id))
		abort();
}

void vd_identity_generate(struct vd_identity *identity_out)
{
	uint8_t public_key[32];

	if (vd_init()) {
		fputs("viaduct: no source of randomness\n", stderr);
		abort();
	}
	*identity_out = (struct vd_identity){ 0 };
	crypto_sign_keypair(public_key, identity_out->secret);
	derive_public(identity_out);
}

void vd_identity_fini(struct vd_identity *identity)
{
	sodium_memzero(identity, sizeof *identity);
}

/* Whether the second half of a secret is the public key of the first. */
static bool is_consistent(const uint8_t secret[64])
{
	uint8_t public_key[32], derived[64];

	crypto_sign_seed_keypair(public_key, derived, secret);
	sodium_memzero(derived, sizeof derived);
	return memcmp(public_key, secret + 32, sizeof public_key) == 0;
}

enum vd_err vd_identity_of_protobuf(struct vd_bytes protobuf, struct vd_identity *identity_out)
{
	if (protobuf.len != VD_PRIVATE_KEY_BYTES || memcmp(protobuf.at, private_head, HEAD) != 0 ||
	    !is_consistent(protobuf.at + HEAD))
		return VD_EUSER;
	*identity_out = (struct vd_identity){ 0 };
	memcpy(identity_out->secret, protobuf.at + HEAD, sizeof identity_out->secret);
	derive_public(identity_out);
	return VD_OK;
}

void vd_identity_to_protobuf(const struct vd_identity *identity, uint8_t out[VD_PRIVATE_KEY_BYTES])
{
	memcpy(out, private_head, HEAD);
	memcpy(out + HEAD, identity->secret, sizeof identity->secret);
}

void vd_identity_sign(const struct vd_identity *identity, struct vd_bytes message,
		      uint8_t signature_out[VD_SIGNATURE_BYTES])
{
	crypto_sign_detached(signature_out, NULL, message.at, message.len, identity->secret);
}

/* ---- public keys ---- */

enum vd_err vd_public_key_read(struct vd_bytes protobuf, enum vd_key_type *type_out,
			       struct vd_bytes *data_out)
{
	struct vd_read r = vd_read_of(protobuf);

	if (vd_read_u8(&r) != 0x08)
		vd_read_fail(&r, VD_EPEER_FORMAT);
	uint64_t type = vd_read_uvarint(&r);
	if (vd_read_u8(&r) != 0x12)
		vd_read_fail(&r, VD_EPEER_FORMAT);
	struct vd_bytes data = vd_read_bytes(&r, vd_read_uvarint(&r));

	if (vd_read_end(&r))
		return VD_EPEER_FORMAT;
	if (type > VD_KEY_ECDSA)
		return VD_EPEER_RANGE;
	*type_out = (enum vd_key_type)type;
	*data_out = data;
	return VD_OK;
}

enum vd_err vd_key_verify(struct vd_bytes public_key, struct vd_bytes message,
			  struct vd_bytes signature)
{
	enum vd_key_type type;
	struct vd_bytes data;
	enum vd_err err = vd_public_key_read(public_key, &type, &data);

	if (err)
		return err;
	if (type != VD_KEY_ED25519)
		return VD_EPEER_RANGE;
	if (data.len != crypto_sign_PUBLICKEYBYTES)
		return VD_EPEER_FORMAT;
	if (signature.len != VD_SIGNATURE_BYTES ||
	    crypto_sign_verify_detached(signature.at, message.at, message.len, data.at) != 0)
		return VD_EPEER_AUTH;
	return VD_OK;
}

/* ---- key files ---- */

/* Up to `cap` bytes of a file; -1 with errno. */
static ssize_t read_all(int fd, uint8_t *out, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t got = read(fd, out + len, cap - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static enum vd_err read_open_file(int fd, const char *path, struct vd_identity *identity_out)
{
	uint8_t bytes[VD_PRIVATE_KEY_BYTES + 1]; /* one more tells a longer file */
	struct stat st;

	if (fstat(fd, &st) != 0)
		return VD_ESYS;
	if (!S_ISREG(st.st_mode)) {
		vd_log(VD_LOG_ERROR, VD_SUB_CONFIG, "key file is not a regular file",
		       VD_STR("path", path));
		return VD_EUSER;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		vd_log(VD_LOG_ERROR, VD_SUB_CONFIG,
		       "key file is open to other users: run chmod 600 on it",
		       VD_STR("path", path));
		return VD_EUSER;
	}

	ssize_t len = read_all(fd, bytes, sizeof bytes);
	enum vd_err err =
	    len < 0 ? VD_ESYS : vd_identity_of_protobuf(vd_bytes(bytes, (size_t)len), identity_out);
	sodium_memzero(bytes, sizeof bytes);
	if (err == VD_EUSER)
		vd_log(VD_LOG_ERROR, VD_SUB_CONFIG, "key file is not an Ed25519 libp2p private key",
		       VD_STR("path", path), VD_I64("bytes", len));
	return err;
}

enum vd_err vd_identity_read_file(const char *path, struct vd_identity *identity_out)
{
	/* Non-blocking: a FIFO must not hang the start; fstat then refuses it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return VD_ESYS;

	enum vd_err err = read_open_file(fd, path, identity_out);
	int saved_errno = errno;

	close(fd);
	errno = saved_errno;
	return err;
}

static bool write_all(int fd, struct vd_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.at, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		bytes = vd_bytes(bytes.at + put, bytes.len - (size_t)put);
	}
	return true;
}

/* Makes the file's name durable; file systems that cannot are left as they are. */
static void sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder =
	    slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(folder);
}

enum vd_err vd_identity_write_file(const struct vd_identity *identity, const char *path)
{
	uint8_t bytes[VD_PRIVATE_KEY_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return VD_ESYS;
	vd_identity_to_protobuf(identity, bytes);

	bool ok =
	    fchmod(fd, 0600) == 0 && write_all(fd, vd_bytes(bytes, sizeof bytes)) && fsync(fd) == 0;
	int saved_errno = errno;

	sodium_memzero(bytes, sizeof bytes);
	if (close(fd) != 0 && ok) {
		saved_errno = errno;
		ok = false;
	}
	if (!ok) {
		unlink(path);
		errno = saved_errno;
		return VD_ESYS;
	}
	sync_folder_of(path);
	return VD_OK;
}

enum vd_err vd_identity_open_file(const char *path, struct vd_identity *identity_out)
{
	enum vd_err err = vd_identity_read_file(path, identity_out);
	struct vd_identity made;

	if (err != VD_ESYS || errno != ENOENT)
		return err;
	vd_identity_generate(&made);
	err = vd_identity_write_file(&made, path);
	if (!err)
		*identity_out = made;
	else if (err == VD_ESYS && errno == EEXIST) /* somebody was faster */
		err = vd_identity_read_file(path, identity_out);
	vd_identity_fini(&made);
	return err;
}
