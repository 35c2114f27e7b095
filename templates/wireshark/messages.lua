-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- One message in the tree, and the columns.

-- Shows a message that cannot be read, and why.
local function show_fault(of, tvb, tree, base, message, expert, text)
    local item = tree:add(of.proto, tvb:range(base))
    item:set_text(of.name .. (message and ", " .. message.name or ""))
    item:add_proto_expert_info(expert, text)
end

-- Adds the message at an offset to the tree. Returns its size, 0 and its item; or nil, and how many bytes are missing, 0 if it is refused.
local function read_message(c, tree, message, base)
    local of, tvb = c.of, c.tvb
    local size, missing, refusal = measure(c, message, base)
    if refusal then
        show_fault(of, tvb, tree, base, message, of.invalid, message.name .. ": " .. refusal)
    end
    if size == nil then
        return nil, missing
    end
    local item = tree:add(of.proto, tvb:range(base, size))
    item:set_text(of.name .. ", " .. message.name)
    if of.tag.bytes > 0 then
        add_item(item, of.tag_field, tvb:range(base, of.tag.bytes))
    end
    read_fields(c, item, message, base, size)
    return size, 0, item
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
