/* What a screen reader is told while an answer grows: whole blocks, not words, and never more often than it can speak.
 *
 * Does not know: what an answer is.
 */

import { byId, make } from "./dom.js";

const EVERY_MS = 1_500;

let waiting = [];
let timer = 0;

/** Say a text soon; several become one. */
export function announce(text) {
  if (!text.trim()) return;
  waiting.push(text);
  timer ||= setTimeout(speak, EVERY_MS);
}

function speak() {
  timer = 0;
  byId("announcements").replaceChildren(...waiting.map((text) => make("p", {}, text)));
  waiting = [];
}
