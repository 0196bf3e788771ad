"use strict";

// Charts are read off by pointer or keys and zoomed by dragging, by buttons or by keys.
{
  const reading = document.createElement("div");
  reading.className = "reading";
  reading.setAttribute("role", "status");
  const help = document.createElement("p");
  help.id = "chart-keys";
  help.hidden = true;
  help.textContent = "Left and right arrows read values, up and down change the panel, plus and "
    + "minus zoom, shift with an arrow moves, 0 shows all.";
  document.querySelector("main").append(reading, help);

  let shown = null;  // the chart that is read

  class Chart {
    constructor(holder) {
      this.svg = holder.querySelector("svg");
      this.panels = JSON.parse(holder.dataset.chart).map((told) => new Panel(this.svg, told));
      this.panel = this.panels.find((each) => each.series.length);
      this.cursor = this.svg.appendChild(svgNode("g", { class: "cursor" }));
      this.stop = null;
      this.drag = null;
      holder.setAttribute("aria-describedby", help.id);
      holder.addEventListener("keydown", (event) => this.key(event));
      holder.addEventListener("blur", () => this.hide());
      this.svg.addEventListener("pointermove", (event) => this.move(event));
      this.svg.addEventListener("pointerdown", (event) => this.press(event));
      this.svg.addEventListener("pointerup", (event) => this.release(event));
      this.svg.addEventListener("pointerleave", () => { if (!this.drag) this.hide(); });
      this.svg.addEventListener("pointercancel", () => { this.drag = null; this.hide(); });
      this.svg.addEventListener("dblclick", () => this.whole());
      this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      if (this.free.length) this.buttons(holder);
    }

    // Directions that can be zoomed: those of numbers, and across alone where values have an x.
    get free() {
      const { x, y } = this.panel;
      return (this.panel.byX ? [x] : [x, y]).filter((each) => !each.names);
    }

    buttons(holder) {
      const title = holder.closest("figure").querySelector("h3").textContent;
      const bar = document.createElement("div");
      bar.className = "zoom";
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", `Zoom of ${title}`);
      const act = [["+", "Zoom in", () => this.zoom(2)], ["−", "Zoom out", () => this.zoom(0.5)],
        ["all", "Show all", () => this.whole()]];
      for (const [sign, words, does] of act) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = sign;
        button.title = words;
        button.setAttribute("aria-label", `${words}: ${title}`);
        button.addEventListener("click", does);
        bar.append(button);
      }
      holder.before(bar);
    }

    point(event) {
      const at = new DOMPoint(event.clientX, event.clientY);
      return at.matrixTransform(this.svg.getScreenCTM().inverse());
    }

    move(event) {
      const { x, y } = this.point(event);
      if (this.drag) { this.stretch(x, y); return; }
      const under = this.panels.find((each) => each.series.length && each.holds(x, y));
      if (!under) { this.hide(); return; }
      this.panel = under;
      this.show(under.nearest(x, y));
    }

    press(event) {
      this.move(event);
      const { x, y } = this.point(event);
      if (event.button !== 0 || !this.panel.holds(x, y) || !this.free.length) return;
      this.svg.setPointerCapture(event.pointerId);
      this.drag = { x, y, box: this.cursor.appendChild(svgNode("rect", { class: "stretch" })) };
    }

    // The rectangle that is dragged; flat, it is of the whole height.
    stretch(x, y) {
      const { drag, panel } = this;
      const inside = (value, low, high) => Math.min(Math.max(value, low), high);
      const wide = [drag.x, inside(x, panel.left, panel.right)].sort((a, b) => a - b);
      let tall = [drag.y, inside(y, panel.top, panel.bottom)].sort((a, b) => a - b);
      drag.flat = panel.byX && tall[1] - tall[0] < 0.2 * (panel.bottom - panel.top);
      if (drag.flat || panel.y.names) tall = [panel.top, panel.bottom];
      if (panel.x.names) wide.splice(0, 2, panel.left, panel.right);
      Object.assign(drag, { wide, tall });
      const box = { x: wide[0], width: wide[1] - wide[0], y: tall[0], height: tall[1] - tall[0] };
      for (const [name, value] of Object.entries(box)) drag.box.setAttribute(name, value);
    }

    release(event) {
      const { drag, panel } = this;
      this.drag = null;
      if (!drag) return;
      drag.box.remove();
      if (!drag.wide || drag.wide[1] - drag.wide[0] < 6 || drag.tall[1] - drag.tall[0] < 6) return;
      const [across, upright] = [[panel.x, drag.wide], [panel.y, drag.tall]].map(
        ([direction, ends]) => ends.map((place) => direction.levelAt(place)));
      if (!panel.x.names) this.across((x) => x.look(...across));
      if (!drag.flat && !panel.y.names) panel.y.look(...upright);
      this.redraw();
      this.move(event);
    }

    wheel(event) {
      if (!event.ctrlKey && !event.metaKey) return;  // the page scrolls
      event.preventDefault();
      this.move(event);
      this.zoom(event.deltaY < 0 ? 1.25 : 0.8, this.point(event));
    }

    // Panels with the same axis across move together, and fit their heights.
    across(change) {
      const limits = String(this.panel.x.limits);
      for (const each of this.panels) {
        if (String(each.x.limits) !== limits) continue;
        change(each.x);
        each.fit();
      }
    }

    zoom(factor, about = null) {
      const { panel, free } = this;
      const middle = (direction) => (direction.view[0] + direction.view[1]) / 2;
      const mark = about ?? (this.stop === null ? null : this.mark());
      const level = (direction) => (mark
        ? direction.levelAt(direction === panel.x ? mark.x : mark.y) : middle(direction));
      if (free.includes(panel.y)) panel.y.zoom(factor, level(panel.y));
      if (free.includes(panel.x)) {
        const fixed = level(panel.x);
        this.across((x) => x.zoom(factor, fixed));
      }
      this.redraw();
    }

    // Where the value that is read lies now.
    mark() {
      const [x, y] = this.panel.read(this.stop).marks[0];
      return { x: this.panel.x.place(x), y: this.panel.y.place(y) };
    }

    whole() {
      for (const { x, y } of this.panels) for (const each of [x, y]) each.look(...each.whole);
      this.redraw();
    }

    redraw() {
      for (const each of this.panels) each.redraw();
      this.show(this.stop);
    }

    key(event) {
      const far = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20,
        Home: -Infinity, End: Infinity }[event.key];
      const panels = this.panels.filter((each) => each.series.length);
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (far && event.shiftKey) this.across((x) => x.pan(0.25 * Math.sign(far)));
      else if (far) this.step(far);
      else if (/^Arrow(Up|Down)$/.test(event.key) && panels.length > 1) {
        const at = panels.indexOf(this.panel) + (event.key === "ArrowDown" ? 1 : -1);
        this.panel = panels[(at + panels.length) % panels.length];
        this.stop = null;
        this.step(1);
      } else if ("+=".includes(event.key) && this.free.length) this.zoom(2);
      else if (event.key === "-" && this.free.length) this.zoom(0.5);
      else if (event.key === "0") this.whole();
      else if (event.key === "Escape") { this.hide(); return; }
      else return;
      event.preventDefault();
      if (far && event.shiftKey) this.redraw();
    }

    // The next value in view.
    step(far) {
      const { panel } = this;
      const seen = panel.stops.map((_, number) => number).filter((number) => {
        const stop = panel.stops[number];
        return panel.x.shows(panel.byX ? stop : stop[0].x[stop[1]]);
      });
      if (!seen.length) return;
      const at = this.stop === null ? (far > 0 ? -1 : seen.length) : seen.indexOf(this.stop);
      const step = Math.max(-seen.length, Math.min(seen.length, far));
      this.show(seen[Math.min(Math.max(at + step, 0), seen.length - 1)]);
    }

    show(stop) {
      this.stop = stop;
      const { panel, cursor } = this;
      cursor.replaceChildren();
      if (stop === null || stop === undefined) { this.hide(); return; }
      const told = panel.read(stop);
      const places = told.marks.map(([x, y]) => [panel.x.place(x), panel.y.place(y)])
        .filter(([x, y]) => panel.holds(x, y, 1));
      if (!places.length) { this.hide(); return; }
      if (panel.byX) {
        const x = places[0][0];
        cursor.append(svgNode("line", { x1: x, x2: x, y1: panel.top, y2: panel.bottom }));
      }
      for (const [cx, cy] of places) cursor.append(svgNode("circle", { cx, cy, r: 4 }));
      const [head, ...lines] = [told.head, ...told.lines].map((text) => {
        const line = document.createElement("span");
        line.textContent = text;
        return line;
      });
      reading.replaceChildren(head, ...lines);
      shown = this;
      [this.at] = places;
      this.place();
    }

    // Beside what is read, inside the window.
    place() {
      reading.style.display = "block";
      const at = new DOMPoint(...this.at).matrixTransform(this.svg.getScreenCTM());
      const { width, height } = reading.getBoundingClientRect();
      const room = document.documentElement.clientWidth;
      const left = at.x + 14 + width > room ? at.x - 14 - width : at.x + 14;
      const top = Math.min(at.y - height / 2, innerHeight - height - 4);
      reading.style.left = `${Math.max(4, Math.min(left, room - width - 4))}px`;
      reading.style.top = `${Math.max(4, top)}px`;
    }

    hide() {
      this.stop = null;
      this.cursor.replaceChildren();
      shown = null;
      reading.style.display = "none";
    }
  }

  for (const holder of document.querySelectorAll("[data-chart]")) new Chart(holder);
  addEventListener("scroll", () => shown?.place(), { passive: true });
}
