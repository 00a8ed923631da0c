// Cuts a text into sentences: mere.inference.sentences in JavaScript, with the lists of words that Python has.
import { SPACE, isDecimal, isLower, isSpace, isUpper, split } from "./characters.js";

const FULL_STOPS = "。！？｡।॥؟۔։።፧፨៕។";
const NEEDS_SPACE = "!?‼⁇⁈⁉…․‥.";
const CLOSERS = "\"'”’»«›‹“‟)]}」』】〉》）］｝〕〗⟩";
const CJK_CLOSERS = "\"'”’)]}」』】〉》）］｝〕〗⟩»";
const OPENERS = "\"'“”„‚‘«»‹›([{「『【〈《（［｛〔¿¡*•";
const LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029";
const LONGEST_TOKEN = 24;
const ONE_LETTER_WORDS = new Set(["है", "हैं", "था", "थे", "थी", "हो", "हूँ", "दी", "दो", "ली", "की", "छ"]);
const oneOf = (chars) => `[${chars.replace(/[\\\]^[-]/g, "\\$&")}]`;
const candidate = (more) =>
  `${oneOf(more + FULL_STOPS + NEEDS_SPACE)}+(?:(?<=${oneOf(FULL_STOPS)})${oneOf(CJK_CLOSERS)}*|${oneOf(CLOSERS)}*)` +
  `(?:\\[\\p{Nd}{1,3}\\])*(?:[ \\u00a0\\u202f]»)?|${oneOf(LINE_ENDS)}+`;
const CJK = /^[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;
const HIRAGANA = /^[\u3041-\u309f]/u;
const WORD = /[\p{L}\p{N}_]+/uy;
const TOKEN_BORDER = new RegExp(`[${SPACE}"'“”„‚‘’«»‹›(\\[{/—–]`, "u");
const ROMAN = /^[IVXLC]{1,6}$/;

const wordAt = (text, at) => { WORD.lastIndex = at; return WORD.exec(text)?.[0] ?? null; };
const charAt = (text, at) => (at < text.length ? String.fromCodePoint(text.codePointAt(at)) : "");
const trimEnd = (text, chars) => {
  let end = text.length;
  while (end > 0 && chars.includes(text[end - 1])) end--;
  return text.slice(0, end);
};
const isBlank = (text) => split(text).length === 0;

const tokenBefore = (text, start, stop) => {
  let at = stop;
  while (at > Math.max(start, stop - LONGEST_TOKEN) && !TOKEN_BORDER.test(text[at - 1])) at--;
  return [text.slice(at, stop), at];
};

const nextWord = (text, at) => {
  while (at < text.length && isSpace(text[at])) at++;
  while (at < text.length && (OPENERS.includes(text[at]) || "—–- \u00a0".includes(text[at]))) at++;
  return at;
};

const isInitial = (token) => {
  const letters = Array.from(token).filter((char) => !/^\p{M}$/u.test(char));
  if (letters.length !== 1 || !/^\p{L}$/u.test(letters[0])) return false;
  return !CJK.test(letters[0]) && !ONE_LETTER_WORDS.has(token);
};

const followsNumber = (text, start, tokenStart) => {
  const last = split(text.slice(Math.max(start, tokenStart - 12), tokenStart)).at(-1);
  return last !== undefined && (isDecimal(Array.from(last).at(-1)) || ROMAN.test(last));
};

const fullStopEnds = (text, start, stop, at, rules, common) => {
  const [token, tokenStart] = tokenBefore(text, start, stop);
  if (!token) return true;
  const word = wordAt(text, at);
  const opens = word !== null && rules.openers.has(word) && text[at + word.length] !== ".";
  const opensSentence = stop - start <= 12 && isBlank(text.slice(start, tokenStart));
  if (isDecimal(Array.from(token).at(-1))) {
    if (opensSentence && token.length <= 6) return false;
    return opens || !(rules.hasOrdinals && /^\p{Nd}{1,2}$/u.test(token));
  }
  if (common.yearWords.has(token) && followsNumber(text, start, tokenStart)) {
    return opens || tokenStart - start > LONGEST_TOKEN;
  }
  if (rules.beforeNumber.has(token) && isDecimal(charAt(text, at))) return false;
  if (rules.either.has(token)) return opens;
  const first = charAt(token, 0);
  if (rules.inner.has(token) || rules.inner.has(first.toLowerCase() + token.slice(first.length))) return false;
  if (isInitial(token) || token.includes(".")) return opens;
  return opens || !(rules.hasOrdinals && ROMAN.test(token));
};

const inName = (text, start, mark, at, rules, common) => {
  const [token, tokenStart] = tokenBefore(text, start, mark);
  const following = wordAt(text, at);
  if (!isUpper(charAt(token, 0)) || following === null) return false;
  if (common.legalForms.has(following)) return true;
  const before = split(text.slice(Math.max(start, tokenStart - LONGEST_TOKEN), tokenStart)).at(-1);
  return before !== undefined && common.beforeNames.has(before) && !rules.openers.has(following);
};

const endsSentence = (text, start, at, match, rules, common) => {
  const end = at + match.length;
  if (end === text.length) return true;
  const marks = trimEnd(match, CLOSERS);
  const following = charAt(text, end);
  if ([...marks].some((mark) => FULL_STOPS.includes(mark))) {
    const goesOn = HIRAGANA.test(following) || "，、,；：:".includes(following);
    return !(goesOn && match.length > marks.length);
  }
  if (!isSpace(following)) return !marks.includes(".") && CJK.test(following);
  const next = nextWord(text, end);
  if (next === text.length || LINE_ENDS.includes(text[next])) return true;
  const char = charAt(text, next);
  if (isLower(char) || ",;:!?%)]}，、؛،".includes(char)) return false;
  if (isDecimal(char) && text[next - 1] === "(") return false;
  if (at - start <= 3 && isBlank(text.slice(start, at))) return false;
  if (match === "!" && inName(text, start, at, next, rules, common)) return false;
  return match !== "." || fullStopEnds(text, start, at, next, rules, common);
};

// `lists`: of the language, or of those without one, as mere.page.static writes them.
export const makeSentences = ({ rules: lists, common: words }) => {
  const setsOf = (record) =>
    Object.fromEntries(Object.entries(record).map(([name, said]) => [name, Array.isArray(said) ? new Set(said) : said]));
  const common = setsOf(words);
  const rules = new Map(Object.entries(lists).map(([lang, record]) => [lang, setsOf(record)]));
  const pattern = new RegExp(candidate(""), "gu");
  const greek = new RegExp(candidate(";\u037e"), "gu");

  // The spans of the sentences, in UTF-16 units.
  return (text, lang) => {
    const own = rules.get(lang ?? "") ?? rules.get("");
    const spans = [];
    let start = 0;
    const push = (end) => {
      let [from, to] = [start, end];
      while (from < to && isSpace(text[from])) from++;
      while (to > from && isSpace(text[to - 1])) to--;
      if (from < to) spans.push([from, to]);
    };
    for (const match of text.matchAll(lang === "el" ? greek : pattern)) {
      if (!LINE_ENDS.includes(match[0][0]) && !endsSentence(text, start, match.index, match[0], own, common)) continue;
      push(match.index + match[0].length);
      start = match.index + match[0].length;
    }
    push(text.length);
    return spans;
  };
};
