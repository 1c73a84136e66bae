/**
 * The packages that these drivers use, from where `npm ci` puts them.
 *
 * Invariant: each is the package's own entry for `import`, unmodified.
 * Does not know: what is done with them.
 */

export { default as Anthropic } from "../../node/node_modules/@anthropic-ai/sdk/index.mjs";
export { betaTool } from "../../node/node_modules/@anthropic-ai/sdk/helpers/beta/json-schema.mjs";
export { EventSource } from "../../node/node_modules/eventsource/dist/index.js";
export { EventSourceParserStream } from "../../node/node_modules/eventsource-parser/dist/stream.js";
