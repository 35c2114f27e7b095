-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- Messages that are sent as they lie in memory: field.at is the offset of a field in its record, field.length[2] that of its length.
--
-- `read(c, tree, field, base)` adds a field of the record at an offset. A tail has `extent(c, field, base)`, its bytes, or nil and why it is
-- refused.

local MOST_BYTES = 2 ^ 31 - 1           -- of a message

-- Marks bytes that hold a value. The others are 0.
local function use(c, at, bytes)
    c.used[#c.used + 1] = { at, at + bytes }
end

local function length_of(c, field, base)
    local element, at = field.length[1], field.length[2]
    return element.value(c.tvb:range(base + at, element.bytes))
end

-- Adds the length, and returns it; nil if it is refused.
local function read_length(c, tree, field, base, most)
    local element, at = field.length[1], field.length[2]
    local item, length = element.add(c, tree, field.count, base + at), length_of(c, field, base)
    use(c, base + at, element.bytes)
    if length > most then
        c:refuse(item, ("%s has a length of %d, at most %d"):format(field.name, length, most))
        return nil
    end
    return length
end

local function read_elements(c, tree, field, element, at, length)
    if not element.is_struct then
        use(c, at, length * element.bytes)
    end
    if element == u8 then
        add_bytes(c, tree, field, at, length)
        return
    end
    local items = tree:add(c.tvb:range(at, length * element.bytes), ("%s (%d)"):format(field.name, length))
    for i = 0, length - 1 do
        if not has_room(c) then
            items:append_text(", of which " .. i .. " are shown")
            use(c, at, length * element.bytes)
            break
        end
        element.add(c, items, field, at + i * element.bytes):prepend_text("[" .. i .. "] ")
    end
end

function one(element)
    local kind = { declare = element.declare }

    function kind.read(c, tree, field, base)
        element.add(c, tree, field, base + field.at)
        if not element.is_struct then
            use(c, base + field.at, element.bytes)
        end
    end

    return kind
end

-- A number, one value of which means that it is absent.
local function absent(element, number)
    local kind = { declare = element.declare }

    function kind.read(c, tree, field, base)
        local range = c.tvb:range(base + field.at, element.bytes)
        local value = element.value(range)
        use(c, base + field.at, element.bytes)
        if is_number(value, number) then
            tree:add(range, ("%s: absent (%s)"):format(field.name, value))
        else
            element.add(c, tree, field, base + field.at)
        end
    end

    return kind
end

local function array(element, count)
    return {
        declare = function(field) declare_elements(field, element) end,
        read = function(c, tree, field, base) read_elements(c, tree, field, element, base + field.at, count) end,
    }
end

-- A list of at most so many elements.
local function list(element, most)
    local kind = {}

    function kind.declare(field)
        declare_elements(field, element)
    end

    function kind.read(c, tree, field, base)
        local length = read_length(c, tree, field, base, most)
        if length then
            read_elements(c, tree, field, element, base + field.at, length)
        end
    end

    return kind
end

-- A text without a length, filled up with the pad.
local function chars(count, pad)
    local kind = { declare = declare_text }

    function kind.read(c, tree, field, base)
        add_text(c, tree, field, base + field.at, unpadded(c, base + field.at, count, pad))
        use(c, base + field.at, count)
    end

    return kind
end

-- A text of at most so many characters, with its terminator.
local function text(most)
    local kind = { declare = declare_text }

    function kind.read(c, tree, field, base)
        local length, at = read_length(c, tree, field, base, most), base + field.at
        if length then
            local item, found = add_text(c, tree, field, at, length), nul_in(c, at, most + 1)
            use(c, at, length)
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
        read_elements(c, tree, field, element, c.places[field], read_length(c, tree, field, base, most))
    end

    return kind
end

-- A field behind the struct: a text with its terminator.
local function text_tail(most)
    local kind = { is_tail = true, align = 1, declare = declare_text }

    function kind.extent(c, field, base)
        local length = length_of(c, field, base)
        if length > most then
            return nil, ("%s has %d characters, at most %d"):format(field.name, length, most)
        end
        return length + 1
    end

    function kind.read(c, tree, field, base)
        local length, at = read_length(c, tree, field, base, most), c.places[field]
        local item, found = add_text(c, tree, field, at, length), nul_in(c, at, length + 1)
        use(c, at, length + 1)
        if found < length then
            c:refuse(item, ("%s has a NUL at %d, and its length is %d"):format(field.name, found, length))
        elseif found > length then
            c:refuse(item, field.name .. " is not terminated")
        end
    end

    return kind
end

-- A field behind the struct: offsets of texts, and the texts. longest: characters of each, most_bytes: of all together. field.extent is the
-- offset of these bytes.
local function texts(offset, most, longest, most_bytes)
    local kind = { is_tail = true, align = offset.bytes }

    local function bytes_of(c, field, base)
        return offset.value(c.tvb:range(base + field.extent, offset.bytes))
    end

    function kind.declare(field)
        field.bytes = number_of(field, "_bytes", "The bytes of")
        offset.declare(field.bytes)
        declare_text(field)
    end

    function kind.extent(c, field, base)
        local length, bytes = length_of(c, field, base), bytes_of(c, field, base)
        if length > most then
            return nil, ("%s has %d elements, at most %d"):format(field.name, length, most)
        elseif bytes > most_bytes then
            return nil, ("%s has more than %d bytes"):format(field.name, most_bytes)
        end
        return bytes
    end

    -- The length of the text at `first` of the tail; nil if the offset is another one, or the text is too long or not terminated.
    local function text_at(c, at, bytes, i, first)
        local found = nul_in(c, at + first, math.min(bytes - first, longest + 1))
        local is_there = offset.value(c.tvb:range(at + i * offset.bytes, offset.bytes)) == first
        return is_there and found <= longest and first + found < bytes and found or nil
    end

    function kind.read(c, tree, field, base)
        local length, bytes, at = read_length(c, tree, field, base, most), bytes_of(c, field, base), c.places[field]
        offset.add(c, tree, field.bytes, base + field.extent)
        use(c, base + field.extent, offset.bytes)
        use(c, at, bytes)
        local items, first, count = tree:add(c.tvb:range(at, bytes), ("%s (%d)"):format(field.name, length)), length * offset.bytes, 0
        while count < length and first < bytes do
            local found = text_at(c, at, bytes, count, first)
            if found == nil then
                break
            elseif has_room(c) then
                add_text(c, items, field, at + first, found):prepend_text("[" .. count .. "] ")
            end
            first, count = first + found + 1, count + 1
        end
        if count ~= length or first ~= bytes then
            c:refuse(items, ("%s[%d] is not where it must be, or not terminated"):format(field.name, count))
        end
    end

    return kind
end

-- One of several fields, which share their bytes. field.number: the offset of the number of the one that is there; 0: none.
local function one_of(is_optional, alternatives)
    local kind = {}

    function kind.declare(field)
        declare_alternatives(field, alternatives)
    end

    function kind.read(c, tree, field, base)
        local alternative = add_which(c, tree, field, base + field.number, alternatives, is_optional)
        use(c, base + field.number, 1)
        if alternative then
            alternative.kind.read(c, tree, alternative, base)
        end
    end

    return kind
end

-- record.bits: the offset of the bits of optional fields.
local function read_record(c, tree, record, base)
    c.items = c.items + #record + record.bit_count
    local bits = record.bits and base + record.bits
    if bits then
        add_bits(c, tree, record, bits)
        use(c, bits, math.ceil(record.bit_count / 8))
    end
    for _, field in ipairs(record) do
        if is_there(c, field, bits) then
            field.kind.read(c, tree, field, base)
        else
            tree:add(c.tvb:range(bits, 0), field.name .. ": absent")
        end
    end
end

local function struct(name, record)
    local element = { bytes = record.bytes, align = record.align, is_struct = true, declare = declare_struct }
    structs[#structs + 1] = { name, record }

    function element.add(c, tree, use, at)
        local item = tree:add(use.field, c.tvb:range(at, record.bytes))
        read_record(c, item, record, at)
        return item
    end

    return element
end

-- The size of the message at an offset. nil and how many bytes are missing, or nil, 0 and why it is refused.
local function measure(c, message, base)
    local size, left = message.bytes, c.tvb:len() - base
    if left < size then
        return nil, size - left
    end
    c.places, c.used = {}, {}
    for _, field in ipairs(message) do
        local kind = field.kind
        if kind.is_tail then
            local extent, refusal = kind.extent(c, field, base)
            if extent == nil then
                return nil, 0, refusal
            end
            size = math.ceil(size / kind.align) * kind.align
            c.places[field] = base + size
            size = size + extent
        end
    end
    if size > MOST_BYTES then
        return nil, 0, "it has more bytes than a message can have"
    elseif left < size then
        return nil, size - left
    end
    return size
end

-- What to wait for in a stream.
local function awaited(_, missing)
    return missing
end

-- Reports bytes that hold no value and are not 0.
local function check_unused(c, tree, base, size)
    local at = base
    table.sort(c.used, function(a, b) return a[1] < b[1] end)
    use(c, base + size, 0)
    for _, used in ipairs(c.used) do
        local found = used[1] > at and c.tvb:range(at, used[1] - at):raw():find("[^%z]")
        if found then
            local item = tree:add(c.of.padding, c.tvb:range(at, used[1] - at))
            c:refuse(item, ("byte %d holds no value, and is not 0"):format(at - base + found - 1))
        end
        at = math.max(at, used[2])
    end
end

local function read_fields(c, tree, message, base, size)
    use(c, base, c.of.tag.bytes)
    read_record(c, tree, message, base)
    if c.is_valid then
        check_unused(c, tree, base, size)
    end
end
