/* One answer in the document: its blocks, what is going on, its figures.
 *
 * Invariant: drawn at most once a frame, whatever the pace of the events.
 * Does not know: the network.
 */

import { announce } from "./announcer.js";
import { figures, hasEnded } from "./answer.js";
import { make } from "./dom.js";
import { MarkdownView } from "./markdown_view.js";

export class AnswerView {
  #blocks = [];
  #drawing = 0;
  #read = 0;
  #said = "";

  /** `actions`: elements that stand beside the figures once the answer has ended. */
  constructor(answer, actions = []) {
    this.answer = answer;
    this.connected = true;
    this.sent = true;
    this.body = make("div", { class: "answer-body" });
    this.status = make("p", { class: "status" });
    this.notice = make("div", { class: "notice", role: "note", hidden: true });
    this.figures = make("p", { class: "figures" });
    this.actions = make("div", { class: "actions", hidden: true }, ...actions);
    const foot = make("footer", {}, this.figures, this.actions);
    this.element = make("article", { class: "answer", "aria-label": "Answer" }, this.body, this.status, this.notice, foot);
    this.draw();
  }

  /** Show another answer in its place, from nothing. */
  restart(answer) {
    this.answer = answer;
    this.#blocks = [];
    this.body.replaceChildren();
  }

  /** Draw with the next frame. */
  changed() {
    this.#drawing ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now. */
  draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    const ended = hasEnded(this.answer);
    this.answer.blocks.forEach((block, index) => block && this.#drawBlock(block, index));
    this.element.setAttribute("aria-busy", String(!ended));
    this.element.dataset.state = this.answer.state;
    this.#drawStatus(ended);
    this.#drawNotice();
    this.figures.textContent = figuresText(figures(this.answer));
    this.actions.hidden = !ended;
    this.onDrawn?.();
  }

  /** It ends here: the server says something against it. */
  fail({ message, requestId = "", code = "" }) {
    this.answer.state = "interrupted";
    this.answer.error = { message, requestId, code };
    this.draw();
    announce(this.notice.textContent);
  }

  /** Tell a screen reader what was read to its end since the last time. */
  speak(ended) {
    const shown = [...this.body.querySelectorAll(".markdown > *")];
    const settled = ended ? shown : shown.slice(0, -1);
    settled.slice(this.#read).forEach((block) => announce(spoken(block)));
    this.#read = Math.max(this.#read, settled.length);
  }

  #drawBlock(block, index) {
    const view = (this.#blocks[index] ??= viewOf(block));
    if (!view.element.isConnected || view.element.parentNode !== this.body) this.body.append(view.element);
    view.update(block);
  }

  #drawStatus(ended) {
    const text = ended ? "" : this.#troubleText() || statusText(this.answer);
    if (text === this.#said) return;
    this.#said = text;
    this.status.textContent = text;
    this.status.hidden = !text;
    if (!this.connected || this.answer.state === "waiting") announce(text);
  }

  #troubleText() {
    if (!this.sent) return "Not sent yet; trying again…";
    return this.connected ? "" : "Connection lost. The answer goes on; reconnecting…";
  }

  #drawNotice() {
    const text = noticeText(this.answer);
    this.notice.hidden = !text;
    if (this.notice.textContent !== text) this.notice.textContent = text;
  }
}

const spoken = (block) => (block.classList.contains("code") ? `Code. ${block.querySelector("code").textContent}` : block.textContent);

function statusText({ state, queue, blocks }) {
  if (state === "waiting" && queue !== null) return queue ? `Waiting in the queue, ${queue} ahead` : "Next in the queue";
  if (state === "waiting") return "Sending…";
  const last = blocks.at(-1);
  if (!last) return "Asked; waiting for the first word…";
  if (last.type === "thinking" && !last.closed) return "Thinking…";
  return last.type === "text" || last.closed ? "Writing…" : "Calling a tool…";
}

function noticeText({ state, error, stopReason }) {
  if (state === "stopped") return "You stopped this answer.";
  if (state === "interrupted") return interruption(error);
  if (stopReason === "max_tokens") return "This answer reached its limit of tokens.";
  if (stopReason === "refusal") return "The model declined to go on.";
  return "";
}

function interruption(error) {
  if (!error) return "This answer was interrupted.";
  return `This answer was interrupted: ${error.message}${error.requestId ? ` (request ${error.requestId})` : ""}`;
}

/** The figures as one line; empty before there are any. */
function figuresText({ firstMs, tokens, exact, perSecond }) {
  const parts = [];
  if (firstMs !== null) parts.push(`first word ${(firstMs / 1000).toFixed(firstMs < 9_950 ? 2 : 1)} s`);
  if (tokens !== null) parts.push(`${exact ? "" : "about "}${tokens.toLocaleString("en")} ${tokens === 1 ? "token" : "tokens"}`);
  if (perSecond !== null) parts.push(`${perSecond.toFixed(perSecond < 9.95 ? 1 : 0)} tokens/s`);
  return parts.join("  ·  ");
}

function viewOf(block) {
  if (block.type === "text") return new TextView();
  if (block.type === "thinking") return new FoldView("thinking", (one) => (one.closed ? "Thought about it" : "Thinking…"), (one) => one.thinking);
  if (block.type === "redacted_thinking") return new FoldView("thinking", () => "Thought about it, in private", () => "The model keeps this part of its thinking to itself.");
  if (block.name) return new FoldView("tool", (one) => `${one.closed ? "Called" : "Calling"} ${one.name}`, toolText);
  return new FoldView("tool", (one) => `Result: ${one.type.replaceAll("_", " ")}`, (one) => JSON.stringify(one.content ?? {}, null, 2));
}

const toolText = (block) => (block.closed ? JSON.stringify(block.input ?? {}, null, 2) : block.json);

class TextView {
  #markdown = new MarkdownView();

  constructor() {
    this.element = this.#markdown.element;
  }

  update({ text, closed }) {
    this.#markdown.update(text, closed);
  }
}

class FoldView {
  #summary = make("summary");
  #text = make("div", { class: "folded-text" });
  #title;
  #content;

  constructor(kind, title, content) {
    this.#title = title;
    this.#content = content;
    this.element = make("details", { class: `folded ${kind}` }, this.#summary, this.#text);
  }

  update(block) {
    const [title, text] = [this.#title(block), this.#content(block)];
    if (this.#summary.textContent !== title) this.#summary.textContent = title;
    if (this.#text.textContent !== text) this.#text.textContent = text;
  }
}
