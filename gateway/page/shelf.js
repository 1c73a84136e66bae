/* What outlives a reload: how far the answer of a job has come, and what was being written.
 *
 * Invariant: an answer and its position are kept and found together. Without room nothing is kept, and nothing breaks:
 * the events are then read from the start.
 * Does not know: the network, the document.
 */

const ANSWER = "sluice:answer:";

/** Keep an answer that still grows; only one is kept. */
export function keepAnswer(job, answer) {
  forgetAnswers();
  put(ANSWER + job.id, JSON.stringify({ lastEventId: job.lastEventId, answer }));
}

/** {lastEventId, answer} of a job, or null. */
export function keptAnswerOf(jobId) {
  return JSON.parse(sessionStorage.getItem(ANSWER + jobId) ?? "null");
}

/** No answer is growing any more. */
export function forgetAnswers() {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(ANSWER)) sessionStorage.removeItem(name);
}

/** A word that this tab keeps. */
export function put(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    sessionStorage.removeItem(name);
  }
}
