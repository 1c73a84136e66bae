/* Following a job to its end, whatever happens to the network in between.
 *
 * Invariant: `take` gets each event once, in order; the position moves with it, in the same step. Returns after the
 * ending and never before, unless the signal says stop or the server refuses for good.
 * Does not know: what the events say, the document.
 */

import { isPassing, openEvents } from "./api.js";

const SILENCE_MS = 30_000; // the server says something at least every 10 s
const WAITS_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

/**
 * `job` is {id, lastEventId}; its position is moved as events are taken. `hears` has take(event), restart() (the
 * position was lost: all events come again), connected() and disconnected(). Throws `Refused` for a status that waiting does not change.
 */
export async function follow(job, hears, signal) {
  for (let tries = 0; !signal.aborted; ) {
    const taken = await oneConnection(job, hears, signal);
    if (taken === ENDED || signal.aborted) return;
    tries = taken ? 0 : tries + 1;
    hears.disconnected();
    await untilAgain(tries, signal);
  }
}

const ENDED = Symbol("the ending was taken");

/* How many events one connection brought, or ENDED. */
async function oneConnection(job, hears, signal) {
  const watch = watchdog(signal);
  let taken = 0;
  try {
    const events = await openEvents(job.id, job.lastEventId, watch.signal);
    if (events === null) return ENDED;
    hears.connected();
    for await (const event of events) {
      watch.feed();
      if (event.name === "error" && !event.id) return troubled(job, hears, event) ?? taken;
      if (event.id) job.lastEventId = event.id;
      hears.take(event);
      taken += 1;
      if (event.name === "message_stop" || event.name === "error") return ENDED;
    }
  } catch (error) {
    if (!(isPassing(error) || watch.signal.aborted || error instanceof TypeError)) throw error;
  } finally {
    watch.stop();
  }
  return taken;
}

/* An error that is no frame of the job: the position is lost, or the server cannot read for the moment. */
function troubled(job, hears, event) {
  if (JSON.parse(event.data).error?.details?.error_code !== "stream_lost") return null;
  if (!job.lastEventId) {
    hears.take(event);
    return ENDED;
  }
  job.lastEventId = "";
  hears.restart();
  return null;
}

function watchdog(signal) {
  const silence = new AbortController();
  let timer = 0;
  const feed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  feed();
  return { feed, stop: () => clearTimeout(timer), signal: AbortSignal.any([signal, silence.signal]) };
}

/** Wait until it is time to try again after so many tries in vain; longer each time, until the signal says stop. */
export function untilAgain(tries, signal) {
  return pause(WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] * (0.75 + Math.random() / 2), signal);
}

/* Ends early when the network comes back. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
