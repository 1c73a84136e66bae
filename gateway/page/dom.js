/* Making elements: text is only ever text.
 *
 * Invariant: no markup is parsed anywhere in the page.
 * Does not know: what the elements are for.
 */

/** A new element: `make("button", { class: "quiet", onclick }, "Copy")`. False, null and undefined leave an attribute out. */
export function make(tag, attrs = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);
