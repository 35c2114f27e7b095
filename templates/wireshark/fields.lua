-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- What the kinds of fields have in common, wherever the bytes of a field are.
--
-- A field of a record is { name, kind or element, ... }. `declare(field)` of its kind makes the fields of Wireshark, `read` adds the field
-- to the tree. field.length[1] is the element that its length is.

local MOST_ITEMS = 200000               -- of a tree; Wireshark stops at a million

-- What is known of a message while it is read.
local Context = {}
Context.__index = Context

-- Reports that the schema does not allow something.
function Context:refuse(item, text)
    self.is_valid = false
    item:add_proto_expert_info(self.of.invalid, self.message.name .. ": " .. text)
end

-- A number that belongs to a field, such as its length: the use of an element.
local function number_of(field, suffix, doc)
    return { abbr = field.abbr .. suffix, name = field.name .. suffix, doc = doc .. " " .. field.name .. "." }
end

local function declare_length(field)
    if field.length then
        field.count = number_of(field, "_len", "The length of")
        field.length[1].declare(field.count)
    end
end

local function declare_text(field)
    declare_length(field)
    field.field = declare(field.abbr, field.name, ftypes.STRING, nil, base.NONE, nil, field.doc)
end

-- Several elements: those of u8 are bytes.
local function declare_elements(field, element)
    declare_length(field)
    if element == u8 then
        field.field = declare(field.abbr, field.name, ftypes.BYTES, nil, base.NONE, nil, field.doc)
    else
        element.declare(field)
    end
end

local function add_text(c, tree, field, at, length)
    return tree:add_packet_field(field.field, c.tvb:range(at, length), ENC_UTF_8)
end

local function add_bytes(c, tree, field, at, length)
    local item = tree:add(field.field, c.tvb:range(at, length))
    if length == 0 then
        item:set_text(field.name .. ": (empty)")
    end
    for i = 0, field.low and length - 1 or -1 do
        check_range(c, item, field, c.tvb:range(at + i, 1):uint())
    end
end

-- The position of the first NUL from an offset on, counted from 0; `count` if there is none.
local function nul_in(c, at, count)
    local found = count > 0 and c.tvb:range(at, count):raw():find("\0", 1, true)
    return found and found - 1 or count
end

-- The length of a text without the pad at its end.
local function unpadded(c, at, length, pad)
    while length > 0 and c.tvb:range(at + length - 1, 1):uint() == pad do
        length = length - 1
    end
    return length
end

-- Whether it is the number that means "absent", or a NaN if that is one. The number is a text if the value has 64 bits.
local function is_number(value, number)
    return value == number or tostring(value) == number or value ~= value and number ~= number
end

-- Whether a tree has room for one more element. c.items counts what is in it.
local function has_room(c)
    c.items = c.items + 1
    return c.items <= MOST_ITEMS
end

-- The kind of a field that is one element; defined by each format.
local one

-- Makes the fields of Wireshark for a field of a record, or for an alternative. record: its name in filters.
local function declare_field(record, field)
    field.record, field.abbr, field.name = record, record .. "." .. (field.c or field[1]), field[1]
    field.kind = field[2].read and field[2] or one(field[2])
    field.kind.declare(field)
end

local function declare_alternatives(field, alternatives)
    local names = { [0] = "none" }
    for i, alternative in ipairs(alternatives) do
        names[i] = alternative[1]
        declare_field(field.record, alternative)
    end
    field.which = declare(field.abbr .. "_which", field.name .. "_which", ftypes.UINT8, names, base.DEC, nil, field.doc)
end

-- Adds the number of the alternative that is there, and returns the alternative, if any.
local function add_which(c, tree, field, at, alternatives, is_optional)
    local range = c.tvb:range(at, 1)
    local item, which = tree:add(field.which, range), range:uint()
    if alternatives[which] == nil and (which ~= 0 or not is_optional) then
        c:refuse(item, field.name .. " is none of its alternatives")
    end
    return alternatives[which]
end

local function declare_record(record, abbr)
    record.bit_count = 0
    for _, field in ipairs(record) do
        declare_field(abbr, field)
        if field.bit then
            field.has = declare(abbr .. ".has_" .. (field.c or field[1]), "has_" .. field.name, ftypes.BOOLEAN, nil, 8, 2 ^ (field.bit % 8), nil)
            record.bit_count = record.bit_count + 1
        end
    end
end

-- Whether a bit of no field is set, behind those that say which fields are there.
local function has_unused_bit(c, record, at)
    local last, used_of_last = math.floor(record.bit_count / 8), record.bit_count % 8
    return used_of_last ~= 0 and c.tvb:range(at + last, 1):uint() >= 2 ^ used_of_last
end

-- Adds the bits that say which fields are there.
local function add_bits(c, tree, record, at)
    local item = tree:add(c.tvb:range(at, math.ceil(record.bit_count / 8)), "which fields are there")
    for _, field in ipairs(record) do
        if field.bit then
            item:add(field.has, c.tvb:range(at + math.floor(field.bit / 8), 1))
        end
    end
    if has_unused_bit(c, record, at) then
        c:refuse(item, "a bit that means nothing is set")
    end
end

-- Whether a field is there, by the bits at an offset.
local function is_there(c, field, at)
    return field.bit == nil or has_bit(c.tvb:range(at + math.floor(field.bit / 8), 1):uint(), field.bit % 8)
end

local structs = {}                      -- all of them, with the name in filters

local function declare_struct(use)
    use.field = declare(use.abbr, use.name, ftypes.NONE, nil, base.NONE, nil, use.doc)
end
