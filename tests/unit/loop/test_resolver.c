/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Names, looked up at a DNS server of the test's own. */
#include "controlplane/loop/resolver.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/loop/dns_server.h"

enum { TURNS = 20000, TIMEOUT_MS = 50 };

#define PEER  "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
#define OTHER "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"

static uv_loop_t loop;
static struct dns_server server;
static struct cp_resolver *resolver;

static const struct dns_row rows[] = {
	{ "one.test", DNS_A, "192.0.2.1" },
	{ "both.test", DNS_A, "192.0.2.2" },
	{ "both.test", DNS_AAAA, "2001:db8::2" },
	{ "many.test", DNS_A, "192.0.2.3" },
	{ "many.test", DNS_A, "192.0.2.4" },
	{ "_dnsaddr.boot.test", DNS_TXT, "dnsaddr=/ip4/192.0.2.9/tcp/4001/p2p/" PEER },
	{ "_dnsaddr.boot.test", DNS_TXT, "dnsaddr=/ip4/192.0.2.8/tcp/4001/p2p/" OTHER },
	{ "_dnsaddr.boot.test", DNS_TXT, "dnsaddr=/dnsaddr/deep.test/p2p/" PEER },
	{ "_dnsaddr.deep.test", DNS_TXT, "dnsaddr=/dns4/one.test/tcp/4002/p2p/" PEER },
	{ "_dnsaddr.circle.test", DNS_TXT, "dnsaddr=/dnsaddr/circle.test" },
	{ "_dnsaddr.half.test", DNS_TXT, "dnsaddr=/ip4/192.0.2.7/tcp/1" },
	{ "_dnsaddr.half.test", DNS_TXT, "dnsaddr=/dns4/silent.test/tcp/1" },
	{ "_dnsaddr.noise.test", DNS_TXT, "v=spf1" },
	{ "_dnsaddr.noise.test", DNS_TXT, "dnsaddr=" },
	{ "_dnsaddr.noise.test", DNS_TXT, "dnsaddr=/ip4/1.2.3" },
	{ "silent.test", DNS_SILENT, "" },
	{ "servfail.test", DNS_SERVFAIL, "" },
	{ "garbage.test", DNS_GARBAGE, "" },
	{ "cut.test", DNS_CUT, "" },
	{ "cut.test", DNS_A, "192.0.2.1" },
	{ "_dnsaddr.cut.test", DNS_CUT, "" },
	{ "_dnsaddr.cut.test", DNS_TXT, "dnsaddr=/ip4/192.0.2.9/tcp/4001" },
	{ "other.test", DNS_OTHER, "" },
	{ "other.test", DNS_A, "192.0.2.1" },
	{ "_dnsaddr.count.test", DNS_BAD_COUNT, "" },
	{ NULL, 0, NULL },
};

/* All that was said of one address. */
struct said {
	char addresses[4096]; /* in lines */
	unsigned count, answers;
	bool done;
	enum vd_err err;
	char why[NAME_WALK_WHY];
	struct cp_resolver_ask *ask;
	bool cancel; /* at the next answer */
	bool go;     /* the resolver ends, at the next answer */
};

static void on_answer(void *context, const struct cp_resolver_answer *answer)
{
	struct said *said = context;
	char text[VD_MULTIADDR_TEXT];

	cr_assert(not(said->done));
	said->answers++;
	for (size_t i = 0; i < answer->count; i++) {
		strcat(said->addresses, vd_multiaddr_text(&answer->addresses[i], text));
		strcat(said->addresses, "\n");
		said->count++;
	}
	said->done = answer->done;
	said->err = answer->err;
	snprintf(said->why, sizeof said->why, "%s", answer->why ? answer->why : "");
	if (said->cancel)
		cp_resolver_cancel(said->ask);
	if (!said->go)
		return;
	cp_resolver_free(resolver);
	resolver = NULL;
}

static void begin_with(const char *servers)
{
	struct cp_dns_config config = { &loop, servers, TIMEOUT_MS };
	char why[CP_DNS_WHY];

	cr_assert(eq(int, cp_resolver_new(&config, why, &resolver), VD_OK));
}

static void begin(void)
{
	uv_loop_init(&loop);
	dns_server_begin(&server, &loop, rows);
	begin_with(server.address);
}

static void end(void)
{
	cp_resolver_free(resolver);
	dns_server_end(&server);
	while (uv_run(&loop, UV_RUN_NOWAIT))
		;
	cr_assert(eq(int, uv_loop_close(&loop), 0)); /* no handle is left */
}

static enum vd_err ask(const char *text, struct said *said)
{
	struct vd_multiaddr address;

	*said = (struct said){ 0 };
	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK));
	return cp_resolver_ask(resolver, &address, on_answer, said, &said->ask);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void until_done(const struct said *said)
{
	uv_timer_t tick;

	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 1, 1);
	for (unsigned turn = 0; !said->done && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	cr_assert(said->done);
}

static void ask_and_wait(const char *text, struct said *said)
{
	begin();
	cr_assert(eq(int, ask(text, said), VD_OK));
	cr_assert(eq(uint, said->answers, 0)); /* never from within the call */
	until_done(said);
	end();
}

Test(resolver, dns4_gives_ip4)
{
	struct said said;

	ask_and_wait("/dns4/one.test/tcp/4001/p2p/" PEER, &said);
	cr_assert(eq(str, said.addresses, "/ip4/192.0.2.1/tcp/4001/p2p/" PEER "\n"));
	cr_assert(eq(int, said.err, VD_OK));
}

Test(resolver, dns_gives_both_families)
{
	struct said said;

	ask_and_wait("/dns/both.test/tcp/1", &said);
	cr_assert(eq(uint, said.count, 2));
	cr_assert(strstr(said.addresses, "/ip4/192.0.2.2/tcp/1\n") != NULL);
	cr_assert(strstr(said.addresses, "/ip6/2001:db8::2/tcp/1\n") != NULL);
}

Test(resolver, dns6_leaves_ip4_out)
{
	struct said said;

	ask_and_wait("/dns6/both.test/tcp/1", &said);
	cr_assert(eq(str, said.addresses, "/ip6/2001:db8::2/tcp/1\n"));
}

Test(resolver, all_addresses_of_a_name_come)
{
	struct said said;

	ask_and_wait("/dns4/many.test/tcp/1", &said);
	cr_assert(eq(uint, said.count, 2));
}

Test(resolver, dnsaddr_is_followed_to_its_addresses)
{
	struct said said;

	ask_and_wait("/dnsaddr/boot.test/p2p/" PEER, &said);
	cr_assert(eq(uint, said.count, 2));
	cr_assert(strstr(said.addresses, "/ip4/192.0.2.9/tcp/4001/p2p/" PEER "\n") != NULL);
	cr_assert(strstr(said.addresses, "/ip4/192.0.2.1/tcp/4002/p2p/" PEER "\n") != NULL);
	cr_assert(eq(int, said.err, VD_OK));
}

Test(resolver, an_address_is_told_while_a_name_is_still_silent)
{
	struct said said;

	begin();
	cr_assert(eq(int, ask("/dnsaddr/half.test", &said), VD_OK));
	for (unsigned turn = 0; !said.count && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	cr_assert(eq(str, said.addresses, "/ip4/192.0.2.7/tcp/1\n"));
	cr_assert(not(said.done));
	until_done(&said);
	cr_assert(eq(int, said.err, VD_OK)); /* one address is enough */
	end();
}

static const struct {
	const char *address;
	enum vd_err err;
	const char *why;
} failures[] = {
	{ "/dns4/nobody.test/tcp/1", VD_ENOTFOUND, "is it spelt right" },
	{ "/dns6/one.test/tcp/1", VD_ENOTFOUND, "AAAA of one.test: the name has no such record" },
	{ "/dns4/silent.test/tcp/1", VD_ELINK_TIMEOUT, "no DNS server answers; name one" },
	{ "/dns4/servfail.test/tcp/1", VD_ELINK_CLOSED, "name another in host.dns" },
	{ "/dns4/garbage.test/tcp/1", VD_ELINK_TIMEOUT, "no DNS server answers" },
	{ "/dns4/other.test/tcp/1", VD_ELINK_TIMEOUT, "no DNS server answers" },
	{ "/dns4/cut.test/tcp/1", VD_EPEER_FORMAT, "answer is malformed" },
	{ "/dnsaddr/cut.test", VD_EPEER_FORMAT, "answer is malformed" },
	{ "/dnsaddr/count.test", VD_EPEER_FORMAT, "answer is malformed" },
	{ "/dnsaddr/nobody.test", VD_ENOTFOUND, "TXT of _dnsaddr.nobody.test: no such name" },
	{ "/dnsaddr/noise.test", VD_ENOTFOUND, "its dnsaddr records are no addresses" },
	{ "/dnsaddr/circle.test", VD_ENOTFOUND, "the name has no address" },
	{ "/dnsaddr/boot.test/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC", VD_ENOTFOUND,
	  "is the peer id right" },
};

Test(resolver, what_fails_says_what_and_the_cure)
{
	struct said said;

	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		ask_and_wait(failures[i].address, &said);
		cr_expect(eq(int, said.err, failures[i].err), "%s", failures[i].address);
		cr_expect(strstr(said.why, failures[i].why) != NULL, "%s: %s", failures[i].address,
			  said.why);
		cr_expect(eq(uint, said.count, 0));
	}
}

Test(resolver, a_server_that_is_not_there_is_told)
{
	struct said said;

	uv_loop_init(&loop);
	dns_server_begin(&server, &loop, rows);
	uv_udp_recv_stop(&server.udp);
	begin_with("127.0.0.1:1"); /* no permission to listen there */
	cr_assert(eq(int, ask("/dns4/one.test/tcp/1", &said), VD_OK));
	until_done(&said);
	cr_assert(eq(int, said.err, VD_ELINK_CLOSED));
	cr_assert(strstr(said.why, "no DNS server is there") != NULL, "%s", said.why);
	end();
}

Test(resolver, what_is_canceled_is_not_answered)
{
	struct said said, good;

	begin();
	cr_assert(eq(int, ask("/dns4/silent.test/tcp/1", &said), VD_OK));
	for (unsigned turn = 0; !server.questions && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	cp_resolver_cancel(said.ask);
	cr_assert(eq(int, ask("/dns4/one.test/tcp/1", &good), VD_OK));
	until_done(&good);
	cr_assert(eq(uint, said.answers, 0));
	end();
}

Test(resolver, a_callback_may_cancel)
{
	struct said said, good;

	begin();
	cr_assert(eq(int, ask("/dnsaddr/half.test", &said), VD_OK));
	said.cancel = true;
	for (unsigned turn = 0; !said.answers && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	cr_assert(eq(int, ask("/dns4/silent.test/tcp/1", &good), VD_OK));
	until_done(&good);
	cr_assert(eq(uint, said.answers, 1));
	end();
}

Test(resolver, a_callback_may_end_it)
{
	struct said first, said, last;

	begin();
	cr_assert(eq(int, ask("/dns4/silent.test/tcp/1", &first), VD_OK));
	cr_assert(eq(int, ask("/dns4/one.test/tcp/1", &said), VD_OK));
	cr_assert(eq(int, ask("/dns4/silent.test/tcp/2", &last), VD_OK));
	said.go = true;
	until_done(&said);
	cr_assert(eq(uint, said.count, 1));
	end();
	cr_assert(eq(uint, first.answers + last.answers, 0));
}

Test(resolver, who_goes_with_lookups_under_way_leaves_nothing)
{
	struct said said[CP_RESOLVER_ASKED_MAX];

	begin();
	for (unsigned i = 0; i < CP_RESOLVER_ASKED_MAX; i++)
		cr_assert(eq(int, ask("/dns/silent.test/tcp/1", &said[i]), VD_OK));
	for (unsigned turn = 0; !server.questions && turn < TURNS; turn++)
		uv_run(&loop, UV_RUN_ONCE);
	end();
	for (unsigned i = 0; i < CP_RESOLVER_ASKED_MAX; i++)
		cr_assert(eq(uint, said[i].answers, 0));
}

Test(resolver, no_more_are_asked_for_at_once_than_the_limit)
{
	static struct said said[CP_RESOLVER_ASKED_MAX], more;

	begin();
	for (unsigned i = 0; i < CP_RESOLVER_ASKED_MAX; i++)
		cr_assert(eq(int, ask("/dns4/one.test/tcp/1", &said[i]), VD_OK));
	cr_assert(eq(int, ask("/dns4/one.test/tcp/1", &more), VD_ELIMIT));
	cr_assert(eq(u64, cp_resolver_counters(resolver)->refused, 1));
	uv_run(&loop, UV_RUN_NOWAIT); /* the first lookups begin */
	cr_assert(eq(u64, cp_resolver_counters(resolver)->lookups, CP_RESOLVER_LOOKUPS_MAX));
	for (unsigned i = 0; i < CP_RESOLVER_ASKED_MAX; i++) {
		until_done(&said[i]);
		cr_assert(eq(int, said[i].err, VD_OK));
	}
	cr_assert(eq(u64, cp_resolver_counters(resolver)->lookups, CP_RESOLVER_ASKED_MAX));
	end();
}

Test(resolver, what_has_no_name_is_refused)
{
	struct said said;

	begin();
	cr_assert(eq(int, ask("/ip4/192.0.2.1/tcp/1", &said), VD_EUSER));
	cr_assert(eq(int, ask("/dns4/a..b/tcp/1", &said), VD_EUSER));
	end();
}

Test(resolver, servers_that_are_none_are_refused_with_the_cure)
{
	struct cp_dns_config config = { &loop, "dns.test", 0 };
	char why[CP_DNS_WHY];

	uv_loop_init(&loop);
	cr_assert(eq(int, cp_resolver_new(&config, why, &resolver), VD_EUSER));
	cr_assert(strstr(why, "write 192.0.2.1") != NULL);
	cr_assert(eq(int, uv_loop_close(&loop), 0));
}
