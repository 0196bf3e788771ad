"use strict";

// Coefficients of a JPEG's blocks to samples, in the fixed point of libjpeg's accurate transform and of
// its reduced ones, which make 4×4, 2×2 or 1×1 samples of a block's 8×8 coefficients (C. Loeffler,
// A. Ligtenberg and G. Moschytz, Practical fast 1-D DCT algorithms with 11 multiplications, 1989).
//
// Each of the two passes is linear in whole numbers before it rounds, so that a table of weights says
// all of it. Most coefficients are zero, and cost nothing.

const FRACTION = 13;  // bits of a weight
const BETWEEN = 2;  // of them kept between the passes

const fixed = (value) => Math.round(value * 2 ** FRACTION);

// Eight coefficients of a line to as many samples, times 2 ** FRACTION.
function eightSamples([c0, c1, c2, c3, c4, c5, c6, c7]) {
  const turn = (c2 + c6) * fixed(0.541196100);
  const [outer, inner] = [turn + c2 * fixed(0.765366865), turn - c6 * fixed(1.847759065)];
  const [sum, difference] = [(c0 + c4) * fixed(1), (c0 - c4) * fixed(1)];
  const even = [sum + outer, difference + inner, difference - inner, sum - outer];
  const both = (c1 + c3 + c5 + c7) * fixed(1.175875602);
  const [a, b] = [(c1 + c7) * fixed(-0.899976223), (c3 + c5) * fixed(-2.562915447)];
  const [c, d] = [both + (c3 + c7) * fixed(-1.961570560), both + (c1 + c5) * fixed(-0.390180644)];
  const odd = [
    c1 * fixed(1.501321110) + a + d, c3 * fixed(3.072711026) + b + c,
    c5 * fixed(2.053119869) + b + d, c7 * fixed(0.298631336) + a + c,
  ];
  return mirrored(even, odd);
}

// The same to four samples, times 2 ** (FRACTION + 1); c4 does not count.
function fourSamples([c0, c1, c2, c3, , c5, c6, c7]) {
  const turn = c2 * fixed(1.847759065) + c6 * fixed(-0.765366865);
  const odd = [
    c7 * fixed(-0.509795579) + c5 * fixed(-0.601344887)
      + c3 * fixed(0.899976223) + c1 * fixed(2.562915447),
    c7 * fixed(-0.211164243) + c5 * fixed(1.451774981)
      + c3 * fixed(-2.172734803) + c1 * fixed(1.061594337),
  ];
  return mirrored([c0 * fixed(2) + turn, c0 * fixed(2) - turn], odd);
}

// The same to two samples, times 2 ** (FRACTION + 2); of the even ones only c0 counts.
function twoSamples([c0, c1, , c3, , c5, , c7]) {
  const odd = c7 * fixed(-0.720959822) + c5 * fixed(0.850430095)
    + c3 * fixed(-1.272758580) + c1 * fixed(3.624509785);
  return mirrored([c0 * fixed(4)], [odd]);
}

function mirrored(even, odd) {
  return [
    ...even.map((value, i) => value + odd[i]),
    ...even.map((value, i) => value - odd[i]).reverse(),
  ];
}

// samples: of a line of coefficients; shifts: what the passes round away.
function transformOf(side, samples, shifts) {
  const units = Array.from({ length: 8 }, (_, k) => Array.from({ length: 8 }, (_, i) => +(i === k)));
  const lines = units.map(samples);
  return {
    side,
    shifts,
    used: [0, 1, 2, 3, 4, 5, 6, 7].filter((k) => lines[k].some((weight) => weight !== 0)),
    weights: Int32Array.from(lines.flat()),
  };
}

// By the side of what a block becomes.
const TRANSFORMS = {
  8: transformOf(8, eightSamples, [FRACTION - BETWEEN, FRACTION + BETWEEN + 3]),
  4: transformOf(4, fourSamples, [FRACTION + 1 - BETWEEN, FRACTION + 1 + BETWEEN + 3]),
  2: transformOf(2, twoSamples, [FRACTION + 2 - BETWEEN, FRACTION + 2 + BETWEEN + 3]),
  1: transformOf(1, ([c0]) => [c0], [0, 3]),
};
const COLUMNS = new Int32Array(64);
const SUMS = new Int32Array(8);

// The samples of the block that is at column x and row y of a component.
function transformBlock({ transform, quantization, samples, stride }, block, from, x, y) {
  const { side, shifts: [first, second], used, weights } = transform;
  for (const column of used) {
    SUMS.fill(1 << first >> 1);
    for (const row of used) {
      const place = 8 * row + column;
      if (block[from + place] === 0) continue;
      const value = block[from + place] * quantization[place];
      for (let i = 0; i < side; i++) SUMS[i] += weights[row * side + i] * value;
    }
    for (let i = 0; i < side; i++) COLUMNS[8 * i + column] = SUMS[i] >> first;
  }
  for (let row = 0; row < side; row++) {
    SUMS.fill(1 << second >> 1);
    for (const column of used) {
      const value = COLUMNS[8 * row + column];
      if (value === 0) continue;
      for (let i = 0; i < side; i++) SUMS[i] += weights[column * side + i] * value;
    }
    const to = (y * side + row) * stride + x * side;
    for (let i = 0; i < side; i++) samples[to + i] = 128 + (SUMS[i] >> second);  // is clamped
  }
}

// What is left to do when all scans were read.
function finish(component, progressive) {
  const { sent, blocks, coefficients } = component;
  // libjpeg smooths across blocks where the first coefficients did not come, or not to the last bit.
  if (sent[0] < 0 || sent.slice(1, 10).some((bits) => bits !== 0)) {
    throw new UnusualJpeg("not all of it is there");
  }
  if (!progressive) return;
  for (let y = 0, at = 0; y < blocks.down; y++) {
    for (let x = 0; x < blocks.across; x++, at += 64) {
      transformBlock(component, coefficients, at, x, y);
    }
  }
}
