/* A Markdown text in the document, growing.
 *
 * Does not know: where the text comes from.
 */

import { make } from "./dom.js";
import { Markdown } from "./markdown.js";
import { patch } from "./tree.js";

export class MarkdownView {
  #markdown = new Markdown();
  #shown = [];
  #taken = 0;

  constructor() {
    this.element = make("div", { class: "markdown" });
  }

  /** Show `text`, which begins with what was shown before. `ended`: it will not grow. */
  update(text, ended) {
    this.#markdown.push(text.slice(this.#taken));
    this.#taken = text.length;
    const after = this.#markdown.blocks(ended);
    patch(this.element, this.#shown, after);
    this.#shown = after;
  }
}
