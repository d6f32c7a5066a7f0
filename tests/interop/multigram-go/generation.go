// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// A path is where frames go: the neighbour's address for a link, the label for a session.
type path struct {
	address netip.AddrPort
	label   uint64
}

// A direction is the keys of one way, each key with its own counter, and where received its window.
type direction struct {
	tag                     [16]byte
	sealed                  cipher.AEAD
	tagCounter, sealCounter uint64
	tagWindow, sealWindow   window
}

// A generation is what one handshake made: keys, indices and a table (switch/SPEC.md, 3.5 and 4).
type generation struct {
	peer          peerID
	path          path
	initiator     bool
	confirmed     bool // a frame verified under the new keys, or we are the responder
	refused       bool
	cipher        string
	local, remote uint32
	table         table
	boot          uint64
	out, in       direction
	lastHeard     time.Time
	lastSent      time.Time
	frame3        []byte // ours, repeated until confirmed; theirs, answered again
	again         repetition
}

const (
	cipherChaCha = "ChaCha20-Poly1305"
	cipherAES    = "AES-256-GCM"
)

// derive makes the keys of 3.5. A link's sealed frames have the key `control`.
func (g *generation) derive(n *noise) error {
	first, second := n.split()
	if !g.initiator {
		first, second = second, first
	}
	for _, row := range []struct {
		k [32]byte
		d *direction
	}{{first, &g.out}, {second, &g.in}} {
		label := "control"
		if g.cipher != "" {
			label = "aead " + g.cipher
		}
		tagKey := hmacOf(row.k[:], []byte("tag"), n.h[:])
		copy(row.d.tag[:], tagKey[:16])
		key := hmacOf(row.k[:], []byte(label), n.h[:])
		var err error
		if row.d.sealed, err = newAEAD(g.cipher, key); err != nil {
			return err
		}
	}
	return nil
}

func newAEAD(name string, key [32]byte) (cipher.AEAD, error) {
	if name != cipherAES {
		return chacha20poly1305.New(key[:])
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (g *generation) seal(plaintext []byte, now time.Time) []byte {
	g.out.sealCounter++
	g.lastSent = now
	return seal(g.out.sealed, g.remote, g.out.sealCounter, plaintext)
}

// open takes a sealed frame: length, window, tag, mark (5).
func (g *generation) open(frame []byte, now time.Time) ([]byte, error) {
	counter := binary.BigEndian.Uint64(frame[5:])
	if !g.in.sealWindow.isNew(counter) {
		return nil, errMalformed
	}
	plaintext, err := open(g.in.sealed, frame)
	if err != nil {
		return nil, err
	}
	g.in.sealWindow.mark(counter)
	g.lastHeard = now
	return plaintext, nil
}

func (g *generation) switched(f switchFrame, now time.Time) []byte {
	g.out.tagCounter++
	g.lastSent = now
	return f.create(g.out.tag, g.remote, g.out.tagCounter)
}

// takeSwitched takes a switch frame: window, tag, mark (6.2).
func (g *generation) takeSwitched(frame []byte, now time.Time) bool {
	counter := binary.BigEndian.Uint64(frame[5:])
	if !g.in.tagWindow.isNew(counter) || !tagVerifies(g.in.tag, frame) {
		return false
	}
	g.in.tagWindow.mark(counter)
	g.lastHeard = now
	return true
}

// A repetition is when something unanswered is sent again.
type repetition struct {
	began, next time.Time
	pause, most time.Duration
}

func repeatFrom(now time.Time, pause, most time.Duration) repetition {
	return repetition{now, now.Add(pause), pause, most}
}

// due tells whether to send now, and if so waits twice as long for the next time.
func (r *repetition) due(now time.Time) bool {
	if now.Before(r.next) {
		return false
	}
	r.pause = min(2*r.pause, r.most)
	r.next = now.Add(r.pause)
	return true
}
