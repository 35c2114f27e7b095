// SPDX-License-Identifier: Apache-2.0 OR MIT
// The packages node-mavlink and mavlink-mappings, for peer.js: what the messages of all their dialects consist of, and the encoder,
// framer and decoder of MAVLink 2.
"use strict";

const { PassThrough } = require("stream");
const mappings = require("mavlink-mappings");
const { MavLinkProtocolV2, createMavLinkStream } = require("node-mavlink");

const SCALARS = {
    uint8_t: "u8", uint16_t: "u16", uint32_t: "u32", uint64_t: "u64", int8_t: "i8", int16_t: "i16", int32_t: "i32", int64_t: "i64",
    float: "f32", double: "f64", uint8_t_mavlink_version: "u8", char: "char",
};

const classes = new Map(Object.values(mappings).flatMap((dialect) => Object.entries(dialect?.REGISTRY ?? {})));
const protocol = new MavLinkProtocolV2();

// The fields of the package are in the order of their offsets.
function spec() {
    const messages = [...classes.values()].map(({ MSG_NAME: name, MSG_ID: id, FIELDS: fields }) => ({
        name, id,
        fields: fields.map(({ source, type, length }) => {
            const element = type.replace("[]", "");
            return { name: source, of: type === "char[]" ? "text" : SCALARS[element] ?? element, ...(type.endsWith("[]") && { count: length }) };
        }),
    }));
    return { messages, structs: {}, order: "little", highest_character: 255, longest: 255, zeros_are_cut: true };
}

function framed(id, values) {
    const type = classes.get(String(id));
    const message = Object.assign(new type(), ...type.FIELDS.map(({ source, name, type, size }) => {
        const one = (value) => size === 8 && type.includes("int") ? BigInt(value) : Number(value);
        const value = values[source];
        return { [name]: type === "char[]" ? value : Array.isArray(value) ? value.map(one) : one(value) };
    }));
    return protocol.serialize(message, 0);
}

function frame(id, payload) {
    const head = Buffer.from([payload.length, 0, 0, 0, 1, 1, id & 255, id >> 8 & 255, id >> 16]);
    const bytes = Buffer.concat([Buffer.from([MavLinkProtocolV2.START_BYTE]), head, payload, Buffer.alloc(2)]);
    bytes.writeUInt16LE(mappings.x25crc(bytes, 1, 2, classes.get(String(id)).MAGIC_NUMBER), bytes.length - 2);
    return bytes;
}

// Resolves to what the package's framer and decoder find in pieces of a stream: the identity, payload and values of each message.
function decode(pieces, count) {
    return new Promise((resolve) => {
        const stream = new PassThrough();
        const found = [];
        createMavLinkStream(stream).on("data", ({ header: { msgid: id, payloadLength }, payload, protocol }) => {
            const type = classes.get(String(id));
            const message = protocol.data(payload, type);
            const one = (value) => Object.is(value, -0) ? "-0" : String(value);
            const values = Object.assign({}, ...type.FIELDS.map(({ source, name, type }) => {
                const value = message[name];
                return { [source]: type === "char[]" ? value : Array.isArray(value) ? value.map(one) : one(value) };
            }));
            found.push({ id, payload: payload.subarray(0, payloadLength).toString("hex"), values });
            if (found.length === count)
                resolve(found);
        });
        pieces.forEach((piece) => stream.write(piece));
    });
}

module.exports = { spec, frame, framed, decode, recorded: () => [] };
