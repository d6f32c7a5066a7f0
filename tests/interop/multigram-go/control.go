// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"fmt"
	"net/netip"
)

// Control messages (switch/SPEC.md, 12): the fields of Control's oneof.
const (
	controlObserved  = 1
	controlReserve   = 2
	controlReserved  = 3
	controlQuery     = 4
	controlRoute     = 5
	controlChallenge = 6
	controlAnswer    = 7
	controlClose     = 8
)

type status uint64

const (
	statusOK       = 0
	statusRefused  = 1
	statusShutdown = 5
)

func (s status) String() string {
	names := []string{"OK", "REFUSED", "NOT_FOUND", "LIMIT", "BAD", "SHUTDOWN"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprint(uint64(s))
}

// control is the multigram of a control message.
func control(kind uint64, body message) []byte {
	return append([]byte{indexControl}, message{}.bytes(kind, body)...)
}

// readControl gives the kind of message and its fields; kind 0: none that is known.
func readControl(in []byte) (kind uint64, body fields, err error) {
	outer, err := readFields(in)
	if err != nil {
		return 0, body, err
	}
	for kind = controlObserved; kind <= controlClose; kind++ {
		if _, is := outer.bytes[kind]; is {
			body, err = readFields(outer.last(kind))
			return kind, body, err
		}
	}
	return 0, body, nil
}

// addressOf reads a binary multiaddr /ip4|ip6/…/udp/….
func addressOf(in []byte) (netip.AddrPort, error) {
	size := 0
	switch {
	case len(in) == 1+4+2+2 && in[0] == 0x04:
		size = 4
	case len(in) == 1+16+2+2 && in[0] == 0x29:
		size = 16
	default:
		return netip.AddrPort{}, errMalformed
	}
	ip, _ := netip.AddrFromSlice(in[1 : 1+size])
	udp := in[1+size:]
	if udp[0] != 0x91 || udp[1] != 0x02 {
		return netip.AddrPort{}, errMalformed
	}
	return netip.AddrPortFrom(ip, uint16(udp[2])<<8|uint16(udp[3])), nil
}

func multiaddr(at netip.AddrPort) []byte {
	code := byte(0x29)
	if at.Addr().Is4() {
		code = 0x04
	}
	out := append([]byte{code}, at.Addr().AsSlice()...)
	return append(out, 0x91, 0x02, byte(at.Port()>>8), byte(at.Port()))
}
