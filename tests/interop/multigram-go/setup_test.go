// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"testing"
)

// The examples of multigram/SPEC.md, 4.
func TestOperationsOfTheExamples(t *testing.T) {
	id := unhex(t, "0001020304050607")
	ping := map[uint64]string{16: namePing}
	for _, row := range []struct {
		op   operation
		want string
	}{
		{operation{kind: "id", id: id, entries: ping},
			"51 a2 62 6964 48 0001020304050607 64 30783130 6f 2f766961647563742f70696e672f31"},
		{operation{kind: "re", id: id, entries: ping},
			"51 a2 62 7265 48 0001020304050607 64 30783130 6f 2f766961647563742f70696e672f31"},
		{operation{kind: "re", id: id}, "51 a1 62 7265 48 0001020304050607"},
		{operation{kind: "id", id: id}, "51 a1 62 6964 48 0001020304050607"},
		{operation{kind: "err", index: 99}, "51 a1 63 657272 18 63"},
	} {
		want := unhex(t, row.want)
		if got := row.op.create(); !bytes.Equal(got, want) {
			t.Fatalf("%x, not %x", got, want)
		}
		read, rest, err := readOperation(append(want, 8))
		if err != nil || read.kind != row.op.kind || read.index != row.op.index || len(rest) != 1 {
			t.Fatal(row.want, read, rest, err)
		}
		if !bytes.Equal(read.create(), want) {
			t.Fatal("not the same again")
		}
		for cut := range want {
			if _, _, err := readOperation(want[:cut]); err == nil {
				t.Fatalf("%x reads", want[:cut])
			}
		}
	}
}

func TestMalformedOperationsAreRefused(t *testing.T) {
	for _, text := range []string{
		"51 a0",                                                   // none of id, re, err
		"51 bf 62 6964 48 0001020304050607 ff",                    // indefinite
		"51 a1 62 6964 58 08 0001020304050607",                    // long head
		"51 a1 62 6964 47 00010203040506",                         // id of 7
		"51 a2 62 6964 48 0001020304050607 63 307831 61 2f",       // odd digits
		"51 a2 62 6964 48 0001020304050607 64 30783041 61 2f",     // capital
		"51 a2 64 30783130 61 2f 62 6964 48 0001020304050607",     // descending
		"51 a2 62 6964 48 0001020304050607 64 30783130 61 61",     // no name
		"51 a2 62 6964 48 0001020304050607 66 307830303130 61 2f", // zero byte
		"0200 7b7d", // JSON
	} {
		if _, _, err := readOperation(unhex(t, text)); err == nil {
			t.Fatal(text)
		}
	}
}

func TestOnlyTheirParityAndSupportedNamesAreGranted(t *testing.T) {
	offer := operation{kind: "id", id: make([]byte, 8), entries: map[uint64]string{
		8: namePing, 16: namePing, 17: namePing, 18: "/viaduct/ip6/1",
	}}
	have := table{}
	answer := have.grant(offer, true, []string{namePing})
	if len(answer.entries) != 1 || answer.entries[16] != namePing || len(have) != 1 {
		t.Fatal(answer, have)
	}
	if again := have.grant(offer, true, []string{namePing}); len(again.entries) != 1 {
		t.Fatal("a repeated offer gets another answer")
	}
	if err := (table{}).take(operation{id: offer.id}, answer); err == nil {
		t.Fatal("an answer may grant what was not offered")
	}
}
