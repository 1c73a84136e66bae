/**
 * An `EventSource` as a page would use it, whose connections break off now and then: `node ask.mjs <url> <cuts>`.
 *
 * Invariant: it never closes by itself; only a 204 ends it. Prints, as one line of JSON, what `onmessage` was handed,
 * the id that each connection brought, and what closed it.
 * Does not know: what it asks.
 */

import { EventSource } from "eventsource";

const CUT_BYTES = 400;
const LIMIT_MS = 30_000;
const [url, cuts] = [process.argv[2], Number(process.argv[3])];
const heard = [];
const ids = [];

const source = new EventSource(url, { fetch: cutting });
source.onmessage = ({ data }) => heard.push(data);
source.addEventListener("error", ({ code }) => {
  if (source.readyState !== EventSource.CLOSED) return;
  console.log(JSON.stringify({ heard, ids, code }));
  process.exit(0);
});
setTimeout(() => {
  console.error(`not closed in time, after ${ids.length} connections and ${heard.length} messages`);
  process.exit(1);
}, LIMIT_MS);

async function cutting(address, init) {
  const last = init.headers["Last-Event-ID"] ?? null;
  ids.push(last);
  const leaving = new AbortController();
  const response = await fetch(address, { ...init, signal: AbortSignal.any([init.signal, leaving.signal]) });
  if (response.status !== 200 || ids.length > cuts) return response;
  return new Response(response.body.pipeThrough(cut(leaving)), response);
}

/** Lets so many bytes through, and then really leaves. */
function cut(leaving) {
  let left = CUT_BYTES;
  return new TransformStream({
    transform: (bytes, controller) => {
      controller.enqueue(bytes.subarray(0, left));
      left -= bytes.length;
      if (left > 0) return;
      leaving.abort();
      controller.terminate();
    },
  });
}
