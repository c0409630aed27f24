// The data, and one stage of it (the graph as built, after a pass, or compiled) as phases, groups of nodes by layer, and nodes.
const data = JSON.parse(document.getElementById("data").textContent);
const PARTS = ["forward", "loss", "backward", "update"];
const CHANGES = ["", "added", "fused", "rewired"];
const isSource = (id) => ["variable", "constant"].includes(data.nodes[id].sort);
const kernelOf = new Map(data.kernels.map((kernel) => [kernel.node, kernel]));
const forwardLayers = new Set(data.layers);
const element = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const result = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) result.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) result.setAttribute(name, value === true ? "" : value);
  }
  result.append(...children.filter((child) => child !== undefined && child !== null));
  return result;
}

// "12.3 M": with three digits.
function short(value, unit = "") {
  const steps = ["", "k", "M", "G", "T", "P"];
  let step = 0;
  while (value >= 1000 && step < steps.length - 1) {
    value /= 1000;
    ++step;
  }
  const digits = step === 0 && Number.isInteger(value) ? 0 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${steps[step]}${unit}`.trim();
}
function bytesText(value) {
  const steps = ["B", "KiB", "MiB", "GiB"];
  let step = 0;
  while (value >= 1024 && step < 3) {
    value /= 1024;
    ++step;
  }
  return `${step === 0 ? value : value.toFixed(1)} ${steps[step]}`;
}

function nameOf(id) {
  const node = data.nodes[id];
  return node.sort === "input" || node.sort === "variable" ? node.name : `%${id}`;
}
function titleOf(id) {
  const node = data.nodes[id];
  if (node.sort === "input" || node.sort === "variable") return node.name;
  return node.op;
}

// What a fusion does: the ops of its region, most frequent first.
function opsInside(node) {
  const counts = new Map();
  for (const [, op] of (node.attributes || "").matchAll(/^ *%\S+ = (\w+)\(/gm)) {
    if (["input", "reshape", "broadcast", "constant", "as_strided"].includes(op)) continue;
    counts.set(op, (counts.get(op) || 0) + 1);
  }
  return [...counts].map(([op, count]) => (count > 1 ? `${count} ${op}` : op)).join(" + ");
}
function lineOf(stage, id) {
  const node = data.nodes[id], at = stage.nodes.get(id);
  const operands = at.inputs.map(([from, result]) =>
    data.nodes[from].types.length > 1 ? `%${from}#${result}` : data.nodes[from].name && data.nodes[from].sort !== "constant"
      ? `%${data.nodes[from].name}` : `%${from}`);
  const attributes = node.attributes ? ` ${node.attributes}` : "";
  return `%${nameOf(id).replace(/^%/, "")} = ${node.op}(${operands.join(", ")})${attributes} : ${node.types.join(", ")}`;
}

const stageCache = [];
function stageAt(index) {
  if (stageCache[index]) return stageCache[index];
  const from = data.stages[index];
  const stage = { index, name: from.name, nodes: new Map(), removed: [], readers: new Map() };
  if (from.unchanged) {
    const before = stageAt(index - 1);
    for (const [id, node] of before.nodes) stage.nodes.set(id, { ...node, change: 0, ends: undefined });
    stage.outputs = before.outputs;
    stage.updates = before.updates;
  } else {
    for (const [id, part, change, flat] of from.nodes) {
      const inputs = [];
      for (let i = 0; i < flat.length; i += 2) inputs.push([flat[i], flat[i + 1]]);
      stage.nodes.set(id, { id, part, change, inputs });
    }
    stage.outputs = from.outputs;
    stage.updates = from.updates || [];
    const before = index > 0 ? stageAt(index - 1) : null;
    for (const [id, into] of from.removed) {
      const then = before.nodes.get(id);
      stage.removed.push({ id, into, part: then.part, owner: then.owner, inputs: then.inputs, change: 4 });
    }
  }
  for (const node of stage.nodes.values()) {
    for (const [id] of node.inputs) {
      if (!stage.readers.has(id)) stage.readers.set(id, new Set());
      stage.readers.get(id).add(node.id);
    }
  }
  for (const output of stage.outputs) addEnd(stage, output.value[0], output.name);
  for (const update of stage.updates) addEnd(stage, update.value[0], `new ${nameOf(update.variable)}`);
  findOwners(stage);
  findGroups(stage);
  return (stageCache[index] = stage);
}
function addEnd(stage, id, text) {
  const node = stage.nodes.get(id);
  (node.ends = node.ends || []).push(text);
}

// An optimizer's nodes by the layer whose weights they update.
function findOwners(stage) {
  const owners = new Map();
  const order = [...stage.nodes.keys()].reverse();
  const add = (id, owner) => {
    if (!owners.has(id)) owners.set(id, new Set());
    owners.get(id).add(owner);
  };
  for (const { variable, value } of stage.updates) {
    if (forwardLayers.has(data.nodes[variable].layer)) add(value[0], data.nodes[variable].layer);
  }
  for (const id of order) {
    const node = stage.nodes.get(id);
    if (node.part !== 3 || !owners.has(id)) continue;
    for (const [from] of node.inputs) for (const owner of owners.get(id)) add(from, owner);
  }
  for (const node of stage.nodes.values()) {
    if (node.part !== 3) continue;
    let own = owners.get(node.id);
    if (!own) own = new Set(node.inputs.flatMap(([from]) => [...(owners.get(from) || [])]));
    if (own.size === 1) node.owner = [...own][0];
  }
}

function layerOf(node) {
  const layer = data.nodes[node.id].layer || "";
  if (node.owner && layer && !layer.split("+").includes(node.owner)) return `${layer} of ${node.owner}`;
  return layer;
}

// Groups of a stage by "part/layer". What has no layer stands with what reads it first.
function findGroups(stage) {
  stage.groups = new Map();
  const keys = new Map();
  const keyOf = (node) => {
    if (data.nodes[node.id].sort === "input") return `${node.part}/input ${node.id}`;
    let layer = layerOf(node);
    if (!layer) {
      const reader = [...(stage.readers.get(node.id) || [])].map((id) => stage.nodes.get(id)).find((r) => r.part === node.part);
      if (reader) layer = layerOf(reader);
    }
    return `${node.part}/${layer || "no layer"}`;
  };
  const add = (node) => {
    const key = keyOf(node);
    if (!stage.groups.has(key)) {
      const input = data.nodes[node.id].sort === "input";
      stage.groups.set(key, { key, part: node.part, input, title: input ? data.nodes[node.id].name : key.slice(2), nodes: [], ghosts: [] });
    }
    keys.set(node.id, key);
    node.group = key;
    stage.groups.get(key)[node.change === 4 ? "ghosts" : "nodes"].push(node);
  };
  for (const node of stage.nodes.values()) add(node);
  for (const ghost of stage.removed) add(ghost);
  // In the order they run: what a layer reads may stand far ahead of it.
  const places = new Map([...stage.nodes.keys()].map((id, i) => [id, i]));
  const first = (group) => Math.min(...group.nodes.filter((node) => group.input || !isSource(node.id)).map((node) => places.get(node.id)));
  for (const group of stage.groups.values()) group.first = first(group);
  stage.groups = new Map([...stage.groups].sort((a, b) => (a[1].first < b[1].first ? -1 : a[1].first > b[1].first ? 1 : 0)));
  for (const [key, group] of stage.groups) {
    // Sources alone are no box.
    if (!group.input && [...group.nodes, ...group.ghosts].every((node) => isSource(node.id))) {
      group.sourcesOnly = true;
    }
    group.counts = [0, 0, 0, 0, 0];
    for (const node of [...group.nodes, ...group.ghosts]) ++group.counts[node.change];
    group.key = key;
  }
}

function summaryOf(group) {
  const counts = new Map();
  for (const node of group.nodes) {
    if (isSource(node.id)) continue;
    const from = data.nodes[node.id];
    const name = from.sort === "fusion" ? opsInside(from) || "fusion" : from.op;
    counts.set(name, (counts.get(name) || 0) + 1);
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted.map(([op, count]) => (count > 1 ? `${count} ${op}` : op)).join(", ");
}

// What the pass did inside a group, as text for each kind of change: added, fused, rewired, removed.
const SIGNS = ["", "+", "✱", "~", "−"];
const badgesOf = (group) => group.counts.map((count, change) => (change > 0 && count > 0 ? `${SIGNS[change]}${count}` : ""));

const timeOf = (kernel) => (kernel ? kernel.measured ?? kernel.estimated : undefined);
const wholeTime = data.kernels.reduce((sum, kernel) => sum + (kernel.once ? 0 : timeOf(kernel) || 0), 0);
function timeOfGroup(group) {
  return group.nodes.map((node) => kernelOf.get(node.id)).reduce((sum, kernel) => sum + (kernel && !kernel.once ? timeOf(kernel) || 0 : 0), 0);
}
