// What the page asks of whoever extracts: here, the service that it comes from.
let key = "";

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const setKey = (given) => { key = given; };

const ask = async (path, options = {}) => {
  const headers = { ...options.headers, ...(key && { authorization: `Bearer ${key}` }) };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The service does not answer. Is it running?");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, problem.detail ?? `The service answered ${answer.status}.`);
};

const post = (path, type, body, signal) =>
  ask(path, { method: "POST", headers: { "content-type": type }, body, signal });

export const models = async () => (await ask("v1/models")).json();

export const extract = async ({ text, lang, model }, signal) => {
  const asked = { text, lang: lang || null, model: model || null, sentences: true };
  return (await post("v1/extract", "application/json", JSON.stringify(asked), signal)).json();
};

// What the page calls a language that nobody chose.
export const anyLanguage = "found by itself";

// The formats of graphs, as `mere graph` names them, with what people call them.
export const formats = [
  ["turtle", "Turtle"], ["ntriples", "N-Triples"], ["nquads", "N-Quads"], ["jsonld", "JSON-LD"],
  ["graphml", "GraphML"], ["neo4j", "Neo4j (zip)"], ["cypher", "Cypher"], ["csv", "CSV"], ["html", "Web page"],
];

export const graph = async (format, document, model) => {
  const query = new URLSearchParams({ format, ...(model && { model }) });
  const answer = await post(`v1/graph?${query}`, "application/x-ndjson", JSON.stringify(document));
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"))[1];
  return { blob: await answer.blob(), name, changed: answer.headers.get("x-changed") };
};
