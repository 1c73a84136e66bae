/* An answer as it grows: Claude's events in, content blocks and figures out.
 *
 * Invariant: a plain value; what was taken can be kept as JSON with the position, and gone on with from there.
 * Does not know: the network, the document.
 */

const CHARACTERS_A_TOKEN = 4;

/** An answer to a message that was sent at `sentAt` (ms), or without one when that is not known. */
export function newAnswer(sentAt = null) {
  return { blocks: [], model: "", usage: {}, stopReason: "", error: null, state: "waiting", queue: null, sentAt, firstAt: null, lastAt: null, characters: 0 };
}

/** The answer of a message as the server keeps it. */
export function keptAnswer(message) {
  const content = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
  const blocks = content.map((block) => ({ ...block, closed: true }));
  const early = message.error_code === "cancelled" ? "stopped" : "interrupted";
  const state = message.state === "interrupted" ? early : "complete";
  return { ...newAnswer(), blocks, state, model: message.model ?? "", usage: message.usage ?? {}, stopReason: message.stop_reason ?? "" };
}

/** Let one event of the stream do what it says. `now` in ms. */
export function take(answer, event, now) {
  const data = parsedJson(event.data);
  const does = EFFECTS[event.name];
  if (does && data) does(answer, data, now);
}

const EFFECTS = {
  ping(answer, data) {
    if (answer.state === "waiting") answer.queue = data.queue_position ?? null;
  },
  message_start(answer, data) {
    answer.state = "asked";
    answer.queue = null;
    answer.model = data.message?.model ?? "";
    answer.usage = { ...data.message?.usage, output_tokens: null };
  },
  content_block_start(answer, data) {
    answer.blocks[data.index] = { text: "", thinking: "", json: "", closed: false, ...data.content_block };
    answer.state = "writing";
  },
  content_block_delta(answer, data, now) {
    const [block, delta] = [answer.blocks[data.index], data.delta];
    const piece = delta.text ?? delta.thinking ?? delta.partial_json ?? "";
    if (!block) return;
    if (delta.type === "text_delta") block.text += piece;
    if (delta.type === "thinking_delta") block.thinking += piece;
    if (delta.type === "input_json_delta") block.json += piece;
    answer.characters += piece.length;
    answer.firstAt ??= now;
    answer.lastAt = now;
  },
  content_block_stop(answer, data) {
    const block = answer.blocks[data.index];
    if (!block) return;
    block.closed = true;
    if (block.json) block.input = parsedJson(block.json) ?? block.json;
  },
  message_delta(answer, data) {
    answer.stopReason = data.delta?.stop_reason ?? "";
    answer.usage = { ...answer.usage, ...data.usage };
  },
  message_stop(answer) {
    end(answer, "complete");
  },
  error(answer, data) {
    const { message, details } = data.error ?? {};
    answer.error = { message: message ?? "The answer broke off.", code: details?.error_code ?? "", requestId: data.request_id ?? "" };
    end(answer, answer.error.code === "cancelled" ? "stopped" : "interrupted");
  },
};

function end(answer, state) {
  answer.state = state;
  answer.queue = null;
  for (const block of answer.blocks) if (block) block.closed = true;
}

/** Whether nothing more will come. */
export function hasEnded(answer) {
  return ["complete", "stopped", "interrupted"].includes(answer.state);
}

/** What the person reads in it, as Markdown. */
export function textOf(answer) {
  return answer.blocks.filter((block) => block?.type === "text").map((block) => block.text).join("\n\n");
}

/** {firstMs, tokens, exact, perSecond}: each null if it is not known. `exact`: the tokens are Claude's own count. */
export function figures(answer) {
  const counted = hasEnded(answer) ? (answer.usage.output_tokens ?? null) : null;
  const tokens = counted ?? (answer.characters ? Math.max(1, Math.round(answer.characters / CHARACTERS_A_TOKEN)) : null);
  const timed = answer.sentAt !== null && answer.firstAt !== null;
  const spanMs = timed ? answer.lastAt - answer.firstAt : 0;
  return {
    firstMs: timed ? answer.firstAt - answer.sentAt : null,
    tokens,
    exact: counted !== null,
    perSecond: tokens !== null && spanMs > 200 ? tokens / (spanMs / 1000) : null,
  };
}

function parsedJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
