// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	out, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSipHashOfItsPaper(t *testing.T) {
	key := [16]byte(unhex(t, "000102030405060708090a0b0c0d0e0f"))
	if got := siphash(key, unhex(t, "000102030405060708090a0b0c0d0e")); got != 0xa129ca6149be45e5 {
		t.Fatalf("%#x", got)
	}
}

// switch/SPEC.md, 6.1.
func TestSwitchFrameOfTheExample(t *testing.T) {
	key := [16]byte(unhex(t, "000102030405060708090a0b0c0d0e0f"))
	want := unhex(t, "06 01020304 0000000000000001 000000000005a7e9 00 00 b8 00 4fb56ac226451d9a 68656c6c6f")
	got := switchFrame{label: 0x05a7e9, class: 0xb8, payload: []byte("hello")}.create(key, 0x01020304, 1)
	if !bytes.Equal(got, want) {
		t.Fatalf("%x", got)
	}
	if !tagVerifies(key, got) {
		t.Fatal("its own tag does not verify")
	}
	for i := 1; i < len(got); i++ {
		got[i] ^= 1
		if tagVerifies(key, got) {
			t.Fatalf("byte %d is not covered", i)
		}
		got[i] ^= 1
	}
}

func TestWindowTakesACounterOnceAndNoneTooOld(t *testing.T) {
	var w window
	for _, row := range []struct {
		counter uint64
		want    bool
	}{{0, false}, {1, true}, {1, false}, {600, true}, {89, true}, {88, false}, {599, true}, {599, false},
		{5000, true}, {4999, true}, {4489, true}, {4488, false}, {600, false}} {
		if got := w.isNew(row.counter); got != row.want {
			t.Fatalf("counter %d: %v", row.counter, got)
		}
		if row.want {
			w.mark(row.counter)
		}
	}
}
