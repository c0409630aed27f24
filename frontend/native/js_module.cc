// The wrapper of a module of WebAssembly: it finds room for arrays in the module's memory.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "frontend/native/c_header.h"
#include "runtime/aligned.h"

namespace sinter {
namespace {

// The array of JavaScript that holds such elements.
std::string array_type(DType dtype) {
  if (dtype == DType::kFloat32) return "Float32Array";
  if (dtype == DType::kFloat64) return "Float64Array";
  const int64_t bits = 8 * dtype_size(dtype);
  return fmt::format("{}{}nt{}Array", bits == 64 ? "Big" : "",
                     is_signed_integer(dtype) ? "I" : "Ui", bits);
}

// "{name: "x", array: Float32Array, length: 784}"
std::string js_parameter(const NativeParameter& p) {
  return fmt::format("{{name: \"{}\", array: {}, length: {}}}", p.name, array_type(p.type.dtype),
                     p.type.shape.elements());
}

std::string js_method(const NativeHeader& h, const NativeFunctionText& f) {
  std::string inputs, outputs, types;
  for (const NativeParameter& p : f.parameters) {
    std::string& list = p.is_written ? outputs : inputs;
    list += (list.empty() ? "" : ", ") + js_parameter(p);
    types +=
        fmt::format("\n  // {}{}: {}", p.is_written ? "gives " : "", p.name, p.type.to_string());
  }
  return fmt::format(
      "\n  // {0}{1}\n  {2}(...given) {{\n    return this.#call(\"{3}\", {4}, [{5}], [{6}], "
      "given);\n  }}\n",
      f.comment, types, f.name.substr(h.name.size() + 1), f.name, f.has_state, inputs, outputs);
}

// Of a file, in a URL.
std::string url_of(const std::string& file) {
  std::string url;
  for (const char c : file) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' ||
                          c == '_' || c == '.' || c == '~';
    url += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return url;
}

// Bytes of the arrays of any of its functions, each aligned.
int64_t largest_call(const NativeHeader& h) {
  int64_t largest = 0;
  for (const NativeFunctionText& f : h.functions) {
    int64_t bytes = 0;
    for (const NativeParameter& p : f.parameters) bytes += aligned(p.type.bytes() + 1);
    largest = std::max(largest, bytes);
  }
  return largest;
}

}  // namespace

std::string js_module(const NativeHeader& h) {
  const bool has_state = h.state_bytes > 0;
  std::string text = fmt::format(
      R"(// Model '{0}' for browsers and Node, exported by Sinter {1}:
//
//     import {{Model}} from "./{2}.mjs";
//     const model = await Model.load(new URL("{2}.wasm", import.meta.url));
//     const y = model.predict(x);
//
// Arrays are dense, rows one after the other. A function with several results gives a list of them.
export class Model {{
  #exports;
  #free;  // where the module's memory has room

  // From the bytes of {2}.wasm, or from its URL.
  static async load(source) {{
    // C says 1 where JavaScript says NaN.
    const pow = (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y));
    // Its series, whose terms have one sign; from 6 on it is 1.
    const erf = (x) => {{
      const a = Math.abs(x);
      if (!(a < 6)) return a > 0 ? Math.sign(x) : NaN;
      let term = a, sum = a;
      for (let n = 1; term > 1e-17 * sum; ++n) sum += term *= 2 * a * a / (2 * n + 1);
      return Math.sign(x) * 2 / Math.sqrt(Math.PI) * Math.exp(-a * a) * sum;
    }};
    const {{sin, cos}} = Math;
    const env = {{sin, sinf: sin, cos, cosf: cos, pow, powf: pow, erf}};
    let bytes = source;
    if (source instanceof URL && source.protocol === "file:")
      bytes = await (await import("node:fs/promises")).readFile(source);
    else if (source instanceof URL || typeof source === "string")
      bytes = await (await fetch(source)).arrayBuffer();
    const {{instance}} = await WebAssembly.instantiate(bytes, {{env}});
    return new Model(instance.exports);
  }}

  constructor(exports) {{
    this.#exports = exports;
    this.#free = exports.__heap_base.value;
    this.workspace = this.#take({3});
    this.threads = [{4}];  // none but this one
)",
      h.model, SINTER_VERSION, url_of(h.file), h.workspace_bytes, h.threads > 1 ? "0, 0" : "");
  if (has_state)
    text +=
        fmt::format("    this.state = this.#take({});\n    this.initialize(0n);\n", h.state_bytes);
  text += fmt::format(
      R"(    // For the arrays of any call: memory that grew would end views of it.
    const begin = this.#free;
    this.#take({});
    this.#free = begin;
  }}
)",
      largest_call(h));
  if (has_state) {
    text += fmt::format(
        R"(
  // Begins anew; a seed (a BigInt) other than 0n begins other random numbers.
  initialize(seed) {{
    this.#exports.{0}_initialize(this.state, seed);
  }}

  // Weights and what the optimizer keeps, as they lie in the module's memory: may be copied and changed.
  stateBytes() {{
    return new Uint8Array(this.#exports.memory.buffer, this.state, {1});
  }}
)",
        h.name, h.state_bytes);
  }
  for (const NativeFunctionText& f : h.functions) text += js_method(h, f);
  return text +
         R"(
  #take(bytes) {
    const at = (this.#free + 63) & ~63;
    this.#free = at + bytes;
    const {memory} = this.#exports;
    const missing = this.#free - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  #call(name, hasState, inputs, outputs, given) {
    if (given.length !== inputs.length)
      throw new TypeError(`${name} takes ${inputs.length} arrays, found ${given.length}`);
    const before = this.#free;
    try {
      const at = [...inputs, ...outputs].map((p) => this.#take(p.length * p.array.BYTES_PER_ELEMENT));
      const {buffer} = this.#exports.memory;
      inputs.forEach((p, i) => {
        if (given[i].length !== p.length)
          throw new RangeError(`${p.name} has ${given[i].length} elements, but ${p.length} are wanted`);
        new p.array(buffer, at[i], p.length).set(given[i]);
      });
      const code = this.#exports[name](...(hasState ? [this.state] : []), ...at, this.workspace, ...this.threads);
      if (code !== 0) throw new Error(`${name} failed: ${code}`);
      const results = outputs.map((p, i) => new p.array(buffer, at[inputs.length + i], p.length).slice());
      return results.length === 1 ? results[0] : results;
    } finally {
      this.#free = before;
    }
  }
}
)";
}

}  // namespace sinter
