/* Streaming Markdown: what was shown is never taken back, wherever the text was cut.
 *
 * The rule: of a text, let `flat` be the list of characters that a reader sees, each with the elements around it. Then
 * the list of every beginning of the text is a beginning of the list of the whole. So no syntax character is ever seen
 * that a later character turns into emphasis, a link, code, a list, a table or anything else.
 */

import assert from "node:assert/strict";
import test from "node:test";

import { Markdown, parsed } from "../../../gateway/page/markdown.js";
import { flat, seen } from "./flat.mjs";
import { SAMPLES, nonsense } from "./samples.mjs";

const texts = [...Object.entries(SAMPLES), ...Array.from(nonsense(400), (text) => [JSON.stringify(text), text])];

function of(...pieces) {
  const markdown = new Markdown();
  for (const piece of pieces) {
    markdown.push(piece);
    markdown.blocks();
  }
  return markdown;
}

function assertBeginning(shown, whole, cut) {
  const wrong = shown.findIndex((entry, index) => entry !== whole[index]);
  assert.equal(wrong, -1, `after ${JSON.stringify(cut)}: ${shown[wrong]} was shown, ${whole[wrong]} came of it`);
}

test("what is shown of a beginning is a beginning of what is shown of the whole", () => {
  for (const [, text] of texts) {
    const whole = flat(parsed(text));
    const growing = new Markdown();
    for (let end = 1; end <= text.length; end += 1) {
      const cut = text.slice(0, end);
      growing.push(text[end - 1]);
      const shown = flat(growing.blocks());
      assertBeginning(shown, whole, cut);
      assert.deepEqual(shown, flat(of(cut).blocks()), `read again from a settled block: ${JSON.stringify(cut)}`);
    }
    assert.deepEqual(flat(growing.blocks(true)), whole, text);
  }
});

test("cut into two at any place the whole is the same", () => {
  for (const text of Object.values(SAMPLES)) {
    const whole = parsed(text).map(({ line, ...node }) => node);
    for (let cut = 0; cut <= text.length; cut += 1) {
      const blocks = of(text.slice(0, cut), text.slice(cut)).blocks(true);
      assert.deepEqual(blocks.map(({ line, ...node }) => node), whole, `${JSON.stringify(text)} cut at ${cut}`);
    }
  }
});

test("the rule bites: a reader that shows raw text breaks it", () => {
  const whole = flat(parsed("**bold**"));
  assert.throws(() => assertBeginning([">p *"], whole, "*"), /was shown/);
});

test("what each construct becomes", () => {
  const html = (node) => {
    if (typeof node === "string") return node;
    const inner = node.text ?? (node.children ?? []).map(html).join("");
    return `<${node.tag}>${inner}</${node.tag}>`;
  };
  const expected = {
    "**a** *b* ***c*** ~~d~~ `e`": "<p><strong>a</strong> <em>b</em> <strong><em>c</em></strong> <del>d</del> <code>e</code></p>",
    "**a *b* c**": "<p><strong>a <em>b</em> c</strong></p>",
    "5*3*2 snake_case_name": "<p>5*3*2 snake_case_name</p>",
    "f(**kwargs)": "<p>f(**kwargs)</p>",
    "## T ##": "<h2>T</h2>",
    "- a\n  - b\n\n- c": "<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p></li></ul>",
    "|a|\n|-|\n|b|": "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
    "```py\n<b>\n```": "<pre><b></pre>",
    "> a\n\n---": "<blockquote><p>a</p></blockquote><hr></hr>",
    "<b>&lt;": "<p><b><</p>",
    "[a](https://b.c) ![d](http://e.f)": "<p><a>a</a> <a>d</a></p>",
  };
  for (const [text, wanted] of Object.entries(expected)) assert.equal(parsed(text).map(html).join(""), wanted);
});

test("links lead to http, https and mailto, and nowhere else", () => {
  const links = (node) => (typeof node === "string" ? [] : [...(node.tag === "a" ? [node.attrs] : []), ...(node.children ?? []).flatMap(links)]);
  const of = (text) => parsed(text).flatMap(links);
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil", "vbscript:x", "file:///x", "&#106;avascript:x"]) {
    assert.deepEqual(of(`[a](${address}) ![a](${address}) <${address}>`), [], address);
  }
  for (const address of ["http://a.b", "HTTPS://a.b", "mailto:a@b.c"]) {
    assert.deepEqual(of(`[a](${address})`), [{ href: address, target: "_blank", rel: "noopener noreferrer" }]);
  }
});

test("bold text appears as it closes, plain text at once, and code while it is written", () => {
  const shown = (text) => seen(of(text).blocks());
  assert.equal(shown("plain tex"), "plain tex");
  assert.equal(shown("a **bo"), "a ");
  assert.equal(shown("a **bo** "), "a bo");
  assert.equal(shown("```py\nx = 1"), "x = 1");
  assert.equal(shown("| a | b |\n|--"), "");
  assert.equal(shown("| a | b |\n|---|---|\n| c"), "abc");
});

test("nothing is held back for ever, and nothing takes for ever", () => {
  assert.ok(seen(of(`a **${"b ".repeat(400)}`).blocks()).length > 700);
  const hard = ["*a ".repeat(3_000), "[".repeat(3_000), "> ".repeat(3_000), "- ".repeat(3_000), "`a``".repeat(2_000), "**_".repeat(2_000), "(".repeat(3_000), "| ".repeat(3_000)];
  for (const text of hard) {
    const begun = process.cpuUsage();
    of(text).blocks(true);
    parsed(`[a](${text}`);
    assert.ok(process.cpuUsage(begun).user < 2_000_000, text.slice(0, 10)); // µs of work, however busy the machine
  }
});
