"use strict";

// A picture file as the pixels that the network takes, by the steps of thriftnet's data/decode.py. The
// browser decodes all but JPEG, and converts colours of a profile; it does not resize, and does not turn
// what the file itself says how to turn.

const TILE = 4096;  // pixels of a canvas's side; browsers allow at least that
const STRIP_PIXELS = 2 ** 20;  // that are drawn at once

// The EXIF orientations 1 to 8 of a picture of W x H pixels, as the matrix of a canvas.
const TURNS = [
  (W, H) => [1, 0, 0, 1, 0, 0],
  (W, H) => [-1, 0, 0, 1, W, 0],
  (W, H) => [-1, 0, 0, -1, W, H],
  (W, H) => [1, 0, 0, -1, 0, H],
  (W, H) => [0, 1, 1, 0, 0, 0],
  (W, H) => [0, 1, -1, 0, H, 0],
  (W, H) => [0, -1, -1, 0, H, W],
  (W, H) => [0, -1, 1, 0, 0, W],
];

// Resolves to { pixels, note }: RGB bytes (size, size, 3), and what is to be said of the picture.
// facts: { image_size, fit, unreadable, most_pixels, most_side, larger }
async function decodePicture(file, facts) {
  const bytes = await readBytes(file);
  const info = inspectPicture(bytes, facts.unreadable);
  refuseUnusable(info, facts);
  const note = info.frames > 1 ? "The file is animated: this is its first frame." : "";
  const jpeg = info.kind === "JPEG" && decodeJpeg(bytes, facts.larger * facts.image_size);
  if (jpeg) return { pixels: await squareJpeg(jpeg, info, facts), note };
  const bitmap = await decodeBytes(bytes, info);
  try {
    refuseUnusable({ ...info, width: bitmap.width, height: bitmap.height }, facts);
    return { pixels: squareBitmap(bitmap, info, facts), note };
  } finally {
    bitmap.close();
  }
}

async function readBytes(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new PictureError("cannot be read; choose existing picture files, not folders");
  }
}

function refuseUnusable(info, { most_pixels: mostPixels, most_side: mostSide }) {
  if (!info.whole) throw unusable("it is truncated");
  if (info.width * info.height > mostPixels) {
    throw new PictureError(`has more than ${mostPixels / 1e6} megapixels; make it smaller first`);
  }
  if (Math.max(info.width, info.height) > mostSide) {
    const side = Math.max(info.width, info.height).toLocaleString("en");
    throw new PictureError(`has a side of ${side} pixels; make it smaller`);
  }
  if (info.inks && info.profile) {
    throw new PictureError("has printing inks with a profile, which browsers ignore; save it as sRGB");
  }
}

async function decodeBytes(bytes, info) {
  const options = {
    colorSpaceConversion: info.profile ? "default" : "none",
    premultiplyAlpha: "none",
  };
  const parts = [];
  let from = 0;
  for (const [start, end] of info.hidden) {
    parts.push(bytes.subarray(from, start));
    from = end;
  }
  parts.push(bytes.subarray(from));
  try {
    return await createImageBitmap(new Blob(parts), options);
  } catch {
    throw unusable("this browser cannot decode it");
  }
}

async function squareJpeg(jpeg, { orientation, profile }, { image_size: size, fit }) {
  const { width, height, scale, reduced } = jpeg;
  const rgb = await srgbOf(jpeg, profile);
  if (scale === 1) {
    const [wide, high] = orientation >= 5 ? [height, width] : [width, height];
    const upright = arraySource(turned(rgb, reduced, orientation), wide, high);
    const cut = (...part) => cutSource(upright, part);
    return makeSquare({ width: wide, height: high, scale, cut }, size, fit);
  }
  // The edge of a reduced picture may be of fewer pixels: turned first, it would move.
  const source = arraySource(rgb, reduced.width, reduced.height);
  const cut = (...part) => cutSource(source, part);
  const square = makeSquare({ width, height, scale, cut }, size, fit, orientation);
  return turned(square, { width: size, height: size }, orientation);
}

function squareBitmap(bitmap, { orientation }, { image_size: size, fit }) {
  const cut = (...part) => bitmapSource(bitmap, orientation, part);
  const [width, height] = orientation >= 5
    ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
  return makeSquare({ width, height, scale: 1, cut }, size, fit);
}

// RGB bytes (height, width, 3) by an EXIF orientation.
function turned(pixels, { width, height }, orientation) {
  if (orientation === 1) return pixels;
  const [a, b, c, d, e, f] = TURNS[orientation - 1](width, height);
  const wide = orientation >= 5 ? height : width;
  const out = new Uint8ClampedArray(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const toX = Math.floor(a * (x + 0.5) + c * (y + 0.5) + e);
      const toY = Math.floor(b * (x + 0.5) + d * (y + 0.5) + f);
      const from = (y * width + x) * 3;
      out.set(pixels.subarray(from, from + 3), (toY * wide + toX) * 3);
    }
  }
  return out;
}

// Part of a bitmap, upright and on white, as a source of `resample`.
function bitmapSource(bitmap, orientation, [left, top, width, height]) {
  const matrix = TURNS[orientation - 1](bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  const tile = (x, y, wide, high) => {
    [canvas.width, canvas.height] = [wide, high];  // resets the context, too
    context.fillStyle = "#fff";
    context.fillRect(0, 0, wide, high);
    context.imageSmoothingEnabled = false;
    context.setTransform(...matrix.slice(0, 4), matrix[4] - left - x, matrix[5] - top - y);
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, wide, high).data;
  };
  const rows = (y, count) => {
    if (width <= TILE) return tile(0, y, width, count);
    const bytes = new Uint8ClampedArray(width * count * 4);
    for (let x = 0; x < width; x += TILE) {
      const wide = Math.min(TILE, width - x);
      const part = tile(x, y, wide, count);
      for (let line = 0; line < count; line++) {
        bytes.set(part.subarray(line * wide * 4, (line + 1) * wide * 4), (line * width + x) * 4);
      }
    }
    return bytes;
  };
  const most = Math.max(1, Math.floor(STRIP_PIXELS / width));
  return { width, height, channels: 4, most, rows };
}

// Some browsers hand out altered pixels, so that pages cannot tell their users apart.
async function checkCanvas() {
  const bytes = new Uint8ClampedArray(64 * 4).map((_, i) => (i % 4 === 3 ? 255 : (i * 37) % 251));
  const bitmap = await createImageBitmap(new ImageData(bytes, 8, 8));
  const read = bitmapSource(bitmap, 1, [0, 0, 8, 8]).rows(0, 8);
  if (read.some((level, i) => level !== bytes[i])) {
    throw new PictureError("This browser alters the pixels that a page reads (protection against "
      + "fingerprinting); allow them for this page, or open it in another browser.");
  }
}
