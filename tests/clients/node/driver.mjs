/**
 * What every driver in Node shares: cases in, one line of JSON out per case, as README.md beside this folder says.
 *
 * Invariant: each case has one outcome; what goes wrong, even unforeseen, is the outcome's `error`, and what the
 * application had seen until then stays beside it.
 * Does not know: which client is driven.
 */

import { readFileSync } from "node:fs";

export const KEY = "client-key";
export const LIMIT_MS = 30_000;
const SIDE_BY_SIDE = 16;

/** Run the cases of standard input. `clients` maps the name of a client to its kinds, and a kind to a function. */
export async function drive(clients) {
  const waiting = JSON.parse(readFileSync(0, "utf8")).cases.values();
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => lane(clients, waiting)));
}

async function lane(clients, waiting) {
  for (const { id, client, kind, ...test } of waiting) {
    const asked = { kind, ...withDefaults(test) };
    const outcome = await outcomeOf((seen) => clients[client][kind](asked, seen));
    process.stdout.write(`${JSON.stringify({ id, outcome })}\n`);
  }
}

const withDefaults = (test) => ({
  headers: {},
  query: {},
  auth: "x-api-key",
  max_retries: 0,
  after: 0,
  tool_result: "",
  limit: 20,
  ...test,
});

/** Run what fills `seen`; a failure becomes its error. */
export async function outcomeOf(run) {
  const seen = {};
  try {
    await run(seen);
  } catch (error) {
    seen.error = described(error);
    if (error.requestID ?? error.error?.request_id) seen.request_id = true;
  }
  return seen;
}

/** An exception as an application tells one from another. */
function described(error) {
  const { name, message, status, type, headers, cause } = error;
  const kind = error.constructor.name;
  const retry_after = headers?.get?.("retry-after") ?? undefined;
  return { class: kind === "Error" ? name : kind, message, status, type, retry_after, cause: cause?.message };
}
