#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Somebody on the path harms a router and an edge, while a flow between two edges at half of its
# speed loses nothing, and each attack is counted under its own name.
#
#	A 198.18.1.2 -x- 198.18.1.1 R 198.18.2.1 -x- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
#
# x: listens to what goes from A to B, and sends what he makes of it after it, to R and to B.
# HARM_DRIVER (of R), HARM_IP: af_packet and 4, unless another script says so.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/harm_lib.sh"
net_needs
steady_needs steady harm
driver=${HARM_DRIVER:-af_packet}
net_begin
line "${HARM_IP:-4}"
main_configs "$driver"
sed -i 's/iface=r[01]/&,framecnt=8192/' "$net_dir/R.yaml" # room for what others do on this machine
steady_daemons
steady_begin

# Jumbo frames are to be had on the wires, for who sends them.
for end in 'A a0' 'R r0' 'R r1' 'B b0'; do
	# shellcheck disable=SC2086 # two words
	set -- $end
	ns "$1" ip link set "$2" mtu 4000
done

# both ATTACK: at R and at B at once; what is expected goes to expect.R and expect.B.
both() {
	# shellcheck disable=SC2154 # ns_add sets them
	"$net_build/tests/netns/harm" "$ns_A" a0 out "$ns_A" a0 "$1" >"$net_dir/expect.R" &
	both_router=$!
	# shellcheck disable=SC2154
	"$net_build/tests/netns/harm" "$ns_B" b0 in "$ns_R" r1 "$1" >"$net_dir/expect.B" || return 1
	wait "$both_router"
}

# What an expectation is called by node $1, or nothing when its kernel or port takes it as good.
name_of() {
	if [ "$1" = R ] && [ "$driver" != udp ]; then
		case $2 in
		oversized) echo bad_header ;; # the ring cuts it, so it is shorter than it says
		udp_checksum) echo replayed ;; # not looked at: the tag and the seal are sums enough
		fragment) [ "$line_bits" = 24 ] || echo fragment ;; # packet sockets put those of IPv4 together
		reassembled) [ "$line_bits" = 64 ] || echo replayed ;;
		*) echo "$2" ;;
		esac
		return
	fi
	case $2 in # the kernel has judged the headers, and put the fragments together
	oversized) echo too_big ;;
	bad_header | bad_checksum | udp_checksum) echo kernel ;;
	fragment) ;;
	reassembled) echo fragment ;;
	*) echo "$2" ;;
	esac
}

attack() {
	for attack_node in R B; do
		counts "$attack_node" >"$net_dir/before.$attack_node"
	done
	unharmed "$1" both "$1"
	for attack_node in R B; do
		counts "$attack_node" >"$net_dir/after.$attack_node"
		while read -r attack_what attack_number; do
			attack_name=$(name_of "$attack_node" "$attack_what")
			[ -z "$attack_name" ] || must_count "$net_dir/before.$attack_node" \
				"$net_dir/after.$attack_node" "$attack_node" "$attack_name" "$attack_number"
		done <"$net_dir/expect.$attack_node"
	done
}

attack truncated
attack oversized
attack version
attack unknown
attack replayed
attack flipped
attack fragments
attack checksums
attack lost

for node in A R B; do
	logged "$node" 'error' && fail "$node has logged an error"
done
links_up R 2 || fail "a link went down"
pinged A "$main_overlay" || fail "B does not answer any more"
