/* The conversation that is open: its messages, the answer that is being written, sending the next message.
 *
 * Invariant: at most one answer is followed; what comes back late for a conversation that was left changes nothing.
 * Does not know: the list of conversations, the text field.
 */

import { keptAnswer, newAnswer, textOf } from "./answer.js";
import { AnswerView } from "./answer_view.js";
import { Lost, createConversation, readConversation, sendMessage } from "./api.js";
import { copyText } from "./clipboard.js";
import { byId, make } from "./dom.js";
import { withKey } from "./key_dialog.js";
import { Running, measure } from "./running.js";
import { SNIPPETS } from "./snippets.js";

const TITLE_CHARACTERS = 80;
const AGAIN_MS = 1_500;

export class Thread {
  #messages = [];
  #turn = 0;

  /** `hears` has changed(): something about this conversation or its running is new; and drawn(). */
  constructor(hears) {
    this.hears = hears;
    Object.assign(this, { id: null, title: "", assistant: "", running: null, sending: false });
  }

  /** Begin a new conversation. */
  blank() {
    this.#leave();
    this.#clear();
    Object.assign(this, { id: null, title: "", assistant: "" });
    this.hears.changed();
  }

  /** Show a conversation, and follow the answer that is being written in it. Throws what the server says against it.
   *
   * The one that is open already stands until there is something new to show. */
  async open(id) {
    const turn = this.#leave();
    if (id !== this.id) {
      this.#clear();
      Object.assign(this, { id, title: "", assistant: "" });
    }
    const found = await withKey(() => readConversation(id));
    if (turn !== this.#turn) return;
    if (found.running || found.messages.length !== this.#messages.length) this.#show(found);
    if (found.running) this.#follow(found.running.job_id, this.#addAnswer(newAnswer()));
    this.hears.changed();
  }

  /** Ask. Throws what the server says against it; then nothing has changed. */
  async send(text, { assistant, model }) {
    const turn = this.#turn;
    this.sending = true;
    const question = this.#addQuestion(text);
    const view = this.#addAnswer(newAnswer(Date.now()));
    this.hears.changed();
    try {
      if (!this.id) await this.#create(text, assistant);
      const jobId = await this.#submit(this.id, { message: text, ...(model && { model }) }, view);
      if (turn === this.#turn) this.#follow(jobId, view);
    } catch (error) {
      this.#messages.pop();
      question.remove();
      view.element.remove();
      throw error;
    } finally {
      this.sending = false;
      this.hears.changed();
    }
  }

  /** End the answer that is being written. */
  stop() {
    return this.running?.stop();
  }

  #leave() {
    this.running?.leave();
    this.running = null;
    this.sending = false;
    return ++this.#turn;
  }

  #clear() {
    this.#messages = [];
    byId("thread").replaceChildren();
  }

  #show(found) {
    Object.assign(this, { title: found.title ?? "", assistant: found.assistant ?? "" });
    this.#clear();
    found.messages.forEach((message, index) => {
      if (message.role === "user") this.#addQuestion(plain(message.content));
      else this.#addKept(message, index === found.messages.length - 1);
    });
  }

  #addKept(message, isLast) {
    const answer = keptAnswer(message);
    const view = this.#addAnswer(answer);
    this.#messages.push({ role: "assistant", content: textOf(answer) });
    if (isLast && message.job_id) measure(answer, message.job_id).then(() => view.changed());
  }

  #addQuestion(text) {
    this.#messages.push({ role: "user", content: text });
    const question = make("div", { class: "question", role: "article", "aria-label": "Your message" }, text);
    byId("thread").append(question);
    return question;
  }

  #addAnswer(answer) {
    const asked = this.#messages.slice();
    const programs = SNIPPETS.map(({ name, of }) =>
      copyButton(name, () => of({ model: view.answer.model, assistant: this.assistant, messages: asked })),
    );
    const view = new AnswerView(answer, [make("span", {}, "Copy as"), copyButton("text", () => textOf(view.answer)), ...programs]);
    view.onDrawn = () => this.hears.drawn();
    byId("thread").append(view.element);
    this.hears.drawn();
    return view;
  }

  async #create(text, assistant) {
    const title = text.replace(/\s+/g, " ").trim().slice(0, TITLE_CHARACTERS);
    const made = await withKey(() => createConversation({ title, ...(assistant && { assistant }) }));
    Object.assign(this, { id: made.id, title: made.title ?? title, assistant: made.assistant ?? "" });
    this.hears.changed();
  }

  /* A message whose answer was lost on the way may have arrived, so what is sent again is the same message. */
  async #submit(id, fields, view) {
    const once = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
    for (;;) {
      try {
        const job = await withKey(() => sendMessage(id, fields, once));
        view.connected = true;
        return job.id;
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        view.connected = false;
        view.changed();
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  async #follow(jobId, view) {
    const running = new Running(jobId, view);
    this.running = running;
    this.hears.changed();
    try {
      const shown = await running.ended;
      if (this.running !== running) return;
      this.running = null;
      if (shown) this.#messages.push({ role: "assistant", content: textOf(view.answer) });
      else await this.open(this.id);
    } catch (error) {
      if (this.running !== running) return;
      this.running = null;
      view.answer.state = "interrupted";
      view.answer.error = { message: error.message, requestId: error.requestId ?? "", code: error.code ?? "" };
      view.draw();
    }
    this.hears.changed(true);
  }
}

function copyButton(name, text) {
  const onclick = ({ currentTarget }) => copyText(text(), currentTarget);
  return make("button", { type: "button", class: "quiet", "aria-label": `Copy as ${name}`, onclick }, name);
}

const plain = (content) => (typeof content === "string" ? content : content.map((block) => block.text ?? "").join(""));
