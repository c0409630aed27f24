// train.c for WebAssembly: node train.mjs FOLDER ROWS COLUMNS_IN COLUMNS_OUT
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const folder = path.resolve(process.argv[2]);
const [rows, inputs, outputs] = process.argv.slice(3).map(Number);
const {Model} = await import(pathToFileURL(path.join(folder, "net.mjs")));
const net = await Model.load(pathToFileURL(path.join(folder, "net.wasm")));
const bytes = fs.readFileSync(0);
const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const write = (array) => fs.writeSync(1, new Uint8Array(array.buffer));
const state = net.stateBytes();  // of memory that no call moves
let at = 0, x;
const take = (count) => data.subarray(at, (at += rows * count));
while (at < data.length) {
  x = take(inputs);
  write(net.train_step(x, take(outputs)));
}
write(net.predict(x));
if (state.length === 0) throw new Error("the view of the state has ended");
