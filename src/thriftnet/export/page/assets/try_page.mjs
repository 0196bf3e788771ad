// Runs a page's network in Node.js, without the page around it. Reads from standard input: a number of
// pictures (4 bytes, little-endian), then their RGB bytes. Writes the number of bytes that follow, then
// a probability (float32) for each picture and class. Ends with its input.
import { readFileSync, writeSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const html = readFileSync(process.argv.at(-1), "latin1");

function part(id) {
  const [, text] = html.match(new RegExp(`id="${id}">([^<]*)</script>`));
  return text;
}

function unpacked(name) {
  return gunzipSync(Buffer.from(part(`embedded-${name}`), "base64"));
}

const size = JSON.parse(part("facts")).image_size;
const ort = await import(`data:text/javascript;base64,${unpacked("code").toString("base64")}`);
ort.env.logLevel = "error";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = Uint8Array.from(unpacked("wasm")).buffer;
const session = await ort.InferenceSession.create(Uint8Array.from(unpacked("model")),
  { executionProviders: ["wasm"] });
const [input, output] = [session.inputNames[0], session.outputNames[0]];

async function answer(count, bytes) {
  const images = new ort.Tensor("uint8", Uint8Array.from(bytes), [count, size, size, 3]);
  const { data } = (await session.run({ [input]: images }))[output];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.byteLength);
  for (const content of [length, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]) {
    for (let at = 0; at < content.length;) at += writeSync(1, content, at);
  }
}

let waiting = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  waiting = Buffer.concat([waiting, chunk]);
  while (waiting.length >= 4) {
    const count = waiting.readUInt32LE(0);
    const end = 4 + count * size * size * 3;
    if (waiting.length < end) break;
    await answer(count, waiting.subarray(4, end));
    waiting = waiting.subarray(end);
  }
}
