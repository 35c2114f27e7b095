// SPDX-License-Identifier: Apache-2.0 OR MIT
// The package sbp, for peer.js: what its messages consist of, and its encoder, framer and decoder.
"use strict";

const fs = require("fs");
const path = require("path");
const { PassThrough } = require("stream");
const { UINT64 } = require("cuint");
const yaml = require("js-yaml");
const sbp = require("sbp");
const constructMessage = require("sbp/javascript/sbp/construct");

const SENDER = 0x1234;
const SCALARS = {
    writeUInt8: "u8", writeUInt16LE: "u16", writeUInt32LE: "u32", writeUInt64LE: "u64",
    writeInt8: "i8", writeInt16LE: "i16", writeInt32LE: "i32", writeFloatLE: "f32", writeDoubleLE: "f64",
};

// Texts whose parts end with a NUL each: they are bytes.
const HAS_NULS = /^MSG_(SETTINGS|FILEIO)_/;

const classes = Object.values(sbp.sbpIdTable);
const fragments = new Map(Object.entries(sbp.sbpMessageTypesTable).map(([name, type]) => [type.prototype.fieldSpec, name]));

// The fields of messages and fragments in the terms of peer.js. Fragments that are used are added to `structs`.
function fieldsOf(spec, structs, message = "") {
    const lengths = new Set(spec.map((field) => field[4]).filter((length) => typeof length === "string"));
    return spec.filter(([name]) => !lengths.has(name)).map(([name, type, ...more]) => {
        if (type === "string")
            return more[0] === null ? { name, of: HAS_NULS.test(message) ? "bytes" : "text", wire: "rest" } : { name, of: "text", count: more[0] };
        if (type !== "array")
            return { name, of: elementOf(type, structs) };
        const [element, , count] = more;
        const wire = (length) => SCALARS[spec.find(([name]) => name === length)[1]];
        const many = count === null ? { wire: "rest" } : typeof count === "number" ? { count } : { wire: wire(count), length: count };
        return { name, of: elementOf(element, structs), ...many };
    });
}

function elementOf(type, structs) {
    if (!Array.isArray(type))
        return SCALARS[type] ?? type;
    const name = fragments.get(type);
    const fields = fieldsOf(type, structs); // Adds the structs that it contains first.
    structs.set(name, fields);
    return name;
}

function spec() {
    const structs = new Map();
    const messages = classes.map(({ prototype: { messageType: name, msg_type: id, fieldSpec } }) => ({ name, id, fields: fieldsOf(fieldSpec, structs, name) }));
    return { messages, structs: Object.fromEntries(structs), order: "little", highest_character: 127, longest: 255, zeros_are_cut: false };
}

// Between the values of peer.js and those of the package. Lengths that are fields are fields there.
function toPackage(fields, values, structs) {
    return Object.assign({}, ...fields.map((field) => {
        const { name, of, count, length } = field;
        const one = (value) => structs[of] ? toPackage(structs[of], value, structs) : of === "u64" ? new UINT64(value) : Number(value);
        if (of === "text" || of === "bytes")
            return { [name]: values[name].padEnd(count ?? 0, "\0") };
        return { [name]: Array.isArray(values[name]) ? values[name].map(one) : one(values[name]), ...(length && { [length]: values[name].length }) };
    }));
}

function fromPackage(fields, values, structs) {
    return Object.assign({}, ...fields.filter(({ name }) => values[name] !== undefined).map(({ name, of, length }) => {
        const one = (value) => structs[of] ? fromPackage(structs[of], value, structs) : Object.is(value, -0) ? "-0" : String(value);
        if (length && values[length] !== values[name].length)
            throw new Error(`${length} is ${values[length]}, and ${name} has ${values[name].length}`);
        return { [name]: of === "text" || of === "bytes" ? values[name] : Array.isArray(values[name]) ? values[name].map(one) : one(values[name]) };
    }));
}

function frame(id, payload) {
    const head = Buffer.from([id & 255, id >> 8, SENDER & 255, SENDER >> 8, payload.length]);
    const crc = sbp.crc16(payload, sbp.crc16(head));
    return Buffer.concat([Buffer.from([sbp.preambleByte]), head, payload, Buffer.from([crc & 255, crc >> 8])]);
}

function encode(id, values, { fields, structs }) {
    return constructMessage(sbp.sbpIdTable[id], toPackage(fields, values, structs), SENDER).sbp;
}

function framed(id, values, shape) {
    const { msg_type, payload } = encode(id, values, shape);
    return frame(msg_type, payload);
}

// Resolves to what the package's framer and decoder find in pieces of a stream: the identity, payload and values of each message.
function decode(pieces, count, shapeOf) {
    return new Promise((resolve) => {
        const stream = new PassThrough();
        const found = [];
        sbp.dispatch(stream, (error, message) => {
            const { msg_type: id, payload } = message.sbp;
            const { fields, structs } = shapeOf(id);
            found.push({ id, payload: payload.toString("hex"), values: fromPackage(fields, message.fields, structs) });
            if (found.length === count)
                resolve(found);
        });
        pieces.forEach((piece) => stream.write(piece));
    });
}

// What devices have sent, with the values that the package's tests expect.
function recorded(shapeOf) {
    const folder = path.join(path.dirname(require.resolve("sbp/package.json")), "spec/tests/yaml");
    const files = fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".yaml")).sort();
    return files.flatMap((name) => yaml.safeLoad(fs.readFileSync(path.join(folder, name), "utf8")).tests).map(({ raw_packet, msg }) => {
        const { sbp: { msg_type: id, payload } } = sbp.decode(Buffer.from(raw_packet, "base64"));
        const { fields, structs } = shapeOf(id);
        return { id, payload: payload.toString("hex"), values: fromPackage(fields, msg.fields ?? {}, structs) };
    });
}

module.exports = { spec, frame, framed, decode, recorded };
