"use strict";

// Tables: a click sorts by a column, upwards first; cells without a number go by their text.
function compare(a, b) {
  const [x, y] = [a.dataset.value, b.dataset.value];
  if (x !== undefined && y !== undefined) return Number(x) - Number(y);
  if (x !== undefined) return -1;
  if (y !== undefined) return 1;
  return a.textContent.localeCompare(b.textContent, undefined, { numeric: true });
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const body = head.closest("table").tBodies[0];
    const upwards = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentElement.children) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", upwards ? "ascending" : "descending");
    const at = head.cellIndex;
    const rows = [...body.rows].sort((a, b) => compare(a.cells[at], b.cells[at]));
    body.append(...(upwards ? rows : rows.reverse()));
  });
}

// Paper has no folds.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
