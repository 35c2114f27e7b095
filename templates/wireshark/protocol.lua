-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- What Wireshark knows of a protocol.

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

    connect(of)
end
