"use strict";

// What a picture's bytes say that a browser keeps to itself: its size before anything is decoded,
// which way up it was taken, whether it moves, whether its colours need a profile, whether it is whole.

const KINDS = [
  ["JPEG", /^\xff\xd8\xff/, readJpeg],
  ["PNG", /^\x89PNG\r\n\x1a\n/, readPng],
  ["GIF", /^GIF8[79]a/, readGif],
  ["WebP", /^RIFF.{4}WEBP/s, readWebp],
  ["BMP", /^BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0/s, readBmp],
  ["AVIF", /^.{4}ftypavi[fs]/s, readAvif],
];
const NOT_IN_BROWSERS = [
  ["a TIFF picture", /^(II[*+]\0|MM\0[*+])/],
  ["a JPEG 2000 picture", /^(\0\0\0\x0cjP {2}\r\n\x87\n|\xff\x4f\xff\x51)/],
  ["an icon", /^\0\0[\x01\x02]\0/],
  ["a picture of a kind that browsers do not show", /^(DDS |qoif|P[1-7fF]\s|\x01\xda)/],
];

// unreadable: names of kinds that are refused everywhere, with how they begin (picture_formats.py).
function inspectPicture(bytes, unreadable) {
  if (bytes.length === 0) throw new PictureError("is empty; save it again");
  const header = latin1(bytes.subarray(0, 1024));
  for (const [name, start] of unreadable) {
    if (new RegExp(`^(?:${start})`, "s").test(header)) {
      throw new PictureError(`is ${name}, which cannot be read here; save it as JPEG or PNG`);
    }
  }
  for (const [kind, start, read] of KINDS) {
    if (start.test(header)) return { kind, ...PLAIN, ...read(bytes) };
  }
  for (const [name, start] of NOT_IN_BROWSERS) {
    if (start.test(header)) {
      throw new PictureError(`is ${name}, which this page cannot read; save it as JPEG or PNG`);
    }
  }
  throw unusable("an unsupported format");
}

const PLAIN = {
  width: 0,  // as stored; 0 where the bytes do not say it
  height: 0,
  orientation: 1,  // by EXIF; 1 is upright
  hidden: [],  // pairs of offsets: what would make a browser turn it
  frames: 1,
  profile: false,  // whether the colours are other than sRGB; of a JPEG, their profile
  inks: false,  // CMYK
  whole: true,
};

function unusable(reason) {
  return new PictureError(`cannot be read as an image (${reason}); save it again as PNG`);
}

function latin1(bytes) {
  return String.fromCharCode(...bytes);
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Segments of a JPEG: its marker, the first byte of its body, the one after the last, and where the next
// marker is. Coded pixels lie between; in them no two bytes are a marker of a segment.
function* jpegSegments(bytes) {
  const markerFrom = (at) => {
    for (at = bytes.indexOf(0xff, at); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
      if (bytes[at + 1] > 0x01 && bytes[at + 1] < 0xff && (bytes[at + 1] & 0xf8) !== 0xd0) return at;
    }
    return bytes.length;
  };
  for (let at = markerFrom(2); at + 4 <= bytes.length && bytes[at + 1] !== 0xd9;) {
    const end = at + 2 + viewOf(bytes).getUint16(at + 2);
    const until = markerFrom(end);
    yield { marker: bytes[at + 1], start: at + 4, end, until };
    at = until;
  }
}

function readJpeg(bytes) {
  const view = viewOf(bytes);
  const facts = { hidden: [], whole: false };
  const profile = [];
  for (const { marker, start, end } of jpegSegments(bytes)) {
    const name = latin1(bytes.subarray(start, Math.min(start + 12, end)));
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
        && start + 6 <= bytes.length) {
      facts.height = view.getUint16(start + 1);
      facts.width = view.getUint16(start + 3);
      facts.inks = bytes[start + 5] === 4;
    } else if (marker === 0xe1 && name.startsWith("Exif\0\0")) {
      facts.orientation ??= exifOrientation(bytes.subarray(start, end));
      facts.hidden.push([start - 4, end]);
    } else if (marker === 0xe2 && name === "ICC_PROFILE\0") {
      profile[bytes[start + 12]] = bytes.subarray(start + 14, end);  // its number, of how many
    } else if (marker === 0xda) {
      facts.whole = endsFrom(bytes, end);
      break;
    }
  }
  facts.orientation ??= 1;
  facts.profile = profile.length > 0 && Uint8Array.from(profile.flatMap((part) => [...part]));
  return facts;
}

// Whether a JPEG has its end marker; coded pixels cannot hold those two bytes.
function endsFrom(bytes, start) {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xd9) return true;
  }
  return false;
}

function readPng(bytes) {
  const view = viewOf(bytes);
  if (bytes.length < 33) return { whole: false };
  const facts = { width: view.getUint32(16), height: view.getUint32(20), hidden: [], whole: false };
  const [depth, colour] = [bytes[24], bytes[25]];
  let gamma = null, srgb = false, primaries = SRGB_PRIMARIES, numbered = false;
  for (let at = 8; at + 12 <= bytes.length;) {
    const kind = latin1(bytes.subarray(at + 4, at + 8));
    const [body, end] = [at + 8, at + 12 + view.getUint32(at)];
    if (end > bytes.length) break;
    if (kind === "iCCP") facts.profile = true;
    else if (kind === "sRGB") srgb = true;
    else if (kind === "gAMA") gamma = view.getUint32(body) / 100000;
    else if (kind === "cICP" && (bytes[body] !== 2 || bytes[body + 1] !== 2)) {
      numbered = true;
      facts.profile = isOtherThanSrgb(bytes[body], bytes[body + 1]);
    } else if (kind === "cHRM") {
      primaries = SRGB_PRIMARIES.map((_, i) => view.getUint32(body + 4 * i) / 100000);
    } else if (kind === "acTL") facts.frames = view.getUint32(body);
    else if (kind === "tRNS" && depth === 16 && colour === 2) {
      throw new PictureError("marks one colour of 16 bits as transparent; save it as RGBA");
    } else if (kind === "eXIf") {
      facts.orientation = exifOrientation(bytes.subarray(body, end - 4));
      facts.hidden.push([at, end]);
    } else if (kind === "IEND") {
      facts.whole = true;
      break;
    }
    at = end;
  }
  // That of a screen, and what differs from it by no more than anybody sees, is left as it is.
  const usual = gamma > 0.4 && gamma < 0.5 && SRGB_PRIMARIES.every(
    (value, i) => Math.abs(value - primaries[i]) <= 0.005 + 1e-5 * value,
  );
  if (gamma && !srgb && !numbered && !usual) facts.profile = true;
  return facts;
}

// x and y of white, red, green and blue.
const SRGB_PRIMARIES = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];
const PRIMARIES = [1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 22];  // the codes of H.273 that are known
const GAMMAS = [4, 5, 8];
const SRGB_CURVES = [1, 2, 6, 13, 14, 15];
const HDR = [16, 18];

// Whether colours by codes of H.273 have to be converted (colour/numbers.py).
function isOtherThanSrgb(primaries, transfer) {
  if (HDR.includes(transfer)) {
    throw new PictureError("is an HDR picture; save it as JPEG or 8-bit PNG");
  }
  if (!PRIMARIES.includes(primaries) || ![...GAMMAS, ...SRGB_CURVES].includes(transfer)) {
    throw unusable(`colours of codes ${primaries} and ${transfer}, which are not supported`);
  }
  return primaries > 2 || GAMMAS.includes(transfer);
}

function readWebp(bytes) {
  const view = viewOf(bytes);
  const facts = { hidden: [], frames: 0, whole: view.getUint32(4, true) + 8 <= bytes.length };
  for (let at = 12; at + 18 <= bytes.length;) {
    const kind = latin1(bytes.subarray(at, at + 4));
    const [body, length] = [at + 8, view.getUint32(at + 4, true)];
    const end = body + length + (length % 2);
    if (kind === "VP8X") {
      facts.width = 1 + (view.getUint32(body + 4, true) & 0xffffff);
      facts.height = 1 + (view.getUint32(body + 6, true) >>> 8);
    } else if (kind === "VP8 ") {
      facts.width ??= view.getUint16(body + 6, true) & 0x3fff;
      facts.height ??= view.getUint16(body + 8, true) & 0x3fff;
    } else if (kind === "VP8L") {
      const sizes = view.getUint32(body + 1, true);
      facts.width ??= 1 + (sizes & 0x3fff);
      facts.height ??= 1 + ((sizes >>> 14) & 0x3fff);
    } else if (kind === "ANMF") facts.frames += 1;
    else if (kind === "ICCP") facts.profile = true;
    else if (kind === "EXIF") {
      facts.orientation = exifOrientation(bytes.subarray(body, body + length));
      bytes[at] = 0x65;  // no chunk of that name is read; cutting it out would break the lengths
    }
    at = end;
  }
  return facts;
}

function readGif(bytes) {
  const view = viewOf(bytes);
  if (bytes.length < 13) return { whole: false };
  const facts = { width: view.getUint16(6, true), height: view.getUint16(8, true), frames: 0 };
  const table = (flags) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + table(bytes[10]);
  while (at < bytes.length && facts.frames < 2) {
    const block = bytes[at];
    if (block === 0x3b) break;
    if (block === 0x2c) {
      facts.frames += 1;
      at += 11 + table(bytes[at + 9]);
    } else if (block === 0x21) at += 2;
    else break;
    while (bytes[at] > 0) at += bytes[at] + 1;  // undefined, past the end, is not
    at += 1;
  }
  return { ...facts, whole: facts.frames > 0 && at <= bytes.length };
}

function readBmp(bytes) {
  const view = viewOf(bytes);
  if (bytes.length < 26) return { whole: false };
  if (bytes[14] === 12) {
    return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  }
  if (view.getUint32(14, true) >= 56 && view.getUint16(28, true) === 16
      && view.getUint32(30, true) === 3 && view.getUint32(66, true)) {
    throw new PictureError("has transparency in pixels of 16 bits; save it as PNG");
  }
  leaveOutUnusedAlpha(bytes, view);
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
}

// Many programs write a mask for transparency and zeros in it. Browsers show such a picture opaque or
// not at all, by their version; without the mask it is opaque, as elsewhere.
function leaveOutUnusedAlpha(bytes, view) {
  const masked = view.getUint32(14, true) >= 56 && bytes.length > 70
    && view.getUint16(28, true) === 32 && view.getUint32(66, true) === 0xff000000;
  if (!masked) return;
  for (let at = view.getUint32(10, true) + 3; at < bytes.length; at += 4) if (bytes[at]) return;
  bytes.fill(0, 66, 70);
}

// Its decoder turns it, by boxes of its own; the largest `ispe` is that of the whole picture.
function readAvif(bytes) {
  const view = viewOf(bytes);
  const header = latin1(bytes.subarray(0, 4096));
  const facts = { width: 0, height: 0, profile: /colr(prof|rICC)/.test(header) };
  const numbers = /\0\0\0\x13colrnclx/.exec(header);
  if (numbers && !facts.profile) {
    const at = numbers.index + 12;
    facts.profile = isOtherThanSrgb(view.getUint16(at), view.getUint16(at + 2));
  }
  for (const { index } of header.matchAll(/ispe\0{4}/g)) {
    if (index + 16 > bytes.length) continue;
    facts.width = Math.max(facts.width, view.getUint32(index + 8));
    facts.height = Math.max(facts.height, view.getUint32(index + 12));
  }
  return { ...facts, frames: header.slice(8, 12) === "avis" ? 2 : 1 };
}

// The value of the tag Orientation, 1 to 8; 1 where the data are damaged.
function exifOrientation(bytes) {
  const prefixed = latin1(bytes.subarray(0, 6)) === "Exif\0\0";
  const data = prefixed ? bytes.subarray(6) : bytes;
  const little = data[0] === 0x49;
  const view = viewOf(data);
  try {
    const first = view.getUint32(4, little);
    for (let i = 0; i < view.getUint16(first, little); i++) {
      const entry = first + 2 + 12 * i;
      if (view.getUint16(entry, little) !== 0x0112) continue;
      const value = view.getUint16(entry + 8, little);
      return value >= 2 && value <= 8 ? value : 1;
    }
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault;
  }
  return 1;
}
