"use strict";

// One direction of a chart: from values to places in the drawing, as it was drawn and as it is
// looked at now. A level is a value, or its logarithm on a logarithmic axis.
class Direction {
  constructor(told, from, to) {
    Object.assign(this, { names: null, log: false, ...told, from, to });
    this.whole = told.limits.map((value) => this.level(value));
    this.view = [...this.whole];
  }

  level(value) { return this.log ? Math.log10(value) : value; }

  get zoomed() { return this.view.some((level, end) => level !== this.whole[end]); }

  #place(level, [low, high]) {
    return this.from + ((level - low) / (high - low)) * (this.to - this.from);
  }

  #levelAt(place, [low, high]) {
    return low + ((place - this.from) / (this.to - this.from)) * (high - low);
  }

  place(value) { return this.#place(this.level(value), this.view); }

  levelAt(place) { return this.#levelAt(place, this.view); }

  // Where something is now that was drawn at a place.
  moved(place) { return this.#place(this.#levelAt(place, this.whole), this.view); }

  shows(value) {
    const [low, high] = [...this.view].sort((a, b) => a - b);
    const slack = 1e-6 * (high - low);
    return this.level(value) >= low - slack && this.level(value) <= high + slack;
  }

  // Look from one level to another, within what was drawn; a span too small to tell stays.
  look(one, other) {
    const [least, most] = [...this.whole].sort((a, b) => a - b);
    const span = Math.min(Math.max(Math.abs(other - one), (most - least) / 5000), most - least);
    const low = Math.min(Math.max(Math.min(one, other), least), most - span);
    const ends = span === most - least ? [least, most] : [low, low + span];
    this.view = this.whole[0] < this.whole[1] ? ends : ends.reverse();
  }

  // Zoom by a factor so that a level stays where it is.
  zoom(factor, about) {
    const [a, b] = this.view;
    this.look(about + (a - about) / factor, about + (b - about) / factor);
  }

  pan(share) {
    const [a, b] = this.view;
    this.look(a + share * (b - a), b + share * (b - a));
  }

  // Round values in view, each with its text.
  ticks(most, whole) {
    const [low, high] = this.view.map((level) => (this.log ? 10 ** level : level))
      .sort((a, b) => a - b);
    if (this.log && high / low > 20) {
      const powers = Array.from({ length: 40 }, (_, n) => 10 ** (n - 20));
      return powers.filter((value) => value >= low && value <= high)
        .map((value) => [value, this.#short(value, 12)]);
    }
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    let step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= raw);
    if (whole) step = Math.max(1, Math.round(step));
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n += 1) {
      found.push([n * step, this.#short(n * step, digits)]);
    }
    return found;
  }

  #short(value, digits) {
    const style = Math.abs(value) >= 1e6
      ? { notation: "compact", maximumSignificantDigits: 5 } : { maximumFractionDigits: digits };
    return (value + 0).toLocaleString("en", style);  // -0 is 0
  }

  // A value in words: its name on an axis of things, else its digits.
  text(value) {
    if (!this.names) return value.toLocaleString("en", { maximumSignificantDigits: 5 });
    const apart = ([at]) => Math.abs(at - value);
    return this.names.reduce((best, each) => (apart(each) < apart(best) ? each : best))[1];
  }
}
