/**
 * A stream of Claude's events put together by hand, as an application without a helper does it.
 *
 * Invariant: what was seen is in `seen` as soon as it has come, so a failure leaves it there.
 * Does not know: how the events travelled.
 */

/** Put each event into `seen`, up to the end; `stop` is asked after each and ends it early. Answers `seen`. */
export async function accumulate(events, seen, stop = () => false) {
  Object.assign(seen, { text: "", pieces: 0, events: [], blocks: [] });
  for await (const event of events) {
    add(event, seen);
    if (stop(seen)) break;
  }
  return seen;
}

/** Two calls, the second with the results of the tools that the first asked for. */
export async function loop({ body, tool_result: content }, seen, ask) {
  const first = await ask(body, {});
  const results = first.blocks
    .filter(({ type }) => type === "tool_use")
    .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content }));
  const turns = [
    { role: "assistant", content: first.blocks },
    { role: "user", content: results },
  ];
  const second = await ask({ ...body, messages: [...body.messages, ...turns] }, seen);
  seen.tools = [...(first.tools ?? []), ...(second.tools ?? [])];
  seen.stop_reasons = [first.stop_reason, second.stop_reason];
}

/** Show a whole message under the names of an outcome. */
export function show(message, seen) {
  const { content, usage, stop_reason, stop_sequence } = message;
  const text = content.map((block) => block.text ?? "").join("");
  const tools = content.filter(({ type }) => type === "tool_use").map(({ name, input }) => ({ name, input }));
  return Object.assign(seen, { text, blocks: content, tools, usage, stop_reason, stop_sequence });
}

/** Note an event's type, and whether it brought text. */
export function note(event, seen) {
  seen.events.push(event.type);
  if (event.delta?.type === "text_delta") seen.pieces += 1;
}

function add(event, seen) {
  if (event.type === "ping") return;
  note(event, seen);
  switch (event.type) {
    case "message_start":
      seen.usage = event.message.usage;
      break;
    case "content_block_start":
      seen.blocks[event.index] = { ...event.content_block, json: "" };
      break;
    case "content_block_delta":
      grow(seen.blocks[event.index], event.delta, seen);
      break;
    case "content_block_stop":
      finish(seen.blocks[event.index], seen);
      break;
    case "message_delta":
      Object.assign(seen, event.delta, { usage: { ...seen.usage, ...event.usage } });
  }
}

function grow(block, delta, seen) {
  if (delta.type === "text_delta") {
    block.text += delta.text;
    seen.text += delta.text;
  } else if (delta.type === "thinking_delta") block.thinking += delta.thinking;
  else if (delta.type === "signature_delta") block.signature = delta.signature;
  else if (delta.type === "input_json_delta") block.json += delta.partial_json;
  else if (delta.type === "citations_delta") (block.citations ??= []).push(delta.citation);
}

function finish(block, seen) {
  if (block.json) block.input = JSON.parse(block.json);
  delete block.json;
  if (block.type === "tool_use") (seen.tools ??= []).push({ name: block.name, input: block.input });
}
