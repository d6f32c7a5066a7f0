/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/tls_certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tests/unit/base/vectors.h"

/* libp2p/specs 7740c07, tls, "Test vectors". */
#define SPEC_ED25519                                                                               \
	"308201ae30820156a0030201020204499602d2300a06082a8648ce3d04030230203112301006"             \
	"0355040a13096c69627032702e696f310a300806035504051301313020170d37353031303131"             \
	"33303030305a180f34303936303130313133303030305a302031123010060355040a13096c69"             \
	"627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce"             \
	"3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd6"             \
	"01331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea37c307a"             \
	"3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd"             \
	"1ac2fbde7d7b879ed364501809923d7c11b90440d90d2769db992d5e6195dbb08e706b6651e0"             \
	"24fda6cfb8846694a435519941cac215a8207792e42849cccc6cd8136c6e4bde92a58c5e08cf"             \
	"d4206eb5fe0bf909300a06082a8648ce3d0403020346003043021f50f6b6c52711a881778718"             \
	"238f650c9fb48943ae6ee6d28427dc6071ae55e702203625f116a7a454db9c56986c82a25682"             \
	"f7248ea1cb764d322ea983ed36a31b77"
#define SPEC_ECDSA                                                                                 \
	"308201f63082019da0030201020204499602d2300a06082a8648ce3d04030230203112301006"             \
	"0355040a13096c69627032702e696f310a300806035504051301313020170d37353031303131"             \
	"33303030305a180f34303936303130313133303030305a302031123010060355040a13096c69"             \
	"627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce"             \
	"3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd6"             \
	"01331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea381c230"             \
	"81bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648"             \
	"ce3d020106082a8648ce3d03010703420004bf30511f909414ebdd3242178fd290f093a551cf"             \
	"75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a801980d2"             \
	"05e8a1ad29f2044730450220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a"             \
	"3ac666c9386a022100aa59d704a931b5f72fb9222cb6cc51f954d04a4e2e5450f8805fe8918f"             \
	"71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940a7e4484705f610ab"             \
	"51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f95205c779be86581d3e31c01871a"             \
	"d5d1f3435bcf375cb0e5088a"
#define SPEC_SECP256K1                                                                             \
	"308201ba3082015fa0030201020204499602d2300a06082a8648ce3d04030230203112301006"             \
	"0355040a13096c69627032702e696f310a300806035504051301313020170d37353031303131"             \
	"33303030305a180f34303936303130313133303030305a302031123010060355040a13096c69"             \
	"627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce"             \
	"3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd6"             \
	"01331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea3818430"             \
	"8181307f060a2b0601040183a25a01010471306f0425080212210206dc6968726765b820f050"             \
	"263ececf7f71e4955892776c0970542efd689d2382044630440220145e15a991961f0d08cd15"             \
	"425bb95ec93f6ffa03c5a385eedc34ecf464c7a8ab022026b3109b8a3f40ef833169777eb2aa"             \
	"337cfb6282f188de0666d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1"             \
	"a217eeef9ec9204b3f774a08b70849646b6a1e6b8b27f93dc00ed58545d9fe022100b00dafa5"             \
	"49d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0"
#define SPEC_INVALID                                                                               \
	"308201f73082019da0030201020204499602d2300a06082a8648ce3d04030230203112301006"             \
	"0355040a13096c69627032702e696f310a300806035504051301313020170d37353031303131"             \
	"33303030305a180f34303936303130313133303030305a302031123010060355040a13096c69"             \
	"627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce"             \
	"3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7a84c4f0380b2a6756fd6"             \
	"01331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea381c230"             \
	"81bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648"             \
	"ce3d020106082a8648ce3d03010703420004bf30511f909414ebdd3242178fd290f093a551cf"             \
	"75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a801980d2"             \
	"05e8a1ad29f204473045022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe"             \
	"7de6f65cade72802206de96e2a5be9b6202adba24ee0362e490641ac45c240db71fe955f2c5c"             \
	"f8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717358f850355bdcabb"             \
	"efb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d41fd6b57a7e8b3989e470325de44"             \
	"06e52e084e34a3fd56eef0d0df"

#define NOW      INT64_C(1700000000)
#define YEAR_S   INT64_C(31557600)
#define IDENTITY "1.3.6.1.4.1.53594.1.1"

/* Of what is DER and not too long, as OpenSSL has parsed it: the same. */
static void expect_same_of_parsed(struct vd_bytes der, int64_t now, enum vd_err expected)
{
	const uint8_t *at = der.at;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	struct tls_certificate got;
	const char *reason;

	cr_assert(certificate != NULL);
	cr_assert(
	    eq(int, tls_certificate_verify_parsed(certificate, now, &got, &reason), expected));
	X509_free(certificate);
}

static enum vd_err verdict(struct vd_bytes der, int64_t now, char peer_out[VD_PEER_ID_TEXT])
{
	struct tls_certificate got;
	const char *reason = NULL;
	enum vd_err err = tls_certificate_verify(der, now, &got, &reason);

	cr_assert(eq(int, err != VD_OK, reason != NULL));
	if (err != VD_EPEER_FORMAT && err != VD_EPEER_TRUNC && der.len <= TLS_CERTIFICATE_MAX)
		expect_same_of_parsed(der, now, err);
	if (!err)
		vd_peer_id_text(&got.peer, peer_out);
	return err;
}

static enum vd_err spec_verdict(const char *hex, char peer_out[VD_PEER_ID_TEXT])
{
	struct hex der = hex_of(hex);

	return verdict(hex_bytes(&der), NOW, peer_out);
}

Test(tls_certificate, the_specifications_certificates_are_judged_as_it_says)
{
	char peer[VD_PEER_ID_TEXT];

	cr_assert(eq(int, spec_verdict(SPEC_ED25519, peer), VD_OK));
	cr_assert(eq(str, peer, "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv"));
	cr_assert(eq(int, spec_verdict(SPEC_ECDSA, peer), VD_OK));
	cr_assert(eq(str, peer, "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE"));
	cr_assert(eq(int, spec_verdict(SPEC_SECP256K1, peer), VD_OK));
	cr_assert(eq(str, peer, "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs"));
	cr_assert(eq(int, spec_verdict(SPEC_INVALID, peer), VD_EPEER_AUTH));
}

Test(tls_certificate, a_certificate_cut_longer_or_changed_anywhere_is_refused)
{
	struct hex der = hex_of(SPEC_ED25519);
	char peer[VD_PEER_ID_TEXT];

	for (size_t len = 0; len < der.len; len++)
		cr_assert(ne(int, verdict(vd_bytes(der.at, len), NOW, peer), VD_OK));
	der.at[der.len] = 0;
	cr_assert(eq(int, verdict(vd_bytes(der.at, der.len + 1), NOW, peer), VD_EPEER_FORMAT));
	for (size_t i = 0; i < der.len; i++) {
		der.at[i] ^= 0x04;
		cr_assert(ne(int, verdict(hex_bytes(&der), NOW, peer), VD_OK), "byte %zu", i);
		der.at[i] ^= 0x04;
	}
}

/* ---- certificates of our own, and spoiled ones ---- */

struct made {
	struct vd_identity identity;
	EVP_PKEY *key;
	X509 *certificate;
	uint8_t der[4096];
	size_t len;
};

static struct made made;

static void encode(void)
{
	uint8_t *at = made.der;
	int len = i2d_X509(made.certificate, NULL);

	cr_assert(len > 0 && len <= (int)sizeof made.der);
	made.len = (size_t)i2d_X509(made.certificate, &at);
}

static void make(void)
{
	vd_identity_generate(&made.identity);
	cr_assert(eq(int, tls_certificate_make(&made.identity, NOW, &made.key, &made.certificate),
		     VD_OK));
	encode();
}

static void drop(void)
{
	X509_free(made.certificate);
	EVP_PKEY_free(made.key);
}

TestSuite(tls_made, .init = make, .fini = drop);

/* Signed again by its own key, so that only what was changed is wrong. */
static enum vd_err changed(void)
{
	char peer[VD_PEER_ID_TEXT];

	cr_assert(gt(int, X509_sign(made.certificate, made.key, EVP_sha256()), 0));
	encode();
	return verdict(vd_bytes(made.der, made.len), NOW, peer);
}

static void add(const char *id, bool critical, const void *value, size_t len)
{
	ASN1_OBJECT *object = OBJ_txt2obj(id, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(octets, value, (int)len);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
	cr_assert(eq(int, X509_add_ext(made.certificate, extension, -1), 1));
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
}

static void remove_identity(void)
{
	X509_EXTENSION_free(X509_delete_ext(made.certificate, 0));
}

Test(tls_made, ours_verifies_and_names_us)
{
	char peer[VD_PEER_ID_TEXT], own[VD_PEER_ID_TEXT];

	cr_assert(eq(int, verdict(vd_bytes(made.der, made.len), NOW, peer), VD_OK));
	cr_assert(eq(str, peer, (char *)vd_peer_id_text(&made.identity.id, own)));
	cr_assert(
	    eq(int, X509_get_ext_count(made.certificate), 1)); /* js looks at the first alone */
	cr_assert(lt(sz, made.len, 600));
}

Test(tls_made, it_is_valid_from_an_hour_ago_for_a_hundred_years)
{
	struct vd_bytes der = vd_bytes(made.der, made.len);
	char peer[VD_PEER_ID_TEXT];

	cr_assert(eq(int, verdict(der, NOW - 3599, peer), VD_OK));
	cr_assert(eq(int, verdict(der, NOW - 3601, peer), VD_EPEER_RANGE));
	cr_assert(eq(int, verdict(der, NOW + 99 * YEAR_S, peer), VD_OK));
	cr_assert(eq(int, verdict(der, NOW + 101 * YEAR_S, peer), VD_EPEER_RANGE));
}

Test(tls_made, without_identity_it_is_refused)
{
	remove_identity();
	cr_assert(eq(int, changed(), VD_EPEER_FORMAT));
}

Test(tls_made, with_two_identities_it_is_refused)
{
	X509_EXTENSION *own = X509_get_ext(made.certificate, 0);

	cr_assert(eq(int, X509_add_ext(made.certificate, own, -1), 1));
	cr_assert(eq(int, changed(), VD_EPEER_FORMAT));
}

Test(tls_made, unknown_extensions_are_ignored_unless_they_are_critical)
{
	add("1.2.3.4.5", false, "\x04\x00", 2);
	cr_assert(eq(int, changed(), VD_OK));
	add("1.2.3.4.6", true, "\x04\x00", 2);
	cr_assert(eq(int, changed(), VD_EPEER_UNSUPPORTED));
}

Test(tls_made, a_critical_identity_is_fine)
{
	cr_assert(eq(int, X509_EXTENSION_set_critical(X509_get_ext(made.certificate, 0), 1), 1));
	cr_assert(eq(int, changed(), VD_OK));
}

Test(tls_made, an_identity_of_another_certificate_is_refused)
{
	struct made own = made;
	X509_EXTENSION *stolen;

	make();
	stolen = X509_EXTENSION_dup(X509_get_ext(own.certificate, 0));
	remove_identity();
	cr_assert(eq(int, X509_add_ext(made.certificate, stolen, -1), 1));
	cr_assert(eq(int, changed(), VD_EPEER_AUTH));
	X509_EXTENSION_free(stolen);
	X509_free(own.certificate);
	EVP_PKEY_free(own.key);
}

Test(tls_made, malformed_identities_are_refused)
{
	static const struct {
		const char *at;
		size_t len;
	} values[] = {
		{ "", 0 },
		{ "\x30\x00", 2 },
		{ "\x30\x04\x04\x00\x04\x00", 6 },
		{ "\x30\x80\0\0", 4 },
		{ "\x30\x81\x02\x04\x00", 5 },
		{ "\x30\x84\0\0\0\2\4\0", 8 },
		{ "\x31\x00", 2 },
		{ "\x30\x06\x04\x00\x04\x00\x04\x00", 8 },
	};

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		remove_identity();
		add(IDENTITY, false, values[i].at, values[i].len);
		cr_assert(eq(int, changed(), VD_EPEER_FORMAT), "row %zu", i);
	}
}

Test(tls_made, a_signature_by_another_key_than_its_own_is_refused)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	char peer[VD_PEER_ID_TEXT];

	cr_assert(gt(int, X509_sign(made.certificate, other, EVP_sha256()), 0));
	encode();
	cr_assert(eq(int, verdict(vd_bytes(made.der, made.len), NOW, peer), VD_EPEER_AUTH));
	EVP_PKEY_free(other);
}

Test(tls_made, a_signature_over_sha1_is_refused)
{
	char peer[VD_PEER_ID_TEXT];

	if (X509_sign(made.certificate, made.key, EVP_sha1()) <= 0)
		cr_skip("this OpenSSL does not sign with SHA-1");
	encode();
	cr_assert(eq(int, verdict(vd_bytes(made.der, made.len), NOW, peer), VD_EPEER_RANGE));
}

Test(tls_certificate, what_is_too_long_is_not_looked_at)
{
	static const uint8_t zeros[TLS_CERTIFICATE_MAX + 1];
	char peer[VD_PEER_ID_TEXT];

	cr_assert(eq(int, verdict(vd_bytes(zeros, sizeof zeros), NOW, peer), VD_EPEER_RANGE));
	cr_assert(eq(int, verdict(vd_bytes(zeros, sizeof zeros - 1), NOW, peer), VD_EPEER_FORMAT));
	cr_assert(eq(int, verdict(vd_bytes(NULL, 0), NOW, peer), VD_EPEER_TRUNC));
}
