-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- viaduct: Wireshark dissector of what two Viaduct nodes say over UDP.
--
-- Use: wireshark -X lua_script:packaging/wireshark/viaduct.lua, or copy it into the folder of
-- "Personal Lua Plugins" (Help, About, Folders). Filters: viaduct.index, viaduct.handshake.type,
-- viaduct.receiver, viaduct.label, viaduct.used, viaduct.class, viaduct.report.code, ...
--
-- Section numbers are those of switch/SPEC.md. Sealed bytes stay sealed: there are no keys here.
-- Cut packets (`viaduct capture` keeps 256 bytes of a frame) are shown as far as they go.

local viaduct = Proto("viaduct", "Viaduct")

viaduct.prefs.port = Pref.uint("UDP port", 4001, "Where multigrams are looked for")

local INDEX = {
	[4] = "handshake", [5] = "sealed", [6] = "switch", [7] = "report",
}
local TYPE = { [1] = "message 1", [2] = "message 2", [3] = "message 3", [4] = "cookie" }
local CODE = {
	[0] = "lost", [1] = "unknown director", [2] = "exhausted", [3] = "not permitted",
	[4] = "over rate", [5] = "too big",
}
local ECN = { [0] = "not ECT", [1] = "ECT(1)", [2] = "ECT(0)", [3] = "CE" }

local f = {
	index = ProtoField.uint8("viaduct.index", "Multigram index", base.DEC, INDEX),
	handshake_type = ProtoField.uint8("viaduct.handshake.type", "Type", base.DEC, TYPE),
	sender = ProtoField.uint32("viaduct.sender", "Sender index", base.HEX),
	receiver = ProtoField.uint32("viaduct.receiver", "Receiver index", base.HEX),
	e = ProtoField.bytes("viaduct.handshake.e", "Ephemeral key"),
	s = ProtoField.bytes("viaduct.handshake.s", "Static key, encrypted"),
	payload = ProtoField.bytes("viaduct.handshake.payload", "Noise payload"),
	cookie = ProtoField.bytes("viaduct.handshake.cookie", "Cookie"),
	e_hash = ProtoField.bytes("viaduct.cookie.e_hash", "SHA-256(e), first 8 bytes"),
	mac = ProtoField.bytes("viaduct.cookie.mac", "MAC"),
	counter = ProtoField.uint64("viaduct.counter", "Counter", base.DEC),
	ciphertext = ProtoField.bytes("viaduct.sealed.ciphertext", "Ciphertext"),
	seal = ProtoField.bytes("viaduct.sealed.tag", "Tag"),
	label = ProtoField.uint64("viaduct.label", "Label", base.HEX),
	flags = ProtoField.uint8("viaduct.flags", "Flags", base.HEX),
	flag_error = ProtoField.bool("viaduct.flags.error", "Error", 8, nil, 0x80),
	used = ProtoField.uint8("viaduct.used", "Used bits", base.DEC),
	class = ProtoField.uint8("viaduct.class", "Traffic class", base.HEX),
	dscp = ProtoField.uint8("viaduct.class.dscp", "DSCP", base.DEC, nil, 0xfc),
	ecn = ProtoField.uint8("viaduct.class.ecn", "ECN", base.DEC, ECN, 0x03),
	reserved = ProtoField.uint8("viaduct.reserved", "Reserved", base.HEX),
	tag = ProtoField.bytes("viaduct.tag", "Tag of this hop"),
	keepalive = ProtoField.bool("viaduct.keepalive", "Keepalive"),
	code = ProtoField.uint8("viaduct.report.code", "Code", base.DEC, CODE),
	limit = ProtoField.uint16("viaduct.report.limit", "Largest payload", base.DEC),
	report_used = ProtoField.uint8("viaduct.report.used", "Used bits, of what was dropped", base.DEC),
	director = ProtoField.uint24("viaduct.report.director", "Director", base.HEX),
	echo = ProtoField.bytes("viaduct.report.echo", "Echo"),
	lost_index = ProtoField.uint32("viaduct.report.index", "Receiver index that is not known", base.HEX),
	lost_counter = ProtoField.uint64("viaduct.report.counter", "Counter of that frame", base.DEC),
}
viaduct.fields = f

local malformed = ProtoExpert.new("viaduct.malformed", "Malformed multigram", expert.group.MALFORMED,
	expert.severity.ERROR)
local cut = ProtoExpert.new("viaduct.cut", "The rest was not captured", expert.group.UNDECODED,
	expert.severity.CHAT)
viaduct.experts = { malformed, cut }

-- ---- a reader that stops where the captured bytes end ----

local Reader = {}
Reader.__index = Reader

local function reader(tvb, at, tree)
	return setmetatable({ tvb = tvb, at = at, tree = tree }, Reader)
end

-- Adds a field of n bytes; nil once there are no more.
function Reader:add(field, n)
	if self.over or self.at + n > self.tvb:captured_len() then
		if not self.over and n > 0 then
			self.tree:add_proto_expert_info(cut)
		end
		self.over = true
		return nil
	end
	if n == 0 then
		return nil
	end
	local range = self.tvb(self.at, n)
	self.at = self.at + n
	return range, self.tree:add(field, range)
end

-- How many bytes the frame still has, captured or not.
function Reader:left()
	return self.tvb:reported_len() - self.at
end

-- Adds all but the last n bytes, as far as they were captured.
function Reader:all_but(field, n)
	local want = self:left() - n
	local have = math.min(want, self.tvb:captured_len() - self.at)
	if want > 0 and have > 0 then
		self:add(field, have)
	end
	if have < want then
		self.over = true
		self.tree:add_proto_expert_info(cut)
	end
end

-- ---- frames; `where` is "link" or "session" ----

local frame -- below

-- 3.1
local function handshake(r)
	local kind = r:add(f.handshake_type, 1)
	local sender = r:add(f.sender, 4)
	local receiver = r:add(f.receiver, 4)
	if not receiver then
		return "handshake"
	end
	kind = kind:uint()
	if kind == 1 then
		r:add(f.e, 32)
		r:all_but(f.payload, 16)
		r:add(f.cookie, 16)
	elseif kind == 2 then
		r:add(f.e, 32)
		r:add(f.s, 48)
		r:all_but(f.payload, 0)
	elseif kind == 3 then
		r:add(f.s, 48)
		r:all_but(f.payload, 0)
	elseif kind == 4 then
		r:add(f.e_hash, 8)
		r:add(f.mac, 16)
	else
		r.tree:add_proto_expert_info(malformed)
	end
	return string.format("handshake %s %08x > %08x", TYPE[kind] or kind, sender:uint(), receiver:uint())
end

-- 5
local function sealed(r)
	local receiver = r:add(f.receiver, 4)
	local counter = r:add(f.counter, 8)
	r:all_but(f.ciphertext, 16)
	r:add(f.seal, 16)
	return receiver and counter and
		string.format("sealed %08x #%s", receiver:uint(), tostring(counter:uint64())) or "sealed"
end

-- 4 (lost) and 10
local function report(r)
	local code = r:add(f.code, 1)
	if not code then
		return "report"
	end
	if code:uint() == 0 then
		r:add(f.lost_index, 4)
		r:add(f.lost_counter, 8)
	else
		r:add(f.limit, 2)
		r:add(f.report_used, 1)
		r:add(f.director, 3)
		r:add(f.echo, 8)
	end
	return "report: " .. (CODE[code:uint()] or code:uint())
end

-- 6.1
local function switch(r)
	local receiver = r:add(f.receiver, 4)
	r:add(f.counter, 8)
	local label = r:add(f.label, 8)
	local flags, flags_tree = r:add(f.flags, 1)
	if flags then
		flags_tree:add(f.flag_error, flags)
	end
	local used = r:add(f.used, 1)
	local class, class_tree = r:add(f.class, 1)
	if class then
		class_tree:add(f.dscp, class)
		class_tree:add(f.ecn, class)
	end
	r:add(f.reserved, 1)
	if not r:add(f.tag, 8) then
		return "switch"
	end
	local text = string.format("switch %08x label %s used %d", receiver:uint(),
		tostring(label:uint64():tohex()), used:uint())
	if r:left() == 0 then
		r.tree:add(f.keepalive, true):set_generated()
		return text .. ", keepalive"
	end
	local inner = frame(r.tvb, r.at, r.tree, "session")
	return text .. (inner and ", " .. inner or "")
end

local DISSECT = { [4] = handshake, [5] = sealed, [6] = switch, [7] = report }
-- The shortest frame of each; a report in a session is told by its code.
local SHORTEST = { [4] = 34, [5] = 29, [6] = 33, [7] = 14 }

frame = function(tvb, at, parent, where)
	if at >= tvb:captured_len() then
		return nil
	end
	local index = tvb(at, 1):uint()
	local tree = parent:add(viaduct, tvb(at), where == "link" and "Viaduct" or "Viaduct, in the switch frame")
	tree:add(f.index, tvb(at, 1))
	tree:append_text(", " .. (INDEX[index] or "unknown"))
	if not DISSECT[index] or (index == 6 and where == "session") or
		tvb:reported_len() - at < SHORTEST[index] then
		tree:add_proto_expert_info(malformed)
		return "malformed"
	end
	return DISSECT[index](reader(tvb, at + 1, tree))
end

function viaduct.dissector(tvb, pinfo, tree)
	if tvb:captured_len() == 0 or not INDEX[tvb(0, 1):uint()] then
		return 0 -- QUIC, STUN: multigram/SPEC.md, 2
	end
	pinfo.cols.protocol = "Viaduct"
	pinfo.cols.info = frame(tvb, 0, tree, "link") or ""
	return tvb:captured_len()
end

-- 1,024 bytes that begin as message 1 does: nothing else looks so on another port.
local function is_message_1(tvb)
	return tvb:reported_len() >= 1024 and tvb:captured_len() >= 10 and tvb(0, 1):uint() == 4 and
		tvb(1, 1):uint() == 1 and tvb(2, 4):uint() ~= 0 and tvb(6, 4):uint() == 0
end

local function heuristic(tvb, pinfo, tree)
	local port = viaduct.prefs.port
	if tvb:captured_len() == 0 then
		return false
	end
	local index = tvb(0, 1):uint()
	if pinfo.src_port == port or pinfo.dst_port == port then
		if not INDEX[index] or tvb:reported_len() < SHORTEST[index] then
			return false
		end
	elseif is_message_1(tvb) then
		pinfo.conversation = viaduct -- what follows between the two is ours, too
	else
		return false
	end
	viaduct.dissector(tvb, pinfo, tree)
	return true
end

viaduct:register_heuristic("udp", heuristic)
