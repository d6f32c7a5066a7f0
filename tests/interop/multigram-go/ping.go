// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"encoding/binary"
	"time"
)

// A pinger wants some pings answered (/viaduct/ping/1; switch/SPEC.md, 11).
type pinger struct {
	want, got int
	id        uint64
	bytes     int
	sent      time.Time
	next      time.Time
}

const (
	pingEvery = 50 * time.Millisecond
	pingWaits = time.Second
)

func (p *pinger) start(want int, now time.Time) {
	p.want, p.next = want, now
}

func (p *pinger) done() bool {
	return p.got >= p.want
}

func (p *pinger) tick(ep *endpoint, g *generation, now time.Time) {
	index, is := g.table.indexOf(namePing)
	if !is || p.done() || now.Before(p.next) {
		return
	}
	p.id, p.sent, p.next = random64(), now, now.Add(pingWaits)
	request := binary.BigEndian.AppendUint64([]byte{0}, p.id)
	request = append(request, make([]byte, 16*p.got%512)...)
	p.bytes = len(request)
	ep.send(g, append(binary.AppendUvarint(nil, index), request...), now)
}

// ping takes a request or a reply.
func (e *edge) ping(ep *endpoint, g *generation, index uint64, in []byte, p *pinger, what string) {
	switch {
	case len(in) >= 9 && in[0] == 0:
		reply := append(binary.AppendUvarint(nil, index), 1)
		reply = append(reply, in[1:9]...)
		ep.send(g, binary.BigEndian.AppendUint16(reply, uint16(len(in))), e.now)
		if ep == e.sessions {
			e.print("answered ping bytes=%d", len(in))
		}
	case len(in) == 11 && in[0] == 1 && binary.BigEndian.Uint64(in[1:]) == p.id && !p.sent.IsZero():
		if length := int(binary.BigEndian.Uint16(in[9:])); length != p.bytes {
			e.print("%s of %d bytes: the reply says %d", what, p.bytes, length)
			return
		}
		e.print("%s ok rtt_ms=%.3f", what, float64(e.now.Sub(p.sent).Microseconds())/1000)
		p.got++
		p.next, p.sent = p.sent.Add(pingEvery), time.Time{}
	}
}
