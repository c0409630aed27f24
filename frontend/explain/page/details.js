// The panel beside the drawing: what is selected, and what the pass did.
const linkTo = (id, label = nameOf(id)) => make("button", { class: "link mono", onclick: () => select(id) }, label);

function listOf(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) {
    if (value === undefined || value === null || value.length === 0) continue;
    list.append(make("dt", {}, name), make("dd", {}, ...(Array.isArray(value) ? value : [value])));
  }
  return list;
}
function spaced(nodes) {
  return nodes.flatMap((node, i) => (i > 0 ? [", ", node] : [node]));
}

// In which stages a node is: "from 'fuse_dense' to 'decompose'".
function lifeOf(id) {
  let first = -1, last = -1, into = -1;
  data.stages.forEach((_, i) => {
    const stage = stageAt(i);
    if (stage.nodes.has(id)) {
      if (first < 0) first = i;
      last = i;
    }
    const gone = stage.removed.find((ghost) => ghost.id === id);
    if (gone) into = gone.into;
  });
  const name = (i) => make("button", { class: "link", onclick: () => showStage(i) }, data.stages[i].name);
  const parts = first === 0 ? ["as built"] : ["made by ", name(first)];
  if (last < data.stages.length - 1) parts.push(", gone after ", name(last + 1));
  if (into >= 0) parts.push(", became ", linkTo(into, `%${into} ${titleOf(into)}`));
  return parts;
}

function kernelFacts(id) {
  const kernel = kernelOf.get(id);
  if (!kernel) return [];
  const node = data.nodes[id], time = timeOf(kernel), facts = [["backend", kernel.backend], ["why", kernel.why]];
  facts.push(["kernel", kernel.description], ["threads", kernel.threads]);
  if (kernel.estimated !== undefined) facts.push(["estimated", `${kernel.estimated.toFixed(2)} µs on one thread`]);
  if (kernel.measured !== undefined) facts.push(["measured", `${kernel.measured.toFixed(2)} µs`]);
  if (time > 0 && node.flops) facts.push(["rate", `${short((node.flops / time) * 1e6, "flop/s")}, ${short((node.bytes / time) * 1e6, "B/s")}`]);
  facts.push(["when", kernel.once ? "once, after weights change" : `stage ${kernel.stage}`]);
  if (typeof showKernel === "function" && kernel.listing !== undefined)
    facts.push(["code", [make("button", { class: "link", onclick: () => showKernel(id) }, "loop program, IR, assembly")]]);
  return facts;
}

function showDetails() {
  const panel = element("details");
  panel.replaceChildren();
  if (state.selected >= 0) return showNode(panel, state.selected);
  if (state.selectedGroup !== null) return showGroup(panel, current.groups.get(state.selectedGroup));
  const nodes = [...current.nodes.values()].filter((node) => !isSource(node.id));
  const sum = (what) => nodes.reduce((total, node) => total + (data.nodes[node.id][what] || 0), 0);
  panel.append(make("h2", {}, data.title), listOf([
    ["graph", `${data.kind}, a batch of ${data.batch}`], ["stage", current.name], ["ops", `${nodes.length}`],
    ["flops", sum("flops") > 0 ? short(sum("flops")) : null],
    ["time", wholeTime > 0 ? `${wholeTime.toFixed(1)} µs in kernels, ${data.kernels.some((k) => k.measured !== undefined) ? "measured" : "estimated for one thread"}` : null],
  ]), make("p", { class: "dim" }, "Click a layer to open it, a node to see what it is. Drag moves, the wheel zooms."));
}

function showGroup(panel, group) {
  if (!group) return;
  const nodes = group.nodes.filter((node) => !isSource(node.id));
  const sum = (what) => nodes.reduce((total, node) => total + (data.nodes[node.id][what] || 0), 0);
  const time = isCompiled() ? timeOfGroup(group) : 0;
  const weights = new Set(nodes.flatMap((node) => node.inputs.map(([id]) => id)).filter((id) => data.nodes[id].sort === "variable"));
  panel.append(make("h2", {}, group.title), listOf([
    ["phase", data.kind === "training" ? PARTS[group.part] : null], ["ops", `${nodes.length}`],
    ["flops", short(sum("flops"))], ["time", time > 0 ? `${time.toFixed(2)} µs, ${((100 * time) / wholeTime).toFixed(1)} %` : null],
    ["reads", spaced([...weights].slice(0, 12).map((id) => linkTo(id)))],
  ]));
  const list = make("ul", { class: "difference" });
  for (const node of nodes.slice(0, 200))
    list.append(make("li", { style: "border-color: var(--line)" }, linkTo(node.id, `%${node.id} ${titleOf(node.id)} ${data.nodes[node.id].types[0] || ""}`)));
  panel.append(list);
}

function showNode(panel, id) {
  const from = data.nodes[id], at = current.nodes.get(id) || current.removed.find((ghost) => ghost.id === id);
  const readers = [...(current.readers.get(id) || [])];
  panel.append(make("h2", {}, `${titleOf(id)} `, make("span", { class: "dim mono" }, `%${id}`)));
  const facts = [
    ["op", from.op], ["layer", from.layer], ["source", from.line], ["type", from.types.join(", ")],
    ["operands", at ? spaced(at.inputs.map(([input, result]) => linkTo(input, nameOf(input) + (data.nodes[input].types.length > 1 ? `#${result}` : "")))) : null],
    ["read by", spaced(readers.slice(0, 20).map((reader) => linkTo(reader, `%${reader} ${titleOf(reader)}`)))],
    ["gives", at && at.ends ? at.ends.join(", ") : null],
    ["flops", from.flops ? short(from.flops) : null], ["bytes", from.bytes ? bytesText(from.bytes) : null],
    ["flops a byte", from.flops && from.bytes ? (from.flops / from.bytes).toFixed(2) : null],
    ["history", lifeOf(id)],
  ];
  panel.append(listOf([...facts, ...(current.nodes.has(id) ? kernelFacts(id) : [])]));
  if (!at) panel.append(make("p", { class: "dim" }, "Not in this stage."));
  if (from.attributes) panel.append(make("pre", { tabindex: 0, "aria-label": "Attributes" }, from.attributes));
}

function showDifference() {
  const panel = element("difference"), index = current.index;
  panel.replaceChildren();
  const pass = data.passes.find((p) => p.name === current.name);
  element("difference-title").textContent = index === 0 ? "As built" : isCompiled() ? "Compiled" : `What ${current.name} did`;
  if (pass) panel.append(make("p", { class: "dim" }, pass.description));
  if (index === 0) return panel.append(make("p", { class: "dim" }, "The graph as the layers write it, before any pass."));
  const before = stageAt(index - 1), changed = [...current.nodes.values()].filter((node) => node.change > 0);
  if (changed.length + current.removed.length === 0) return panel.append(make("p", { class: "dim" }, "Nothing changed."));
  const list = make("ul", { class: "difference mono" }), signs = ["", "+ ", "✱ ", "~ "];
  const line = (kind, sign, id, text, more) => list.append(make("li", { class: kind }, make("button", { class: "link", title: text, onclick: () => select(id) },
    sign + (text.length > 200 ? text.slice(0, 200) + "…" : text)), ...more));
  const all = [];
  for (const ghost of current.removed)
    all.push(() => line("removed", "− ", ghost.id, lineOf(before, ghost.id), ghost.into >= 0 ? [" → ", linkTo(ghost.into)] : []));
  for (const node of changed) all.push(() => line(CHANGES[node.change], signs[node.change], node.id, lineOf(current, node.id), []));
  const add = (count) => all.splice(0, count).forEach((f) => f());
  add(150);
  panel.append(list);
  if (all.length > 0) {
    const more = make("button", { onclick: () => { add(1e9); more.remove(); } }, `${all.length} more`);
    panel.append(more);
  }
}
