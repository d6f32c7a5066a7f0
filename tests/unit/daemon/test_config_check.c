/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/config.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define ID  "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define UDP "dataplane: { ports: [ { name: u, driver: udp } ] }\n"

/* What is right by itself, and wrong together. */
static const struct {
	const char *text, *key, *says;
} wrong[] = {
	{ "", "dataplane.ports", "there is no port" },
	{ "dataplane: { ports: [ { name: u, driver: udp }, { name: u, driver: udp, bind: "
	  "'127.0.0.1:1' } ] }",
	  "dataplane.ports", "two ports are named `u`" },
	{ "dataplane: { ports: [ { name: a, driver: udp }, { name: b, driver: udp } ] }",
	  "dataplane.ports", "bind the same address" },
	{ "dataplane: { ports: [ { name: a, driver: dpdk } ] }", "dataplane.ports",
	  "names no device" },
	{ "dataplane: { ports: [ { name: a, driver: udp, devargs: net_null0 } ] }",
	  "dataplane.ports", "uses sockets and has devargs" },
	{ "dataplane: { ports: [ { name: a, driver: dpdk, devargs: d, bind: '1.2.3.4:1' } ] }",
	  "dataplane.ports", "write 0.0.0.0:1" },
	{ "dataplane: { ports: [ { name: a, driver: dpdk, devargs: d, bind: '0.0.0.0:0' } ] }",
	  "dataplane.ports", "UDP port 0" },
	{ "dataplane: { ports: [ { name: a, driver: dpdk, devargs: d }, { name: b, driver: dpdk, "
	  "devargs: d } ] }",
	  "dataplane.ports", "use the same device" },
	{ UDP "link: { width: 0, tiers: [ { name: a, peers: any } ] }", "link.width",
	  "does not switch, but it has tiers" },
	{ UDP "link: { tiers: [ { name: a, peers: any, call: true } ] }", "link.tiers",
	  "in no realm" },
	{ UDP "link: { tiers: [ { name: a, peers: [] }, { name: a, peers: any } ] }", "link.tiers",
	  "two tiers are named `a`" },
	{ UDP "link: { tiers: [ { name: a, peers: any }, { name: b, peers: any } ] }", "link.tiers",
	  "`b` is never reached" },
	{ UDP "link: { tiers: [ { name: a, realms: [ 1 ] } ] }", "link.tiers",
	  "does not say whom it is for" },
	{ UDP "link: { routers: [ /ip4/1.2.3.4/udp/1/p2p/" ID ", /ip4/1.2.3.5/udp/1/p2p/" ID " ] }",
	  "link.routers", "listed twice" },
	{ UDP "tun: { name: 'a/b' }", "tun.name", "no name for a device" },
	{ UDP "identity: { key: '' }", "identity.key", "is empty" },
	{ UDP "host: { listen: [ /ip4/0.0.0.0/udp/4001 ] }", "host.listen", "not for TCP" },
	{ UDP "host: { dns: dns.test }", "host.dns", "192.0.2.2:5353" },
	{ UDP "host: { networks: [ { name: a, key: /k, listen: [ /ip4/0.0.0.0/udp/1 ] } ] }",
	  "host.networks", "not for TCP" },
	{ UDP "host: { networks: [ { name: a, key: /k }, { name: a, key: /l } ] }", "host.networks",
	  "a name of its own" },
	{ UDP "host: { networks: [ { name: public, key: /k } ] }", "host.networks",
	  "another name" },
	{ UDP "host: { listen: [ /ip4/0.0.0.0/tcp/1 ], networks: [ { name: a, key: /k, "
	      "listen: [ /ip4/0.0.0.0/tcp/1 ] } ] }",
	  "host.networks", "a port of its own" },
	{ UDP "host: { networks: [ { name: a, key: /k, listen: [ /ip4/0.0.0.0/tcp/1 ] }, "
	      "{ name: b, key: /k, listen: [ /ip4/0.0.0.0/tcp/1 ] } ] }",
	  "host.networks", "a port of its own" },
	{ UDP "host: { state: /s, networks: [ { name: a, key: /k, state: /s } ] }", "host.networks",
	  "`a` has its state in the file that the public one has" },
	{ UDP
	  "host: { networks: [ { name: a, key: /k, state: /s }, { name: b, key: /l, state: /s } "
	  "] }",
	  "host.networks", "`b` has its state in the file that a has" },
	{ UDP "host: { networks: [ { name: a, key: /k, announce: [ /ip4/0.0.0.0/tcp/1 ] } ] }",
	  "host.networks", "nothing that others can dial" },
	{ UDP "host: { networks: [ { name: a, key: /k, announce_also: [ /ip4/9.9.9.9/udp/1/viaduct "
	      "] } ] }",
	  "host.networks", "nothing that others can dial" },
	{ UDP "host: { announce: [ /ip4/0.0.0.0/tcp/4001 ] }", "host.announce",
	  "nothing that others can dial" },
	{ UDP "host: { announce_also: [ /ip4/9.9.9.9/udp/4001/viaduct ] }", "host.announce_also",
	  "nothing that others can dial" },
};

Test(config_check, each_contradiction_is_told_with_its_cure)
{
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct config_error error = { 0 };
		struct config config;

		config_default(&config);
		cr_assert(eq(int,
			     config_parse(vd_bytes_of_text(wrong[i].text), "v", &config, &error),
			     VD_OK),
			  "%s", error.text);
		cr_assert(eq(int, config_check(&config, &error), VD_EUSER), "accepted: %s",
			  wrong[i].text);
		cr_assert(eq(str, error.key, (char *)wrong[i].key), "%s", error.text);
		cr_assert(strstr(error.text, wrong[i].says) != NULL, "%s", error.text);
		cr_assert(strchr(error.text, ';') != NULL, "no cure: %s", error.text);
		config_fini(&config);
	}
}

Test(config_check, a_router_and_an_edge_pass)
{
	static const char *const texts[] = {
		UDP "link: { listen: [ /ip4/198.18.1.1/udp/4001 ], tiers: [ { name: m, peers: [ " ID
		    " ], realms: [ 1 ], call: true, reserve: true } ] }",
		UDP "link: { routers: [ /ip4/198.18.1.1/udp/4001/viaduct/p2p/" ID " ] }\n"
		    "tun: {}\nsession: { connect: [ " ID " ] }",
		UDP
		"host: { listen: [ /ip4/127.0.0.1/tcp/0 ], networks: [ { name: a, key: /k, listen: "
		"[ /ip4/127.0.0.1/tcp/0 ] }, { name: b, key: /k } ] }",
		"dataplane: { ports: [ { name: a, driver: udp, bind: '127.0.0.1:0' }, { name: b, "
		"driver: udp, bind: '127.0.0.1:0' } ] }",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct config_error error = { 0 };
		struct config config;

		config_default(&config);
		cr_assert(
		    eq(int, config_parse(vd_bytes_of_text(texts[i]), "v", &config, &error), VD_OK),
		    "%s", error.text);
		cr_assert(eq(int, config_check(&config, &error), VD_OK), "%s", error.text);
		config_fini(&config);
	}
}
