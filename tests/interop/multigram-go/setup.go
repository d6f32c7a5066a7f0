// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"sort"
	"strconv"
)

// Multigram setup (multigram/SPEC.md, 3, 4 and 6).

const (
	namePing   = "/viaduct/ping/1"
	codecCBOR  = 0x51
	setupBytes = 512
	tableMax   = 64
)

// A table maps the negotiated indices, from 16 up, to names.
type table map[uint64]string

const fixedEntries = 6 // of `fixed`

var fixed = table{
	indexSetup: "/multigram-setup/0.2.0", indexHandshake: "/viaduct/handshake/1", indexSealed: "/viaduct/sealed/1",
	indexSwitch: "/viaduct/switch/1", indexReport: "/viaduct/report/1", indexControl: "/viaduct/control/1",
}

// indexOf is the lowest index of a name.
func (t table) indexOf(name string) (uint64, bool) {
	best, found := uint64(0), false
	for index, have := range t {
		if have == name && (!found || index < best) {
			best, found = index, true
		}
	}
	return best, found
}

// An operation is an offer (id), an answer (re) or an error (err).
type operation struct {
	kind    string
	id      []byte
	index   uint64 // of an error
	entries map[uint64]string
}

func head(out []byte, major byte, value uint64) []byte {
	major <<= 5
	switch {
	case value < 24:
		return append(out, major|byte(value))
	case value <= 0xff:
		return append(out, major|24, byte(value))
	case value <= 0xffff:
		return binary.BigEndian.AppendUint16(append(out, major|25), uint16(value))
	case value <= 0xffffffff:
		return binary.BigEndian.AppendUint32(append(out, major|26), uint32(value))
	}
	return binary.BigEndian.AppendUint64(append(out, major|27), value)
}

func text(in string) []byte {
	return append(head(nil, 3, uint64(len(in))), in...)
}

func entryKey(index uint64) string {
	digits := strconv.FormatUint(index, 16)
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	return "0x" + digits
}

func (op operation) create() []byte {
	pairs := [][2][]byte{}
	if op.kind == "err" {
		pairs = append(pairs, [2][]byte{text("err"), head(nil, 0, op.index)})
	} else {
		pairs = append(pairs, [2][]byte{text(op.kind), append(head(nil, 2, 8), op.id...)})
	}
	for index, name := range op.entries {
		pairs = append(pairs, [2][]byte{text(entryKey(index)), text(name)})
	}
	sort.Slice(pairs, func(i, j int) bool { return bytes.Compare(pairs[i][0], pairs[j][0]) < 0 })
	out := head([]byte{codecCBOR}, 5, uint64(len(pairs)))
	for _, pair := range pairs {
		out = append(append(out, pair[0]...), pair[1]...)
	}
	return out
}

// item reads one data item of the kinds that operations have, its head the shortest.
func item(in []byte) (major byte, value uint64, content, rest []byte, err error) {
	err = errMalformed
	if len(in) == 0 {
		return
	}
	major = in[0] >> 5
	info, size := in[0]&31, 0
	if info >= 24 {
		if info > 27 {
			return
		}
		size = 1 << (info - 24)
	}
	if len(in) < 1+size {
		return
	}
	value = uint64(info)
	if size > 0 {
		value = 0
		for _, b := range in[1 : 1+size] {
			value = value<<8 | uint64(b)
		}
	}
	if !bytes.HasPrefix(in, head(nil, major, value)) {
		return
	}
	rest = in[1+size:]
	if major == 2 || major == 3 {
		if value > uint64(len(rest)) {
			return
		}
		content, rest = rest[:value], rest[value:]
	}
	return major, value, content, rest, nil
}

var (
	entryForm = regexp.MustCompile(`^0x([0-9a-f]{2})+$`)
	nameForm  = regexp.MustCompile(`^/[!-~]{0,63}$`)
)

// readOperation reads codec and map; rest is the next multigram.
func readOperation(in []byte) (op operation, rest []byte, err error) {
	if len(in) < 2 || in[0] != codecCBOR {
		return op, nil, fmt.Errorf("codec: %w", errMalformed)
	}
	major, pairs, _, rest, err := item(in[1:])
	if err != nil || major != 5 || pairs > uint64(len(in)) {
		return op, nil, errMalformed
	}
	op.entries = map[uint64]string{}
	before := []byte{}
	for range pairs {
		at := rest
		var key, content []byte
		var value uint64
		if major, _, key, rest, err = item(rest); err != nil || major != 3 {
			return op, nil, errMalformed
		}
		encoded := at[:len(at)-len(rest)]
		if bytes.Compare(before, encoded) >= 0 {
			return op, nil, errMalformed
		}
		before = encoded
		if major, value, content, rest, err = item(rest); err != nil || major != 0 && major != 2 && major != 3 {
			return op, nil, errMalformed
		}
		if err = op.set(string(key), major, value, content); err != nil {
			return op, nil, err
		}
	}
	if op.kind == "" || len(in)-len(rest) > setupBytes || len(op.entries) > 64 || op.kind == "err" && len(op.entries) > 0 {
		return op, nil, errMalformed
	}
	return op, rest, nil
}

func (op *operation) set(key string, major byte, value uint64, content []byte) error {
	switch {
	case key == "id" || key == "re":
		if major != 2 || len(content) != 8 || op.kind != "" {
			return errMalformed
		}
		op.kind, op.id = key, content
	case key == "err":
		if major != 0 || op.kind != "" {
			return errMalformed
		}
		op.kind, op.index = key, value
	case len(key) >= 2 && key[:2] == "0x":
		index, err := strconv.ParseUint(key[2:], 16, 63)
		if !entryForm.MatchString(key) || err != nil || entryKey(index) != key ||
			major != 3 || !nameForm.Match(content) {
			return errMalformed
		}
		op.entries[index] = string(content)
	}
	return nil
}

// grant decides an offer after a handshake: what is granted is in the table then. The side that
// assigns even indices is the handshake's initiator.
func (t table) grant(offer operation, theirsAreEven bool, supported []string) operation {
	answer := operation{kind: "re", id: offer.id, entries: map[uint64]string{}}
	if len(offer.entries) == 0 {
		return t.list(answer)
	}
	for index, name := range offer.entries {
		have, is := t[index]
		switch {
		case is && have == name:
		case is, index < 16, (index%2 == 0) != theirsAreEven:
			continue
		case len(t)+fixedEntries >= tableMax || !contains(supported, name):
			continue
		}
		t[index], answer.entries[index] = name, name
	}
	return answer
}

// list puts the table into an answer, the lowest index first, as far as there is room.
func (t table) list(answer operation) operation {
	for index := range uint64(256) {
		name, is := t[index]
		if !is {
			name, is = fixed[index]
		}
		if !is {
			continue
		}
		answer.entries[index] = name
		if len(answer.create()) > setupBytes {
			delete(answer.entries, index)
			break
		}
	}
	return answer
}

// take adds what an answer grants of our offer, in a handshake.
func (t table) take(offer, answer operation) error {
	if answer.kind != "re" || !bytes.Equal(answer.id, offer.id) {
		return errMalformed
	}
	for index, name := range answer.entries {
		if offer.entries[index] != name {
			return errMalformed
		}
	}
	for index, name := range answer.entries {
		t[index] = name
	}
	return nil
}

func contains(list []string, one string) bool {
	for _, have := range list {
		if have == one {
			return true
		}
	}
	return false
}
