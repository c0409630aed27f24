// Where boxes stand: phases as columns, forward and loss to the left going down, the backward pass beside it with each layer in the
// row of its forward part, then the updates. Only what is open has nodes.
const GAP = 26, PAD = 14, TITLE = 26;
const measure = document.createElement("canvas").getContext("2d");
const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

const widths = new Map();
function widthOf(text, bold, size = 12) {
  const font = `${bold ? "600 " : ""}${size}px ${FONT}`, key = `${font} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    measure.font = font;
    width = measure.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}
function fitted(text, width, bold, size = 12) {
  if (widthOf(text, bold, size) <= width) return text;
  let from = 0, to = text.length;
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if (widthOf(text.slice(0, middle) + "…", bold, size) <= width) from = middle;
    else to = middle - 1;
  }
  return text.slice(0, from) + "…";
}

function nodeLines(node) {
  const from = data.nodes[node.id];
  const title = from.sort === "fusion" ? opsInside(from) || "fusion" : titleOf(node.id);
  const weights = node.inputs.map(([id]) => data.nodes[id]).filter((n) => n.sort === "variable").map((n) => n.name);
  const lines = [from.types.join(", ")];
  if (weights.length > 0 && !state.sources) lines.push(weights.length > 2 ? `${weights.length} variables` : weights.join(", "));
  for (const end of (node.ends || []).slice(0, 2)) lines.push(`▸ ${end}`);
  if ((node.ends || []).length > 2) lines.push(`▸ and ${node.ends.length - 2} more`);
  return { title, lines };
}

function groupLines(group) {
  const lines = [];
  const summary = summaryOf(group);
  if (summary) lines.push(summary);
  const ends = group.nodes.flatMap((node) => node.ends || []);
  const news = ends.filter((end) => end.startsWith("new ")), outputs = ends.filter((end) => !end.startsWith("new "));
  if (outputs.length > 0) lines.push(`▸ ${outputs.join(", ")}`);
  if (news.length > 0) lines.push(`▸ ${news.length > 1 ? `${news.length} new values` : news[0]}`);
  const results = new Set();
  for (const node of group.nodes) {
    if (isSource(node.id)) continue;
    const readers = [...(current.readers.get(node.id) || [])];
    if (readers.some((id) => current.nodes.get(id).group !== group.key)) results.add(data.nodes[node.id].types[0]);
  }
  if (results.size > 0) lines.push(`gives ${[...results].slice(0, 2).join(", ")}${results.size > 2 ? " …" : ""}`);
  return lines;
}

// Ranks by the longest path, over edges from earlier to later items.
function ranksOf(count, edges) {
  const ranks = new Array(count).fill(0);
  const into = Array.from({ length: count }, () => []);
  for (const [from, to] of edges) if (from < to) into[to].push(from);
  for (let i = 0; i < count; ++i) for (const from of into[i]) ranks[i] = Math.max(ranks[i], ranks[from] + 1);
  return ranks;
}

function drawnNodes(group) {
  return [...group.nodes, ...group.ghosts].filter((node) => group.input || state.sources || !isSource(node.id));
}

// The nodes of an open group, by ranks from top to bottom.
function layoutNodes(group) {
  const nodes = drawnNodes(group), places = new Map(nodes.map((node, i) => [node.id, i]));
  const edges = [];
  nodes.forEach((node, i) => node.inputs.forEach(([from]) => {
    if (places.has(from)) edges.push([Math.min(places.get(from), i), Math.max(places.get(from), i)]);
  }));
  const ranks = ranksOf(nodes.length, edges);
  const rows = [];
  nodes.forEach((node, i) => {
    const { title, lines } = nodeLines(node);
    const width = Math.min(270, Math.max(96, widthOf(title, true) + 20, ...lines.map((line) => widthOf(line, false, 11) + 20)));
    const box = { kind: "node", id: node.id, node, w: width, h: 24 + 15 * lines.length, title: fitted(title, width - 16, true),
      lines: lines.map((line) => fitted(line, width - 16, false, 11)), change: node.change, part: node.part };
    (rows[ranks[i]] = rows[ranks[i]] || []).push({ box, i, x: 0 });
  });
  const middle = new Map();
  let width = 0;
  for (const row of rows) {
    for (const item of row) {
      const above = edges.filter(([, to]) => nodes.length < 600 && to === item.i).map(([from]) => middle.get(from)).filter((x) => x !== undefined);
      item.x = above.length > 0 ? above.reduce((a, b) => a + b, 0) / above.length : 1e6;
    }
    row.sort((a, b) => a.x - b.x || a.i - b.i);
    let x = 0;
    for (const item of row) {
      item.box.x = x;
      middle.set(item.i, x + item.box.w / 2);
      x += item.box.w + 14;
    }
    row.width = x - 14;
    width = Math.max(width, row.width);
  }
  let y = TITLE + 8;
  const boxes = [];
  for (const row of rows) {
    const height = Math.max(...row.map((item) => item.box.h));
    for (const item of row) {
      item.box.x += PAD + (width - row.width) / 2;
      item.box.y = y;
      boxes.push(item.box);
    }
    y += height + 22;
  }
  return { w: Math.max(width + 2 * PAD, widthOf(group.title, true) + 60), h: y - 22 + PAD, boxes };
}

function groupBox(group) {
  if (group.input) {
    const node = group.nodes[0] || group.ghosts[0], { title, lines } = nodeLines(node);
    const width = Math.max(widthOf(title, true), widthOf(lines[0], false, 11)) + 26;
    return { kind: "node", id: node.id, node, input: true, w: width, h: 42, title, lines, change: node.change, part: group.part };
  }
  if (state.open.has(group.key)) {
    const inside = layoutNodes(group);
    return { kind: "open", key: group.key, group, title: group.title, part: group.part, ...inside };
  }
  const lines = groupLines(group), badges = badgesOf(group).filter(Boolean);
  const beside = 34 + Math.max(isCompiled() ? 40 : 0, badges.reduce((sum, badge) => sum + widthOf(badge, true, 11) + 6, 0));
  const width = Math.min(330, Math.max(150, widthOf(group.title, true, 13) + beside, ...lines.map((line) => widthOf(line, false, 11) + 24)));
  return { kind: "group", key: group.key, group, w: width, h: 30 + 15 * Math.max(1, lines.length) + (timeOfGroup(group) > 0 && isCompiled() ? 8 : 0),
    title: fitted(group.title, width - beside, true, 13), lines: lines.map((line) => fitted(line, width - 20, false, 11)), part: group.part };
}

// Rows of groups: forward and loss by ranks, the others beside their layers.
function rowsOf(groups) {
  const left = groups.filter((group) => group.part < 2), places = new Map(left.map((group, i) => [group.key, i]));
  const edges = [];
  const ghosts = new Map(current.removed.map((ghost) => [ghost.id, ghost]));
  for (const node of [...current.nodes.values(), ...current.removed]) {
    for (const [from] of node.inputs) {
      const a = places.get((current.nodes.get(from) || ghosts.get(from)).group), b = places.get(node.group);
      if (a !== undefined && b !== undefined && a !== b && !isSource(from)) edges.push([a, b]);
    }
  }
  const ranks = ranksOf(left.length, edges);
  const lastForward = Math.max(-1, ...left.map((group, i) => (group.part === 0 ? ranks[i] : -1)));
  const lossFrom = Math.min(...left.map((group, i) => (group.part === 1 ? ranks[i] : 1e9)));
  const rows = new Map(), ofLayer = new Map();
  left.forEach((group, i) => {
    const row = group.part === 1 ? lastForward + 1 + ranks[i] - lossFrom : ranks[i];
    rows.set(group, row);
    if (!group.input) for (const layer of group.title.split("+")) if (!ofLayer.has(layer)) ofLayer.set(layer, row);
  });
  for (const group of groups) {
    if (group.part < 2) continue;
    const names = group.title.split(/\+| of /);
    const of = names.filter((name) => ofLayer.has(name)), own = of.filter((name) => forwardLayers.has(name));
    rows.set(group, of.length > 0 ? ofLayer.get((own.length > 0 && own.length === of.length ? own : of).at(-1)) : lastForward + 1);
  }
  return rows;
}

function layout() {
  const groups = [...current.groups.values()].filter((group) => state.sources || !group.sourcesOnly);
  const rows = rowsOf(groups), cells = new Map(), heights = [], columns = [0, 0, 0];
  const columnOf = (part) => Math.max(0, part - 1);
  const boxes = [], parts = [];
  for (const group of groups) {
    if (state.foldedParts.has(group.part)) continue;
    const box = groupBox(group), row = rows.get(group), column = columnOf(group.part), key = `${row} ${column}`;
    if (!cells.has(key)) cells.set(key, { row, column, boxes: [], w: -GAP, h: 0 });
    const cell = cells.get(key);
    cell.boxes.push(box);
    cell.w += box.w + GAP;
    cell.h = Math.max(cell.h, box.h);
    heights[row] = Math.max(heights[row] || 0, cell.h);
    columns[column] = Math.max(columns[column], cell.w);
  }
  const firstLoss = Math.min(...groups.filter((group) => group.part === 1).map((group) => rows.get(group)));
  const tops = [];
  let y = TITLE + PAD;
  for (let row = 0; row < heights.length; ++row) {
    if (row === firstLoss) y += TITLE + 2 * PAD;  // the title of the loss
    tops[row] = y;
    if (heights[row]) y += heights[row] + GAP + 8;
  }
  const folded = [...state.foldedParts].sort().filter((part) => groups.some((group) => group.part === part));
  for (const part of folded) columns[columnOf(part)] = Math.max(columns[columnOf(part)], 190);
  let x = 0;
  const lefts = columns.map((width) => {
    const left = x;
    if (width > 0) x += width + 90;
    return left;
  });
  for (const cell of cells.values()) {
    let at = lefts[cell.column] + (columns[cell.column] - cell.w) / 2;
    for (const box of cell.boxes) {
      box.x = at;
      box.y = tops[cell.row] + (heights[cell.row] - box.h) / 2;
      at += box.w + GAP;
      for (const inner of box.boxes || []) {
        inner.x += box.x;
        inner.y += box.y;
        boxes.push(inner);
      }
      boxes.push(box);
    }
  }
  for (let part = 0; part < 4; ++part) {
    const inside = boxes.filter((box) => box.part === part && box.kind !== "part");
    if (inside.length === 0) continue;
    const left = Math.min(...inside.map((b) => b.x)) - PAD, right = Math.max(...inside.map((b) => b.x + b.w)) + PAD;
    const top = Math.min(...inside.map((b) => b.y)) - PAD - TITLE, bottom = Math.max(...inside.map((b) => b.y + b.h)) + PAD;
    parts.push({ kind: "part", part, x: left, y: top, w: right - left, h: bottom - top, title: PARTS[part] });
  }
  // Folded phases: a box each at the top of their column, the loss below the forward pass.
  folded.forEach((part) => {
    const count = groups.filter((group) => group.part === part).length;
    const column = columnOf(part), w = 190;
    const taken = [...parts, ...boxes.filter((b) => b.kind === "folded")].filter((p) => columnOf(p.part) === column);
    const top = part === 1 && taken.length > 0 ? Math.max(...taken.map((p) => p.y + p.h)) + GAP : 0;
    const left = lefts[column] + (columns[column] - w) / 2;
    boxes.push({ kind: "folded", part, x: left, y: top, w, h: 50, title: PARTS[part], lines: [`${count} groups: click to open`] });
  });
  const scene = { boxes, parts: data.kind === "training" ? parts : [], edges: [] };
  scene.edges = edgesOf(scene);
  scene.bounds = boundsOf([...scene.parts, ...boxes]);
  return scene;
}

function boundsOf(boxes) {
  const left = Math.min(...boxes.map((b) => b.x)), top = Math.min(...boxes.map((b) => b.y));
  return { x: left, y: top, w: Math.max(...boxes.map((b) => b.x + b.w)) - left, h: Math.max(...boxes.map((b) => b.y + b.h)) - top };
}

// Edges between what is drawn: several of one pair are one.
function edgesOf(scene) {
  const byNode = new Map(), byGroup = new Map(), byPart = new Map();
  for (const [number, box] of scene.boxes.entries()) {
    box.number = number;
    if (box.kind === "node") byNode.set(box.id, box);
    if (box.kind === "group") byGroup.set(box.key, box);
    if (box.kind === "folded") byPart.set(box.part, box);
  }
  const boxOf = (node) => byNode.get(node.id) || byGroup.get(node.group) || byPart.get(node.part);
  const seen = new Map();
  const all = [...current.nodes.values(), ...current.removed];
  const ghosts = new Map(current.removed.map((ghost) => [ghost.id, ghost]));
  const find = (id) => current.nodes.get(id) || ghosts.get(id);
  for (const node of all) {
    for (const [id] of node.inputs) {
      if (isSource(id) && !state.sources) continue;
      const from = boxOf(find(id)), to = boxOf(node);
      if (!from || !to || from === to) continue;
      const ghost = node.change === 4;
      const key = `${from.number}>${to.number}`;
      const edge = seen.get(key);
      if (edge) {
        ++edge.count;
        edge.ghost = edge.ghost && ghost;
      } else {
        seen.set(key, { from, to, count: 1, ghost });
      }
    }
  }
  return [...seen.values()];
}
