/**
 * Claude's API over plain `fetch`: a call, and the events of its answer.
 *
 * Invariant: every call has a time limit; a refusal, by status or by `event: error`, is a `Refused`.
 * Does not know: what an application makes of the events.
 */

import { KEY, LIMIT_MS } from "./driver.mjs";
import { EventSourceParserStream } from "./packages.mjs";

/** A status other than 200, or an `event: error`. */
export class Refused extends Error {
  constructor(words, response) {
    const { error, request_id: requestID } = json(words) ?? {};
    super(error?.message ?? words);
    Object.assign(this, { type: error?.type, requestID, status: response?.status, headers: response?.headers });
  }
}

function json(words) {
  try {
    return JSON.parse(words);
  } catch {
    return undefined; // a page or a line of text: some part on the way has spoken, and not the API
  }
}

/** Call a path of the API; with `signal` the application may leave. */
export async function call({ base_url, auth, headers, query }, method, path, body, signal) {
  const key = auth === "bearer" ? { authorization: `Bearer ${KEY}` } : { "x-api-key": KEY };
  const url = new URL(base_url + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const response = await fetch(url, {
    method,
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", ...key, ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.any([AbortSignal.timeout(LIMIT_MS), ...(signal ? [signal] : [])]),
  });
  if (!response.ok) throw new Refused(await response.text(), response);
  return response;
}

/** The events of an answer, its pings left out; each one's data goes to `data` as it came. */
export async function* events(response, data = []) {
  const parsed = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { event, data: text } of parsed) {
    if (event === "ping") continue;
    if (event === "error") throw new Refused(text);
    data.push(text);
    yield JSON.parse(text);
  }
}
