"use strict";

// JPEG to the pixels of Pillow, that is of libjpeg-turbo, bit for bit and at the same reduced scale: a
// large picture is decoded at a half, a quarter or an eighth, which no browser offers. Browsers also
// differ from each other in rounding. Baseline and progressive files of 8 bits with Huffman codes, in
// grey, RGB, YCbCr, CMYK or YCCK; what is rarer, or damaged, is left to the browser.

class UnusualJpeg extends Error {}

// wanted: pixels that a reduced scale leaves on both sides, as Pillow's draft().
// Returns null for a file that is left to the browser, or
//   { width, height, scale, reduced: { width, height }, channels, pixels }
// width and height are those of the whole; pixels are bytes (height, width, channels), grey or RGB.
function decodeJpeg(bytes, wanted) {
  try {
    const frame = decodeFrame(bytes, wanted);
    const { width, height, scale } = frame;
    const reduced = { width: Math.ceil(width / scale), height: Math.ceil(height / scale) };
    return { width, height, scale, reduced, ...joinedPixels(frame, reduced) };
  } catch (fault) {
    if (!(fault instanceof UnusualJpeg || fault instanceof RangeError)) throw fault;
    return null;
  }
}

function decodeFrame(bytes, wanted) {
  const tables = { quantization: [], dc: [], ac: [], restart: 0 };
  const colours = { jfif: false, transform: null };
  let frame = null;
  for (const { marker, start, end, until } of jpegSegments(bytes)) {
    const body = bytes.subarray(start, end);
    const name = latin1(body.subarray(0, 5));
    if (marker === 0xe0 && name === "JFIF\0" && body.length >= 14) colours.jfif = true;
    else if (marker === 0xee && name === "Adobe" && body.length >= 12) colours.transform = body[11];
    else if (marker === 0xdb) readQuantization(body, tables.quantization);
    else if (marker === 0xc4) readHuffman(body, tables);
    else if (marker === 0xdd) tables.restart = viewOf(body).getUint16(0);
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8) {
      if (frame || marker > 0xc2) throw new UnusualJpeg("kind of coding");
      frame = readFrame(body, marker === 0xc2, wanted);
    } else if (marker === 0xda) {
      if (!frame) throw new UnusualJpeg("pixels before their size");
      decodeScan(bytes.subarray(end, until), readScan(body, frame, tables), frame, tables.restart);
    }
  }
  if (!frame) throw new UnusualJpeg("no pixels");
  for (const component of frame.components) finish(component, frame.progressive);
  return { ...frame, space: colourSpace(frame.components, colours) };
}

function readQuantization(body, tables) {
  for (let at = 0; at < body.length;) {
    const [wide, id] = [body[at] >> 4, body[at] & 15];
    const table = new Int32Array(64);
    for (let i = 0; i < 64; i++) {
      table[ZIGZAG[i]] = wide ? viewOf(body).getUint16(at + 1 + 2 * i) : body[at + 1 + i];
    }
    tables[id] = table;
    at += 1 + 64 * (wide ? 2 : 1);
  }
}

function readHuffman(body, tables) {
  for (let at = 0; at < body.length;) {
    const counts = body.subarray(at + 1, at + 17);
    const end = at + 17 + counts.reduce((sum, count) => sum + count, 0);
    if (end > body.length) throw new UnusualJpeg("table of codes");
    const symbols = body.subarray(at + 17, end);
    (body[at] >> 4 ? tables.ac : tables.dc)[body[at] & 15] = huffmanTable(counts, symbols);
    at = end;
  }
}

function readFrame(body, progressive, wanted) {
  const [view, count] = [viewOf(body), body[5]];
  const [height, width] = [view.getUint16(1), view.getUint16(3)];
  if (body[0] !== 8 || !height || !width || ![1, 3, 4].includes(count)) {
    throw new UnusualJpeg("bits, size or channels");
  }
  const parts = Array.from({ length: count }, (_, i) => body.subarray(6 + 3 * i, 9 + 3 * i));
  const components = parts.map(([id, factors, table]) => ({
    id, table, across: factors >> 4, down: factors & 15, quantization: null, sent: Array(64).fill(-1),
  }));
  const most = {
    across: Math.max(...components.map(({ across }) => across)),
    down: Math.max(...components.map(({ down }) => down)),
  };
  const scale = draftScale({ width, height }, wanted);
  const frame = { width, height, scale, progressive, components, most };
  frame.units = {
    across: Math.ceil(width / (8 * most.across)), down: Math.ceil(height / (8 * most.down)),
  };
  for (const component of components) layOut(component, frame);
  return frame;
}

// As Pillow's draft(): the smallest scale that leaves so many pixels on both sides.
function draftScale({ width, height }, wanted) {
  const most = Math.min(Math.floor(width / wanted), Math.floor(height / wanted));
  return [8, 4, 2].find((scale) => most >= scale) ?? 1;
}

// Where a component's blocks and samples are. Where it has fewer samples than others, its blocks are
// reduced less than theirs, as far as that saves the enlarging.
function layOut(component, { width, height, scale, progressive, most, units }) {
  const { across, down } = component;
  if (!across || !down) throw new UnusualJpeg("sampling");
  const least = 8 / scale;
  let side = least;
  while (side < 8 && (most.across * least) % (across * side * 2) === 0
         && (most.down * least) % (down * side * 2) === 0) side *= 2;
  const samplesOf = (pixels, factor, largest) => Math.ceil(pixels * factor * side / (largest * 8));
  const times = [most.across * least / (across * side), most.down * least / (down * side)];
  if (!times.every(Number.isInteger)) throw new UnusualJpeg("sampling");
  const blocks = { across: units.across * across, down: units.down * down };
  Object.assign(component, {
    transform: TRANSFORMS[side],
    smooths: least > 1,  // libjpeg smooths what it enlarges, but not at an eighth
    blocks,
    ownBlocks: {  // without those that fill up the last units
      across: Math.ceil(Math.ceil(width * across / most.across) / 8),
      down: Math.ceil(Math.ceil(height * down / most.down) / 8),
    },
    size: {
      width: samplesOf(width, across, most.across), height: samplesOf(height, down, most.down),
    },
    times: { across: times[0], down: times[1] },
    stride: blocks.across * side,
    samples: new Uint8ClampedArray(blocks.across * side * blocks.down * side),
    coefficients: progressive ? new Int16Array(blocks.across * blocks.down * 64) : null,
  });
}
