/* What stands inside a paragraph, a heading or a cell: emphasis, code, links, line breaks, as a tree.
 *
 * Invariant: of a text that may go on (`open`) only what no continuation can change is answered; the rest is held back.
 * So a construct appears when it closes, and one that has not closed after LONGEST characters never was one.
 * Does not know: blocks, the document. A node is a string or {tag, attrs, children}.
 */

const LONGEST = 600;
const HOLD = Symbol("held back until more is known");
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", mdash: "—", ndash: "–", hellip: "…" };
const WORD = /[^\\`*_~[\]!<&\s]+/y;
const SPACE = /[ \t]+/y;
const URL_ = /https?:\/\/[\w\-.~:/?#@!$&'()*+,;=%]+/y;
const URL_BEGINS = /(?<![A-Za-z0-9])https?:\/\/[\w]/;
const URL_MAY_BEGIN = /(?<![A-Za-z0-9])(?:h|ht|htt|https?|https?:|https?:\/|https?:\/\/)$/;
const TARGET = /^\([ \t]*(?:<([^<>\n]*)>|([^\s()<]*(?:\([^\s()]*\)[^\s()]*)*))(?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'))?[ \t]*\)/;
const ANGLE = /<(?:(br[ \t]*\/?)|((?:https?:\/\/|mailto:)[^\s<>]*))>/iy;
const ANGLE_MAY_BE = /^<(?:b?|br[ \t]*\/?|h|ht|htt|https?|https?:|https?:\/|https?:\/\/[^\s<>]*|m|ma|mai|mail|mailt|mailto|mailto:[^\s<>]*)$/i;
const ENTITY = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/y;
const ENTITY_MAY_BE = /^&(?:#\d{0,7}|#[xX][0-9a-fA-F]{0,6}|[a-zA-Z]{0,8})$/;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const ALNUM = /[\p{L}\p{N}]/u;

/** The nodes of a text. `open`: it may go on. */
export function inline(text, open) {
  return new Inline(text, open).range(0, text.length);
}

/** The address if a link may lead there, else null. */
export function safeUrl(address) {
  return /^(?:https?:\/\/|mailto:)/i.test(address) ? address : null;
}

class Inline {
  constructor(text, open) {
    this.text = text;
    this.open = open;
    this.known = new Map();
    this.runs = new Uint32Array(text.length + 1);
    for (let at = text.length - 1; at >= 0; at -= 1) {
      this.runs[at] = text[at] === text[at + 1] ? this.runs[at + 1] + 1 : 1;
      if ("*_~[".includes(text[at])) this.step(at); // from the end, as each asks those behind it: no deep recursion
    }
  }

  range(start, end) {
    const nodes = [];
    for (let at = start; at < end; ) {
      const step = this.step(at);
      if (step === HOLD) break;
      for (const node of step.nodes) append(nodes, node);
      at = step.end;
    }
    return nodes;
  }

  /* What stands at `at`, and where it ends. Depends on nothing but text and place, so it is worked out once. */
  step(at) {
    if (!this.known.has(at)) this.known.set(at, this.look(at));
    return this.known.get(at);
  }

  look(at) {
    const char = this.text[at];
    if (char === "`") return this.code(at);
    if (char === "*" || char === "_" || char === "~") return this.delimiters(at);
    if (char === "[") return this.link(at, at);
    if (char === "\\") return this.escape(at);
    if (char === "<") return this.angle(at);
    if (char === "&") return this.entity(at);
    if (char === "!") return this.bang(at);
    if (char === "\n") return this.ends(at + 1) ? HOLD : said({ tag: "br" }, this.skip(SPACE, at + 1));
    if (char === " " || char === "\t") return this.space(at);
    return this.word(at);
  }

  ends(at) {
    return this.open && at >= this.text.length;
  }

  skip(pattern, at) {
    pattern.lastIndex = at;
    return pattern.test(this.text) ? pattern.lastIndex : at;
  }

  run(at) {
    return this.runs[at];
  }

  space(at) {
    const end = this.skip(SPACE, at);
    if (this.ends(end)) return HOLD;
    return said(end === this.text.length || this.text[end] === "\n" ? "" : this.text.slice(at, end), end);
  }

  word(at) {
    let end = this.skip(WORD, at);
    if (end === at) return said(this.text[at], at + 1);
    const word = this.text.slice(at, end);
    const url = word.search(URL_BEGINS);
    if (url > 0) return said(word.slice(0, url), at + url);
    if (url === 0) return this.url(at);
    const partial = this.ends(end) ? word.search(URL_MAY_BEGIN) : -1;
    if (partial === 0) return HOLD;
    if (partial > 0) end = at + partial;
    return said(this.text.slice(at, end), end);
  }

  url(at) {
    let end = this.skip(URL_, at);
    if (this.ends(end)) return HOLD;
    const count = (char) => this.text.slice(at, end).split(char).length;
    let surplus = count(")") - count("(");
    for (; /[.,;:!?'*_~&]/.test(this.text[end - 1]) || (this.text[end - 1] === ")" && surplus > 0); end -= 1) {
      if (this.text[end - 1] === ")") surplus -= 1;
    }
    const address = this.text.slice(at, end);
    return said(anchor(address, [address]), end);
  }

  escape(at) {
    if (this.ends(at + 1)) return HOLD;
    const next = this.text[at + 1] ?? "";
    if (next === "\n") return said("", at + 1);
    return PUNCTUATION.test(next) ? said(next, at + 2) : said("\\", at + 1);
  }

  code(at) {
    const length = this.run(at);
    for (let place = at + length; place - at <= LONGEST; place += 1) {
      place = this.text.indexOf("`", place);
      if (place < 0 || place - at > LONGEST) break;
      const found = this.run(place);
      if (this.ends(place + found)) return HOLD;
      if (found === length) return said(codeSpan(this.text.slice(at + length, place)), place + length);
      place += found - 1;
    }
    return this.open && this.text.length - at <= LONGEST ? HOLD : said(this.text.slice(at, at + length), at + length);
  }

  delimiters(at) {
    const length = this.run(at);
    if (this.ends(at + length)) return HOLD;
    const literal = said(this.text.slice(at, at + length), at + length);
    const wanted = this.text[at] === "~" ? [2] : [2, 1];
    if (length > 3 || (this.text[at] === "~" && length !== 2)) return literal;
    for (const marker of wanted.filter((size) => size <= length && !(size === 1 && length === 2))) {
      const end = this.opens(at, length, marker) ? this.closer(at, marker) : null;
      if (end === HOLD) return HOLD;
      if (end === null) continue;
      const tag = this.text[at] === "~" ? "del" : marker === 2 ? "strong" : "em";
      return said({ tag, children: this.range(at + marker, end) }, end + marker);
    }
    return literal;
  }

  opens(at, length, marker) {
    const [before, after] = [this.text[at - 1] ?? " ", this.text[at + length] ?? " "];
    if (/\s/.test(after)) return false;
    if (this.text[at] === "_") return !ALNUM.test(before);
    return !/[A-Za-z0-9]/.test(before) || (marker === 2 && !/[0-9]/.test(after));
  }

  closes(at, length) {
    const [before, after] = [this.text[at - 1] ?? " ", this.text[at + length] ?? " "];
    return !/\s/.test(before) && (this.text[at] !== "_" || !ALNUM.test(after));
  }

  /* Where the delimiter that closes the one at `opener` begins. */
  closer(opener, marker) {
    const begin = opener + marker;
    for (let at = begin; at < this.text.length; ) {
      if (at - opener > LONGEST) return null;
      if (this.text[at] === this.text[opener]) {
        const length = this.run(at);
        if (this.ends(at + length)) return HOLD;
        if (at > begin && this.closes(at, length)) {
          if (marker === 2 ? length >= 2 : length !== 2) return at;
          if (marker === 1 && !this.opens(at, length, 2)) return null;
        }
      }
      const step = this.step(at);
      if (step === HOLD) return HOLD;
      at = step.end;
    }
    return this.open && this.text.length - opener <= LONGEST ? HOLD : null;
  }

  bang(at) {
    if (this.ends(at + 1)) return HOLD;
    return this.text[at + 1] === "[" ? this.link(at, at + 1) : said("!", at + 1);
  }

  /* An image is a link to it: nothing is loaded from elsewhere. */
  link(at, bracket) {
    const literal = said(this.text.slice(at, bracket + 1), bracket + 1);
    const close = this.bracketEnd(bracket);
    if (close === HOLD || (close !== null && this.ends(close + 1))) return HOLD;
    if (close === null || this.text[close + 1] !== "(") return literal;
    const target = TARGET.exec(this.text.slice(close + 1, at + LONGEST));
    const end = target ? close + 1 + target[0].length : this.text.length;
    if (end - at > LONGEST || (!target && (!this.open || this.text.includes("\n", close)))) return literal;
    if (!target) return HOLD;
    const children = this.range(bracket + 1, close).flatMap(withoutLinks);
    const address = safeUrl(target[1] ?? target[2]);
    if (!children.length) children.push(bracket > at ? "image" : (address ?? ""));
    return address ? said(anchor(address, children), end) : { nodes: children, end };
  }

  bracketEnd(bracket) {
    let depth = 1;
    for (let at = bracket + 1; at < this.text.length; ) {
      if (at - bracket > LONGEST) return null;
      if (this.text[at] === "]" && (depth -= 1) === 0) return at;
      const step = this.step(at);
      if (step === HOLD) return HOLD;
      if (this.text[at] === "[" && step.end === at + 1) depth += 1;
      at = step.end;
    }
    return this.open && this.text.length - bracket <= LONGEST ? HOLD : null;
  }

  angle(at) {
    ANGLE.lastIndex = at;
    const found = ANGLE.exec(this.text);
    if (found && found[0].length <= LONGEST) {
      return said(found[1] ? { tag: "br" } : anchor(found[2], [found[2]]), at + found[0].length);
    }
    const rest = this.text.slice(at, at + LONGEST + 1);
    return this.open && rest.length <= LONGEST && ANGLE_MAY_BE.test(rest) ? HOLD : said("<", at + 1);
  }

  entity(at) {
    ENTITY.lastIndex = at;
    const [all, decimal, hexadecimal, name] = ENTITY.exec(this.text) ?? [];
    if (all) {
      const code = decimal ? parseInt(decimal, 10) : parseInt(hexadecimal ?? "0", 16);
      const meant = name ? ENTITIES[name] : code > 31 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
      return meant === undefined ? said("&", at + 1) : said(meant, at + all.length);
    }
    return this.open && ENTITY_MAY_BE.test(this.text.slice(at, at + 12)) ? HOLD : said("&", at + 1);
  }
}

function said(node, end) {
  return { nodes: node === "" ? [] : [node], end };
}

function append(nodes, node) {
  if (typeof node === "string" && typeof nodes.at(-1) === "string") nodes[nodes.length - 1] += node;
  else nodes.push(node);
}

function codeSpan(text) {
  const line = text.replaceAll("\n", " ");
  const isPadded = line.startsWith(" ") && line.endsWith(" ") && /[^ ]/.test(line);
  return { tag: "code", children: [isPadded ? line.slice(1, -1) : line] };
}

function anchor(address, children) {
  return { tag: "a", attrs: { href: address, target: "_blank", rel: "noopener noreferrer" }, children };
}

function withoutLinks(node) {
  if (typeof node === "string") return [node];
  if (node.tag === "a") return node.children.flatMap(withoutLinks);
  return [node.children ? { ...node, children: node.children.flatMap(withoutLinks) } : node];
}
