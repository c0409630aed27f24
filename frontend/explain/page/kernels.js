// The kernels: a table, and the code of one - plan, IR and assembly side by side, lines that belong together marked.
const columns = [
  ["kernel", (k) => titleOf(k.node) === "fusion" ? opsInside(data.nodes[k.node]) || "fusion" : titleOf(k.node), "wide"],
  ["layer", (k) => data.nodes[k.node].layer || "", "layer"],
  ["type", (k) => {
    const types = data.nodes[k.node].types;
    return types[0] + (types.length > 1 ? ` and ${types.length - 1} more` : "");
  }],
  ["backend", (k) => k.backend],
  ["stage", (k) => (k.once ? "once" : k.stage), "number"],
  ["pieces", (k) => k.pieces, "number"],
  ["flops", (k) => data.nodes[k.node].flops, "number", short],
  ["bytes", (k) => data.nodes[k.node].bytes, "number", bytesText],
  ["estimated µs", (k) => k.estimated, "number", (v) => v.toFixed(2)],
  ["measured µs", (k) => k.measured, "number", (v) => v.toFixed(2)],
  ["share", (k) => (k.once || !(wholeTime > 0) ? undefined : (timeOf(k) || 0) / wholeTime), "", (v) => {
    const cell = make("span", { class: "share", style: `width: ${Math.max(1, 90 * v)}px` });
    return [cell, ` ${(100 * v).toFixed(1)} %`];
  }],
];
let sortedBy = -1, descending = true, shownKernel = -1;

function kernelTable() {
  const used = columns.filter(([name, of]) => name !== "measured µs" || data.kernels.some((k) => of(k) !== undefined));
  const order = [...data.kernels.keys()];
  if (sortedBy >= 0) {
    const of = used[sortedBy][1], value = (i) => of(data.kernels[i]) ?? -1;
    order.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a - b) * (descending ? -1 : 1));
  }
  const head = make("tr", {}, ...used.map(([name], i) => make("th", { scope: "col", "aria-sort": i === sortedBy ? (descending ? "descending" : "ascending") : "none" },
    make("button", { onclick: () => {
      descending = i === sortedBy ? !descending : true;
      sortedBy = i;
      kernelTable();
    } }, name + (i === sortedBy ? (descending ? " ▾" : " ▴") : "")))));
  const body = make("tbody");
  for (const i of order) {
    const kernel = data.kernels[i];
    const row = make("tr", { "aria-selected": `${kernel.node === shownKernel}`, onclick: () => showKernel(kernel.node) });
    used.forEach(([name, of, kind, format], c) => {
      const value = of(kernel);
      let content = value === undefined || value === null ? "" : format ? format(value) : `${value}`;
      if (c === 0) content = make("button", { class: "link" }, content);
      row.append(make("td", { class: kind || undefined }, ...(Array.isArray(content) ? content : [content])));
    });
    body.append(row);
  }
  element("kernel-table").replaceChildren(make("table", {}, make("thead", {}, head), body));
  if (shownKernel < 0) element("code").replaceChildren(make("p", { class: "dim" }, "Click a kernel to see its code."));
}

function showKernel(id) {
  shownKernel = id;
  showTab("kernels");
  kernelTable();
  const kernel = kernelOf.get(id), node = data.nodes[id], panel = element("code");
  panel.replaceChildren();
  panel.append(make("div", { class: "facts" }, make("h2", {}, `${titleOf(id)} %${id}`),
    make("button", { onclick: () => select(id) }, "show in the graph"),
    make("span", { class: "dim" }, [node.layer, node.line, kernel.description, `${kernel.backend}: ${kernel.why}`, kernel.threads].filter(Boolean).join(" · "))));
  element("kernel-table").querySelector("tr[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  if (kernel.listing === undefined) {
    panel.append(make("p", { class: "dim" }, `The code of ${kernel.backend} is not Sinter's own: there is nothing to show.`));
    return;
  }
  panel.append(codePanes(data.listings[kernel.listing]));
  say(`code of ${titleOf(id)}`);
}

// Three columns of lines. Each line knows those of the others that it became, or came from.
function codePanes(listing) {
  const texts = [listing.plan, listing.ir, listing.assembly].map((text) => text.replace(/\n$/, "").split("\n"));
  const up = [[], listing.plan_lines, listing.ir_lines];  // of each line the line of the pane before, 0: none
  const deepest = Math.max(0, ...listing.depths);
  const depthOf = (pane, i) => {
    const line = pane === 2 ? up[2][i] : i + 1;
    return pane === 0 || !line ? 0 : listing.depths[line - 1] || 0;
  };
  const places = make("div", { class: "panes" });
  const lines = [[], [], []];
  ["Plan", "LLVM IR", "Assembly"].forEach((title, pane) => {
    const box = make("div", { class: "pane", role: "list", tabindex: 0, "aria-label": title });
    texts[pane].forEach((text, i) => {
      const depth = depthOf(pane, i);
      const line = make("div", { role: "listitem", class: `line${depth > 0 && depth === deepest ? " hot" : ""}` },
        make("span", { class: "number" }, `${i + 1}`), make("span", {}, text || " "));
      line.addEventListener("click", () => markLines(lines, up, pane, i));
      lines[pane].push(line);
      box.append(line);
    });
    places.append(make("section", {}, make("h3", {}, `${title} `, make("small", { class: "dim" }, pane === 0 ? "click a line to see what became of it"
      : `${texts[pane].length} lines${deepest > 0 ? ", the innermost loops marked" : ""}`)), box));
  });
  return places;
}
function markLines(lines, up, pane, i) {
  const marked = [new Set(), new Set(), new Set()];
  marked[pane].add(i);
  for (let p = pane; p > 0; --p) for (const line of marked[p]) if (up[p][line]) marked[p - 1].add(up[p][line] - 1);
  for (let p = pane + 1; p < 3; ++p) up[p].forEach((from, line) => from && marked[p - 1].has(from - 1) && marked[p].add(line));
  marked.forEach((set, p) => {
    lines[p].forEach((line, k) => line.classList.toggle("marked", set.has(k)));
    if (p !== pane && set.size > 0) {
      const first = lines[p][Math.min(...set)], box = first.parentElement;
      box.scrollTop = first.offsetTop - box.offsetTop - box.clientHeight / 3;
    }
  });
}
