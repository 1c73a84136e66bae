/* What the browser keeps for this tab and for this device; where it refuses to, what this page keeps while it is open.
 *
 * Invariant: nothing here throws, whatever the browser allows and whatever room there is.
 * Does not know: what is kept.
 */

export const tabStore = lent("sessionStorage");
export const deviceStore = lent("localStorage");

/** Keep a word; without room none is kept, not even the one before. */
export function put(name, value, store = tabStore) {
  try {
    store.setItem(name, value);
  } catch {
    store.removeItem(name);
  }
}

/** The names of what is kept. */
export function names(store) {
  return Array.from({ length: store.length }, (_, at) => store.key(at));
}

function lent(name) {
  try {
    return globalThis[name] ?? inMemory();
  } catch {
    return inMemory(); // the person keeps sites from storing anything
  }
}

function inMemory() {
  const words = new Map();
  return {
    getItem: (name) => words.get(name) ?? null,
    setItem: (name, value) => words.set(name, value),
    removeItem: (name) => words.delete(name),
    key: (at) => [...words.keys()][at],
    get length() {
      return words.size;
    },
  };
}
