// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The known answers beside the specifications.

type hexBytes []byte

func (b *hexBytes) UnmarshalJSON(in []byte) (err error) {
	*b, err = hex.DecodeString(strings.Trim(string(in), `"`))
	return err
}

type hexWord uint64

func (w *hexWord) UnmarshalJSON(in []byte) error {
	value, err := strconv.ParseUint(strings.Trim(string(in), `"`), 16, 64)
	*w = hexWord(value)
	return err
}

type sideVector struct {
	Peer            string
	IdentitySecret  hexBytes `json:"identity_secret"`
	StaticSecret    hexBytes `json:"static_secret"`
	EphemeralSecret hexBytes `json:"ephemeral_secret"`
	Boot, Width     uint64
	Index           uint32
}

type stepVector struct {
	Width           uint8
	Ingress, Egress uint32
	Label           hexWord
	Used            uint8
}

type vector struct {
	Name       string
	Operation  hexBytes
	Refused    bool
	Negotiated map[uint64]string
	Exchange   []struct {
		From      string
		AtMs      int `json:"at_ms"`
		Multigram hexBytes
		Lost      bool
	}
	Key, Frame, Plaintext, Payload, Datagram hexBytes
	Cipher, Prologue, Peer                   string
	Binary, Address                          hexBytes
	Sent, WayBack, WayBackAgain              hexWord
	Bits                                     uint8
	Steps, StepsBack                         []stepVector
	Cookie                                   hexBytes
	RetryLast16                              hexBytes `json:"retry_last_16_bytes"`
	Initiator, Responder                     sideVector
	Messages                                 []hexBytes
	Keys                                     map[string]hexBytes
	Sealed                                   struct{ Plaintext, Frame hexBytes }
}

func vectorsOf(t *testing.T, folder string) map[string]vector {
	t.Helper()
	text, err := os.ReadFile("../../../" + folder + "/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	// names with underscores that the decoder does not fold
	for _, name := range []string{"way_back_again", "way_back", "steps_back"} {
		text = bytes.ReplaceAll(text, []byte(`"`+name+`"`), []byte(`"`+strings.ReplaceAll(name, "_", "")+`"`))
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string]vector{}
	for _, v := range file.Vectors {
		out[v.Name] = v
	}
	return out
}

func TestOperationsOfTheVectors(t *testing.T) {
	seen := 0
	for name, v := range vectorsOf(t, "multigram") {
		if v.Operation == nil || strings.HasPrefix(name, "json-") || strings.HasPrefix(name, "protobuf-") {
			continue
		}
		seen++
		op, rest, err := readOperation(v.Operation)
		if v.Refused != (err != nil) {
			t.Fatal(name, err)
		}
		if err == nil && (len(rest) != 0 || !bytes.Equal(op.create(), v.Operation)) {
			t.Fatal(name, "is not the same again")
		}
	}
	if seen < 11 {
		t.Fatal("only", seen)
	}
}

// Each answer to an offer is what this edge would answer with the other side's table.
func TestExchangesOfTheVectors(t *testing.T) {
	seen := 0
	for name, v := range vectorsOf(t, "multigram") {
		if v.Exchange == nil {
			continue
		}
		seen++
		bare := strings.Contains(name, "bare")
		tables := map[string]table{}
		expected := map[string][]byte{}
		for _, packet := range v.Exchange {
			if tables[packet.From] == nil {
				tables[packet.From] = table{}
			}
			if packet.Multigram[0] != indexSetup {
				t.Fatal(name, "does not begin with index 0")
			}
			op, rest, err := readOperation(packet.Multigram[1:])
			if err != nil || len(rest) != 0 || !bytes.Equal(op.create(), packet.Multigram[1:]) {
				t.Fatal(name, err)
			}
			if want := expected[packet.From]; op.kind == "re" && !bare && !bytes.Equal(want, packet.Multigram[1:]) {
				t.Fatalf("%s: %x, not %x", name, packet.Multigram[1:], want)
			}
			if packet.Lost || bare {
				continue
			}
			other := map[string]string{"initiator": "responder", "responder": "initiator"}[packet.From]
			if tables[other] == nil {
				tables[other] = table{}
			}
			switch op.kind {
			case "id":
				proposed := op
				if _, mine := tables[packet.From][16]; mine && name == "exchange-error" {
					proposed.entries = map[uint64]string{} // its own parity is the other side's
					answer := operation{kind: "re", id: op.id, entries: op.entries}
					expected[other] = answer.create()
					for index, granted := range op.entries {
						tables[other][index] = granted
					}
					continue
				}
				answer := tables[other].grant(proposed, packet.From == "initiator", []string{namePing, "/viaduct/ip6/1"})
				expected[other] = answer.create()
			case "re":
				for index, granted := range op.entries {
					if index >= 16 {
						tables[other][index] = granted
					}
				}
			}
		}
		if bare {
			checkBare(t, v)
			continue
		}
		for side, have := range tables {
			if len(have) != len(v.Negotiated) {
				t.Fatal(name, side, have)
			}
			for index, want := range v.Negotiated {
				if have[index] != want {
					t.Fatal(name, side, have)
				}
			}
		}
	}
	if seen < 4 {
		t.Fatal("only", seen)
	}
}

// Of two proposals for one index that of the smaller id stands.
func checkBare(t *testing.T, v vector) {
	a, _, _ := readOperation(v.Exchange[0].Multigram[1:])
	b, _, _ := readOperation(v.Exchange[1].Multigram[1:])
	if v.Exchange[0].From == v.Exchange[1].From || a.entries[16] == b.entries[16] {
		t.Fatal("no conflict")
	}
	stands, yields := a, b
	if bytes.Compare(b.id, a.id) < 0 {
		stands, yields = b, a
	}
	if v.Negotiated[16] != stands.entries[16] || v.Negotiated[17] != yields.entries[16] {
		t.Fatal("the larger id stands", v.Negotiated)
	}
}

func walk(t *testing.T, label uint64, steps []stepVector) (uint64, uint8) {
	used := uint8(0)
	for _, s := range steps {
		if delivered(label, used) {
			t.Fatal("delivered too soon")
		}
		out, next := step(label, s.Width, s.Ingress)
		used += s.Width
		if label = next; out != s.Egress || next != uint64(s.Label) || used != s.Used {
			t.Fatalf("%#x by %#x, used %d", next, out, used)
		}
	}
	if !delivered(label, used) {
		t.Fatal("not delivered")
	}
	return label, used
}

func TestLabelOfTheVectors(t *testing.T) {
	v := vectorsOf(t, "switch")["label"]
	label, used := walk(t, uint64(v.Sent), v.Steps)
	if used != v.Bits || wayBack(label, used) != uint64(v.WayBack) {
		t.Fatalf("%#x", wayBack(label, used))
	}
	label, used = walk(t, uint64(v.WayBack), v.StepsBack)
	if wayBack(label, used) != uint64(v.WayBackAgain) || v.WayBackAgain != v.Sent {
		t.Fatalf("%#x", wayBack(label, used))
	}
}

func TestTagsAndReportsOfTheVectors(t *testing.T) {
	seen := 0
	for name, v := range vectorsOf(t, "switch") {
		if !strings.HasPrefix(name, "tag-") && !strings.HasPrefix(name, "report-") || v.Frame == nil {
			continue
		}
		seen++
		key := [16]byte(v.Key)
		if !tagVerifies(key, v.Frame) {
			t.Fatal(name)
		}
		if again := readSwitch(v.Frame).create(key, 0x01020304, 1); !bytes.Equal(again, v.Frame) {
			t.Fatalf("%s: %x", name, again)
		}
		if f := readSwitch(v.Frame); strings.HasPrefix(name, "report-") &&
			(f.flags != flagError || f.used != 0 || len(f.payload) != 16 || f.payload[0] != indexReport) {
			t.Fatal(name)
		}
	}
	if seen < 7 {
		t.Fatal("only", seen)
	}
	if lost := vectorsOf(t, "switch")["report-lost"].Datagram; !bytes.Equal(lost, unhex(t, "0700 01020304 0000000000000009")) {
		t.Fatalf("%x", lost)
	}
}

func TestSealedFramesOfTheVectors(t *testing.T) {
	all := vectorsOf(t, "switch")
	for _, name := range []string{"sealed-chacha20", "sealed-aes"} {
		v := all[name]
		aead, err := newAEAD(v.Cipher, [32]byte(v.Key))
		if err != nil {
			t.Fatal(err)
		}
		if got := seal(aead, 0x01020304, 1, v.Plaintext); !bytes.Equal(got, v.Frame) {
			t.Fatalf("%s: %x", name, got)
		}
		if got, err := open(aead, v.Frame); err != nil || !bytes.Equal(got, v.Plaintext) {
			t.Fatal(name, err)
		}
	}
}

func TestControlMessagesOfTheVectors(t *testing.T) {
	all := vectorsOf(t, "switch")
	peer := []byte(all["overlay-address"].Binary)
	address := []byte(all["overlay-address"].Address)
	challenge := unhex(t, "0102030405060708")
	for name, want := range map[string][]byte{
		"control-observed":        control(controlObserved, message{}.bytes(1, unhex(t, "04c612010291020fa1"))),
		"control-reserve":         control(controlReserve, message{}.varint(1, 7).varint(2, 600).varint(3, 6)),
		"control-reserved":        control(controlReserved, message{}.varint(1, 7).varint(3, 600).varint(4, 2)),
		"control-query":           control(controlQuery, message{}.varint(1, 8).bytes(2, peer)),
		"control-query-overlay":   control(controlQuery, message{}.varint(1, 9).bytes(3, address)),
		"control-route-not-found": control(controlRoute, message{}.varint(1, 9).varint(2, 2)),
		"control-challenge":       control(controlChallenge, message{}.bytes(1, challenge)),
		"control-answer":          control(controlAnswer, message{}.bytes(1, challenge)),
		"control-draining":        append([]byte{indexControl}, message{}.bytes(9, nil)...),
		"control-draining-ended":  append([]byte{indexControl}, message{}.bytes(9, message{}.varint(1, 1))...),
		"control-draining-left":   append([]byte{indexControl}, message{}.bytes(9, message{}.varint(2, 1))...),
		"control-close":           control(controlClose, message{}.varint(1, statusShutdown).bytes(2, []byte("going down"))),
	} {
		if got := []byte(all[name].Plaintext); !bytes.Equal(got, want) {
			t.Fatalf("%s: %x, not %x", name, got, want)
		}
	}
	kind, route, err := readControl(all["control-route"].Plaintext[1:])
	if err != nil || kind != controlRoute || route.number[1] != 8 || route.number[4] != 0xbeef || route.number[5] != 16 ||
		route.number[6] != 1439 || !bytes.Equal(route.last(3), peer) {
		t.Fatal(kind, route, err)
	}
	if got := overlayOf(peerID(peer)); !bytes.Equal(got, address) || peerID(peer).String() != all["overlay-address"].Peer {
		t.Fatalf("%x", got)
	}
}

func TestPingsOfTheVectors(t *testing.T) {
	all := vectorsOf(t, "switch")
	request, reply := all["ping-request"].Payload, all["ping-reply"].Payload
	if len(request) != 20 || request[0] != 0 || reply[0] != 1 || !bytes.Equal(request[1:9], reply[1:9]) ||
		len(reply) != 11 || binary.BigEndian.Uint16(reply[9:]) != 20 {
		t.Fatal(request, reply)
	}
}

func privateOf(t *testing.T, secret []byte) *ecdh.PrivateKey {
	t.Helper()
	return private(t, hex.EncodeToString(secret))
}

// The handshake is made anew from the secrets, byte for byte, and its frames open.
func checkHandshake(t *testing.T, v vector, cipher string) {
	left := newNoise(v.Prologue, privateOf(t, v.Initiator.StaticSecret), privateOf(t, v.Initiator.EphemeralSecret))
	right := newNoise(v.Prologue, privateOf(t, v.Responder.StaticSecret), privateOf(t, v.Responder.EphemeralSecret))
	first := v.Messages[0][handshakeHead : len(v.Messages[0])-cookieBytes]
	one, err := right.consume1(first)
	if err != nil || !bytes.Equal(left.create1(one), first) {
		t.Fatal("message 1", err)
	}
	check := left
	payload2, err := check.consume2(v.Messages[1][handshakeHead:])
	if err != nil {
		t.Fatal("message 2", err)
	}
	if two, err := right.create2(payload2); err != nil || !bytes.Equal(two, v.Messages[1][handshakeHead:]) {
		t.Fatal("message 2 is another", err)
	}
	left = check
	check = right
	payload3, err := check.consume3(v.Messages[2][handshakeHead:])
	if err != nil {
		t.Fatal("message 3", err)
	}
	if three, err := left.create3(payload3); err != nil || !bytes.Equal(three, v.Messages[2][handshakeHead:]) {
		t.Fatal("message 3 is another", err)
	}
	for _, row := range []struct {
		text []byte
		side sideVector
	}{{payload2, v.Responder}, {payload3, v.Initiator}} {
		p, err := readPayload(row.text)
		id := newIdentity(ed25519.PrivateKey(row.side.IdentitySecret))
		if err != nil || p.boot != row.side.Boot || id.id.String() != row.side.Peer {
			t.Fatal(p, err)
		}
	}
	for i, want := range [][2]uint32{{v.Initiator.Index, 0}, {v.Responder.Index, v.Initiator.Index},
		{v.Initiator.Index, v.Responder.Index}} {
		if m := v.Messages[i]; binary.BigEndian.Uint32(m[2:]) != want[0] || binary.BigEndian.Uint32(m[6:]) != want[1] {
			t.Fatalf("indices of message %d", i+1)
		}
	}
	g := generation{cipher: cipher, initiator: true, remote: v.Responder.Index}
	if err := g.derive(&left); err != nil {
		t.Fatal(err)
	}
	first1, second1 := left.split()
	for key, want := range v.Keys {
		label, side, _ := strings.Cut(key, "_")
		if label == "aead" {
			label = "aead " + cipher
		}
		k := first1
		if side == "responder" {
			k = second1
		}
		if got := hmacOf(k[:], []byte(label), left.h[:]); !bytes.Equal(got[:len(want)], want) {
			t.Fatalf("%s: %x", key, got)
		}
	}
	if len(v.Keys) < 2 {
		t.Fatal("too few keys")
	}
	if got, err := open(g.in.sealed, v.Sealed.Frame); err != nil || !bytes.Equal(got, v.Sealed.Plaintext) {
		t.Fatal("the responder's sealed frame", err)
	}
}

func TestHandshakesOfTheVectors(t *testing.T) {
	all := vectorsOf(t, "switch")
	checkHandshake(t, all["link"], "")
	checkHandshake(t, all["session"], cipherChaCha)
	cookie, first := all["cookie"], all["link"].Messages[0]
	e := first[handshakeHead : handshakeHead+32]
	if !bytes.Equal(cookie.Cookie[6:10], first[2:6]) || !bytes.Equal(cookie.Cookie[10:18], hashOf(e)[:8]) ||
		!bytes.Equal(cookie.Cookie[18:], cookie.RetryLast16) {
		t.Fatal("cookie")
	}
}
