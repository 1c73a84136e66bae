/* Copying text, also where the page is served without TLS and the browser lends no clipboard.
 *
 * Does not know: what is copied.
 */

import { make } from "./dom.js";

const SAID_MS = 1_600;

/** Copy, and say so on the button for a moment. */
export async function copyText(text, button) {
  const before = button.textContent;
  const copied = await written(text, button);
  button.textContent = copied ? "Copied" : "Not copied";
  setTimeout(() => (button.textContent = before), SAID_MS);
}

async function written(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    button.focus();
    return copied;
  }
}
