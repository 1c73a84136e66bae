/* The list of conversations, and the drawer that holds it on narrow screens.
 *
 * Does not know: the conversation that is open, but for its id.
 */

import { listConversations, removeConversation } from "./api.js";
import { byId, make } from "./dom.js";
import { withKey } from "./key_dialog.js";

const shown = new Map(); // an entry of the list for each id
let pages = 1;
let asked = 0;

/** Show the list, newest first, as far as it is unfolded, with `current` marked. `hears` has removed(id), called after
 * one was removed, and tell(error). What stands there already stays: the focus with it. */
export async function showList(current, hears) {
  const turn = ++asked;
  const [found, next] = await read(pages);
  if (turn !== asked) return;
  keepingFocus(() => arrange(found.map((one) => entry(one, hears))));
  for (const id of shown.keys()) if (!found.some((one) => one.id === id)) shown.delete(id);
  byId("more").hidden = !next;
  byId("more").onclick = () => showMore(hears).catch(hears.tell);
  mark(current);
}

/** Mark the conversation that is open. */
export function mark(current) {
  for (const link of byId("conversations").querySelectorAll("a")) {
    if (link.hash === `#${current}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function read(most) {
  const found = new Map(); // what has news between two pages is on both
  let next = null;
  for (let page = 0; page < most && (page === 0 || next); page += 1) {
    const answer = await withKey(() => listConversations(next));
    for (const one of answer.data) if (!found.has(one.id)) found.set(one.id, one);
    next = answer.next_page;
  }
  return [[...found.values()], next];
}

async function showMore(hears) {
  const before = byId("conversations").childElementCount;
  pages += 1;
  try {
    await showList(location.hash.slice(1), hears);
  } catch (error) {
    pages -= 1;
    throw error;
  }
  if (byId("more").hidden) byId("conversations").children[before]?.querySelector("a").focus();
}

function arrange(entries) {
  const list = byId("conversations");
  for (const one of [...list.children]) if (!entries.includes(one)) one.remove();
  entries.forEach((one, at) => {
    if (list.children[at] !== one) list.insertBefore(one, list.children[at] ?? null);
  });
}

/* Where the entry with the focus was removed, the one in its place gets it. */
function keepingFocus(change) {
  const list = byId("conversations");
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const place = focused && [...list.children].indexOf(focused.closest("li"));
  change();
  if (!focused || document.activeElement === focused) return;
  const neighbour = list.children[Math.min(place, list.childElementCount - 1)]?.querySelector("a");
  (focused.isConnected ? focused : (neighbour ?? byId("new"))).focus();
}

function entry({ id, title }, hears) {
  const name = title || "Untitled";
  const one = shown.get(id) ?? newEntry(id, hears);
  shown.set(id, one);
  const [link, button] = one.children;
  if (link.textContent === name) return one;
  link.textContent = link.title = name;
  button.setAttribute("aria-label", `Remove ${name}`);
  return one;
}

function newEntry(id, hears) {
  const link = make("a", { href: `#${id}`, onclick: () => toggleDrawer(false) });
  const remove = async () => {
    if (!confirm(`Remove “${link.textContent}” with all its messages?`)) return;
    await withKey(() => removeConversation(id)).then(() => hears.removed(id), hears.tell);
  };
  return make("li", {}, link, make("button", { type: "button", class: "quiet", onclick: remove }, "Remove"));
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
