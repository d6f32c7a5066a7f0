/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/public_key.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/unit/base/vectors.h"

/* libp2p/specs 7740c07, peer-ids, "Test vectors". */
#define RSA_4096                                                                                   \
	"080012a60430820222300d06092a864886f70d01010105000382020f003082020a0282020100"             \
	"e1beab071d08200bde24eef00d049449b07770ff9910257b2d7d5dda242ce8f0e2f12e1af4b3"             \
	"2d9efd2c090f66b0f29986dbb645dae9880089704a94e5066d594162ae6ee8892e6ec70701db"             \
	"0a6c445c04778eb3de1293aa1a23c3825b85c6620a2bc3f82f9b0c309bc0ab3aeb1873282beb"             \
	"d3da03c33e76c21e9beb172fd44c9e43be32e2c99827033cf8d0f0c606f4579326c930eb4e85"             \
	"4395ad941256542c793902185153c474bed109d6ff5141ebf9cd256cf58893a37f83729f97e7"             \
	"cb435ec679d2e33901d27bb35aa0d7e20561da08885ef0abbf8e2fb48d6a5487047a9ecb1ad4"             \
	"1fa7ed84f6e3e8ecd5d98b3982d2a901b4454991766da295ab78822add5612a2df83bcee814c"             \
	"f50973e80d7ef38111b1bd87da2ae92438a2c8cbcc70b31ee319939a3b9c761dbc13b5c086d6"             \
	"b64bf7ae7dacc14622375d92a8ff9af7eb962162bbddebf90acb32adb5e4e4029f1c96019949"             \
	"ecfbfeffd7ac1e3fbcc6b6168c34be3d5a2e5999fcbb39bba7adbca78eab09b9bc39f7fa4b93"             \
	"411f4cc175e70c0a083e96bfaefb04a9580b4753c1738a6a760ae1afd851a1a4bdad231cf56e"             \
	"9284d832483df215a46c1c21bdf0c6cfe951c18f1ee4078c79c13d63edb6e14feaeffabc90ad"             \
	"317e4875fe648101b0864097e998f0ca3025ef9638cd2b0caecd3770ab54a1d9c6ca959b0f5d"             \
	"cbc90caeefc4135baca6fd475224269bbe1b0203010001"
#define ECDSA                                                                                      \
	"0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0"             \
	"e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c"             \
	"098e5c47c646a597fb4dcec034e9f77c409e62"
#define ED25519   "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
#define SECP256K1 "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"

/* libp2p/js-libp2p 59ccecc40, packages/crypto/test/fixtures: signed by go-libp2p. */
#define GO_RSA                                                                                     \
	"080012a60230820122300d06092a864886f70d01010105000382010f003082010a0282010100"             \
	"b5718a6cd067a6662524ccfae4a52c40b0d2cd8df137c86e624455c7fe1356cc3ffaa7263bf9"             \
	"92e449ab3f126068bf89baf4ff5a1077c334b1d5febbae54aead0cec35ea03d152254e6fd687"             \
	"4cc309f286bc99548be73392b13c0c199e5bd7980700542324e6e343c648326e25d162c1415d"             \
	"adc704c666639490e0d9723590f5fb72d31452a37b4b10c06ad580020bc8cb5429c7e09babd9"             \
	"406d74bc97b7ad34cda45d0dfb41b6a09ab9ef21b8549f6965adc2fb7b545c423db42d68a2e0"             \
	"d6e940dca50268749602eacb70157c1730421e3f1e24f687cbda7316bd27277dcd41dedc4d12"             \
	"5479a1997d198b89aaef966a77a8d88c71791a35766e35c0f4fc91550203010001"
#define GO_RSA_DATA                                                                                \
	"0a101b80e4dc93b03569afab20d523eccb3c12ab02080012a60230820122300d06092a864886"             \
	"f70d01010105000382010f003082010a0282010100b5718a6cd067a6662524ccfae4a52c40b0"             \
	"d2cd8df137c86e624455c7fe1356cc3ffaa7263bf992e449ab3f126068bf89baf4ff5a1077c3"             \
	"34b1d5febbae54aead0cec35ea03d152254e6fd6874cc309f286bc99548be73392b13c0c199e"             \
	"5bd7980700542324e6e343c648326e25d162c1415dadc704c666639490e0d9723590f5fb72d3"             \
	"1452a37b4b10c06ad580020bc8cb5429c7e09babd9406d74bc97b7ad34cda45d0dfb41b6a09a"             \
	"b9ef21b8549f6965adc2fb7b545c423db42d68a2e0d6e940dca50268749602eacb70157c1730"             \
	"421e3f1e24f687cbda7316bd27277dcd41dedc4d125479a1997d198b89aaef966a77a8d88c71"             \
	"791a35766e35c0f4fc915502030100011a11502d3235362c502d3338342c502d353231221841"             \
	"45532d3235362c4145532d3132382c426c6f77666973682a0d5348413235362c534841353132"             \
	"0a10dc53f06906cb4e53d273066a625201a112ab02080012a60230820122300d06092a864886"             \
	"f70d01010105000382010f003082010a0282010100b9ea13bfa421415e572a4a53e0198e2c1a"             \
	"075cf2bd2aaac5b25c2df06b8d803b7afc308c045555cb03c5087f78622ca987c4468975b4b1"             \
	"86aa23a558691e728a0b6044631295dfa6690cb04d30d616ec119ad5d19ea9ca0564d2535ac9"             \
	"26cdf6e76a3f56de8f9dad3e0455e814bc06d1ba84c07592b5e91a00f08ace5baa7289d9848b"             \
	"f290d56765be92bcfabc86ff467d4e4188efbece8b9b8ca3e9aaf7cd57d1131dad0a932b1c5a"             \
	"2e06c5d9ba42447e4c40b808aa174ff3df77857632e22cf6b00aa1db533644f8050eb172363f"             \
	"0b47888e38977be63d500fb42a31dc9463e714e6dc55cfbb25d289ab7d470e35645b53d13284"             \
	"a5fd19a10561a4a3535f3502030100011a11502d3235362c502d3338342c502d353231220f41"             \
	"45532d3235362c4145532d3132382a0d5348413235362c534841353132046136cb708822e7a2"             \
	"139a831b691a79ee7819cb42e835c614136077da5a40aa038474015774e8a5a1c675a73c9101"             \
	"fd6c329675088c85301eec2454ba16905765"
#define GO_RSA_SIGNATURE                                                                           \
	"037451395bc20701e6ece58e24d1d06b2f34a4ec8b239b612b40915b13da953f63a4bf6e9125"             \
	"1207627090231dbaa996a55891aac56e2aa3bc0a2a3f225d5b5ec76e0a52ee505d5d4d8216d8"             \
	"e5ac24e552a2144e132e52f32b50737d91e7c2e01ebb37e44a34cbbffe9488da3e93ab82fbb5"             \
	"691deecfc5f93d69caaca0ae2b7c7382a91e4c2934c8021a35be2b14cb0ad9fa2f665c67c516"             \
	"6cb84ada52cab4620d720c5c018b96aa085c2074a8db9da21c4d1d1d4a889031adf5fd4ca7c8"             \
	"a9a30731857863bf350a421aeaf08beb861e37f89664f2969fc62c4e9607858b3b4c03e15e0d"             \
	"597a225f5f6b4aa9aba9de19bfb694744243660cc1d9f7f394e9a19d"
#define GO_SECP256K1 "08021221029c0ce5d53646ed47112560297a3e59b78b8cbd4bae37c7a0c236eeb91d0fbeaf"
#define GO_SECP256K1_SIGNATURE                                                                     \
	"304402200e4c629e9f5d99439115e60989cd40087f6978c36078b0b50cf3d30af5c38d41"                 \
	"02204110342c8e7f0809897c1c7a66e49e1c6b7cb0a6ed6993640ec2fe742c1899a9"
#define GO_MESSAGE "hello! and welcome to some awesome crypto primitives"

static enum vd_err verify(const char *key, struct vd_bytes message, const char *signature)
{
	struct hex k = hex_of(key), s = hex_of(signature);

	return public_key_verify(hex_bytes(&k), message, hex_bytes(&s));
}

static void assert_id(const char *key, const char *want)
{
	struct hex k = hex_of(key);
	struct vd_peer_id id;
	char text[VD_PEER_ID_TEXT];

	cr_assert(eq(int, vd_peer_id_of_public_key(hex_bytes(&k), &id), VD_OK));
	cr_assert(eq(str, (char *)vd_peer_id_text(&id, text), (char *)want));
}

Test(public_key, short_keys_are_their_own_peer_id_and_long_ones_are_hashed)
{
	assert_id(ED25519, "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq");
	assert_id(SECP256K1, "16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY");
	assert_id(ECDSA, "QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk");
	assert_id(RSA_4096, "QmaeANgBs1DTSxWSrPPtobgQuxW8XTfsS4ydbK4rCHzqxG");
}

Test(public_key, an_rsa_signature_of_go_verifies)
{
	struct hex data = hex_of(GO_RSA_DATA);

	cr_assert(eq(int, verify(GO_RSA, hex_bytes(&data), GO_RSA_SIGNATURE), VD_OK));
	data.at[0] ^= 1;
	cr_assert(eq(int, verify(GO_RSA, hex_bytes(&data), GO_RSA_SIGNATURE), VD_EPEER_AUTH));
	data.at[0] ^= 1;
	cr_assert(eq(int, verify(RSA_4096, hex_bytes(&data), GO_RSA_SIGNATURE), VD_EPEER_AUTH));
}

Test(public_key, a_secp256k1_signature_of_go_verifies)
{
	struct vd_bytes message = vd_bytes_of_text(GO_MESSAGE);

	cr_assert(eq(int, verify(GO_SECP256K1, message, GO_SECP256K1_SIGNATURE), VD_OK));
	cr_assert(eq(int, verify(GO_SECP256K1, vd_bytes_of_text("hello"), GO_SECP256K1_SIGNATURE),
		     VD_EPEER_AUTH));
	cr_assert(eq(int, verify(SECP256K1, message, GO_SECP256K1_SIGNATURE), VD_EPEER_AUTH));
}

Test(public_key, ed25519_verifies_here_too)
{
	struct vd_identity identity;
	uint8_t signature[VD_SIGNATURE_BYTES];
	struct vd_bytes message = vd_bytes_of_text("m");

	vd_identity_generate(&identity);
	vd_identity_sign(&identity, message, signature);
	cr_assert(eq(int,
		     public_key_verify(vd_bytes(identity.public_key, VD_PUBLIC_KEY_BYTES), message,
				       vd_bytes(signature, sizeof signature)),
		     VD_OK));
}

Test(public_key, a_truncated_longer_or_changed_key_is_malformed_or_not_the_signers)
{
	static const char *const keys[] = { RSA_4096, ECDSA, SECP256K1, GO_RSA };
	struct vd_bytes message = vd_bytes_of_text("m"), signature = vd_bytes("\x30\x06", 2);

	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		struct hex key = hex_of(keys[k]);

		for (size_t len = 0; len < key.len; len++)
			cr_assert(eq(int,
				     public_key_verify(vd_bytes(key.at, len), message, signature),
				     VD_EPEER_FORMAT));
		cr_assert(eq(int,
			     public_key_verify(vd_bytes(key.at, key.len + 1), message, signature),
			     VD_EPEER_FORMAT));
		for (size_t i = 0; i < key.len; i++) {
			key.at[i] ^= 0x10;
			cr_assert(
			    ne(int, public_key_verify(hex_bytes(&key), message, signature), VD_OK));
			key.at[i] ^= 0x10;
		}
	}
}

/* Type and data of a key that OpenSSL makes; the test's own, freed by its end. */
static struct hex made(enum vd_key_type type, EVP_PKEY *key)
{
	struct hex hex = { .len = 0 };
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	struct vd_write w = vd_write_to(hex.at, sizeof hex.at);

	cr_assert(gt(int, len, 0));
	vd_write_u8(&w, 0x08);
	vd_write_u8(&w, (uint8_t)type);
	vd_write_u8(&w, 0x12);
	vd_write_uvarint(&w, (uint64_t)len);
	vd_write_bytes(&w, vd_bytes(der, (size_t)len));
	cr_assert(eq(int, vd_write_end(&w), VD_OK));
	hex.len = vd_write_len(&w);
	OPENSSL_free(der);
	return hex;
}

static enum vd_err signed_and_verified(enum vd_key_type type, EVP_PKEY *key)
{
	uint8_t signature[PUBLIC_KEY_SIGNATURE_MAX];
	size_t len = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct hex public_key = made(type, key);

	cr_assert(eq(int, EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1));
	cr_assert(eq(int, EVP_DigestSign(context, signature, &len, (const uint8_t *)"m", 1), 1));
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return public_key_verify(hex_bytes(&public_key), vd_bytes_of_text("m"),
				 vd_bytes(signature, len));
}

Test(public_key, rsa_keys_under_2048_bits_are_refused)
{
	cr_assert(eq(int, signed_and_verified(VD_KEY_RSA, EVP_RSA_gen(2048)), VD_OK));
	cr_assert(eq(int, signed_and_verified(VD_KEY_RSA, EVP_RSA_gen(2040)), VD_EPEER_RANGE));
	cr_assert(eq(int, signed_and_verified(VD_KEY_RSA, EVP_RSA_gen(1024)), VD_EPEER_RANGE));
}

Test(public_key, ecdsa_is_p256_alone)
{
	cr_assert(eq(int, signed_and_verified(VD_KEY_ECDSA, EVP_EC_gen("P-256")), VD_OK));
	cr_assert(eq(int, signed_and_verified(VD_KEY_ECDSA, EVP_EC_gen("P-384")), VD_EPEER_RANGE));
	cr_assert(eq(int, signed_and_verified(VD_KEY_ECDSA, EVP_EC_gen("P-521")), VD_EPEER_RANGE));
}

Test(public_key, the_type_must_be_that_of_the_key)
{
	cr_assert(eq(int, signed_and_verified(VD_KEY_ECDSA, EVP_RSA_gen(2048)), VD_EPEER_FORMAT));
	cr_assert(eq(int, signed_and_verified(VD_KEY_RSA, EVP_EC_gen("P-256")), VD_EPEER_RANGE));
	cr_assert(
	    eq(int, signed_and_verified(VD_KEY_SECP256K1, EVP_EC_gen("P-256")), VD_EPEER_FORMAT));
	cr_assert(
	    eq(int, signed_and_verified((enum vd_key_type)4, EVP_EC_gen("P-256")), VD_EPEER_RANGE));
}

Test(public_key, a_signature_of_no_or_too_many_bytes_is_nobodys)
{
	static const uint8_t zeros[PUBLIC_KEY_SIGNATURE_MAX + 1];
	static const char *const keys[] = { RSA_4096, ECDSA, SECP256K1, ED25519 };

	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		struct hex key = hex_of(keys[k]);

		cr_assert(eq(
		    int, public_key_verify(hex_bytes(&key), vd_bytes(NULL, 0), vd_bytes(NULL, 0)),
		    VD_EPEER_AUTH));
		cr_assert(eq(int,
			     public_key_verify(hex_bytes(&key), vd_bytes(NULL, 0),
					       vd_bytes(zeros, sizeof zeros)),
			     VD_EPEER_AUTH));
	}
}

/* ---- Wycheproof ---- */

/* libp2p's protobuf: of P-256 the SubjectPublicKeyInfo, of secp256k1 the compressed point. */
static struct hex protobuf_of(enum vd_key_type type, const json_t *group)
{
	const json_t *json = json_object_get(group, "publicKey");
	struct hex data = hex_of(json_string_value(json_object_get(group, "publicKeyDer"))), out;

	if (type == VD_KEY_SECP256K1) {
		data = hex_of(json_string_value(json_object_get(json, "uncompressed")));
		data.at[0] = 2 + (data.at[64] & 1);
		data.len = 33;
	}
	out.at[0] = 0x08;
	out.at[1] = (uint8_t)type;
	out.at[2] = 0x12;
	out.at[3] = (uint8_t)data.len;
	memcpy(out.at + 4, data.at, data.len);
	out.len = 4 + data.len;
	return out;
}

static unsigned check_wycheproof(enum vd_key_type type, const char *name)
{
	FILE *file = open_vectors(name);
	json_t *root = json_loadf(file, 0, NULL), *group, *test;
	unsigned count = 0;
	size_t i, j;

	fclose(file);
	cr_assert(root != NULL);
	json_array_foreach(json_object_get(root, "testGroups"), i, group)
	{
		struct hex key = protobuf_of(type, group);

		json_array_foreach(json_object_get(group, "tests"), j, test)
		{
			struct hex message =
				       hex_of(json_string_value(json_object_get(test, "msg"))),
				   signature =
				       hex_of(json_string_value(json_object_get(test, "sig")));
			bool valid =
			    !strcmp(json_string_value(json_object_get(test, "result")), "valid");

			cr_assert(eq(int,
				     public_key_verify(hex_bytes(&key), hex_bytes(&message),
						       hex_bytes(&signature)),
				     valid ? VD_OK : VD_EPEER_AUTH),
				  "tcId %d",
				  (int)json_integer_value(json_object_get(test, "tcId")));
			count++;
		}
	}
	json_decref(root);
	return count;
}

Test(public_key, ecdsa_agrees_with_wycheproof)
{
	cr_assert(gt(uint,
		     check_wycheproof(VD_KEY_ECDSA, "wycheproof/ecdsa_secp256r1_sha256_test.json"),
		     400));
}

Test(public_key, secp256k1_agrees_with_wycheproof)
{
	cr_assert(gt(
	    uint, check_wycheproof(VD_KEY_SECP256K1, "wycheproof/ecdsa_secp256k1_sha256_test.json"),
	    400));
}
