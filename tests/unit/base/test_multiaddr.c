/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multiaddr.h"

#include "base/formats/multiaddr_value.h"
#include "tests/unit/base/vectors.h"

#define PEER   "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV"
#define QM     "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"
#define ONION3 "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd"

static struct vd_multiaddr addr_of(const char *text)
{
	struct vd_multiaddr addr = { 0 };

	cr_assert(eq(int, vd_multiaddr_of_text(text, &addr), VD_OK), "%s", text);
	return addr;
}

static enum vd_err parse(const char *hex)
{
	struct hex in = hex_of(hex);
	struct vd_multiaddr addr;

	return vd_multiaddr_of_bytes(hex_bytes(&in), &addr);
}

static void assert_pair(const char *text, const char *hex)
{
	struct hex want = hex_of(hex);
	struct vd_multiaddr addr = addr_of(text), back;
	char out[VD_MULTIADDR_TEXT];

	assert_bytes(vd_bytes(addr.bytes, addr.len), hex_bytes(&want));
	cr_assert(eq(int, vd_multiaddr_of_bytes(hex_bytes(&want), &back), VD_OK));
	cr_assert(eq(str, (char *)vd_multiaddr_text(&back, out), (char *)text));
	cr_assert(vd_multiaddr_equal(&addr, &back));
}

/* multiformats/multiaddr 9b7b3fa, spec/multiaddr.feature; and go-multiaddr's
 * multiaddr_test.go, TestStringToBytes. */
Test(multiaddr, published_pairs_of_text_and_bytes)
{
	assert_pair("/ip4/192.0.2.42/tcp/443", "04c000022a0601bb");
	assert_pair("/ip4/127.0.0.1/udp/1234", "047f000001910204d2");
	assert_pair("/ip4/127.0.0.1/udp/1234/ip4/127.0.0.1/tcp/4321",
		    "047f000001910204d2047f0000010610e1");
	assert_pair("/ip6zone/eth0/ip6/::1", "2a04657468302900000000000000000000000000000001");
	assert_pair("/onion/aaimaq4ygg2iegci:80", "bc030010c0439831b48218480050");
	assert_pair("/onion3/" ONION3 ":1234",
		    "bd03adadec040be047f9658668b11a504f3155001f231a37f54c"
		    "4476c07fb4cc139ed7e30304d2");
	assert_pair("/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuq",
		    "bf0320efbcd45d0c5dc79781ac6f20ea5055a036afb48d45a52e7d68ec7d4338919e69");
}

Test(multiaddr, the_scenarios_of_multiaddr_feature_hold)
{
	FILE *file = open_vectors("multiformats/multiaddr-multiaddr.feature");
	char line[512], text[256] = "", hex[256] = "", packed_hex[256] = "", string[256] = "";
	int pairs = 0;

	while (fgets(line, sizeof line, file)) {
		(void)sscanf(line, " Given the multiaddr /%255s", text);
		(void)sscanf(line, " Then the packed form is 0x%255s", hex);
		(void)sscanf(line, " Given the multiaddr 0x%255s", packed_hex);
		(void)sscanf(line, " Then the string form is /%255s", string);
		char *value = *hex ? hex : *packed_hex && *string ? packed_hex : NULL;
		if (!value)
			continue;
		char slashed[260];
		snprintf(slashed, sizeof slashed, "/%s", *hex ? text : string);
		assert_pair(slashed, value);
		*hex = *packed_hex = *string = 0;
		pairs++;
	}
	cr_assert(eq(int, pairs, 2));
	fclose(file);
}

Test(multiaddr, the_table_is_that_of_protocols_csv)
{
	FILE *file = open_vectors("multiformats/multiaddr-protocols.csv");
	char line[512];
	int rows = 0;

	cr_assert(fgets(line, sizeof line, file) != NULL);
	while (fgets(line, sizeof line, file)) {
		char *code = strtok(line, ", \t"), *size = strtok(NULL, ", \t"),
		     *name = strtok(NULL, ", \t\n");
		const struct vd_multiaddr_component *component =
		    vd_multiaddr_component_of_name(vd_bytes_of_text(name));

		cr_assert(component != NULL, "%s", name);
		cr_assert(eq(u32, component->code, (uint32_t)strtoul(code, NULL, 10)));
		int bytes = *size == 'V' ? VD_MA_VARIABLE : atoi(size) / 8;
		cr_assert(eq(int, component->kind->bytes, bytes), "%s", name);
		rows++;
	}
	cr_assert(eq(int, rows, 41));
	fclose(file);
}

/* Most are from go-multiaddr's multiaddr_test.go, `good` and TestRoundTrip. */
Test(multiaddr, texts_are_given_back_over_their_bytes)
{
	static const char *const texts[] = {
		"/ip4/192.0.2.0/ipcidr/24",
		"/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic-v1",
		"/ip6/::ffff:127.0.0.1/tcp/111",
		"/ip6zone/x%y/ip6/fe80::1",
		"/dns/example.com/tcp/443/wss",
		"/dns4/example.com/tcp/443/tls/sni/example.com/ws",
		"/dns6/example.com/udp/0/quic",
		"/dnsaddr/bootstrap.libp2p.io/p2p/" QM,
		"/udp/1234/sctp/1234",
		"/dccp/65535",
		"/udp/1234/udt",
		"/udp/1234/utp",
		"/onion/timaq4ygg2iegci7:80/http",
		"/onion3/" ONION3 ":80/http",
		"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuqzwas",
		"/p2p/" PEER "/p2p-circuit/p2p/" QM,
		"/ip4/127.0.0.1/tcp/127/noise",
		"/ip4/127.0.0.1/tcp/443/https",
		"/ip4/127.0.0.1/tcp/9090/http/p2p-webrtc-direct",
		"/ip4/127.0.0.1/tcp/9090/ws/p2p-webrtc-star",
		"/ip4/127.0.0.1/tcp/9090/ws/p2p-websocket-star",
		"/ip4/127.0.0.1/tcp/9090/p2p-stardust",
		"/ip4/127.0.0.1/udp/9/webrtc-direct/certhash/"
		"uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
		"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/"
		"uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g",
		"/ip4/127.0.0.1/tcp/127/webrtc",
		"/unix/a/b/c/d/e",
		"/unix/stdio",
		"/unix//a",
		"/p2p/" QM "/unix/a/b/c",
		"/http-path/tmp%2Fbar",
		"/ip4/127.0.0.1/tcp/443/tls/sni/example.com/http/http-path/%00%C3%A9~",
		"/memory/4",
		"/ip4/198.18.0.1/udp/4001/viaduct/p2p/" PEER,
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct vd_multiaddr addr = addr_of(texts[i]), back;
		char out[VD_MULTIADDR_TEXT];

		cr_assert(eq(str, (char *)vd_multiaddr_text(&addr, out), (char *)texts[i]));
		cr_assert(zero(int, vd_multiaddr_of_bytes(vd_bytes(addr.bytes, addr.len), &back)));
		cr_assert(vd_multiaddr_equal(&addr, &back));
	}
}

Test(multiaddr, other_spellings_of_one_address_give_the_same_bytes)
{
	static const char *const pairs[][2] = {
		{ "/ipfs/" QM, "/p2p/" QM },
		{ "/ip4/127.0.0.1/tcp/1234//", "/ip4/127.0.0.1/tcp/1234" },
		{ "/ip6/0:0:0:0:0:0:0:1", "/ip6/::1" },
		{ "/http-path/%74mp", "/http-path/tmp" },
		{ "/p2p/QmbHVEEepCi7rn7VL7Exxpd2Ci9NNB6ifvqwhsrbRMgQFP/",
		  "/ipfs/QmbHVEEepCi7rn7VL7Exxpd2Ci9NNB6ifvqwhsrbRMgQFP" },
		{ "/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
		  "/p2p/bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe" },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct vd_multiaddr a = addr_of(pairs[i][0]), b = addr_of(pairs[i][1]);
		cr_assert(vd_multiaddr_equal(&a, &b), "%s", pairs[i][0]);
	}
}

/* Most are from go-multiaddr's multiaddr_test.go, TestConstructFails. */
Test(multiaddr, malformed_text_is_refused)
{
	static const char *const wrong[] = {
		"",
		"/",
		"//",
		"ip4/1.2.3.4",
		"/ip4",
		"/ip4/",
		"/ip4/::1",
		"/ip4/fdpsofodsajfdoisa",
		"/ip4/1.2.3",
		"/ip4/1.2.3.4.5",
		"/ip4/1.2.3.256",
		"//ip4/1.2.3.4",
		"/ip4//tcp/1",
		"/ip4/::/ipcidr/256",
		"/ip6/::/ipcidr/1026",
		"/ip6",
		"/ip6/1.2.3.4",
		"/ip6/:::",
		"/ip6zone",
		"/ip6zone/",
		"/ip6zone//ip6/fe80::1",
		"/udp",
		"/tcp",
		"/sctp",
		"/udp/65536",
		"/tcp/65536",
		"/tcp/-1",
		"/tcp/+1",
		"/tcp/ 1",
		"/tcp/0x1",
		"/tcp/01",
		"/tcp/4294967297",
		"/tcp/1a",
		"/quic/65536",
		"/quic-v1/65536",
		"/onion/9imaq4ygg2iegci7:80",
		"/onion/aaimaq4ygg2iegci7:80",
		"/onion/timaq4ygg2iegci7:0",
		"/onion/timaq4ygg2iegci7:-1",
		"/onion/timaq4ygg2iegci7",
		"/onion/timaq4ygg2iegci7:",
		"/onion/timaq4ygg2iegci@:666",
		"/onion3/9ww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:80",
		"/onion3/" ONION3 "7:80",
		"/onion3/" ONION3 ":0",
		"/onion3/" ONION3,
		"/garlic64/AAAA",
		"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu",
		"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzu:80",
		/* go-multiaddr takes this one: its base32 ignores bits that encode nothing */
		"/garlic32/566niximlxdzpanmn4qouucvua3k7neniwss47li5r6ugoertzuqzwassw",
		"/udp/1234/sctp",
		"/udp/1234/udt/1234",
		"/udp/1234/utp/1234",
		"/ip4/127.0.0.1/udp/jfodsajfidosajfoidsa",
		"/ip4/127.0.0.1/udp",
		"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash",
		"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/"
		"b2uaraocy6yrdblb4sfptaddgimjmmp",
		"/ip4/127.0.0.1/ipfs",
		"/ip4/127.0.0.1/p2p/tcp",
		"/unix",
		"/unix/",
		"/ip4/1.2.3.4/tcp/80/unix",
		"/ip4/127.0.0.1/tcp/9090/http/p2p-webcrt-direct",
		"/p2p/QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY",
		"/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl-",
		"/p2p/?unknownmultibase",
		"/p2p/k2jmtxwoe2phm1hbqp0e7nufqf6umvuu2e9qd7ana7h411a0haqj6i2z",
		"/http-path",
		"/http-path/%",
		"/http-path/%2",
		"/http-path/%2g",
		"/http-path/%2%46",
		"/dns/a\nb",
		"/dns/a\x1b[31m",
		"/dns/\xff",
		"/unix/a\nb",
		"/IP4/1.2.3.4",
		"/viaduct/1",
		"/ip4 /1.2.3.4",
		"/ip4/1.2.3.4 ",
		" /ip4/1.2.3.4",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct vd_multiaddr addr = { .len = 7 };

		cr_assert(eq(int, vd_multiaddr_of_text(wrong[i], &addr), VD_EUSER), "%s", wrong[i]);
		cr_assert(eq(u16, addr.len, 7), "untouched on failure");
	}
}

Test(multiaddr, malformed_bytes_are_refused)
{
	cr_assert(eq(int, parse(""), VD_EPEER_TRUNC));
	cr_assert(eq(int, parse("047f0000"), VD_EPEER_TRUNC), "ip4 of three bytes");
	cr_assert(eq(int, parse("04c000022a0601"), VD_EPEER_TRUNC), "tcp of one byte");
	cr_assert(eq(int, parse("35ff7f61"), VD_EPEER_TRUNC), "a length beyond the end");
	cr_assert(eq(int, parse("35ffffffffffffffff7f61"), VD_EPEER_TRUNC));
	cr_assert(eq(int, parse("350061"), VD_EPEER_FORMAT), "an empty name, then an unknown code");
	cr_assert(eq(int, parse("3500"), VD_EPEER_FORMAT), "an empty name");
	cr_assert(eq(int, parse("05"), VD_EPEER_FORMAT), "an unknown code");
	cr_assert(eq(int, parse("84007f000001"), VD_EPEER_FORMAT), "a code longer than needed");
	cr_assert(eq(int, parse("35810061"), VD_EPEER_FORMAT), "a length longer than needed");
	cr_assert(eq(int, parse("80"), VD_EPEER_TRUNC));
	cr_assert(eq(int, parse("3503612f62"), VD_EPEER_FORMAT), "a name with a slash");
	cr_assert(eq(int, parse("3503610062"), VD_EPEER_FORMAT), "a name with NUL");
	cr_assert(eq(int, parse("35021b5b"), VD_EPEER_FORMAT), "a name that drives a terminal");
	cr_assert(eq(int, parse("3501ff"), VD_EPEER_FORMAT), "a name that is no UTF-8");
	cr_assert(eq(int, parse("bc030010c0439831b48218480000"), VD_EPEER_FORMAT), "onion, port 0");
	cr_assert(eq(int, parse("a503021234"), VD_EPEER_FORMAT), "p2p without a multihash");
	/* go-multiaddr, TestInvalidP2PAddrBytes */
	cr_assert(eq(int,
		     parse("a503221221c05877cbae039d70a5e600ea02c6f9f2942439285c9e344e26f8d280c850"
			   "fad6"),
		     VD_EPEER_FORMAT));
	cr_assert(eq(int, parse("d203021221"), VD_EPEER_FORMAT), "certhash without a multihash");
	cr_assert(eq(int, parse("900301612d"), VD_EPEER_FORMAT), "a relative path");
	cr_assert(eq(int, parse("9003032f612f"), VD_EPEER_FORMAT), "a path ending in a slash");
	cr_assert(eq(int, parse("9003022f612f"), VD_EPEER_FORMAT), "something after a path");
	cr_assert(eq(int, parse("e10300"), VD_EPEER_FORMAT), "an empty http-path");
}

Test(multiaddr, every_prefix_that_ends_within_a_part_is_truncated)
{
	struct vd_multiaddr addr = addr_of("/ip4/198.18.0.1/udp/4001/viaduct/p2p/" PEER), out;
	const size_t ends[] = { 5, 9, 13, addr.len, 0 };

	for (size_t len = 1, i = 0; len <= addr.len; len++) {
		bool whole = len == ends[i];

		i += whole;
		cr_assert(eq(int, vd_multiaddr_of_bytes(vd_bytes(addr.bytes, len), &out),
			     whole ? VD_OK : VD_EPEER_TRUNC),
			  "%zu", len);
	}
}

Test(multiaddr, oversized_addresses_are_out_of_range)
{
	uint8_t bytes[VD_MULTIADDR_MAX + 4];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_multiaddr addr;
	char out[VD_MULTIADDR_TEXT];

	/* Every byte takes three characters: the longest text. */
	vd_write_uvarint(&w, 481);
	vd_write_uvarint(&w, VD_MULTIADDR_MAX - 4);
	vd_write_zeros(&w, VD_MULTIADDR_MAX - 4);
	cr_assert(eq(sz, vd_write_len(&w), VD_MULTIADDR_MAX));
	cr_assert(eq(int, vd_multiaddr_of_bytes(vd_write_done(&w), &addr), VD_OK));
	cr_assert(eq(sz, strlen(vd_multiaddr_text(&addr, out)), VD_MULTIADDR_TEXT - 1));

	struct vd_multiaddr back = addr_of(out);
	cr_assert(vd_multiaddr_equal(&addr, &back));

	/* One more component: too many bytes. */
	vd_write_uvarint(&w, 448);
	cr_assert(eq(int, vd_multiaddr_of_bytes(vd_write_done(&w), &addr), VD_EPEER_RANGE));

	/* Few bytes with a text that has no room. */
	w = vd_write_to(bytes, sizeof bytes);
	for (int i = 0; i < 200; i++)
		vd_write_uvarint(&w, 479);
	cr_assert(eq(int, vd_multiaddr_of_bytes(vd_write_done(&w), &addr), VD_EPEER_RANGE));
}

Test(multiaddr, endless_text_is_refused)
{
	static char text[1 << 20];
	struct vd_multiaddr addr;

	for (size_t i = 0; i + 4 < sizeof text; i += 4)
		memcpy(text + i, "/tls", 4);
	cr_assert(eq(int, vd_multiaddr_of_text(text, &addr), VD_EUSER));
	memset(text, '/', sizeof text - 1);
	cr_assert(eq(int, vd_multiaddr_of_text(text, &addr), VD_EUSER));
}

Test(multiaddr, garlic64_of_the_smallest_destination_is_given_back)
{
	uint8_t bytes[400];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_multiaddr addr;
	char out[VD_MULTIADDR_TEXT];

	vd_write_uvarint(&w, 446);
	vd_write_uvarint(&w, 386);
	for (int i = 0; i < 386; i++)
		vd_write_u8(&w, (uint8_t)(i * 251 | 0x80));
	cr_assert(eq(int, vd_multiaddr_of_bytes(vd_write_done(&w), &addr), VD_OK));
	vd_multiaddr_text(&addr, out);
	cr_assert(zero(ptr, strchr(out, '+')));
	struct vd_multiaddr back = addr_of(out);
	cr_assert(vd_multiaddr_equal(&addr, &back));
}

Test(multiaddr, parts_come_in_order_without_their_lengths)
{
	struct vd_multiaddr addr = addr_of("/dns4/a.example/tcp/443/tls");
	struct vd_multiaddr_part part;
	size_t at = 0;

	cr_assert(vd_multiaddr_next(&addr, &at, &part));
	cr_assert(eq(u32, part.code, 54));
	assert_bytes(part.value, vd_bytes_of_text("a.example"));
	cr_assert(vd_multiaddr_next(&addr, &at, &part));
	cr_assert(eq(u32, part.code, VD_MA_TCP));
	cr_assert(eq(u16, vd_be16_load(part.value.at), 443));
	cr_assert(vd_multiaddr_next(&addr, &at, &part));
	cr_assert(eq(u32, part.code, 448));
	cr_assert(zero(sz, part.value.len));
	cr_assert(not(vd_multiaddr_next(&addr, &at, &part)));
	cr_assert(not(vd_multiaddr_next(&addr, &at, &part)));
}

/* switch/SPEC.md, section 4.1: /viaduct is 0x300076, as a varint f6 80 c0 01. */
Test(multiaddr, viaduct_has_its_private_use_code)
{
	assert_pair("/ip4/198.18.0.1/udp/4001/viaduct", "04c612000191020fa1f680c001");
}

Test(multiaddr, a_link_address_is_made_and_read_with_and_without_its_peer)
{
	static const char *const texts[] = {
		"/ip4/198.18.0.1/udp/4001/viaduct/p2p/" PEER,
		"/ip6/fd00::1/udp/65535/viaduct/p2p/" PEER,
		"/ip4/198.18.0.1/udp/4001",
	};

	for (size_t i = 0; i < 3; i++) {
		struct vd_multiaddr addr = addr_of(texts[i]), made;
		struct vd_udp_addr udp;
		struct vd_peer_id peer;
		char out[VD_MULTIADDR_TEXT];

		cr_assert(eq(int, vd_multiaddr_to_link(&addr, &udp, &peer), VD_OK));
		cr_assert(eq(int, vd_udp_addr_is_ip4(&udp), i != 1));
		cr_assert(eq(u16, udp.port, i == 1 ? 65535 : 4001));
		cr_assert(eq(int, peer.len == 0, i == 2));
		vd_multiaddr_of_link(&udp, peer.len ? &peer : NULL, &made);
		cr_assert(eq(str, (char *)vd_multiaddr_text(&made, out), (char *)texts[i]));
	}
}

Test(multiaddr, ip4_endpoints_are_mapped)
{
	const uint8_t want[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1 };
	struct vd_multiaddr addr = addr_of("/ip4/198.18.0.1/udp/1"),
			    mapped = addr_of("/ip6/::ffff:198.18.0.1/udp/1");
	struct vd_udp_addr a, b;

	cr_assert(eq(int, vd_multiaddr_to_link(&addr, &a, NULL), VD_OK));
	cr_assert(zero(int, memcmp(a.ip, want, 16)));
	cr_assert(eq(int, vd_multiaddr_to_link(&mapped, &b, NULL), VD_OK));
	cr_assert(zero(int, memcmp(b.ip, want, 16)), "the same endpoint");
}

Test(multiaddr, links_may_be_named_without_viaduct_or_without_peer)
{
	struct vd_multiaddr a = addr_of("/ip4/198.18.0.1/udp/1/viaduct"),
			    b = addr_of("/ip4/198.18.0.1/udp/1/p2p/" PEER);
	struct vd_udp_addr udp;
	struct vd_peer_id peer = { .len = 9 };

	cr_assert(eq(int, vd_multiaddr_to_link(&a, &udp, &peer), VD_OK));
	cr_assert(zero(u8, peer.len));
	cr_assert(eq(int, vd_multiaddr_to_link(&b, &udp, &peer), VD_OK));
	cr_assert(eq(u8, peer.len, 38));
}

Test(multiaddr, addresses_of_other_shapes_are_no_links)
{
	static const char *const wrong[] = {
		"/ip4/198.18.0.1",
		"/udp/1",
		"/ip4/198.18.0.1/tcp/1",
		"/ip4/198.18.0.1/udp/1/quic-v1",
		"/ip4/198.18.0.1/udp/1/p2p/" PEER "/viaduct",
		"/ip4/198.18.0.1/udp/1/viaduct/viaduct",
		"/ip4/198.18.0.1/udp/1/viaduct/p2p/" PEER "/p2p-circuit",
		("/dns4/a.example/udp/1/viaduct/p2p/" PEER),
		"/ip6zone/eth0/ip6/fe80::1/udp/1",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct vd_multiaddr addr = addr_of(wrong[i]);
		struct vd_udp_addr udp = { .port = 9 };
		struct vd_peer_id peer = { .len = 9 };

		cr_assert(eq(int, vd_multiaddr_to_link(&addr, &udp, &peer), VD_EUSER), "%s",
			  wrong[i]);
		cr_assert(eq(u16, udp.port, 9));
		cr_assert(eq(u8, peer.len, 9));
	}
}
