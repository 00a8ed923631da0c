// The page: a text goes to whoever extracts, and what comes back is shown as the settings say.
import { filtered, graphOf, relationsOf, sentencesOf, typesOf } from "./document.js";
import { fragmentOf, read } from "./link.js";
import * as service from "./service.js";
import { hue, render } from "./text.js";

const SHOWN = 300; // sentences that are shown before more are asked for
const $ = (id) => document.getElementById(id);
let settings = read();
let found = null; // the document, and the code points of its text
let opened = null; // the text of a file, as it is there: a text area makes all line ends alike
let shown = SHOWN;
let asking = null;
let picture = null;

const languageNames = new Intl.DisplayNames("en", { type: "language", fallback: "code" });
const languageName = (code) => {
  try { return languageNames.of(code); } catch { return code; } // not every code of a model is one of a browser
};
const counted = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const complain = (error) => {
  $("status").textContent = "";
  $("problem").textContent = error.message;
  if (error.status === 401) {
    $("key-field").hidden = false;
    $("key").focus();
  }
};

// ---- what is shown

const sentenceElement = (sentence) => {
  const element = document.createElement("li");
  const about = document.createElement("p");
  about.className = "about";
  const lang = document.createElement("span");
  lang.textContent = sentence.lang ? languageName(sentence.lang) : "any language";
  about.append(lang);
  if (sentence.lowest !== null) {
    const sure = document.createElement("span");
    sure.textContent = `lowest ${sentence.lowest.toFixed(2)}`;
    sure.title = "the lowest score of what was found in this sentence";
    about.append(" ", sure);
  }
  element.append(about, render(sentence));
  return element;
};

let listed = []; // what each element of the list shows
const showSentences = (sentences) => {
  const list = $("sentences");
  sentences.slice(0, shown).forEach((sentence, i) => {
    const key = JSON.stringify(sentence);
    if (listed[i] === key) return;
    const element = sentenceElement(sentence);
    if (list.children[i]) list.children[i].replaceWith(element); else list.append(element);
    element.dir = getComputedStyle(element.querySelector(".mere-text")).direction;
    listed[i] = key;
  });
  listed.length = Math.min(shown, sentences.length);
  while (list.children.length > listed.length) list.lastChild.remove();
  const left = sentences.length - listed.length;
  $("more").hidden = left === 0;
  $("more").textContent = `Show ${Math.min(SHOWN, left)} more of ${left.toLocaleString("en")} sentences`;
  globalThis.drawArcs(list);
};

let drawn = "";
const showGraph = (kept) => {
  const { told, nodes, edges } = graphOf(kept, hue);
  const key = JSON.stringify([nodes, edges]);
  $("told").textContent = told;
  if (key === drawn) return;
  drawn = key;
  $("zoom").hidden = nodes.length === 0;
  if (!nodes.length) { $("picture").replaceChildren(); return; }
  const view = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  view.setAttribute("class", "mere-graph");
  view.setAttribute("role", "img");
  view.setAttribute("aria-label", `${told} The tables of the sentences say the same.`);
  $("picture").replaceChildren(view);
  picture = globalThis.drawGraph(view, { nodes, edges });
};

const chip = (name, count, hidden, colour) => {
  const label = document.createElement("label");
  label.className = `chip ${colour}`;
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = !hidden.has(name);
  box.onchange = () => {
    if (box.checked) hidden.delete(name); else hidden.add(name);
    show();
  };
  label.append(box, ` ${name} `, Object.assign(document.createElement("span"), { className: "soft", textContent: count }));
  return label;
};

const showFilters = () => {
  const fill = (id, names, hidden, colour) => {
    $(id).replaceChildren(...names.map(([name, count]) => chip(name, count, hidden, colour(name))));
    $(id).parentElement.hidden = names.length === 0;
  };
  fill("types", typesOf(found.document), settings.hiddenTypes, hue);
  fill("relations", relationsOf(found.document), settings.hiddenRelations, () => "");
};

const kept = () => filtered(found.document, settings);

const show = () => {
  const fragment = fragmentOf(settings);
  history.replaceState(null, "", fragment === "#" ? location.pathname + location.search : fragment);
  $("link").href = fragment;
  $("min-score").value = settings.minScore;
  $("min-score-shown").textContent = settings.minScore.toFixed(2);
  $("results").hidden = found === null;
  if (found === null) return;
  const left = kept();
  showSentences(sentencesOf(left, found.chars));
  showGraph(left);
  const of = (part, all) => (part === all ? "" : ` of ${all.toLocaleString("en")}`);
  const { entities, triples, sentences } = found.document;
  $("status").textContent =
    `${counted(sentences.length, "sentence", "sentences")}; shown: ` +
    `${counted(left.entities.length, "entity", "entities")}${of(left.entities.length, entities.length)}, ` +
    `${counted(left.triples.length, "triple", "triples")}${of(left.triples.length, triples.length)}.`;
};

// ---- what is asked

const extract = async (event) => {
  event.preventDefault();
  asking?.abort();
  const own = asking = new AbortController();
  $("problem").textContent = "";
  $("status").textContent = "Reading…";
  $("results").setAttribute("aria-busy", "true");
  service.setKey($("key").value.trim());
  try {
    if (!known) await start();
    const text = opened?.text ?? $("text").value;
    const document = await service.extract({ text, lang: settings.lang, model: settings.model }, own.signal);
    found = { document, chars: Array.from(document.text) };
    shown = SHOWN;
    $("notes").replaceChildren(...(document.notes ?? []).map((note) =>
      Object.assign(window.document.createElement("li"), { textContent: note })));
    showFilters();
    show();
  } catch (error) {
    if (error.name !== "AbortError") complain(error);
  } finally {
    if (asking === own) $("results").removeAttribute("aria-busy");
  }
};

const open = async (file) => {
  if (!file) return;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    $("text").value = text;
    opened = { name: file.name, text };
    $("problem").textContent = "";
    $("status").textContent = `${file.name}: ${counted(Array.from(text).length, "character", "characters")}.`;
  } catch {
    complain(new Error(`${file.name} is no text in UTF-8. Save it as UTF-8 text and open it again.`));
  }
};

const save = (blob, name) => {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};

const download = async (format) => {
  const document = { id: opened?.name ?? "text", ...kept() };
  $("problem").textContent = "";
  if (format === "jsonl") {
    save(new Blob([`${JSON.stringify(document)}\n`], { type: "application/x-ndjson" }), "documents.jsonl");
    return;
  }
  try {
    const { blob, name, changed } = await service.graph(format, document, settings.model || known[0].name);
    save(blob, name);
    $("status").textContent = changed ? `${name} is saved. Changed in it: ${changed}.` : `${name} is saved.`;
  } catch (error) {
    complain(error);
  }
};

// ---- what can be chosen

let known = null; // the models
const start = async () => {
  $("status").textContent = "Loading…";
  known = await service.models();
  $("status").textContent = "";
  $("model").replaceChildren(...known.map(({ name }) => new Option(name)));
  $("model-field").hidden = known.length < 2;
  if (!known.some(({ name }) => name === settings.model)) settings.model = "";
  fillLanguages();
};

const fillLanguages = () => {
  $("model").value = settings.model || known[0].name;
  const { languages } = known.find(({ name }) => name === $("model").value);
  const options = languages.map((code) => new Option(languageName(code), code));
  options.sort((a, b) => a.text.localeCompare(b.text, "en"));
  $("lang").replaceChildren(new Option(service.anyLanguage, ""), ...options);
  if (!languages.includes(settings.lang)) settings.lang = "";
  $("lang").value = settings.lang;
};

$("ask").onsubmit = extract;
$("text").onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("ask").requestSubmit();
};
$("text").oninput = () => { opened = null; };
$("file").onchange = () => { open($("file").files[0]); $("file").value = ""; };
document.ondragover = (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); };
document.ondrop = (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  open(event.dataTransfer.files[0]);
};
$("model").onchange = () => {
  settings.model = $("model").value === known[0].name ? "" : $("model").value;
  fillLanguages();
  show();
};
$("lang").onchange = () => { settings.lang = $("lang").value; show(); };
let waiting = false; // a slider may move many times between two frames
$("min-score").oninput = () => {
  settings.minScore = Number($("min-score").value);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; show(); });
};
$("more").onclick = () => { shown += SHOWN; show(); };
$("zoom-in").onclick = () => picture.zoom(1 / 1.4);
$("zoom-out").onclick = () => picture.zoom(1.4);
$("zoom-all").onclick = () => picture.showAll();
window.onhashchange = () => {
  settings = read();
  if (known) fillLanguages();
  if (found) showFilters();
  show();
};
for (const [format, name] of [["jsonl", "JSON lines"], ...service.formats]) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
  button.dataset.format = format;
  button.onclick = () => download(format);
  $("downloads").append(button);
}
start().catch(complain);
