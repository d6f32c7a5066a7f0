// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// Noise_XX_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34). A noise is a value: a copy is
// a handshake that can be tried, and thrown away when a message fails.

type noise struct {
	ck, h, k [32]byte
	keyed    bool
	n        uint64
	s, e     *ecdh.PrivateKey
	rs, re   *ecdh.PublicKey
}

func newNoise(prologue string, static, ephemeral *ecdh.PrivateKey) noise {
	n := noise{s: static, e: ephemeral}
	copy(n.h[:], "Noise_XX_25519_ChaChaPoly_SHA256") // 32 bytes, so it is its own hash
	n.ck = n.h
	n.mixHash([]byte(prologue))
	return n
}

func hmacOf(key []byte, parts ...[]byte) [32]byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return [32]byte(mac.Sum(nil))
}

func (n *noise) mixHash(data []byte) {
	n.h = sha256.Sum256(append(n.h[:], data...))
}

func hkdf(ck [32]byte, input []byte) (first, second [32]byte) {
	temporary := hmacOf(ck[:], input)
	first = hmacOf(temporary[:], []byte{1})
	second = hmacOf(temporary[:], first[:], []byte{2})
	return
}

func (n *noise) mixKey(private *ecdh.PrivateKey, public *ecdh.PublicKey) error {
	shared, err := private.ECDH(public) // an error for the all-zero output
	if err != nil {
		return err
	}
	n.ck, n.k = hkdf(n.ck, shared)
	n.n, n.keyed = 0, true
	return nil
}

func (n *noise) nonce() []byte {
	out := binary.LittleEndian.AppendUint64(make([]byte, 4), n.n)
	n.n++
	return out
}

func (n *noise) encrypt(out, plaintext []byte) []byte {
	cipher := plaintext
	if n.keyed {
		aead, _ := chacha20poly1305.New(n.k[:])
		cipher = aead.Seal(nil, n.nonce(), plaintext, n.h[:])
	}
	n.mixHash(cipher)
	return append(out, cipher...)
}

func (n *noise) decrypt(cipher []byte) (plaintext []byte, err error) {
	plaintext = cipher
	if n.keyed {
		aead, _ := chacha20poly1305.New(n.k[:])
		if plaintext, err = aead.Open(nil, n.nonce(), cipher, n.h[:]); err != nil {
			return nil, err
		}
	}
	n.mixHash(cipher)
	return plaintext, nil
}

// remote takes a public key, sealed when it is a static one, off a message.
func (n *noise) remote(in []byte, bytes int) (key *ecdh.PublicKey, rest []byte, err error) {
	if len(in) < bytes {
		return nil, nil, errMalformed
	}
	clear := in[:bytes]
	if bytes > 32 {
		if clear, err = n.decrypt(in[:bytes]); err != nil {
			return nil, nil, err
		}
	} else {
		n.mixHash(clear)
	}
	key, err = ecdh.X25519().NewPublicKey(clear)
	return key, in[bytes:], err
}

func (n *noise) create1(payload []byte) []byte {
	out := n.e.PublicKey().Bytes()
	n.mixHash(out)
	return n.encrypt(out, payload)
}

func (n *noise) consume1(in []byte) (payload []byte, err error) {
	if n.re, in, err = n.remote(in, 32); err != nil {
		return nil, err
	}
	return n.decrypt(in)
}

func (n *noise) create2(payload []byte) ([]byte, error) {
	out := n.e.PublicKey().Bytes()
	n.mixHash(out)
	if err := n.mixKey(n.e, n.re); err != nil {
		return nil, err
	}
	out = n.encrypt(out, n.s.PublicKey().Bytes())
	if err := n.mixKey(n.s, n.re); err != nil {
		return nil, err
	}
	return n.encrypt(out, payload), nil
}

func (n *noise) consume2(in []byte) (payload []byte, err error) {
	if n.re, in, err = n.remote(in, 32); err != nil {
		return nil, err
	}
	if err = n.mixKey(n.e, n.re); err != nil {
		return nil, err
	}
	if n.rs, in, err = n.remote(in, 48); err != nil {
		return nil, err
	}
	if err = n.mixKey(n.e, n.rs); err != nil {
		return nil, err
	}
	return n.decrypt(in)
}

func (n *noise) create3(payload []byte) ([]byte, error) {
	out := n.encrypt(nil, n.s.PublicKey().Bytes())
	if err := n.mixKey(n.s, n.re); err != nil {
		return nil, err
	}
	return n.encrypt(out, payload), nil
}

func (n *noise) consume3(in []byte) (payload []byte, err error) {
	if n.rs, in, err = n.remote(in, 48); err != nil {
		return nil, err
	}
	if err = n.mixKey(n.e, n.rs); err != nil {
		return nil, err
	}
	return n.decrypt(in)
}

// split gives the initiator's sending key first.
func (n *noise) split() (first, second [32]byte) {
	return hkdf(n.ck, nil)
}
