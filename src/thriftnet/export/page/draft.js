"use strict";

// A large JPEG at a half, a quarter or an eighth of its scale, as libjpeg decodes it for Pillow, from
// pixels that a browser decoded whole.
//
// libjpeg takes means of blocks, of brightness and of colour apart. Colour is mostly stored at half the
// resolution, and smoothed when it is decoded whole: each of two pixels is three quarters of their stored
// value and one quarter of its neighbour. A mean of such pixels takes in what lies beyond the block;
// half the step across the edge, added, makes it the mean of the stored values again.

// The picture as a source of `resample`; factors: how many pixels across and down share a colour.
function draft(source, scale, [horizontal, vertical]) {
  const across = colourAxis(source.width, scale, horizontal, vertical);
  const down = colourAxis(source.height, scale, vertical, horizontal);
  const luma = new Float32Array(across.reduced * down.reduced);
  const colours = new Float32Array(across.blocks * down.blocks * 3);
  const line = [new Float32Array(across.reduced), new Float32Array(across.blocks * 3)];
  for (const [top, count, bytes] of strips(source, 0, source.height)) {
    for (let y = top; y < top + count; y++) {
      const start = (y - top) * source.width * source.channels;
      sumLine(bytes, start, source.channels, across, line);
      addLine(luma, line[0], Math.floor(y / scale), 1);
      for (const [block, weight] of blocksOf(down, y)) addLine(colours, line[1], block, weight);
    }
  }
  return joined(luma, colours, across, down);
}

// One side of a picture: `block` pixels make one of `blocks` colours, and that is of `repeat` of the
// `reduced` pixels. Where both sides have half the colours, libjpeg decodes those at twice the scale.
function colourAxis(length, scale, factor, other) {
  const repeat = factor === 2 && other === 2 ? 1 : factor;
  return {
    length,
    scale,
    reduced: Math.ceil(length / scale),
    repeat,
    block: scale * repeat,
    blocks: Math.ceil(length / (scale * repeat)),
    smooth: factor === 2,
  };
}

// Sums of a line of pixels over blocks: of brightness, and of the colours as they were stored.
function sumLine(bytes, start, channels, across, [luma, colours]) {
  colours.fill(0);
  for (let at = 0, x = 0, from = start; at < across.reduced; at++) {
    let red = 0, green = 0, blue = 0;
    for (const end = Math.min(x + across.scale, across.length); x < end; x++, from += channels) {
      red += bytes[from];
      green += bytes[from + 1];
      blue += bytes[from + 2];
    }
    luma[at] = lumaOf(red, green, blue);
    const to = Math.floor(at / across.repeat) * 3;
    colours[to] += red;
    colours[to + 1] += green;
    colours[to + 2] += blue;
  }
  for (let block = 1; across.smooth && block < across.blocks; block++) {
    const right = start + block * across.block * channels;
    for (let c = 0; c < 3; c++) {
      const half = (bytes[right + c] - bytes[right - channels + c]) / 2;
      colours[3 * block + c] += half;
      colours[3 * block - 3 + c] -= half;
    }
  }
}

function lumaOf(red, green, blue) {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

// The blocks that a line counts in, with its weights: its own, and one that it is at the edge of.
function blocksOf({ block, blocks, smooth }, y) {
  const own = Math.floor(y / block);
  const beyond = [[0, own - 1], [block - 1, own + 1]].find(([edge]) => y % block === edge)?.[1];
  return smooth && beyond >= 0 && beyond < blocks ? [[own, 1.5], [beyond, -0.5]] : [[own, 1]];
}

function addLine(sums, line, row, weight) {
  const start = row * line.length;
  for (let i = 0; i < line.length; i++) sums[start + i] += weight * line[i];
}

// Brightness and colours as RGB bytes.
function joined(luma, colours, across, down) {
  const out = new Uint8ClampedArray(luma.length * 3);  // rounds to the nearest
  const offsets = colourOffsets(colours, across, down);
  for (let y = 0; y < down.reduced; y++) {
    const [rows, high] = [sharesOf(down, y), extent(down, down.scale, y)];
    for (let x = 0; x < across.reduced; x++) {
      const at = y * across.reduced + x;
      const level = luma[at] / (high * extent(across, across.scale, x));
      const sums = [level, level, level];
      for (const [column, share] of sharesOf(across, x)) {
        for (const [row, part] of rows) {
          const from = (row * across.blocks + column) * 3;
          for (let c = 0; c < 3; c++) sums[c] += share * part * offsets[from + c];
        }
      }
      out.set(sums, 3 * at);
    }
  }
  return arraySource(out, across.reduced, down.reduced);
}

// What a colour adds to grey of its brightness.
function colourOffsets(colours, across, down) {
  const offsets = new Float32Array(colours.length);
  for (let y = 0, at = 0; y < down.blocks; y++) {
    const high = extent(down, down.block, y);
    for (let x = 0; x < across.blocks; x++, at += 3) {
      const pixels = high * extent(across, across.block, x);
      const mean = colours.subarray(at, at + 3).map((sum) => sum / pixels);
      offsets.set(mean.map((value) => value - lumaOf(...mean)), at);
    }
  }
  return offsets;
}

// Pixels of a block; the last one may have fewer.
function extent(axis, block, at) {
  return Math.min(block, axis.length - at * block);
}

// The colours that a reduced pixel is made of: its own, and a quarter of the nearest where libjpeg
// smooths them; it does not at an eighth.
function sharesOf({ repeat, smooth, scale, blocks }, at) {
  const own = Math.floor(at / repeat);
  const near = at % repeat === 0 ? own - 1 : own + 1;
  const smoothed = repeat === 2 && smooth && scale < 8 && near >= 0 && near < blocks;
  return smoothed ? [[own, 0.75], [near, 0.25]] : [[own, 1]];
}
