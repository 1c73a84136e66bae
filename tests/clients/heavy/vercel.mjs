/**
 * The Vercel AI SDK with its Anthropic provider: `generateText` and `streamText`, their steps, tools and reasoning.
 *
 * Invariant: a case's body is said in the SDK's own words, and an outcome is in its own words too.
 * Does not know: whether a gateway or the API itself answers; what the SDK sends for it.
 */

import { createAnthropic } from "@ai-sdk/anthropic";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { KEY, LIMIT_MS, drive, outcomeOf } from "../node/driver.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false; // they would go to the lines that the suite reads

function provider({ shared, base_url, auth }) {
  const key = auth === "bearer" ? { authToken: KEY } : { apiKey: KEY };
  return shared ?? createAnthropic({ baseURL: `${base_url}/v1`, ...key });
}

/** What both calls of the SDK take for a case. */
function asked(test) {
  const { body, headers, max_retries: maxRetries } = test;
  const budgetTokens = body.thinking?.budget_tokens;
  const thinking = body.thinking && { type: body.thinking.type, budgetTokens };
  return {
    model: provider(test)(body.model),
    maxOutputTokens: body.max_tokens - (budgetTokens ?? 0), // the SDK adds the two
    temperature: body.temperature,
    stopSequences: body.stop_sequences,
    system: body.system,
    messages: body.messages.map(({ role, content }) => ({ role, content: spoken(content) })),
    tools: tools(test),
    providerOptions: { anthropic: { thinking, metadata: { userId: body.metadata?.user_id } } },
    headers,
    maxRetries,
    abortSignal: AbortSignal.timeout(LIMIT_MS),
  };
}

const spoken = (content) => (typeof content === "string" ? content : content.map(part));

function part(block) {
  if (block.type === "image") return { type: "image", image: block.source.data, mediaType: block.source.media_type };
  if (block.type !== "document") return block;
  const { data, media_type: mediaType } = block.source;
  const anthropic = { citations: block.citations };
  return { type: "file", data: new TextEncoder().encode(data), mediaType, providerOptions: { anthropic } };
}

/** The application's tools; they are carried out only where a case has a result for them. */
function tools({ kind, body, tool_result }) {
  const execute = kind === "tool_loop" ? () => tool_result : undefined;
  const made = body.tools?.map(({ name, description, input_schema }) => [
    name,
    tool({ description, inputSchema: jsonSchema(input_schema), execute }),
  ]);
  return made && Object.fromEntries(made);
}

/** Names of an outcome, from what a finished step shows. */
function show(step, seen) {
  const { text, content, toolCalls, usage, finishReason: finish_reason, rawFinishReason: stop_reason } = step;
  const tools = toolCalls.map(({ toolName: name, input }) => ({ name, input }));
  const blocks = content.map(({ sourceId: _, id: __, ...block }) => block); // ids of the SDK's own making
  return Object.assign(seen, { text, blocks, tools, usage, stop_reason, finish_reason });
}

async function message(test, seen) {
  const answer = await generateText(asked(test)).catch(lastOf);
  show(answer, seen).request_id = "request-id" in answer.response.headers;
}

/** Of many tries the last one is shown, as one would be. */
function lastOf(error) {
  throw flat(error.lastError ?? error);
}

function flat(error) {
  const { statusCode: status, responseHeaders, data } = error;
  const headers = responseHeaders && new Headers(responseHeaders);
  const type = data?.error?.type ?? error.type;
  const described = { status, headers, type, requestID: headers?.get("request-id") };
  return Object.assign(error instanceof Error ? error : new Error(error.message ?? String(error)), described);
}

async function stream(test, seen) {
  const answer = streamText({ ...asked(test), stopWhen: stepCountIs(2), onError: () => {} });
  Object.assign(seen, { events: [], pieces: 0, text: "" });
  for await (const event of answer.fullStream) {
    if (event.type === "error") lastOf(event.error);
    hear(event, seen);
  }
  const steps = await answer.steps;
  show(steps.at(-1), seen).request_id = "request-id" in (steps.at(-1).response.headers ?? {});
  return steps;
}

function hear(event, seen) {
  seen.events.push(event.type);
  if (event.type !== "text-delta") return;
  seen.pieces += 1;
  seen.text += event.text;
}

async function toolLoop(test, seen) {
  const steps = await stream(test, seen);
  const calls = steps.flatMap(({ toolCalls }) => toolCalls);
  seen.tools = calls.map(({ toolName: name, input }) => ({ name, input }));
  seen.stop_reasons = steps.map(({ rawFinishReason }) => rawFinishReason);
}

async function cancel(test, seen) {
  const leaving = new AbortController();
  const answer = streamText({ ...asked(test), abortSignal: leaving.signal, onError: () => {} });
  const pieces = [];
  for await (const event of answer.fullStream) {
    if (event.type === "error") lastOf(event.error);
    if (event.type === "text-delta" && pieces.push(event.text) >= test.after) leaving.abort();
  }
  seen.text = pieces.slice(0, test.after).join("");
}

async function parallel(test, seen) {
  const shared = provider(test);
  const ask = (body) => outcomeOf((part) => stream({ ...test, shared, body }, part));
  seen.parts = await Promise.all(test.bodies.map(ask));
}

await drive({ "Vercel AI SDK": { message, stream, cancel, tool_loop: toolLoop, parallel } });
