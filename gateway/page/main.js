/* The page: the open conversation, the list, the text field, and what the keyboard does.
 *
 * Invariant: the address names the open conversation, so a reload or a second tab opens the same one.
 * Does not know: how answers arrive.
 */

import { Refused, listAssistants, listModels } from "./api.js";
import { byId, make } from "./dom.js";
import { askForKey, withKey } from "./key_dialog.js";
import { openField, settleText, takeText } from "./field.js";
import { mark, showList, toggleDrawer } from "./side.js";
import { deviceStore, put } from "./storage.js";
import { Thread } from "./thread.js";

const NEAR_PX = 90;
const MODEL = "sluice:model";
const tabs = new BroadcastChannel("sluice");
const thread = new Thread({ changed, drawn, troubled: tell, reopen: open });
let pinned = true;

function changed(isNews = false) {
  const busy = Boolean(thread?.running) || Boolean(thread?.sending);
  exchange(byId(busy ? "send" : "stop"), byId(busy ? "stop" : "send"));
  byId("empty").hidden = byId("thread").childElementCount > 0 || Boolean(thread?.id);
  byId("title").textContent = thread?.title || "New conversation";
  document.title = thread?.title ? `${thread.title} · Sluice` : "Sluice";
  chooseWhom();
  if (thread?.id && location.hash !== `#${thread.id}`) history.pushState(null, "", `#${thread.id}`);
  if (isNews) news(thread.id);
}

/* Show one button in the place of another; where the person was they stay. */
function exchange(before, after) {
  const isThere = document.activeElement === before;
  after.hidden = false;
  if (isThere) after.focus();
  before.hidden = true;
}

/* The other tabs learn that there is something new in a conversation, and so does the list here. */
function news(id) {
  tabs.postMessage(id);
  refresh();
}

function refresh() {
  return showList(thread.id, { removed, tell }).catch(tell);
}

function removed(id) {
  if (thread.id === id) begin();
  news(id);
}

/* An assistant is chosen with the first message, and has a model of its own. */
function chooseWhom() {
  const assistant = byId("assistant");
  if (thread?.id) assistant.value = thread.assistant;
  assistant.disabled = Boolean(thread?.id);
  assistant.hidden = assistant.options.length < 2 || Boolean(thread?.id && !thread.assistant);
  byId("model").hidden = Boolean(assistant.value);
}

/* Errors of the server, as the person sees them. */
function tell(error) {
  const request = error instanceof Refused && error.requestId ? ` (request ${error.requestId})` : "";
  byId("alert").textContent = error ? `${error.message}${request}` : "";
}

async function route() {
  const id = location.hash.slice(1);
  tell(null);
  if (!id) return thread.blank();
  if (id === thread.id) return undefined;
  pinned = true;
  return open(id);
}

async function open(id) {
  try {
    await thread.open(id);
  } catch (error) {
    if (error.status === 404) begin();
    tell(error);
  }
  mark(thread.id);
}

function begin() {
  history.pushState(null, "", location.pathname);
  tell(null);
  thread.blank();
  mark(null);
  toggleDrawer(false);
  byId("message").focus();
}

async function send() {
  if (thread.running || thread.sending) return;
  const text = takeText();
  if (!text) return;
  tell(null);
  pinned = true;
  const choice = { assistant: byId("assistant").value, model: byId("model").hidden ? "" : byId("model").value };
  let id = null;
  try {
    id = await thread.send(text, choice);
    if (id) news(id);
  } catch (error) {
    if (thread.id) refresh();
    tell(error);
  } finally {
    settleText(text, id !== null);
  }
}

function drawn() {
  const area = byId("scroll");
  if (pinned) area.scrollTop = area.scrollHeight;
  byId("latest").hidden = pinned;
}

function scrolled() {
  const area = byId("scroll");
  pinned = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_PX;
  byId("latest").hidden = pinned;
}

function stop() {
  thread.stop().catch(tell);
}

function keyed(event) {
  if (event.isComposing) return; // Escape then ends what is being composed
  if (event.key === "Escape" && byId("side").classList.contains("open")) toggleDrawer(false);
  else if (event.key === "Escape" && !byId("key-dialog").open) stop();
}

async function offerChoices() {
  const [assistants, models] = await Promise.all([withKey(listAssistants).catch(() => []), listModels().catch(() => [])]);
  byId("assistant").append(...assistants.map(({ name, title }) => make("option", { value: name }, title || name)));
  byId("model").append(...models.map(({ id, display_name: name }) => make("option", { value: id }, name || id)));
  byId("model").value = deviceStore.getItem(MODEL) ?? "";
  if (byId("model").selectedIndex < 0) byId("model").value = "";
  changed();
}

function listen() {
  const on = (id, name, does) => byId(id).addEventListener(name, does);
  on("composer", "submit", (event) => (event.preventDefault(), send()));
  on("message", "keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  on("stop", "click", stop);
  on("skip", "click", (event) => (event.preventDefault(), byId("message").focus())); // the address names a conversation
  on("new", "click", begin);
  on("menu", "click", () => toggleDrawer(true));
  on("veil", "click", () => toggleDrawer(false));
  on("latest", "click", () => ((pinned = true), drawn(), byId("message").focus()));
  on("scroll", "scroll", scrolled);
  on("assistant", "change", chooseWhom);
  on("model", "change", ({ target }) => put(MODEL, target.value, deviceStore));
  on("key-open", "click", async () => (await askForKey()) && location.reload());
  on("theme", "change", ({ target }) => {
    put("sluice:theme", target.value, deviceStore);
    document.documentElement.dataset.theme = target.value;
  });
  addEventListener("keydown", keyed);
  addEventListener("hashchange", route);
  addEventListener("popstate", route);
  tabs.onmessage = ({ data }) => {
    refresh();
    if (data && data === thread.id && !thread.running && !thread.sending) open(data);
  };
}

byId("theme").value = document.documentElement.dataset.theme;
openField();
listen();
changed();
await route();
refresh();
offerChoices();
if (matchMedia("(min-width: 52rem)").matches) byId("message").focus();
