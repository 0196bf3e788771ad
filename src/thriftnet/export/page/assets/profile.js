"use strict";

// Decoded pixels of a colour profile to sRGB. A browser converts the colours of files alone, so that the
// pixels become a PNG file with that profile.

const SAME = 2;  // levels that a profile may differ from sRGB by
// Levels of all kinds, by the colour space of a profile.
const SAMPLES = {
  "RGB ": [3, Uint8Array.from({ length: 216 * 3 }, (_, i) =>
    51 * (Math.floor(i / 3 / 6 ** (i % 3)) % 6))],
  "GRAY": [1, Uint8Array.from({ length: 256 }, (_, i) => i)],
};

// RGB bytes of sRGB. A profile of another colour space than the pixels' does not count, nor one that is
// sRGB within what nobody sees.
async function srgbOf({ reduced, channels, pixels }, profile) {
  const rgb = repeated(pixels, 3 / channels);
  const [needed, samples] = SAMPLES[profile ? latin1(profile.subarray(16, 20)) : ""] ?? [];
  if (!needed || (needed === 1 && channels === 3)) return rgb;
  const [before, size] = [repeated(samples, 3 / needed), { width: samples.length / needed, height: 1 }];
  const after = await converted(size, needed, samples, profile);
  if (after.every((level, i) => Math.abs(level - before[i]) <= SAME)) return rgb;
  return converted(reduced, needed, needed === 3 ? rgb : pixels, profile);
}

function repeated(levels, times) {
  return new Uint8ClampedArray(levels.length * times).map((_, i) => levels[Math.floor(i / times)]);
}

async function converted({ width, height }, channels, pixels, profile) {
  const file = await pngWithProfile({ width, height }, channels, pixels, profile);
  const bitmap = await createImageBitmap(file);
  try {
    const rgb = new Uint8ClampedArray(3 * width * height);
    let to = 0;
    for (const [, , bytes] of strips(bitmapSource(bitmap, 1, [0, 0, width, height]), 0, height)) {
      for (let from = 0; from < bytes.length; from += 4) {
        for (let channel = 0; channel < 3; channel++) rgb[to++] = bytes[from + channel];
      }
    }
    return rgb;
  } finally {
    bitmap.close();
  }
}

// pixels: bytes (height, width, channels), grey or RGB.
async function pngWithProfile({ width, height }, channels, pixels, profile) {
  const header = new Uint8Array(13);
  viewOf(header).setUint32(0, width);
  viewOf(header).setUint32(4, height);
  header.set([8, channels === 1 ? 0 : 2], 8);
  const line = width * channels;
  const lines = new Uint8Array(height * (line + 1));  // a byte before each says that it is not filtered
  for (let y = 0; y < height; y++) {
    lines.set(pixels.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  }
  const name = [0x69, 0, 0];
  return new Blob([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("iCCP", [...name, ...await deflated(profile)]),
    chunk("IDAT", await deflated(lines)),
    chunk("IEND", []),
  ]);
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(kind, body) {
  const bytes = new Uint8Array(body.length + 12);
  viewOf(bytes).setUint32(0, body.length);
  bytes.set([...kind].map((letter) => letter.charCodeAt(0)), 4);
  bytes.set(body, 8);
  viewOf(bytes).setUint32(body.length + 8, checksum(bytes.subarray(4, body.length + 8)));
  return bytes;
}

// CRC-32, as of PNG and zip.
function checksum(bytes) {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum;
}
