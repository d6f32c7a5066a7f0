// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// Fixed multigram indices (switch/SPEC.md, 2).
const (
	indexSetup     = 0
	indexHandshake = 4
	indexSealed    = 5
	indexSwitch    = 6
	indexReport    = 7
	indexControl   = 8
)

const (
	switchBytes = 33 // index and header (6.1)
	sealedBytes = 13 // index, receiver index, counter (5)
	flagError   = 0x80
)

// A switchFrame is 6.1 without its counter and tag, which belong to the link.
type switchFrame struct {
	label   uint64
	flags   uint8
	used    uint8
	class   uint8
	payload []byte
}

// tag is over 43 bytes (6.1): header without index and tag, start and length of the payload, the index.
func tag(key [16]byte, frame []byte) [8]byte {
	var data [43]byte
	payload := frame[switchBytes:]
	copy(data[:24], frame[1:25])
	copy(data[24:40], payload)
	binary.BigEndian.PutUint16(data[40:42], uint16(len(payload)))
	data[42] = indexSwitch
	return [8]byte(binary.LittleEndian.AppendUint64(nil, siphash(key, data[:])))
}

func (f switchFrame) create(key [16]byte, receiver uint32, counter uint64) []byte {
	out := []byte{indexSwitch}
	out = binary.BigEndian.AppendUint32(out, receiver)
	out = binary.BigEndian.AppendUint64(out, counter)
	out = binary.BigEndian.AppendUint64(out, f.label)
	out = append(out, f.flags, f.used, f.class, 0)
	out = append(out, make([]byte, 8)...)
	out = append(out, f.payload...)
	sum := tag(key, out)
	copy(out[25:], sum[:])
	return out
}

func tagVerifies(key [16]byte, frame []byte) bool {
	sum := tag(key, frame)
	return subtle.ConstantTimeCompare(sum[:], frame[25:33]) == 1
}

// readSwitch reads a frame of at least switchBytes.
func readSwitch(frame []byte) switchFrame {
	return switchFrame{
		label:   binary.BigEndian.Uint64(frame[13:]),
		flags:   frame[21],
		used:    frame[22],
		class:   frame[23],
		payload: frame[switchBytes:],
	}
}

func nonce(counter uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4), counter)
}

// seal makes a sealed frame (5).
func seal(aead cipher.AEAD, receiver uint32, counter uint64, plaintext []byte) []byte {
	out := []byte{indexSealed}
	out = binary.BigEndian.AppendUint32(out, receiver)
	out = binary.BigEndian.AppendUint64(out, counter)
	return aead.Seal(out, nonce(counter), plaintext, out[:sealedBytes])
}

func open(aead cipher.AEAD, frame []byte) ([]byte, error) {
	counter := binary.BigEndian.Uint64(frame[5:])
	return aead.Open(nil, nonce(counter), frame[sealedBytes:], frame[:sealedBytes])
}

// A window accepts each counter once, and none that is 512 or more behind (6.2).
type window struct {
	top  uint64
	seen [512 / 64]uint64
}

func (w *window) isNew(counter uint64) bool {
	if counter == 0 || counter+512 <= w.top {
		return false
	}
	return counter > w.top || w.seen[counter%512/64]>>(counter%64)&1 == 0
}

func (w *window) mark(counter uint64) {
	for w.top < counter {
		if counter-w.top > 512 {
			w.top, w.seen = counter-512, [8]uint64{}
		}
		w.top++
		w.seen[w.top%512/64] &^= 1 << (w.top % 64)
	}
	w.seen[counter%512/64] |= 1 << (counter % 64)
}
