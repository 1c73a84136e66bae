/* Server-sent events out of a stream of bytes.
 *
 * Invariant: an event is answered whole or not at all; lines end with CR LF, LF or CR and with nothing else.
 * Does not know: addresses, what the events mean.
 */

/** The events of a body, each {id, name, data}. `id` is "" for an event that has none of its own. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const ends = text.endsWith("\r") ? text.length - 1 : text.length; // its LF may follow
      const lines = text.slice(0, ends).split(/\r\n|\n|\r/);
      const blank = lines.lastIndexOf("", lines.length - 2);
      if (blank < 0) continue;
      text = lines.slice(blank + 1).join("\n") + text.slice(ends);
      yield* dispatched(lines.slice(0, blank + 1));
    }
  } finally {
    reader.cancel().catch(() => undefined); // what is read no further is closed
  }
}

function* dispatched(lines) {
  let event = { id: "", name: "message", data: [] };
  for (const line of lines) {
    if (line === "") {
      if (event.data.length) yield { ...event, data: event.data.join("\n") };
      event = { id: "", name: "message", data: [] };
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "id") event.id = value;
    if (field === "event") event.name = value;
    if (field === "data") event.data.push(value);
  }
}
