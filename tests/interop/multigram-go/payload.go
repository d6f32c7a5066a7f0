// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"crypto/ed25519"
)

// A payload is what a Noise message carries (switch/SPEC.md, 3.2).
type payload struct {
	identityKey, identitySig []byte
	setup                    []byte
	width                    uint64
	ciphers                  []string
	boot                     uint64
	padding                  int
}

const (
	fieldViaduct = 1042
	signedPrefix = "noise-libp2p-static-key:"
)

func (p payload) create() []byte {
	extension := message{}
	if p.setup != nil {
		extension = extension.bytes(1, p.setup)
	}
	extension = extension.varint(2, p.width)
	for _, name := range p.ciphers {
		extension = extension.bytes(3, []byte(name))
	}
	if p.boot != 0 {
		extension = extension.fixed64(4, p.boot)
	}
	if p.padding > 0 {
		extension = extension.bytes(15, make([]byte, p.padding))
	}
	out := message{}
	if p.identityKey != nil {
		out = out.bytes(1, p.identityKey).bytes(2, p.identitySig)
	}
	return out.bytes(4, message{}.bytes(fieldViaduct, extension))
}

func readPayload(in []byte) (p payload, err error) {
	outer, err := readFields(in)
	if err != nil {
		return p, err
	}
	p.identityKey, p.identitySig = outer.last(1), outer.last(2)
	extensions, err := readFields(outer.last(4))
	if err != nil {
		return p, err
	}
	viaduct, err := readFields(extensions.last(fieldViaduct))
	if err != nil {
		return p, err
	}
	p.setup, p.width, p.boot = viaduct.last(1), viaduct.number[2], viaduct.number[4]
	for _, name := range viaduct.bytes[3] {
		p.ciphers = append(p.ciphers, string(name))
	}
	return p, nil
}

// proven is the peer whose identity signed the static key.
func (p payload) proven(static []byte) (peerID, error) {
	key, err := publicKey(p.identityKey)
	if err != nil {
		return "", err
	}
	if !ed25519.Verify(key, append([]byte(signedPrefix), static...), p.identitySig) {
		return "", errMalformed
	}
	return idOf(p.identityKey), nil
}
