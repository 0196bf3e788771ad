"use strict";

// A picture of any shape as a square, as thriftnet's data/square.py makes it. A picture is
//   { width, height, scale, cut(left, top, width, height) }
// width and height are those of the whole; cut() is a source of `resample`, in pixels at 1 / scale.

// orientation: by which it is turned later, by EXIF; of an odd number of pixels beside the square, the
// upright left and top have less.

function makeSquare(picture, size, fit, orientation = 1) {
  const { width, height } = picture;
  const mirrored = [[2, 3, 7, 8], [3, 4, 6, 7]].map((some) => some.includes(orientation));
  const margin = (spare, axis) => (mirrored[axis] ? Math.ceil : Math.floor)(spare / 2);
  if (fit === "crop") {
    const side = Math.min(width, height);
    const [left, top] = [width, height].map((edge, axis) => margin(edge - side, axis));
    return resizePart(picture, [left, top, side, side], size, size);
  }
  if (fit === "squash") return resizePart(picture, [0, 0, width, height], size, size);
  const longer = Math.max(width, height);
  const [wide, high] = [width, height].map((edge) => Math.max(1, roundToEven(edge * size / longer)));
  const inner = resizePart(picture, [0, 0, width, height], wide, high);
  const square = new Uint8ClampedArray(size * size * 3).fill(255);
  const [left, top] = [wide, high].map((edge, axis) => margin(size - edge, axis));
  for (let y = 0; y < high; y++) {
    square.set(inner.subarray(y * wide * 3, (y + 1) * wide * 3), ((top + y) * size + left) * 3);
  }
  return square;
}

// Cuts first: a box alone would let the filter look beyond the part.
function resizePart(picture, [left, top, width, height], toWidth, toHeight) {
  const [x, y, right, bottom] =
    [left, top, left + width, top + height].map((edge) => edge / picture.scale);
  const [x0, y0] = [Math.floor(x), Math.floor(y)];
  const source = picture.cut(x0, y0, Math.ceil(right) - x0, Math.ceil(bottom) - y0);
  const box = { left: x - x0, top: y - y0, right: right - x0, bottom: bottom - y0 };
  return resample(source, box, toWidth, toHeight);
}

// As Python's round().
function roundToEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
