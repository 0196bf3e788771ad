"use strict";

// Follows a training: asks for its status every two seconds and reloads the page when its figures have
// changed. The browser keeps the scroll position, and this script which details are open.
const place = document.getElementById("live");
const version = place.dataset.version;
const bar = document.getElementById("done");
const folds = [...document.querySelectorAll("details")];

function heading(fold) { return fold.querySelector("summary").textContent; }

function unfold() {
  try {
    const open = JSON.parse(sessionStorage.getItem("thriftnet-open")) ?? [];
    for (const fold of folds) fold.open = open.includes(heading(fold));
  } catch { /* folded, then */ }
}

// The page is asked for first: a run that was just removed has none, and this one stays.
async function reload() {
  const answer = await fetch("./");
  if (!answer.ok) throw new Error(await answer.text());
  try {
    const open = folds.filter((fold) => fold.open).map(heading);
    sessionStorage.setItem("thriftnet-open", JSON.stringify(open));
  } catch { /* folded, then */ }
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
      ? "no answer: thriftnet watch has ended" : fault.message;
  }
}

unfold();
ask();
setInterval(ask, 2000);
