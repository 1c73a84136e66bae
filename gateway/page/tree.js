/* A tree of Markdown in the document, node by node.
 *
 * Invariant: nothing that an answer says becomes an element that its tree does not name, and no markup is parsed. What
 * has not changed is not touched: a selection survives the growing of the text around it.
 * Does not know: Markdown.
 */

import { copyText } from "./clipboard.js";
import { make } from "./dom.js";

/** Let the children of `parent`, which show `before`, show `after`. */
export function patch(parent, before, after) {
  after.forEach((node, index) => {
    const [old, shown] = [before[index], parent.childNodes[index]];
    if (old === node) return;
    if (shown === undefined) parent.append(build(node));
    else if (isSame(old, node)) renew(shown, old, node);
    else shown.replaceWith(build(node));
  });
  while (parent.childNodes.length > after.length) parent.lastChild.remove();
}

function isSame(old, node) {
  if (typeof old === "string" || typeof node === "string") return typeof old === typeof node;
  return old.tag === node.tag && old.language === node.language && JSON.stringify(old.attrs) === JSON.stringify(node.attrs);
}

function renew(shown, old, node) {
  if (typeof node === "string") grow(shown, old, node);
  else if (node.tag === "pre") grow(shown.querySelector("code").firstChild, old.text, node.text);
  else patch(node.tag === "table" ? shown.firstChild : shown, old.children ?? [], node.children ?? []);
}

function grow(shown, old, text) {
  if (text.startsWith(old)) shown.appendData(text.slice(old.length));
  else shown.data = text;
}

function build(node) {
  if (typeof node === "string") return document.createTextNode(node);
  if (node.tag === "pre") return code(node);
  const element = make(node.tag, node.attrs);
  for (const child of node.children ?? []) element.append(build(child));
  if (node.tag !== "table") return element;
  return make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Table" }, element);
}

function code({ language, text }) {
  const content = document.createTextNode(text);
  const copy = make("button", { type: "button", class: "quiet", "aria-label": "Copy code", onclick: () => copyText(content.data, copy) }, "Copy");
  const head = make("div", { class: "code-head" }, make("span", {}, language || "text"), copy);
  const body = make("pre", { tabindex: "0", role: "group", "aria-label": `Code, ${language || "text"}` }, make("code", {}, content));
  return make("div", { class: "code" }, head, body);
}
