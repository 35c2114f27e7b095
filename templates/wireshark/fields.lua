-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- The kinds of fields. A field of a record is { name, kind, at = its offset, ... }.
--
-- A kind has `declare(field)` and `read(c, tree, field, base, record)`, which adds the field of the record at an offset. field.length
-- is the element that its length is, and its offset. A tail has `extent(c, field, base)`, its bytes, or nil if the message is refused.

local MOST_ITEMS = 200000               -- of a tree; Wireshark stops at a million
local MOST_BYTES = 2 ^ 31 - 1           -- of a message

local function declare_length(field)
    field.count = { abbr = field.abbr .. "_len", name = field.name .. "_len", doc = "The length of " .. field.name .. "." }
    field.length[1].declare(field.count)
end

-- The length of a field.
local function length_of(c, field, base)
    local element, at = field.length[1], field.length[2]
    return element.value(c.tvb:range(base + at, element.bytes))
end

-- Adds the length, and returns it. most: if the length is larger, it is refused and nil.
local function read_length(c, tree, field, base, most)
    local element, at = field.length[1], field.length[2]
    local item, length = element.add(c, tree, field.count, base + at), length_of(c, field, base)
    c:use(base + at, element.bytes)
    if most and length > most then
        c:refuse(item, ("%s has a length of %d, at most %d"):format(field.name, length, most))
        return nil
    end
    return length
end

-- The position of the first NUL from an offset on, counted from 0; `count` if there is none.
local function nul_in(c, at, count)
    local found = count > 0 and c.tvb:range(at, count):raw():find("\0", 1, true)
    return found and found - 1 or count
end

local function add_text(c, tree, field, at, length)
    c:use(at, length)
    return tree:add_packet_field(field, c.tvb:range(at, length), ENC_UTF_8)
end

local function declare_elements(field, element)
    if element == u8 then
        field.field = declare(field.abbr, field.name, ftypes.BYTES, nil, base.NONE, nil, field.doc)
    else
        element.declare(field)
    end
end

-- Adds several elements: bytes as one item, others as a tree.
local function add_elements(c, tree, field, element, at, length)
    local range = c.tvb:range(at, length * element.bytes)
    if element == u8 then
        c:use(at, length)
        local item = tree:add(field.field, range)
        if length == 0 then
            item:set_text(field.name .. ": (empty)")
        end
        for i = 0, field.low and length - 1 or -1 do
            check_range(c, item, field, c.tvb:range(at + i, 1):uint())
        end
        return
    end
    local items = tree:add(range, ("%s (%d)"):format(field.name, length))
    for i = 0, length - 1 do
        if c.items >= MOST_ITEMS then
            items:append_text(", the first " .. i .. " of them")
            c:use(at + i * element.bytes, (length - i) * element.bytes)
            break
        end
        c.items = c.items + 1
        element.add(c, items, field, at + i * element.bytes):prepend_text("[" .. i .. "] ")
    end
    if not element.is_struct then
        c:use(at, length * element.bytes)
    end
end

-- One element.
local function one(element)
    local kind = {}

    function kind.declare(field)
        element.declare(field)
    end

    function kind.read(c, tree, field, base)
        element.add(c, tree, field, base + field.at)
        if not element.is_struct then
            c:use(base + field.at, element.bytes)
        end
    end

    return kind
end

-- A number, one value of which means that it is absent. That of 64 bits is a text.
local function absent(element, number)
    local kind = one(element)
    local read = kind.read

    function kind.read(c, tree, field, base)
        local range = c.tvb:range(base + field.at, element.bytes)
        local value = element.value(range)
        if value == number or tostring(value) == number or value ~= value and number ~= number then
            tree:add(range, ("%s: absent (%s)"):format(field.name, value))
            c:use(base + field.at, element.bytes)
        else
            read(c, tree, field, base)
        end
    end

    return kind
end

local function array(element, count)
    local kind = {}

    function kind.declare(field)
        declare_elements(field, element)
    end

    function kind.read(c, tree, field, base)
        add_elements(c, tree, field, element, base + field.at, count)
    end

    return kind
end

-- A list of at most so many elements.
local function list(element, most)
    local kind = {}

    function kind.declare(field)
        declare_length(field)
        declare_elements(field, element)
    end

    function kind.read(c, tree, field, base)
        local length = read_length(c, tree, field, base, most)
        if length then
            add_elements(c, tree, field, element, base + field.at, length)
        end
    end

    return kind
end

local function declare_text(field)
    field.field = declare(field.abbr, field.name, ftypes.STRING, nil, base.NONE, nil, field.doc)
end

-- A text without a length, filled up with the pad.
local function chars(count, pad)
    local kind = { declare = declare_text }

    function kind.read(c, tree, field, base)
        local at, length = base + field.at, count
        while length > 0 and c.tvb:range(at + length - 1, 1):uint() == pad do
            length = length - 1
        end
        add_text(c, tree, field.field, at, length)
        c:use(at, count)
    end

    return kind
end

-- A text of at most so many characters, with its terminator.
local function text(most)
    local kind = {}

    function kind.declare(field)
        declare_length(field)
        declare_text(field)
    end

    function kind.read(c, tree, field, base)
        local length = read_length(c, tree, field, base, most)
        if length then
            local at = base + field.at
            local item, found = add_text(c, tree, field.field, at, length), nul_in(c, at, most + 1)
            if found ~= length then
                c:refuse(item, ("%s has %d characters, and its length is %d"):format(field.name, found, length))
            end
        end
    end

    return kind
end

-- A field behind the struct: elements.
local function tail(element, most)
    local kind = { is_tail = true, align = element.align }

    function kind.declare(field)
        declare_length(field)
        declare_elements(field, element)
    end

    function kind.extent(c, field, base)
        local length = length_of(c, field, base)
        if length > most then
            return nil, ("%s has %d elements, at most %d"):format(field.name, length, most)
        end
        return length * element.bytes
    end

    function kind.read(c, tree, field, base)
        add_elements(c, tree, field, element, c.places[field], read_length(c, tree, field, base))
    end

    return kind
end

-- A field behind the struct: a text with its terminator.
local function text_tail(most)
    local kind = { is_tail = true, align = 1 }

    function kind.declare(field)
        declare_length(field)
        declare_text(field)
    end

    function kind.extent(c, field, base)
        local length = length_of(c, field, base)
        if length > most then
            return nil, ("%s has %d characters, at most %d"):format(field.name, length, most)
        end
        return length + 1
    end

    function kind.read(c, tree, field, base)
        local length, at = read_length(c, tree, field, base), c.places[field]
        local item, found = add_text(c, tree, field.field, at, length), nul_in(c, at, length + 1)
        if found ~= length then
            c:refuse(item, ("%s has a NUL at %d, and its length is %d"):format(field.name, found, length))
        elseif c.tvb:range(at + length, 1):uint() ~= 0 then
            c:refuse(item, field.name .. " is not terminated")
        end
    end

    return kind
end

-- A field behind the struct: offsets of texts, and the texts. bytes: the most of all together, field.extent: the offset of these bytes.
local function texts(offset, most, longest, most_bytes)
    local kind = { is_tail = true, align = offset.bytes }

    function kind.declare(field)
        declare_length(field)
        field.of_bytes = { abbr = field.abbr .. "_bytes", name = field.name .. "_bytes", doc = "The bytes of " .. field.name .. "." }
        offset.declare(field.of_bytes)
        declare_text(field)
    end

    function kind.extent(c, field, base)
        local length = length_of(c, field, base)
        local bytes = offset.value(c.tvb:range(base + field.extent, offset.bytes))
        if length > most then
            return nil, ("%s has %d elements, at most %d"):format(field.name, length, most)
        elseif bytes > most_bytes then
            return nil, ("%s has more than %d bytes"):format(field.name, most_bytes)
        end
        return bytes
    end

    function kind.read(c, tree, field, base)
        local length = read_length(c, tree, field, base)
        local bytes = offset.value(c.tvb:range(base + field.extent, offset.bytes))
        offset.add(c, tree, field.of_bytes, base + field.extent)
        c:use(base + field.extent, offset.bytes)
        local at = c.places[field]
        local items = tree:add(c.tvb:range(at, bytes), ("%s (%d)"):format(field.name, length))
        local first, count = length * offset.bytes, 0
        c:use(at, bytes)
        while count < length and first < bytes and c.items < MOST_ITEMS do
            local found = nul_in(c, at + first, math.min(bytes - first, longest + 1))
            local place = offset.value(c.tvb:range(at + count * offset.bytes, offset.bytes))
            if place ~= first or found > longest or first + found >= bytes then
                break
            end
            add_text(c, items, field.field, at + first, found):prepend_text("[" .. count .. "] ")
            first, count, c.items = first + found + 1, count + 1, c.items + 1
        end
        if (count ~= length or first ~= bytes) and c.items < MOST_ITEMS then
            c:refuse(items, ("%s[%d] is not where it must be, or not terminated"):format(field.name, count))
        end
    end

    return kind
end

-- Makes the fields of Wireshark for a field of a record, or for an alternative. record: its name in filters.
local function declare_field(record, field)
    field.record, field.abbr, field.name = record, record .. "." .. (field.c or field[1]), field[1]
    field.kind = field[2].read and field[2] or one(field[2])
    field.kind.declare(field)
end

-- One of several fields, which share their bytes. field.which: the offset of the number of the one that is there; 0: none.
local function one_of(is_optional, alternatives)
    local kind = {}

    function kind.declare(field)
        local names = { [0] = "none" }
        for i, alternative in ipairs(alternatives) do
            names[i] = alternative[1]
            declare_field(field.record, alternative)
        end
        field.which_one = { abbr = field.abbr .. "_which", name = field.name .. "_which", doc = "Which alternative is there." }
        field.which_one.field = declare(field.which_one.abbr, field.which_one.name, ftypes.UINT8, names, base.DEC, nil, field.doc)
    end

    function kind.read(c, tree, field, base)
        local range = c.tvb:range(base + field.which, 1)
        local which = range:uint()
        local item = tree:add(field.which_one.field, range)
        c:use(base + field.which, 1)
        if alternatives[which] then
            alternatives[which].kind.read(c, tree, alternatives[which], base)
        elseif which ~= 0 or not is_optional then
            c:refuse(item, field.name .. " is none of its alternatives")
        end
    end

    return kind
end

-- ---- Records: { bytes =, bits = the offset of the bits of optional fields, fields... } ----

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

-- Adds the bits that say which fields are there.
local function read_bits(c, tree, record, base)
    local at, bytes = base + record.bits, math.ceil(record.bit_count / 8)
    local item = tree:add(c.tvb:range(at, bytes), "which fields are there")
    for _, field in ipairs(record) do
        if field.bit then
            item:add(field.has, c.tvb:range(at + math.floor(field.bit / 8), 1))
        end
    end
    local unused = record.bit_count % 8
    if unused ~= 0 and c.tvb:range(at + bytes - 1, 1):uint() >= 2 ^ unused then
        c:refuse(item, "a bit that means nothing is set")
    end
    c:use(at, bytes)
end

local function is_there(c, record, field, base)
    return field.bit == nil or has_bit(c.tvb:range(base + record.bits + math.floor(field.bit / 8), 1):uint(), field.bit % 8)
end

local function read_record(c, tree, record, base)
    if record.bits then
        read_bits(c, tree, record, base)
    end
    for _, field in ipairs(record) do
        if is_there(c, record, field, base) then
            field.kind.read(c, tree, field, base)
        else
            tree:add(c.tvb:range(base + record.bits, 0), field.name .. ": absent")
        end
    end
end

local structs = {}                      -- all of them, with the name in filters

local function struct(name, record)
    local element = { bytes = record.bytes, align = record.align, is_struct = true }
    structs[#structs + 1] = { name, record }

    function element.declare(use)
        use.field = declare(use.abbr, use.name, ftypes.NONE, nil, base.NONE, nil, use.doc)
    end

    function element.add(c, tree, use, at)
        local item = tree:add(use.field, c.tvb:range(at, record.bytes))
        read_record(c, item, record, at)
        return item
    end

    return element
end
