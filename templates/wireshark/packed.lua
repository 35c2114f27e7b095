-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- Messages that are packed: their fields follow each other.
--
-- `read(c, tree, field)` adds the field at c.at, and moves that behind it. Without a tree it only does the latter: that is how a message is
-- measured. Then it stops where bytes are missing. `least(field)` is the least bytes of a field.

local u24, i24 = number(ftypes.UINT24, 3, "uint"), number(ftypes.INT24, 3, "int")
local u48, i48 = number(ftypes.UINT64, 6, "uint64"), number(ftypes.INT64, 6, "int64")

-- Stop the measuring.
local function miss(bytes)
    error({ missing = bytes }, 0)
end

local function stop(refusal, ...)
    error({ missing = 0, refusal = refusal:format(...) }, 0)
end

-- Moves behind bytes, and returns where they are.
local function take(c, bytes)
    local at, left = c.at, c.tvb:len() - c.at
    if bytes > left then
        miss(bytes - left)
    end
    c.at = at + bytes
    return at
end

-- Reads a number that is a length, and returns it and its place.
local function take_length(c, field, element, most)
    local at = take(c, element.bytes)
    local length = element.value(c.tvb:range(at, element.bytes))
    if length > most then
        stop("%s has a length of %d, at most %d", field.name, length, most)
    end
    return length, at
end

local function read_element(c, tree, use, element)
    if element.is_struct then
        return element.walk(c, tree, use)
    end
    local at = take(c, element.bytes)
    return tree and element.add(c, tree, use, at)
end

-- How many elements are left, if the last can be cut off.
local function elements_left(c, element)
    if not element.is_struct then
        return math.ceil((c.tvb:len() - c.at) / element.bytes)
    end
    local begin, count = c.at, 0
    while c.at < c.tvb:len() do
        read_element(c, nil, nil, element)
        count = count + 1
    end
    c.at = begin
    return count
end

-- The length of a field of elements. One without a length takes the rest.
local function read_length(c, tree, field, most, element)
    if field.length then
        local length, at = take_length(c, field, field.length[1], most)
        if tree then
            field.length[1].add(c, tree, field.count, at)
        end
        return length
    end
    local length = elements_left(c, element)
    if length > most then
        stop("%s has a length of %d, at most %d", field.name, length, most)
    end
    return length
end

local function least_of_length(field)
    return field.length and field.length[1].bytes or 0
end

-- The least bytes of a record.
local function least_of(record)
    if record.least == nil then
        record.least = math.ceil(record.bit_count / 8)
        for _, field in ipairs(record) do
            record.least = record.least + (field.bit and 0 or field.kind.least(field))
        end
    end
    return record.least
end

local function least_of_element(element)
    return element.is_struct and least_of(element.record) or element.bytes
end

-- Whether a record always has the same bytes. Kinds that always have the same number of elements have `element`.
local function is_fixed(record)
    if record.is_fixed == nil then
        record.is_fixed = record.bit_count == 0
        for _, field in ipairs(record) do
            local element = field.kind.element
            record.is_fixed = record.is_fixed and element ~= nil and (not element.is_struct or is_fixed(element.record))
        end
    end
    return record.is_fixed
end

-- What to wait for in a stream. Of a message that has any length, only the least is known; then it is the next segment. Wireshark cannot
-- wait for some bytes first, and then for a segment: the rest of the segment that has these bytes would be left out.
local function awaited(message, missing)
    return message and is_fixed(message) and missing or DESEGMENT_ONE_MORE_SEGMENT
end

local function read_elements(c, tree, field, element, length)
    if tree == nil and (not element.is_struct or is_fixed(element.record)) then
        take(c, length * least_of_element(element))
        return
    elseif tree and element == u8 then
        add_bytes(c, tree, field, take(c, length), length)
        return
    end
    local first, items = c.at, tree and tree:add(c.tvb:range(c.at, 0), ("%s (%d)"):format(field.name, length))
    for i = 0, length - 1 do
        local shown = items and has_room(c) and items
        local item = read_element(c, shown, field, element)
        if shown then
            item:prepend_text("[" .. i .. "] ")
        end
    end
    if items then
        items:set_len(c.at - first)
    end
end

function one(element)
    return {
        element = element,
        declare = element.declare,
        least = function() return least_of_element(element) end,
        read = function(c, tree, field) read_element(c, tree, field, element) end,
    }
end

-- A number, one value of which means that it is absent.
local function absent(element, number)
    local kind = { element = element, declare = element.declare }

    function kind.least()
        return element.bytes
    end

    function kind.read(c, tree, field)
        local at = take(c, element.bytes)
        local range = c.tvb:range(at, element.bytes)
        local value = element.value(range)
        if tree and is_number(value, number) then
            tree:add(range, ("%s: absent (%s)"):format(field.name, value))
        elseif tree then
            element.add(c, tree, field, at)
        end
    end

    return kind
end

local function array(element, count)
    return {
        element = element,
        declare = function(field) declare_elements(field, element) end,
        least = function() return count * least_of_element(element) end,
        read = function(c, tree, field) read_elements(c, tree, field, element, count) end,
    }
end

-- At most so many elements.
local function list(element, most)
    local kind = { least = least_of_length }

    function kind.declare(field)
        declare_elements(field, element)
    end

    function kind.read(c, tree, field)
        read_elements(c, tree, field, element, read_length(c, tree, field, most, element))
    end

    return kind
end

-- A text without a length, filled up with the pad.
local function chars(count, pad)
    local kind = { element = char, declare = declare_text }

    function kind.least()
        return count
    end

    function kind.read(c, tree, field)
        local at = take(c, count)
        if tree then
            add_text(c, tree, field, at, unpadded(c, at, count, pad)):set_len(count)
        end
    end

    return kind
end

-- A text of at most so many characters.
local function text(most)
    local kind = { declare = declare_text, least = least_of_length }

    function kind.read(c, tree, field)
        local length = read_length(c, tree, field, most, char)
        local at = take(c, length)
        local item, nul = tree and add_text(c, tree, field, at, length), nul_in(c, at, length)
        if item and nul < length then
            c:refuse(item, ("%s has a NUL at %d"):format(field.name, nul))
        end
    end

    return kind
end

-- A list of texts, each with a length of its own. longest: characters of each.
local function texts(length, most, longest)
    local kind = { declare = declare_text, least = least_of_length }

    function kind.read(c, tree, field)
        local count, first = read_length(c, tree, field, most), c.at
        local items = tree and tree:add(c.tvb:range(c.at, 0), ("%s (%d)"):format(field.name, count))
        for i = 0, count - 1 do
            local characters, length_at = take_length(c, field, length, longest)
            local at = take(c, characters)
            if nul_in(c, at, characters) < characters then
                stop("%s[%d] has a NUL", field.name, i)
            elseif items and has_room(c) then
                items:add(c.tvb:range(length_at, length.bytes), ("length: %d"):format(characters))
                add_text(c, items, field, at, characters):prepend_text("[" .. i .. "] ")
            end
        end
        if items then
            items:set_len(c.at - first)
        end
    end

    return kind
end

-- One of several fields, behind the number of the one that is there; 0: none.
local function one_of(is_optional, alternatives)
    local kind = {}

    function kind.declare(field)
        declare_alternatives(field, alternatives)
    end

    function kind.least()
        return 1
    end

    function kind.read(c, tree, field)
        local at = take(c, 1)
        local which = c.tvb:range(at, 1):uint()
        local alternative = alternatives[which]
        if alternative == nil and (which ~= 0 or not is_optional) then
            stop("%s is none of its alternatives", field.name)
        end
        if tree then
            add_which(c, tree, field, at, alternatives, is_optional)
        end
        if alternative then
            alternative.kind.read(c, tree, alternative)
        end
    end

    return kind
end

local function read_record(c, tree, record)
    local bits = take(c, math.ceil(record.bit_count / 8))
    if has_unused_bit(c, record, bits) then
        stop("a bit that means nothing is set")
    elseif tree and record.bit_count > 0 then
        add_bits(c, tree, record, bits)
    end
    c.items = c.items + (tree and #record + record.bit_count or 0)
    for _, field in ipairs(record) do
        if is_there(c, field, bits) then
            field.kind.read(c, tree, field)
        elseif tree then
            tree:add(c.tvb:range(bits, 0), field.name .. ": absent")
        end
    end
end

local function struct(name, record)
    local element = { is_struct = true, declare = declare_struct, record = record }
    structs[#structs + 1] = { name, record }

    function element.walk(c, tree, use)
        local at, item = c.at, tree and tree:add(use.field, c.tvb:range(c.at, 0))
        read_record(c, item, record)
        if item then
            item:set_len(c.at - at)
        end
        return item
    end

    return element
end

-- The size of the message at an offset. nil and how many bytes are missing, or nil, 0 and why it is refused.
local function measure(c, message, base)
    c.at = base + c.of.tag.bytes
    local missing = c.at + least_of(message) - c.tvb:len()
    if missing > 0 then
        return nil, missing
    end
    local is_whole, stopped = pcall(read_record, c, nil, message)
    if is_whole then
        return c.at - base
    elseif type(stopped) ~= "table" then
        error(stopped, 0)
    end
    return nil, stopped.missing, stopped.refusal
end

local function read_fields(c, tree, message, base)
    c.at = base + c.of.tag.bytes
    read_record(c, tree, message)
end
