/**
 * The official TypeScript SDK in its three forms: `create`, the `stream` helper, and `beta` with its tool runner.
 *
 * Invariant: the SDK is as published; an outcome is what it handed to the application.
 * Does not know: whether a gateway or the API itself answers.
 */

import { accumulate, loop, note, show } from "./accumulate.mjs";
import { KEY, LIMIT_MS, drive, outcomeOf } from "./driver.mjs";
import { Anthropic, betaTool } from "./packages.mjs";

/** A client object of the case's own, or the one that its calls share. */
function sdk({ shared, base_url: baseURL, auth, max_retries: maxRetries }) {
  const key = auth === "bearer" ? { apiKey: null, authToken: KEY } : { apiKey: KEY, authToken: null };
  return shared ?? new Anthropic({ baseURL, maxRetries, timeout: LIMIT_MS, ...key });
}

const options = ({ headers, query }) => ({ headers, query });
const streaming = (body) => ({ ...body, stream: true });

/** One call that does not stream; `part` picks `messages` or `beta.messages`. */
const message = (part) => async (test, seen) => {
  const answer = await part(sdk(test)).messages.create(test.body, options(test)).withResponse();
  show(answer.data, seen).request_id = Boolean(answer.request_id);
};

async function stream(test, seen) {
  const answer = await sdk(test).messages.create(streaming(test.body), options(test)).withResponse();
  seen.request_id = Boolean(answer.request_id);
  await accumulate(answer.data, seen);
}

async function cancel(test, seen) {
  const answer = await sdk(test).messages.create(streaming(test.body), options(test));
  const part = await accumulate(answer, {}, ({ pieces }) => pieces >= test.after); // leaving the loop aborts the call
  seen.text = part.text;
}

const toolLoop = (test, seen) =>
  loop(test, seen, async (body, into) =>
    accumulate(await sdk(test).messages.create(streaming(body), options(test)), into),
  );

/** The helper's own final message, and what it said on the way. */
const helped = (part) => async (test, seen) => listen(part(sdk(test)).messages.stream(test.body, options(test)), seen);

async function listen(answer, seen) {
  Object.assign(seen, { events: [], pieces: 0, text: "" });
  answer.on("streamEvent", (event) => note(event, seen));
  answer.on("text", (delta) => (seen.text += delta));
  show(await answer.finalMessage(), seen).request_id = Boolean(answer.request_id);
  return seen;
}

async function helpedCancel(test, seen) {
  const answer = sdk(test).messages.stream(test.body, options(test));
  const pieces = [];
  answer.on("text", (delta) => pieces.push(delta) >= test.after && answer.abort());
  await answer.done().catch((error) => {
    if (!answer.aborted) throw error;
  });
  seen.text = pieces.slice(0, test.after).join("");
}

const helpedLoop = (test, seen) =>
  loop(test, seen, (body, into) => listen(sdk(test).messages.stream(body, options(test)), into));

/** The SDK's own runner of tools, streaming. */
async function run(test, seen) {
  const calls = [];
  const tool = ({ input_schema: inputSchema, ...rest }) =>
    betaTool({ ...rest, inputSchema, run: (input) => calls.push({ name: rest.name, input }) && test.tool_result });
  const body = { ...streaming(test.body), tools: test.body.tools.map(tool) };
  const reasons = [];
  for await (const turn of sdk(test).beta.messages.toolRunner(body, options(test))) {
    reasons.push((await listen(turn, seen)).stop_reason);
  }
  Object.assign(seen, { tools: calls, stop_reasons: reasons });
}

const parallel = (one) => async (test, seen) => {
  const shared = sdk(test);
  const ask = (body) => outcomeOf((part) => one({ ...test, shared, body }, part));
  seen.parts = await Promise.all(test.bodies.map(ask));
};

const countTokens = (part) => async (test, seen) => {
  Object.assign(seen, await part(sdk(test)).messages.countTokens(test.body, options(test)));
};

/** Every page, as the SDK turns them. */
const models = (part) => async (test, seen) => {
  seen.models = [];
  const { headers, query, limit } = test;
  for await (const { id } of part(sdk(test)).models.list({ ...query, limit }, { headers })) seen.models.push(id);
};

const model = (part) => async (test, seen) => {
  seen.model = await part(sdk(test)).models.retrieve(test.model, {}, options(test));
};

const plain = (client) => client;
const beta = (client) => client.beta;
const lookups = (part) => ({ count_tokens: countTokens(part), models: models(part), model: model(part) });

await drive({
  "@anthropic-ai/sdk create": {
    message: message(plain),
    stream,
    cancel,
    tool_loop: toolLoop,
    parallel: parallel(stream),
    ...lookups(plain),
  },
  "@anthropic-ai/sdk stream": {
    stream: helped(plain),
    cancel: helpedCancel,
    tool_loop: helpedLoop,
    parallel: parallel(helped(plain)),
  },
  "@anthropic-ai/sdk beta": {
    message: message(beta),
    stream: helped(beta),
    tool_loop: run,
    parallel: parallel(helped(beta)),
    ...lookups(beta),
  },
});
