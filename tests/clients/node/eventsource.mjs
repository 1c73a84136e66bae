/**
 * An EventSource that follows a detached job, loses its connection on the way, and resumes by itself.
 *
 * Invariant: only a 204 ends it, and a long answer was cut at least once; what it was handed twice is seen twice.
 * Does not know: positions. The EventSource keeps the last id, as a browser does. The API itself has no jobs; there the
 * stream of the plain call is what has to be seen.
 */

import { accumulate } from "./accumulate.mjs";
import { KEY, LIMIT_MS, drive } from "./driver.mjs";
import { Refused, call, events } from "./http.mjs";
import { EventSource } from "./packages.mjs";

const NAMES = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"];
const RETRY = new TextEncoder().encode("retry: 20\n\n");
const CUTS = 3;
const CUT_BYTES = 1_500;

async function stream(test, seen) {
  const body = { ...test.body, stream: true };
  const submitted = await call(test, "POST", "/v1/jobs", body).catch((error) => error);
  if (submitted.status !== 202) return accumulate(direct(test), seen);
  const { events_url: path } = await submitted.json();
  const heads = [];
  const source = new EventSource(new URL(path, test.base_url), { fetch: cutting(heads) });
  const heard = await closed(source).finally(() => source.close());
  check(heads, heard);
  return accumulate(each(heard), seen);
}

/** The plain call; of a refusal only what an event could say too. */
async function* direct(test) {
  const answer = await call(test, "POST", "/v1/messages", { ...test.body, stream: true }).catch((error) => error);
  if (answer instanceof Refused) Object.assign(answer, { status: undefined, headers: undefined });
  if (answer instanceof Error) throw answer;
  yield* events(answer);
}

function* each(heard) {
  for (const { type, data } of heard) {
    if (type === "error") throw new Refused(data);
    yield JSON.parse(data);
  }
}

/** Everything that it was handed until the answer to a connection was 204. */
function closed(source) {
  const heard = [];
  for (const name of [...NAMES, "message_stop", "error"]) {
    source.addEventListener(name, (event) => event.data && heard.push(event));
  }
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no 204 in time, after ${heard.length} events`)), LIMIT_MS).unref();
    source.addEventListener("error", ({ code, message }) => {
      if (source.readyState !== EventSource.CLOSED) return;
      if (code === 204) resolve(heard);
      else reject(new Error(`closed by ${code}: ${message}`));
    });
  });
}

/** Each connection but the first told where it was, and a long answer took more than one. */
function check(heads, heard) {
  const size = heard.reduce((sum, { data }) => sum + data.length, 0);
  const cuts = Math.min(CUTS, Math.floor(size / CUT_BYTES));
  if (heads.length < cuts + 2) throw new Error(`${heads.length} connections for ${size} bytes`);
  if (heads.some((id, index) => Boolean(id) !== index > 0)) throw new Error(`connections without an id: ${heads}`);
}

/** A `fetch` with the client's key, whose first answers begin with a short `retry:` and break off in an event. */
function cutting(heads) {
  return async (url, init) => {
    heads.push(init.headers["Last-Event-ID"]);
    const response = await fetch(url, { ...init, headers: { ...init.headers, "x-api-key": KEY } });
    if (response.status !== 200) return response;
    return new Response(response.body.pipeThrough(cut(heads.length <= CUTS ? CUT_BYTES : Infinity)), response);
  };
}

function cut(limit_bytes) {
  let left = limit_bytes;
  return new TransformStream({
    start: (controller) => controller.enqueue(RETRY),
    transform: (bytes, controller) => {
      controller.enqueue(bytes.subarray(0, Math.max(left, 0)));
      left -= bytes.length;
      if (left <= 0) controller.error(new Error("cut"));
    },
  });
}

await drive({ eventsource: { stream } });
