// Characters as Python sees them. Offsets are code points; a JavaScript string counts UTF-16 units.
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"; // str.isspace
const SPACES = new RegExp(`^[${SPACE}]$`, "u");
export const isSpace = (char) => SPACES.test(char);
export const isAlpha = (char) => /^\p{L}$/u.test(char);
export const isUpper = (char) => /^\p{Uppercase}$/u.test(char);
export const isLower = (char) => /^\p{Lowercase}$/u.test(char);
export const isDecimal = (char) => /^\p{Nd}$/u.test(char);
export const split = (text) => text.split(new RegExp(`[${SPACE}]+`, "u")).filter(Boolean);

// For every UTF-16 unit of a text, and its end, how many code points stand before it.
export const codePoints = (text) => {
  const before = new Uint32Array(text.length + 1);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    before[i] = count;
    const isFirstHalf = text.codePointAt(i) > 0xffff;
    if (isFirstHalf) before[++i] = count;
    count++;
  }
  before[text.length] = count;
  return before;
};

const CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co".split(" ")
  .map((name) => [name, new RegExp(`^\\p{${name}}$`, "u")]);
export const categoryOf = (char) => CATEGORIES.find(([, pattern]) => pattern.test(char))?.[0] ?? "Cn";
