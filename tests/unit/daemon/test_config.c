/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/config.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* libp2p/specs, peer-ids: examples. */
#define ED25519_ID "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define RSA_ID     "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"

static struct config config;
static struct config_error error;

static enum vd_err parse(const char *text)
{
	config_default(&config);
	return config_parse(vd_bytes_of_text(text), "v.yaml", &config, &error);
}

static void begin(void)
{
	config_default(&config);
}

static void end(void)
{
	config_fini(&config);
}

TestSuite(config, .init = begin, .fini = end);

Test(config, defaults_are_those_of_the_table)
{
	cr_assert(eq(str, config.key, "/var/lib/viaduct/key"));
	cr_assert(eq(u32, config.dataplane.workers, 1));
	cr_assert(eq(u32, config.link.width, 16));
	cr_assert(eq(u32, config.link.delivery_pps, 10000));
	cr_assert(config.link.reserve);
	cr_assert(not(config.tun.enabled));
	cr_assert(eq(str, config.tun.name, "viaduct0"));
	cr_assert(eq(u32, config.tun.mtu, 0));
	cr_assert(eq(u16, config.session.prefix, 0xfd76));
	cr_assert(eq(str, config.api.socket, "/run/viaduct/api.sock"));
	cr_assert(not(config.api.listen_on));
	cr_assert(eq(str, config.log.level, "info"));
}

Test(config, every_key_of_the_example_is_read)
{
	cr_assert(
	    eq(int,
	       parse("identity: { key: /k }\n"
		     "dataplane:\n"
		     "  workers: 2\n"
		     "  idle: poll\n"
		     "  huge: off\n"
		     "  ports:\n"
		     "    - { name: wan0, driver: dpdk, devargs: \"net_af_xdp0,iface=r0\" }\n"
		     "    - { name: u0, driver: udp, bind: \"[::1]:5001\" }\n"
		     "link:\n"
		     "  listen: [ /ip4/198.18.1.1/udp/4001 ]\n"
		     "  width: 12\n"
		     "  routers: [ /ip4/198.18.1.1/udp/4001/viaduct/p2p/" ED25519_ID " ]\n"
		     "  reserve: false\n"
		     "  tiers:\n"
		     "    - { name: members, peers: [ " ED25519_ID ", " RSA_ID " ],\n"
		     "        realms: [ 1, 31 ], call: true, reserve: true, pps: 7, bps: 9 }\n"
		     "    - { name: rest, peers: any }\n"
		     "tun: { name: tun7, mtu: 1400 }\n"
		     "session: { allow: [ " ED25519_ID " ], connect: [ " RSA_ID " ] }\n"
		     "host: { listen: [ /ip4/0.0.0.0/tcp/4001 ], threads: 3 }\n"
		     "api: { socket: /s, listen: \"127.0.0.1:9600\" }\n"
		     "log: { level: \"info,link=debug\", format: json }\n"),
	       VD_OK),
	    "%s", error.text);
	cr_assert(eq(str, config.key, "/k"));
	cr_assert(eq(u32, config.dataplane.workers, 2));
	cr_assert(eq(u32, config.dataplane.idle, CONFIG_IDLE_POLL));
	cr_assert(eq(u32, config.dataplane.huge, CONFIG_HUGE_OFF));
	cr_assert(eq(u32, config.dataplane.port_count, 2));
	cr_assert(eq(str, config.dataplane.ports[0].devargs, "net_af_xdp0,iface=r0"));
	cr_assert(eq(int, config.dataplane.ports[0].driver, DP_DRIVER_DPDK));
	cr_assert(eq(u16, config.dataplane.ports[0].bind.port, 4001), "the default");
	cr_assert(eq(int, config.dataplane.ports[1].driver, DP_DRIVER_UDP));
	cr_assert(eq(u16, config.dataplane.ports[1].bind.port, 5001));
	cr_assert(eq(u8, config.dataplane.ports[1].bind.ip[15], 1));
	cr_assert(eq(u32, config.link.listen.count, 1));
	cr_assert(eq(u32, config.link.width, 12));
	cr_assert(eq(u32, config.link.routers.count, 1));
	cr_assert(not(config.link.reserve));
	cr_assert(eq(u32, config.link.tier_count, 2));
	cr_assert(eq(str, config.link.tiers[0].name, "members"));
	cr_assert(eq(u32, config.link.tiers[0].peers.count, 2));
	cr_assert(eq(u32, config.link.tiers[0].realms, 0x80000002u));
	cr_assert(config.link.tiers[0].call);
	cr_assert(config.link.tiers[0].reserve);
	cr_assert(eq(u64, config.link.tiers[0].pps, 7));
	cr_assert(eq(u64, config.link.tiers[0].bps, 9));
	cr_assert(config.link.tiers[1].peers.any);
	cr_assert(not(config.link.tiers[1].call), "an element's default, not its predecessor's");
	cr_assert(config.tun.enabled);
	cr_assert(eq(str, config.tun.name, "tun7"));
	cr_assert(eq(u32, config.tun.mtu, 1400));
	cr_assert(eq(u32, config.session.allow.count, 1));
	cr_assert(eq(u32, config.session.connect.count, 1));
	cr_assert(eq(u32, config.host.listen.count, 1));
	cr_assert(eq(u32, config.host.threads, 3));
	cr_assert(config.api.listen_on);
	cr_assert(eq(u16, config.api.listen.port, 9600));
	cr_assert(eq(str, config.log.level, "info,link=debug"));
	cr_assert(eq(u32, config.log.format, VD_LOG_JSON));
}

/* Each mistake: where it is told, and what. */
static const struct {
	const char *text, *key, *says;
	unsigned line;
} mistakes[] = {
	{ "link:\n  widht: 4\n", "link.widht", "did you mean `width`?", 2 },
	{ "lnk: {}\n", "lnk", "did you mean `link`?", 1 },
	{ "\n\nelephant: 1\n", "elephant", "known here: user identity dataplane", 3 },
	{ "link:\n  width: 8\n  width: 9\n", "link.width", "given twice", 3 },
	{ "link: {}\nlink: {}\n", "link", "given twice", 2 },
	{ "link:\n  width: 3\n", "link.width", "neither `0` nor a number from 4 to 24", 2 },
	{ "link:\n  width: 25\n", "link.width", "4 to 24", 2 },
	{ "link:\n  width: 0x10\n", "link.width", "4 to 24", 2 },
	{ "link:\n  width: -4\n", "link.width", "4 to 24", 2 },
	{ "link:\n  width: [ 4 ]\n", "link.width", "is a list", 2 },
	{ "link:\n  width: { a: 1 }\n", "link.width", "is a mapping", 2 },
	{ "link:\n  width:\n", "link.width", "has no value", 2 },
	{ "link:\n  reserve: yes\n", "link.reserve", "write true or false", 2 },
	{ "link: 4\n", "link", "is not a mapping", 1 },
	{ "link:\n  listen: [ /ip4/1.2.3.4/tcp/1 ]\n", "link.listen", "not a link address", 2 },
	{ "link:\n  listen: [ hello ]\n", "link.listen", "not a multiaddr", 2 },
	{ "link:\n  listen: { a: b }\n", "link.listen", "write a list", 2 },
	{ "link:\n  listen: [ /ip4/1.2.3.4/udp/1/p2p/" ED25519_ID " ]\n", "link.listen",
	  "it is this node", 2 },
	{ "link:\n  routers:\n    - /ip4/1.2.3.4/udp/1\n", "link.routers", "who the router is", 3 },
	{ "link:\n  tiers: 7\n", "link.tiers", "is not a list", 2 },
	{ "link:\n  tiers:\n    - { peers: any }\n", "link.tiers[0].name", "is missing", 3 },
	{ "link:\n  tiers:\n    - { name: a, peers: any }\n    - { name: b, peers: [ x ] }\n",
	  "link.tiers[1].peers", "not a peer id", 4 },
	{ "link:\n  tiers:\n    - { name: a, peers: any, realms: [ 32 ] }\n",
	  "link.tiers[0].realms", "not a realm", 3 },
	{ "link:\n  tiers:\n    - { name: a, peers: any, reserv: true }\n", "link.tiers[0].reserv",
	  "did you mean `reserve`?", 3 },
	{ "link:\n  tiers: [ a ]\n", "link.tiers[0]", "is not a mapping", 2 },
	{ "dataplane:\n  workers: 0\n", "dataplane.workers", "1 to 64", 2 },
	{ "dataplane:\n  workers: 99999999999999999999999\n", "dataplane.workers", "1 to 64", 2 },
	{ "dataplane:\n  idle: sometimes\n", "dataplane.idle", "write adaptive or poll", 2 },
	{ "dataplane:\n  ports:\n    - { name: a, driver: udp, bind: 1.2.3.4 }\n",
	  "dataplane.ports[0].bind", "not an address and port", 3 },
	{ "dataplane:\n  ports:\n    - { name: a, driver: udp, bind: '1.2.3.4:65536' }\n",
	  "dataplane.ports[0].bind", "not an address and port", 3 },
	{ "dataplane:\n  ports:\n    - { name: a, driver: udp, bind: '[::1:4' }\n",
	  "dataplane.ports[0].bind", "not an address and port", 3 },
	{ "tun:\n", "tun", "write {} for the defaults", 1 },
	{ "tun: { name: abcdefghijklmnop }\n", "tun.name", "at most 15", 1 },
	{ "tun: { mtu: 1279 }\n", "tun.mtu", "neither `auto`", 1 },
	{ "session: { allow: any }\n", "session.allow", "cannot be `any`", 1 },
	{ "session: { prefix: 'fd76::/15' }\n", "session.prefix", "not a /16", 1 },
	{ "session: { prefix: '2001::/16' }\n", "session.prefix", "fc00::/7", 1 },
	{ "log: { level: loud }\n", "log.level", "not a level", 1 },
	{ "log: { level: 'info,bridge=debug' }\n", "log.level", "not a level", 1 },
	{ "identity: { key: \"a\\0b\" }\n", "identity.key", "NUL", 1 },
	{ "identity: { key: \"a\\eb\" }\n", "identity.key", "control character", 1 },
	{ "a.b: 1\n", "file", "not a plain name", 1 },
	{ "[ 1, 2 ]\n", "file", "is not a mapping", 1 },
	{ "link: {}\n---\nlink: {}\n", "file", "second document", 3 },
	{ "link:\n  width: [ 4\n", "YAML", "check indentation", 3 },
	{ "link: {}\n\twidth: 4\n", "YAML", "check indentation", 2 },
	{ "a: \xff\n", "file", "not UTF-8", 0 },
};

Test(config, each_mistake_is_told_with_its_line_and_cure)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		const char *text = mistakes[i].text;

		cr_assert(eq(int, parse(text), VD_EUSER), "accepted: %s", text);
		cr_assert(eq(str, error.key, (char *)mistakes[i].key), "%s -> %s", text,
			  error.text);
		cr_assert(eq(uint, error.line, mistakes[i].line), "%s -> %s", text, error.text);
		cr_assert(strstr(error.text, mistakes[i].says) != NULL, "%s -> %s", text,
			  error.text);
		cr_assert(strstr(error.text, "v.yaml") == error.text, "%s", error.text);
		config_fini(&config);
	}
}

Test(config, error_has_the_form_file_line_key_what_cure)
{
	cr_assert(eq(int, parse("link:\n  reserve: maybe\n"), VD_EUSER));
	cr_assert(eq(str, error.text,
		     "v.yaml:2: link.reserve: `maybe` is not a truth value; write true or false"));
}

Test(config, an_error_quotes_no_control_character)
{
	cr_assert(eq(int, parse("link:\n  reserve: \"a\\eb\\Nc\"\n"), VD_EUSER));
	cr_assert(eq(str, error.text,
		     "v.yaml:2: link.reserve: `a?b?c` is not a truth value; write true or false"));
}

Test(config, empty_files_and_empty_sections_are_the_defaults)
{
	cr_assert(eq(int, parse(""), VD_OK));
	cr_assert(eq(int, parse("# nothing\n"), VD_OK));
	cr_assert(eq(int, parse("link:\n  # all commented out\n"), VD_OK));
	cr_assert(eq(u32, config.link.width, 16));
}

Test(config, tun_with_an_empty_mapping_makes_an_edge)
{
	cr_assert(eq(int, parse("tun: {}\n"), VD_OK));
	cr_assert(config.tun.enabled);
	cr_assert(eq(str, config.tun.name, "viaduct0"));
}

Test(config, a_list_in_the_file_replaces_what_was_there)
{
	cr_assert(eq(int, parse("session: { allow: [ " ED25519_ID " ] }\n"), VD_OK));
	cr_assert(eq(
	    int, config_parse(vd_bytes_of_text("session: { allow: [] }\n"), "b", &config, &error),
	    VD_OK));
	cr_assert(eq(u32, config.session.allow.count, 0));
}

Test(config, peers_are_sorted_without_duplicates_and_found)
{
	struct vd_peer_id ed, rsa;

	cr_assert(eq(int, vd_peer_id_of_text(ED25519_ID, &ed), VD_OK));
	cr_assert(eq(int, vd_peer_id_of_text(RSA_ID, &rsa), VD_OK));
	cr_assert(eq(int, parse("session: { allow: [ " RSA_ID ", " ED25519_ID ", " RSA_ID " ] }\n"),
		     VD_OK));
	cr_assert(eq(u32, config.session.allow.count, 2));
	cr_assert(tier_peer_list_has(&config.session.allow, &ed));
	cr_assert(tier_peer_list_has(&config.session.allow, &rsa));
	cr_assert(not(tier_peer_list_has(&config.session.connect, &rsa)));
}

Test(config, the_first_tier_that_has_the_peer_counts)
{
	struct vd_peer_id ed, rsa;

	cr_assert(eq(int, vd_peer_id_of_text(ED25519_ID, &ed), VD_OK));
	cr_assert(eq(int, vd_peer_id_of_text(RSA_ID, &rsa), VD_OK));
	cr_assert(eq(int,
		     parse("link:\n  tiers:\n"
			   "    - { name: a, peers: [ " ED25519_ID " ] }\n"
			   "    - { name: b, peers: [ " ED25519_ID " ] }\n"),
		     VD_OK));
	struct tier_claim claim = { .peer = &ed }, other = { .peer = &rsa };
	cr_assert(eq(str, (char *)config_tier_of(&config, &claim)->name, "a"));
	cr_assert(config_tier_of(&config, &other) == NULL);
}

Test(config, more_tiers_than_the_limit_are_refused)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "link:\n  tiers:\n");
	for (unsigned i = 0; i <= CONFIG_TIERS_MAX; i++)
		fprintf(out, "    - { name: t%u, peers: [] }\n", i);
	fclose(out);
	cr_assert(eq(int, parse(text), VD_EUSER));
	cr_assert(eq(uint, error.line, 3 + CONFIG_TIERS_MAX));
	cr_assert(strstr(error.text, "more than 64 entries") != NULL, "%s", error.text);
	free(text);
}

Test(config, aliases_do_not_multiply_work)
{
	cr_assert(eq(int,
		     parse("link: &l { width: 8, tiers: &t [] }\n"
			   "session: { allow: *t, connect: *t }\n"),
		     VD_OK),
		  "%s", error.text);
}

/* ---- environment ---- */

static enum vd_err environment(const char *variable)
{
	char *const variables[] = { (char *)"PATH=/bin", (char *)variable, NULL };

	return config_environment(variables, &config, &error);
}

Test(config, environment_overrides_a_key)
{
	cr_assert(eq(int, environment("VIADUCT_LINK_WIDTH=9"), VD_OK));
	cr_assert(eq(u32, config.link.width, 9));
	cr_assert(eq(int, environment("VIADUCT_IDENTITY_KEY=/x/y"), VD_OK));
	cr_assert(eq(str, config.key, "/x/y"));
}

Test(config, environment_takes_lists_with_commas)
{
	cr_assert(eq(int, environment("VIADUCT_SESSION_ALLOW=" ED25519_ID ", " RSA_ID), VD_OK),
		  "%s", error.text);
	cr_assert(eq(u32, config.session.allow.count, 2));
	cr_assert(eq(int, environment("VIADUCT_SESSION_ALLOW="), VD_OK));
	cr_assert(eq(u32, config.session.allow.count, 0));
}

Test(config, environment_takes_yaml_for_mappings)
{
	cr_assert(eq(int,
		     environment("VIADUCT_DATAPLANE_PORTS=[{ name: u, driver: udp, "
				 "bind: '0.0.0.0:0' }]"),
		     VD_OK),
		  "%s", error.text);
	cr_assert(eq(u32, config.dataplane.port_count, 1));
	cr_assert(eq(u16, config.dataplane.ports[0].bind.port, 0));
}

Test(config, an_empty_variable_is_an_empty_list_of_mappings_too)
{
	cr_assert(eq(int,
		     parse("dataplane: { ports: [ { name: u, driver: udp } ] }\n"
			   "link: { tiers: [ { name: rest, peers: any } ] }\n"),
		     VD_OK),
		  "%s", error.text);
	cr_assert(eq(int, environment("VIADUCT_LINK_TIERS="), VD_OK), "%s", error.text);
	cr_assert(eq(u32, config.link.tier_count, 0));
	cr_assert(eq(int, environment("VIADUCT_DATAPLANE_PORTS="), VD_OK), "%s", error.text);
	cr_assert(eq(u32, config.dataplane.port_count, 0));
}

Test(config, naming_the_tun_in_the_environment_makes_no_edge_but_the_section_does)
{
	cr_assert(eq(int, environment("VIADUCT_TUN_NAME=t0"), VD_OK));
	cr_assert(not(config.tun.enabled));
	cr_assert(eq(int, environment("VIADUCT_TUN={}"), VD_OK));
	cr_assert(config.tun.enabled);
	cr_assert(eq(str, config.tun.name, "t0"));
}

Test(config, a_wrong_variable_is_told_by_its_name)
{
	cr_assert(eq(int, environment("VIADUCT_LINK_WIDTH=99"), VD_EUSER));
	cr_assert(eq(uint, error.line, 0));
	cr_assert(strstr(error.text, "VIADUCT_LINK_WIDTH: link.width: `99`") == error.text, "%s",
		  error.text);
}

Test(config, variables_that_name_no_key_are_ignored)
{
	cr_assert(eq(int, environment("VIADUCT_SERVICE_HOST=10.0.0.1"), VD_OK));
	cr_assert(eq(int, environment("VIADUCT_API=/x"), VD_OK));
}

/* ---- files ---- */

Test(config, a_missing_file_is_a_system_error_with_cure)
{
	cr_assert(eq(int, config_read("/nonexistent/v.yaml", &config, &error), VD_ESYS));
	cr_assert(strstr(error.text, "/nonexistent/v.yaml: file: cannot be read") == error.text,
		  "%s", error.text);
}

Test(config, a_directory_is_not_a_file)
{
	cr_assert(eq(int, config_read("/", &config, &error), VD_ESYS));
}

Test(config, reading_checks_what_no_single_key_shows)
{
	char path[] = "/tmp/test-config-XXXXXX";
	int fd = mkstemp(path);

	cr_assert(eq(int, (int)write(fd, "link: {}\n", 9), 9));
	close(fd);
	cr_assert(eq(int, config_read(path, &config, &error), VD_EUSER));
	cr_assert(eq(str, error.key, "dataplane.ports"));
	cr_assert(strstr(error.text, path) == error.text, "%s", error.text);
	unlink(path);
}

Test(config, a_dpdk_port_is_bound_by_number_alone)
{
	char path[] = "/tmp/test-config-XXXXXX";
	static const char text[] = "dataplane: { ports: [ { name: a, driver: dpdk, "
				   "devargs: net_null0, bind: '0.0.0.0:77' } ] }\n";
	static const uint8_t zero[16];
	int fd = mkstemp(path);

	cr_assert(eq(int, (int)write(fd, text, sizeof text - 1), (int)sizeof text - 1));
	close(fd);
	cr_assert(eq(int, config_read(path, &config, &error), VD_OK), "%s", error.text);
	cr_assert(eq(u16, config.dataplane.ports[0].bind.port, 77));
	cr_assert(zero(int, memcmp(config.dataplane.ports[0].bind.ip, zero, 16)));
	unlink(path);
}

/* ---- --dev ---- */

Test(config, dev_needs_no_root_and_keeps_its_socket_to_itself)
{
	char directory[] = "/tmp/test-config-XXXXXX", made[64], socket[64];
	struct config next;
	struct stat st;

	cr_assert(mkdtemp(directory) != NULL);
	setenv("XDG_RUNTIME_DIR", directory, 1);
	cr_assert(eq(int, config_dev(&config, &error), VD_OK), "%s", error.text);
	snprintf(made, sizeof made, "%s/viaduct", directory);
	snprintf(socket, sizeof socket, "%s/viaduct/api.sock", directory);
	cr_assert(eq(str, config.api.socket, socket));
	cr_assert(zero(int, stat(made, &st)));
	cr_assert(eq(int, st.st_mode & 0777, 0700));
	cr_assert(eq(u32, config.dataplane.port_count, 1));
	cr_assert(eq(int, config.dataplane.ports[0].driver, DP_DRIVER_UDP));
	cr_assert(eq(int, config_check(&config, &error), VD_OK), "%s", error.text);
	cr_assert(zero(int, chmod(made, 0755)));
	cr_assert(eq(int, config_dev(&config, &error), VD_ESYS), "others could enter");
	rmdir(made);
	config_default_dev(&next);
	cr_assert(next.dev && config_needs_restart(&config, &next) == NULL);
	cr_assert(eq(int, stat(made, &st), -1), "it made the directory");
	rmdir(directory);
}

/* ---- reload ---- */

static const char *restart_after(const char *before, const char *after)
{
	struct config next;
	const char *key;

	cr_assert(eq(int, parse(before), VD_OK), "%s", error.text);
	config_default(&next);
	cr_assert(eq(int, config_parse(vd_bytes_of_text(after), "n", &next, &error), VD_OK), "%s",
		  error.text);
	key = config_needs_restart(&config, &next);
	config_fini(&next);
	return key;
}

Test(config, permissions_and_logs_can_be_reloaded)
{
	cr_assert(restart_after("log: { level: info }\n",
				"log: { level: debug }\n"
				"session: { allow: [ " RSA_ID " ] }\n"
				"link: { tiers: [ { name: a, peers: any } ] }\n") == NULL);
}

Test(config, what_is_read_at_start_only_asks_for_a_restart)
{
	cr_assert(eq(str, (char *)restart_after("{}", "link: { width: 8 }"), "link.width"));
	cr_assert(eq(str, (char *)restart_after("{}", "tun: {}"), "tun"));
	cr_assert(
	    eq(str, (char *)restart_after("{}", "api: { listen: '127.0.0.1:1' }"), "api.listen"));
	cr_assert(eq(str,
		     (char *)restart_after("dataplane: { ports: [ { name: a, driver: udp } ] }",
					   "dataplane: { ports: [ { name: b, driver: udp } ] }"),
		     "dataplane.ports"));
}
