// In the JavaScript of 2009, so that an old browser gets as far as saying what it lacks.
(function () {
  var lacks = [];
  if (document.getElementById("embedded-model")) {  // a page that asks a service needs less
    if (typeof WebAssembly !== "object") lacks.push("WebAssembly");
    if (typeof DecompressionStream !== "function") lacks.push("DecompressionStream");
    if (typeof createImageBitmap !== "function") lacks.push("createImageBitmap");
  }
  window.thriftnetLacks = lacks;
  document.getElementById("status").textContent = lacks.length === 0 ? "Loading the network …"
    : "This browser has no " + lacks.join(" and no ")
      + "; open the page in Chrome 91, Firefox 113 or Safari 16.4, or newer.";
})();
