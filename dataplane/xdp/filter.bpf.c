/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * filter: the XDP program of an af_xdp port. UDP to our port goes to the queue's
 * socket, all else to the kernel, which keeps ARP, neighbour discovery, ssh and TCP.
 *
 * IPv4 without options and IPv6 without extension headers, behind at most one VLAN
 * tag; fragments go to the kernel. The port number is data in .rodata that the
 * daemon overwrites in its copy of this object before it is loaded: DPDK's driver
 * loads the file by itself, so there is no moment in which a map could be filled
 * before the program runs, and asking for the map later by its id would need
 * CAP_SYS_ADMIN. The marker tells where.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Sixteen bytes: the marker, then the port in network order. dataplane/xdp.c knows them. */
const volatile struct {
	char marker[14];
	__be16 port;
} viaduct_filter_config SEC(".rodata") = { "viaduct-port:", 0 };

/* The name by which DPDK's driver finds it. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct vlan {
	__be16 tci;
	__be16 type;
};

static __always_inline int is_ours(const struct udphdr *udp, const void *end)
{
	return (const void *)(udp + 1) <= end && udp->dest == viaduct_filter_config.port;
}

static __always_inline int ip4_is_ours(const struct iphdr *ip, const void *end)
{
	if ((const void *)(ip + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return 0;
	if (ip->frag_off & bpf_htons(0x3fff))
		return 0;
	return is_ours((const struct udphdr *)(ip + 1), end);
}

static __always_inline int ip6_is_ours(const struct ipv6hdr *ip, const void *end)
{
	if ((const void *)(ip + 1) > end || ip->nexthdr != IPPROTO_UDP)
		return 0;
	return is_ours((const struct udphdr *)(ip + 1), end);
}

SEC("xdp")
int viaduct_filter(struct xdp_md *ctx)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *ether = (const void *)(long)ctx->data;
	const void *next = ether + 1;
	__be16 type;
	int ours = 0;

	if (next > end)
		return XDP_PASS;
	type = ether->h_proto;
	if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
		const struct vlan *vlan = next;
		next = vlan + 1;
		if (next > end)
			return XDP_PASS;
		type = vlan->type;
	}
	if (type == bpf_htons(ETH_P_IP))
		ours = ip4_is_ours(next, end);
	else if (type == bpf_htons(ETH_P_IPV6))
		ours = ip6_is_ours(next, end);
	if (!ours)
		return XDP_PASS;
	/* a queue without a socket: the kernel has it */
	return (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char license_text[] SEC("license") = "Dual MIT/GPL";
