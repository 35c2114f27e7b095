-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- What a field can consist of: numbers, bools, characters, enums, flags and bit fields.
--
-- An element has `bytes`, and `align` where they lie in memory. `declare(use)` makes the fields of Wireshark for one use of it: use.abbr
-- is the name in filters, use.name the shown one. `add(c, tree, use, at)` adds the element at an offset to the tree, and reports what the
-- schema does not allow.

local fields = {}                       -- of Wireshark, all of them

local function declare(abbr, name, kind, values, display, mask, doc)
    local field = ProtoField.new(name, abbr, kind, values, display, mask, doc)
    fields[#fields + 1] = field
    return field
end

local is_little = true                  -- the order of bytes

local function add_item(tree, field, range)
    if is_little then
        return tree:add_le(field, range)
    end
    return tree:add(field, range)
end

-- The number in a range. getter: the name of its method for big-endian bytes.
local function number_in(range, getter)
    getter = is_little and "le_" .. getter or getter
    return range[getter](range)
end

-- Whether the bit is set, by the number of a whole number that has it.
local function has_bit(number, bit)
    return math.floor(number / 2 ^ bit) % 2 == 1
end

-- Reports a number that is not in the use's range. The ends of 64 bits are texts.
local function check_range(c, item, use, value)
    local low, high = use.low, use.high
    if low and not (low <= value and value <= high) then
        c:refuse(item, ("%s: %s is not in %s..%s"):format(use.name, value, low, high))
    end
end

local function declare_number(kind)
    return function(use)
        local unit = use.unit and { " " .. use.unit }
        local display = kind == ftypes.FLOAT or kind == ftypes.DOUBLE
        use.field = declare(use.abbr, use.name, kind, unit, (display and base.NONE or base.DEC) + (unit and base.UNIT_STRING or 0), nil, use.doc)
    end
end

local function number(kind, bytes, getter)
    local element = { bytes = bytes, align = bytes, kind = kind, declare = declare_number(kind) }

    function element.value(range)
        return number_in(range, getter)
    end

    function element.add(c, tree, use, at)
        local range = c.tvb:range(at, bytes)
        local item = add_item(tree, use.field, range)
        check_range(c, item, use, element.value(range))
        return item
    end

    return element
end

local u8, i8 = number(ftypes.UINT8, 1, "uint"), number(ftypes.INT8, 1, "int")
local u16, i16 = number(ftypes.UINT16, 2, "uint"), number(ftypes.INT16, 2, "int")
local u32, i32 = number(ftypes.UINT32, 4, "uint"), number(ftypes.INT32, 4, "int")
local u64, i64 = number(ftypes.UINT64, 8, "uint64"), number(ftypes.INT64, 8, "int64")
local f32, f64 = number(ftypes.FLOAT, 4, "float"), number(ftypes.DOUBLE, 8, "float")

-- The kinds by bytes.
local unsigned = { ftypes.UINT8, ftypes.UINT16, ftypes.UINT24, ftypes.UINT32, [8] = ftypes.UINT64 }

-- Half precision, which Wireshark does not have.
local f16 = { bytes = 2, align = 2, declare = declare_number(ftypes.FLOAT) }

function f16.value(range)
    local bits = number_in(range, "uint")
    local exponent, fraction = math.floor(bits / 1024) % 32, bits % 1024
    local value
    if exponent == 31 then
        value = fraction == 0 and math.huge or 0 / 0
    elseif exponent == 0 then
        value = fraction * 2 ^ -24
    else
        value = (1024 + fraction) * 2 ^ (exponent - 25)
    end
    return bits < 32768 and value or -value
end

function f16.add(c, tree, use, at)
    local range = c.tvb:range(at, 2)
    local value = f16.value(range)
    local item = tree:add(use.field, range, value)
    check_range(c, item, use, value)
    return item
end

local bool = { bytes = 1, align = 1 }

function bool.declare(use)
    use.field = declare(use.abbr, use.name, ftypes.BOOLEAN, nil, base.NONE, nil, use.doc)
end

function bool.add(c, tree, use, at)
    local range = c.tvb:range(at, 1)
    local item = tree:add(use.field, range)
    if range:uint() > 1 then
        c:refuse(item, use.name .. " is neither false nor true")
    end
    return item
end

local char = { bytes = 1, align = 1, kind = ftypes.CHAR }

function char.value(range)
    return range:uint()
end

function char.declare(use)
    use.field = declare(use.abbr, use.name, ftypes.CHAR, nil, base.HEX, nil, use.doc)
end

function char.add(c, tree, use, at)
    return tree:add(use.field, c.tvb:range(at, 1))
end

-- The names by number. Those of 64 bits are by text, and only shown by Wireshark itself if it finds each by a double.
local function value_strings(names)
    local found = {}
    for number, name in pairs(names) do
        local double = tonumber(number)
        if ("%.0f"):format(double) ~= tostring(number) then
            return nil
        end
        found[double] = name
    end
    return found
end

local function name_of(names, value)
    local text = type(value) == "userdata" and tostring(value) or ("%.0f"):format(value)
    return names[text] or names[tonumber(text)]
end

local function enum(of, names)
    local element = { bytes = of.bytes, align = of.align, names = names, shown = value_strings(names) }

    function element.declare(use)
        use.field = declare(use.abbr, use.name, of.kind, element.shown, of == char and base.HEX or base.DEC, nil, use.doc)
    end

    function element.add(c, tree, use, at)
        local range = c.tvb:range(at, of.bytes)
        local item, value = add_item(tree, use.field, range), of.value(range)
        local name = name_of(names, value)
        if name == nil then
            c:refuse(item, ("%s: %s is not declared"):format(use.name, value))
        elseif element.shown == nil then
            item:append_text(" (" .. name .. ")")
        end
        return item
    end

    return element
end

-- The part of at most 4 bytes that has the bits from `first` to `last` of a whole number of `bytes`: its offset, its bytes, and the number
-- of its lowest bit. nil if there is none. Wireshark's masks have 32 bits.
local function word(bytes, first, last)
    if bytes <= 4 then
        return 0, bytes, 0
    elseif last < 32 then
        return is_little and 0 or bytes - 4, 4, 0
    elseif first >= 32 then
        return is_little and 4 or 0, bytes - 4, 32
    end
end

-- Reports bits that are not declared. declared: by their numbers.
local function check_bits(c, item, use, at, bytes, declared)
    for bit = 0, 8 * bytes - 1 do
        local offset = math.floor(bit / 8)
        if not declared[bit] and has_bit(c.tvb:range(at + (is_little and offset or bytes - 1 - offset), 1):uint(), bit % 8) then
            c:refuse(item, ("%s: bit %d is not declared"):format(use.name, bit))
        end
    end
end

-- values: { bit, name, doc =, c = the name in filters if it is another one }.
local function flags(of, values)
    local element = { bytes = of.bytes, align = of.align }

    function element.declare(use)
        use.field = declare(use.abbr, use.name, of.kind, nil, base.HEX, nil, use.doc)
        use.bits = {}
        for i, value in ipairs(values) do
            local _, bytes, lowest = word(of.bytes, value[1], value[1])
            use.bits[i] = declare(use.abbr .. "." .. (value.c or value[2]), value[2], ftypes.BOOLEAN, nil, 8 * bytes, 2 ^ (value[1] - lowest), value.doc)
        end
    end

    function element.add(c, tree, use, at)
        local item, declared = add_item(tree, use.field, c.tvb:range(at, of.bytes)), {}
        c.items = c.items + #values
        for i, value in ipairs(values) do
            local offset, bytes = word(of.bytes, value[1], value[1])
            add_item(item, use.bits[i], c.tvb:range(at + offset, bytes))
            declared[value[1]] = true
        end
        check_bits(c, item, use, at, of.bytes, declared)
        return item
    end

    return element
end

-- parts: { lowest bit, bits, name, type, ... }. type: u64 for a number, bool, or an enum.
local function bits(of, parts)
    local element = { bytes = of.bytes, align = of.align }
    local declared = {}

    local function kind_of(part, bytes)
        if part[4] == bool then
            return ftypes.BOOLEAN, nil, 8 * bytes
        end
        local kind = unsigned[bytes]
        if part[4].names then
            return kind, part[4].shown, base.DEC
        end
        return kind, part.unit and { " " .. part.unit }, base.DEC + (part.unit and base.UNIT_STRING or 0)
    end

    for _, part in ipairs(parts) do
        for bit = part[1], part[1] + part[2] - 1 do
            declared[bit] = true
        end
    end

    function element.declare(use)
        use.field = declare(use.abbr, use.name, of.kind, nil, base.HEX, nil, use.doc)
        use.parts = {}
        for i, part in ipairs(parts) do
            local _, bytes, lowest = word(of.bytes, part[1], part[1] + part[2] - 1)
            local kind, values, display = kind_of(part, bytes or 8)
            local mask = bytes and (2 ^ part[2] - 1) * 2 ^ (part[1] - lowest)
            use.parts[i] = { abbr = use.abbr .. "." .. (part.c or part[3]), name = part[3], low = part.low, high = part.high }
            use.parts[i].field = declare(use.parts[i].abbr, part[3], kind, values, display, mask, part.doc)
        end
    end

    -- Adds a part, and returns its item and its number.
    local function add_part(c, tree, part, field, at)
        local offset, bytes, lowest = word(of.bytes, part[1], part[1] + part[2] - 1)
        if bytes then
            local range = c.tvb:range(at + offset, bytes)
            return add_item(tree, field, range), math.floor(number_in(range, "uint") / 2 ^ (part[1] - lowest)) % 2 ^ part[2]
        end
        local range = c.tvb:range(at, of.bytes)
        local value = number_in(range, "uint64"):rshift(part[1]):lshift(64 - part[2]):rshift(64 - part[2])
        return tree:add(field, range, value), value
    end

    function element.add(c, tree, use, at)
        local item = add_item(tree, use.field, c.tvb:range(at, of.bytes))
        c.items = c.items + #parts
        for i, part in ipairs(parts) do
            local of_part, value = add_part(c, item, part, use.parts[i].field, at)
            local names = part[4].names
            if names == nil then
                check_range(c, of_part, use.parts[i], value)
            elseif name_of(names, value) == nil then
                c:refuse(of_part, ("%s.%s: %s is not declared"):format(use.name, part[3], value))
            end
        end
        check_bits(c, item, use, at, of.bytes, declared)
        return item
    end

    return element
end
