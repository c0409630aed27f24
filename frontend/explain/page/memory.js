function svg(tag, attributes, ...children) {
  const result = document.createElementNS("http:" + "//www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) result.setAttribute(name, value);
  result.append(...children);
  return result;
}

// The memory plan: which bytes of the arena hold what, from step to step.
function showMemory(view) {
  const memory = data.memory, sizes = Object.entries(memory.sizes).filter(([, bytes]) => bytes > 0);
  const list = listOf([["arena", bytesText(memory.arena)], ...sizes.map(([name, bytes]) => [name, bytesText(bytes)])]);
  view.append(make("h2", {}, "Memory"), list);
  if (memory.arena === 0) return;
  const height = 420, left = 76, right = 20, steps = Math.max(1, memory.steps + 1);
  const width = Math.max(640, Math.min(1500, left + right + 60 * steps)), across = (width - left - right) / steps, down = height / memory.arena;
  const picture = svg("svg", { width, height: height + 46, viewBox: `0 0 ${width} ${height + 46}`, role: "img",
    "aria-label": "Bytes of the arena from step to step; the table below has the same numbers" });
  for (let i = 0; i <= 4; ++i) {
    const y = height - (height * i) / 4 + 8;
    picture.append(svg("line", { x1: left, x2: width - right, y1: y, y2: y, class: "axis" }),
      svg("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, bytesText(Math.round((memory.arena * i) / 4))));
  }
  for (let s = 0; s < memory.steps; s += Math.ceil(steps / 24))
    picture.append(svg("text", { x: left + (s + 0.5) * across, y: height + 24, "text-anchor": "middle" }, `${s}`));
  picture.append(svg("text", { x: left + (width - left - right) / 2, y: height + 42, "text-anchor": "middle" }, "steps, in the order they run"));
  const add = (id, offset, bytes, first, last, kind, label) => {
    const node = current.nodes.get(id) || stageAt(data.stages.length - 1).nodes.get(id);
    const part = node ? PARTS[node.part] : "forward";
    const box = svg("rect", { x: left + first * across + 0.5, y: 8 + height - (offset + bytes) * down, width: Math.max(1, (last - first + 1) * across - 1),
      height: Math.max(1, bytes * down - 0.5), rx: 2, class: kind, style: `fill: var(--${part})`, tabindex: -1 },
    svg("title", {}, label));
    box.addEventListener("click", () => select(id));
    picture.append(box);
    if ((last - first + 1) * across > 60 && bytes * down > 13)
      picture.append(svg("text", { x: left + first * across + 6, y: 8 + height - (offset + bytes / 2) * down + 4, class: "inside" },
        fitted(data.nodes[id].layer || `${titleOf(id)} %${id}`, (last - first + 1) * across - 10, false, 11)));
  };
  const rows = [];
  for (const [id, result, offset, bytes, first, last] of memory.values) {
    const what = `${nameOf(id)}${data.nodes[id].types.length > 1 ? `#${result}` : ""} ${data.nodes[id].types[result]} ${data.nodes[id].layer || ""}`;
    add(id, offset, bytes, first, last, "value", `${what}: ${bytesText(bytes)} from byte ${offset}, steps ${first} to ${last}`);
    rows.push([id, what, "value", bytes, offset, first, last]);
  }
  for (const [id, offset, bytes, step] of memory.scratch) {
    add(id, offset, bytes, step, step, "scratch", `scratch of ${nameOf(id)}: ${bytesText(bytes)} from byte ${offset}, step ${step}`);
    rows.push([id, nameOf(id), "scratch", bytes, offset, step, step]);
  }
  const legend = make("p", { class: "dim" }, "Each box is a value, as tall as its bytes, from the step that writes it to the last one that reads it; ",
    "what shares a place stands one behind the other. Colours: ");
  PARTS.forEach((part) => legend.append(make("b", { style: `color: var(--${part})` }, part), " "));
  legend.append("; striped boxes are scratch memory of one kernel.");
  view.append(make("div", { class: "picture" }, picture), legend);
  rows.sort((a, b) => b[3] - a[3]);
  const body = make("tbody", {}, ...rows.slice(0, 500).map(([id, what, kind, bytes, offset, first, last]) => make("tr", { onclick: () => select(id) },
    make("td", {}, make("button", { class: "link" }, what)), make("td", {}, kind), make("td", { class: "number" }, bytesText(bytes)),
    make("td", { class: "number" }, `${offset}`), make("td", { class: "number" }, `${first}`), make("td", { class: "number" }, `${last}`))));
  view.append(make("table", {}, make("thead", {}, make("tr", {}, ...["value", "kind", "bytes", "from byte", "first step", "last step"].map((name) => make("th", { scope: "col" }, name)))), body));
}
