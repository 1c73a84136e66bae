/* What outlives a reload of an answer: how far it has come.
 *
 * Invariant: an answer and its position are kept and found together. Without room nothing is kept, and nothing breaks:
 * the events are then read from the start.
 * Does not know: the network, the document.
 */

import { names, put, tabStore } from "./storage.js";

const ANSWER = "sluice:answer:";

/** Keep an answer that still grows; only one is kept. */
export function keepAnswer(job, answer) {
  forgetAnswers();
  put(ANSWER + job.id, JSON.stringify({ lastEventId: job.lastEventId, answer }));
}

/** {lastEventId, answer} of a job, or null. */
export function keptAnswerOf(jobId) {
  return JSON.parse(tabStore.getItem(ANSWER + jobId) ?? "null");
}

/** No answer is growing any more. */
export function forgetAnswers() {
  for (const name of names(tabStore)) if (name.startsWith(ANSWER)) tabStore.removeItem(name);
}
