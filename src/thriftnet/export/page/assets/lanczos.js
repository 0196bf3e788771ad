"use strict";

// Pillow's antialiased resizing, to the same bits: Lanczos over the whole area that each new pixel
// covers, in two passes, each rounded to 8 bits. A canvas resizes otherwise, and differently in each
// browser. (Pillow, src/libImaging/Resample.c.)
//
// Pixels come from a source { width, height, channels, most, rows(top, count) }: rows are bytes (count,
// width, channels), of which red, green and blue count; at most `most` rows are asked for at once.

const LOBES = 3;
const WEIGHT_BITS = 22;  // of 32: 8 are the pixel's, 2 are for sums that overshoot
const HALF = 2 ** (WEIGHT_BITS - 1);  // rounds

function sinc(x) {
  if (x === 0) return 1;
  return Math.sin(x * Math.PI) / (x * Math.PI);
}

function lanczos(x) {
  return -LOBES <= x && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

// For each of `count` new pixels between the edges `from` and `to` of a line of `length` pixels: the
// first old pixel that it is made of, and the weights of that one and the following, in fixed point.
function filterTaps(length, from, to, count) {
  [from, to] = [Math.fround(from), Math.fround(to)];  // Pillow passes its box as floats
  const step = Math.fround(to - from) / count;
  const stretch = Math.max(step, 1);
  return Array.from({ length: count }, (_, at) => {
    const centre = from + (at + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - LOBES * stretch + 0.5));
    const last = Math.min(length, Math.trunc(centre + LOBES * stretch + 0.5));
    const weights = Float64Array.from({ length: last - first }, (_, i) =>
      lanczos((first + i - centre + 0.5) * (1 / stretch)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const fixed = Int32Array.from(weights, (weight) => {
      const scaled = (weight / total) * 2 ** WEIGHT_BITS;
      return Math.trunc(scaled + (weight < 0 ? -0.5 : 0.5));
    });
    return { first, weights: fixed };
  });
}

// The lines of a source from `begin` to `end`, a strip at a time: its first line, their number, bytes.
function* strips(source, begin, end) {
  for (let top = begin; top < end; top += source.most) {
    const count = Math.min(source.most, end - top);
    yield [top, count, source.rows(top, count)];
  }
}

function arraySource(bytes, width, height) {
  const line = width * 3;
  const rows = (top, count) => bytes.subarray(top * line, (top + count) * line);
  return { width, height, channels: 3, most: height, rows };
}

function cutSource(source, [left, top, width, height]) {
  const line = source.width * source.channels;
  const rows = (from, count) => {
    const whole = source.rows(top + from, count);
    const bytes = new Uint8ClampedArray(count * width * source.channels);
    for (let y = 0; y < count; y++) {
      const start = y * line + left * source.channels;
      const end = start + width * source.channels;
      bytes.set(whole.subarray(start, end), y * width * source.channels);
    }
    return bytes;
  };
  return { ...source, width, height, rows };
}

// Clamped arrays cut what overshoots, below 0 and above 255.
function filterAcross(source, taps, begin, end) {
  const out = new Uint8ClampedArray((end - begin) * taps.length * 3);
  let at = 0;
  for (const [, count, bytes] of strips(source, begin, end)) {
    for (let y = 0; y < count; y++) {
      for (const { first, weights } of taps) {
        let red = HALF, green = HALF, blue = HALF;
        let from = (y * source.width + first) * source.channels;
        for (let i = 0; i < weights.length; i++, from += source.channels) {
          red += bytes[from] * weights[i];
          green += bytes[from + 1] * weights[i];
          blue += bytes[from + 2] * weights[i];
        }
        out[at++] = red >> WEIGHT_BITS;
        out[at++] = green >> WEIGHT_BITS;
        out[at++] = blue >> WEIGHT_BITS;
      }
    }
  }
  return arraySource(out, taps.length, end - begin);
}

function filterDown(source, taps) {
  const line = source.width * 3;
  const sums = new Int32Array(taps.length * line).fill(HALF);
  for (const [top, count, bytes] of strips(source, ...reach(taps))) {
    taps.forEach(({ first, weights }, at) => {
      const end = Math.min(first + weights.length, top + count);
      for (let y = Math.max(first, top); y < end; y++) {
        const weight = weights[y - first];
        let from = (y - top) * source.width * source.channels;
        for (let to = at * line; to < (at + 1) * line; to += 3, from += source.channels) {
          sums[to] += bytes[from] * weight;
          sums[to + 1] += bytes[from + 1] * weight;
          sums[to + 2] += bytes[from + 2] * weight;
        }
      }
    });
  }
  const out = new Uint8ClampedArray(sums.length);
  for (let i = 0; i < out.length; i++) out[i] = sums[i] >> WEIGHT_BITS;
  return arraySource(out, source.width, taps.length);
}

// The first line that is used, and the one after the last.
function reach(taps) {
  const { first, weights } = taps.at(-1);
  return [taps[0].first, first + weights.length];
}

// Part of a source as RGB bytes (height, width, 3).
// box: { left, top, right, bottom } in pixels of the source, not necessarily whole ones.
function resample(source, box, width, height) {
  const across = filterTaps(source.width, box.left, box.right, width);
  const down = filterTaps(source.height, box.top, box.bottom, height);
  const [shorter, narrower] = [source.height - height, source.width - width];
  if (shorter > 0 && shorter > 2 * narrower) {  // as Pillow does since version 13
    return filterAcross(filterDown(source, down), across, 0, height).rows(0, height);
  }
  const [begin, end] = reach(down);
  const between = filterAcross(source, across, begin, end);
  const moved = down.map(({ first, weights }) => ({ first: first - begin, weights }));
  return filterDown(between, moved).rows(0, height);
}
