// Settings in the address, after the #: what is hidden and from which score on, the model and the language; no text.
export const read = () => {
  const given = new URLSearchParams(location.hash.slice(1));
  const score = Number(given.get("score"));
  return {
    model: given.get("model") ?? "",
    lang: given.get("lang") ?? "",
    minScore: score >= 0 && score <= 1 ? score : 0,
    hiddenTypes: new Set(given.getAll("without-type")),
    hiddenRelations: new Set(given.getAll("without-relation")),
  };
};

export const fragmentOf = ({ model, lang, minScore, hiddenTypes, hiddenRelations }) => {
  const said = new URLSearchParams();
  if (model) said.set("model", model);
  if (lang) said.set("lang", lang);
  if (minScore) said.set("score", minScore.toFixed(2));
  for (const type of hiddenTypes) said.append("without-type", type);
  for (const relation of hiddenRelations) said.append("without-relation", relation);
  return `#${said}`;
};
