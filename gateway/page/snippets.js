/* A conversation as a program that a person can run: curl, Python, TypeScript.
 *
 * Invariant: no key is ever in a program, and every text in it is quoted so that it is what was said.
 * Does not know: the document.
 */

import { addresses } from "./api.js";

const MODEL = "claude-sonnet-5-5";
const MAX_TOKENS = 1024;

/** The programs there are. `asked` is {model, assistant, messages}: the last message is the one to answer. */
export const SNIPPETS = [
  { name: "curl", of: (asked) => (asked.assistant ? chatCurl(asked) : curl(asked)) },
  { name: "Python", of: (asked) => (asked.assistant ? chatPython(asked) : python(asked)) },
  { name: "TypeScript", of: (asked) => (asked.assistant ? chatTypeScript(asked) : typeScript(asked)) },
];

const messagesBody = ({ model, messages }) => ({ model: model || MODEL, max_tokens: MAX_TOKENS, messages });
const chatBody = ({ assistant, messages }) => ({ assistant, message: messages.at(-1).content });
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
/* JSON is Python and TypeScript for strings, numbers, lists and objects. */
const literal = (value, indent) => JSON.stringify(value, null, 4).replaceAll("\n", `\n${indent}`);

function curl(asked) {
  return `curl -N ${addresses.messages} \\
  -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \\
  -H "x-api-key: $SLUICE_API_KEY" \\
  -d ${shell(JSON.stringify({ ...messagesBody(asked), stream: true }, null, 2))}
`;
}

function python(asked) {
  const { model, max_tokens, messages } = messagesBody(asked);
  return `import os

import anthropic

client = anthropic.Anthropic(base_url="${addresses.base}", api_key=os.environ.get("SLUICE_API_KEY", "any"))
with client.messages.stream(
    model=${literal(model, "")},
    max_tokens=${max_tokens},
    messages=${literal(messages, "    ")},
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
`;
}

function typeScript(asked) {
  const { model, max_tokens, messages } = messagesBody(asked);
  return `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "${addresses.base}", apiKey: process.env.SLUICE_API_KEY ?? "any" });
const stream = client.messages.stream({
  model: ${literal(model, "")},
  max_tokens: ${max_tokens},
  messages: ${literal(messages, "  ")},
});
for await (const event of stream) {
  if (event.type === "content_block_delta" && event.delta.type === "text_delta") process.stdout.write(event.delta.text);
}
`;
}

function chatCurl(asked) {
  return `curl -N ${addresses.chat} \\
  -H 'content-type: application/json' -H "x-api-key: $SLUICE_API_KEY" \\
  -d ${shell(JSON.stringify(chatBody(asked), null, 2))}
`;
}

function chatPython(asked) {
  return `import os
import urllib.request
import json

body = ${literal(chatBody(asked), "")}
headers = {"content-type": "application/json", "x-api-key": os.environ.get("SLUICE_API_KEY", "any")}
request = urllib.request.Request("${addresses.chat}", json.dumps(body).encode(), headers)
with urllib.request.urlopen(request) as answer:
    for line in answer:
        print(line.decode(), end="", flush=True)
`;
}

function chatTypeScript(asked) {
  return `const answer = await fetch("${addresses.chat}", {
  method: "POST",
  headers: { "content-type": "application/json", "x-api-key": process.env.SLUICE_API_KEY ?? "any" },
  body: JSON.stringify(${literal(chatBody(asked), "  ")}),
});
for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) process.stdout.write(text);
`;
}
