/* The blocks of a Markdown text: paragraphs, headings, lists, tables, quotes, fenced code, rules.
 *
 * The dialect is what models write, cut down to what can be decided while it arrives: a newline is a line break; a table's
 * rows begin with `|`; list items are never "loose"; no indented code, no underlined headings, no raw HTML.
 * Invariant: of lines that may go on (`open`) only what no continuation can change is answered; docs/page.md has the rule.
 * The work grows with the text, whatever the text is: no pattern has two ways to match the same run of spaces.
 * Does not know: the document. A node is a string or {tag, attrs, children}; code is {tag: "pre", language, text}.
 */

import { inline } from "./inline.js";

const DEEPEST = 12;
const MOST_COLUMNS = 100; // with more of them it is no table
const MOST_FILLED = 1_000; // cells of a table that its rows do not have
const FENCE = /^(\s*)(`{3,}|~{3,})(.*)$/s;
const HEADING = /^\s{0,3}(#{1,6})(?:[ \t]+(.*))?$/s;
const RULE = /^\s{0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const QUOTE = /^\s{0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])(?:([ \t]+)(.*))?$/s;
const ROW = /^\s*\|/;
const RULED = /^:?-+:?$/;
const DIVIDER_MAY_BE = /^[|:\-\s]*$/;
const TASK = /^\[([ xX])\][ \t]+(?=\S)/;
const TASK_MAY_BE = /^\[(?:[ xX]?|[ xX]\][ \t]*)$/;
const MARKER_MAY_BE = /^\s*(?:#{1,6}[ \t]*|`+|~+|[-*_+][-*_ \t]*|\d{1,9}[.)]?[ \t]*)?$/;

/** The blocks of these lines, each with the line that it began at. `open`: the last line may go on. */
export function blocks(lines, open, depth = 0) {
  const found = [];
  const reading = { lines, open, depth, last: lines.length - 1 };
  for (let at = 0; at < lines.length; ) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const block = undecided(reading, at) ? null : begun(reading, at);
    if (!block) break;
    found.push({ ...block.node, line: at });
    at = block.end;
  }
  return found;
}

function begun(reading, at) {
  const line = reading.lines[at];
  if (reading.depth < DEEPEST) {
    if (isFence(line)) return fence(reading, at);
    if (HEADING.test(line)) return heading(reading, at);
    if (RULE.test(line)) return { node: { tag: "hr" }, end: at + 1 };
    if (QUOTE.test(line)) return quote(reading, at);
    if (ITEM.test(line)) return list(reading, at);
    if (isTable(reading, at)) return table(reading, at);
  }
  return paragraph(reading, at);
}

const isBlank = (line) => /^\s*$/.test(line);
const expanded = (line) => line.replace(/^[ \t]+/, (space) => space.replaceAll("\t", "    "));
const indentOf = (line) => /^ */.exec(expanded(line))[0].length;
const outdented = (line, width) => expanded(line).slice(Math.min(indentOf(line), width));

function isTail(reading, at) {
  return reading.open && at === reading.last;
}

/* Whether a continuation can still make another kind of block of the line that begins here. */
function undecided(reading, at) {
  const line = reading.lines[at];
  if (ROW.test(line)) {
    if (isTail(reading, at)) return true;
    return isTail(reading, at + 1) && DIVIDER_MAY_BE.test(reading.lines[at + 1]);
  }
  return isTail(reading, at) && (MARKER_MAY_BE.test(line) || isFence(line));
}

function isFence(line) {
  const found = FENCE.exec(line);
  return found !== null && !(found[2][0] === "`" && found[3].includes("`"));
}

function fence({ lines, open, last }, at) {
  const [, indent, mark, info] = FENCE.exec(lines[at]);
  const text = [];
  let end = at + 1;
  const strip = new RegExp(`^[ \\t]{0,${indent.length}}`);
  const marks = new RegExp(`^[${mark[0]}]*$`);
  for (; end < lines.length; end += 1) {
    const only = marks.test(lines[end].trim());
    if (open && end === last && only) continue;
    if (only && lines[end].trim().length >= mark.length) {
      end += 1;
      break;
    }
    text.push(lines[end].replace(strip, ""));
  }
  return { node: { tag: "pre", language: info.trim().split(/\s/)[0], text: text.join("\n") }, end };
}

function heading(reading, at) {
  const [, marks, content = ""] = HEADING.exec(reading.lines[at]);
  const tail = isTail(reading, at);
  return { node: { tag: `h${marks.length}`, children: inline(untrailed(` ${content}`).trimStart(), tail) }, end: at + 1 };
}

/* A heading's text without the marks that may stand at its end. */
function untrailed(content) {
  const text = content.trimEnd();
  let end = text.length;
  while (text[end - 1] === "#") end -= 1;
  return isBlank(text[end - 1] ?? "x") ? text.slice(0, end).trimEnd() : text;
}

function quote(reading, at) {
  const inner = [];
  let end = at;
  while (end < reading.lines.length && QUOTE.test(reading.lines[end])) {
    inner.push(reading.lines[end].replace(QUOTE, ""));
    end += 1;
  }
  const open = goesOn(reading, inner, end);
  return { node: { tag: "blockquote", children: blocks(inner, open, reading.depth + 1) }, end };
}

/* Whether the lines of a container, which end before `end`, may go on; if by a line of which nothing is known, add it. */
function goesOn(reading, inner, end) {
  if (!reading.open) return false;
  if (end > reading.last) return true;
  if (end === reading.last && isBlank(reading.lines[end])) return inner.push("") > 0;
  return false;
}

function list(reading, at) {
  const first = marker(reading.lines[at]);
  const items = [];
  let end = at;
  for (let next = at; next !== null; ) {
    const found = item(reading, next);
    items.push(found.node);
    end = found.end;
    next = sibling(reading, end, first);
  }
  const attrs = first.ordered && first.number !== 1 ? { start: String(first.number) } : undefined;
  return { node: { tag: first.ordered ? "ol" : "ul", attrs, children: items }, end };
}

function marker(line) {
  const [, indent, mark, space = "", rest = ""] = ITEM.exec(expanded(line));
  const ordered = mark.length > 1;
  const width = indent.length + mark.length + (rest && space.length <= 4 ? space.length : 1);
  return { indent: indent.length, width, rest, ordered, sort: mark.at(-1), number: ordered ? parseInt(mark, 10) : 0 };
}

function sibling(reading, after, first) {
  let at = after;
  while (at < reading.lines.length && isBlank(reading.lines[at])) at += 1;
  const line = reading.lines[at];
  if (line === undefined || undecided(reading, at) || RULE.test(line) || !ITEM.test(line)) return null;
  return marker(line).sort === first.sort ? at : null;
}

function item(reading, at) {
  const { lines } = reading;
  const { indent, width, rest } = marker(lines[at]);
  const inner = [rest];
  let end = at + 1;
  for (let next = end; next < lines.length; next += 1) {
    if (!isBlank(lines[next]) && indentOf(lines[next]) < Math.min(width, indent + 2)) break;
    if (isBlank(lines[next]) && next < reading.last) continue;
    for (; end <= next; end += 1) inner.push(outdented(lines[end], width));
  }
  const open = reading.open && end > reading.last;
  const box = task(inner, open && inner.length === 1);
  return { node: { tag: "li", children: [...box, ...blocks(inner, open, reading.depth + 1)] }, end };
}

function task(inner, tail) {
  const found = TASK.exec(inner[0]);
  if (tail && TASK_MAY_BE.test(inner[0])) inner[0] = "";
  if (!found) return [];
  inner[0] = inner[0].slice(found[0].length);
  return [{ tag: "input", attrs: { type: "checkbox", disabled: "", ...(found[1] === " " ? {} : { checked: "" }) } }];
}

function isTable({ lines }, at) {
  const [line, next] = [lines[at], lines[at + 1]];
  if (!ROW.test(line) || next === undefined || !next.includes("-")) return false;
  const ruled = cells(next);
  return ruled.every((cell) => RULED.test(cell)) && ruled.length <= MOST_COLUMNS && ruled.length === cells(line).length;
}

function cells(line) {
  const parts = line.trim().slice(line.trim()[0] === "|" ? 1 : 0).split(/(?<!\\)\|/);
  if (parts.length > 1 && isBlank(parts.at(-1))) parts.pop();
  return parts.map((part) => part.trim().replaceAll("\\|", "|"));
}

function table(reading, at) {
  const aligns = cells(reading.lines[at + 1]).map(alignment);
  let spare = MOST_FILLED;
  const row = (line, tag, tail) => {
    const parts = cells(line);
    const ended = /(?<!\\)\|\s*$/.test(line);
    const cell = (align, number) => {
      const open = tail && !ended && number === parts.length - 1;
      return { tag, attrs: align, children: inline(parts[number] ?? "", open) };
    };
    const missing = Math.max(0, aligns.length - parts.length);
    const filled = missing <= spare ? missing : 0;
    spare -= filled;
    return { tag: "tr", children: aligns.slice(0, parts.length + filled).map(cell) };
  };
  const rows = [];
  let end = at + 2;
  for (; end < reading.lines.length && ROW.test(reading.lines[end]); end += 1) {
    rows.push(row(reading.lines[end], "td", isTail(reading, end)));
  }
  const children = [{ tag: "thead", children: [row(reading.lines[at], "th", false)] }, { tag: "tbody", children: rows }];
  return { node: { tag: "table", children }, end };
}

function alignment(cell) {
  const side = cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "right") : null;
  return side ? { class: side } : undefined;
}

function paragraph(reading, at) {
  const { lines, depth } = reading;
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !undecided(reading, end)) {
    if (depth < DEEPEST && interrupts(reading, end)) break;
    end += 1;
  }
  const open = reading.open && (end > reading.last || (end === reading.last && undecided(reading, end)) || held(reading, end));
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n");
  return { node: { tag: "p", children: inline(text, open) }, end };
}

/* A row that may begin a table, or go on with the paragraph: the line after it will tell. */
function held(reading, at) {
  return at === reading.last - 1 && !isBlank(reading.lines[at]) && undecided(reading, at);
}

function interrupts(reading, at) {
  const line = reading.lines[at];
  if (isFence(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || isTable(reading, at)) return true;
  const found = ITEM.exec(line);
  return found !== null && Boolean(found[4]) && (found[2].length === 1 || parseInt(found[2], 10) === 1);
}
