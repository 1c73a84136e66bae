/* The list of conversations, and the drawer that holds it on narrow screens.
 *
 * Does not know: the conversation that is open, but for its id.
 */

import { listConversations, removeConversation } from "./api.js";
import { byId, make } from "./dom.js";
import { withKey } from "./key_dialog.js";

let next = null;

/** Show the list, newest first, with `current` marked. `removed(id)` is called after one was removed. */
export async function showList(current, removed) {
  const { data, next_page: page } = await withKey(() => listConversations());
  next = page;
  byId("conversations").replaceChildren(...data.map((one) => entry(one, removed)));
  byId("more").hidden = !next;
  byId("more").onclick = () => showMore(current, removed);
  mark(current);
}

/** Mark the conversation that is open. */
export function mark(current) {
  for (const link of byId("conversations").querySelectorAll("a")) {
    if (link.hash === `#${current}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function showMore(current, removed) {
  const { data, next_page: page } = await withKey(() => listConversations(next));
  next = page;
  byId("conversations").append(...data.map((one) => entry(one, removed)));
  byId("more").hidden = !next;
  mark(current);
}

function entry({ id, title }, removed) {
  const name = title || "Untitled";
  const remove = async () => {
    if (!confirm(`Remove “${name}” with all its messages?`)) return;
    await withKey(() => removeConversation(id));
    removed(id);
  };
  const link = make("a", { href: `#${id}`, title: name, onclick: () => toggleDrawer(false) }, name);
  return make("li", {}, link, make("button", { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: remove }, "Remove"));
}

/** Open or close the drawer. Where there is room the list always stands there, and nothing happens. */
export function toggleDrawer(open) {
  const [side, menu] = [byId("side"), byId("menu")];
  if (side.classList.contains("open") === open) return;
  side.classList.toggle("open", open);
  byId("veil").hidden = !open;
  menu.setAttribute("aria-expanded", String(open));
  document.querySelector("main").inert = open;
  (open ? byId("new") : menu).focus();
}
