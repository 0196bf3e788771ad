// Decodes JPEG files by the page's scripts. Reads JSON from standard input: the scripts' text, the facts of
// a contract and files' paths. Writes a line of JSON for each file: null where it is left to the browser,
// or its scale and channels, its pixels and the network's input; bytes in base64.
import { readFileSync } from "node:fs";

const { scripts, facts, paths } = JSON.parse(readFileSync(0, "utf-8"));
const { decodeJpeg, inspectPicture, squareJpeg } =
  new Function(`${scripts}\nreturn { decodeJpeg, inspectPicture, squareJpeg };`)();
const text = (bytes) => Buffer.from(bytes.buffer).toString("base64");
for (const path of paths) {
  const bytes = Uint8Array.from(readFileSync(path));
  const found = decodeJpeg(bytes, facts.larger * facts.image_size);
  if (found) {
    const { scale, channels, pixels } = found;
    const info = { ...inspectPicture(bytes, facts.unreadable), profile: false };  // is the browser's part
    const square = await squareJpeg(found, info, facts);
    console.log(JSON.stringify({ scale, channels, pixels: text(pixels), square: text(square) }));
  } else console.log(null);
}
