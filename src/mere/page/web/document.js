// A document as the service returns it, cut, filtered and counted. Offsets are code points, so a text is a list of them.

const at = ({ start, end }) => `${start},${end}`;

// Which entity stands at each span: the first that does.
const entitiesAt = (document) => {
  const found = new Map();
  for (const entity of document.entities) if (!found.has(at(entity))) found.set(at(entity), entity);
  return found;
};

// Subjects and objects with the type and the score of the entity that stands there.
const withEnds = (document) => {
  const known = entitiesAt(document);
  const end = (mention) => known.get(at(mention)) ?? mention;
  return document.triples.map((triple) => ({ ...triple, subject: end(triple.subject), object: end(triple.object) }));
};

// Each mention once: the entities, and the ends of triples that are not among them.
export const mentions = (document) => {
  const found = new Map();
  const ends = withEnds(document).flatMap(({ subject, object }) => [subject, object]);
  for (const entity of [...document.entities, ...ends]) {
    const key = JSON.stringify([entity.start, entity.end, entity.type ?? null, entity.link ?? null]);
    if (!found.has(key)) found.set(key, entity);
  }
  const numbers = new Map([...found.keys()].map((key, number) => [key, number]));
  const numberOf = (entity) =>
    numbers.get(JSON.stringify([entity.start, entity.end, entity.type ?? null, entity.link ?? null]));
  return {
    all: [...found.values()],
    triples: withEnds(document).map((t) => ({ ...t, s: numberOf(t.subject), o: numberOf(t.object) })),
  };
};

// What is left of a document: triples from a score on, none of a hidden relation or with an end of a hidden type; with
// each triple its ends; and of the other entities those with a type that is not hidden, from the score on.
export const filtered = (document, { minScore, hiddenTypes, hiddenRelations }) => {
  const ends = withEnds(document);
  const hides = ({ type }) => type !== undefined && hiddenTypes.has(type);
  const triples = document.triples.filter((triple, i) =>
    (triple.score ?? 0) >= minScore && !hiddenRelations.has(triple.relation) &&
    !hides(ends[i].subject) && !hides(ends[i].object));
  const held = new Set(triples.flatMap(({ subject, object }) => [at(subject), at(object)]));
  const entities = document.entities.filter((entity) =>
    held.has(at(entity)) || (entity.type !== undefined && !hides(entity) && (entity.score ?? 0) >= minScore));
  return { ...document, entities, triples };
};

// How often each type and each relation was found, the most frequent first.
const counts = (names) => {
  const found = new Map();
  for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  return [...found].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
};
export const typesOf = (document) => counts(document.entities.map(({ type }) => type).filter(Boolean));
export const relationsOf = (document) => counts(document.triples.map(({ relation }) => relation));

// Each sentence as a document of its own, with its language and the lowest score of what was found in it.
export const sentencesOf = (document, chars) => {
  const parts = document.sentences.map(({ start, end, lang }) => ({ start, end, lang, entities: [], triples: [] }));
  const partAt = (position) => {
    let [low, high] = [0, parts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (parts[middle].start <= position) low = middle; else high = middle - 1;
    }
    return parts[low];
  };
  for (const entity of document.entities) partAt(entity.start).entities.push(entity);
  for (const triple of document.triples) partAt(triple.subject.start).triples.push(triple);
  return parts.map(({ start, end, lang, entities, triples }) => {
    const moved = (mention) => ({ ...mention, start: mention.start - start, end: mention.end - start });
    const scores = [...entities, ...triples].map(({ score }) => score).filter((score) => score !== undefined);
    return {
      text: chars.slice(start, end).join(""),
      lang,
      lowest: scores.length ? Math.min(...scores) : null,
      entities: entities.map(moved),
      triples: triples.map((t) => ({ ...t, subject: moved(t.subject), object: moved(t.object) })),
    };
  });
};

// The nodes with most triples and what holds between them, as `drawGraph` takes it, and what to say of it. Mentions of
// one type whose forms are alike but for case, width and white space are one node.
export const DRAWN_NODES = 150;
export const graphOf = (document, hue) => {
  const { all, triples } = mentions(document);
  const folded = (form) => form.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  const keyOf = ({ link, type, text }) =>
    link ?? `${type ?? ""}\n${folded(text).split(/\s+/u).filter(Boolean).join(" ")}`;
  const nodes = new Map();
  for (const mention of all) {
    const node = nodes.get(keyOf(mention)) ?? { forms: [], types: [], degree: 0 };
    nodes.set(keyOf(mention), node);
    node.forms.push(mention.text);
    if (mention.type) node.types.push(mention.type);
  }
  const edges = new Map();
  for (const { s, o, relation } of triples) {
    const [from, to] = [keyOf(all[s]), keyOf(all[o])];
    const key = JSON.stringify([from, to]);
    if (!edges.has(key)) edges.set(key, { from, to, relations: [] });
    edges.get(key).relations.push(relation);
    for (const node of new Set([from, to])) nodes.get(node).degree++;
  }
  const linked = [...nodes].filter(([, { degree }]) => degree > 0);
  const drawn = linked.sort(([, a], [, b]) => b.degree - a.degree).slice(0, DRAWN_NODES);
  const position = new Map(drawn.map(([key], i) => [key, i]));
  const shown = [...edges.values()].filter(({ from, to }) => position.has(from) && position.has(to));
  let told = `Entities: ${nodes.size.toLocaleString("en")}; triples: ${triples.length.toLocaleString("en")}. `;
  if (drawn.length < linked.length) {
    told += `Drawn: the ${DRAWN_NODES} entities with most triples, and what holds between them.`;
  } else if (drawn.length) {
    told += "Drawn: the entities that are in triples.";
  }
  return {
    told,
    nodes: drawn.map(([, { forms, types }]) => {
      const [names, [type]] = [counts(forms).map(([form]) => form), counts(types).map(([type]) => type)];
      const about = [type, ...names.slice(0, 20), `${forms.length} mentions`];
      return { name: names[0], mentions: forms.length, hue: hue(type), told: about.filter(Boolean).join(" · ") };
    }),
    edges: shown.map(({ from, to, relations }) => ({
      s: position.get(from),
      o: position.get(to),
      relations: counts(relations).map(([relation, times]) => (times > 1 ? `${relation} ×${times}` : relation)),
    })),
  };
};
