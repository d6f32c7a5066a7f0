// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The Ed25519 example of libp2p's specs/peer-ids.
const specKey = "08011240" +
	"7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d" +
	"1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"

func TestPrivateKeyOfTheLibp2pSpecification(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, unhex(t, specKey), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := readIdentity(file)
	if err != nil {
		t.Fatal(err)
	}
	text := self.id.String()
	if text[:8] != "12D3KooW" {
		t.Fatal(text)
	}
	if again, err := parsePeerID(text); err != nil || again != self.id {
		t.Fatal(again, err)
	}
}

func TestTextThatIsNoPeerIDIsRefused(t *testing.T) {
	for _, text := range []string{"", "1", "12D3KooW0", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"} {
		if _, err := parsePeerID(text); err == nil {
			t.Fatal(text)
		}
	}
}
