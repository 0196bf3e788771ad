"use strict";

// The engine of the page that a service sends: pictures go to POST /v1/predict as they are.
const engine = (() => {
  const OVERLAY_PIXELS = 192;
  const COLOUR = [255, 96, 0];
  const STRENGTH = 0.65;
  const OUTLINED = 0.5;
  const AROUND = [[-2, 0], [-1, 0], [1, 0], [2, 0], [0, -2], [0, -1], [0, 1], [0, 2]];
  let facts;
  let explains = false;
  const headers = {};

  async function ask(path, options = {}) {
    let answer = await fetch(path, { ...options, headers: { ...options.headers, ...headers } });
    if (answer.status === 401) {
      const token = prompt("Token of this service");
      if (!token) throw new PictureError("needs a token: reload this page and enter it.");
      headers.Authorization = `Bearer ${token.trim()}`;
      answer = await fetch(path, { ...options, headers: { ...options.headers, ...headers } });
      if (answer.status === 401) delete headers.Authorization;
    }
    return answer;
  }

  async function start(given) {
    facts = given;
    const answer = await ask("/v1/model");
    const found = await answer.json();
    if (!answer.ok) throw new PictureError(`The service: ${found.detail}`);
    explains = found.activation;
  }

  async function classify(file) {
    const answer = await ask(`/v1/predict?activation=${explains}`, {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" },
    });
    const found = await answer.json();
    if (!answer.ok) throw new PictureError(found.detail.replace(/^picture 1 /, ""));
    const [{ probabilities, outlier, activation }] = found.predictions;
    const shares = facts.classes.map((name) => probabilities[name]);
    const likeliest = facts.classes[shares.indexOf(Math.max(...shares))];
    return {
      probabilities: shares,
      outlier,
      figures: activation ? figuresOf(activation, likeliest) : [],
      note: "",
    };
  }

  function figuresOf(activation, name) {
    const pixels = Uint8Array.from(atob(activation.pixels), (byte) => byte.charCodeAt(0));
    return [
      { caption: "What the network saw", pixels, size: activation.size },
      overlay(pixels, activation, `Class activation: ${name}`),
    ];
  }

  // The picture with colour in proportion to the activation of each position, and a light and
  // dark outline, seen without colour too, around all above half of the largest.
  function overlay(pixels, { grid, size }, caption) {
    const scale = Math.max(1, Math.round(OVERLAY_PIXELS / size));
    const side = scale * size;
    const most = Math.max(...grid.flat(), 1e-9);
    const shares = Float32Array.from({ length: side * side }, (_, at) => {
      const [y, x] = [Math.floor(at / side), at % side];
      return Math.max(0, between(grid, (y + 0.5) / side, (x + 0.5) / side)) / most;
    });
    const shown = new Uint8Array(side * side * 3);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const share = shares[y * side + x];
        const from = 3 * (Math.floor(y / scale) * size + Math.floor(x / scale));
        const line = outlineAt(shares, side, y, x);
        for (let c = 0; c < 3; c++) {
          const before = pixels[from + c];
          shown[3 * (y * side + x) + c] = line
            ?? before + STRENGTH * share * (COLOUR[c] - before);
        }
      }
    }
    return { caption, pixels: shown, size: side };
  }

  // The grey of the outline at a pixel, light inside and dark outside; none elsewhere. Each side is
  // two pixels wide: the page shows fewer than there are.
  function outlineAt(shares, side, y, x) {
    const inside = shares[y * side + x] >= OUTLINED;
    for (const [down, right] of AROUND) {
      const [row, column] = [y + down, x + right];
      if (Math.min(row, column) < 0 || Math.max(row, column) >= side) continue;
      if (shares[row * side + column] >= OUTLINED !== inside) return inside ? 255 : 27;
    }
    return undefined;
  }

  // A grid's value at a place in [0, 1] x [0, 1], linear between the centres of its cells.
  function between(grid, down, right) {
    const [y0, y1, v] = neighbours(down, grid.length);
    const [x0, x1, u] = neighbours(right, grid[0].length);
    const above = grid[y0][x0] * (1 - u) + grid[y0][x1] * u;
    const below = grid[y1][x0] * (1 - u) + grid[y1][x1] * u;
    return above * (1 - v) + below * v;
  }

  function neighbours(place, count) {
    const at = Math.min(Math.max(place * count - 0.5, 0), count - 1);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, count - 1), at - low];
  }

  return { start, classify };
})();
