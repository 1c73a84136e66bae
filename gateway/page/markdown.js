/* A Markdown text that arrives in pieces, as a growing list of blocks.
 *
 * Invariant: what is shown of a beginning is a beginning of what is shown of the whole; where the pieces were cut
 * changes nothing. Only the last block is read again.
 * Does not know: the document.
 */

import { blocks } from "./blocks.js";

const HALF = /[\r\ud800-\udbff]$/; // of a line's end, of a character

export class Markdown {
  #settled = [];
  #rest = "";
  #held = "";

  /** Take the next piece. */
  push(piece) {
    const text = (this.#held + piece).replaceAll("\r\n", "\n");
    const cut = HALF.test(text) ? text.length - 1 : text.length;
    this.#held = text.slice(cut);
    this.#rest += text.slice(0, cut).replaceAll("\0", "\ufffd");
  }

  /** The blocks so far. Those that have settled are the same objects each time. `ended`: nothing more will come. */
  blocks(ended = false) {
    const lines = this.#rest.split("\n");
    const found = blocks(lines, !ended);
    const last = found.at(-1);
    if (last && last.line > 0) {
      for (const block of found.slice(0, -1)) this.#settled.push(block);
      this.#rest = lines.slice(last.line).join("\n");
    }
    return last ? [...this.#settled, last] : this.#settled.slice();
  }
}

/** The blocks of a whole text. */
export function parsed(text) {
  const whole = new Markdown();
  whole.push(text);
  return whole.blocks(true);
}
