"use strict";

// Follows a training: asks for its status every two seconds, and reloads the page when its figures have
// changed. The browser keeps the scroll position, and this script which details are open and
// what has the focus.
const place = document.getElementById("live");
const version = place.dataset.version;
const bar = document.getElementById("done");
const folds = [...document.querySelectorAll("details")];

function heading(fold) { return fold.querySelector("summary").textContent; }

// What tells an element from others of its kind, also after more figures have come.
function called(element) { return element.getAttribute("aria-label") ?? element.textContent; }

function restore() {
  try {
    const { open, kind, name } = JSON.parse(sessionStorage.getItem("thriftnet-view"));
    for (const fold of folds) fold.open = open.includes(heading(fold));
    const same = [...document.querySelectorAll(kind)].find((each) => called(each) === name);
    same?.focus({ preventScroll: true });
  } catch { /* folded, then */ }
}

function keep() {
  const focused = document.activeElement;
  const open = folds.filter((fold) => fold.open).map(heading);
  const name = focused === document.body ? "" : called(focused);
  const view = { open, kind: focused.tagName, name };
  try { sessionStorage.setItem("thriftnet-view", JSON.stringify(view)); } catch { /* folded, then */ }
}

// The page is asked for first: a run that was just removed has none, and this one stays.
async function reload() {
  const answer = await fetch("./");
  if (!answer.ok) throw new Error(await answer.text());
  keep();
  location.reload();
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [minutes, rest] = [Math.floor(whole / 60), String(whole % 60).padStart(2, "0")];
  return minutes < 60 ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

function summary(live) {
  const now = live.status;
  if (now.epoch === undefined) return live.state;
  return `${live.state}: epoch ${now.epoch} of ${now.epochs}, ${Math.round(100 * now.share)}%, `
    + `loss ${now.loss.toFixed(3)}, ${Math.round(now.images_per_second)} images/s, `
    + `${clock(now.seconds_left)} left`
    + (now.cpu_contention >= 0.1 ? `, other work ${Math.round(100 * now.cpu_contention)}%` : "");
}

async function ask() {
  try {
    const answer = await fetch("status");
    if (!answer.ok) throw new Error(await answer.text());
    const live = await answer.json();
    if (live.version !== version) await reload();
    place.textContent = summary(live);
    const now = live.status;
    bar.hidden = now.epoch === undefined;
    if (!bar.hidden) bar.value = (now.epoch - 1 + now.share) / now.epochs;
  } catch (fault) {  // fetch throws a TypeError where nobody answers; else the server says why
    bar.hidden = true;
    place.textContent = fault instanceof TypeError
      ? "no response: thriftnet watch has ended" : fault.message;
  }
}

// After the answer: a slow one must not come after that of a later question.
async function follow() {
  await ask();
  setTimeout(follow, 2000);
}

restore();
follow();
