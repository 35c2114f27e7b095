-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- Messages that follow each other, each with its tag: in streams, and in datagrams.

-- The message at an offset, by its tag. nil and how many bytes are missing, 0 if no message has the tag.
local function message_at(of, tvb, tree, base)
    local left = tvb:len() - base
    if left < of.tag.bytes then
        return nil, of.tag.bytes - left
    end
    local tag = of.tag.value(tvb:range(base, of.tag.bytes))
    if of.messages[tag] == nil then
        show_fault(of, tvb, tree, base, nil, of.unknown, ("No message has the tag %d"):format(tag))
    end
    return of.messages[tag], 0
end

-- The dissector: messages that follow each other. The last can be cut off: in a stream, the rest is awaited.
local function dissect(of, tvb, pinfo, tree)
    local at, names, items = 0, {}, 0
    while at and at < tvb:len() do
        local message, missing = message_at(of, tvb, tree, at)
        local c, size = setmetatable({ of = of, tvb = tvb, message = message, items = items, is_valid = true }, Context), nil
        if message then
            size, missing = read_message(c, tree, message, at)
        end
        local is_cut_off = size == nil and missing > 0
        if is_cut_off and pinfo.can_desegment > 0 then
            pinfo.desegment_offset, pinfo.desegment_len = at, awaited(message, missing)
            break
        elseif is_cut_off then
            show_fault(of, tvb, tree, at, message, of.truncated, "The message is cut off")
        end
        names[#names + 1] = (message and message.name or "no message") .. (is_cut_off and " (cut off)" or "")
        at, items = size and at + size, c.items + 2
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

-- Lists the dissector where Wireshark looks for one.
local function connect(of)
    follow_ports(of)
    for _, dissectors in ipairs({ "tcp.port", "udp.port", "tls.port" }) do
        DissectorTable.get(dissectors):add_for_decode_as(of.proto)
    end
    DissectorTable.get("ws.protocol"):add(of.name, of.proto)
end
