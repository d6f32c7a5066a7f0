// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// A probe asks a router, from outside, whether it does what the specifications say. Each rule that is
// tried is a line. An answer is waited for long, silence as long as pause.
type probe struct {
	socket *net.UDPConn
	router peerID
	to     netip.AddrPort
	self   identity
	broken int
	wait   time.Duration
	links  *endpoint
	inbox  [][]byte // plaintexts of the link's sealed frames
	frames []switchFrame
}

const (
	pause    = 250 * time.Millisecond
	patience = 2 * time.Second
)

// quiet is before what shall not be answered.
func (p *probe) quiet() *probe {
	p.wait = pause
	return p
}

func (p *probe) rule(ok bool, name string, got any) {
	if ok {
		fmt.Println("rule ok:", name)
		return
	}
	p.broken++
	if b, is := got.([]byte); is {
		got = fmt.Sprintf("%d bytes %x", len(b), b[:min(len(b), 64)])
	}
	fmt.Printf("rule broken: %s; got %v\n", name, got)
}

func (p *probe) read() []byte {
	data := make([]byte, 65536)
	p.socket.SetReadDeadline(time.Now().Add(p.wait))
	n, err := p.socket.Read(data)
	if err != nil {
		return nil
	}
	return data[:n]
}

// exchange sends a datagram, and gives the answer, or nil.
func (p *probe) exchange(frame []byte) []byte {
	p.drain()
	p.socket.Write(frame)
	defer p.loud()
	return p.read()
}

func (p *probe) loud() {
	p.wait = patience
}

func (p *probe) drain() {
	data := make([]byte, 65536)
	for {
		p.socket.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := p.socket.Read(data); err != nil {
			return
		}
	}
}

// first is a frame of type 1 with a payload and a cookie, and what its initiator remembers.
func (p *probe) first(prologue string, body []byte, cookie []byte) (n noise, frame []byte) {
	n = newNoise(prologue, newKey(), newKey())
	frame = handshakeFrame(1, newIndex(), 0, n.create1(body))
	if cookie == nil {
		cookie = make([]byte, cookieBytes)
	}
	return n, append(frame, cookie...)
}

// body is a payload of message 1 that makes its frame of so many bytes, extra included.
func body(setup []byte, frameBytes int, extra ...byte) []byte {
	first := payload{setup: setup}
	head := handshakeHead + 32 + cookieBytes + len(extra)
	first.padding = frameBytes - head - len(first.create())
	for first.padding > 0 && head+len(first.create()) > frameBytes {
		first.padding--
	}
	return append(first.create(), extra...)
}

func offerOf(entries map[uint64]string) []byte {
	return operation{kind: "id", id: binary.BigEndian.AppendUint64(nil, random64()), entries: entries}.create()
}

// granted is what message 2 grants; nil when there is no message 2.
func (p *probe) granted(setup []byte, extra ...byte) map[uint64]string {
	n, frame := p.first("viaduct link 1", body(setup, 1100, extra...), nil)
	answer := p.exchange(frame)
	if len(answer) < handshakeHead || answer[1] != 2 {
		return nil
	}
	clear, err := n.consume2(answer[handshakeHead:])
	if err != nil {
		return nil
	}
	second, err := readPayload(clear)
	if err != nil {
		return nil
	}
	op, _, err := readOperation(second.setup)
	if err != nil {
		return map[uint64]string{}
	}
	return op.entries
}

func (p *probe) handshakes() {
	ping := offerOf(map[uint64]string{16: namePing})
	_, short := p.first("viaduct link 1", body(ping, 1023), nil)
	p.rule(len(short) == 1023 && p.quiet().exchange(short) == nil, "3.1 message 1 of 1,023 bytes is dropped", short)
	_, least := p.first("viaduct link 1", body(ping, 1024), nil)
	two := p.exchange(least)
	p.rule(len(least) == 1024 && len(two) > 10 && two[1] == 2 && len(two) <= 1024, "3.1 message 1 of 1,024 bytes is answered", two)
	p.rule(bytes.Equal(two, p.exchange(least)), "3.3 a repeated message 1 gets the same message 2", two)
	for range 7 {
		_, newer := p.first("viaduct link 1", body(ping, 1024), nil)
		p.exchange(newer)
	}
	p.rule(bytes.Equal(two, p.exchange(least)), "14 eight handshakes half open over one path", two)
	for range 8 {
		_, newer := p.first("viaduct link 1", body(ping, 1024), nil)
		p.exchange(newer)
	}
	answer := p.exchange(least)
	p.rule(len(answer) > 10 && !bytes.Equal(two, answer), "14 the ninth takes the place of the oldest", answer)
	_, long := p.first("viaduct link 1", body(ping, 1472), nil)
	answer = p.exchange(long)
	p.rule(len(long) == 1472 && len(answer) > 10 && answer[1] == 2, "3.1 message 1 of 1,472 bytes is answered", answer)
	zero := bytes.Clone(least)
	copy(zero[2:6], make([]byte, 4))
	p.rule(p.quiet().exchange(zero) == nil, "3.1 sender index 0 is dropped", nil)
	kind := bytes.Clone(least)
	kind[1] = 5
	p.rule(p.quiet().exchange(kind) == nil, "3.1 type 5 is dropped", nil)
	p.rule(p.quiet().exchange(offerOf(nil)) == nil && p.quiet().exchange(append([]byte{0}, offerOf(nil)...)) == nil,
		"multigram 5: bare setup is dropped", nil)

	outside := true
	for _, index := range []byte{indexControl, 3, 9, 16, 17, 0x3f, 0x40, 0xff} {
		outside = outside && p.quiet().exchange(append([]byte{index}, make([]byte, 40)...)) == nil
	}
	p.rule(outside, "2 a datagram under another index than 4 to 7 is dropped", nil)
	p.rule(p.quiet().granted([]byte{0x80, 0x04, '{', '}'}) == nil && p.quiet().granted(append([]byte{0x50, 10, 8}, make([]byte, 8)...)) == nil,
		"multigram 4: an offer in JSON or protobuf fails message 1", nil)
	p.rule(p.quiet().granted(append([]byte{0}, ping...)) == nil, "multigram 5: an offer with index 0 fails message 1", nil)
	p.rule(p.quiet().granted(append(bytes.Clone(ping), indexControl)) == nil, "multigram 5: an offer with more behind it fails message 1", nil)

	got := p.granted(ping)
	p.rule(len(got) == 1 && got[16] == namePing, "multigram 6: ping at 16 is granted", got)
	got = p.granted(offerOf(map[uint64]string{16: "/viaduct/nothing/1", 17: namePing, 14: namePing, 18: namePing}))
	p.rule(len(got) == 1 && got[18] == namePing, "multigram 6: unknown names, odd and reserved indices are omitted", got)
	got = p.granted(ping, 0xf8, 0x07, 0x01)
	p.rule(len(got) == 1, "3.2 unknown fields of the payload are ignored", got)
	got = p.granted(offerOf(nil))
	p.rule(len(got) == fixedEntries, "multigram 5: an offer without entries is answered by a list", got)
	p.rule(p.granted(nil) != nil, "3.2 message 1 may have no setup", nil)
}

// link makes a link by the endpoint that the edge has.
func (p *probe) link() *generation {
	p.inbox = nil
	p.links = &endpoint{prologue: "viaduct link 1", offered: []string{namePing}, self: p.self, boot: random64() | 1,
		static: newKey(), allowed: func(peerID) bool { return false }, event: func(format string, values ...any) {
			fmt.Printf(format+"\n", values...)
		}}
	p.links.transmit = func(_ path, frame []byte) { p.socket.Write(frame) }
	p.links.up = func(*generation) {}
	p.links.received = func(_ *generation, in []byte) { p.inbox = append(p.inbox, in) }
	p.links.dial(p.router, path{address: p.to}, time.Now())
	for range 20 {
		p.take(p.read())
		if g := p.links.of(p.router); g != nil {
			return g
		}
	}
	return nil
}

func (p *probe) take(frame []byte) {
	if len(frame) == 0 {
		return
	}
	switch frame[0] {
	case indexHandshake, indexSealed:
		p.links.handle(path{address: p.to}, frame, time.Now())
	case indexSwitch:
		if len(frame) < switchBytes {
			return
		}
		g := p.links.byIndex(binary.BigEndian.Uint32(frame[1:]))
		if g != nil && g.takeSwitched(frame, time.Now()) {
			p.frames = append(p.frames, readSwitch(frame))
		}
	}
}

// ask sends a multigram sealed, and gives the first one that comes back, or nil.
func (p *probe) ask(g *generation, plaintext []byte) []byte {
	p.drain()
	p.inbox = nil
	defer p.loud()
	p.socket.Write(g.seal(plaintext, time.Now()))
	for range 3 {
		frame := p.read()
		p.take(frame)
		if frame == nil || len(p.inbox) > 0 {
			break
		}
	}
	if len(p.inbox) == 0 {
		return nil
	}
	return p.inbox[0]
}

func (p *probe) askSetup(g *generation, op []byte) (operation, bool) {
	answer := p.ask(g, append([]byte{indexSetup}, op...))
	if len(answer) == 0 || answer[0] != indexSetup {
		return operation{}, false
	}
	got, rest, err := readOperation(answer[1:])
	return got, err == nil && len(rest) == 0
}

func (p *probe) askControl(g *generation, kind uint64, body message) (uint64, fields) {
	answer := p.ask(g, control(kind, body))
	if len(answer) == 0 || answer[0] != indexControl {
		return 0, fields{}
	}
	got, fields, _ := readControl(answer[1:])
	return got, fields
}

func (p *probe) setups(g *generation) {
	op, ok := p.askSetup(g, offerOf(nil))
	p.rule(ok && op.kind == "re" && op.entries[16] == namePing && op.entries[0] == "/multigram-setup/0.2.0" &&
		op.entries[8] == "/viaduct/control/1" && len(op.entries) == fixedEntries+1, "multigram 6: a list holds the table", op)
	op, ok = p.askSetup(g, offerOf(map[uint64]string{18: namePing, 19: namePing}))
	p.rule(ok && len(op.entries) == 1 && op.entries[18] == namePing, "multigram 6: sealed, too, the initiator assigns even indices", op)
	op, ok = p.askSetup(g, offerOf(map[uint64]string{16: "/viaduct/ip6/1"}))
	p.rule(ok && op.kind == "re" && len(op.entries) == 0, "multigram 6: an entry keeps its name", op)
	p.rule(p.quiet().ask(g, []byte{indexSetup, 0x80, 0x04, '{', '}'}) == nil, "multigram 4: JSON without an operation is dropped", nil)
	json := p.ask(g, []byte("\x00\x80\x04{\"id\":\"0001020304050607\",\"0x14\":\"/viaduct/ping/1\"}"))
	p.rule(string(json) == "\x00\x80\x04{\"re\":\"0001020304050607\",\"0x14\":\"/viaduct/ping/1\"}", "multigram 4.1: an offer in JSON is answered in JSON", json)
	pb := p.ask(g, []byte("\x00\x50\x1f\x0a\x08ABCDEFGH\x22\x13\x08\x14\x12\x0f/viaduct/ping/1"))
	p.rule(string(pb) == "\x00\x50\x1f\x12\x08ABCDEFGH\x22\x13\x08\x14\x12\x0f/viaduct/ping/1", "multigram 4.1: an offer in protobuf is answered in protobuf", pb)
	p.rule(p.quiet().ask(g, []byte{0x90, 0x00, 0}) == nil, "multigram 2: an index not in its shortest form is dropped", nil)
	answer := p.ask(g, []byte{99, 1})
	op, _, err := readOperation(answer[min(1, len(answer)):])
	p.rule(err == nil && op.kind == "err" && op.index == 99, "multigram 6: an unknown index gets an error", answer)
	p.rule(p.quiet().ask(g, []byte{98, 1}) == nil, "multigram 7: at most one error a second", nil)
	request := append([]byte{indexSetup}, offerOf(nil)...)
	time.Sleep(time.Second)
	trailing := append(request, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	p.drain()
	p.inbox = nil
	p.socket.Write(g.seal(trailing, time.Now()))
	p.take(p.read())
	p.take(p.read())
	all := bytes.Join(p.inbox, nil)
	p.rule(bytes.Contains(all, []byte{16, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9}), "multigram 4: what trails an operation is the next multigram", all)
	pong := p.ask(g, append([]byte{16, 0, 1, 2, 3, 4, 5, 6, 7, 8}, make([]byte, 991)...))
	p.rule(bytes.Equal(pong, []byte{16, 1, 1, 2, 3, 4, 5, 6, 7, 8, 3, 232}),
		"11 a ping of 1,000 bytes is answered with its length", pong)
	p.rule(p.quiet().ask(g, []byte{16, 0, 1, 2, 3, 4, 5, 6, 7}) == nil, "11 a ping without a whole id is dropped", nil)
}

func (p *probe) controls(g *generation, peer peerID) {
	kind, got := p.askControl(g, controlReserve, message{}.varint(1, 7).varint(2, 10).varint(3, 2))
	p.rule(kind == controlReserved && got.number[1] == 7 && got.number[2] == statusOK && got.number[3] == 10 && got.number[4] == 2,
		"12 reserve of 10 s in realm 1", got)
	kind, got = p.askControl(g, controlReserve, message{}.varint(1, 8).varint(2, 100000))
	p.rule(kind == controlReserved && got.number[3] == 3600 && got.number[4] == 2, "14 a reservation is at most 3,600 s; realms 0 is all of the tier", got)
	_, got = p.askControl(g, controlReserve, message{}.varint(1, 9).varint(3, 0x12))
	p.rule(got.number[2] == statusOK && got.number[4] == 2, "12 of the realms asked for, those of the tier are granted", got)
	_, got = p.askControl(g, controlReserve, message{}.varint(1, 10).varint(3, 0x10))
	p.rule(got.number[2] == statusRefused, "12 realms outside the tier are refused", got)
	kind, got = p.askControl(g, controlQuery, message{}.varint(1, 11).bytes(2, []byte(peer)))
	p.rule(kind == controlRoute && got.number[2] == statusOK && string(got.last(3)) == string(peer) && got.number[5] == 16, "12 query by peer id", got)
	sum := overlayOf(peer)
	_, over := p.askControl(g, controlQuery, message{}.varint(1, 12).bytes(3, sum))
	p.rule(over.number[4] == got.number[4] && string(over.last(3)) == string(peer), "13 query by overlay address", over)
	kind, got = p.askControl(g, controlQuery, message{}.varint(1, 13).bytes(3, sum).bytes(2, []byte(peer)))
	p.rule(kind == controlRoute && status(got.number[2]).String() == "BAD", "12 query with both is BAD", got)
	kind, got = p.askControl(g, controlQuery, message{}.varint(1, 14))
	p.rule(kind == controlRoute && status(got.number[2]).String() == "BAD", "12 query with neither is BAD", got)
	kind, got = p.askControl(g, controlQuery, message{}.varint(1, 15).bytes(2, []byte(p.self.id)))
	p.rule(kind == controlRoute && status(got.number[2]).String() == "NOT_FOUND", "13 a query for oneself", got)
	kind, got = p.askControl(g, controlQuery, message{}.varint(1, 16).bytes(2, []byte(p.router)))
	p.rule(kind == controlRoute && status(got.number[2]).String() == "NOT_FOUND", "13 a query for the router", got)
	kind, _ = p.quiet().askControl(g, controlQuery, message{}.varint(1, 17).bytes(2, []byte("no peer id")))
	p.rule(kind == 0, "12 a query for what is no peer id is dropped", kind)
	kind, got = p.askControl(g, controlChallenge, message{}.bytes(1, []byte("12345678")))
	p.rule(kind == controlAnswer && string(got.last(1)) == "12345678", "12 a challenge is answered", got)
	kind, _ = p.quiet().askControl(g, controlChallenge, message{}.bytes(1, []byte("1234567")))
	p.rule(kind == 0, "12 a challenge that is not of 8 bytes is not answered", kind)
	p.rule(p.quiet().ask(g, []byte{indexControl, 0xf2, 0x06, 0}) == nil, "12 an unknown control message is ignored", nil)
	kind, got = p.askControl(g, controlReserve, message{}.varint(1, 17).varint(1, 18).varint(900, 1))
	p.rule(kind == controlReserved && got.number[1] == 18, "12 the last of a field given twice counts; unknown fields of control messages are ignored", kind)
}

// report sends a switch frame, and gives the switch frame that comes back.
func (p *probe) report(g *generation, f switchFrame) *switchFrame {
	p.drain()
	p.frames = nil
	defer p.loud()
	p.socket.Write(g.switched(f, time.Now()))
	p.take(p.read())
	if len(p.frames) == 0 {
		return nil
	}
	return &p.frames[0]
}

func (p *probe) switching(g *generation) {
	payload := []byte("0123456789abcdefgh")
	got := p.report(g, switchFrame{label: 0x1fffe, payload: payload})
	want := []byte{indexReport, 1, 0, 0, 0, 0, 0xff, 0xfe, '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'}
	p.rule(got != nil && got.flags == flagError && got.used == 0 && got.label == 0 && bytes.Equal(got.payload, want),
		"10 report 1 about an unknown director", got)
	got = p.report(g, switchFrame{label: 0xffff<<16 | 0xfffe<<0, used: 4, payload: payload})
	p.rule(got != nil && got.payload[4] == 4 && got.label == wayBack(0xfffffffe, 4), "10 used, and the way back, are as received", got)
	p.rule(p.quiet().report(g, switchFrame{label: 0x1fffe, flags: flagError, payload: payload}) == nil, "10 no report about flag 0x80", nil)
	p.rule(p.quiet().report(g, switchFrame{label: 0x1fffe, payload: payload[:15]}) == nil, "10 no report about 15 bytes", nil)
	p.rule(p.quiet().report(g, switchFrame{label: 0x1fffe, used: 33, payload: payload}) == nil, "10 no report with used above 32", nil)
	p.rule(p.quiet().report(g, switchFrame{label: 0x1fffe, used: 61, payload: payload}) == nil, "8 used above 60 is dropped", nil)
	p.rule(p.quiet().report(g, switchFrame{}) == nil, "4 a keepalive is not answered", nil)

	frame := g.switched(switchFrame{label: 0x1fffe, payload: payload}, time.Now())
	first := p.exchange(frame)
	p.rule(len(first) > 0 && p.quiet().exchange(frame) == nil, "6.2 a counter is taken once", first)
	forged := g.switched(switchFrame{label: 0x1fffe, payload: payload}, time.Now())
	forged[30] ^= 1
	p.rule(p.quiet().exchange(forged) == nil, "6.2 a forged tag is dropped", nil)
	forged[30] ^= 1
	p.rule(p.exchange(forged) != nil, "6.2 a forged frame moves nothing", nil)

	for _, index := range []byte{indexSealed, indexSwitch} {
		stale := append([]byte{index, 0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0, 0, 0, 0, 9}, make([]byte, 30)...)
		answer := p.exchange(stale)
		p.rule(bytes.Equal(answer, append([]byte{indexReport, 0}, stale[1:13]...)), fmt.Sprintf("4 lost, about index %d", index), answer)
	}
}

// ending: what is left of a link after message 3 came again, after a rekey, and after close.
func (p *probe) ending(g *generation) {
	answer := p.exchange(g.frame3)
	p.rule(len(answer) > sealedBytes && answer[0] == indexSealed, "3.3 a repeated message 3 is answered, sealed", answer)
	newer := p.link()
	p.rule(newer != nil, "4 a rekey", nil)
	if newer == nil {
		return
	}
	p.links.generations = append(p.links.generations, g)
	p.rule(p.ask(g, []byte{16, 0, 1, 2, 3, 4, 5, 6, 7, 8}) != nil, "4 the older generation receives on", nil)
	p.drain()
	p.socket.Write(newer.seal(control(controlClose, message{}.varint(1, statusShutdown)), time.Now()))
	p.drain()
	request := []byte{16, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	p.rule(p.quiet().ask(newer, request) == nil, "12 close ends its generation", nil)
	p.rule(p.quiet().ask(g, request) == nil, "12 close ends older generations", nil)
}

// cookies fills the router with half-open handshakes, each from a port of its own, until it asks for cookies.
func (p *probe) cookies() {
	setup := offerOf(map[uint64]string{16: namePing})
	for range 80 {
		socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.to))
		if err != nil {
			break
		}
		defer socket.Close()
		p.socket = socket
		n, frame := p.first("viaduct link 1", body(setup, 1024), nil)
		answer := p.exchange(frame)
		if len(answer) < 2 || answer[1] == 2 {
			continue
		}
		e := n.e.PublicKey().Bytes()
		p.rule(answer[1] == 4 && len(answer) == handshakeHead+8+cookieBytes && bytes.Equal(answer[2:6], make([]byte, 4)) &&
			bytes.Equal(answer[6:10], frame[2:6]) && bytes.Equal(answer[10:18], hashOf(e)[:8]), "3.4 a cookie is asked for", answer)
		p.withCookie(frame, answer[18:], setup)
		return
	}
	p.rule(false, "3.4 with 64 handshakes half open, a cookie is asked for", nil)
}

// asked tries what has no valid cookie, each time anew, until a cookie is asked for; some may pass without.
func (p *probe) asked(try func() []byte) []byte {
	var answer []byte
	for range 60 {
		if answer = try(); len(answer) > 2 && answer[1] == 4 {
			break
		}
	}
	return answer
}

func (p *probe) withCookie(frame, cookie, setup []byte) {
	answer := p.asked(func() []byte {
		_, other := p.first("viaduct link 1", body(setup, 1024), cookie)
		return p.exchange(other)
	})
	p.rule(len(answer) > 2 && answer[1] == 4, "3.4 a cookie of another e is not taken", answer)
	again := append(bytes.Clone(frame[:len(frame)-cookieBytes]), cookie...)
	answer = p.exchange(again)
	p.rule(len(answer) > 2 && answer[1] == 2, "3.4 message 1 with the cookie is answered", answer)
	here := p.socket
	answer = p.asked(func() []byte {
		socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.to))
		if err != nil {
			return nil
		}
		defer socket.Close()
		p.socket = socket
		return p.exchange(again)
	})
	p.socket = here
	p.rule(len(answer) > 2 && answer[1] == 4, "3.4 a cookie of another port is not taken", answer)
}

// run tries all; peer is one that may be called over the router.
func (p *probe) run(peer peerID) int {
	p.loud()
	p.handshakes()
	g := p.link()
	if g == nil {
		p.rule(false, "3 a link", nil)
		return exitTimeout
	}
	p.setups(g)
	p.controls(g, peer)
	p.switching(g)
	p.ending(g)
	p.cookies()
	fmt.Printf("rules broken=%d\n", p.broken)
	return min(p.broken, 1)
}
