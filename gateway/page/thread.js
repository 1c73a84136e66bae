/* The conversation that is open: its messages, the answer that is being written, sending the next message.
 *
 * Invariant: at most one answer is followed; what comes back late for a conversation that was left changes nothing.
 * Does not know: the list of conversations, the text field.
 */

import { keptAnswer, newAnswer, textOf } from "./answer.js";
import { AnswerView } from "./answer_view.js";
import { Lost, createConversation, isPassing, readConversation, readJob, sendMessage } from "./api.js";
import { copyText } from "./clipboard.js";
import { byId, make } from "./dom.js";
import { untilAgain } from "./follow.js";
import { withKey } from "./key_dialog.js";
import { Running, measure } from "./running.js";
import { SNIPPETS } from "./snippets.js";

const TITLE_CHARACTERS = 80;
const GONE = new Error("The answer is no longer here.");

export class Thread {
  #messages = [];
  #turn = new AbortController(); // aborted as soon as the conversation is left
  #giveUp = new AbortController();
  #opening = Promise.resolve();
  #reopened = "";

  /** `hears` has changed(): something about this conversation or its running is new; drawn(); troubled(error), with null
   * once it is over; and reopen(id), which opens a conversation again, whatever comes of it. */
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

  /** Show a conversation, and follow the answer that is being written in it. Throws what the server says against it;
   * while it cannot be had for the moment, asks again.
   *
   * The one that is open already stands until there is something new to show. */
  open(id) {
    const turn = this.#leave();
    if (id !== this.id) {
      this.#clear();
      Object.assign(this, { id, title: "", assistant: "" });
    }
    const opening = this.#load(id, turn);
    this.#opening = opening.catch(() => undefined);
    return opening;
  }

  /** Ask. Answers the conversation's id once the message is there, null if it was given up before. Throws what the server
   * says against it. Then, too, it stands here no more. */
  async send(text, choice) {
    const [turn, giveUp] = [this.#turn.signal, new AbortController()];
    const question = questionOf(text);
    byId("thread").append(question);
    this.#giveUp = giveUp;
    this.sending = true;
    this.hears.changed();
    let id = null;
    try {
      await either(this.#opening, giveUp.signal);
      if (!turn.aborted && !giveUp.signal.aborted && !this.running) id = await this.#ask(question, choice, turn, giveUp.signal);
    } catch (error) {
      if (!giveUp.signal.aborted || !(error instanceof Lost)) throw error;
      if (!turn.aborted && this.id) this.hears.reopen(this.id); // it may have arrived
    } finally {
      if (id === null) question.remove();
      if (!turn.aborted) this.sending = false;
      this.hears.changed();
    }
    return id;
  }

  /** End the answer that is being written, or give up the message that is not sent yet. */
  async stop() {
    if (this.running) await this.running.stop();
    else if (this.sending) this.#giveUp.abort();
  }

  #leave() {
    this.running?.leave();
    this.running = null;
    this.sending = false;
    this.#turn.abort();
    this.#turn = new AbortController();
    return this.#turn.signal;
  }

  async #load(id, turn) {
    const found = await this.#read(id, turn);
    if (turn.aborted) return;
    if (found.running || found.messages.length !== this.#messages.length) this.#show(found);
    if (found.running) this.#follow(found.running.job_id, this.#addAnswer(newAnswer()));
    this.hears.changed();
  }

  async #read(id, turn) {
    for (let tries = 0; !turn.aborted; tries += 1) {
      try {
        const found = await withKey(() => readConversation(id));
        if (tries && !turn.aborted) this.hears.troubled(null);
        return found;
      } catch (error) {
        if (turn.aborted) return null;
        if (!isPassing(error)) throw error;
        this.hears.troubled(error);
        await untilAgain(tries, turn);
      }
    }
    return null;
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
    const view = this.#addAnswer(answer, message.job_id);
    this.#messages.push({ role: "assistant", content: textOf(answer) });
    if (isLast && message.job_id) measure(answer, message.job_id).then(() => view.changed());
  }

  #addQuestion(text, question = questionOf(text)) {
    this.#messages.push({ role: "user", content: text });
    byId("thread").append(question);
  }

  #addAnswer(answer, jobId = null) {
    const asked = this.#messages.slice();
    const model = async () => view.answer.model || (jobId && (await readJob(jobId).catch(() => null))?.model);
    const programs = SNIPPETS.map(({ name, of }) =>
      copyButton(name, async () => of({ model: await model(), assistant: this.assistant, messages: asked })),
    );
    const view = new AnswerView(answer, [make("span", {}, "Copy as"), copyButton("text", () => textOf(view.answer)), ...programs]);
    view.onDrawn = () => this.hears.drawn();
    byId("thread").append(view.element);
    this.hears.drawn();
    return view;
  }

  /* What this conversation shows is touched only while it is the one that is open. */
  async #ask(question, { assistant, model }, turn, giveUp) {
    const text = question.textContent;
    this.#addQuestion(text, question);
    const view = this.#addAnswer(newAnswer(Date.now()));
    let jobId = null;
    try {
      const id = this.id ?? (await this.#create(text, assistant, turn, giveUp));
      jobId = await this.#submit(id, { message: text, ...(model && { model }) }, view, giveUp);
      if (!turn.aborted) this.#follow(jobId, view);
      else if (id === this.id && !this.running && !this.sending) this.hears.reopen(id);
      return id;
    } finally {
      if (jobId === null && !turn.aborted) {
        this.#messages.pop();
        view.element.remove();
      }
    }
  }

  async #create(text, assistant, turn, giveUp) {
    const title = text.replace(/\s+/g, " ").trim().slice(0, TITLE_CHARACTERS);
    const made = await withKey(() => createConversation({ title, ...(assistant && { assistant }) }, giveUp));
    if (!turn.aborted) {
      Object.assign(this, { id: made.id, title: made.title ?? title, assistant: made.assistant ?? "" });
      this.hears.changed();
    }
    return made.id;
  }

  /* A message whose answer was lost on the way may have arrived, so what is sent again is the same message. */
  async #submit(id, fields, view, giveUp) {
    const once = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
    for (let tries = 0; ; tries += 1) {
      try {
        const job = await withKey(() => sendMessage(id, fields, once, giveUp));
        view.sent = true;
        return job.id;
      } catch (error) {
        if (!(error instanceof Lost) || giveUp.aborted) throw error;
        view.sent = false;
        view.changed();
        await untilAgain(tries, giveUp);
      }
    }
  }

  async #follow(jobId, view) {
    this.running?.leave();
    const running = new Running(jobId, view);
    this.running = running;
    this.hears.changed();
    const [shown, wrong] = await running.ended.then((isShown) => [isShown, null], (error) => [false, error]);
    if (this.running !== running) return;
    this.running = null;
    if (shown) this.#messages.push({ role: "assistant", content: textOf(view.answer) });
    else if ((wrong && wrong.status !== 404) || this.#reopened === jobId) view.fail(wrong ?? GONE);
    else {
      this.#reopened = jobId; // the events are gone; the conversation has the answer
      await this.hears.reopen(this.id);
    }
    this.hears.changed(true);
  }
}

const questionOf = (text) => make("div", { class: "question", role: "article", "aria-label": "Your message" }, text);
const plain = (content) => (typeof content === "string" ? content : content.map((block) => block.text ?? "").join(""));

/* Until the promise is settled or the signal says stop. */
function either(promise, signal) {
  return Promise.race([promise, new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))]);
}

function copyButton(name, text) {
  const onclick = async ({ currentTarget }) => copyText(await text(), currentTarget);
  return make("button", { type: "button", class: "quiet", "aria-label": `Copy as ${name}`, onclick }, name);
}
