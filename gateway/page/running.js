/* One answer that is being written: the job behind it, followed to its end and shown.
 *
 * Invariant: answer and position are changed in one step and kept together, so a reload goes on where this one was.
 * Does not know: conversations.
 */

import { announce } from "./announcer.js";
import { hasEnded, newAnswer, take } from "./answer.js";
import { cancelJob, readJob } from "./api.js";
import { follow } from "./follow.js";
import { withKey } from "./key_dialog.js";
import { forgetAnswers, keepAnswer, keptAnswerOf } from "./shelf.js";

const KEEP_MS = 400;
const SPEAK_MS = 1_000;
const LOOK_MS = 2_500;
const FIRST_LOOK_MS = 700;

export class Running {
  #left = new AbortController();
  #keeping = 0;

  /** Follows at once. `view` shows it; an answer of this job that the tab has kept is gone on with. */
  constructor(jobId, view) {
    const kept = keptAnswerOf(jobId);
    this.job = { id: jobId, lastEventId: kept?.lastEventId ?? "" };
    this.view = view;
    if (kept) view.restart(kept.answer);
    this.ended = this.#run();
  }

  /** Stop showing it; the job goes on. */
  leave() {
    this.#left.abort();
  }

  /** End the job. Its ending then comes like any other. */
  stop() {
    return withKey(() => cancelJob(this.job.id));
  }

  /* Answers whether the ending was shown; else it was left, or the server has nothing more to say of it. */
  async #run() {
    const { signal } = this.#left;
    const keep = () => this.#keep();
    addEventListener("pagehide", keep);
    const speaking = setInterval(() => this.view.speak(false), SPEAK_MS);
    const looking = setTimeout(() => this.#look(), FIRST_LOOK_MS);
    try {
      await withKey(() => follow(this.job, this.#hears(), signal));
      if (signal.aborted) return false;
      if (hasEnded(this.view.answer)) await this.#finish();
      return hasEnded(this.view.answer);
    } finally {
      removeEventListener("pagehide", keep);
      clearInterval(speaking);
      clearTimeout(looking);
      clearTimeout(this.#keeping);
    }
  }

  #hears() {
    const { view } = this;
    const connected = (now) => {
      if (view.connected === now) return;
      view.connected = now;
      view.changed();
    };
    return {
      take: (event) => {
        take(view.answer, event, Date.now());
        this.#keeping ||= setTimeout(() => this.#keep(), KEEP_MS);
        view.changed();
      },
      restart: () => view.restart(newAnswer()),
      connected: () => connected(true),
      disconnected: () => connected(false),
    };
  }

  #keep() {
    clearTimeout(this.#keeping);
    this.#keeping = 0;
    if (!hasEnded(this.view.answer)) keepAnswer(this.job, this.view.answer);
  }

  /* While nothing comes, the job itself says where in the queue it is. */
  async #look() {
    const { answer } = this.view;
    if (this.#left.signal.aborted || answer.state !== "waiting") return;
    const seen = await readJob(this.job.id).catch(() => null);
    if (seen && answer.state === "waiting") {
      answer.queue = seen.state === "queued" ? seen.queue_position : null;
      if (seen.state === "running") answer.state = "asked";
      this.view.changed();
    }
    setTimeout(() => this.#look(), LOOK_MS);
  }

  async #finish() {
    forgetAnswers();
    const { answer } = this.view;
    if (answer.sentAt === null) await measure(answer, this.job.id);
    this.view.draw();
    this.view.speak(true);
    announce(answer.state === "complete" ? "The answer is complete." : "The answer has ended early.");
  }
}

/** Take the figures of an answer that was not watched from its beginning from the job. */
export async function measure(answer, jobId) {
  const job = await readJob(jobId).catch(() => null);
  if (!job?.created_at) return;
  answer.sentAt = Date.parse(job.created_at);
  answer.firstAt = job.first_content_at && Date.parse(job.first_content_at);
  answer.lastAt = job.ended_at && Date.parse(job.ended_at);
  answer.usage = job.message?.usage ?? answer.usage;
  answer.model ||= job.model;
}
