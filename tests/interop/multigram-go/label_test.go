// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import "testing"

// The example of switch/SPEC.md, 7: widths 4, 8, 12.
var hops = []struct {
	width   uint8
	in, out uint32
	after   uint64
}{
	{4, 0x3, 0x9, 0xc000_0000_0000_5a7e},
	{8, 0x51, 0x7e, 0x8ac0_0000_0000_005a},
	{12, 0xc04, 0x05a, 0x2038_ac00_0000_0000},
}

func TestRouteOverThreeSwitchesAndItsWayBack(t *testing.T) {
	label, used := uint64(0x05a7e9), uint8(0)
	for _, hop := range hops {
		if delivered(label, used) {
			t.Fatalf("delivered early, at used %d", used)
		}
		var out uint32
		if out, label = step(label, hop.width, hop.in); out != hop.out || label != hop.after {
			t.Fatalf("left by %#x with label %#x", out, label)
		}
		used += hop.width
	}
	if !delivered(label, used) || wayBack(label, used) != 0x351c04 {
		t.Fatalf("way back %#x", wayBack(label, used))
	}

	label, used = wayBack(label, used), 0
	for i := len(hops) - 1; i >= 0; i-- {
		var out uint32
		if out, label = step(label, hops[i].width, hops[i].out); out != hops[i].in {
			t.Fatalf("back by %#x", out)
		}
		used += hops[i].width
	}
	if !delivered(label, used) || wayBack(label, used) != 0x05a7e9 {
		t.Fatal("the way back of the way back is not the route")
	}
}

func TestSpliceOfTheExample(t *testing.T) {
	if got := splice(0x9, 4, 0x7e, 8, 0x05a); got != 0x05a7e9 {
		t.Fatalf("%#x", got)
	}
}

func TestUsedAboveSixtyIsNotDelivered(t *testing.T) {
	if delivered(0, 61) || !delivered(0, 60) || !delivered(0, 0) {
		t.Fatal("the limit of used")
	}
}
