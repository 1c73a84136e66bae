/* The text field, and its draft, which outlives a reload.
 *
 * Invariant: what was written is in the field, with the server, or on its way there; and while it is not with the server
 * a reload brings it back into the field.
 * Does not know: conversations, the network.
 */

import { byId } from "./dom.js";
import { put, tabStore } from "./storage.js";

const DRAFT = "sluice:draft";
let onTheWay = [];

/** Begin with what was there before a reload. */
export function openField() {
  byId("message").addEventListener("input", kept);
  byId("message").value = tabStore.getItem(DRAFT) ?? "";
  kept();
}

/** Take the text out, to send it; "" if there is none. */
export function takeText() {
  const text = byId("message").value.trim();
  if (!text) return "";
  onTheWay.push(text);
  byId("message").value = "";
  kept();
  return text;
}

/** A text that was taken is with the server, or else it comes back, before what has been written since. */
export function settleText(text, isSent) {
  onTheWay.splice(onTheWay.indexOf(text), 1);
  const field = byId("message");
  if (!isSent) field.value = joined([text, field.value]);
  kept();
}

const joined = (texts) => texts.filter(Boolean).join("\n\n");

function kept() {
  const field = byId("message");
  put(DRAFT, joined([...onTheWay, field.value]));
  fit(field);
}

/* For browsers that do not size a field by its content. */
function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
