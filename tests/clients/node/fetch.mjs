/**
 * Plain `fetch` with a parser of server-sent events, as an application without the SDK does it.
 *
 * Invariant: an outcome has the status, the headers that the API's clients read, and the data of every event as text.
 * Does not know: whether a gateway or the API itself answers.
 */

import { accumulate, loop, show } from "./accumulate.mjs";
import { drive, outcomeOf } from "./driver.mjs";
import { call, events } from "./http.mjs";

const MESSAGES = "/v1/messages";

/** The headers that the API adds, by name: most values are of the moment. */
function head({ headers }, seen) {
  const told = [...headers.keys()].filter((name) => name.startsWith("anthropic-"));
  Object.assign(seen, { headers: told, content_type: headers.get("content-type") });
  seen.request_id = headers.has("request-id");
  return seen;
}

async function message(test, seen) {
  const response = await call(test, "POST", MESSAGES, test.body);
  show(await response.json(), head(response, seen));
}

async function stream(test, seen) {
  const response = await call(test, "POST", MESSAGES, { ...test.body, stream: true });
  seen.data = [];
  await accumulate(events(response, seen.data), head(response, seen));
}

async function cancel(test, seen) {
  const leaving = new AbortController();
  const response = await call(test, "POST", MESSAGES, { ...test.body, stream: true }, leaving.signal);
  seen.text = (await accumulate(events(response), {}, ({ pieces }) => pieces >= test.after)).text;
  leaving.abort();
}

const toolLoop = (test, seen) =>
  loop(test, seen, async (body, into) =>
    accumulate(events(await call(test, "POST", MESSAGES, { ...body, stream: true })), into),
  );

async function parallel(test, seen) {
  seen.parts = await Promise.all(test.bodies.map((body) => outcomeOf((part) => stream({ ...test, body }, part))));
}

async function countTokens(test, seen) {
  Object.assign(seen, await (await call(test, "POST", `${MESSAGES}/count_tokens`, test.body)).json());
}

async function models(test, seen) {
  seen.models = [];
  const query = { ...test.query, limit: test.limit };
  for (let page = { has_more: true }; page.has_more; query.after_id = page.last_id) {
    page = await (await call({ ...test, query }, "GET", "/v1/models")).json();
    seen.models.push(...page.data.map(({ id }) => id));
  }
}

async function model(test, seen) {
  seen.model = await (await call(test, "GET", `/v1/models/${encodeURIComponent(test.model)}`)).json();
}

await drive({
  fetch: { message, stream, cancel, tool_loop: toolLoop, parallel, count_tokens: countTokens, models, model },
});
