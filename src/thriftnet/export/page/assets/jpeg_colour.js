"use strict";

// Samples of a JPEG's components to grey or RGB, as libjpeg enlarges and converts them.

// By the markers of JFIF and Adobe, else by the components' names, as libjpeg.
function colourSpace(components, { jfif, transform }) {
  if (components.length === 1) return "grey";
  if (components.length === 4) return transform === null || transform === 0 ? "CMYK" : "YCCK";
  if (jfif) return "YCbCr";
  if (transform !== null) return transform === 0 ? "RGB" : "YCbCr";
  return String.fromCharCode(...components.map(({ id }) => id)) === "RGB" ? "RGB" : "YCbCr";
}

// Returns { channels, pixels }.
function joinedPixels({ components, space }, { width, height }) {
  const channels = space === "grey" ? 1 : 3;
  const pixels = new Uint8ClampedArray(width * height * channels);
  const lines = components.map(({ size, times }) => new Uint8Array(size.width * times.across));
  for (let y = 0; y < height; y++) {
    components.forEach((component, i) => enlargeLine(component, y, lines[i]));
    JOINS[space](lines, pixels.subarray(y * width * channels, (y + 1) * width * channels));
  }
  return { channels, pixels };
}

// Line y of a component as wide as the picture. Where it has half the samples of a side, each new one is
// three quarters of the nearest and one quarter of the next; libjpeg rounds up and down in turn.
function enlargeLine({ samples, stride, size: { width, height }, times, smooths }, y, line) {
  const from = Math.floor(y / times.down) * stride;
  const halved = `${times.across} ${times.down}`;
  if (!smooths || !(halved === "1 2" || (["2 1", "2 2"].includes(halved) && width > 2))) {
    if (times.across === 1) line.set(samples.subarray(from, from + width));
    else for (let x = 0; x < line.length; x++) line[x] = samples[from + Math.floor(x / times.across)];
    return;
  }
  const beside = Math.floor(y / 2) + (y % 2 === 0 ? -1 : 1);
  const near = Math.min(Math.max(beside, 0), height - 1) * stride;
  if (times.across === 1) {
    const half = y % 2 === 0 ? 1 : 2;
    for (let x = 0; x < width; x++) line[x] = (3 * samples[from + x] + samples[near + x] + half) >> 2;
    return;
  }
  const [other, shift, left, right] = times.down === 1 ? [0, 2, 1, 2] : [1, 4, 8, 7];
  const sum = (x) => (other ? 3 * samples[from + x] + samples[near + x] : samples[from + x]);
  let [before, here] = [sum(0), sum(0)];
  for (let x = 0; x < width; x++) {
    const after = x + 1 < width ? sum(x + 1) : here;
    line[2 * x] = (3 * here + before + left) >> shift;
    line[2 * x + 1] = (3 * here + after + right) >> shift;
    [before, here] = [here, after];
  }
}

// What a colour's level, 0 to 255, adds to red, green and blue.
const levels = (weight, half) =>
  Int32Array.from({ length: 256 }, (_, i) => Math.round(weight * 2 ** 16) * (i - 128) + half);
const TO_RED = levels(1.402, 2 ** 15).map((value) => value >> 16);
const TO_BLUE = levels(1.772, 2 ** 15).map((value) => value >> 16);
const [BLUE_TO_GREEN, RED_TO_GREEN] = [levels(-0.34414, 2 ** 15), levels(-0.71414, 0)];

// Lines of components into a line of clamped pixels.
const JOINS = {
  grey([grey], out) {
    out.set(grey.subarray(0, out.length));
  },
  RGB([red, green, blue], out) {
    for (let x = 0, at = 0; at < out.length; x++) {
      out[at++] = red[x];
      out[at++] = green[x];
      out[at++] = blue[x];
    }
  },
  YCbCr([luma, blue, red], out) {
    for (let x = 0, at = 0; at < out.length; x++) {
      const [level, cb, cr] = [luma[x], blue[x], red[x]];
      out[at++] = level + TO_RED[cr];
      out[at++] = level + ((BLUE_TO_GREEN[cb] + RED_TO_GREEN[cr]) >> 16);
      out[at++] = level + TO_BLUE[cb];
    }
  },
  // Inks are stored inverted, as Adobe does: 255 is none. Rounded as Pillow does.
  CMYK([cyan, magenta, yellow, black], out) {
    for (let x = 0, at = 0; at < out.length; x++) {
      for (const ink of [cyan, magenta, yellow]) {
        const product = (255 - ink[x]) * black[x] + 128;
        out[at++] = black[x] - ((product + (product >> 8)) >> 8);
      }
    }
  },
  YCCK([luma, blue, red, black], out) {
    const inks = new Uint8ClampedArray(out.length);
    this.YCbCr([luma, blue, red], inks);
    const of = (channel) => inks.filter((_, i) => i % 3 === channel).map((value) => 255 - value);
    this.CMYK([of(0), of(1), of(2), black], out);
  },
};
