/* The key that the server may want: kept for this tab, or on this device if the person says so.
 *
 * Does not know: addresses, when a key is asked for.
 */

import { deviceStore, put, tabStore } from "./storage.js";

const NAME = "sluice:key";

/** The key, or null. */
export function readKey() {
  return tabStore.getItem(NAME) ?? deviceStore.getItem(NAME);
}

/** Keep a key; one of an empty text is forgotten. */
export function keepKey(key, onDevice) {
  tabStore.removeItem(NAME);
  deviceStore.removeItem(NAME);
  if (key) put(NAME, key, onDevice ? deviceStore : tabStore);
}

/** Whether the key is kept on this device. */
export function isOnDevice() {
  return deviceStore.getItem(NAME) !== null;
}

/** Whether a text can be a key at all: it has to fit a header. */
export function canBeKey(text) {
  return /^[\x21-\x7e]{1,512}$/.test(text);
}
