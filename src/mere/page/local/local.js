// What the page asks of whoever extracts: here, the model beside it, run by ONNX Runtime in the browser. No text leaves.
import * as ort from "./ort.wasm.min.mjs";
import { codePoints } from "./characters.js";
import { bestSpans, crossed, likelyRelations, typeRuns, typedSpans, withoutConflict } from "./decoding.js";
import { makeSentences } from "./sentences.js";
import { NUM_FEATURES, makePieces } from "./units.js";

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}
export const anyLanguage = "any language";
export const formats = []; // `mere graph documents.jsonl` makes them of the JSON lines
export const setKey = () => {};

ort.env.wasm.numThreads = 1; // more need headers that a plain web server does not send
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

const fetched = async (name) => {
  const answer = await fetch(new URL(`./${name}`, import.meta.url));
  if (!answer.ok) throw new Problem(answer.status, `${name} is missing beside this page. Write it again: mere page`);
  return answer;
};

const load = async () => {
  const config = await (await fetched("model.json")).json();
  const known = config.pieces.hasKnown
    ? new Set(new Uint32Array(await (await fetched("known.bin")).arrayBuffer()))
    : null;
  const sessions = {};
  for (const name of config.graphs) {
    const graph = new Uint8Array(await (await fetched(`${name}.onnx`)).arrayBuffer());
    sessions[name] = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
  }
  return { config, sessions, pieces: makePieces(config.pieces, known), sentences: makeSentences(config.sentences) };
};
let loading = null;
const loaded = () => (loading ??= load().catch((error) => { loading = null; throw error; }));

export const models = async () => {
  const { config } = await loaded();
  return [{ name: config.name, ...config.labels }];
};

const run = async (session, given) => {
  const wanted = Object.fromEntries(session.inputNames.map((name) => [name, given[name]]));
  return session.run(wanted);
};
const longs = (values, dims = [values.length]) => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
const rowsOf = (data, from, rows, width) =>
  Array.from({ length: rows }, (_, i) => Array.from(data.subarray(from + i * width, from + (i + 1) * width)));

const entitiesOf = ({ config }, state, places) => {
  if (!state.entities) return [];
  const width = state.entities.dims[2];
  const scores = rowsOf(state.entities.data, 0, places, width);
  const chain = config.chains.entities?.[0];
  return chain ? typedSpans(scores, chain) : typeRuns(scores);
};

const factsOf = async ({ config, sessions }, state, places) => {
  if (!state.relations) return [];
  const { limits, chains } = config;
  const probability = Array.from(state.relations.data);
  const likely = likelyRelations(probability, limits);
  if (!likely.length) return [];
  const heads = { refined: state.refined, read: state.read };
  const asked = { ...heads, row: longs(likely.map(() => 0)), relation: longs(likely) };
  const { tags } = await run(sessions.tags, asked);
  const pairs = likely.flatMap((relation, item) => {
    const role = (channel) => rowsOf(tags.data, (item * 2 + channel) * places * 3, places, 3);
    const [subjects, objects] = [0, 1].map((channel) => bestSpans(role(channel), chains.triples[channel], limits));
    return crossed(subjects, objects).map((pair) => ({ relation, ...pair }));
  });
  if (!pairs.length) return [];
  const spans = pairs.flatMap(({ subject, object }) => [subject.start, subject.end, object.start, object.end]);
  const joined = await run(sessions.pairs, {
    ...heads, row: longs(pairs.map(() => 0)), relation: longs(pairs.map(({ relation }) => relation)),
    spans: longs(spans, [pairs.length, 4]),
  });
  const facts = pairs.map(({ relation, subject, object }, i) => ({
    relation, subject, object,
    score: probability[relation] * subject.probability * object.probability * joined.pairs.data[i],
  }));
  return withoutConflict(facts);
};

// Everything that the model finds in some units of one sentence, by units.
const read = async (model, ids, langId) => {
  const { sessions } = model;
  const places = ids.length / NUM_FEATURES;
  let pieces = new ort.Tensor("int32", ids, [1, places, NUM_FEATURES]);
  if (sessions.units) {
    const { vectors } = await run(sessions.units, { units: pieces.reshape([places, NUM_FEATURES]) });
    pieces = vectors.reshape([1, places, vectors.dims[1]]);
  }
  const is_piece = new ort.Tensor("bool", new Uint8Array(places).fill(1), [1, places]);
  const state = await run(sessions.encode, { pieces, is_piece, lang_id: longs([langId]) });
  return { typed: entitiesOf(model, state, places), facts: await factsOf(model, state, places) };
};

// Windows of a long sentence: their first units; neighbours share a quarter. A mention that a cut edge touches is left
// to the neighbour, which has it whole.
const windowsOf = (length, size) => {
  if (length <= size) return [[0, length]];
  const firsts = [];
  for (let first = 0; first < length - size; first += Math.floor((size * 3) / 4)) firsts.push(first);
  return [...firsts, length - size].map((first) => [first, first + size]);
};

const calibrated = ({ config }, task, path, score) => {
  const curve = config.calibration[task]?.[path] ?? config.calibration[task]?.universal;
  if (!curve) return score;
  const clipped = Math.min(Math.max(score, 1e-6), 1 - 1e-6);
  return 1 / (1 + Math.exp(-(Math.log(clipped / (1 - clipped)) / curve.temperature + curve.offset)));
};

const rounded = (score) => Math.round(score * 1e4) / 1e4;

// The entities and triples of a sentence that begins at `offset`, by code points of the whole text.
const extractSentence = async (model, sentence, offset, lang) => {
  const { config } = model;
  const path = lang ?? "universal";
  const { spans, ids } = model.pieces(sentence);
  const chars = Array.from(sentence);
  const entities = new Map();
  const triples = new Map();
  const mention = (first, end, type, score) => {
    const span = { start: spans[first][0], end: spans[end - 1][1] };
    const [key, known] = [`${span.start},${span.end}`, entities.get(`${span.start},${span.end}`)];
    if (!known || (known.type === undefined && known.score < score)) {
      entities.set(key, { ...span, text: chars.slice(span.start, span.end).join(""), type, score });
    }
    const { start, end: until, text } = entities.get(key);
    return { start: start + offset, end: until + offset, text };
  };
  const windows = windowsOf(spans.length, config.window);
  for (const [from, to] of windows) {
    if (from === to) continue;
    const isCut = ({ start, end }) => (start === 0 && from > 0) || (end === to - from && to < spans.length);
    const found = await read(model, ids.slice(from * NUM_FEATURES, to * NUM_FEATURES), config.labels.languages.indexOf(lang) + 1);
    for (const span of found.typed) {
      if (!isCut(span)) mention(from + span.start, from + span.end, config.labels.types[span.type], span.score);
    }
    for (const { relation, subject, object, score } of found.facts) {
      if (score < (config.thresholds[path] ?? config.thresholds.universal) || isCut(subject) || isCut(object)) continue;
      const triple = {
        subject: mention(from + subject.start, from + subject.end, undefined, score),
        relation: config.labels.relations[relation],
        object: mention(from + object.start, from + object.end, undefined, score),
        score,
      };
      const key = `${triple.subject.start},${triple.subject.end} ${relation} ${triple.object.start},${triple.object.end}`;
      if (!(triples.get(key)?.score >= score)) triples.set(key, triple);
    }
  }
  const bySpan = (a, b) => a.start - b.start || a.end - b.end;
  const byScore = (a, b) => b.score - a.score || bySpan(a.subject, b.subject) ||
    (a.relation < b.relation ? -1 : a.relation > b.relation ? 1 : bySpan(a.object, b.object));
  const scored = (task, score) => rounded(calibrated(model, task, path, score));
  return {
    units: spans.length,
    windows: windows.length,
    entities: [...entities.values()].sort(bySpan).map(({ start, end, text, type, score }) => ({
      start: start + offset, end: end + offset, text, ...(type !== undefined && { type }),
      score: scored(type === undefined ? "triples" : "entities", score),
    })),
    triples: [...triples.values()].sort(byScore).map((triple) => ({ ...triple, score: scored("triples", triple.score) })),
  };
};

// A document as `mere extract` gives it, with its sentences.
export const extract = async ({ text, lang }, signal) => {
  if (!text.isWellFormed()) throw new Problem(422, "There is half a character in the text (a lone surrogate).");
  const model = await loaded();
  const before = codePoints(text);
  const path = lang || null;
  const document = { text, lang: path, entities: [], triples: [], sentences: [], notes: [] };
  if (path === null && text.trim()) document.notes.push("no language was chosen: universal path");
  let rested = performance.now();
  for (const [start, end] of model.sentences(text, path)) {
    if (performance.now() - rested > 50) { // the page stays alive while a long text is read
      await new Promise((resume) => { setTimeout(resume); });
      rested = performance.now();
    }
    signal?.throwIfAborted();
    const found = await extractSentence(model, text.slice(start, end), before[start], path);
    document.sentences.push({ start: before[start], end: before[end], lang: path });
    document.entities.push(...found.entities);
    document.triples.push(...found.triples);
    if (found.windows > 1) {
      document.notes.push(`sentence ${document.sentences.length}: ${found.units} units, read in ${found.windows} windows`);
    }
  }
  if (!document.notes.length) delete document.notes;
  return document;
};
