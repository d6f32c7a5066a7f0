/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdarg.h>
#include <string.h>

#include "base/formats/server_list.h"
#include "controlplane/daemon/keys.h"
#include "controlplane/proto/announce.h"

/* Where a failed check is told. */
struct checking {
	const struct config *config;
	const char *name;
	struct config_error *error;
};

__attribute__((format(printf, 3, 4))) static enum vd_err wrong(const struct checking *c,
							       const char *key, const char *format,
							       ...)
{
	char why[KEY_WHY];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	return config_fail(c->error, VD_EUSER, c->name, 0, key, why);
}

static enum vd_err check_port(const struct checking *c, const struct dp_port_config *port)
{
	bool dpdk = port->driver == DP_DRIVER_DPDK;

	if (dpdk && !port->devargs[0])
		return wrong(
		    c, "dataplane.ports",
		    "port `%s` names no device; add devargs, as \"net_af_xdp0,iface=eth0\"",
		    port->name);
	if (!dpdk && port->devargs[0])
		return wrong(c, "dataplane.ports",
			     "port `%s` uses sockets and has devargs; take them out, or set driver "
			     "to dpdk",
			     port->name);
	if (dpdk && !vd_udp_addr_is_any(&port->bind))
		return wrong(c, "dataplane.ports",
			     "port `%s` binds to an address, but a dpdk port takes those of its "
			     "interface; write 0.0.0.0:%u",
			     port->name, port->bind.port);
	if (dpdk && !port->bind.port)
		return wrong(
		    c, "dataplane.ports",
		    "port `%s` has UDP port 0; a dpdk port needs a number, as 0.0.0.0:4001",
		    port->name);
	return VD_OK;
}

static enum vd_err check_port_pair(const struct checking *c, const struct dp_port_config *a,
				   const struct dp_port_config *b)
{
	if (strcmp(a->name, b->name) == 0)
		return wrong(c, "dataplane.ports",
			     "two ports are named `%s`; give each a name of its own", a->name);
	if (a->driver == DP_DRIVER_UDP && b->driver == DP_DRIVER_UDP && a->bind.port &&
	    vd_udp_addr_equal(&a->bind, &b->bind))
		return wrong(c, "dataplane.ports",
			     "ports `%s` and `%s` bind the same address; change one of them",
			     a->name, b->name);
	if (a->devargs[0] && strcmp(a->devargs, b->devargs) == 0)
		return wrong(c, "dataplane.ports",
			     "ports `%s` and `%s` use the same device; change one of them", a->name,
			     b->name);
	return VD_OK;
}

static enum vd_err check_ports(const struct checking *c)
{
	const struct config_dataplane *d = &c->config->dataplane;

	if (!d->port_count)
		return wrong(c, "dataplane.ports",
			     "there is no port; add one, as { name: u0, driver: udp, bind: "
			     "\"0.0.0.0:4001\" }");
	for (uint32_t i = 0; i < d->port_count; i++) {
		enum vd_err err = check_port(c, &d->ports[i]);

		for (uint32_t j = 0; !err && j < i; j++)
			err = check_port_pair(c, &d->ports[j], &d->ports[i]);
		if (err)
			return err;
	}
	return VD_OK;
}

static enum vd_err check_tier(const struct checking *c, uint32_t i)
{
	const struct tier *tiers = c->config->link.tiers, *tier = &tiers[i];

	if ((tier->call || tier->reserve) && !tier->realms)
		return wrong(c, "link.tiers",
			     "tier `%s` may call or reserve, but is in no realm; add realms: [ 1 ]",
			     tier->name);
	if (!tier->peers.given && !tier->cidrs.given && !tier->tokens.given)
		return wrong(
		    c, "link.tiers",
		    "tier `%s` does not say whom it is for; add peers, cidrs or tokens, or "
		    "peers: any for everybody",
		    tier->name);
	for (uint32_t j = 0; j < i; j++) {
		if (strcmp(tiers[j].name, tier->name) == 0)
			return wrong(c, "link.tiers",
				     "two tiers are named `%s`; give each a name of its own",
				     tier->name);
		if (tiers[j].peers.any && !tiers[j].cidrs.given && !tiers[j].tokens.given)
			return wrong(
			    c, "link.tiers",
			    "tier `%s` is never reached: `%s` before it has any peer; move "
			    "it up",
			    tier->name, tiers[j].name);
	}
	return VD_OK;
}

static enum vd_err check_routers(const struct checking *c)
{
	const struct config_addresses *routers = &c->config->link.routers;

	for (uint32_t i = 0; i < routers->count; i++) {
		struct vd_peer_id a = { 0 }, b = { 0 };
		struct vd_udp_addr udp;
		char text[VD_PEER_ID_TEXT];

		if (vd_multiaddr_to_link(&routers->at[i], &udp, &a) || !a.len)
			return wrong(c, "link.routers",
				     "entry %u does not say who the router is; add /viaduct/p2p/…",
				     i + 1);
		for (uint32_t j = 0; j < i; j++)
			if (!vd_multiaddr_to_link(&routers->at[j], &udp, &b) &&
			    vd_peer_id_equal(&a, &b))
				return wrong(c, "link.routers",
					     "router %s is listed twice; keep one address",
					     vd_peer_id_text(&a, text));
	}
	return VD_OK;
}

static enum vd_err check_link(const struct checking *c)
{
	const struct config_link *link = &c->config->link;
	enum vd_err err = check_routers(c);

	if (!err && link->tier_count && !link->width)
		return wrong(c, "link.width",
			     "is 0, so this node does not switch, but it has tiers; set it to 16, "
			     "or take link.tiers out");
	for (uint32_t i = 0; !err && i < link->tier_count; i++)
		err = check_tier(c, i);
	return err;
}

static enum vd_err check_tun(const struct checking *c)
{
	const struct config_tun *tun = &c->config->tun;

	if (!tun->enabled)
		return VD_OK;
	if (!tun->name[0] || strpbrk(tun->name, "/: \t%") || strcmp(tun->name, ".") == 0 ||
	    strcmp(tun->name, "..") == 0)
		return wrong(c, "tun.name",
			     "`%s` is no name for a device; use letters and digits, as viaduct0",
			     tun->name);
	return VD_OK;
}

/* /ip4 or /ip6, then /tcp, and nothing more. */
static bool is_tcp(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part part;
	size_t at = 0;

	return vd_multiaddr_next(address, &at, &part) &&
	       (part.code == VD_MA_IP4 || part.code == VD_MA_IP6) &&
	       vd_multiaddr_next(address, &at, &part) && part.code == VD_MA_TCP &&
	       !vd_multiaddr_next(address, &at, &part);
}

static enum vd_err check_listen(const struct checking *c, const char *key,
				const struct config_addresses *listen)
{
	char text[VD_MULTIADDR_TEXT];

	for (uint32_t i = 0; i < listen->count; i++)
		if (!is_tcp(&listen->at[i]))
			return wrong(c, key, "`%s` is not for TCP; write /ip4/0.0.0.0/tcp/4001",
				     vd_multiaddr_text(&listen->at[i], text));
	return VD_OK;
}

/* Whether both bind one address; port 0 is another one each time. */
static bool share_address(const struct config_addresses *a, const struct config_addresses *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < b->count; j++) {
			const struct vd_multiaddr *one = &a->at[i];

			if (vd_multiaddr_equal(one, &b->at[j]) &&
			    (one->bytes[one->len - 1] || one->bytes[one->len - 2]))
				return true;
		}
	return false;
}

static enum vd_err check_announced(const struct checking *c, const char *key,
				   const struct config_addresses *list)
{
	char text[VD_MULTIADDR_TEXT];

	for (uint32_t i = 0; i < list->count; i++)
		if (!announce_can_be_dialled(&list->at[i]))
			return wrong(
			    c, key,
			    "`%s` is nothing that others can dial; write an address or name of "
			    "this node, as /dns4/router.example.org/tcp/4001",
			    vd_multiaddr_text(&list->at[i], text));
	return VD_OK;
}

/* LMDB's files cannot be opened twice, and each is of one network. */
static enum vd_err check_state(const struct checking *c, uint32_t i)
{
	const struct config_host *host = &c->config->host;
	const char *state = host->networks[i].state;
	const char *other = strcmp(state, host->state) == 0 ? "the public one" : NULL;

	if (!state[0])
		return VD_OK;
	for (uint32_t j = 0; j < i; j++)
		if (strcmp(host->networks[j].state, state) == 0)
			other = host->networks[j].name;
	return other ? wrong(c, "host.networks",
			     "`%s` has its state in the file that %s has; give each one of its own",
			     host->networks[i].name, other)
		     : VD_OK;
}

/* Each of its lists. */
static enum vd_err check_addresses(const struct checking *c, const struct config_network *network)
{
	enum vd_err err = check_listen(c, "host.networks", &network->listen);

	if (!err)
		err = check_announced(c, "host.networks", &network->announce);
	return err ? err : check_announced(c, "host.networks", &network->announce_also);
}

static enum vd_err check_network(const struct checking *c, uint32_t i)
{
	const struct config_host *host = &c->config->host;
	const struct config_network *network = &host->networks[i];
	const char *other =
	    share_address(&network->listen, &host->listen) ? "the public one" : NULL;

	if (strcmp(network->name, "public") == 0)
		return wrong(c, "host.networks",
			     "`public` names the network of all who have no "
			     "key; choose another name");
	for (uint32_t j = 0; j < i; j++) {
		if (strcmp(host->networks[j].name, network->name) == 0)
			return wrong(c, "host.networks",
				     "two networks are named `%s`; give each a name of its own",
				     network->name);
		if (share_address(&network->listen, &host->networks[j].listen))
			other = host->networks[j].name;
	}
	if (other)
		return wrong(c, "host.networks",
			     "`%s` listens where %s does; give each a port of its own",
			     network->name, other);
	if (check_addresses(c, network))
		return VD_EUSER;
	return check_state(c, i);
}

static enum vd_err check_host(const struct checking *c)
{
	const struct config_host *host = &c->config->host;
	enum vd_err err = check_listen(c, "host.listen", &host->listen);

	for (uint32_t i = 0; !err && i < host->network_count; i++)
		err = check_network(c, i);
	if (err)
		return err;
	if (host->dns[0] && !vd_is_server_list(host->dns))
		return wrong(c, "host.dns",
			     "`%.40s` is no list of DNS servers; write addresses, as "
			     "192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53",
			     host->dns);
	err = check_announced(c, "host.announce", &host->announce);
	return err ? err : check_announced(c, "host.announce_also", &host->announce_also);
}

static enum vd_err check_rest(const struct checking *c)
{
	const struct config *config = c->config;

	if (!config->dev && !config->key[0])
		return wrong(c, "identity.key",
			     "is empty; name the key file (`viaduct key gen FILE` makes one)");
	return check_host(c);
}

enum vd_err config_check_as(const struct config *config, const char *name,
			    struct config_error *error)
{
	const struct checking c = { .config = config, .name = name, .error = error };
	enum vd_err err = check_ports(&c);

	if (!err)
		err = check_link(&c);
	if (!err)
		err = check_tun(&c);
	return err ? err : check_rest(&c);
}

enum vd_err config_check(const struct config *config, struct config_error *error)
{
	return config_check_as(config, NULL, error);
}
