"use strict";

// The theme: the system's until one is chosen; a page opened from disk may be refused storage.
{
  const select = document.getElementById("theme");

  const show = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    select.value = theme;
  };

  const remembered = () => {
    try { return localStorage.getItem("thriftnet-theme"); } catch { return null; }
  };

  select.addEventListener("change", () => {
    show(select.value);
    try { localStorage.setItem("thriftnet-theme", select.value); } catch { /* for this page only */ }
  });
  const before = remembered();
  show(["light", "dark"].includes(before) ? before : "system");
}
