-- SPDX-License-Identifier: Apache-2.0 OR MIT
-- The frames of ZeroMQ (ZMTP 3) for test_wireshark.py, with the table of dissectors by port that Wireshark's own dissector of ZMTP has.

local zmtp = Proto.new("zmtp", "ZMTP")
local payloads = DissectorTable.new("zmtp.protocol", "ZMTP", ftypes.UINT16)
local GREETING, LONG, COMMAND = 64, 2, 4

local function bytes_of(tvb, at)
    local left, flags = tvb:len() - at, tvb:range(at, 1):uint()
    if flags == 0xff then
        return GREETING, GREETING
    elseif flags % (2 * LONG) < LONG then
        return left < 2 and 2 or 2 + tvb:range(at + 1, 1):uint(), 2
    end
    return left < 9 and 9 or 9 + tvb:range(at + 1, 8):uint64():tonumber(), 9
end

function zmtp.dissector(tvb, pinfo, tree)
    local at = 0
    while at < tvb:len() do
        local bytes, head = bytes_of(tvb, at)
        if at + bytes > tvb:len() then
            pinfo.desegment_offset, pinfo.desegment_len = at, at + bytes - tvb:len()
            break
        end
        local flags = tvb:range(at, 1):uint()
        if flags ~= 0xff and flags < COMMAND and bytes > head then
            local of = payloads:get_dissector(pinfo.src_port) or payloads:get_dissector(pinfo.dst_port)
            of:call(tvb:range(at + head, bytes - head):tvb(), pinfo, tree)
        end
        at = at + bytes
    end
    return tvb:len()
end

DissectorTable.get("tcp.port"):add_for_decode_as(zmtp)
