/* The server, as the page uses it. The only file that knows an address.
 *
 * Invariant: whatever goes wrong is a `Refused` (the server answered with an error) or a `Lost` (it did not answer).
 * Does not know: the document.
 */

import { readKey } from "./key.js";
import { events } from "./sse.js";

const ANSWER_MS = 30_000;
const VERSION = { "anthropic-version": "2023-06-01" };

/** The server answered with an error. */
export class Refused extends Error {
  constructor(status, body, requestId) {
    super(body?.error?.message ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body?.error?.details?.error_code ?? "";
    this.requestId = body?.request_id ?? requestId ?? "";
  }
}

/** The server could not be reached, or broke off. */
export class Lost extends Error {}

/** Whether to ask again later can change anything. */
export const isPassing = (error) => error instanceof Lost || (error instanceof Refused && (error.status >= 500 || error.status === 429));

export const listConversations = (page) => json("GET", "/v1/conversations" + query({ limit: 50, page }));
export const readConversation = (id) => json("GET", `/v1/conversations/${encodeURIComponent(id)}`);
export const createConversation = (fields, signal) => json("POST", "/v1/conversations", fields, { signal });
export const removeConversation = (id) => json("DELETE", `/v1/conversations/${encodeURIComponent(id)}`);
/** `once` makes it one message, however often it is sent. */
export const sendMessage = (id, fields, once, signal) =>
  json("POST", `/v1/conversations/${encodeURIComponent(id)}/messages`, fields, { headers: { "idempotency-key": once }, signal });
export const cancelJob = (id) => json("POST", `/v1/jobs/${encodeURIComponent(id)}/cancel`);
export const readJob = (id) => json("GET", `/v1/jobs/${encodeURIComponent(id)}`);
export const listAssistants = async () => (await json("GET", "/v1/assistants")).data;
export const listModels = async () => (await json("GET", "/v1/models?limit=100", undefined, { headers: VERSION })).data;

/** Where a program on another machine finds this server, for examples to copy. */
export const addresses = {
  base: location.origin,
  messages: `${location.origin}/v1/messages`,
  chat: `${location.origin}/chat`,
};

/** The events of a job after `lastEventId`, as an async generator; null if none is left. */
export async function openEvents(jobId, lastEventId, signal) {
  const headers = lastEventId ? { "last-event-id": lastEventId } : {};
  const response = await answered("GET", `/v1/jobs/${encodeURIComponent(jobId)}/events`, { headers, signal });
  return response.status === 204 ? null : events(response.body);
}

async function json(method, path, body, { headers = {}, signal: left } = {}) {
  const all = body === undefined ? headers : { ...headers, "content-type": "application/json" };
  const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_MS), ...(left ? [left] : [])]);
  const response = await answered(method, path, { body: body && JSON.stringify(body), headers: all, signal });
  try {
    return await response.json();
  } catch {
    throw new Lost("The server's answer broke off.");
  }
}

async function answered(method, path, { body, headers, signal }) {
  const key = readKey();
  const all = key ? { ...headers, "x-api-key": key } : headers;
  let response;
  try {
    response = await fetch(path, { method, body, signal, headers: all, cache: "no-store" });
  } catch {
    throw new Lost("The server cannot be reached.");
  }
  if (response.ok) return response;
  throw new Refused(response.status, await response.json().catch(() => null), response.headers.get("request-id"));
}

function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
