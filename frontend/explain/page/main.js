// The state of the page, the tree, search, tabs and keys.
const state = { stage: data.stages.length - 1, open: new Set(), openInTree: new Set(), foldedParts: new Set(), selected: -1, selectedGroup: null, sources: false,
  view: { x: 0, y: 0, scale: 1 } };
let current = stageAt(state.stage);
const isCompiled = () => data.kernels.length > 0 && state.stage === data.stages.length - 1;
const say = (text) => (element("status").textContent = text);

function refresh() {
  scene = layout();
  showTree();
  showDetails();
  draw();
}
// Where the selection alone is another one.
function refreshSelection() {
  for (const item of element("tree").querySelectorAll("[role=treeitem]"))
    item.setAttribute("aria-selected", `${item.dataset.key === state.selectedGroup || item.dataset.key === `node ${state.selected}`}`);
  showDetails();
  draw();
}

function showStage(index) {
  state.stage = Math.max(0, Math.min(data.stages.length - 1, index));
  const view = scene ? scene.bounds : null;
  current = stageAt(state.stage);
  element("pass").value = state.stage;
  const nodes = [...current.nodes.keys()].filter((id) => !isSource(id)).length;
  const name = state.stage === 0 || isCompiled() ? current.name : `after ${current.name}`;
  element("pass-name").textContent = `${name}: ${nodes} ops`;
  element("pass").setAttribute("aria-valuetext", `${name}, ${state.stage + 1} of ${data.stages.length}`);
  const counts = [0, 0, 0, 0, current.removed.length];
  for (const node of current.nodes.values()) ++counts[node.change];
  element("legend").replaceChildren(...[["added", "+", 1], ["removed", "−", 4], ["fused", "✱", 2], ["rewired", "~", 3]]
    .filter(([, , at]) => counts[at] > 0).map(([kind, sign, at]) => make("b", { class: kind }, `${sign}${counts[at]} ${kind}`)));
  if (state.selectedGroup !== null && !current.groups.has(state.selectedGroup)) state.selectedGroup = null;
  refresh();
  showDifference();
  if (!view || view.w !== scene.bounds.w || view.h !== scene.bounds.h) fitView(0.6);
}

function toggle(key, open = !state.open.has(key)) {
  for (const set of [state.open, state.openInTree]) {
    if (open) set.add(key);
    else set.delete(key);
  }
  const before = scene.boxes.find((box) => box.key === key), { x, y } = before || {};
  scene = layout();
  // What was clicked stays where it is.
  const now = scene.boxes.find((box) => box.key === key);
  if (before && now) {
    state.view.x += (x + before.w / 2 - now.x - now.w / 2) * state.view.scale;
    state.view.y += (y - now.y) * state.view.scale;
  }
  refresh();
}

function clicked(box) {
  if (!box) return clearSelection();
  if (box.kind === "node") return select(box.id, false);
  if (box.kind === "part" || box.kind === "folded") {
    if (!state.foldedParts.delete(box.part)) state.foldedParts.add(box.part);
    refresh();
    return fitView(0.6);
  }
  state.selected = -1;
  state.selectedGroup = box.key;
  toggle(box.key);
  say(`${box.group.title} ${state.open.has(box.key) ? "opened" : "folded"}`);
}
function clearSelection() {
  state.selected = -1;
  state.selectedGroup = null;
  refreshSelection();
}

// Shows a node: goes to a stage that has it, opens its group, brings it into view.
function select(id, move = true) {
  const has = (stage) => stage.nodes.has(id) || stage.removed.some((ghost) => ghost.id === id);
  if (!has(current)) {
    for (let i = data.stages.length - 1; i >= 0; --i) {
      if (has(stageAt(i))) {
        showStage(i);
        break;
      }
    }
  }
  showTab("graph");
  const node = current.nodes.get(id) || current.removed.find((ghost) => ghost.id === id);
  state.selected = id;
  state.selectedGroup = null;
  // The readers of what is not drawn stand for it.
  const reader = isSource(id) && !state.sources ? [...(current.readers.get(id) || [])][0] : undefined;
  const shown = reader === undefined ? node : current.nodes.get(reader);
  const drawn = current.groups.get(shown.group).input || (state.open.has(shown.group) && (!move || state.openInTree.has(shown.group)));
  if (drawn && !state.foldedParts.has(shown.part)) {
    refreshSelection();
  } else {
    state.foldedParts.delete(shown.part);
    state.open.add(shown.group);
    state.openInTree.add(shown.group);
    refresh();
  }
  if (move) reveal(scene.boxes.find((box) => box.kind === "node" && box.id === id) ||
    scene.boxes.find((box) => box.kind === "node" && (current.readers.get(id) || new Set()).has(box.id)));
  say(`${titleOf(id)}, %${id}, ${data.nodes[id].types.join(", ")}`);
}
function selectGroup(key) {
  state.selected = -1;
  state.selectedGroup = key;
  if (state.foldedParts.delete(current.groups.get(key).part)) refresh();
  else refreshSelection();
  reveal(scene.boxes.find((box) => box.key === key));
  say(current.groups.get(key).title);
}

// --- the tree: the same boxes for keyboards and screen readers
function showTree() {
  const tree = element("tree"), focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
  tree.replaceChildren();
  const row = (level, key, label, count, expanded, selected, action) => {
    const mark = expanded === undefined ? "" : expanded ? "▾" : "▸";
    const item = make("li", { role: "treeitem", tabindex: -1, "aria-level": level, "aria-selected": selected ? "true" : "false", "data-key": key,
      "aria-expanded": expanded === undefined ? undefined : `${expanded}` },
    make("div", { class: "row" }, make("span", { class: "mark", "aria-hidden": "true" }, mark), make("span", {}, label),
      make("span", { class: "count" }, count)));
    item.addEventListener("click", (event) => {
      event.stopPropagation();
      action();
    });
    return item;
  };
  for (let part = 0; part < 4; ++part) {
    const groups = [...current.groups.values()].filter((group) => group.part === part && !group.sourcesOnly);
    if (groups.length === 0) continue;
    const open = !state.foldedParts.has(part);
    const head = row(1, `part ${part}`, data.kind === "training" ? PARTS[part] : "layers", `${groups.length}`, open, false, () => {
      if (!state.foldedParts.delete(part)) state.foldedParts.add(part);
      refresh();
    });
    tree.append(head);
    if (!open) continue;
    const inside = make("ul", { role: "group" });
    head.append(inside);
    for (const group of groups) {
      if (group.input) {
        const id = (group.nodes[0] || group.ghosts[0]).id;
        inside.append(row(2, group.key, group.title, "input", undefined, state.selected === id, () => select(id)));
        continue;
      }
      const drawn = drawnNodes(group), isOpen = state.openInTree.has(group.key);
      const item = row(2, group.key, group.title, `${drawn.length}`, isOpen, state.selectedGroup === group.key, () => {
        state.selectedGroup = group.key;
        state.selected = -1;
        toggle(group.key, !isOpen);
        reveal(scene.boxes.find((box) => box.key === group.key));
      });
      inside.append(item);
      if (!isOpen) continue;
      const list = make("ul", { role: "group" });
      for (const node of drawn)
        list.append(row(3, `node ${node.id}`, `${titleOf(node.id)}`, `%${node.id}`, undefined, state.selected === node.id, () => select(node.id)));
      item.append(list);
    }
  }
  const items = [...tree.querySelectorAll("[role=treeitem]")];
  const kept = items.find((item) => item.dataset.key === focused);
  (kept || items.find((item) => item.getAttribute("aria-selected") === "true") || items[0])?.setAttribute("tabindex", "0");
  if (kept) kept.focus();
}

function treeKey(event) {
  const items = [...element("tree").querySelectorAll("[role=treeitem]")], at = items.indexOf(document.activeElement), item = items[at];
  if (!item) return;
  const go = (to) => {
    if (!to) return;
    item.setAttribute("tabindex", "-1");
    to.setAttribute("tabindex", "0");
    to.focus();
  };
  const expanded = item.getAttribute("aria-expanded");
  if (event.key === "ArrowDown") go(items[at + 1]);
  else if (event.key === "ArrowUp") go(items[at - 1]);
  else if (event.key === "Home") go(items[0]);
  else if (event.key === "End") go(items.at(-1));
  else if (event.key === "ArrowRight") expanded === "false" ? item.click() : go(items[at + 1]);
  else if (event.key === "ArrowLeft") expanded === "true" ? item.click() : go(item.parentElement.closest("[role=treeitem]"));
  else if (event.key === "Enter" || event.key === " ") item.click();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// --- search
function findAll(text) {
  const wanted = text.toLowerCase(), found = [];
  for (const group of current.groups.values()) {
    if (group.input || group.sourcesOnly) continue;
    if (group.title.toLowerCase().includes(wanted))
      found.push({ label: group.title, more: data.kind === "training" ? PARTS[group.part] : "layer", go: () => selectGroup(group.key) });
  }
  for (const node of [...current.nodes.values(), ...current.removed]) {
    if (found.length > 60) break;
    const from = data.nodes[node.id], title = from.sort === "fusion" ? `fusion: ${opsInside(from)}` : titleOf(node.id);
    if (`%${node.id}` === wanted || title.toLowerCase().includes(wanted) || (from.line || "").toLowerCase().includes(wanted))
      found.push({ label: title, more: `%${node.id} ${from.layer || ""}`, go: () => select(node.id) });
  }
  return found;
}
function listenToSearch() {
  const input = element("search"), list = element("found");
  let found = [], at = 0;
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = () => [...list.children].forEach((item, i) => {
    item.setAttribute("aria-selected", `${i === at}`);
    if (i === at) {
      input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    }
  });
  const take = (i) => {
    close();
    found[i]?.go();
  };
  const show = () => {
    found = input.value.trim() ? findAll(input.value.trim()) : [];
    at = 0;
    list.replaceChildren(...found.map((hit, i) => make("li", { role: "option", id: `hit-${i}`, onmousedown: (event) => { event.preventDefault(); take(i); } },
      hit.label, make("small", {}, hit.more))));
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", `${found.length > 0}`);
    if (input.value.trim()) say(`${found.length} found`);
    mark();
  };
  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") at = Math.min(found.length - 1, at + 1);
    else if (event.key === "ArrowUp") at = Math.max(0, at - 1);
    else if (event.key === "Enter") return take(at);
    else if (event.key === "Escape") return close();
    else return;
    event.preventDefault();
    mark();
  });
}

// --- tabs
const tabs = [["graph", "Graph", null]];
function showTab(name) {
  for (const [id, , build] of tabs) {
    const view = element(`view-${id}`), chosen = id === name;
    if (chosen && build && !view.dataset.built) {
      view.dataset.built = "yes";
      build(view);
    }
    view.hidden = !chosen;
    element(`tab-${id}`).setAttribute("aria-selected", `${chosen}`);
    element(`tab-${id}`).setAttribute("tabindex", chosen ? "0" : "-1");
  }
  if (name === "graph") draw();
}
function addTabs() {
  for (const [id, label] of tabs)
    element("tabs").append(make("button", { role: "tab", id: `tab-${id}`, "aria-controls": `view-${id}`, onclick: () => showTab(id) }, label));
  element("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = tabs.map(([id]) => id), at = names.findIndex((id) => element(`tab-${id}`) === document.activeElement);
    const next = names[(at + step + names.length) % names.length];
    showTab(next);
    element(`tab-${next}`).focus();
  });
}
function showRemarks(view) {
  const list = make("ul");
  for (const remark of data.remarks) list.append(make("li", {}, remark));
  view.append(make("h2", {}, "Rules that nearly applied"), data.remarks.length > 0 ? list
    : make("p", { class: "dim" }, "No rule stopped short of something that it could have done."));
}

function start() {
  document.title = `${data.title} - Sinter`;
  element("title").replaceChildren(data.title, make("small", {}, `${data.kind}, batch of ${data.batch}`));
  element("note").textContent = data.note;
  element("note").hidden = !data.note;
  if (data.kernels.length > 0) {
    tabs.push(["kernels", "Kernels", kernelTable], ["memory", "Memory", showMemory]);
    if (data.timeline.slices) tabs.push(["timeline", "Time line", showTimeline]);
    tabs.push(["remarks", "Remarks", showRemarks]);
  }
  addTabs();
  showTab("graph");
  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    draw();
  });
  listenToCanvas();
  listenToSearch();
  element("tree").addEventListener("keydown", treeKey);
  const pass = element("pass");
  pass.max = data.stages.length - 1;
  pass.addEventListener("input", () => showStage(Number(pass.value)));
  element("pass-before").addEventListener("click", () => showStage(state.stage - 1));
  element("pass-after").addEventListener("click", () => showStage(state.stage + 1));
  element("zoom-in").addEventListener("click", () => zoom(1.25));
  element("zoom-out").addEventListener("click", () => zoom(0.8));
  element("fit").addEventListener("click", () => fitView());
  element("open-all").addEventListener("click", () => {
    for (const group of current.groups.values()) if (!group.input) state.open.add(group.key);
    refresh();
    fitView();
  });
  element("fold-all").addEventListener("click", () => {
    state.open.clear();
    state.openInTree.clear();
    refresh();
    fitView();
  });
  element("sources").addEventListener("change", (event) => {
    state.sources = event.target.checked;
    refresh();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input[type=search]")) return;
    if (event.key === "/") element("search").focus();
    else if (event.key === "[") showStage(state.stage - 1);
    else if (event.key === "]") showStage(state.stage + 1);
    else return;
    event.preventDefault();
  });
  showStage(state.stage);
}
start();
