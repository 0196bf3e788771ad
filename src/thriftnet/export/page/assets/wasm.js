"use strict";

// The engine of a page without a service: ONNX Runtime's WebAssembly build, and the network, both
// embedded and compressed. No worker and no request, neither of which a page from disk has.
const engine = {
  facts: null,
  session: null,
  tensor: null,  // makes an input

  async start(facts) {
    this.facts = facts;
    await checkCanvas();
    const [code, wasm, model] = await Promise.all(["code", "wasm", "model"].map(unpack));
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const ort = await import(address);
    URL.revokeObjectURL(address);
    ort.env.logLevel = "error";
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = wasm.buffer;
    this.session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    this.tensor = (pixels, size) => new ort.Tensor("uint8", pixels, [1, size, size, 3]);
    await this.probabilities(new Uint8Array(facts.image_size ** 2 * 3));  // the first one is slow
  },

  async classify(file) {
    const { pixels, note } = await decodePicture(file, this.facts);
    const size = this.facts.image_size;
    const figures = [{ caption: `What the network saw: ${size}×${size} pixels`, pixels, size }];
    return { probabilities: await this.probabilities(pixels), figures, note };
  },

  // RGB bytes (size, size, 3) to a probability for each class.
  async probabilities(pixels) {
    const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
    const [input, output] = [this.session.inputNames[0], this.session.outputNames[0]];
    const found = await this.session.run({ [input]: this.tensor(bytes, this.facts.image_size) });
    return Array.from(found[output].data);
  },
};

// The bytes of an embedded part: base64 of gzip, in an element that is needed once.
async function unpack(id) {
  const element = document.getElementById(`embedded-${id}`);
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// What tests and other scripts on this page may call.
window.thriftnet = {
  classify: (pixels) => engine.probabilities(pixels),
  pixels: async (file) => (await decodePicture(file, engine.facts)).pixels,
};
