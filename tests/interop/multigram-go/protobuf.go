// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"encoding/binary"
	"errors"
)

var errMalformed = errors.New("malformed")

// A message is a protobuf message as it is written: fields are appended in order.
type message []byte

func (m message) varint(field, value uint64) message {
	if value == 0 {
		return m
	}
	return binary.AppendUvarint(binary.AppendUvarint(m, field<<3), value)
}

func (m message) bytes(field uint64, value []byte) message {
	m = binary.AppendUvarint(m, field<<3|2)
	return append(binary.AppendUvarint(m, uint64(len(value))), value...)
}

func (m message) fixed64(field, value uint64) message {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(m, field<<3|1), value)
}

// Fields are what was read: numbers by field, and byte strings in the order they came.
type fields struct {
	number map[uint64]uint64
	bytes  map[uint64][][]byte
}

func (f fields) last(field uint64) []byte {
	if all := f.bytes[field]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

func readFields(in []byte) (fields, error) {
	out := fields{map[uint64]uint64{}, map[uint64][][]byte{}}
	for len(in) > 0 {
		key, n := binary.Uvarint(in)
		if n <= 0 {
			return out, errMalformed
		}
		in = in[n:]
		switch key & 7 {
		case 0:
			value, n := binary.Uvarint(in)
			if n <= 0 {
				return out, errMalformed
			}
			out.number[key>>3], in = value, in[n:]
		case 1:
			if len(in) < 8 {
				return out, errMalformed
			}
			out.number[key>>3], in = binary.LittleEndian.Uint64(in), in[8:]
		case 2:
			length, n := binary.Uvarint(in)
			if n <= 0 || length > uint64(len(in)-n) {
				return out, errMalformed
			}
			out.bytes[key>>3] = append(out.bytes[key>>3], in[n:n+int(length)])
			in = in[n+int(length):]
		case 5:
			if len(in) < 4 {
				return out, errMalformed
			}
			in = in[4:]
		default:
			return out, errMalformed
		}
	}
	return out, nil
}
