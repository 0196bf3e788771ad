"use strict";

// The page: takes pictures, asks `engine` for each in turn, shows what it says.
const facts = JSON.parse(document.getElementById("facts").textContent);
const place = Object.fromEntries(
  ["status", "faults", "results", "zone", "choose", "files", "shoot", "clear"]
    .map((id) => [id, document.getElementById(id)]));
const MOST_BARS = 10;

function make(tag, { text, ...attributes } = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

function say(text) { place.status.textContent = text; }

function percent(share) {
  return share > 0 && share < 0.0005 ? "<0.1%" : `${(100 * share).toFixed(1)}%`;
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function tellFault(text) {
  place.faults.append(make("li", { text }));
  place.clear.hidden = false;
}

// Pictures wait for the network, and for those before them.
let queue = Promise.resolve();

async function start() {
  if (window.thriftnetLacks.length > 0) return false;
  try {
    await engine.start(facts);
    performance.mark("thriftnet-ready");
    say("Ready. Give it a picture.");
    return true;
  } catch (fault) {
    say(fault instanceof PictureError ? fault.message
      : `The network cannot be started (${fault.message}); open the page in another browser.`);
    return false;
  }
}

const started = start();

function take(list) {
  const files = [...list];  // a browser empties the list itself
  place.faults.replaceChildren();
  if (files.length === 0) {
    tellFault("No picture file was found in that; save the picture and choose its file.");
    return;
  }
  queue = queue.then(() => takeAll(files));
}

async function takeAll(files) {
  if (!await started) return;
  const below = place.results.firstChild;
  let answered = 0;
  for (const [number, file] of files.entries()) {
    if (files.length > 1) say(`Classifying ${number + 1} of ${files.length}: ${file.name}`);
    try {
      const [answer, milliseconds] = await timed(() => engine.classify(file));
      const card = resultCard(file, answer, milliseconds);
      place.results.insertBefore(card, below?.isConnected ? below : null);  // or it was cleared
      answered += 1;
      if (files.length === 1) say(`${file.name}: ${verdictOf(answer).words}`);
    } catch (fault) {
      const why = fault instanceof PictureError ? fault.message
        : `cannot be classified (${fault.message})`;
      tellFault(`${file.name} ${why}`);
      if (files.length === 1) say("No answer.");
    }
    place.clear.hidden = false;
    await new Promise((resolve) => { setTimeout(resolve); });  // lets the page be drawn
  }
  if (files.length > 1) say(`${answered} of ${files.length} pictures classified.`);
}

async function timed(work) {
  const before = performance.now();
  const found = await work();
  return [found, performance.now() - before];
}

// Names and shares, most probable first.
function ranked(probabilities) {
  return probabilities
    .map((share, index) => ({ name: facts.classes[index], share }))
    .sort((a, b) => b.share - a.share);
}

function verdictOf({ probabilities, outlier }) {
  const [{ name, share }] = ranked(probabilities);
  const unsure = facts.threshold !== null && share < facts.threshold;
  let doubt = unsure ? "Not sure; most probable: " : "";
  if (outlier) doubt = "Outlier; most probable: ";
  return { name, share, doubt, words: `${doubt.toLowerCase()}${name}, ${percent(share)}` };
}

function resultCard(file, answer, milliseconds) {
  const { probabilities, figures, note } = answer;
  const verdict = verdictOf(answer);
  const [name, share] = [make("strong", { text: verdict.name }), ` ${percent(verdict.share)}`];
  const lines = [make("p", { class: "verdict" },
    verdict.doubt ? [verdict.doubt, name, share] : [name, share])];
  lines.push(barList(ranked(probabilities)));
  const time = `${duration(milliseconds)}, from the file to the answer.`;
  lines.push(make("p", { class: "note", text: note ? `${note} ${time}` : time }));
  return make("li", { class: "result" }, [
    make("h2", { text: file.name }),
    make("div", { class: "pictures" }, [givenFigure(file), ...figures.map(pixelFigure)]),
    make("div", { class: "answer" }, lines),
  ]);
}

function barList(rows) {
  const most = rows.length === MOST_BARS + 1 ? rows.length : MOST_BARS;  // a single other is named
  const shown = rows.slice(0, most);
  const others = rows.slice(most);
  if (others.length > 0) {
    const share = others.reduce((sum, row) => sum + row.share, 0);
    shown.push({ name: `${others.length} others`, share });
  }
  const label = "Classes, most probable first";
  return make("ol", { class: "bars", "aria-label": label }, shown.map(({ name, share }) => make("li", {}, [
    make("span", { class: "name", text: name }),
    make("span", { class: "bar", "aria-hidden": "true", style: `--share: ${share}` }),
    make("span", { class: "share", text: percent(share) }),
  ])));
}

function givenFigure(file) {
  const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
  const figure = make("figure", {}, [image, make("figcaption", { text: "Your picture" })]);
  image.addEventListener("error", () => figure.remove());  // of a kind that is not shown here
  image.src = URL.createObjectURL(file);
  return figure;
}

function pixelFigure({ caption, pixels, size }) {
  const canvas = make("canvas", { role: "img", "aria-label": caption, width: size, height: size });
  const rgba = new Uint8ClampedArray(size * size * 4).fill(255);
  for (let i = 0; i < size * size; i++) rgba.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
  canvas.getContext("2d").putImageData(new ImageData(rgba, size, size), 0, 0);
  return make("figure", {}, [canvas, make("figcaption", { text: caption })]);
}

function clear() {
  for (const image of place.results.querySelectorAll("img")) {
    const address = image.src;
    image.removeAttribute("src");  // one that is not loaded yet would be looked for in vain
    URL.revokeObjectURL(address);
  }
  place.results.replaceChildren();
  place.faults.replaceChildren();
  place.clear.hidden = true;
  say("Ready. Give it a picture.");
  place.choose.focus();
}

place.choose.addEventListener("click", () => place.files.click());
place.files.addEventListener("change", () => {
  if (place.files.files.length > 0) take(place.files.files);
  place.files.value = "";  // so that the same file can be given again
});
place.clear.addEventListener("click", clear);
addEventListener("paste", (event) => {
  event.preventDefault();
  take(event.clipboardData.files);
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  place.zone.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) place.zone.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  place.zone.classList.remove("over");
  take(event.dataTransfer.files);
});
