-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- Messages in bytes: where one ends, its tree, and packets with several, or with a part of one.

local Context = {}
Context.__index = Context

-- Reports that the schema does not allow something.
function Context:refuse(item, text)
    self.is_valid = false
    item:add_proto_expert_info(self.of.invalid, self.message.name .. ": " .. text)
end

-- Marks bytes that hold a value.
function Context:use(at, bytes)
    self.used[#self.used + 1] = { at, at + bytes }
end

-- Where each tail begins, and the size of the message at an offset. nil and a text if it is invalid.
local function place_tails(c, message, base)
    local size = message.bytes
    c.places = {}
    for _, field in ipairs(message) do
        if field.kind.is_tail then
            local extent, refusal = field.kind.extent(c, field, base)
            if extent == nil then
                return nil, refusal
            end
            size = math.ceil(size / field.kind.align) * field.kind.align
            c.places[field] = base + size
            size = size + extent
        end
    end
    if size > MOST_BYTES then
        return nil, "it has more bytes than a message can have"
    end
    return size
end

-- Bytes that hold no value are 0.
local function check_unused(c, tree, base, size)
    local at = base
    table.sort(c.used, function(a, b) return a[1] < b[1] end)
    c.used[#c.used + 1] = { base + size, base + size }
    for _, used in ipairs(c.used) do
        if used[1] > at then
            local found = c.tvb:range(at, used[1] - at):raw():find("[^%z]")
            if found then
                c:refuse(tree:add(c.of.padding, c.tvb:range(at, used[1] - at)), ("byte %d holds no value, and is not 0"):format(at - base + found - 1))
            end
        end
        at = math.max(at, used[2])
    end
end

-- Reads the message at an offset. Returns its size; nil, and how many bytes are missing, 0 if no message can follow.
local function read_message(of, tvb, tree, base, items)
    local left = tvb:len() - base
    local function fail(text, expert, message)
        local item = tree:add(of.proto, tvb:range(base))
        item:set_text(of.name .. (message and ", " .. message.name or ""))
        item:add_proto_expert_info(expert, text)
    end

    if left < of.tag.bytes then
        return nil, of.tag.bytes - left, function() fail("The tag is cut off", of.truncated) end
    end
    local tag = of.tag.value(tvb:range(base, of.tag.bytes))
    local message = of.messages[tag]
    if message == nil then
        fail(("No message has the tag %d"):format(tag), of.unknown)
        return nil, 0
    end
    local function cut_off()
        fail("The message is cut off", of.truncated, message)
    end
    if left < message.bytes then
        return nil, message.bytes - left, cut_off, message
    end
    local c = setmetatable({ of = of, tvb = tvb, message = message, used = {}, items = items, is_valid = true }, Context)
    local size, refusal = place_tails(c, message, base)
    if size == nil then
        fail(message.name .. ": " .. refusal, of.invalid, message)
        return nil, 0, nil, message
    elseif left < size then
        return nil, size - left, cut_off, message
    end
    local item = tree:add(of.proto, tvb:range(base, size))
    item:set_text(of.name .. ", " .. message.name)
    add_item(item, of.tag_field, tvb:range(base, of.tag.bytes))
    c:use(base, of.tag.bytes)
    read_record(c, item, message, base)
    if c.is_valid then
        check_unused(c, item, base, size)
    end
    return size, 0, nil, message, c.items + 10
end

-- Shows the names of messages behind those that earlier bytes of the packet had.
local function show_names(of, pinfo, names)
    if #names == 0 then
        return
    end
    pinfo.cols.protocol = of.name:upper()
    if pinfo.private[of.name] then
        pinfo.cols.info:append(", ")
    else
        pinfo.cols.info:set("")
        pinfo.private[of.name] = "shown"
    end
    pinfo.cols.info:append(table.concat(names, ", "))
    pinfo.cols.info:fence()
end

-- The dissector: messages that follow each other. The last can be cut off: in a stream, the rest is awaited.
local function dissect(of, tvb, pinfo, tree)
    local at, names, items = 0, {}, 0
    while at < tvb:len() do
        local size, missing, cut_off, message, used = read_message(of, tvb, tree, at, items)
        if size == nil and missing > 0 and pinfo.can_desegment > 0 then
            pinfo.desegment_offset, pinfo.desegment_len = at, missing
            break
        end
        names[#names + 1] = (message and message.name or "no message") .. (cut_off and " (cut off)" or "")
        if cut_off then
            cut_off()
        end
        if size == nil then
            break
        end
        at, items = at + size, used
    end
    show_names(of, pinfo, names)
    return tvb:len()
end

-- Follows the preferences, which name the ports.
local function follow_ports(of)
    local tables = { tcp_ports = "tcp.port", udp_ports = "udp.port", zmtp_ports = "zmtp.protocol" }
    local followed = {}
    of.proto.prefs.tcp_ports = Pref.range("TCP ports", "", "Ports whose streams consist of messages.", 65535)
    of.proto.prefs.udp_ports = Pref.range("UDP ports", "", "Ports whose datagrams consist of messages.", 65535)
    of.proto.prefs.zmtp_ports = Pref.range("ZeroMQ ports", "", "Ports of ZeroMQ whose frames consist of messages.", 65535)

    function of.proto.prefs_changed()
        for name, dissectors in pairs(tables) do
            local ports, table_of_ports = of.proto.prefs[name], DissectorTable.get(dissectors)
            if table_of_ports and followed[name] ~= ports then
                if followed[name] then
                    table_of_ports:remove(followed[name], of.proto)
                end
                followed[name] = ports ~= "" and ports or nil
                if followed[name] then
                    table_of_ports:add(ports, of.proto)
                end
            end
        end
    end
end

-- Makes the protocol known to Wireshark. tag: the element that it is. messages: by their tags.
local function register(name, doc, tag, messages)
    local of = { name = name, tag = tag, messages = messages }
    local title = doc and name .. ": " .. doc or name
    local is_free, proto = pcall(Proto.new, name, title)
    if not is_free then                 -- Wireshark has a protocol of that name
        of.name = name .. "_"
        proto = Proto.new(of.name, title)
    end
    of.proto = proto

    for _, each in ipairs(structs) do
        declare_record(each[2], of.name .. "." .. each[1])
    end
    local names = {}
    for number, message in pairs(messages) do
        names[number] = message.name
        declare_record(message, of.name .. "." .. message.c)
    end
    of.tag_field = declare(of.name .. ".tag", "tag", tag.kind, names, base.DEC, nil, "Which message it is.")
    of.padding = declare(of.name .. ".padding", "padding", ftypes.BYTES, nil, base.NONE, nil, "Bytes that hold no value.")
    of.invalid = ProtoExpert.new(of.name .. ".invalid", "The schema does not allow it", expert.group.MALFORMED, expert.severity.ERROR)
    of.unknown = ProtoExpert.new(of.name .. ".unknown_tag", "No message has the tag", expert.group.MALFORMED, expert.severity.ERROR)
    of.truncated = ProtoExpert.new(of.name .. ".truncated", "The message is cut off", expert.group.MALFORMED, expert.severity.ERROR)
    proto.fields = fields
    proto.experts = { of.invalid, of.unknown, of.truncated }

    function proto.dissector(tvb, pinfo, tree)
        return dissect(of, tvb, pinfo, tree)
    end

    follow_ports(of)
    for _, dissectors in ipairs({ "tcp.port", "udp.port", "tls.port" }) do
        DissectorTable.get(dissectors):add_for_decode_as(proto)
    end
    DissectorTable.get("ws.protocol"):add(of.name, proto)
end
