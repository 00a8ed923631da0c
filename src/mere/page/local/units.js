// Cuts a text into units and describes each by hashed features: mere.data.units and mere.data.features in JavaScript.
import { categoryOf, codePoints, isAlpha, isLower, isSpace, isUpper } from "./characters.js";

const MAX_ENDING = 6;
const MIN_STEM = 2;
const NUM_AFFIXES = 8;
const NUM_NGRAMS = 16;
export const NUM_FEATURES = 2 + NUM_AFFIXES + NUM_NGRAMS + 4;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (0xedb88320 & -(byte & 1));
  return byte;
});
const bytes = new TextEncoder();
const crc32 = (text, begun = 0) => {
  let crc = ~begun;
  for (const byte of bytes.encode(text)) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  return ~crc >>> 0;
};
const begun = new Map();
const keyOf = (kind, value) => {
  if (!begun.has(kind)) begun.set(kind, crc32(`${kind}\0`));
  return crc32(value, begun.get(kind));
};

// `config` is what mere.page.static writes of a model's pieces; `known` the hashes that it reads, or null for all.
export const makePieces = (config, known) => {
  const scripts = config.scripts.map((name) => [name, new RegExp(`^\\p{Script=${name}}$`, "u")]);
  const scriptOfChar = new Map();
  const scriptOf = (chars) => {
    for (const char of chars) {
      if (!scriptOfChar.has(char)) scriptOfChar.set(char, scripts.find(([, p]) => p.test(char))?.[0] ?? null);
      if (scriptOfChar.get(char)) return scriptOfChar.get(char);
    }
    return "Common";
  };
  const folds = new Map(Object.entries(config.folds));
  const digits = new Set(config.digits);
  const isDigit = (char) => digits.has(char);
  const fold = (chars) => chars.flatMap((char) => Array.from(folds.get(char) ?? char));

  const endings = new Set(config.endings);
  const single = [...config.unspaced, ...config.graphemeScripts].map((name) => `\\p{Script=${name}}`).join("") + "ー";
  const pattern = new RegExp(
    `[${single}]\\p{M}*|\\p{Nd}+|(?<word>[[\\p{L}\\p{M}\\u200c\\u200d]--[${single}]]+)|(?!\\p{White_Space})(?<other>[^])`, "gv");

  const cutWord = (chars, start, end) => {
    const said = (from, to) => chars.slice(from, to).join("");
    const tail = [];
    cutting: while (!endings.has(said(start, end))) {
      for (let length = Math.min(MAX_ENDING, end - start - MIN_STEM); length > 0; length--) {
        if (!endings.has(said(end - length, end))) continue;
        tail.unshift([end - length, end]);
        end -= length;
        continue cutting;
      }
      break;
    }
    return [[start, end], ...tail];
  };

  const cut = (text, chars) => {
    const before = codePoints(text);
    const spans = [];
    pattern.lastIndex = 0;
    for (let match; (match = pattern.exec(text)); ) {
      let length = match[0].length;
      if (match.groups.other) {
        length = graphemes.segment(text.slice(match.index)).containing(0).segment.length;
        pattern.lastIndex = match.index + length;
      }
      const [start, end] = [before[match.index], before[match.index + length]];
      const isLong = endings.size && match.groups.word && end - start > MIN_STEM;
      if (isLong) spans.push(...cutWord(chars, start, end)); else spans.push([start, end]);
    }
    return spans;
  };

  const shapeOf = (char) =>
    isUpper(char) ? "X" : isLower(char) ? "x" : isAlpha(char) ? "a" : isDigit(char) ? "0" : char;

  const keysOf = (unit, glued, follows) => {
    const keys = new Array(NUM_FEATURES).fill(0);
    const norm = fold(Array.from(unit.join("").normalize("NFKC")));
    const form = norm.join("");
    const plain = norm.map((char) => (isDigit(char) ? "0" : char));
    keys[0] = keyOf("f", form);
    keys[1] = keyOf("b", `${fold(follows.slice(-4)).join("")}|${form}`);
    for (let n = 1; n <= 4; n++) {
      keys[1 + n] = keyOf(`p${n}`, plain.slice(0, n).join(""));
      keys[5 + n] = keyOf(`s${n}`, plain.slice(-n).join(""));
    }
    const marked = ["<", ...plain, ">"];
    let grams = [3, 4, 5].flatMap((n) =>
      Array.from({ length: Math.max(0, marked.length - n + 1) }, (_, i) => marked.slice(i, i + n).join("")));
    if (grams.length > NUM_NGRAMS) {
      grams = Array.from({ length: NUM_NGRAMS }, (_, i) => grams[Math.floor((i * grams.length) / NUM_NGRAMS)]);
    }
    grams.forEach((gram, i) => { keys[2 + NUM_AFFIXES + i] = keyOf("n", gram); });
    const composed = Array.from(unit.join("").normalize("NFC"));
    const shape = composed.slice(0, 12).map(shapeOf);
    const squeezed = Array.from(shape.join("")).filter((char, i, all) => i === 0 || all[i - 1] !== char);
    const at = 2 + NUM_AFFIXES + NUM_NGRAMS;
    keys[at] = keyOf("x", shape.join(""));
    keys[at + 1] = keyOf("y", squeezed.slice(0, 6).join(""));
    keys[at + 2] = keyOf("c", `${scriptOf(unit)}|${categoryOf(composed[0])}`);
    keys[at + 3] = keyOf("g", `${glued ? "True" : "False"}|${squeezed.slice(0, 2).join("")}`);
    return keys;
  };

  const kept = new Map();
  const idsOf = (unit, glued, follows) => {
    const context = `${unit.join("")}\0${glued}\0${follows.join("")}`;
    if (!kept.has(context)) {
      const read = (key) => key !== 0 && (known === null || known.has(key));
      kept.set(context, keysOf(unit, glued, follows).map((key) => (read(key) ? (key % (config.rows - 1)) + 1 : 0)));
    }
    return kept.get(context);
  };

  // The spans of a text's units, and their features, (num_units, NUM_FEATURES).
  return (text) => {
    const chars = Array.from(text);
    const spans = cut(text, chars);
    const ids = new Int32Array(spans.length * NUM_FEATURES);
    spans.forEach(([start, end], i) => {
      const glued = start > 0 && !isSpace(chars[start - 1]);
      const follows = i > 0 && spans[i - 1][1] === start && isAlpha(chars[start]);
      const before = follows ? chars.slice(spans[i - 1][0], start) : [];
      ids.set(idsOf(chars.slice(start, end), glued, before), i * NUM_FEATURES);
    });
    return { spans, ids };
  };
};
