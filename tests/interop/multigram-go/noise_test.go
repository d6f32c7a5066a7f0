// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"crypto/ecdh"
	"testing"
)

func private(t *testing.T, text string) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.X25519().NewPrivateKey(unhex(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestBothSidesOfAHandshakeGetTheSameKeys(t *testing.T) {
	const a, b = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
		"4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"
	const c, d = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
		"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"
	left := newNoise("test", private(t, a), private(t, c))
	right := newNoise("test", private(t, b), private(t, d))
	one := left.create1([]byte("one"))
	got, err := right.consume1(one)
	if err != nil || string(got) != "one" {
		t.Fatal(got, err)
	}
	two, err := right.create2([]byte("two"))
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(two)
	forged[len(forged)-1] ^= 1
	tried := left
	if _, err := tried.consume2(forged); err == nil {
		t.Fatal("a forged message reads")
	}
	if got, err = left.consume2(two); err != nil || string(got) != "two" {
		t.Fatal(got, err)
	}
	three, err := left.create3([]byte("three"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err = right.consume3(three); err != nil || string(got) != "three" {
		t.Fatal(got, err)
	}
	l1, l2 := left.split()
	r1, r2 := right.split()
	if l1 != r1 || l2 != r2 || l1 == l2 || left.h != right.h {
		t.Fatal("the keys differ")
	}
}
