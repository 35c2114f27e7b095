-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- Messages without a tag. The dissector of the frames around them calls this one by its name, with the tag in pinfo.private.NAME_tag.

local no_tag = { bytes = 0, kind = ftypes.UINT32 }

local function dissect(of, tvb, pinfo, tree)
    local given = pinfo.private[of.name .. "_tag"]
    local message = of.messages[tonumber(given)]
    if message == nil then
        show_fault(of, tvb, tree, 0, nil, of.unknown, given and "No message has the tag " .. given or "The frame's dissector gives no tag")
        show_names(of, pinfo, { "no message" })
        return tvb:len()
    end
    local c = setmetatable({ of = of, tvb = tvb, message = message, items = 0, is_valid = true }, Context)
    local size, missing, item = read_message(c, tree, message, 0)
    if size == nil and missing > 0 then
        show_fault(of, tvb, tree, 0, message, of.truncated, "The message is cut off")
    elseif size and size < tvb:len() then
        c:refuse(item, ("%d bytes are left over"):format(tvb:len() - size))
    end
    show_names(of, pinfo, { message.name .. (size == nil and " (cut off)" or "") })
    return tvb:len()
end

local function connect()
end
