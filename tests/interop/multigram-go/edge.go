// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// An edge has one link, with its router, and at most one session over it.
type edge struct {
	socket   *net.UDPConn
	router   peerID
	address  netip.AddrPort
	self     identity
	links    *endpoint
	sessions *endpoint
	now      time.Time

	dials, allows peerID
	route         *uint64
	request       uint32 // id of the reservation, and of the query
	reserved      bool
	reserving     repetition
	querying      repetition

	linkPings, pings pinger
	refused          bool
	notBefore        time.Time // dialling again, after a close
	backOff          time.Duration
}

func newEdge(self identity, socket *net.UDPConn, router peerID, address netip.AddrPort, ciphers []string) *edge {
	e := &edge{self: self, socket: socket, router: router, address: address, request: newIndex()}
	boot := random64() | 1
	e.links = &endpoint{prologue: "viaduct link 1", allowed: func(id peerID) bool { return id == router }}
	e.links.up, e.links.received = e.linkUp, e.fromLink
	e.links.transmit = func(to path, frame []byte) { socket.WriteToUDPAddrPort(frame, to.address) }
	e.links.greeting = func(g *generation) []byte {
		return control(controlObserved, message{}.bytes(1, multiaddr(g.path.address)))
	}
	e.sessions = &endpoint{prologue: "viaduct session 1", ciphers: ciphers}
	e.sessions.allowed = func(id peerID) bool { return id == e.dials || id == e.allows }
	e.sessions.up, e.sessions.received = e.sessionUp, e.fromSession
	e.sessions.transmit = e.transmitSession
	e.sessions.greeting = func(*generation) []byte { return nil }
	for _, ep := range []*endpoint{e.links, e.sessions} {
		ep.self, ep.boot, ep.static, ep.event = self, boot, newKey(), e.print
		ep.offered = []string{namePing}
	}
	return e
}

func (e *edge) print(format string, values ...any) {
	fmt.Printf(format+"\n", values...)
}

// transmitSession puts a frame of a session into a switch frame of the link.
func (e *edge) transmitSession(to path, frame []byte) {
	if g := e.links.of(e.router); g != nil {
		e.links.transmit(g.path, g.switched(switchFrame{label: to.label, payload: frame}, e.now))
	}
}

// ---- what happens on the link ----

func (e *edge) linkUp(g *generation) {
	e.print("link up peer=%s initiator=%v", g.peer, g.initiator)
	e.reserving = repeatFrom(e.now, time.Second, 60*time.Second)
	e.reserved = false
	e.reserve()
	e.linkPings.start(1, e.now)
}

func (e *edge) reserve() {
	e.toRouter(control(controlReserve, message{}.varint(1, uint64(e.request))))
}

func (e *edge) query() {
	e.toRouter(control(controlQuery, message{}.varint(1, uint64(e.request)).bytes(2, []byte(e.dials))))
}

func (e *edge) toRouter(plaintext []byte) {
	if g := e.links.of(e.router); g != nil {
		e.links.send(g, plaintext, e.now)
	}
}

func (e *edge) datagram(from netip.AddrPort, frame []byte) {
	if len(frame) == 0 {
		return
	}
	switch frame[0] {
	case indexHandshake, indexSealed:
		e.links.handle(path{address: from}, frame, e.now)
	case indexSwitch:
		e.switched(frame)
	case indexReport:
		e.lost(e.links, frame)
	}
}

// switched is 8, for a node that does not switch.
func (e *edge) switched(frame []byte) {
	if len(frame) < switchBytes {
		return
	}
	g := e.links.byIndex(binary.BigEndian.Uint32(frame[1:]))
	if g == nil || !g.takeSwitched(frame, e.now) {
		return
	}
	e.links.verified(g)
	f := readSwitch(frame)
	if !delivered(f.label, f.used) || len(f.payload) == 0 {
		return
	}
	back := path{label: wayBack(f.label, f.used)}
	isReport := f.payload[0] == indexReport
	switch {
	case isReport != (f.flags&flagError != 0):
	case isReport:
		e.report(f.payload)
	case f.payload[0] == indexHandshake, f.payload[0] == indexSealed:
		e.sessions.handle(back, f.payload, e.now)
	}
}

// lost is report 0: the other side has forgotten our keys (4). It is believed by index and counter.
func (e *edge) lost(ep *endpoint, frame []byte) {
	if len(frame) != 14 || frame[1] != 0 {
		return
	}
	index, counter := binary.BigEndian.Uint32(frame[2:]), binary.BigEndian.Uint64(frame[6:])
	for _, g := range ep.generations {
		if g.remote == index && g == ep.of(g.peer) && e.now.Sub(g.lastSent) < 10*time.Second &&
			counter <= max(g.out.sealCounter, g.out.tagCounter) {
			e.print("lost peer=%s", g.peer)
			ep.dial(g.peer, g.path, e.now)
		}
	}
}

func (e *edge) report(payload []byte) {
	if len(payload) == 14 {
		e.lost(e.sessions, payload)
		return
	}
	if len(payload) == 16 {
		e.print("report code=%d limit=%d used=%d director=%#x echo=%x", payload[1],
			binary.BigEndian.Uint16(payload[2:]), payload[4], payload[5:8], payload[8:])
	}
}

func (e *edge) fromLink(g *generation, in []byte) {
	e.multigram(e.links, g, in, &e.linkPings, "link ping")
}

func (e *edge) linkControl(kind uint64, body fields) {
	switch kind {
	case controlObserved:
		if at, err := addressOf(body.last(1)); err == nil {
			e.print("observed address=%s", at)
		}
	case controlReserved:
		if body.number[1] != uint64(e.request) || e.reserved {
			return
		}
		e.reserved = body.number[2] == statusOK
		e.print("reserved ttl=%d status=%s realms=%#x", body.number[3], status(body.number[2]), body.number[4])
		if e.dials != "" {
			e.querying = repeatFrom(e.now, time.Second, 4*time.Second)
			e.query()
		}
	case controlRoute:
		e.routed(body)
	}
}

func (e *edge) routed(body fields) {
	if body.number[1] != uint64(e.request) || e.dials == "" || e.route != nil {
		return
	}
	if body.number[2] != statusOK {
		e.print("route status=%s", status(body.number[2]))
		e.request = newIndex()
		e.querying = repeatFrom(e.now, time.Second, 4*time.Second)
		return
	}
	label := body.number[4]
	e.route = &label
	e.print("route label=%#x bits=%d mtu=%d", label, body.number[5], body.number[6])
	e.sessions.dial(e.dials, path{label: label}, e.now)
}

// ---- what happens in the session ----

func (e *edge) sessionUp(g *generation) {
	e.print("session up cipher=%s peer=%s initiator=%v", g.cipher, g.peer, g.initiator)
	if _, is := g.table.indexOf(namePing); !is {
		e.print("session without ping: it was not granted")
	}
	e.pings.start(e.pings.want, e.now)
}

func (e *edge) fromSession(g *generation, in []byte) {
	e.multigram(e.sessions, g, in, &e.pings, "ping")
}

// ---- both ----

// multigram takes what a sealed frame held.
func (e *edge) multigram(ep *endpoint, g *generation, in []byte, pings *pinger, what string) {
	index, n := binary.Uvarint(in)
	if n <= 0 || n > 1 && in[n-1] == 0 {
		return
	}
	payload := in[n:]
	switch name := g.table[index]; {
	case index == indexSetup:
		e.setup(ep, g, payload, pings, what)
	case index == indexControl:
		e.control(ep, g, payload)
	case name == namePing:
		e.ping(ep, g, index, payload, pings, what)
	default:
		e.print("unknown index %d", index)
		ep.send(g, append([]byte{indexSetup}, operation{kind: "err", index: index}.create()...), e.now)
	}
}

// setup takes an operation inside a sealed frame, and then the multigram that trails it.
func (e *edge) setup(ep *endpoint, g *generation, in []byte, pings *pinger, what string) {
	op, rest, err := readOperation(in)
	if err != nil {
		e.print("drop setup: %v", err)
		return
	}
	switch op.kind {
	case "id":
		e.print("offer of %v", op.entries)
		answer := g.table.grant(op, !g.initiator, ep.offered)
		ep.send(g, append([]byte{indexSetup}, answer.create()...), e.now)
	case "err":
		e.print("error: they have no index %d", op.index)
	}
	if len(rest) > 0 {
		e.multigram(ep, g, rest, pings, what)
	}
}

func (e *edge) control(ep *endpoint, g *generation, in []byte) {
	kind, body, err := readControl(in)
	if err != nil {
		e.print("drop control: %v", err)
		return
	}
	switch kind {
	case controlChallenge:
		ep.send(g, control(controlAnswer, message{}.bytes(1, body.last(1))), e.now)
	case controlClose:
		e.closed(ep, g, body)
	default:
		if ep == e.links {
			e.linkControl(kind, body)
		}
	}
}

func (e *edge) closed(ep *endpoint, g *generation, body fields) {
	what := "link"
	if ep == e.sessions {
		what = "session"
	}
	code := status(body.number[1])
	e.refused = e.refused || code == statusRefused
	e.print("%s closed status=%s text=%q peer=%s", what, code, body.last(2), g.peer)
	ep.end(g)
	e.backOff = min(max(2*e.backOff, time.Second), time.Minute)
	e.notBefore = e.now.Add(e.backOff)
}

// close says goodbye.
func (e *edge) close() {
	bye := control(controlClose, message{}.varint(1, statusShutdown))
	for _, ep := range []*endpoint{e.sessions, e.links} {
		for _, g := range ep.generations {
			if g == ep.of(g.peer) {
				ep.send(g, bye, e.now)
			}
		}
	}
}

func (e *edge) tick(now time.Time) {
	e.now = now
	g := e.links.of(e.router)
	mayDial := now.After(e.notBefore)
	if mayDial && (g == nil || now.Sub(g.lastHeard) > 45*time.Second) && !e.links.handshaking(e.router) {
		e.links.dial(e.router, path{address: e.address}, now)
	}
	e.links.tick(now)
	e.sessions.tick(now)
	if g == nil {
		return
	}
	if mayDial && e.route != nil && e.sessions.of(e.dials) == nil && !e.sessions.handshaking(e.dials) {
		e.sessions.dial(e.dials, path{label: *e.route}, now)
	}
	if !e.reserved && e.reserving.due(now) {
		e.reserve()
	}
	if e.reserved && e.dials != "" && e.route == nil && e.querying.due(now) {
		e.query()
	}
	if now.Sub(g.lastSent) > 15*time.Second {
		e.links.transmit(g.path, g.switched(switchFrame{}, now))
	}
	e.linkPings.tick(e.links, g, now)
	for _, peer := range []peerID{e.dials, e.allows} {
		if s := e.sessions.of(peer); peer != "" && s != nil {
			e.pings.tick(e.sessions, s, now)
			break
		}
	}
}
