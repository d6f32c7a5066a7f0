# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# marker: A's way to the router goes by M, which forwards, and marks by what is put into its chain
# `ip marking forward`. Sourced after lib.sh.
#
#	A 198.18.1.2 --- 198.18.1.1 M 198.18.3.1 --- 198.18.3.2 R 198.18.2.1 --- 198.18.2.2 B
#
#	marker_up; main_configs DRIVER

# shellcheck disable=SC2034 # for main_configs
marker_up() {
	command -v nft >/dev/null || skip "no nft; install nftables"
	net_begin
	ns_add A M R B
	line_any=0.0.0.0 line_ip=ip4
	addr_a=198.18.1.2 addr_ra=198.18.3.2 addr_rb=198.18.2.1 addr_b=198.18.2.2
	veth A a0 "$addr_a/24" M m0 198.18.1.1/24
	veth M m1 198.18.3.1/24 R r0 "$addr_ra/24"
	veth R r1 "$addr_rb/24" B b0 "$addr_b/24"
	ns A ip route add default via 198.18.1.1
	ns R ip route add 198.18.1.0/24 via 198.18.3.1
	ns M sysctl -q -w net.ipv4.ip_forward=1
	ns M nft add table ip marking 2>/dev/null || skip "the kernel has no nf_tables"
	ns M nft 'add chain ip marking forward { type filter hook forward priority 0; }'
}
