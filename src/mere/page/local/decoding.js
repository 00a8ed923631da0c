// From the scores of the heads to entities and facts of one sentence: mere.decoding in JavaScript.

const logSumExp = (values) => {
  const top = Math.max(...values);
  return top === -Infinity ? top : top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
};
const range = (length) => Array.from({ length }, (_, i) => i);

// A chain of one channel over the rows of `scores`, (P, T): sums over all taggings, before and after each place.
const forwardBackward = (scores, { start, transitions, end }) => {
  const tags = range(start.length);
  const alpha = [tags.map((to) => start[to] + scores[0][to])];
  for (let p = 1; p < scores.length; p++) {
    alpha.push(tags.map((to) => scores[p][to] + logSumExp(tags.map((from) => alpha[p - 1][from] + transitions[from][to]))));
  }
  const beta = [end];
  for (let p = scores.length - 2; p >= 0; p--) {
    const ahead = tags.map((to) => scores[p + 1][to] + beta[0][to]);
    beta.unshift(tags.map((from) => logSumExp(tags.map((to) => transitions[from][to] + ahead[to]))));
  }
  return { alpha, beta, logZ: logSumExp(tags.map((tag) => alpha.at(-1)[tag] + end[tag])) };
};

const viterbi = (scores, { start, transitions, end }) => {
  const tags = range(start.length);
  const best = (values) => values.indexOf(Math.max(...values));
  const cameFrom = [];
  let state = tags.map((tag) => start[tag] + scores[0][tag]);
  for (let p = 1; p < scores.length; p++) {
    const from = tags.map((to) => best(tags.map((tag) => state[tag] + transitions[tag][to])));
    cameFrom.push(from);
    state = tags.map((to) => state[from[to]] + transitions[from[to]][to] + scores[p][to]);
  }
  const path = [best(tags.map((tag) => state[tag] + end[tag]))];
  for (let p = cameFrom.length - 1; p >= 0; p--) path.unshift(cameFrom[p][path[0]]);
  return path;
};

// The most probable spans of one role, best first, each with the probability that exactly it stands there.
export const bestSpans = (scores, chain, limits) => {
  const { alpha, beta, logZ } = forwardBackward(scores, chain);
  const { transitions, end: atEnd } = chain;
  const found = [];
  for (let start = 0; start < scores.length; start++) {
    if (Math.exp(Math.min(alpha[start][1] + beta[start][1] - logZ, 0)) < limits.min_span) continue;
    let score = alpha[start][1];
    for (let end = start + 1; end <= Math.min(scores.length, start + limits.longest_span); end++) {
      const size = end - start;
      if (size > 1) score += scores[end - 1][2] + transitions[size === 2 ? 1 : 2][2];
      const last = size > 1 ? 2 : 1;
      const after = end === scores.length
        ? atEnd[last]
        : logSumExp([0, 1].map((tag) => transitions[last][tag] + scores[end][tag] + beta[end][tag]));
      const probability = Math.exp(Math.min(score + after - logZ, 0));
      if (probability >= limits.min_span) found.push({ start, end, probability });
    }
  }
  return found.sort((a, b) => b.probability - a.probability).slice(0, limits.spans_per_role);
};

// The entities of the best tagging, in order.
export const typedSpans = (scores, chain) => {
  const path = viterbi(scores, chain);
  if (!path.some(Boolean)) return [];
  const { alpha, beta, logZ } = forwardBackward(scores, chain);
  const found = [];
  path.forEach((begin, start) => {
    if (begin % 2 !== 1) return;
    let [end, last, score] = [start + 1, begin, alpha[start][begin]];
    for (; path[end] === begin + 1; end++) {
      score += chain.transitions[last][begin + 1] + scores[end][begin + 1];
      last = begin + 1;
    }
    if (end === scores.length) score += chain.end[last];
    else {
      const leaving = chain.transitions[last].map((move, tag) => move + scores[end][tag] + beta[end][tag]);
      leaving[begin + 1] = -Infinity; // the entity ends here
      score += logSumExp(leaving);
    }
    found.push({ start, end, type: (begin - 1) / 2, score: Math.exp(Math.min(0, score - logZ)) });
  });
  return found;
};

// The entities of a type per piece; a unit is a word of its own here.
export const typeRuns = (logP) => {
  const best = logP.map((row) => row.indexOf(Math.max(...row)));
  const posterior = logP.map((row) => { const sum = logSumExp(row); return row.map((value) => value - sum); });
  const other = (place, type) => Math.log1p(-Math.exp(Math.min(posterior[place][type], -1e-12)));
  const found = [];
  for (let start = 0, end; start < best.length; start = end) {
    for (end = start + 1; best[end] === best[start]; ) end++;
    const type = best[start];
    if (!type) continue;
    let score = 0;
    for (let place = start; place < end; place++) score += posterior[place][type];
    if (start > 0) score += other(start - 1, type);
    if (end < best.length) score += other(end, type);
    found.push({ start, end, type: type - 1, score: Math.exp(score) });
  }
  return found;
};

// The relations that are read on, the most probable first.
export const likelyRelations = (probability, limits) =>
  range(probability.length)
    .sort((a, b) => probability[b] - probability[a] || a - b)
    .slice(0, limits.relations)
    .filter((relation) => probability[relation] > limits.min_relation);

// Every subject of a relation with every object, but for a span with itself.
export const crossed = (subjects, objects) =>
  subjects.flatMap((subject) =>
    objects.filter((object) => subject.start !== object.start || subject.end !== object.end)
      .map((object) => ({ subject, object })));

// The facts best first, less those whose span overlaps one that a better fact of the relation has.
export const withoutConflict = (facts) => {
  const key = ({ relation, subject, object }) => [relation, subject.start, subject.end, object.start, object.end];
  const order = (a, b) => b.score - a.score || key(a).map((n, i) => n - key(b)[i]).find((d) => d) || 0;
  const taken = new Map();
  return [...facts].sort(order).filter(({ relation, subject, object }) => {
    const roles = [[`${relation} s`, subject], [`${relation} o`, object]];
    const clash = roles.some(([role, span]) => (taken.get(role) ?? []).some((other) =>
      (span.start !== other.start || span.end !== other.end) && span.start < other.end && other.start < span.end));
    if (!clash) for (const [role, span] of roles) taken.set(role, [...(taken.get(role) ?? []), span]);
    return !clash;
  });
};
