// Draws the triples of every .mere-document as arcs over its text, where the browser has put the words: lines may
// break anywhere and run in either direction. Without it the text and the table say the same.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 14; // pixels between arcs that lie over each other
  const make = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  // Where a mention begins to be seen: the middle of the top of its first line.
  const top = (text, id) => {
    const frame = text.getBoundingClientRect();
    const box = text.querySelector(`[data-m~="${id}"]`).getClientRects()[0];
    return { x: box.left + box.width / 2 - frame.left, y: box.top - frame.top };
  };

  // A triple is one arc where both mentions stand in one line, else an arc to the end of the upper line and one from
  // the beginning of the lower.
  const piecesOf = (text, row) => {
    const [s, o] = [top(text, row.dataset.s), top(text, row.dataset.o)];
    const way = s.x <= o.x ? 1 : -1;
    const piece = (y, x1, x2, more) => ({ row, y, x1, x2, left: Math.min(x1, x2), right: Math.max(x1, x2), ...more });
    if (Math.abs(s.y - o.y) < 4) {
      const apart = row.dataset.s === row.dataset.o ? 12 : 3;
      return [piece(s.y, s.x + apart * way, o.x - apart * way, { tip: true })];
    }
    const leftward = getComputedStyle(text).direction === "rtl";
    const [end, start] = leftward ? [0, text.clientWidth] : [text.clientWidth, 0];
    const edges = s.y < o.y ? [end, start] : [start, end];
    return [piece(s.y, s.x, edges[0], { open: 2 }), piece(o.y, edges[1], o.x, { open: 1, tip: true })];
  };

  // Narrow arcs lie low; an arc lies above every arc of its line that it crosses or covers.
  const lay = (pieces) => {
    const laid = [];
    for (const piece of pieces.sort((a, b) => a.right - a.left - (b.right - b.left))) {
      const below = laid.filter(
        (b) => Math.abs(b.y - piece.y) < 4 && b.left <= piece.right && piece.left <= b.right);
      piece.level = 1 + Math.max(0, ...below.map((b) => b.level));
      laid.push(piece);
    }
    return Math.max(1, ...laid.map((piece) => piece.level));
  };

  const shape = ({ x1, x2, y, level, open }) => {
    const [rise, bend] = [STEP * level, Math.sign(x2 - x1) * Math.min(14, Math.abs(x2 - x1) / 2)];
    if (open === 2) return `M${x1} ${y}Q${x1} ${y - rise} ${x1 + bend} ${y - rise}H${x2}`;
    if (open === 1) return `M${x1} ${y - rise}H${x2 - bend}Q${x2} ${y - rise} ${x2} ${y - 3}`;
    return `M${x1} ${y}Q${x1} ${y - rise} ${x1 + bend} ${y - rise}H${x2 - bend}Q${x2} ${y - rise} ${x2} ${y - 3}`;
  };

  const drawPiece = (svg, piece) => {
    const group = make("g", {});
    group.append(make("path", { d: shape(piece) }));
    if (piece.tip) group.append(make("path", { class: "tip", d: `M${piece.x2 - 3.5} ${piece.y - 6}h7l-3.5 6z` }));
    const label = make("text", { x: (piece.x1 + piece.x2) / 2, y: piece.y - STEP * piece.level + 4 });
    label.textContent = piece.row.dataset.r;
    group.append(label);
    svg.append(group);
    return group;
  };

  const light = (text, row, groups) => {
    const marks = [row.dataset.s, row.dataset.o].flatMap((id) => [...text.querySelectorAll(`[data-m~="${id}"]`)]);
    const turn = (on) => [...groups, ...marks].forEach((element) => element.classList.toggle("on", on));
    row.onmouseenter = () => turn(true);
    row.onmouseleave = () => turn(false);
  };

  const draw = (box) => {
    const text = box.querySelector(".mere-text");
    const rows = [...box.querySelectorAll("tr[data-s]")];
    if (!text || !rows.length) return;
    text.querySelector("svg")?.remove();
    text.style.lineHeight = text.style.paddingTop = "";
    const levels = lay(rows.flatMap((row) => piecesOf(text, row)));
    text.style.lineHeight = `${34 + levels * STEP}px`;
    text.style.paddingTop = `${levels * STEP * 0.5}px`;
    const pieces = rows.flatMap((row) => piecesOf(text, row)); // lines have moved
    lay(pieces);
    const svg = make("svg", { class: "mere-arcs", "aria-hidden": "true" });
    text.append(svg);
    const drawn = pieces.map((piece) => [piece.row, drawPiece(svg, piece)]);
    for (const row of rows) light(text, row, drawn.filter(([own]) => own === row).map(([, group]) => group));
  };

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      let width = 0;
      new ResizeObserver(() => {
        const now = target.clientWidth; // 0 where it is no longer in the page
        if (now && now !== width) { width = now; draw(target); }
      }).observe(target);
    }
  }, { rootMargin: "400px" });

  // Draws the documents under an element that have no arcs yet, when they come into view.
  globalThis.drawArcs = (root) => {
    for (const box of root.querySelectorAll(".mere-document:not([data-drawn])")) {
      box.dataset.drawn = "";
      seen.observe(box);
    }
  };
  globalThis.drawArcs(document);
})();
