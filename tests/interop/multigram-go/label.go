// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import "math/bits"

// Labels are source routes (switch/SPEC.md, 7).

const labelBits = 60

// delivered tells whether a frame is for the node that it is at.
func delivered(label uint64, used uint8) bool {
	return used <= labelBits && label<<used == 0
}

// step is what one switch of the given width does: by which director the frame leaves, and the label then.
func step(label uint64, width uint8, in uint32) (out uint32, next uint64) {
	out = uint32(label & (1<<width - 1))
	return out, label>>width | bits.Reverse64(uint64(in))
}

// wayBack is the label of answers to a frame that was delivered with this label.
func wayBack(label uint64, used uint8) uint64 {
	return bits.Reverse64(label) & (1<<used - 1)
}

// splice joins two routes over a switch that ends the first one.
func splice(first uint64, length uint8, director uint32, width uint8, second uint64) uint64 {
	return first | uint64(director)<<length | second<<(length+width)
}
