// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"math/big"
	"os"
)

// Identities are libp2p's (specs/peer-ids): Ed25519 keys in a protobuf, and peer ids that hold the key.

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// A peerID is the binary peer id: the identity multihash of the public key's protobuf.
type peerID string

type identity struct {
	private ed25519.PrivateKey
	public  []byte // protobuf
	id      peerID
}

func newIdentity(private ed25519.PrivateKey) identity {
	public := message{}.varint(1, 1).bytes(2, private.Public().(ed25519.PublicKey))
	return identity{private, public, idOf(public)}
}

func idOf(public []byte) peerID {
	return peerID(append([]byte{0x00, byte(len(public))}, public...))
}

// readIdentity reads a private key: type Ed25519, data private ‖ public.
func readIdentity(file string) (identity, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return identity{}, err
	}
	got, err := readFields(data)
	key := got.last(2)
	if err != nil || got.number[1] != 1 || len(key) != ed25519.PrivateKeySize {
		return identity{}, errors.New(file + ": not a libp2p Ed25519 private key")
	}
	private := ed25519.NewKeyFromSeed(key[:32])
	if !bytes.Equal(private, key) {
		return identity{}, errors.New(file + ": the public key is another one's")
	}
	return newIdentity(private), nil
}

// publicKey reads the protobuf of an Ed25519 public key.
func publicKey(public []byte) (ed25519.PublicKey, error) {
	got, err := readFields(public)
	if err != nil || got.number[1] != 1 || len(got.last(2)) != ed25519.PublicKeySize {
		return nil, errMalformed
	}
	return got.last(2), nil
}

func (id peerID) String() string {
	number, out := new(big.Int).SetBytes([]byte(id)), []byte{}
	digit, base := new(big.Int), big.NewInt(58)
	for number.Sign() > 0 {
		number.DivMod(number, base, digit)
		out = append([]byte{alphabet[digit.Int64()]}, out...)
	}
	for i := 0; i < len(id) && id[i] == 0; i++ {
		out = append([]byte{'1'}, out...)
	}
	return string(out)
}

func parsePeerID(text string) (peerID, error) {
	number := new(big.Int)
	for _, c := range text {
		digit := bytes.IndexRune([]byte(alphabet), c)
		if digit < 0 {
			return "", errors.New(text + ": not a peer id")
		}
		number.Add(number.Mul(number, big.NewInt(58)), big.NewInt(int64(digit)))
	}
	zeros := 0
	for zeros < len(text) && text[zeros] == '1' {
		zeros++
	}
	id := append(make([]byte, zeros), number.Bytes()...)
	if len(id) != 38 || id[0] != 0 || id[1] != 36 {
		return "", errors.New(text + ": not the peer id of an Ed25519 key")
	}
	return peerID(id), nil
}

func hashOf(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// overlayOf is the peer's overlay address (switch/SPEC.md, 11).
func overlayOf(id peerID) []byte {
	return append([]byte{0xfd, 0x76}, hashOf([]byte(id))[:14]...)
}
