/* Asking the person for the server's key.
 *
 * Invariant: one dialog at a time; those who ask while it is open get the same answer.
 * Does not know: what the key is needed for.
 */

import { Refused } from "./api.js";
import { byId } from "./dom.js";
import { canBeKey, isOnDevice, keepKey, readKey } from "./key.js";

let asking = null;

/** What `call` answers; the person is asked for a key as often as the server refuses the one there is. */
export async function withKey(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
      const changed = await askForKey(readKey() ? "This key is not known here." : "");
      if (!changed) throw error;
    }
  }
}

/** Whether the person has given a key, or taken one away. */
export function askForKey(problem = "") {
  asking ??= new Promise((resolve) => open(problem, resolve)).finally(() => (asking = null));
  return asking;
}

function open(problem, resolve) {
  const dialog = byId("key-dialog");
  byId("key").value = readKey() ?? "";
  byId("key-device").checked = isOnDevice();
  byId("key-problem").textContent = problem;
  let given = false;
  byId("key-form").onsubmit = (event) => {
    event.preventDefault();
    const key = byId("key").value.trim();
    if (key && !canBeKey(key)) {
      byId("key-problem").textContent = "A key has no spaces, and only letters, digits and signs of ASCII.";
      return;
    }
    keepKey(key, byId("key-device").checked);
    given = true;
    dialog.close();
  };
  byId("key-cancel").onclick = () => dialog.close();
  dialog.onclose = () => resolve(given);
  dialog.showModal();
  byId("key").select();
}
