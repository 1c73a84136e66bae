/* What texts cost that are made to be expensive: the work grows with the text, and so does what stands in the document. */

import assert from "node:assert/strict";
import test from "node:test";

import { Markdown, parsed } from "../../../gateway/page/markdown.js";
import { flat } from "./flat.mjs";

const LONG = 20_000;
const many = (text) => text.repeat(LONG / text.length);
const [spaces, ticks] = [many(" "), many("`")];
const HARD = {
  "a heading's end": `# a${spaces}b`,
  "a heading's marks": `# a${many(" #")}b`,
  "a heading's beginning": `#${spaces}\u2028`,
  "an item's beginning": `-${spaces}\u2028`,
  "a fence's beginning": `${ticks}\u2028`,
  "a fence's end": `\`\`\`\n${spaces}x`,
  "a fence of spaces": `${spaces}\`\`\`\n${spaces}x`,
  "a fence that is long": `${ticks}\n${ticks}x`,
  "a row's second line": `|a\n${spaces}x-`,
  "a row's second line, later": `|a\n-${spaces}x-`,
  "a row's second line, unfinished": `|a\n|-${spaces}x`,
  "a row's end": `|a|\n|-|\n|${many("| ")}x`,
  "a task": `- [ ]${spaces}`,
  "a rule": `${many("- ")}x`,
  "a target's beginning": `[a](${spaces}x y`,
  "a target's title": `[a](b${spaces}"c" d`,
  targets: many("[a](        b "),
  "brackets in an address": `http://a${many(")")}`,
  "marks in an address": `http://a${many("*)")}`,
  addresses: many("|http://a"),
  stars: many("*"),
  underscores: `a${many("_")}b`,
  tildes: many("~"),
  ticks,
  "a code span": `\`${many(" a")}\``,
  breaks: `<br${spaces}x`,
  "blank lines in an item": `- a\n${many("\n")}${many("\n")}  b`,
  "blocks without end": many("#\n"),
};

for (const [name, text] of Object.entries(HARD)) {
  test(`${name}: the work grows with the text`, () => {
    for (const read of [() => parsed(text), () => growing(text).blocks()]) {
      const begun = process.cpuUsage();
      read();
      assert.ok(process.cpuUsage(begun).user < 400_000); // µs of work, however busy the machine
    }
  });
}

function growing(text) {
  const markdown = new Markdown();
  markdown.push(text);
  return markdown;
}

const elements = (nodes) => nodes.reduce((sum, node) => sum + (node.tag ? 1 + elements(node.children ?? []) : 0), 0);

test("rows that have no cells do not fill a table without end", () => {
  const columns = 90;
  const table = parsed(`${"|a".repeat(columns)}\n${"|-".repeat(columns)}\n${many("|\n")}`);
  assert.equal(table[0].tag, "table");
  assert.ok(elements(table) < 3 * LONG);
});

test("a table with more columns than any screen has is text, and all of it is shown", () => {
  const text = `${"|a".repeat(1_000)}\n${"|-".repeat(1_000)}\n${"|\n".repeat(1_000)}`;
  const shown = parsed(text);
  assert.deepEqual([...new Set(shown.map(({ tag }) => tag))], ["p"]);
  assert.equal(flat(shown).filter((entry) => entry.endsWith(" a")).length, 1_000);
});

test("a row with a cell too few is filled, so that it is ruled to its end", () => {
  const [table] = parsed("|a|b|c|\n|-|-|-|\n|1|\n|1|2|");
  assert.deepEqual(table.children[1].children.map((row) => row.children.length), [3, 3]);
});
