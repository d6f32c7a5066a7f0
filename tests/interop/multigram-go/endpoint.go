// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// An endpoint makes generations by handshakes (switch/SPEC.md, 3), as initiator and as responder.
// Links and sessions have one each: prologue, ciphers and what carries the frames differ.
type endpoint struct {
	prologue string
	ciphers  []string // sessions
	offered  []string // names, of those supported
	self     identity
	boot     uint64
	static   *ecdh.PrivateKey

	attempts    []*attempt
	halves      []*half
	generations []*generation // the newest first

	cross    crossing
	allowed  func(peerID) bool
	transmit func(path, []byte)
	event    func(format string, values ...any)
	up       func(*generation)
	received func(*generation, []byte) // one multigram of a sealed frame
	greeting func(*generation) []byte  // what answers message 3
}

// An attempt is a handshake of ours that message 2 has not come for.
type attempt struct {
	peer   peerID
	path   path
	local  uint32
	noise  noise
	offer  operation
	frame  []byte // without its cookie
	again  repetition
	tried  int  // messages 2
	waits  bool // theirs has the smaller e: theirs goes first
	cookie bool // message 1 was sent again with a cookie since it was last sent
}

// A crossing makes two handshakes cross, for tests: the peer's first message 1 is taken as lost, and
// answered by one of ours whose e compares as wanted with theirs (0: no crossing).
type crossing struct {
	order int
	peer  peerID
}

// A half is a handshake of theirs that message 3 has not come for.
type half struct {
	peer          peerID
	path          path
	local, remote uint32
	noise         noise
	e             []byte
	table         table
	cipher        string
	frame2        []byte
	began         time.Time
}

const (
	handshakeHead = 10
	cookieBytes   = 16
	leastFrame1   = 1024
	giveUp        = 20 * time.Second
	oldReceives   = 30 * time.Second
	halvesMax     = 64
	type2Max      = 16
)

func random64() uint64 {
	var out [8]byte
	rand.Read(out[:])
	return binary.BigEndian.Uint64(out[:])
}

func newKey() *ecdh.PrivateKey {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func newIndex() uint32 {
	for {
		if index := uint32(random64()); index != 0 {
			return index
		}
	}
}

func handshakeFrame(kind byte, sender, receiver uint32, body ...[]byte) []byte {
	out := []byte{indexHandshake, kind}
	out = binary.BigEndian.AppendUint32(out, sender)
	out = binary.BigEndian.AppendUint32(out, receiver)
	return append(out, bytes.Join(body, nil)...)
}

// ---- initiator ----

func (ep *endpoint) dial(peer peerID, to path, now time.Time) {
	if !ep.dialling(peer) {
		ep.dialBy(newKey(), peer, to, now)
	}
}

func (ep *endpoint) dialBy(ephemeral *ecdh.PrivateKey, peer peerID, to path, now time.Time) {
	a := &attempt{peer: peer, path: to, local: newIndex(), again: repeatFrom(now, time.Second/2, 4*time.Second)}
	a.offer = operation{kind: "id", id: binary.BigEndian.AppendUint64(nil, random64()), entries: map[uint64]string{}}
	for i, name := range ep.offered {
		a.offer.entries[uint64(16+2*i)] = name
	}
	first := payload{setup: a.offer.create(), ciphers: ep.ciphers}
	first.padding = leastFrame1 - handshakeHead - cookieBytes - 32 - len(first.create())
	a.noise = newNoise(ep.prologue, ep.static, ephemeral)
	a.frame = handshakeFrame(1, a.local, 0, a.noise.create1(first.create()))
	ep.attempts = append(ep.attempts, a)
	ep.transmit(to, append(slices.Clone(a.frame), make([]byte, cookieBytes)...))
}

func (ep *endpoint) dialling(peer peerID) bool {
	return slices.ContainsFunc(ep.attempts, func(a *attempt) bool { return a.peer == peer })
}

// handshaking: a handshake of ours with the peer goes on, message 3 included.
func (ep *endpoint) handshaking(peer peerID) bool {
	return ep.dialling(peer) || slices.ContainsFunc(ep.generations, func(g *generation) bool {
		return g.peer == peer && !g.confirmed
	})
}

func (ep *endpoint) attemptOf(index uint32, from path) *attempt {
	for _, a := range ep.attempts {
		if a.local == index && a.path == from {
			return a
		}
	}
	return nil
}

func (ep *endpoint) message2(from path, sender, receiver uint32, body []byte, now time.Time) {
	a := ep.attemptOf(receiver, from)
	if a == nil || sender == 0 || a.tried == type2Max {
		return
	}
	a.tried++
	n := a.noise // a copy: what fails leaves all state as it was
	clear, err := n.consume2(body)
	if err != nil {
		ep.event("drop handshake: message 2: %v", err)
		return
	}
	second, err := readPayload(clear)
	if err != nil {
		ep.event("drop handshake: payload 2: %v", err)
		return
	}
	peer, err := second.proven(n.rs.Bytes())
	if err != nil || second.boot == 0 || peer != a.peer {
		ep.event("wrong peer want=%s got=%s", a.peer, peer)
		return
	}
	g := &generation{peer: peer, path: from, initiator: true, local: a.local, remote: sender, table: table{},
		boot: second.boot, again: repeatFrom(now, time.Second/2, 4*time.Second), lastHeard: now}
	if err = ep.agree(g, a, second); err != nil {
		ep.event("drop handshake: answer: %v", err)
		return
	}
	third, err := n.create3(payload{identityKey: ep.self.public, identitySig: ep.signature(), boot: ep.boot}.create())
	if err != nil || g.derive(&n) != nil {
		return
	}
	ep.attempts = slices.DeleteFunc(ep.attempts, func(other *attempt) bool { return other == a })
	g.frame3 = handshakeFrame(3, g.local, g.remote, third)
	ep.generations = append([]*generation{g}, ep.generations...)
	ep.transmit(from, g.frame3)
}

// agree takes what the answer to our offers says.
func (ep *endpoint) agree(g *generation, a *attempt, second payload) error {
	answer, rest, err := readOperation(second.setup)
	if err != nil || len(rest) > 0 {
		return errMalformed
	}
	if len(ep.ciphers) > 0 {
		if len(second.ciphers) != 1 || !contains(ep.ciphers, second.ciphers[0]) {
			return errMalformed
		}
		g.cipher = second.ciphers[0]
	}
	return g.table.take(a.offer, answer)
}

func (ep *endpoint) signature() []byte {
	return ed25519.Sign(ep.self.private, append([]byte(signedPrefix), ep.static.PublicKey().Bytes()...))
}

// cookie sends the same message 1 with the MAC that was asked for, once for each transmission (3.4).
func (ep *endpoint) cookie(from path, receiver uint32, body []byte) {
	a := ep.attemptOf(receiver, from)
	if a == nil || len(body) != 8+cookieBytes || a.cookie || a.waits {
		return
	}
	sum := sha256.Sum256(a.noise.e.PublicKey().Bytes())
	if !bytes.Equal(body[:8], sum[:8]) {
		return
	}
	a.cookie = true
	ep.event("cookie asked for")
	ep.transmit(from, append(slices.Clone(a.frame), body[8:]...))
}

// ---- responder ----

func (ep *endpoint) message1(from path, sender uint32, body []byte, now time.Time) {
	if len(body)+handshakeHead < leastFrame1 || sender == 0 {
		return
	}
	e := body[:32]
	for _, h := range ep.halves {
		if bytes.Equal(h.e, e) && h.remote == sender && h.path == from {
			ep.transmit(from, h.frame2)
			return
		}
	}
	if ep.cross.order != 0 {
		ep.crossWith(from, e, now)
		return
	}
	if ep.crosses(from, e) || len(ep.halves) == halvesMax {
		return
	}
	h := &half{path: from, local: newIndex(), remote: sender, e: slices.Clone(e), table: table{}, began: now,
		noise: newNoise(ep.prologue, ep.static, newKey())}
	clear, err := h.noise.consume1(body[:len(body)-cookieBytes])
	if err != nil {
		return
	}
	first, err := readPayload(clear)
	if err != nil {
		ep.event("drop handshake: payload 1: %v", err)
		return
	}
	second := payload{identityKey: ep.self.public, identitySig: ep.signature(), boot: ep.boot}
	if first.setup != nil {
		offer, rest, err := readOperation(first.setup)
		if err != nil || offer.kind != "id" || len(rest) > 0 {
			ep.event("drop handshake: offer %x", first.setup)
			return
		}
		second.setup = h.table.grant(offer, true, ep.offered).create()
	}
	if len(ep.ciphers) > 0 {
		i := slices.IndexFunc(first.ciphers, func(name string) bool { return contains(ep.ciphers, name) })
		if i < 0 {
			ep.event("drop handshake: none of ciphers %q", first.ciphers)
			return
		}
		h.cipher = first.ciphers[i]
		second.ciphers = []string{h.cipher}
	}
	two, err := h.noise.create2(second.create())
	if err != nil {
		return
	}
	h.frame2 = handshakeFrame(2, h.local, h.remote, two)
	ep.halves = append(ep.halves, h)
	ep.transmit(from, h.frame2)
}

// crosses decides two handshakes at once: whether we stay initiator, and drop theirs (3.3).
func (ep *endpoint) crosses(from path, e []byte) bool {
	for _, a := range ep.attempts {
		if a.path != from {
			continue
		}
		switch bytes.Compare(a.noise.e.PublicKey().Bytes(), e) {
		case 0, -1:
			return true
		}
		a.waits = true
	}
	return false
}

func (ep *endpoint) crossWith(from path, e []byte, now time.Time) {
	key := newKey()
	for bytes.Compare(key.PublicKey().Bytes(), e) != ep.cross.order {
		key = newKey()
	}
	ep.event("crossing peer=%s order=%d", ep.cross.peer, ep.cross.order)
	ep.cross.order = 0
	ep.dialBy(key, ep.cross.peer, from, now)
}

func (ep *endpoint) message3(from path, sender, receiver uint32, frame []byte, now time.Time) {
	for _, g := range ep.generations {
		if g.local == receiver && !g.initiator && bytes.Equal(g.frame3, frame) {
			ep.confirm(g, now)
			return
		}
	}
	i := slices.IndexFunc(ep.halves, func(h *half) bool {
		return h.local == receiver && h.remote == sender && h.path == from
	})
	if i < 0 {
		return
	}
	h := ep.halves[i]
	n := h.noise
	clear, err := n.consume3(frame[handshakeHead:])
	if err != nil {
		ep.event("drop handshake: message 3: %v", err)
		return
	}
	third, err := readPayload(clear)
	if err != nil || third.boot == 0 {
		return
	}
	peer, err := third.proven(n.rs.Bytes())
	if err != nil {
		return
	}
	g := &generation{peer: peer, path: from, confirmed: true, local: h.local, remote: h.remote, table: h.table,
		cipher: h.cipher, boot: third.boot, frame3: slices.Clone(frame), lastHeard: now, refused: !ep.allowed(peer)}
	if g.derive(&n) != nil {
		return
	}
	ep.halves = slices.Delete(ep.halves, i, i+1)
	ep.attempts = slices.DeleteFunc(ep.attempts, func(a *attempt) bool { return a.path == from && a.waits })
	ep.generations = append([]*generation{g}, ep.generations...)
	ep.confirm(g, now)
	if !g.refused {
		ep.up(g)
	}
}

// confirm answers message 3: the first frame under the new keys (3.3, 3.6).
func (ep *endpoint) confirm(g *generation, now time.Time) {
	if g.refused {
		ep.event("refusing peer=%s", g.peer)
		ep.send(g, control(controlClose, message{}.varint(1, statusRefused)), now)
		return
	}
	ep.send(g, ep.greeting(g), now)
}

// ---- both ----

func (ep *endpoint) send(g *generation, plaintext []byte, now time.Time) {
	ep.transmit(g.path, g.seal(plaintext, now))
}

// of is the generation to send to a peer by: the newest confirmed one.
func (ep *endpoint) of(peer peerID) *generation {
	for _, g := range ep.generations {
		if g.peer == peer && g.confirmed && !g.refused {
			return g
		}
	}
	return nil
}

func (ep *endpoint) byIndex(index uint32) *generation {
	for _, g := range ep.generations {
		if g.local == index {
			return g
		}
	}
	return nil
}

// handle takes a handshake or sealed frame that came over a path.
func (ep *endpoint) handle(from path, frame []byte, now time.Time) {
	if frame[0] == indexSealed {
		ep.sealed(frame, now)
		return
	}
	if len(frame) < handshakeHead+32 && !(len(frame) > 1 && frame[1] == 4 && len(frame) >= handshakeHead) {
		return
	}
	sender, receiver := binary.BigEndian.Uint32(frame[2:]), binary.BigEndian.Uint32(frame[6:])
	body := frame[handshakeHead:]
	switch frame[1] {
	case 1:
		ep.message1(from, sender, body, now)
	case 2:
		ep.message2(from, sender, receiver, body, now)
	case 3:
		ep.message3(from, sender, receiver, frame, now)
	case 4:
		ep.cookie(from, receiver, body)
	}
}

func (ep *endpoint) sealed(frame []byte, now time.Time) {
	if len(frame) < sealedBytes+16 {
		return
	}
	g := ep.byIndex(binary.BigEndian.Uint32(frame[1:]))
	if g == nil {
		return
	}
	plaintext, err := g.open(frame, now)
	if err != nil {
		ep.event("drop sealed: %v", err)
		return
	}
	ep.verified(g)
	if len(plaintext) > 0 {
		ep.received(g, plaintext)
	}
}

// verified: a frame verified under the keys of g, so message 3 has arrived.
func (ep *endpoint) verified(g *generation) {
	if g.confirmed {
		return
	}
	g.confirmed = true
	ep.up(g)
}

func (ep *endpoint) tick(now time.Time) {
	for _, a := range ep.attempts {
		if !a.waits && a.again.due(now) {
			a.cookie = false
			ep.transmit(a.path, append(slices.Clone(a.frame), make([]byte, cookieBytes)...))
		}
	}
	ep.attempts = slices.DeleteFunc(ep.attempts, func(a *attempt) bool { return now.Sub(a.again.began) > giveUp })
	ep.halves = slices.DeleteFunc(ep.halves, func(h *half) bool { return now.Sub(h.began) > giveUp })
	for _, g := range ep.generations {
		if !g.confirmed && g.again.due(now) {
			ep.transmit(g.path, g.frame3)
		}
	}
	ep.generations = slices.DeleteFunc(ep.generations, func(g *generation) bool {
		if !g.confirmed {
			return now.Sub(g.again.began) > giveUp
		}
		return g != ep.of(g.peer) && now.Sub(g.lastHeard) > oldReceives
	})
}

// end forgets a generation and the older ones of its peer (12, close).
func (ep *endpoint) end(ended *generation) {
	older := false
	ep.generations = slices.DeleteFunc(ep.generations, func(g *generation) bool {
		older = older || g == ended
		return older && g.peer == ended.peer
	})
}
