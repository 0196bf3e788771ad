"use strict";

// The scans of a JPEG: Huffman codes to coefficients (ITU T.81, annexes F and G).

// Places of a block's coefficients, in the order of a file, row by row.
const ZIGZAG = Uint8Array.from({ length: 64 }, (_, i) => i).sort((a, b) => {
  const [one, other] = [a, b].map((place) => [(place >> 3) + (place & 7), place >> 3, place & 7]);
  return one[0] - other[0] || (one[0] % 2 ? one[1] - other[1] : one[2] - other[2]);
});

const NO_CODES = new Uint16Array(2 ** 16);

// Length << 8 | symbol, by the next 16 bits of a file; 0 where no code begins so.
function huffmanTable(counts, symbols) {
  const table = new Uint16Array(2 ** 16);
  let [code, at] = [0, 0];
  for (let length = 1; length <= 16; length++) {
    const span = 2 ** (16 - length);
    for (let i = 0; i < counts[length - 1]; i++, code += span) {
      table.fill(length << 8 | symbols[at++], code, code + span);
    }
  }
  if (code > 2 ** 16) throw new UnusualJpeg("table of codes");
  return table;
}

// The bits of one restart interval; past their end are zeros, and then a RangeError.
class Bits {
  constructor(bytes) {
    const padded = new Uint8Array(bytes.length + 8);
    padded.set(bytes);
    this.view = new DataView(padded.buffer);
    this.at = 0;
  }

  next(count) {
    if (count === 0) return 0;
    const found = (this.view.getUint32(this.at >>> 3) << (this.at & 7)) >>> (32 - count);
    this.at += count;
    return found;
  }

  // A number of so many bits, of which the upper half of values are positive.
  signed(count) {
    const value = this.next(count);
    return value < 1 << count >> 1 ? value - (1 << count) + 1 : value;
  }

  symbol(table) {
    const found = table[(this.view.getUint32(this.at >>> 3) << (this.at & 7)) >>> 16];
    if (found === 0) throw new UnusualJpeg("damaged");
    this.at += found >> 8;
    return found & 255;
  }
}

// Coded bytes, by restart interval and without the zeros that follow each 0xff.
function* intervals(coded) {
  const bytes = new Uint8Array(coded.length);
  let length = 0;
  for (let from = 0; from < coded.length;) {
    const mark = coded.indexOf(0xff, from);
    const end = mark < 0 ? coded.length : mark;
    bytes.set(coded.subarray(from, end), length);
    length += end - from;
    if (mark < 0) break;
    const next = coded[mark + 1];
    if (next === 0) bytes[length++] = 0xff;
    else if (next >= 0xd0 && next <= 0xd7) {
      yield bytes.subarray(0, length);
      length = 0;
    }
    from = mark + (next === 0xff ? 1 : 2);
  }
  yield bytes.subarray(0, length);
}

function readScan(body, { components, progressive }, tables) {
  const count = body[0];
  const [first, last, bits] = body.subarray(1 + 2 * count, 4 + 2 * count);
  const parts = Array.from({ length: count }, (_, i) => {
    const component = components.find(({ id }) => id === body[1 + 2 * i]);
    if (!component) throw new UnusualJpeg("channels of a scan");
    component.quantization ??= tables.quantization[component.table];
    if (!component.quantization) throw new UnusualJpeg("table of quantization");
    const [dc, ac] = [tables.dc[body[2 + 2 * i] >> 4], tables.ac[body[2 + 2 * i] & 15]];
    return { component, dc: dc ?? NO_CODES, ac: ac ?? NO_CODES, previous: 0 };
  });
  const [high, low] = [bits >> 4, bits & 15];
  if (!count || (progressive && (first > last || last > 63 || (first > 0 && count > 1)))) {
    throw new UnusualJpeg("coefficients of a scan");
  }
  for (const { component: { sent } } of parts) {
    if (progressive) sent.fill(low, first, last + 1);
    else if (sent[0] >= 0) throw new UnusualJpeg("channel sent twice");
    else sent.fill(0);
  }
  return { parts, first, last, high, low, skipped: 0, decode: decoderOf(progressive, first, high) };
}

function decoderOf(progressive, first, high) {
  if (!progressive) return decodeSequential;
  if (first === 0) return high === 0 ? decodeDc : refineDc;
  return high === 0 ? decodeAc : refineAc;
}

function decodeScan(coded, scan, frame, restart) {
  const { parts } = scan;
  const alone = parts.length === 1;
  const units = alone ? parts[0].component.ownBlocks : frame.units;
  const count = units.across * units.down;
  let unit = 0;
  for (const bytes of intervals(coded)) {
    const bits = new Bits(bytes);
    for (const part of parts) part.previous = 0;
    scan.skipped = 0;
    for (const end = restart ? Math.min(unit + restart, count) : count; unit < end; unit++) {
      const [x, y] = [unit % units.across, Math.floor(unit / units.across)];
      for (const part of parts) {
        const { across, down } = alone ? { across: 1, down: 1 } : part.component;
        for (let i = 0; i < across * down; i++) {
          decodeBlock(bits, scan, part, x * across + i % across, y * down + Math.floor(i / across));
        }
      }
    }
    if (bits.at > 8 * bytes.length) throw new UnusualJpeg("damaged");
    if (unit === count) return;
  }
  throw new UnusualJpeg("damaged");
}

const BLOCK = new Int16Array(64);

function decodeBlock(bits, scan, part, x, y) {
  const { component } = part;
  if (component.coefficients) {
    scan.decode(bits, scan, part, component.coefficients, (y * component.blocks.across + x) * 64);
    return;
  }
  BLOCK.fill(0);
  scan.decode(bits, scan, part, BLOCK, 0);
  transformBlock(component, BLOCK, 0, x, y);
}

function decodeSequential(bits, scan, part, block, at) {
  block[at] = part.previous += bits.signed(bits.symbol(part.dc));
  for (let k = 1; k < 64; k++) {
    const symbol = bits.symbol(part.ac);
    if (symbol === 0) break;
    k += symbol >> 4;
    if (k > 63) throw new UnusualJpeg("damaged");
    const size = symbol & 15;
    if (size > 0) block[at + ZIGZAG[k]] = bits.signed(size);
    else if (symbol !== 0xf0) throw new UnusualJpeg("damaged");
  }
}

function decodeDc(bits, { low }, part, block, at) {
  part.previous += bits.signed(bits.symbol(part.dc));
  block[at] = part.previous << low;
}

function refineDc(bits, { low }, part, block, at) {
  if (bits.next(1)) block[at] |= 1 << low;
}

function decodeAc(bits, scan, part, block, at) {
  if (scan.skipped > 0) {
    scan.skipped -= 1;
    return;
  }
  for (let k = scan.first; k <= scan.last; k++) {
    const symbol = bits.symbol(part.ac);
    const [run, size] = [symbol >> 4, symbol & 15];
    if (size === 0 && run < 15) {
      scan.skipped = (1 << run) + bits.next(run) - 1;
      return;
    }
    k += run;
    if (k > scan.last) throw new UnusualJpeg("damaged");
    if (size > 0) block[at + ZIGZAG[k]] = bits.signed(size) << scan.low;
  }
}

// One bit more of each coefficient that is not zero; new ones come after so many that stay zero.
function refineAc(bits, scan, part, block, at) {
  let k = scan.first;
  while (scan.skipped === 0 && k <= scan.last) {
    const symbol = bits.symbol(part.ac);
    const [run, size] = [symbol >> 4, symbol & 15];
    if (size === 0 && run < 15) {
      scan.skipped = (1 << run) + bits.next(run);
      break;
    }
    if (size > 1) throw new UnusualJpeg("damaged");
    const value = size === 0 ? 0 : (bits.next(1) ? 1 : -1) << scan.low;
    k = refineFrom(bits, scan, block, at, k, run);
    if (k > scan.last) throw new UnusualJpeg("damaged");
    if (value) block[at + ZIGZAG[k]] = value;
    k += 1;
  }
  if (scan.skipped > 0) {
    refineFrom(bits, scan, block, at, k, 64);
    scan.skipped -= 1;
  }
}

// Returns the place behind `zeros` coefficients that stay zero: of the next one, or beyond the last.
function refineFrom(bits, { last, low }, block, at, k, zeros) {
  for (; k <= last; k++) {
    const place = at + ZIGZAG[k];
    const value = block[place];
    if (value === 0) {
      if (zeros === 0) break;
      zeros -= 1;
    } else if (bits.next(1) && !(value & (1 << low))) {
      block[place] += (value > 0 ? 1 : -1) << low;
    }
  }
  return k;
}
