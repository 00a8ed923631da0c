// A document as elements: what mere.graph.html writes, made in the browser; arcs.js draws over it. Texts become text
// nodes and attributes, never markup.
import { mentions } from "./document.js";

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const bytes = new TextEncoder();
const crc32 = (text) => {
  let crc = ~0;
  for (const byte of bytes.encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
};

// The class of a type's colour: that of every page of mere.
export const hue = (type) => `h${crc32(`140${type ?? ""}`) % 12}`;

// Control characters as their pictures.
const shown = (text) =>
  text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, (char) =>
    char === "\x7f" ? "\u2421" : String.fromCharCode(0x2400 + char.charCodeAt(0)));

const score = (value) => (value === undefined || value === null ? "" : value.toFixed(2));
const told = ({ type, score: value, link }) => [type, score(value), link].filter(Boolean).join(" ");

// The text cut wherever a mention begins or ends, as mentions may cross; each piece says whose it is.
const marked = (chars, all) => {
  const borders = [...new Set([0, chars.length, ...all.flatMap(({ start, end }) => [start, end])])];
  borders.sort((a, b) => a - b);
  const opening = new Map();
  all.forEach(({ start }, number) => opening.set(start, [...(opening.get(start) ?? []), number]));
  const pieces = [];
  let inside = [];
  for (let i = 0; i + 1 < borders.length; i++) {
    const [start, end] = [borders[i], borders[i + 1]];
    const opened = opening.get(start) ?? [];
    inside = [...inside.filter((n) => all[n].end > start), ...opened];
    const piece = shown(chars.slice(start, end).join(""));
    if (!inside.length) {
      pieces.push(piece);
      continue;
    }
    const length = (n) => all[n].end - all[n].start;
    const inner = inside.reduce((best, n) => (length(n) < length(best) ? n : best));
    const named = opened.map((n) => all[n].type ?? "").join(" ").trim();
    const mark = make("mark", {
      class: hue(all[inner].type),
      "data-m": inside.join(" "),
      title: shown(inside.map((n) => told(all[n])).filter(Boolean).join("; ")),
    });
    if (named) mark.append(make("i", { class: "mere-type", "data-type": shown(named) }));
    mark.append(piece);
    pieces.push(mark);
  }
  return pieces;
};

export const render = (found) => {
  const { all, triples } = mentions(found);
  const box = make("div", { class: "mere-document" });
  const text = make("p", { class: "mere-text", dir: "auto" }, ...marked(Array.from(found.text), all));
  if (found.lang) text.lang = found.lang;
  box.append(text);
  if (triples.length) {
    const cell = (said) => make("td", {}, make("bdi", {}, shown(said)));
    const rows = triples.map((t) =>
      make("tr", { "data-s": t.s, "data-o": t.o, "data-r": shown(t.relation) },
        cell(t.subject.text), cell(t.relation), cell(t.object.text), make("td", {}, score(t.score))));
    const heads = ["subject", "relation", "object", "score"].map((name) => make("th", {}, name));
    box.append(make("table", { class: "mere-triples" },
      make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
  }
  return box;
};
