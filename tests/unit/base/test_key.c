/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/key.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/base/vectors.h"

/* libp2p/specs 7740c07, peer-ids, "Test vectors". */
#define PRIVATE                                                                                    \
	"080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144" \
	"b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
#define PUBLIC            "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
#define SECP256K1_PRIVATE "0802122053DADF1D5A164D6B4ACDB15E24AA4C5B1D3461BDBD42ABEDB0A4404D56CED8FB"
#define SECP256K1_PUBLIC                                                                           \
	"08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"

static char folder[] = "/tmp/viaduct-test-key-XXXXXX";
static char path[64];

static void make_folder(void)
{
	cr_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/key", folder);
	vd_log_to(open("/dev/null", O_WRONLY));
}

static void remove_folder(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(key_file, .init = make_folder, .fini = remove_folder);

static struct vd_identity spec_identity(void)
{
	struct hex in = hex_of(PRIVATE);
	struct vd_identity identity = { 0 };

	cr_assert(eq(int, vd_identity_of_protobuf(hex_bytes(&in), &identity), VD_OK));
	return identity;
}

static void put_file(struct vd_bytes bytes, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(sz, (size_t)write(fd, bytes.at, bytes.len), bytes.len));
	cr_assert(zero(int, fchmod(fd, mode)));
	close(fd);
}

Test(key, the_specifications_private_key_gives_its_public_key_and_is_written_back)
{
	struct vd_identity identity = spec_identity();
	struct hex public_key = hex_of(PUBLIC), private_key = hex_of(PRIVATE);
	uint8_t out[VD_PRIVATE_KEY_BYTES];
	char text[VD_PEER_ID_TEXT];

	assert_bytes(vd_bytes(identity.public_key, VD_PUBLIC_KEY_BYTES), hex_bytes(&public_key));
	vd_identity_to_protobuf(&identity, out);
	assert_bytes(vd_bytes(out, sizeof out), hex_bytes(&private_key));
	cr_assert(eq(str, (char *)vd_peer_id_text(&identity.id, text),
		     "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"));
}

Test(key, what_is_no_consistent_ed25519_key_is_refused)
{
	struct hex in = hex_of(PRIVATE), other = hex_of(SECP256K1_PRIVATE);
	struct vd_identity identity;

	for (size_t len = 0; len < in.len; len++)
		cr_assert(
		    eq(int, vd_identity_of_protobuf(vd_bytes(in.at, len), &identity), VD_EUSER));
	cr_assert(
	    eq(int, vd_identity_of_protobuf(vd_bytes(in.at, in.len + 1), &identity), VD_EUSER));
	cr_assert(eq(int, vd_identity_of_protobuf(hex_bytes(&other), &identity), VD_EUSER));
	for (size_t i = 0; i < in.len; i++) {
		in.at[i] ^= 1;
		cr_assert(eq(int, vd_identity_of_protobuf(hex_bytes(&in), &identity), VD_EUSER),
			  "byte %zu", i);
		in.at[i] ^= 1;
	}
}

Test(key, generated_keys_differ_and_sign)
{
	struct vd_identity a, b;
	uint8_t signature[VD_SIGNATURE_BYTES];
	struct vd_bytes message = vd_bytes_of_text("message");

	vd_identity_generate(&a);
	vd_identity_generate(&b);
	cr_assert(not(vd_peer_id_equal(&a.id, &b.id)));
	vd_identity_sign(&a, message, signature);
	cr_assert(eq(int,
		     vd_key_verify(vd_bytes(a.public_key, 36), message, vd_bytes(signature, 64)),
		     VD_OK));
	cr_assert(eq(int,
		     vd_key_verify(vd_bytes(b.public_key, 36), message, vd_bytes(signature, 64)),
		     VD_EPEER_AUTH));
}

/* RFC 8032, section 7.1, test 2. */
Test(key, a_signature_of_rfc_8032_is_made_and_verified)
{
	struct hex private_key =
	    hex_of("080112404ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
		   "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	struct hex want =
	    hex_of("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	const uint8_t message[] = { 0x72 };
	struct vd_identity identity;
	uint8_t signature[VD_SIGNATURE_BYTES];

	cr_assert(eq(int, vd_identity_of_protobuf(hex_bytes(&private_key), &identity), VD_OK));
	vd_identity_sign(&identity, vd_bytes(message, 1), signature);
	assert_bytes(vd_bytes(signature, sizeof signature), hex_bytes(&want));
	cr_assert(eq(int,
		     vd_key_verify(vd_bytes(identity.public_key, 36), vd_bytes(message, 1),
				   hex_bytes(&want)),
		     VD_OK));
}

Test(key, a_changed_message_or_signature_does_not_verify)
{
	struct vd_identity identity = spec_identity();
	struct vd_bytes key = vd_bytes(identity.public_key, 36);
	uint8_t message[] = "message", signature[65] = { 0 };

	vd_identity_sign(&identity, vd_bytes(message, 7), signature);
	for (size_t i = 0; i < 64; i++) {
		signature[i] ^= 4;
		cr_assert(eq(int, vd_key_verify(key, vd_bytes(message, 7), vd_bytes(signature, 64)),
			     VD_EPEER_AUTH));
		signature[i] ^= 4;
	}
	cr_assert(eq(int, vd_key_verify(key, vd_bytes(message, 6), vd_bytes(signature, 64)),
		     VD_EPEER_AUTH));
	cr_assert(eq(int, vd_key_verify(key, vd_bytes(message, 7), vd_bytes(signature, 63)),
		     VD_EPEER_AUTH));
	cr_assert(eq(int, vd_key_verify(key, vd_bytes(message, 7), vd_bytes(signature, 65)),
		     VD_EPEER_AUTH));
	cr_assert(
	    eq(int, vd_key_verify(key, vd_bytes(message, 7), vd_bytes(signature, 64)), VD_OK));
}

Test(key, malformed_public_keys_are_told_from_other_types)
{
	static const char *const malformed[] = {
		"",
		"0801",
		"08011220",
		/* data before type; a long varint; a third field; 31 bytes; a missing type */
		"12201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e0801",
		"0881001220"
		"1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
		PUBLIC "1800",
		"0801121f1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce2",
		"12201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
	};
	uint8_t signature[64] = { 0 };
	struct vd_bytes message = vd_bytes_of_text("m");
	struct hex other = hex_of(SECP256K1_PUBLIC);

	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		struct hex key = hex_of(malformed[i]);

		cr_assert(eq(int, vd_key_verify(hex_bytes(&key), message, vd_bytes(signature, 64)),
			     VD_EPEER_FORMAT),
			  "%s", malformed[i]);
	}
	cr_assert(eq(int, vd_key_verify(hex_bytes(&other), message, vd_bytes(signature, 64)),
		     VD_EPEER_RANGE));
}

static void assert_wycheproof_case(const struct hex *public_key, const json_t *test)
{
	uint8_t key[VD_PUBLIC_KEY_BYTES] = { 0x08, 0x01, 0x12, 0x20 };
	struct hex message = hex_of(json_string_value(json_object_get(test, "msg"))),
		   signature = hex_of(json_string_value(json_object_get(test, "sig")));
	bool valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;

	memcpy(key + 4, public_key->at, 32);
	cr_assert(
	    eq(int,
	       vd_key_verify(vd_bytes(key, sizeof key), hex_bytes(&message), hex_bytes(&signature)),
	       valid ? VD_OK : VD_EPEER_AUTH),
	    "tcId %d", (int)json_integer_value(json_object_get(test, "tcId")));
}

Test(key, ed25519_agrees_with_wycheproof)
{
	FILE *file = open_vectors("wycheproof/ed25519_test.json");
	json_t *root = json_loadf(file, 0, NULL), *group, *test;
	size_t i, j;
	int count = 0;

	cr_assert(root != NULL);
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		const json_t *public_key = json_object_get(group, "publicKey");
		struct hex key = hex_of(json_string_value(json_object_get(public_key, "pk")));

		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			assert_wycheproof_case(&key, test);
			count++;
		}
	}
	cr_assert(ge(int, count, 100));
	json_decref(root);
	fclose(file);
}

Test(key, fini_wipes_the_secret)
{
	struct vd_identity identity = spec_identity();
	const uint8_t none[sizeof identity.secret] = { 0 };

	vd_identity_fini(&identity);
	cr_assert(zero(int, memcmp(identity.secret, none, sizeof none)));
}

Test(key_file, a_written_file_is_private_and_read_back)
{
	struct vd_identity identity = spec_identity(), back;
	struct stat st;

	umask(0);
	cr_assert(eq(int, vd_identity_write_file(&identity, path), VD_OK));
	cr_assert(zero(int, stat(path, &st)));
	cr_assert(eq(int, st.st_mode & 07777, 0600));
	cr_assert(eq(int, (int)st.st_size, VD_PRIVATE_KEY_BYTES));
	cr_assert(eq(int, vd_identity_read_file(path, &back), VD_OK));
	cr_assert(zero(int, memcmp(&back, &identity, sizeof back)));
}

Test(key_file, an_existing_file_is_never_replaced)
{
	struct vd_identity old = spec_identity(), other, back;

	vd_identity_generate(&other);
	cr_assert(eq(int, vd_identity_write_file(&old, path), VD_OK));
	errno = 0;
	cr_assert(eq(int, vd_identity_write_file(&other, path), VD_ESYS));
	cr_assert(eq(int, errno, EEXIST));
	cr_assert(eq(int, vd_identity_read_file(path, &back), VD_OK));
	cr_assert(vd_peer_id_equal(&back.id, &old.id));
}

Test(key_file, a_file_that_others_may_touch_is_refused_with_the_cure)
{
	struct hex in = hex_of(PRIVATE);
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0644, 0700 | 1 };
	struct vd_identity identity;
	char line[1024];

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		int ends[2];

		cr_assert(zero(int, pipe2(ends, O_NONBLOCK)));
		vd_log_to(ends[1]);
		put_file(hex_bytes(&in), modes[i]);
		cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_EUSER), "%o",
			  modes[i]);
		ssize_t len = read(ends[0], line, sizeof line - 1);
		line[len > 0 ? len : 0] = 0;
		cr_assert(strstr(line, "chmod 600") != NULL);
		cr_assert(strstr(line, path) != NULL);
		close(ends[0]);
		close(ends[1]);
	}
	put_file(hex_bytes(&in), 0400);
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_OK));
}

Test(key_file, files_of_another_length_or_content_are_refused)
{
	struct hex in = hex_of(PRIVATE);
	struct vd_identity identity;

	put_file(vd_bytes(in.at, 0), 0600);
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_EUSER));
	put_file(vd_bytes(in.at, in.len - 1), 0600);
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_EUSER));
	put_file(vd_bytes(in.at, in.len + 1), 0600);
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_EUSER));
	in.at[40] ^= 1;
	put_file(hex_bytes(&in), 0600);
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_EUSER));
}

Test(key_file, an_absent_file_is_told_by_errno)
{
	struct vd_identity identity;

	errno = 0;
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_ESYS));
	cr_assert(eq(int, errno, ENOENT));
	errno = 0;
	identity = spec_identity();
	cr_assert(eq(int, vd_identity_write_file(&identity, "/nowhere/at/all"), VD_ESYS));
	cr_assert(eq(int, errno, ENOENT));
}

Test(key_file, what_is_no_regular_file_is_refused_without_waiting)
{
	struct vd_identity identity;

	cr_assert(zero(int, mkfifo(path, 0600)));
	cr_assert(eq(int, vd_identity_read_file(path, &identity), VD_EUSER));
	cr_assert(eq(int, vd_identity_read_file(folder, &identity), VD_EUSER));
}
