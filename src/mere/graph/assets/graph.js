// Draws a graph into an empty svg: nodes push each other away, relations pull. Drag a node or the ground; zoom with Ctrl
// and the wheel, or with two fingers on a touchpad: the wheel alone scrolls the page. Returns what buttons can call.
globalThis.drawGraph = (view, { nodes, edges }) => {
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, parent) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };

  // They begin on a circle, the same every time, what is linked side by side: so few relations cross at rest.
  const beside = nodes.map(() => []);
  for (const { s, o } of edges) { beside[s].push(o); beside[o].push(s); }
  const order = new Set();
  const waiting = nodes.map((_, i) => i).reverse();
  while (waiting.length) {
    const next = waiting.pop();
    if (order.has(next)) continue;
    order.add(next);
    waiting.push(...beside[next]);
  }
  [...order].forEach((i, place) => {
    const [turn, far] = [(2 * Math.PI * place) / nodes.length, 26 * Math.sqrt(nodes.length) + (place % 2)];
    Object.assign(nodes[i], { x: far * Math.cos(turn), y: far * Math.sin(turn), vx: 0, vy: 0 });
  });
  for (const node of nodes) node.radius = 4 + 3 * Math.sqrt(Math.min(node.mentions, 60));
  const degree = nodes.map(() => 0);
  for (const { s, o } of edges) { degree[s]++; degree[o]++; }
  for (const edge of edges) {
    Object.assign(edge, { from: nodes[edge.s], to: nodes[edge.o] });
    edge.pull = 0.3 / Math.max(degree[edge.s], degree[edge.o]); // a node of many relations is not torn about
  }

  const flat = view.clientWidth / (view.clientHeight || 1);
  const step = (heat) => {
    for (let i = 0; i < nodes.length; i++) {
      for (let j = 0; j < i; j++) {
        const [a, b] = [nodes[i], nodes[j]];
        const [dx, dy] = [a.x - b.x, a.y - b.y];
        const push = (heat * 1600) / (dx * dx + dy * dy + 60);
        a.vx += dx * push * 0.1; a.vy += dy * push * 0.1;
        b.vx -= dx * push * 0.1; b.vy -= dy * push * 0.1;
      }
    }
    for (const { from, to, pull } of edges) {
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      const by = (heat * pull * (Math.hypot(dx, dy) - 120)) / (Math.hypot(dx, dy) + 1);
      from.vx += dx * by; from.vy += dy * by;
      to.vx -= dx * by; to.vy -= dy * by;
    }
    for (const node of nodes) {
      node.vx -= node.x * 0.013 * heat; node.vy -= node.y * 0.013 * flat * heat;
      if (!node.held) { node.x += node.vx; node.y += node.vy; }
      node.vx *= 0.55; node.vy *= 0.55;
    }
  };

  const arrow = make("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
    orient: "auto" }, make("defs", {}, view));
  make("path", { d: "M0 0L8 4L0 8z" }, arrow);
  for (const edge of edges) {
    edge.group = make("g", {}, view);
    edge.path = make("path", { "marker-end": "url(#arrow)" }, edge.group);
    edge.label = make("text", { class: "relation" }, edge.group);
    edge.label.textContent = edge.relations.join(" · ");
  }
  for (const node of nodes) {
    node.group = make("g", {}, view);
    node.circle = make("circle", { r: node.radius, class: node.hue }, node.group);
    node.label = make("text", { dy: -node.radius - 4 }, node.group);
    node.label.textContent = node.name;
    make("title", {}, node.circle).textContent = node.told;
    node.half = 12 + Math.min(0.6 * node.label.getComputedTextLength(), 160); // what its label takes on either side
  }
  view.classList.toggle("few", edges.length <= 40);

  const placeEdge = ({ from, to, path, label }) => {
    if (from === to) {
      const r = from.radius;
      path.setAttribute("d", `M${from.x - r} ${from.y}c${-3 * r} ${4 * r} ${5 * r} ${4 * r} ${2 * r - 2} 1`);
      label.setAttribute("x", from.x); label.setAttribute("y", from.y + 4 * r + 6);
      return;
    }
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const far = Math.hypot(dx, dy) || 1;
    const [mx, my] = [(from.x + to.x) / 2 - dy * 0.12, (from.y + to.y) / 2 + dx * 0.12]; // bent: both ways are seen
    const [ex, ey] = [to.x - mx, to.y - my];
    const short = (to.radius + 2) / (Math.hypot(ex, ey) || 1);
    path.setAttribute("d", `M${from.x} ${from.y}Q${mx} ${my} ${to.x - ex * short} ${to.y - ey * short}`);
    label.setAttribute("x", (mx + (from.x + to.x) / 2) / 2);
    label.setAttribute("y", (my + (from.y + to.y) / 2) / 2 + 3);
  };
  let frame = null; // [x, y, width, height] of what is seen; null: all of it
  const place = () => {
    edges.forEach(placeEdge);
    for (const { x, y, circle, label } of nodes) {
      circle.setAttribute("cx", x); circle.setAttribute("cy", y);
      label.setAttribute("x", x); label.setAttribute("y", y);
    }
    const [left, up, width, height] = frame ?? whole();
    view.setAttribute("viewBox", `${left} ${up} ${width} ${height}`);
    const unit = Math.max(width / (view.clientWidth || width), height / (view.clientHeight || height)); // of a pixel
    view.style.setProperty("--unit", Math.min(unit, 1.4)); // labels are read, unless they are too many
  };
  const whole = () => {
    const left = Math.min(...nodes.map(({ x, half }) => x - half));
    const right = Math.max(...nodes.map(({ x, half }) => x + half));
    const ys = nodes.map(({ y }) => y);
    const up = Math.min(...ys) - 50;
    return [left, up, right - left, Math.max(...ys) + 40 - up];
  };

  let heat = 1;
  let running = false;
  const run = () => {
    for (let i = 0; i < 4; i++) step(heat);
    heat *= 0.975;
    place();
    running = heat > 0.02;
    if (running) requestAnimationFrame(run);
  };
  const warm = (to) => { heat = Math.max(heat, to); if (!running) { running = true; requestAnimationFrame(run); } };
  for (let i = 0; i < 120; i++) step((heat *= 0.985)); // what is shown first is nearly at rest
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) while (heat > 0.02) step((heat *= 0.985));
  place();
  warm(0);

  const light = (node) => {
    const on = new Set(node ? [node] : []);
    for (const edge of edges) if (node && (edge.from === node || edge.to === node)) on.add(edge).add(edge.from).add(edge.to);
    for (const thing of [...nodes, ...edges]) thing.group.classList.toggle("on", on.has(thing));
    view.classList.toggle("dim", on.size > 0);
  };
  const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(view.getScreenCTM().inverse());
  for (const node of nodes) {
    node.circle.onpointerenter = () => light(node);
    node.circle.onpointerleave = () => light(null);
    node.circle.onpointerdown = (event) => {
      event.stopPropagation();
      node.circle.setPointerCapture(event.pointerId);
      node.held = true;
      node.circle.onpointermove = (move) => { const { x, y } = at(move); Object.assign(node, { x, y }); warm(0.3); };
    };
    node.circle.onpointerup = node.circle.onpointercancel = () => { node.held = false; node.circle.onpointermove = null; };
  }
  view.onpointerdown = (event) => {
    const from = at(event);
    view.setPointerCapture(event.pointerId);
    view.onpointermove = (move) => {
      frame ??= whole();
      const to = at(move);
      frame[0] += from.x - to.x; frame[1] += from.y - to.y;
      place();
    };
  };
  view.onpointerup = view.onpointercancel = () => { view.onpointermove = null; };
  const zoom = (by, { x, y } = middle()) => {
    frame ??= whole();
    frame = [x + (frame[0] - x) * by, y + (frame[1] - y) * by, frame[2] * by, frame[3] * by];
    place();
  };
  const middle = () => {
    const [left, up, width, height] = frame ?? whole();
    return { x: left + width / 2, y: up + height / 2 };
  };
  const showAll = () => { frame = null; place(); };
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(1.0015 ** event.deltaY, at(event));
  }, { passive: false });
  view.ondblclick = showAll;
  return { zoom, showAll };
};
