/* What a reader sees of a tree: each character with the names of the elements around it, in order. */

const VOID = new Set(["br", "hr", "input"]);

export function flat(nodes, path = "") {
  return nodes.flatMap((node) => {
    if (typeof node === "string") return Array.from(node, (char) => `${path} ${char}`);
    const inside = `${path}>${node.tag}`;
    if (VOID.has(node.tag)) return [inside];
    if (node.tag === "pre") return Array.from(node.text, (char) => `${inside} ${char}`);
    return flat(node.children, inside);
  });
}

/** The text alone. */
export function seen(nodes) {
  return flat(nodes)
    .map((entry) => (entry.includes(" ") ? entry.slice(entry.indexOf(" ") + 1) : ""))
    .join("");
}
