// predict.c for WebAssembly: node predict.mjs FOLDER COLUMNS_IN
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [folder, columns] = [path.resolve(process.argv[2]), Number(process.argv[3])];
const {Model} = await import(pathToFileURL(path.join(folder, "net.mjs")));
const net = await Model.load(pathToFileURL(path.join(folder, "net.wasm")));
const bytes = fs.readFileSync(0);
const x = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
for (let i = 0; i < x.length; i += columns)
  fs.writeSync(1, new Uint8Array(net.predict(x.subarray(i, i + columns)).buffer));
