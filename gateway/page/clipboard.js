/* Copying text, also where the page is served without TLS and the browser lends no clipboard.
 *
 * Does not know: what is copied.
 */

import { announce } from "./announcer.js";
import { make } from "./dom.js";

const SAID_MS = 1_600;

const saying = new WeakMap(); // a button that says so: what stood there, and the timer that brings it back

/** Copy, and say so on the button for a moment. */
export async function copyText(text, button) {
  const copied = await written(text, button);
  const { before, timer } = saying.get(button) ?? { before: button.textContent };
  clearTimeout(timer);
  button.textContent = copied ? "Copied" : "Not copied";
  announce(button.textContent); // a button's name stays what it was
  const back = () => {
    button.textContent = before;
    saying.delete(button);
  };
  saying.set(button, { before, timer: setTimeout(back, SAID_MS) });
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
