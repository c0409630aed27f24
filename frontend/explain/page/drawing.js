// The drawing on its canvas: what is in view, at the scale of the view.
const canvas = element("drawing"), pen = canvas.getContext("2d");
let scene = null, asked = false, colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["back", "panel", "text", "dim", "line", "box", "edge", "select", "mark", ...PARTS, "added", "removed", "fused", "rewired"])
    colours[name] = style.getPropertyValue(`--${name}`).trim();
}
const changeColour = (change) => colours[["", "added", "fused", "rewired", "removed"][change]];

function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    paint();
  });
}

function fitCanvas() {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  return ratio;
}

function rounded(box, radius) {
  pen.beginPath();
  pen.roundRect(box.x, box.y, box.w, box.h, radius);
}
function text(what, x, y, colour, size, bold) {
  pen.fillStyle = colour;
  pen.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
  pen.fillText(what, x, y);
}

function paint() {
  if (!scene || canvas.clientWidth === 0) return;
  const ratio = fitCanvas(), { x, y, scale } = state.view;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = colours.back;
  pen.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  pen.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
  const left = -x / scale, top = -y / scale, right = left + canvas.clientWidth / scale, bottom = top + canvas.clientHeight / scale;
  const seen = (box) => box.x < right && box.x + box.w > left && box.y < bottom && box.y + box.h > top;
  pen.textBaseline = "alphabetic";
  for (const part of scene.parts) if (seen(part)) paintPart(part);
  for (const box of scene.boxes) if (box.kind === "open" && seen(box)) paintBox(box, scale);
  for (const edge of scene.edges) paintEdge(edge, left, top, right, bottom, scale);
  for (const box of scene.boxes) if (box.kind !== "open" && seen(box)) paintBox(box, scale);
}

function paintPart(part) {
  const colour = colours[part.title];
  rounded(part, 12);
  pen.globalAlpha = 0.07;
  pen.fillStyle = colour;
  pen.fill();
  pen.globalAlpha = 0.5;
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.stroke();
  pen.globalAlpha = 1;
  text(part.title, part.x + PAD, part.y + 22, colour, 15, true);
}

function isSelected(box) {
  return (box.kind === "node" && box.id === state.selected) || (box.key !== undefined && box.key === state.selectedGroup);
}

function paintBox(box, scale) {
  const colour = colours[PARTS[box.part]], small = scale < 0.35, chosen = isSelected(box);
  rounded(box, box.input ? box.h / 2 : box.kind === "node" ? 5 : 8);
  pen.fillStyle = box.kind === "open" ? colours.panel : colours.box;
  if (box.change === 4) pen.globalAlpha = 0.65;
  pen.fill();
  pen.strokeStyle = chosen ? colours.select : box.change ? changeColour(box.change) : box.kind === "node" ? colours.edge : colour;
  pen.lineWidth = chosen ? 3 : box.change ? 2 : 1.2;
  if (box.change === 4) pen.setLineDash([5, 4]);
  pen.stroke();
  pen.setLineDash([]);
  if (small && box.kind === "node" && scale < 0.22) {
    pen.globalAlpha = 1;
    return;
  }
  const indent = box.input ? 13 : 9;
  if (box.kind === "open") {
    text(`▾ ${box.title}`, box.x + 9, box.y + 18, colour, 13, true);
  } else {
    if (box.kind === "group" || box.kind === "folded") {
      text("▸", box.x + 8, box.y + 20, colour, 12, false);
      text(box.title, box.x + 22, box.y + 20, colours.text, 13, true);
    } else {
      text(box.title, box.x + indent, box.y + 17, box.change ? changeColour(box.change) : colours.text, 12, true);
    }
    if (!small) box.lines.forEach((line, i) => text(line, box.x + indent, box.y + (box.kind === "node" ? 32 : 37) + 15 * i, colours.dim, 11, false));
  }
  if (box.group) paintBadges(box, colour);
  pen.globalAlpha = 1;
}

// What the pass did inside a group, and its share of a run's time.
function paintBadges(box, colour) {
  let right = box.x + box.w - 8;
  badgesOf(box.group).forEach((label, change) => {
    if (!label) return;
    right -= widthOf(label, true, 11);
    text(label, right, box.y + 19, changeColour(change), 11, true);
    right -= 6;
  });
  const share = isCompiled() && wholeTime > 0 ? timeOfGroup(box.group) / wholeTime : 0;
  if (share <= 0) return;
  if (box.kind === "group") {
    pen.fillStyle = colours.line;
    pen.fillRect(box.x + 9, box.y + box.h - 9, box.w - 18, 3);
    pen.fillStyle = colour;
    pen.fillRect(box.x + 9, box.y + box.h - 9, (box.w - 18) * Math.min(1, share), 3);
  }
  const label = `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  if (box.group.counts.slice(1).every((count) => count === 0))
    text(label, box.x + box.w - 8 - widthOf(label, false, 11), box.y + 19, colours.dim, 11, false);
}

function pointsOf(edge) {
  const { from, to } = edge, middle = (box) => box.x + box.w / 2;
  if (from.y + from.h <= to.y + 2 && Math.abs(middle(from) - middle(to)) < 260 + Math.max(from.w, to.w) / 2)
    return { x1: middle(from), y1: from.y + from.h, x2: middle(to), y2: to.y, down: 1 };
  if (from.part === to.part && to.y + to.h <= from.y + 2)
    return { x1: middle(from), y1: from.y, x2: middle(to), y2: to.y + to.h, down: -1 };
  if (from.x + from.w <= to.x) return { x1: from.x + from.w, y1: from.y + from.h / 2, x2: to.x, y2: to.y + to.h / 2, down: 0 };
  if (to.x + to.w <= from.x) return { x1: from.x, y1: from.y + from.h / 2, x2: to.x + to.w, y2: to.y + to.h / 2, down: 0 };
  const below = from.y < to.y;
  return { x1: middle(from), y1: below ? from.y + from.h : from.y, x2: middle(to), y2: below ? to.y : to.y + to.h, down: below ? 1 : -1 };
}

function paintEdge(edge, left, top, right, bottom, scale) {
  const p = pointsOf(edge);
  if (Math.max(p.x1, p.x2) < left || Math.min(p.x1, p.x2) > right || Math.max(p.y1, p.y2) < top || Math.min(p.y1, p.y2) > bottom) return;
  const chosen = isSelected(edge.from) || isSelected(edge.to), anyChosen = state.selected >= 0 || state.selectedGroup !== null;
  const across = edge.from.part !== edge.to.part;
  pen.globalAlpha = chosen ? 1 : anyChosen ? 0.35 : across ? 0.45 : 0.85;
  pen.strokeStyle = pen.fillStyle = chosen ? colours.select : edge.ghost ? colours.removed : colours.edge;
  pen.lineWidth = (chosen ? 2 : 1.1) + Math.min(1.2, Math.log2(edge.count) / 4);
  if (edge.ghost) pen.setLineDash([4, 4]);
  pen.beginPath();
  pen.moveTo(p.x1, p.y1);
  let angle;
  if (p.down === 0) {
    const bend = Math.max(24, Math.abs(p.x2 - p.x1) / 2) * Math.sign(p.x2 - p.x1);
    pen.bezierCurveTo(p.x1 + bend, p.y1, p.x2 - bend, p.y2, p.x2, p.y2);
    angle = bend > 0 ? 0 : Math.PI;
  } else {
    const bend = Math.max(10, Math.abs(p.y2 - p.y1) / 2) * p.down;
    pen.bezierCurveTo(p.x1, p.y1 + bend, p.x2, p.y2 - bend, p.x2, p.y2);
    angle = (p.down * Math.PI) / 2;
  }
  pen.stroke();
  pen.setLineDash([]);
  if (scale > 0.25) {
    pen.translate(p.x2, p.y2);
    pen.rotate(angle);
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.lineTo(-7, -3.5);
    pen.lineTo(-7, 3.5);
    pen.fill();
    pen.rotate(-angle);
    pen.translate(-p.x2, -p.y2);
  }
  pen.globalAlpha = 1;
}

// --- where things are on the screen
// All of it, or where that would be too small to read its top.
function fitView(least = 0) {
  const width = canvas.clientWidth, height = canvas.clientHeight, bounds = scene.bounds;
  const scale = Math.max(least, Math.min(1.15, (width - 40) / bounds.w, (height - 76) / bounds.h));
  state.view = { scale, x: Math.max(20, (width - bounds.w * scale) / 2) - bounds.x * scale,
    y: Math.max(18, (height - 50 - bounds.h * scale) / 2) - bounds.y * scale };
  draw();
}
function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const view = state.view, scale = Math.min(4, Math.max(0.02, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  draw();
}
function boxAt(x, y) {
  const at = { x: (x - state.view.x) / state.view.scale, y: (y - state.view.y) / state.view.scale };
  const inside = (box) => at.x >= box.x && at.x <= box.x + box.w && at.y >= box.y && at.y <= box.y + box.h;
  return scene.boxes.find((box) => box.kind !== "open" && inside(box)) ||
    scene.boxes.find((box) => box.kind === "open" && inside(box)) || scene.parts.find((box) => inside(box) && at.y < box.y + TITLE);
}
// Brings a box into view and keeps the scale, unless it is too small to read.
function reveal(box) {
  if (!box) return;
  const view = state.view;
  if (view.scale < 0.6) view.scale = 0.85;
  view.x = canvas.clientWidth / 2 - (box.x + box.w / 2) * view.scale;
  view.y = canvas.clientHeight / 2 - (box.y + Math.min(box.h, 200) / 2) * view.scale;
  draw();
}

function listenToCanvas() {
  let held = null, moved = false;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY };
    moved = false;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) {
      canvas.style.cursor = boxAt(event.offsetX, event.offsetY) ? "pointer" : "grab";
      return;
    }
    const dx = event.clientX - held.x, dy = event.clientY - held.y;
    if (!moved && Math.hypot(dx, dy) < 4) return;
    moved = true;
    state.view.x += dx;
    state.view.y += dy;
    held = { x: event.clientX, y: event.clientY };
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held && !moved) clicked(boxAt(event.offsetX, event.offsetY));
    held = null;
  });
  canvas.addEventListener("pointercancel", () => (held = null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (step) {
      state.view.x += step[0];
      state.view.y += step[1];
      draw();
    } else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") fitView();
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(canvas);
}
