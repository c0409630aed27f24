// One run as it was: pieces of kernels on the threads that ran them.
function showTimeline(view) {
  const line = data.timeline, lane = 34, left = 76, top = 8;
  const busy = new Array(line.threads).fill(0);
  for (const [, , , thread, begin, end] of line.slices) busy[thread] += end - begin;
  const micro = (ns) => `${(ns / 1000).toFixed(ns < 100000 ? 2 : 0)} µs`;
  view.append(make("h2", {}, "Time line"), listOf([["run", `${micro(line.nanoseconds)}, the median of ${line.runs}`],
    ...busy.map((ns, i) => [i === 0 ? "thread 0 (the caller)" : `thread ${i}`, `${micro(ns)} of work, ${((100 * ns) / line.nanoseconds).toFixed(0)} % of the run`])]));
  const frame = make("div", { class: "picture", tabindex: 0, role: "group", "aria-label": "Time line; the table below has the same numbers" });
  let zoom = 1;
  const draw = () => {
    const width = left + 20 + Math.max(640, Math.min(1400, innerWidth - 160)) * zoom, across = (width - left - 20) / line.nanoseconds;
    const height = top + lane * line.threads;
    const picture = svg("svg", { width, height: height + 40, viewBox: `0 0 ${width} ${height + 40}`, role: "img", "aria-label": "Pieces of kernels on threads" });
    for (let thread = 0; thread < line.threads; ++thread)
      picture.append(svg("text", { x: left - 8, y: top + lane * thread + 21, "text-anchor": "end" }, `thread ${thread}`));
    const ticks = Math.max(4, Math.min(40, Math.round(8 * zoom)));
    for (let i = 0; i <= ticks; ++i) {
      const x = left + ((width - left - 20) * i) / ticks;
      picture.append(svg("line", { x1: x, x2: x, y1: top, y2: height, class: "axis" }),
        svg("text", { x, y: height + 18, "text-anchor": i === ticks ? "end" : "middle" }, micro((line.nanoseconds * i) / ticks)));
    }
    for (const [step, phase, piece, thread, begin, end] of line.slices) {
      const kernel = data.kernels[step], id = kernel.node, node = stageAt(data.stages.length - 1).nodes.get(id);
      const wide = Math.max(1, (end - begin) * across);
      const box = svg("rect", { x: left + begin * across, y: top + lane * thread + 3, width: wide, height: lane - 6, rx: 2, class: "value",
        style: `fill: var(--${node ? PARTS[node.part] : "forward"})` },
      svg("title", {}, `${nameOf(id)} ${data.nodes[id].layer || ""}: piece ${piece}${phase > 0 ? `, phase ${phase}` : ""}, ${micro(end - begin)} from ${micro(begin)}`));
      box.addEventListener("click", () => select(id));
      picture.append(box);
      if (wide > 60) picture.append(svg("text", { x: left + begin * across + 5, y: top + lane * thread + 21, class: "inside" },
        fitted(data.nodes[id].layer || titleOf(id), wide - 10, false, 11)));
    }
    frame.replaceChildren(picture);
  };
  const zoomBy = (factor) => {
    const middle = (frame.scrollLeft + frame.clientWidth / 2) / Math.max(1, frame.scrollWidth);
    zoom = Math.max(1, Math.min(64, zoom * factor));
    draw();
    frame.scrollLeft = middle * frame.scrollWidth - frame.clientWidth / 2;
  };
  frame.addEventListener("keydown", (event) => {
    if (event.key === "+" || event.key === "=") zoomBy(2);
    if (event.key === "-") zoomBy(0.5);
  });
  draw();
  const legend = make("p", { class: "dim" }, "Each box is a piece of a kernel on the thread that took it; what is white is waiting, and the time between kernels. Colours: ");
  PARTS.forEach((part) => legend.append(make("b", { style: `color: var(--${part})` }, part), " "));
  view.append(make("p", {}, make("button", { id: "time-in", "aria-label": "Zoom in", onclick: () => zoomBy(2) }, "+"), " ",
    make("button", { "aria-label": "Zoom out", onclick: () => zoomBy(0.5) }, "−")), frame, legend);
  const rows = [...line.slices].sort((a, b) => b[5] - b[4] - (a[5] - a[4])).slice(0, 500);
  const body = make("tbody", {}, ...rows.map(([step, , piece, thread, begin, end]) => {
    const id = data.kernels[step].node;
    return make("tr", { onclick: () => select(id) }, make("td", {}, make("button", { class: "link" }, `${titleOf(id)} ${nameOf(id)}`)), make("td", {}, data.nodes[id].layer || ""),
      ...[piece, thread, micro(begin), micro(end - begin)].map((text) => make("td", { class: "number" }, `${text}`)));
  }));
  view.append(make("table", {}, make("thead", {}, make("tr", {}, ...["kernel", "layer", "piece", "thread", "from", "time"].map((name) => make("th", { scope: "col" }, name)))), body));
}
