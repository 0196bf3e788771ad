"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const articles = [...document.querySelectorAll("article")];
  const store = `thriftnet-audit-${facts.key}`;
  let decided = {};
  try { decided = JSON.parse(localStorage.getItem(store)) || {}; } catch { /* no storage here */ }

  const show = (at) => {
    const article = articles[at], one = decided[at];
    article.dataset.decision = one ? one[0] : "";
    article.querySelector("output").textContent =
      !one ? "" : one[0] === "relabel" ? `relabelled ${one[1]}` : one[0] === "drop" ? "dropped" : "kept";
    if (one && one[0] === "relabel")
      article.querySelector("select").selectedIndex = facts.classes.indexOf(one[1]);
    document.getElementById("done").textContent = `${Object.keys(decided).length} decided`;
  };
  const decide = (at, what, label = "") => {
    if (what === "undo") delete decided[at]; else decided[at] = [what, label];
    try { localStorage.setItem(store, JSON.stringify(decided)); } catch { /* kept on the page alone */ }
    show(at);
  };
  const go = (at) => {
    if (!articles[at]) return;
    for (const each of articles) each.tabIndex = -1;
    articles[at].tabIndex = 0;
    articles[at].focus();
    articles[at].scrollIntoView({ block: "nearest" });
  };
  const act = (at, what, onward) => {
    const chosen = facts.classes[articles[at].querySelector("select").selectedIndex];  // its text is cleaned
    decide(at, what, what === "relabel" ? chosen : "");
    if (onward && what !== "undo") go(at + 1);
  };
  const quoted = (text) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const save = () => {
    const rows = facts.cards.map((card, at) => {
      const [decision, label] = decided[at] || ["", ""];
      const row = { ...card, decision, new_label: label };
      return facts.columns.map((name) => quoted(row[name])).join(",");
    });
    const text = [facts.columns.join(","), ...rows, ""].join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = facts.file;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  articles.forEach((article, at) => {
    show(at);
    article.addEventListener("focusin", () => { article.dataset.at = at; });
    for (const button of article.querySelectorAll("button"))
      button.addEventListener("click", () => act(at, button.dataset.do, false));
    article.querySelector("select").addEventListener("change", () => act(at, "relabel", false));
  });
  document.getElementById("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "s") { save(); event.preventDefault(); return; }
    const inside = document.activeElement.closest("article");
    if (document.activeElement.tagName === "SELECT") {
      if (inside && (key === "escape" || key === "enter")) { go(articles.indexOf(inside)); event.preventDefault(); }
      return;
    }
    const at = Math.max(0, articles.indexOf(inside));
    const what = { k: "keep", r: "relabel", d: "drop", u: "undo" }[key];
    if (key === "arrowright" || key === "arrowdown") go(inside ? at + 1 : 0);
    else if (key === "arrowleft" || key === "arrowup") go(at - 1);
    else if (key === "c") articles[at].querySelector("select").focus();
    else if (what) act(at, what, true);
    else return;
    event.preventDefault();
  });
})();
