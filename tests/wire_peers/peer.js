// SPDX-License-Identifier: Apache-2.0 OR MIT
// One of the peers of test_peers.py: `node peer.js sbp|mavlink COMMAND`. NODE_PATH has the packages. Each command answers in JSON.
//
//   spec       the messages: `name`, `id` and `fields` of each, and `structs`. A field has a `name`, and is `of` a scalar, a struct,
//              "text" or "bytes". An array has a `count`. A list has `wire`: the type of the length in front of it, or "rest".
//   encode     for each line of standard input, an `id` and `values`: what is found in the stream of all these messages
//   decode     for each line of standard input, an `id` and a `payload`: the same
//   recorded   messages of the package itself
//
// What is found is a list of `id`, `payload` in hexadecimal, and `values`. A number is a text, and so is a text: a character a byte.
"use strict";

const fs = require("fs");

const [name, command] = process.argv.slice(2);
const peer = require(`./${name}.js`);

const { messages, structs, ...about } = peer.spec();
const shapes = new Map(messages.map(({ id, fields }) => [id, { fields, structs }]));
const shapeOf = (id) => shapes.get(id);

// A stream in pieces of 1 to 100 bytes, as a serial port delivers it.
function* cut(stream) {
    for (let at = 0, size = 1; at < stream.length; at += size, size = size * 7 % 101)
        yield stream.subarray(at, at + size);
}

async function found(frames) {
    return peer.decode([...cut(Buffer.concat(frames))], frames.length, shapeOf);
}

const lines = () => fs.readFileSync(0, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
const commands = {
    spec: () => ({ messages, structs, bit_fields: {}, left_out: {}, ...about }),
    encode: () => found(lines().map(({ id, values }) => peer.framed(id, values, shapeOf(id)))),
    decode: () => found(lines().map(({ id, payload }) => peer.frame(id, Buffer.from(payload, "hex")))),
    recorded: () => peer.recorded(shapeOf),
};

Promise.resolve(commands[command]()).then((answer) => process.stdout.write(JSON.stringify(answer)));
