"use strict";

// The axes of a chart with all that lies in them. Nothing is drawn anew: what matplotlib drew is
// moved, so a chart is the same with and without this, but for the ticks of what is zoomed.
const SVG = "http://www.w3.org/2000/svg";

function svgNode(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

class Panel {
  constructor(svg, told) {
    this.group = svg.querySelector(`g[id$="axes_${told.group}"]`);
    this.series = told.series;
    this.fits = told.fit && told.by === "x";
    this.byX = told.by === "x";
    [this.left, this.top, this.right, this.bottom] = told.box;
    this.x = new Direction(told.x, this.left, this.right);
    this.y = new Direction(told.y, this.bottom, this.top);
    this.whole = this.series.every((each) => each.x.every(Number.isInteger));
    this.stops = this.byX
      ? [...new Set(this.series.flatMap((each) => each.x))].sort((a, b) => a - b)
      : this.series.flatMap((each) => each.x.map((x, n) => [each, n]))
        .sort(([a, n], [b, m]) => (this.y.names ? a.y[n] - b.y[m] : a.x[n] - b.x[m]));
    const [xAxis, yAxis] = this.group.querySelectorAll(':scope > g[id*="matplotlib.axis"]');
    this.axes = [[this.x, xAxis], [this.y, yAxis]];
    this.ticks = yAxis.parentNode.insertBefore(svgNode("g", { class: "ticks" }), yAxis.nextSibling);
  }

  // Paths with their coordinates, markers with their places and words, as they were drawn.
  get parts() {
    if (this.found) return this.found;
    this.found = { paths: [], marks: [], words: [] };
    for (const group of this.group.querySelectorAll(":scope > g")) {
      if (/matplotlib\.axis|legend/.test(group.id)) continue;
      const mine = (node) => !node.closest("defs")
        && (/line2d/.test(group.id) || node.closest("[clip-path]"));
      for (const node of group.querySelectorAll("path")) {
        if (mine(node)) this.found.paths.push([node, node.getAttribute("d")]);
      }
      for (const node of group.querySelectorAll("use")) {
        const at = ["x", "y"].map((name) => Number(node.getAttribute(name)));
        if (mine(node)) this.found.marks.push([node, ...at]);
      }
      if (/text/.test(group.id)) this.found.words.push([group, null]);
      if (/note/.test(group.id)) {
        const text = group.querySelector("text");
        this.found.words.push([group, Number(text.getAttribute("x"))]);
      }
    }
    return this.found;
  }

  holds(x, y, slack = 8) {
    return x >= this.left - slack && x <= this.right + slack
      && y >= this.top - slack && y <= this.bottom + slack;
  }

  // After the views have changed.
  redraw() {
    const { x, y, parts } = this;
    const round = (place) => Math.round(100 * place) / 100;
    for (const [node, path] of parts.paths) {
      node.setAttribute("d", path.replace(/(-?[\d.]+) +(-?[\d.]+)/g,
        (_, a, b) => `${round(x.moved(Number(a)))} ${round(y.moved(Number(b)))}`));
    }
    for (const [node, a, b] of parts.marks) {
      const [across, down] = [x.moved(a), y.moved(b)];
      node.setAttribute("x", across);
      node.setAttribute("y", down);
      const clipped = node.closest("[clip-path]") || this.holds(across, down, 1);
      node.style.visibility = clipped ? "" : "hidden";
    }
    const zoomed = x.zoomed || y.zoomed;
    for (const [group, at] of parts.words) {
      const shift = at === null ? 0 : x.moved(at) - at;
      group.setAttribute("transform", `translate(${shift} 0)`);
      const gone = at === null ? zoomed : !this.holds(at + shift, this.top, 1);
      group.style.visibility = gone ? "hidden" : "";
    }
    this.#drawTicks();
  }

  #drawTicks() {
    this.ticks.replaceChildren();
    for (const [direction, axis] of this.axes) {
      const drawn = [...axis.querySelectorAll(':scope > g[id*="tick"]')];
      for (const tick of drawn) tick.style.display = direction.zoomed ? "none" : "";
      if (!direction.zoomed) continue;
      const across = direction === this.x;
      const texts = drawn.some((tick) => tick.querySelector("text"));
      for (const [value, text] of direction.ticks(across ? 5 : 4, across && this.whole)) {
        const at = direction.place(value);
        const line = across ? { x1: at, x2: at, y1: this.top, y2: this.bottom }
          : { x1: this.left, x2: this.right, y1: at, y2: at };
        this.ticks.append(svgNode("line", line));
        if (!texts) continue;
        const place = across ? { x: at, y: this.bottom + 13.7, "text-anchor": "middle" }
          : { x: this.left - 6.5, y: at + 3.6, "text-anchor": "end" };
        this.ticks.append(svgNode("text", place, text));
      }
    }
  }

  // Fit the upright view to what is seen across.
  fit() {
    if (!this.fits || this.y.names) return;
    const levels = this.series.flatMap((each) => each.y.filter((_, n) => this.x.shows(each.x[n])))
      .map((value) => this.y.level(value)).filter(Number.isFinite);
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const margin = 0.06 * (high - low);
    if (!this.x.zoomed) this.y.look(...this.y.whole);
    else if (high > low) this.y.look(low - margin, high + margin);
  }

  // The number of the stop nearest to a place; none where nothing is near.
  nearest(x, y) {
    let [best, least] = [null, this.byX ? Infinity : 24];
    this.stops.forEach((stop, number) => {
      const [across, value] = this.byX ? [stop, null] : [stop[0].x[stop[1]], stop[0].y[stop[1]]];
      if (!this.x.shows(across) || (value !== null && !this.y.shows(value))) return;
      const far = Math.hypot(this.x.place(across) - x,
        value === null ? 0 : this.y.place(value) - y);
      if (far < least) [best, least] = [number, far];
    });
    return best;
  }

  // What a stop has to tell: a heading, lines, and the places to mark.
  read(number) {
    const stop = this.stops[number];
    const named = (direction, value) => `${direction.name || "value"}: ${direction.text(value)}`;
    if (!this.byX) {
      const [each, n] = stop;
      const told = each.words ? [each.words[n]] : [];
      const lines = [...told, named(this.x, each.x[n]), named(this.y, each.y[n])];
      return { head: each.name, lines, marks: [[each.x[n], each.y[n]]] };
    }
    const [lines, marks] = [[], []];
    for (const each of this.series) {
      const apart = (n) => Math.abs(this.x.place(each.x[n]) - this.x.place(stop));
      const n = each.x.reduce((best, _, at) => (apart(at) < apart(best) ? at : best), 0);
      if (apart(n) > 2.5) continue;
      const more = each.words?.[n] ? ` (${each.words[n]})` : "";
      lines.push(`${each.name}: ${this.y.text(each.y[n])}${more}`);
      marks.push([each.x[n], each.y[n]]);
    }
    return { head: named(this.x, stop), lines, marks };
  }
}
